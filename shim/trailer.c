#include "trailer.h"
#include "system.h"
#include "text.h"

static const char magic[] = "\tPORTOLAN-CNI-1 ";

/* The magic words, eight digits and a line's end. */
enum { end_length = sizeof(magic) - 1 + 8 + 1 };

/* Words are split in place, so they stay here. */
static char tail[4096];

/* Reads the last bytes of this program's file; how many, or an error number below zero. */
static long read_tail(void)
{
	long fd = sys_open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	long size, count;

	if (fd < 0)
		return fd;
	size = sys_seek((int)fd, 0, SEEK_END);
	if (size < 0)
		return size;
	count = size < (long)sizeof(tail) ? size : (long)sizeof(tail);
	count = sys_pread((int)fd, tail, (size_t)count, size - count);
	if (count < 0)
		return count;
	return sys_close((int)fd) < 0 ? -EIO : count;
}

/* The length of the words that the end tells of, or -1 where this is no trailer's end. */
static long words_length(const char *end)
{
	const char *digits = text_after(end, magic);
	long length = 0;

	if (digits == NULL)
		return -1;
	for (int digit = 0; digit < 8; digit++) {
		if (digits[digit] < '0' || digits[digit] > '9')
			return -1;
		length = length * 10 + (digits[digit] - '0');
	}
	return length;
}

const char *trailer_read(struct trailer *trailer)
{
	long count = read_tail();
	long length;
	char *word, *end;
	size_t words = 0;

	if (count < 0)
		return error_words((int)-count);
	end = tail + count - end_length;
	length = count < end_length ? -1 : words_length(end);
	if (length < 0)
		return "it was not installed by `portolan cni install`";
	if (length > end - tail)
		return "its trailer is damaged";
	*end = '\0';
	word = end - length;
	trailer->socket = word;
	for (; *word != '\0'; word++) {
		if (*word != '\t')
			continue;
		*word = '\0';
		if (words + 1 == TRAILER_WORDS)
			return "its trailer has too many words";
		trailer->command[words++] = word + 1;
	}
	trailer->command[words] = NULL;
	return words == 0 ? "its trailer names no program" : NULL;
}
