/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hook with a DMA engine: what it can reach, when, and what happens to a copy that is wrong. */
#include "riglib.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "test.h"

#define LEN MIB(8)

static void open_rig(struct rig *r, uint32_t flags, uint64_t deadline_ns, long huge)
{
	rig_open(r, flags, deadline_ns);
	rig_fill(r, EXPECT_OK(target_call(&r->target, in_map, LEN, 0, huge)), LEN);
}

static void close_rig(struct rig *r)
{
	EXPECT_EQ(rig_check(r), 0);
	rig_close(r);
}

/* The engine copies folios of all sizes, there and back, and full verification agrees. */
static void test_copies(void)
{
	int64_t before = hook_counter("bytes_by_engine");
	uint64_t moved = 0;
	struct rig r;

	for (long huge = 0; huge < 2; huge++) {
		open_rig(&r, MIGOFF_SETUP_VERIFY_FULL, 0, huge);
		for (int to = 1; to >= 0; to--) {
			int n = EXPECT_OK(rig_prepare(&r, to));

			EXPECT_GE(n, huge ? (int)(LEN / HUGE) : (int)(LEN / PAGE) - 64);
			EXPECT_EQ(hook_engine_copy(r.engine, &r.hook, 0), 0);
			EXPECT_EQ(hook_commit(&r.hook, 0, MIGOFF_VERDICT_COPIED), n);
			moved += hook_pages_moved(&r.hook, 0) * PAGE;
			EXPECT_GE(pages_on(&r.target, (uint64_t)r.addr, LEN, to), LEN / PAGE - 64);
		}
		close_rig(&r);
	}
	EXPECT_EQ(hook_counter("bytes_by_engine") - before, moved);
	EXPECT_EQ(hook_counter("verify_failures"), 0);
}

/* Sources and destinations lie in the slot's own halves, without holes, aligned as large as they are. */
static void test_window(void)
{
	uint64_t slot, half;
	struct rig r;

	open_rig(&r, 0, 0, 1);
	half = r.hook.setup.window_len / r.hook.setup.n_slots / 2;
	for (uint32_t s = 0; s < 2; s++) {
		struct migoff_range range = range_of(r.addr + (long)(s * LEN / 2), LEN / 2);
		struct migoff_prepare p = prepare_args(&r.target, &range, 1, 1);
		const struct migoff_extent *x = hook_extents(&r.hook, s);

		p.slot = s;
		slot = r.hook.setup.window_iova + s * 2 * half;
		EXPECT_EQ(hook_run(&r.hook, MIGOFF_CMD_PREPARE, &p), LEN / 2 / HUGE);
		for (uint32_t i = 0; i < LEN / 2 / HUGE; i++) {
			EXPECT_EQ(x[i].src_iova, slot + i * HUGE);
			EXPECT_EQ(x[i].dst_iova, slot + half + i * HUGE);
		}
	}
	EXPECT_EQ(hook_counter("live_iova_bytes"), 2 * LEN);
	EXPECT_EQ(hook_abort(&r.hook, 0), 0);
	EXPECT_EQ(hook_abort(&r.hook, 1), 0);
	EXPECT_EQ(hook_counter("live_iova_bytes"), 0);
	close_rig(&r);
}

/* A commit that says "copied" of what was not: full verification finds each, sampled finds zeros. */
static void test_verify(uint32_t flags)
{
	int64_t before = hook_counter("verify_failures");
	struct rig r;
	int n;

	open_rig(&r, flags, 0, 1);
	n = rig_prepare(&r, 1);
	EXPECT_EQ(n, LEN / HUGE);
	EXPECT_EQ(hook_commit(&r.hook, 0, MIGOFF_VERDICT_COPIED), 0);
	EXPECT_EQ(hook_pages_with(&r.hook, 0, MIGOFF_CAUSE_VERIFY), LEN / PAGE);
	EXPECT_EQ(hook_extents(&r.hook, 0)[0].status, -EIO);
	EXPECT_EQ(hook_counter("verify_failures") - before, n);
	EXPECT_EQ(pages_on(&r.target, (uint64_t)r.addr, LEN, 0), LEN / PAGE);
	close_rig(&r);
}

static void test_verify_full(void)
{
	test_verify(MIGOFF_SETUP_VERIFY_FULL);
}

static void test_verify_sampled(void)
{
	test_verify(MIGOFF_SETUP_VERIFY_SAMPLED);
}

