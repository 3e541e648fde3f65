/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the contract that is about copies that are taken together.
 */
#include "contract.h"

#include <errno.h>
#include <stdbool.h>

#include "macros.h"
#include "rig.h"
#include "test.h"

#define N 12
#define PIECE (UINT64_C(1) << 20)

/* Copies of a page each at the beginnings of pieces of 1 MiB; the sixth is of three pieces. */
static void fill(const struct rig *rig, struct engine_copy *ret)
{
	for (uint64_t i = 0; i < N; i++) {
		uint64_t at = (i > 5 ? i + 2 : i) * PIECE;

		ret[i] = (struct engine_copy) {
			.src = rig->src.iova + at,
			.dst = rig->dst.iova + at,
			.len = i == 5 ? 3 * PIECE : 4096,
		};
	}
}

static void check_copied(const struct rig *rig, const struct engine_copy *copies, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t at = copies[i].dst - rig->dst.iova;

		EXPECT_TRUE(rig_equal(rig, at, at, copies[i].len));
		if (copies[i].len < PIECE)
			EXPECT_TRUE(rig_blank(rig, at + 4096, PIECE - 4096));
	}
}

/* Each is made and reported once, those of several descriptors and those around them. */
static void test_array(void)
{
	struct engine_result results[N];
	struct engine_copy copies[N];
	struct engine_stats stats;
	struct rig rig;
	uint64_t index;

	rig_open(&rig);
	fill(&rig, copies);
	for (uint64_t round = 0; round < 3; round++) {
		rig_wipe(&rig, 0, RIG_SIZE);
		EXPECT_EQ(engine_enqueue_all(rig.e, copies, N, &index), N);
		EXPECT_EQ(index, round * N);
		EXPECT_EQ(engine_in_flight(rig.e), N);
		EXPECT_OK(engine_submit(rig.e));
		rig_collect(&rig, results, N);
		rig_each_once(&rig, results, N, round * N);
		for (size_t i = 0; i < N; i++)
			EXPECT_EQ(results[i].status, ENGINE_COPIED);
		check_copied(&rig, copies, N);
		EXPECT_EQ(engine_capacity(rig.e), engine_caps(rig.e)->ring_size);
	}
	engine_stats(rig.e, &stats);
	EXPECT_EQ(stats.items, 3 * N);
	EXPECT_EQ(stats.bytes, 3 * ((N - 1) * 4096 + 3 * PIECE));
	rig_close(&rig);
}

/* Taking ends before the first one that is refused, which takes no index; those before it are made. */
static void test_array_refused(void)
{
	struct engine_result results[N];
	struct engine_copy copies[N];
	struct rig rig;
	uint64_t index = 0;

	rig_open(&rig);
	for (size_t bad = 0; bad < N; bad++) {
		uint64_t from = index;

		fill(&rig, copies);
		copies[bad].len = 0;
		rig_wipe(&rig, 0, RIG_SIZE);
		EXPECT_EQ(engine_enqueue_all(rig.e, copies, N, &index), bad ? (int)bad : -EINVAL);
		EXPECT_EQ(engine_enqueue_all(rig.e, copies + bad, N - bad, &index), -EINVAL);
		copies[bad].dst = copies[bad].src;
		copies[bad].len = 4096;
		EXPECT_EQ(engine_enqueue_all(rig.e, copies + bad, N - bad, &index), -EINVAL);
		copies[bad].src = engine_caps(rig.e)->address_mask - 4095;
		copies[bad].len = 8192;
		EXPECT_EQ(engine_enqueue_all(rig.e, copies + bad, N - bad, &index), -ERANGE);
		EXPECT_EQ(engine_in_flight(rig.e), bad);
		EXPECT_EQ(index, from);
		EXPECT_OK(engine_submit(rig.e));
		rig_collect(&rig, results, bad);
		rig_each_once(&rig, results, bad, index);
		check_copied(&rig, copies, bad);
		index += bad;
	}
	rig_close(&rig);
}

