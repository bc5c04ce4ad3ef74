/*
 * Starts a program as a CNI runtime does and times it, from before it is started until it has ended and its output was read: `stopwatch INPUT PROGRAM`. Prints the
 * nanoseconds and the exit status in a line, then what the program printed. A process of its own because starting one from Node.js takes longer than
 * what is measured.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char input[1 << 16], output[1 << 20];

static void need(int fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	exit(2);
}

int main(int count, char **arguments)
{
	posix_spawn_file_actions_t actions;
	struct timespec before, after;
	int to[2], from[2], file, status;
	ssize_t length, more;
	size_t printed = 0;
	pid_t child;

	need(count == 3, "stopwatch INPUT PROGRAM");
	file = open(arguments[1], O_RDONLY | O_CLOEXEC);
	need(file >= 0, arguments[1]);
	length = read(file, input, sizeof(input));
	need(length >= 0 && length < (ssize_t)sizeof(input), "input");

	need(clock_gettime(CLOCK_MONOTONIC, &before) == 0, "clock");
	need(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0, "pipe");
	need(posix_spawn_file_actions_init(&actions) == 0, "actions");
	need(posix_spawn_file_actions_adddup2(&actions, to[0], 0) == 0, "actions");
	need(posix_spawn_file_actions_adddup2(&actions, from[1], 1) == 0, "actions");
	need(posix_spawn(&child, arguments[2], &actions, NULL, arguments + 2, environ) == 0, arguments[2]);
	close(to[0]);
	close(from[1]);
	/* It fits into the pipe. A program that reads none of it may have ended. */
	signal(SIGPIPE, SIG_IGN);
	more = write(to[1], input, (size_t)length);
	close(to[1]);
	while ((more = read(from[0], output + printed, sizeof(output) - printed)) > 0)
		printed += (size_t)more;
	need(more == 0, "output");
	need(waitpid(child, &status, 0) == child, "wait");
	need(clock_gettime(CLOCK_MONOTONIC, &after) == 0, "clock");

	printf("%lld %d\n", (after.tv_sec - before.tv_sec) * 1000000000LL + (after.tv_nsec - before.tv_nsec),
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	fwrite(output, 1, printed, stdout);
	return 0;
}
