/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random numbers for programs that try inputs: the same so many inputs each time, so that a run says the
 * same as the one before. With MIGOFF_LONG it is others, for half a minute, and with MIGOFF_SEED those of
 * the run that has printed it.
 */
#ifndef MIGOFF_TESTS_FUZZ_H
#define MIGOFF_TESTS_FUZZ_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "clock.h"

#define FUZZ_LONG_MS 30000

struct fuzz {
	uint64_t state;
	unsigned long rounds;
	int64_t end_ms;		/* 0: after so many rounds */
};

static inline uint64_t fuzz_random(struct fuzz *f)
{
	f->state ^= f->state << 13;
	f->state ^= f->state >> 7;
	f->state ^= f->state << 17;
	return f->state * 0x2545f4914f6cdd1d;
}

static inline struct fuzz fuzz_begin(unsigned long rounds)
{
	const char *seed = getenv("MIGOFF_SEED"), *longer = getenv("MIGOFF_LONG");
	struct fuzz f = { .state = 1, .rounds = rounds };

	if (longer && *longer) {
		f.end_ms = clock_now_ms() + FUZZ_LONG_MS;
		if (getrandom(&f.state, 4, 0) < 0)
			perror("getrandom");
	}
	if (seed && *seed)
		f.state = strtoull(seed, NULL, 0);
	printf("MIGOFF_SEED=%" PRIu64 "\n", f.state);
	fflush(stdout);
	f.state = f.state * 0x9e3779b97f4a7c15 | 1;
	return f;
}

static inline bool fuzz_more(struct fuzz *f)
{
	if (!f->end_ms)
		return f->rounds-- > 0;
	return clock_now_ms() < f->end_ms;
}

#endif
