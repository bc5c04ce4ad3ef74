#include "text.h"
#include "system.h"

/* Most calls fit, and what is not touched costs nothing. */
static const size_t first_room = 1 << 20;

bool buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t room = buffer->room == 0 ? first_room : buffer->room;
	long at;

	if (buffer->failed)
		return false;
	if (buffer->room - buffer->length >= more)
		return true;
	while (room - buffer->length < more)
		room *= 2;
	at = buffer->room == 0 ? sys_map(room) : sys_enlarge(buffer->bytes, buffer->room, room);
	/* Addresses of user space are above zero; the last page's worth of numbers are errors. */
	if (at < 0) {
		buffer->failed = true;
		return false;
	}
	buffer->bytes = (char *)at;
	buffer->room = room;
	return true;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	if (!buffer_reserve(buffer, length))
		return;
	memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, text, text_length(text));
}

void buffer_append_number(struct buffer *buffer, long number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	buffer_append(buffer, digits + at, sizeof(digits) - at);
}

long buffer_read_all(struct buffer *buffer, int fd)
{
	for (;;) {
		long count;

		if (!buffer_reserve(buffer, 1 << 16))
			return -ENOMEM;
		count = sys_read(fd, buffer->bytes + buffer->length, buffer->room - buffer->length);
		if (count == -EINTR)
			continue;
		if (count <= 0)
			return count;
		buffer->length += (size_t)count;
	}
}

size_t text_length(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0')
		length++;
	return length;
}

bool text_equal(const char *one, const char *other)
{
	const char *rest = text_after(one, other);

	return rest != NULL && *rest == '\0';
}

const char *text_after(const char *text, const char *beginning)
{
	while (*beginning != '\0')
		if (*text++ != *beginning++)
			return NULL;
	return text;
}

const char *base_name(const char *path)
{
	const char *name = path;

	for (; *path != '\0'; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

const char *find(const char *bytes, size_t length, const char *text)
{
	size_t wanted = text_length(text);

	for (size_t at = 0; at + wanted <= length; at++) {
		size_t same = 0;

		while (same < wanted && bytes[at + same] == text[same])
			same++;
		if (same == wanted)
			return bytes + at;
	}
	return NULL;
}

const char *error_words(int error)
{
	static char numbered[] = "error 0000";

	switch (error) {
	case EACCES:
		return "permission denied";
	case EPERM:
		return "operation not permitted";
	case ENOENT:
		return "no such file or directory";
	case ENOTDIR:
		return "not a directory";
	case ELOOP:
		return "too many levels of symbolic links";
	case ENAMETOOLONG:
		return "the path is too long for a socket";
	case ENOTSOCK:
	case EPROTOTYPE:
		return "it is no stream socket";
	case ECONNREFUSED:
		return "connection refused";
	case ENOEXEC:
		return "exec format error";
	case EBADF:
		return "it is not open";
	case EIO:
		return "input/output error";
	case EMFILE:
	case ENFILE:
		return "too many open files";
	case ENOMEM:
		return "out of memory";
	default:
		for (size_t digit = sizeof(numbered) - 2; digit > sizeof(numbered) - 6; digit--) {
			numbered[digit] = (char)('0' + error % 10);
			error /= 10;
		}
		return numbered;
	}
}

/* Keeps the compiler from making a call of the function of the function's own loop. */
#define KEEP_LOOP() __asm__ volatile("" ::: "memory")

/* The compiler writes calls of these two by itself. */
void *memcpy(void *to, const void *from, size_t length)
{
	char *target = to;
	const char *source = from;

	while (length-- > 0) {
		*target++ = *source++;
		KEEP_LOOP();
	}
	return to;
}

void *memset(void *at, int byte, size_t length)
{
	char *target = at;

	while (length-- > 0) {
		*target++ = (char)byte;
		KEEP_LOOP();
	}
	return at;
}
