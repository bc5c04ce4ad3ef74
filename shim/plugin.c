/*
 * The CNI plugin that runtimes start: it hands environment and standard input to Portolan's daemon and prints the answer. VERSION it answers itself. Where
 * no daemon listens it becomes the program that does the call alone, and where the daemon goes away in the middle the same does what may be repeated.
 */
#include "answer.h"
#include "daemon.h"
#include "system.h"
#include "text.h"
#include "trailer.h"

/* The value of a variable, NULL where it is not set or empty. */
static const char *variable(char *const *environment, const char *name)
{
	for (; *environment != NULL; environment++) {
		const char *value = text_after(*environment, name);

		if (value != NULL && value[0] == '=' && value[1] != '\0')
			return value + 1;
	}
	return NULL;
}

/* Makes sure that no file opened later becomes a standard stream; whether that worked. */
static bool open_standard_streams(void)
{
	long fd;

	do
		fd = sys_open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	return fd >= 0 && sys_close((int)fd) == 0;
}

/* Makes bytes the standard input of the program that comes next: 0, or an error number below zero. */
static long give_input(const char *bytes, size_t length)
{
	long file = sys_memory_file("cni"), result;

	if (file < 0)
		return file;
	while (length > 0) {
		long count = sys_write((int)file, bytes, length);

		if (count < 0)
			return count;
		bytes += count;
		length -= (size_t)count;
	}
	result = sys_seek((int)file, 0, SEEK_SET);
	if (result < 0)
		return result;
	result = sys_duplicate((int)file, 0);
	return result < 0 ? result : 0;
}

/* Becomes the program that does a call without a daemon; returns an error number below zero where that fails. */
static long become_standalone(const struct trailer *trailer, const char *type, char *const *environment)
{
	const char *arguments[TRAILER_WORDS + 4];
	size_t count = 0;

	for (; trailer->command[count] != NULL; count++)
		arguments[count] = trailer->command[count];
	arguments[count++] = "cni";
	arguments[count++] = "plugin";
	arguments[count++] = type;
	arguments[count] = NULL;
	/* The kernel reads the words and changes none of them. */
	return sys_execute(arguments[0], (char *const *)arguments, environment);
}

/* A call: what it is made of, and where its configuration begins in the request. */
struct call {
	const char *type;
	char *const *environment;
	const char *socket;
	struct trailer trailer;
	struct buffer request;
	size_t configuration;
};

#define FAIL(call, code, ...) \
	answer_error(&(call)->request, (call)->configuration, code, (const char *const[]){__VA_ARGS__, NULL})

/* No daemon is there, or it went away: the call is done without one. */
static int do_alone(struct call *call)
{
	long error = become_standalone(&call->trailer, call->type, call->environment);

	return FAIL(call, cni_io_failure, "no daemon listens on ", call->socket, ", and ", call->trailer.command[0],
		    ", which does without one, cannot be started: ", error_words((int)-error));
}

/* The daemon went away and nobody knows how far it came. Everything but ADD may be repeated. */
static int do_after_loss(struct call *call)
{
	long error;

	if (text_equal(variable(call->environment, "CNI_COMMAND"), "ADD"))
		return FAIL(call, cni_try_again_later, "the daemon on ", call->socket,
			    " went away before it answered: DEL undoes what it did, then try ADD again");
	error = give_input(call->request.bytes + call->configuration, call->request.length - call->configuration);
	if (error < 0)
		return FAIL(call, cni_io_failure, "the daemon on ", call->socket,
			    " went away, and the configuration cannot be handed on: ", error_words((int)-error));
	return do_alone(call);
}

static int print_answer(struct call *call, struct answer answer)
{
	switch (answer.outcome) {
	case answered:
		return answer_bytes(answer.bytes, answer.length, 0);
	case refused:
		return answer_bytes(answer.bytes, answer.length, 1);
	case lost:
		return do_after_loss(call);
	case foreign:
		return FAIL(call, cni_io_failure, "the answer on ", call->socket, " is no CNI plugin's: another server, or an older Portolan, listens there");
	case no_memory:
		break;
	}
	return FAIL(call, cni_io_failure, "the call has no room in memory");
}

static int run_call(struct call *call)
{
	const char *wrong = trailer_read(&call->trailer);
	long connection, error;

	call->socket = variable(call->environment, "PORTOLAN_SOCKET");
	if (call->socket == NULL)
		call->socket = call->trailer.socket;
	connection = wrong == NULL ? daemon_connect(call->socket) : 0;
	/* Standard input was not touched: it is the next program's as it is. */
	if (connection == -ENOENT || connection == -ECONNREFUSED)
		return do_alone(call);

	request_begin(&call->request, call->type, call->environment);
	call->configuration = call->request.length;
	error = buffer_read_all(&call->request, 0);
	if (wrong != NULL)
		return FAIL(call, cni_io_failure, "this plugin cannot do its work: ", wrong);
	if (connection < 0)
		return FAIL(call, cni_io_failure, "cannot connect to ", call->socket, ": ", error_words((int)-connection));
	if (error < 0)
		return FAIL(call, cni_io_failure, "cannot read the configuration from standard input: ", error_words((int)-error));
	return print_answer(call, request_send(&call->request, (int)connection));
}

/* What the kernel hands to a program: a count, so many arguments, NULL, the environment, NULL. */
_Noreturn void plugin_start(long *stack)
{
	char **arguments = (char **)(stack + 1);
	char **environment = arguments + stack[0] + 1;
	const char *command = variable(environment, "CNI_COMMAND");
	/* Large, and zeros: outside the stack it costs nothing. */
	static struct call call;

	call.type = stack[0] == 0 ? "portolan" : base_name(arguments[0]);
	call.environment = environment;
	if (command == NULL)
		sys_exit(answer_about(call.type));
	if (text_equal(command, "VERSION"))
		sys_exit(answer_versions());
	sys_exit(open_standard_streams() ? run_call(&call) : 1);
}

/* The first instructions: the stack as the kernel made it becomes the argument of plugin_start. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall plugin_start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n\tbl plugin_start\n");
#endif
