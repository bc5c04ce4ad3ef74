/*
 * The kernel's calls that the plugin needs, without a C library: the library's start alone (it asks the processor for its features, which traps in a
 * virtual machine) takes eight times as long as the whole of VERSION without it. Of the library's headers only types and constants are used.
 *
 * Each call answers as the kernel does: a result, or an error number below zero.
 */
#ifndef PORTOLAN_SYSTEM_H
#define PORTOLAN_SYSTEM_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* SEEK_END */
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#if defined(__x86_64__)

static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#else
#error "the plugin is written for x86-64 and arm64; elsewhere `portolan cni install` writes its launcher for Node.js"
#endif

static inline _Noreturn void sys_exit(int status)
{
	for (;;)
		system_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

static inline long sys_open(const char *path, int flags)
{
	return system_call(SYS_openat, AT_FDCWD, (long)path, flags, 0, 0, 0);
}

static inline long sys_close(int fd)
{
	return system_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline long sys_read(int fd, void *into, size_t room)
{
	return system_call(SYS_read, fd, (long)into, (long)room, 0, 0, 0);
}

static inline long sys_pread(int fd, void *into, size_t room, long offset)
{
	return system_call(SYS_pread64, fd, (long)into, (long)room, offset, 0, 0);
}

static inline long sys_write(int fd, const void *from, size_t length)
{
	return system_call(SYS_write, fd, (long)from, (long)length, 0, 0, 0);
}

static inline long sys_seek(int fd, long offset, int whence)
{
	return system_call(SYS_lseek, fd, offset, whence, 0, 0, 0);
}

static inline long sys_duplicate(int fd, int as)
{
	return system_call(SYS_dup3, fd, as, 0, 0, 0, 0);
}

static inline long sys_memory_file(const char *name)
{
	return system_call(SYS_memfd_create, (long)name, MFD_CLOEXEC, 0, 0, 0, 0);
}

static inline long sys_socket(int family, int type)
{
	return system_call(SYS_socket, family, type, 0, 0, 0, 0);
}

static inline long sys_connect(int fd, const void *address, size_t length)
{
	return system_call(SYS_connect, fd, (long)address, (long)length, 0, 0, 0);
}

/* Sends on a socket; EPIPE is told and raises no signal. */
static inline long sys_send(int fd, const void *from, size_t length)
{
	return system_call(SYS_sendto, fd, (long)from, (long)length, MSG_NOSIGNAL, 0, 0);
}

static inline long sys_execute(const char *program, char *const *arguments, char *const *environment)
{
	return system_call(SYS_execve, (long)program, (long)arguments, (long)environment, 0, 0, 0);
}

/* New memory; the address, or an error. */
static inline long sys_map(size_t length)
{
	return system_call(SYS_mmap, 0, (long)length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Makes mapped memory larger, elsewhere if need be; the address, or an error. */
static inline long sys_enlarge(void *at, size_t length, size_t larger)
{
	return system_call(SYS_mremap, (long)at, (long)length, (long)larger, 1 /* MREMAP_MAYMOVE */, 0, 0);
}

#endif
