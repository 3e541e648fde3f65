/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nomem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "test.h"

/* Far more than anything makes that is tried. */
#define MOST 100000

static _Atomic long countdown;
static _Atomic bool has_failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);

static bool fails(void)
{
	long left = atomic_load(&countdown);

	while (left > 0 && !atomic_compare_exchange_weak(&countdown, &left, left - 1))
		;
	if (left != 1)
		return false;
	has_failed = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

void nomem_arm(long nth)
{
	has_failed = false;
	countdown = nth;
}

bool nomem_disarm(void)
{
	countdown = 0;
	return has_failed;
}

void nomem_each(bool (*body)(void))
{
	long nth = 0;

	do {
		EXPECT_TRUE(nth < MOST);
		nomem_arm(++nth);
	} while (body());
	EXPECT_TRUE(nth > 1);
}
