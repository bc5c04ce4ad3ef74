#include "daemon.h"
#include "system.h"

/* The digits of the length are filled in when it is known. */
static const char head[] =
	"POST /portolan/v1/cni HTTP/1.1\r\n"
	"Host: portolan\r\n"
	"Content-Type: application/vnd.portolan.cni-call\r\n"
	"Connection: close\r\n"
	"Content-Length: 0000000000\r\n"
	"\r\n";

enum { head_length = sizeof(head) - 1, last_digit = head_length - 5 };

long daemon_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = text_length(path);
	long connection, result;

	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	connection = sys_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
	if (connection < 0)
		return connection;
	do
		result = sys_connect((int)connection, &address, sizeof(address));
	while (result == -EINTR);
	return result < 0 ? result : connection;
}

void request_begin(struct buffer *request, const char *type, char *const *environment)
{
	buffer_append(request, head, head_length);
	buffer_append(request, type, text_length(type) + 1);
	/* All of it: a plugin that the call delegates to has the caller's environment. */
	for (; *environment != NULL; environment++)
		buffer_append(request, *environment, text_length(*environment) + 1);
	buffer_append(request, "", 1);
}

/* Sends all of it. A daemon that ends the connection before it read all may have answered: that is found when its answer is read. */
static void send_all(int connection, const char *bytes, size_t length)
{
	while (length > 0) {
		long count = sys_send(connection, bytes, length);

		if (count == -EINTR)
			continue;
		if (count <= 0)
			return;
		bytes += count;
		length -= (size_t)count;
	}
}

/* Whether the line begins with the name, which is in small letters and ends with a colon. */
static bool has_name(const char *line, const char *end, const char *name)
{
	for (; *name != '\0'; line++, name++) {
		char letter = line < end ? *line : '\0';

		if ((letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter) != *name)
			return false;
	}
	return true;
}

/* The number that stands here behind blanks, or -1; no answer is longer than ten digits tell. */
static long number_at(const char *text, const char *end)
{
	long number = 0;
	int digits = 0;

	while (text < end && *text == ' ')
		text++;
	for (; text < end && *text >= '0' && *text <= '9' && digits < 10; text++, digits++)
		number = number * 10 + (*text - '0');
	return digits == 0 ? -1 : number;
}

/* The length that an answer's head tells of its body, or -1. */
static long body_length(const char *head_bytes, const char *end)
{
	static const char name[] = "content-length:";

	for (const char *line = head_bytes; line < end; line++)
		if (line[-1] == '\n' && has_name(line, end, name))
			return number_at(line + sizeof(name) - 1, end);
	return -1;
}

/* Reads more of an answer: 1, 0 at its end, or an error number below zero. */
static long read_more(struct buffer *bytes, int connection)
{
	long count;

	do
		count = sys_read(connection, bytes->bytes + bytes->length, bytes->room - bytes->length);
	while (count == -EINTR);
	if (count > 0)
		bytes->length += (size_t)count;
	return count > 0 ? 1 : count;
}

/* Whether it is an error in CNI's form, as far as its keys tell. */
static bool is_error(const char *bytes, size_t length)
{
	return length > 0 && bytes[0] == '{' && find(bytes, length, "\"code\":") != NULL && find(bytes, length, "\"msg\":") != NULL;
}

/* Reads an answer of the daemon: a head that tells its length, and so many bytes. */
static struct answer read_answer(int connection)
{
	static const char protocol[] = "HTTP/1.1 ";
	enum { protocol_length = sizeof(protocol) - 1 };
	struct buffer bytes = {0};
	size_t body = 0;
	long status = 0, length = 0;

	while (body == 0 || bytes.length - body < (size_t)length) {
		const char *end;

		if (!buffer_reserve(&bytes, 1 << 16))
			return (struct answer){.outcome = no_memory};
		if (read_more(&bytes, connection) <= 0)
			return (struct answer){.outcome = lost};
		if (body != 0)
			continue;
		if (bytes.length >= protocol_length && find(bytes.bytes, protocol_length, protocol) == NULL)
			return (struct answer){.outcome = foreign};
		end = find(bytes.bytes, bytes.length, "\r\n\r\n");
		if (end == NULL)
			continue;
		body = (size_t)(end - bytes.bytes) + 4;
		status = number_at(bytes.bytes + protocol_length, end);
		length = body_length(bytes.bytes + protocol_length, end + 2);
		if (length < 0)
			return (struct answer){.outcome = foreign};
	}
	if (status == 200)
		return (struct answer){answered, bytes.bytes + body, (size_t)length};
	if (is_error(bytes.bytes + body, (size_t)length))
		return (struct answer){refused, bytes.bytes + body, (size_t)length};
	return (struct answer){.outcome = foreign};
}

struct answer request_send(struct buffer *request, int connection)
{
	size_t length = request->length - head_length;

	if (request->failed)
		return (struct answer){.outcome = no_memory};
	for (char *digit = request->bytes + last_digit; length > 0; digit--, length /= 10)
		*digit = (char)('0' + length % 10);
	send_all(connection, request->bytes, request->length);
	return read_answer(connection);
}