/* Collect one by one: each time there is room for what lies before the oldest that is not reported. */
static void collect_watching_room(struct rig *rig, struct engine_result *ret, uint32_t n, uint64_t from)
{
	bool *reported = calloc(n, sizeof(*reported));
	uint32_t oldest = 0;

	EXPECT_TRUE(reported);
	for (uint32_t i = 0; i < n; i++) {
		rig_collect(rig, &ret[i], 1);
		EXPECT_TRUE(ret[i].index - from < n);
		reported[ret[i].index - from] = true;
		while (oldest < n && reported[oldest])
			oldest++;
		EXPECT_EQ(engine_in_flight(rig->e), n - oldest);
		EXPECT_EQ(engine_capacity(rig->e), engine_caps(rig->e)->ring_size - n + oldest);
	}
	free(reported);
}

/* As many are taken as there is room for, wherever in the ring it begins; a stop cancels all. */
static void test_array_too_long(void)
{
	struct engine_result *results;
	struct engine_copy *copies;
	uint64_t index, next = 0;
	struct rig rig;
	uint32_t n;

	rig_open(&rig);
	n = engine_caps(rig.e)->ring_size;
	copies = calloc(n + 1, sizeof(*copies));
	results = calloc(n, sizeof(*results));
	EXPECT_TRUE(copies && results);
	for (uint32_t i = 0; i <= n; i++)
		copies[i] = (struct engine_copy) {
			.src = rig.src.iova + (uint64_t)i * 4096,
			.dst = rig.dst.iova + (uint64_t)i * 4096,
			.len = 4096,
		};
	for (int round = 0; round < 4; round++, next += n) {
		uint32_t first = n / 3;

		rig_wipe(&rig, 0, RIG_SIZE);
		EXPECT_EQ(engine_enqueue_all(rig.e, copies, 0, &index), 0);
		EXPECT_EQ(engine_enqueue_all(rig.e, copies, first, &index), first);
		EXPECT_EQ(index, next);
		EXPECT_EQ(engine_enqueue_all(rig.e, copies + first, n + 1 - first, &index), n - first);
		EXPECT_EQ(index, next + first);
		EXPECT_EQ(engine_enqueue_all(rig.e, copies, 1, &index), -ENOSPC);
		EXPECT_EQ(engine_capacity(rig.e), 0);
		if (round == 3)
			break;
		EXPECT_OK(engine_submit(rig.e));
		collect_watching_room(&rig, results, n, next);
		rig_each_once(&rig, results, n, next);
		EXPECT_TRUE(rig_equal(&rig, 0, 0, (uint64_t)n * 4096));
		/* So that the next round begins elsewhere. */
		EXPECT_EQ(engine_enqueue_all(rig.e, copies, N, &index), N);
		EXPECT_EQ(index, next + n);
		EXPECT_OK(engine_submit(rig.e));
		rig_collect(&rig, results, N);
		next += N;
	}
	EXPECT_OK(engine_stop(rig.e));
	EXPECT_EQ(engine_enqueue_all(rig.e, copies, 1, &index), -ENODEV);
	EXPECT_EQ(engine_completed(rig.e, results, n), n);
	rig_each_once(&rig, results, n, next);
	for (uint32_t i = 0; i < n; i++)
		EXPECT_EQ(results[i].status, ENGINE_CANCELLED);
	EXPECT_TRUE(rig_blank(&rig, 0, RIG_SIZE));
	free(copies);
	free(results);
	rig_close(&rig);
}

/* What had ended when the engine was stopped, and was not collected yet, is reported once, too. */
static void test_array_stopped(void)
{
	struct engine_result results[N];
	struct engine_copy copies[N];
	struct rig rig;
	uint64_t index;
	int n;

	rig_open(&rig);
	fill(&rig, copies);
	for (uint64_t round = 0; round < 20; round++) {
		EXPECT_EQ(engine_enqueue_all(rig.e, copies, N, &index), N);
		EXPECT_OK(engine_submit(rig.e));
		n = rig_wait(&rig, results, 1);
		EXPECT_EQ(n, 1);
		EXPECT_OK(engine_stop(rig.e));
		EXPECT_EQ(engine_completed(rig.e, results + 1, N), N - 1);
		rig_each_once(&rig, results, N, round * N);
		EXPECT_EQ(engine_in_flight(rig.e), 0);
		EXPECT_OK(engine_start(rig.e));
	}
	rig_close(&rig);
}

void contract_arrays(void)
{
	RUN(test_array);
	RUN(test_array_refused);
	RUN(test_array_too_long);
	RUN(test_array_stopped);
}