/* One wrong byte, in the middle of nowhere, is found by full verification. */
static void test_verify_one_byte(void)
{
	const struct migoff_extent *x;
	struct engine_result result;
	uint64_t index;
	struct rig r;

	open_rig(&r, MIGOFF_SETUP_VERIFY_FULL, 0, 1);
	EXPECT_EQ(rig_prepare(&r, 1), LEN / HUGE);
	EXPECT_EQ(hook_engine_copy(r.engine, &r.hook, 0), 0);
	x = hook_extents(&r.hook, 0);
	EXPECT_OK(engine_enqueue(r.engine, x[1].src_iova + 77777, x[1].dst_iova + 88889, 1, &index));
	EXPECT_OK(engine_submit(r.engine));
	while (engine_in_flight(r.engine))
		EXPECT_OK(engine_completed(r.engine, &result, 1));
	EXPECT_EQ(hook_commit(&r.hook, 0, MIGOFF_VERDICT_COPIED), LEN / HUGE - 1);
	EXPECT_EQ(x[1].cause, MIGOFF_CAUSE_VERIFY);
	EXPECT_EQ(hook_pages_moved(&r.hook, 0), (LEN - HUGE) / PAGE);
	close_rig(&r);
}

/* Verdicts are for each extent; a folio left, one copied by the CPU, one by the engine. */
static void test_mixed(void)
{
	uint8_t verdicts[LEN / HUGE] = {
		MIGOFF_VERDICT_LEAVE, MIGOFF_VERDICT_CPU, MIGOFF_VERDICT_COPIED, MIGOFF_VERDICT_CPU,
	};
	const struct migoff_extent *x;
	struct rig r;

	open_rig(&r, MIGOFF_SETUP_VERIFY_FULL, 0, 1);
	x = hook_extents(&r.hook, 0);
	EXPECT_EQ(rig_prepare(&r, 1), LEN / HUGE);
	EXPECT_EQ(hook_engine_copy(r.engine, &r.hook, 0), 0);
	EXPECT_EQ(hook_commit_each(&r.hook, 0, verdicts), 3);
	EXPECT_EQ(x[0].status, -ECANCELED);
	EXPECT_EQ(x[1].status, 1);
	EXPECT_EQ(x[1].flags & MIGOFF_EXTENT_BY_CPU, MIGOFF_EXTENT_BY_CPU);
	EXPECT_EQ(x[2].status, 1);
	EXPECT_EQ(x[2].flags & MIGOFF_EXTENT_BY_CPU, 0);
	EXPECT_EQ(pages_on(&r.target, (uint64_t)r.addr, LEN, 0), HUGE / PAGE);
	close_rig(&r);
}

