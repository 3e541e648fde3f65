/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of engine.h, held against an engine: contract SPEC. SPEC is as for
 * engine_open(); or "model:" and what model_open_engine() takes: a driver on a model in this process.
 */
#include "contract.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "clock.h"
#include "macros.h"
#include "model_transport.h"
#include "rig.h"
#include "test.h"

#define N_MANY 10000

static const char *arg_spec;

static int open_spec(struct engine **ret, struct why *why)
{
	if (!strncmp(arg_spec, "model:", 6))
		return model_open_engine(arg_spec + 6, ret, why);
	return engine_open(arg_spec, 0, ret, why);
}

/* What the device must refuse breaks a rule of the device, which a model would hold against us. */
static void expect_refusal(struct rig *rig)
{
	if (!strncmp(arg_spec, "model:", 6))
		EXPECT_OK(model_order_faults(model_of(rig->e), "allow=1"));
}

/* One copy copies its bytes, no byte beside them, and is reported once, under its index. */
static void test_single(void)
{
	struct engine_result result;
	struct rig rig;
	uint64_t index;

	rig_open(&rig);
	EXPECT_OK(rig_copy(&rig, 4096, 8192, 4096, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, &result, 1);
	EXPECT_EQ(result.index, index);
	EXPECT_EQ(result.status, ENGINE_COPIED);
	EXPECT_TRUE(rig_equal(&rig, 4096, 8192, 4096));
	EXPECT_TRUE(rig_blank(&rig, 0, 8192));
	EXPECT_TRUE(rig_blank(&rig, 12288, RIG_SIZE - 12288));
	EXPECT_EQ(engine_completed(rig.e, &result, 1), 0);
	EXPECT_EQ(engine_in_flight(rig.e), 0);
	rig_close(&rig);
}

/* Nothing begins before it is submitted. */
static void test_enqueue_does_not_begin(void)
{
	struct engine_result result;
	struct rig rig;
	uint64_t index;

	rig_open(&rig);
	EXPECT_OK(rig_copy(&rig, 0, 0, 4096, &index));
	EXPECT_EQ(engine_deadline(rig.e), 0);
	EXPECT_EQ(poll(NULL, 0, 20), 0);
	EXPECT_EQ(engine_completed(rig.e, &result, 1), 0);
	EXPECT_TRUE(rig_blank(&rig, 0, 4096));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, &result, 1);
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 4096));
	rig_close(&rig);
}

static void check_length(struct rig *rig, uint64_t len)
{
	struct engine_result result;
	uint64_t index, guard = 64;

	if (!IS_ALIGNED(len, engine_caps(rig->e)->align))
		return;
	rig_wipe(rig, 0, RIG_SIZE);
	EXPECT_OK(rig_copy(rig, guard, guard, len, &index));
	EXPECT_OK(engine_submit(rig->e));
	rig_collect(rig, &result, 1);
	EXPECT_EQ(result.status, ENGINE_COPIED);
	EXPECT_TRUE(rig_equal(rig, guard, guard, len));
	EXPECT_TRUE(rig_blank(rig, 0, guard));
	EXPECT_TRUE(rig_blank(rig, guard + len, RIG_SIZE - guard - len));
}

