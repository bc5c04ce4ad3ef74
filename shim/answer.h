/* What the plugin itself prints: its versions, and errors as CNI has them. */
#ifndef PORTOLAN_ANSWER_H
#define PORTOLAN_ANSWER_H

#include "text.h"

/* Numbers of errors (SPEC.md, "Error"). */
enum { cni_io_failure = 5, cni_try_again_later = 11 };

/* Each prints and gives the exit status. */
int answer_versions(void);
int answer_about(const char *type);
int answer_bytes(const char *bytes, size_t length, int status);
/* An error whose message is these texts one after another, up to NULL; its version is that of the configuration. */
int answer_error(const struct buffer *request, size_t configuration, int code, const char *const *message);

#endif
