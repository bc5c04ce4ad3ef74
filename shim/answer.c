#include "answer.h"
#include "system.h"

/* src/cni/protocol/version.ts has the same; a test compares. */
static const char versions[] =
	"{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n";
static const char spoken[] = "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n";

enum { standard_output = 1, standard_error = 2 };

/* Writes all of it; whether that worked. */
static bool write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		long count = sys_write(fd, bytes, length);

		if (count == -EINTR)
			continue;
		if (count <= 0)
			return false;
		bytes += count;
		length -= (size_t)count;
	}
	return true;
}

int answer_bytes(const char *bytes, size_t length, int status)
{
	return write_all(standard_output, bytes, length) ? status : 1;
}

int answer_versions(void)
{
	return answer_bytes(versions, sizeof(versions) - 1, 0);
}

int answer_about(const char *type)
{
	struct buffer text = {0};

	buffer_append_text(&text, "CNI ");
	buffer_append_text(&text, type);
	buffer_append_text(&text, " plugin v" PORTOLAN_VERSION "\n");
	buffer_append_text(&text, spoken);
	if (text.failed)
		return 1;
	return write_all(standard_error, text.bytes, text.length) ? 0 : 1;
}

/* The length of the JSON string that begins here with its quote, with both quotes; 0 where it does not end. */
static size_t string_length(const char *json, size_t length)
{
	for (size_t at = 1; at < length; at++) {
		if (json[at] == '\\')
			at++;
		else if (json[at] == '"')
			return at + 1;
	}
	return 0;
}

static bool is_version_letter(char letter)
{
	return (letter >= '0' && letter <= '9') || letter == '.';
}

/* Appends the configuration's own cniVersion, the one that is no part of an inner object, where it has one of digits and dots. */
static void append_version(struct buffer *text, const char *json, size_t length)
{
	static const char key[] = "\"cniVersion\"";
	int depth = 0;

	for (size_t at = 0; at < length; at++) {
		size_t string = json[at] == '"' ? string_length(json + at, length - at) : 1;
		const char *value;
		size_t digits = 0;

		if (string == 0)
			return;
		depth += json[at] == '{' || json[at] == '[';
		depth -= json[at] == '}' || json[at] == ']';
		if (depth != 1 || string != sizeof(key) - 1 || find(json + at, string, key) == NULL) {
			at += string - 1;
			continue;
		}
		at += string;
		while (at < length && (json[at] == ':' || json[at] == ' ' || json[at] == '\t' || json[at] == '\n' || json[at] == '\r'))
			at++;
		value = json + at;
		while (at + 1 + digits < length && is_version_letter(value[1 + digits]))
			digits++;
		if (at == length || *value != '"' || digits == 0 || at + 1 + digits == length || value[1 + digits] != '"')
			return;
		buffer_append_text(text, "\"cniVersion\":");
		buffer_append(text, value, digits + 2);
		buffer_append_text(text, ",");
		return;
	}
}

/* Appends a text as the inside of a JSON string. */
static void append_escaped(struct buffer *text, const char *raw)
{
	static const char hex[] = "0123456789abcdef";

	for (; *raw != '\0'; raw++) {
		unsigned char letter = (unsigned char)*raw;

		if (letter < ' ') {
			buffer_append_text(text, "\\u00");
			buffer_append(text, &hex[letter >> 4], 1);
			buffer_append(text, &hex[letter & 15], 1);
			continue;
		}
		if (letter == '"' || letter == '\\')
			buffer_append_text(text, "\\");
		buffer_append(text, raw, 1);
	}
}

int answer_error(const struct buffer *request, size_t configuration, int code, const char *const *message)
{
	struct buffer text = {0};

	buffer_append_text(&text, "{");
	if (request->length > configuration)
		append_version(&text, request->bytes + configuration, request->length - configuration);
	buffer_append_text(&text, "\"code\":");
	buffer_append_number(&text, code);
	buffer_append_text(&text, ",\"msg\":\"");
	for (; *message != NULL; message++)
		append_escaped(&text, *message);
	buffer_append_text(&text, "\"}\n");
	if (text.failed)
		return 1;
	return answer_bytes(text.bytes, text.length, 1);
}