/* Any length is copied, to the byte, also those that take several descriptors. */
static void test_lengths(void)
{
	static const uint64_t lens[] = {
		1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 4095, 4096, 4097, 65536, 1 << 20, (1 << 20) + 1,
		(2 << 20) - 1, 2 << 20, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, (16 << 20) - 128,
	};
	struct rig rig;

	rig_open(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		check_length(&rig, lens[i]);
	rig_close(&rig);
}

/* Any start within what the engine says about alignment; what it excludes is refused. */
static void test_unaligned(void)
{
	const struct engine_caps *caps;
	struct engine_result result;
	struct rig rig;
	uint64_t index;

	rig_open(&rig);
	caps = engine_caps(rig.e);
	for (uint64_t src = 0; src < 9; src++) {
		for (uint64_t dst = 0; dst < 9; dst++) {
			bool fits = IS_ALIGNED(src | dst, caps->align) &&
				    IS_ALIGNED(src ^ dst, caps->congruence);
			uint64_t len = ALIGN_UP(UINT64_C(4101), caps->align);

			rig_wipe(&rig, 0, 8192);
			EXPECT_EQ(rig_copy(&rig, src, dst, len, &index), fits ? 0 : -EINVAL);
			if (!fits)
				continue;
			EXPECT_OK(engine_submit(rig.e));
			rig_collect(&rig, &result, 1);
			EXPECT_TRUE(rig_equal(&rig, src, dst, len));
			EXPECT_TRUE(rig_blank(&rig, 0, dst));
			EXPECT_TRUE(rig_blank(&rig, dst + len, 8192 - dst - len));
		}
	}
	rig_close(&rig);
}

/* What can be seen to be wrong is refused before the device sees it, and takes no index. */
static void test_refused(void)
{
	const struct engine_caps *caps;
	struct rig rig;
	uint64_t index, src, mask;

	rig_open(&rig);
	caps = engine_caps(rig.e);
	src = rig.src.iova;
	mask = caps->address_mask;
	EXPECT_EQ(engine_enqueue(rig.e, src, rig.dst.iova, 0, &index), -EINVAL);
	EXPECT_EQ(engine_enqueue(rig.e, src, src, 4096, &index), -EINVAL);
	EXPECT_EQ(engine_enqueue(rig.e, src, src + 4092, 4096, &index), -EINVAL);
	EXPECT_EQ(engine_enqueue(rig.e, src + 4092, src, 4096, &index), -EINVAL);
	EXPECT_EQ(engine_enqueue(rig.e, src, rig.dst.iova, caps->max_item + caps->align, &index),
		  -EMSGSIZE);
	EXPECT_EQ(engine_enqueue(rig.e, mask - 4095, rig.dst.iova, 8192, &index), -ERANGE);
	EXPECT_EQ(engine_enqueue(rig.e, src, mask - 4095, 8192, &index), -ERANGE);
	if (caps->align > 1)
		EXPECT_EQ(engine_enqueue(rig.e, src, rig.dst.iova, 4096 + caps->align / 2, &index),
			  -EINVAL);
	if (mask < UINT64_MAX)
		EXPECT_EQ(engine_enqueue(rig.e, mask + 1, rig.dst.iova, 4096, &index), -ERANGE);
	EXPECT_EQ(engine_in_flight(rig.e), 0);

	/* Neighbours do not overlap, and the refusals cost no index. */
	EXPECT_OK(engine_enqueue(rig.e, src, src + 4096, 4096, &index));
	EXPECT_EQ(index, 0);

	EXPECT_OK(engine_stop(rig.e));
	EXPECT_EQ(engine_enqueue(rig.e, src, rig.dst.iova, 4096, &index), -ENODEV);
	EXPECT_EQ(engine_submit(rig.e), -ENODEV);
	rig_close(&rig);
}

/* As many copies as the ring holds go in one submit; one more is refused until some are done. */
static void test_ring_full(void)
{
	struct engine_result *results;
	struct rig rig;
	uint64_t index;
	uint32_t n;

	rig_open(&rig);
	n = engine_caps(rig.e)->ring_size;
	results = calloc(n, sizeof(*results));
	EXPECT_TRUE(results);
	for (int round = 0; round < 3; round++) {
		rig_wipe(&rig, 0, RIG_SIZE);
		EXPECT_EQ(engine_capacity(rig.e), n);
		for (uint32_t i = 0; i < n; i++)
			EXPECT_OK(rig_copy(&rig, i * 4096, i * 8192, 4096, &index));
		EXPECT_EQ(engine_capacity(rig.e), 0);
		EXPECT_EQ(rig_copy(&rig, 0, 0, 4096, &index), -ENOSPC);
		EXPECT_OK(engine_submit(rig.e));
		rig_collect(&rig, results, n);
		rig_each_once(&rig, results, n, round * n);
		for (uint32_t i = 0; i < n; i++) {
			EXPECT_EQ(results[i].status, ENGINE_COPIED);
			EXPECT_TRUE(rig_equal(&rig, i * 4096, i * 8192, 4096));
			EXPECT_TRUE(rig_blank(&rig, i * 8192 + 4096, 4096));
		}
	}
	free(results);
	rig_close(&rig);
}

/* An event announces each completion: who only ever waits for it gets everything. */
static void test_events(void)
{
	struct engine_result result;
	struct pollfd pfd = { .events = POLLIN };
	struct rig rig;
	uint64_t index;

	rig_open(&rig);
	pfd.fd = engine_event_fd(rig.e);
	if (pfd.fd < 0) {
		printf("  (it can only be polled)\n");
		rig_close(&rig);
		return;
	}
	for (int i = 0; i < 100; i++) {
		int n;

		EXPECT_OK(rig_copy(&rig, 0, i * 4096, 4096, &index));
		EXPECT_OK(engine_submit(rig.e));
		do {
			EXPECT_EQ(poll(&pfd, 1, 10000), 1);
			n = (int)EXPECT_OK(engine_completed(rig.e, &result, 1));
		} while (n == 0);
		EXPECT_EQ(result.index, index);
		EXPECT_EQ(engine_completed(rig.e, &result, 1), 0);
	}
	/* And with nothing to announce, it is silent. */
	EXPECT_EQ(poll(&pfd, 1, 20), 0);
	rig_close(&rig);
}

/* A deadline stands while something is submitted, and only then. */
static void test_deadline(void)
{
	struct engine_result result;
	struct rig rig;
	uint64_t index;

	rig_open(&rig);
	EXPECT_EQ(engine_deadline(rig.e), 0);
	EXPECT_OK(rig_copy(&rig, 0, 0, 4096, &index));
	EXPECT_OK(engine_submit(rig.e));
	EXPECT_TRUE(engine_deadline(rig.e) > clock_now_ns());
	rig_collect(&rig, &result, 1);
	EXPECT_EQ(engine_deadline(rig.e), 0);
	rig_close(&rig);
}

/* An error the device reports is that item's alone; after recovery everything works again. */
static void test_error_recover(void)
{
	struct engine_result results[16];
	struct engine_stats stats;
	struct rig rig;
	uint64_t index;

	rig_open(&rig);
	if (!engine_caps(rig.e)->can_inject) {
		printf("  (it has no way to fail on request)\n");
		rig_close(&rig);
		return;
	}
	for (uint64_t i = 0; i < 16; i++) {
		if (i == 5) {
			expect_refusal(&rig);
			EXPECT_OK(engine_inject_error(rig.e));
		}
		EXPECT_OK(rig_copy(&rig, i * 4096, i * 4096, 4096, &index));
	}
	EXPECT_OK(engine_submit(rig.e));
	for (size_t got = 0; got < 16;) {
		int n = rig_wait(&rig, results + got, 16 - got);

		/* Whether the others still run is the engine's business, if it says so. */
		if (n < 0) {
			EXPECT_EQ(n, -EIO);
			EXPECT_EQ(engine_state(rig.e), ENGINE_FAILED);
			EXPECT_TRUE(*engine_reason(rig.e));
			EXPECT_EQ(rig_copy(&rig, 0, 0, 4096, &index), -ENODEV);
			EXPECT_OK(engine_recover(rig.e));
			continue;
		}
		got += (size_t)n;
	}
	for (size_t i = 0; i < 16; i++) {
		uint64_t at = results[i].index * 4096;

		if (results[i].index == 5) {
			EXPECT_EQ(results[i].status, ENGINE_REFUSED);
			EXPECT_TRUE(rig_blank(&rig, at, 4096));
		} else if (results[i].status != ENGINE_CANCELLED) {
			EXPECT_EQ(results[i].status, ENGINE_COPIED);
			EXPECT_TRUE(rig_equal(&rig, at, at, 4096));
		}
	}
	if (engine_state(rig.e) == ENGINE_FAILED)
		EXPECT_OK(engine_recover(rig.e));

	rig_wipe(&rig, 0, RIG_SIZE);
	EXPECT_OK(rig_copy(&rig, 0, 0, 1 << 20, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, results, 1);
	EXPECT_EQ(results[0].index, 16);
	EXPECT_EQ(results[0].status, ENGINE_COPIED);
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 1 << 20));

	engine_stats(rig.e, &stats);
	EXPECT_EQ(stats.errors, 1);
	EXPECT_EQ(stats.items + stats.errors + stats.cancelled, 17);
	rig_close(&rig);
}

