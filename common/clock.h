/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time that never goes back.
 */
#ifndef MIGOFF_COMMON_CLOCK_H
#define MIGOFF_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

/**
 * clock_now_ns() - CLOCK_MONOTONIC in nanoseconds.
 */
static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/**
 * clock_now_ms() - CLOCK_MONOTONIC in whole milliseconds.
 */
static inline int64_t clock_now_ms(void)
{
	return (int64_t)(clock_now_ns() / NSEC_PER_MSEC);
}

#endif
