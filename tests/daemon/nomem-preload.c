/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded: lets one allocation of the first thread fail, be it of the program or of a library. Which one is in the
 * memory file that the environment variable NOMEM_FD names.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* As test-memory.py has it. */
struct nomem {
	_Atomic int64_t countdown;	/* this one from now on; 0: none */
	_Atomic int64_t n_failed;
};

static struct nomem *shared;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

__attribute__((constructor)) static void begin(void)
{
	const char *fd = getenv("NOMEM_FD");
	void *p = fd ? mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0) : MAP_FAILED;

	if (p != MAP_FAILED)
		shared = p;
}

static int fails(void)
{
	if (!shared || atomic_load(&shared->countdown) == 0 || gettid() != getpid())
		return 0;
	if (atomic_fetch_sub(&shared->countdown, 1) != 1)
		return 0;
	atomic_fetch_add(&shared->n_failed, 1);
	errno = ENOMEM;
	return 1;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}