/* Skipped places between folios leave no hole in the window, and all of it is taken back. */
static void test_holes(void)
{
	struct migoff_range ranges[64];
	struct migoff_prepare p;
	struct rig r;
	int n;

	open_rig(&r, MIGOFF_SETUP_VERIFY_FULL, 0, 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = range_of(r.addr + (long)(i * 3 * PAGE), (1 + i % 2) * PAGE);
	for (int i = 0; i < 10; i++) {
		p = prepare_args(&r.target, ranges, ARRAY_SIZE(ranges), !(i % 2));
		n = EXPECT_OK(hook_run(&r.hook, MIGOFF_CMD_PREPARE, &p));
		/* 96 pages, but for those that the last move has left on their way to an LRU list. */
		EXPECT_GE(n, 16);
		EXPECT_EQ(hook_counter("live_iova_bytes"), 2 * n * PAGE);
		EXPECT_EQ(hook_engine_copy(r.engine, &r.hook, 0), 0);
		EXPECT_EQ(hook_commit(&r.hook, 0, MIGOFF_VERDICT_COPIED), n);
		EXPECT_EQ(hook_counter("live_iova_bytes"), 0);
	}
	EXPECT_EQ(hook_counter("unmap_mismatches"), 0);
	close_rig(&r);
}

static int dmar_faults(int kmsg)
{
	char record[8192];
	ssize_t n;
	int found = 0;

	while ((n = read(kmsg, record, sizeof(record) - 1)) > 0) {
		record[n] = 0;
		found += strstr(record, "DMAR:") && strstr(record, "fault");
	}
	return found;
}

/* DMA that comes after the deadline finds nothing mapped: it hits nobody, and is reported. */
static void test_late_dma(void)
{
	const char *expect = getenv("MIGOFF_EXPECT_DMAR_FILE");
	_cleanup_close_ int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct rig r;

	if (expect) {
		FILE *f = fopen(expect, "we");

		fputs("any", f);
		fclose(f);
	}
	lseek(kmsg, 0, SEEK_END);
	open_rig(&r, 0, 50000000, 1);
	EXPECT_EQ(rig_prepare(&r, 1), LEN / HUGE);
	EXPECT_TRUE(hook_wait_end(&r.hook, 0, 5000));
	EXPECT_EQ(hook_info(&r.hook, 0)->end, MIGOFF_END_DEADLINE);
	EXPECT_EQ(dmar_faults(kmsg), 0);
	/* This engine does not report errors; the IOMMU does. */
	hook_engine_copy(r.engine, &r.hook, 0);
	for (int i = 0; i < 200 && !dmar_faults(kmsg); i++)
		usleep(10000);
	lseek(kmsg, 0, SEEK_DATA);
	EXPECT_GE(dmar_faults(kmsg), 1);
	EXPECT_EQ(hook_commit(&r.hook, 0, MIGOFF_VERDICT_COPIED), -ETIME);
	EXPECT_EQ(pages_on(&r.target, (uint64_t)r.addr, LEN, 0), LEN / PAGE);
	close_rig(&r);
}

static int try_setup(const struct migoff_setup *setup)
{
	struct hook h;
	int r = hook_try_open(&h, setup);

	if (!r)
		hook_close(&h);
	return r;
}

/* A window where something is, or that the device cannot reach, is refused; so is a wrong device. */
static void test_refused(void)
{
	struct migoff_setup good, s;
	struct engine *e = hook_engine(LSI, &good);
	struct dma_area area;

	EXPECT_OK(try_setup(&good));

	s = good;
	s.window_iova = 0xfec00000;	/* the interrupts' addresses lie in it */
	s.window_len = MIB(16);
	EXPECT_EQ(try_setup(&s), -EADDRINUSE);

	s = good;
	s.window_iova = 1ULL << 60;
	EXPECT_EQ(try_setup(&s), -ERANGE);

	s = good;
	s.window_iova = -MIB(64);
	EXPECT_EQ(try_setup(&s), -EINVAL);

	EXPECT_OK(engine_dma_alloc(e, PAGE, &area, NULL));
	s = good;
	s.window_iova = ALIGN_DOWN(area.iova, MIB(4));
	s.window_len = MIB(16);
	EXPECT_EQ(try_setup(&s), -EADDRINUSE);
	engine_dma_free(e, &area);

	s = good;
	s.devices[0].devfn = 6 << 3;
	EXPECT_EQ(try_setup(&s), -EPERM);
	s.devices[0].devfn = 30 << 3;
	EXPECT_EQ(try_setup(&s), -ENODEV);
	s = good;
	s.devices[0].fd = 0;
	EXPECT_EQ(try_setup(&s), -EBADF);
	s.devices[0].fd = -1;
	EXPECT_EQ(try_setup(&s), -EBADF);

	EXPECT_OK(try_setup(&good));
	EXPECT_EQ(hook_counter("live_vfio_files"), 0);
	engine_close(e);
}

/* Two engines with domains of their own: each can copy any folio. */
static void test_two_engines(void)
{
	struct migoff_setup setup, other_setup;
	struct engine *a = hook_engine(LSI, &setup), *b = hook_engine("0000:00:06.0", &other_setup);
	struct migoff_range range;
	struct migoff_prepare p;
	struct target t;
	struct hook h;
	long addr;

	EXPECT_EQ(setup.window_iova, other_setup.window_iova);
	hook_add_engine(&setup, b);
	setup.flags = MIGOFF_SETUP_VERIFY_FULL;
	hook_open(&h, &setup);
	EXPECT_EQ(hook_counter("live_vfio_files"), 2);
	target_start(&t);
	addr = EXPECT_OK(target_call(&t, in_map, LEN, 0, 1));
	target_call(&t, in_fill, addr, LEN, 6);
	range = range_of(addr, LEN);
	for (int to = 1; to >= 0; to--) {
		p = prepare_args(&t, &range, 1, to);
		EXPECT_EQ(hook_run(&h, MIGOFF_CMD_PREPARE, &p), LEN / HUGE);
		EXPECT_EQ(hook_engine_copy(to ? a : b, &h, 0), 0);
		EXPECT_EQ(hook_commit(&h, 0, MIGOFF_VERDICT_COPIED), LEN / HUGE);
		EXPECT_EQ(target_call(&t, in_check, addr, LEN, 6), 0);
	}
	target_end(&t);
	hook_close(&h);
	engine_close(a);
	engine_close(b);
}

int main(void)
{
	RUN(test_copies);
	RUN(test_window);
	RUN(test_verify_full);
	RUN(test_verify_sampled);
	RUN(test_verify_one_byte);
	RUN(test_mixed);
	RUN(test_holes);
	RUN(test_late_dma);
	RUN(test_refused);
	RUN(test_two_engines);
	return 0;
}
