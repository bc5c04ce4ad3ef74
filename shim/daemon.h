/* The daemon: a call is a POST on its socket, its answer what the plugin prints. */
#ifndef PORTOLAN_DAEMON_H
#define PORTOLAN_DAEMON_H

#include "text.h"

/* Connects to the daemon's socket; a file descriptor, or an error number below zero. */
long daemon_connect(const char *path);

/*
 * Begins a request: its head, the plugin's type and the variables of the environment that are CNI's. The configuration is appended after it; where it
 * begins is `length`.
 */
void request_begin(struct buffer *request, const char *type, char *const *environment);

/* What came of a request. */
enum outcome {
	/* The daemon did it: `bytes` are what is to be printed. */
	answered,
	/* The daemon refused: `bytes` are CNI's error. */
	refused,
	/* The connection ended without a whole answer. */
	lost,
	/* Whoever answered is not Portolan. */
	foreign,
	no_memory,
};

struct answer {
	enum outcome outcome;
	const char *bytes;
	size_t length;
};

/* Sends the request, the configuration included, and waits for its answer. */
struct answer request_send(struct buffer *request, int connection);

#endif
