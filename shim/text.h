/* Texts, and a buffer that grows. */
#ifndef PORTOLAN_TEXT_H
#define PORTOLAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes in memory of its own; starts as zeros. What fails for want of memory is told by `failed`, after all that was appended. */
struct buffer {
	char *bytes;
	size_t length;
	size_t room;
	bool failed;
};

/* Makes room for so many bytes more; false where there is none. */
bool buffer_reserve(struct buffer *buffer, size_t more);
void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_number(struct buffer *buffer, long number);
/* Appends everything that is read until the end; 0, or an error number below zero. */
long buffer_read_all(struct buffer *buffer, int fd);

size_t text_length(const char *text);
bool text_equal(const char *one, const char *other);
/* What follows the beginning, or NULL where the text begins otherwise. */
const char *text_after(const char *text, const char *beginning);
/* What follows the last slash. */
const char *base_name(const char *path);
/* Where the text stands among bytes, or NULL. */
const char *find(const char *bytes, size_t length, const char *text);
/* The system's words for an error number (above zero); its number where it is none that is met here. */
const char *error_words(int error);

void *memcpy(void *to, const void *from, size_t length);
void *memset(void *at, int byte, size_t length);

#endif
