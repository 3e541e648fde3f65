/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An eventfd that wakes another thread of this process; non-blocking, and nobody else has it.
 */
#ifndef MIGOFF_DAEMON_EVENT_H
#define MIGOFF_DAEMON_EVENT_H

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

/* Let it be readable. */
static inline void event_set(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof(one));

	/* Full is as good as written. */
	assert(n == sizeof(one) || errno == EAGAIN);
}

/* Let it be readable no more. */
static inline void event_clear(int fd)
{
	uint64_t n;
	ssize_t r = read(fd, &n, sizeof(n));

	assert(r == sizeof(n) || errno == EAGAIN);
}

#endif
