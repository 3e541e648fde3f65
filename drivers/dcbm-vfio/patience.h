/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a device that is to come to rest is waited for.
 */
#ifndef MIGOFF_DCBM_PATIENCE_H
#define MIGOFF_DCBM_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "clock.h"

/* With the pauses between them, some milliseconds. */
#define PATIENCE_LOOKS 100

/**
 * struct patience - One wait.
 * @until_ns: CLOCK_MONOTONIC; over is the time after it...
 * @looks: ...and so many looks: the time may have passed while this thread was kept from looking.
 */
struct patience {
	uint64_t until_ns;
	unsigned int looks;
};

static inline struct patience patience_for(uint64_t ns)
{
	return (struct patience){ .until_ns = clock_now_ns() + ns, .looks = PATIENCE_LOOKS };
}

/**
 * patience_left() - Pause before another look.
 * @p: the wait.
 *
 * Return: false, without a pause, when the time is over.
 */
static inline bool patience_left(struct patience *p)
{
	static const struct timespec pause = { .tv_nsec = 20 * NSEC_PER_USEC };

	if (p->looks)
		p->looks--;
	else if (clock_now_ns() > p->until_ns)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

#endif
