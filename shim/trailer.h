/* What `portolan cni install` appended to this program's file (src/cni/trailer.ts tells of its form). */
#ifndef PORTOLAN_TRAILER_H
#define PORTOLAN_TRAILER_H

/* More words than an installation gives. */
#define TRAILER_WORDS 16

struct trailer {
	/* Path of the daemon's socket. */
	const char *socket;
	/* The line that does a call without a daemon, up to NULL: a program's path and its first words. */
	const char *command[TRAILER_WORDS];
};

/* Reads the trailer; NULL, or why there is none. */
const char *trailer_read(struct trailer *trailer);

#endif
