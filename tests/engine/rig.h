/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine under test, with memory that it reaches, filled with known bytes.
 */
#ifndef MIGOFF_TESTS_ENGINE_RIG_H
#define MIGOFF_TESTS_ENGINE_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"

#define RIG_SIZE (UINT64_C(16) << 20)

/**
 * struct rig - The engine and its memory.
 * @e: the engine, RUNNING.
 * @src: RIG_SIZE bytes, not repeating themselves within any copy.
 * @dst: RIG_SIZE bytes, all RIG_BLANK.
 * @n_enqueued: items that rig_copy() has enqueued.
 */
struct rig {
	struct engine *e;
	struct dma_area src;
	struct dma_area dst;
	uint64_t n_enqueued;
};

#define RIG_BLANK 0xee

/* Opens the engine under test; each test program has its own. */
extern int (*rig_open_engine)(struct engine **ret, struct why *why);

/* Open and start, or fail the test. */
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/* Enqueue a copy between offsets into src and dst. Return: as engine_enqueue(). */
int rig_copy(struct rig *rig, uint64_t src, uint64_t dst, uint64_t len, uint64_t *ret_index);

/* Wait for @n results; fail the test when they do not come. */
void rig_collect(struct rig *rig, struct engine_result *ret, size_t n);

/* Wait for results, or for the failure of the engine. Return: as engine_completed(). */
int rig_wait(struct rig *rig, struct engine_result *ret, size_t n);

/* Whether that copy was made, byte by byte. */
bool rig_equal(const struct rig *rig, uint64_t src, uint64_t dst, uint64_t len);

/* Whether a part of dst is as at the beginning. */
bool rig_blank(const struct rig *rig, uint64_t dst, uint64_t len);

/* Make a part of dst as at the beginning. */
void rig_wipe(struct rig *rig, uint64_t dst, uint64_t len);

/*
 * Each result is of an index within [@from, @from + @n), none comes twice, and they are in order if
 * the engine says that they are.
 */
void rig_each_once(const struct rig *rig, const struct engine_result *results, size_t n,
		   uint64_t from);

/* How many descriptors are open, and always the same number more. */
unsigned int rig_count_fds(void);

#endif
