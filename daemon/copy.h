/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copies of batches: given to engines, oldest batch first, and taken back when they take too long.
 *
 * A batch in COPYING is on the mover's list; it leaves it, by mover_commit(), when no engine has
 * anything of it any more.
 */
#ifndef MIGOFF_DAEMON_COPY_H
#define MIGOFF_DAEMON_COPY_H

#include <stdint.h>

#include "mover.h"

/**
 * copy_init() - Take the callbacks of the engines.
 * @m: the mover.
 */
void copy_init(struct mover *m);

/**
 * copy_begin() - Decide who copies a batch, and put it on the list.
 * @b: the batch, prepared.
 */
void copy_begin(struct batch *b);

/**
 * copy_feed() - Give the engines what they have room for.
 * @m: the mover.
 */
void copy_feed(struct mover *m);

/**
 * copy_check_slow() - Give to the CPU what engines did not copy in time.
 * @m: the mover.
 * @now_ns: the time.
 */
void copy_check_slow(struct mover *m, uint64_t now_ns);

/**
 * copy_next_time() - When copy_check_slow() has something to do.
 * @m: the mover.
 *
 * Return: CLOCK_MONOTONIC in nanoseconds, or UINT64_MAX.
 */
uint64_t copy_next_time(const struct mover *m);

#endif