/* After a stop each item was reported once, nothing is written any more, and a start works. */
static void test_stop_in_flight(void)
{
	struct engine_result results[16];
	struct rig rig;
	uint64_t index;

	rig_open(&rig);
	for (int round = 0; round < 5; round++) {
		uint64_t from = rig.n_enqueued, len = RIG_SIZE / 16;

		for (uint64_t i = 0; i < 16; i++) {
			/* The last four are enqueued, but never submitted. */
			if (i == 12)
				EXPECT_OK(engine_submit(rig.e));
			EXPECT_OK(rig_copy(&rig, i * len, i * len, len, &index));
		}
		EXPECT_OK(engine_stop(rig.e));
		rig_wipe(&rig, 0, RIG_SIZE);
		EXPECT_EQ(engine_state(rig.e), ENGINE_STOPPED);
		EXPECT_EQ(engine_completed(rig.e, results, ARRAY_SIZE(results)), 16);
		EXPECT_EQ(engine_in_flight(rig.e), 0);
		rig_each_once(&rig, results, 16, from);
		for (uint64_t i = 0; i < 16; i++) {
			if (results[i].status != ENGINE_COPIED)
				EXPECT_EQ(results[i].status, ENGINE_CANCELLED);
			if (results[i].index - from >= 12)
				EXPECT_EQ(results[i].status, ENGINE_CANCELLED);
		}
		EXPECT_EQ(poll(NULL, 0, 20), 0);
		EXPECT_TRUE(rig_blank(&rig, 0, RIG_SIZE));
		EXPECT_OK(engine_start(rig.e));
		EXPECT_EQ(engine_deadline(rig.e), 0);
	}
	EXPECT_OK(rig_copy(&rig, 0, 0, RIG_SIZE, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, results, 1);
	EXPECT_EQ(results[0].status, ENGINE_COPIED);
	EXPECT_TRUE(rig_equal(&rig, 0, 0, RIG_SIZE));
	rig_close(&rig);
}

/* One of the many: where it comes from, where it goes, and how long it is, from its number. */
static void many_place(const struct engine_caps *caps, uint64_t i, uint64_t *ret_src,
		       uint64_t *ret_dst, uint64_t *ret_len)
{
	uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u, unit = MAX(caps->align, caps->congruence);

	/* Slots of 16 KiB in turn: more of them than a ring holds, so none is used twice at once. */
	*ret_dst = i % (RIG_SIZE >> 14) << 14;
	*ret_src = (x >> 20) % (RIG_SIZE - (16 << 10)) / unit * unit;
	*ret_len = ALIGN_UP((x >> 8) % (16 << 10) + 1, (uint64_t)caps->align);
}

/* Ten thousand copies of all sizes, with as many in flight as there may be, all right. */
static void test_many(void)
{
	const struct engine_caps *caps;
	struct engine_result results[64];
	struct rig rig;
	uint64_t n_done = 0, src, dst, len, index;

	rig_open(&rig);
	caps = engine_caps(rig.e);
	while (n_done < N_MANY) {
		int n;

		while (rig.n_enqueued < N_MANY && engine_in_flight(rig.e) < RIG_SIZE >> 15) {
			many_place(caps, rig.n_enqueued, &src, &dst, &len);
			rig_wipe(&rig, dst, 16 << 10);
			if (rig_copy(&rig, src, dst, len, &index) < 0)
				break;
		}
		EXPECT_OK(engine_submit(rig.e));
		n = (int)EXPECT_OK(rig_wait(&rig, results, ARRAY_SIZE(results)));
		for (int i = 0; i < n; i++) {
			many_place(caps, results[i].index, &src, &dst, &len);
			EXPECT_EQ(results[i].status, ENGINE_COPIED);
			EXPECT_TRUE(rig_equal(&rig, src, dst, len));
			EXPECT_TRUE(rig_blank(&rig, dst + len, (16 << 10) - len));
		}
		n_done += (uint64_t)n;
	}
	EXPECT_EQ(n_done, N_MANY);
	rig_close(&rig);
}

/* The account agrees with what was done. */
static void test_stats(void)
{
	struct engine_result results[8];
	struct engine_stats stats;
	struct rig rig;
	uint64_t index;

	rig_open(&rig);
	for (uint64_t at = 0; at < 8 << 20; at += 1 << 20)
		EXPECT_OK(rig_copy(&rig, at, at, 1 << 20, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, results, 8);
	engine_stats(rig.e, &stats);
	EXPECT_EQ(stats.items, 8);
	EXPECT_EQ(stats.bytes, 8 << 20);
	EXPECT_EQ(stats.submits, 1);
	EXPECT_GE(stats.descriptors, 8);
	EXPECT_EQ(stats.errors + stats.cancelled + stats.timeouts + stats.recoveries, 0);
	EXPECT_TRUE(stats.busy_ns > 0);
	rig_close(&rig);
}

/* An engine can be closed, with or without work in it, leaves nothing, and can be opened again. */
static void test_reopen(void)
{
	unsigned int n_fds = rig_count_fds();

	for (int i = 0; i < 10; i++) {
		struct engine_result result;
		struct rig rig;
		uint64_t index;

		rig_open(&rig);
		EXPECT_OK(rig_copy(&rig, 0, 0, 65536, &index));
		EXPECT_EQ(index, 0);
		EXPECT_OK(engine_submit(rig.e));
		if (i % 2) {
			rig_collect(&rig, &result, 1);
			EXPECT_TRUE(rig_equal(&rig, 0, 0, 65536));
		}
		rig_close(&rig);
		EXPECT_EQ(rig_count_fds(), n_fds);
	}
}

/* Not a test: what the engine makes of 2 MiB pieces, for whoever reads the log. */
static void print_speed(void)
{
	struct engine_result results[8];
	struct engine_stats stats;
	struct rig rig;
	uint64_t index, piece = 2 << 20;

	rig_open(&rig);
	for (int round = 0; round < 8; round++) {
		for (uint64_t at = 0; at < RIG_SIZE; at += piece)
			EXPECT_OK(rig_copy(&rig, at, at, piece, &index));
		EXPECT_OK(engine_submit(rig.e));
		rig_collect(&rig, results, RIG_SIZE / piece);
	}
	engine_stats(rig.e, &stats);
	printf("information: %s copies %.2f GB/s in pieces of 2 MiB\n",
	       engine_identity(rig.e)->driver, (double)stats.bytes / (double)stats.busy_ns);
	rig_close(&rig);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s SPEC\n", argv[0]);
		return 2;
	}
	arg_spec = argv[1];
	rig_open_engine = open_spec;

	RUN(test_single);
	RUN(test_enqueue_does_not_begin);
	RUN(test_lengths);
	RUN(test_unaligned);
	RUN(test_refused);
	RUN(test_ring_full);
	RUN(test_events);
	RUN(test_deadline);
	RUN(test_error_recover);
	RUN(test_stop_in_flight);
	RUN(test_many);
	RUN(test_stats);
	RUN(test_reopen);
	contract_arrays();
	print_speed();
	return 0;
}
