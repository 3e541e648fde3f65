/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells root about page frames, and folios of other sizes, for tests of the hook. */
#ifndef MIGOFF_TESTS_PAGELIB_H
#define MIGOFF_TESTS_PAGELIB_H

#include <stdbool.h>
#include <stdint.h>

#include "hooklib.h"

/* The frame of a page of the target's; 0 when it has none. */
uint64_t page_frame(const struct target *t, uint64_t va);
/* Whether it is what it was allocated as: a free one lies in the lists of free ones, or is unknown to them. */
bool frame_is_free(uint64_t frame);
/* Whether a memory error was reported of it. */
bool frame_is_poisoned(uint64_t frame);

/* For target_call(): madvise(2); 0, or a negative errno. */
long in_madvise(long addr, long len, long advice);
/*
 * Anonymous memory of @t on node 0, in folios of 64 KiB that small entries map; its address, or 0 when
 * this kernel has none of that size.
 */
long map_medium(struct target *t, long len);

#endif
