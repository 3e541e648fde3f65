/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An unmap of the window that stops early, because there is a hole in it that was not made by the module:
 * what an engine may still reach is never used again for anything else, and no engine gets anything more.
 * All else of the batch goes on.
 */
#include "riglib.h"

#include <errno.h>

#include "cleanup.h"
#include "engine.h"
#include "macros.h"
#include "pagelib.h"
#include "test.h"

#define PARAMETERS "/sys/module/migoff_hole/parameters/"
#define LEN MIB(1)
#define FOLIO KIB(64)
#define N (LEN / FOLIO)
/* Which folio of the batch has the hole, and which of its pages. */
#define VICTIM 5
#define HOLE_PAGE 3

/* The frames, source and destination, that the engine still reaches. */
static uint64_t leaked[2];

/* The frame that an engine reaches at an address, or 0. */
static uint64_t reached(uint64_t iova)
{
	_cleanup_fclose_ FILE *f = NULL;
	char at[64];
	uint64_t frame;

	snprintf(at, sizeof(at), LSI " %" PRIx64, iova);
	write_file(PARAMETERS "at", at);
	f = fopen(PARAMETERS "at", "re");
	if (!f || fscanf(f, "%" SCNx64, &frame) != 1)
		TEST_FAIL("what is at %" PRIx64 " cannot be told", iova);
	return frame;
}

static void punch(uint64_t iova)
{
	EXPECT_GE(reached(iova), 1);
	write_file(PARAMETERS "punch", "1");
	EXPECT_EQ(reached(iova), 0);
}

static void open_rig(struct rig *r)
{
	long addr;

	rig_open(r, MIGOFF_SETUP_VERIFY_FULL, 0);
	addr = map_medium(&r->target, LEN);
	if (!addr)
		TEST_SKIP("this kernel has no folios of 64 KiB");
	rig_fill(r, addr, LEN);
}

static const struct migoff_extent *extent(const struct rig *r, uint32_t i)
{
	return &hook_extents(&r->hook, 0)[i];
}

/* A batch that was copied well, and in which one folio cannot be taken from the engine. */
static void break_one(struct rig *r, bool destination)
{
	int64_t mismatches = hook_counter("unmap_mismatches"), lost = hook_counter("leaked_folios");
	const struct migoff_extent *x = extent(r, VICTIM);
	uint64_t iova;

	EXPECT_EQ(rig_prepare(r, 1), N);
	EXPECT_EQ(hook_engine_copy(r->engine, &r->hook, 0), 0);
	EXPECT_EQ(x->folio_len, FOLIO);
	EXPECT_EQ(x->flags & MIGOFF_EXTENT_NO_IOVA, 0);
	leaked[0] = reached(x->src_iova);
	leaked[1] = reached(x->dst_iova);
	iova = destination ? x->dst_iova : x->src_iova;
	punch(iova + HOLE_PAGE * PAGE);
	EXPECT_EQ(hook_commit(&r->hook, 0, MIGOFF_VERDICT_COPIED), N - 1);

	EXPECT_EQ(x->status, -ECANCELED);
	EXPECT_EQ(x->cause, MIGOFF_CAUSE_LEFT);
	EXPECT_EQ(hook_pages_moved(&r->hook, 0), (N - 1) * FOLIO / PAGE);
	EXPECT_EQ(hook_counter("unmap_mismatches") - mismatches, 1);
	EXPECT_EQ(hook_counter("leaked_folios") - lost, 2);
	EXPECT_EQ(hook_counter("live_iova_bytes"), 0);
	EXPECT_EQ(page_frame(&r->target, x->va), leaked[0]);
	/* It is not for nothing: the engine does reach what lies behind the hole, and nothing else. */
	EXPECT_EQ(reached(iova + FOLIO - PAGE), leaked[destination] + FOLIO / PAGE - 1);
	for (uint32_t i = 0; i < N; i++) {
		EXPECT_TRUE(i == VICTIM || !reached(extent(r, i)->src_iova + FOLIO - PAGE));
		EXPECT_TRUE(i == VICTIM || !reached(extent(r, i)->dst_iova + FOLIO - PAGE));
	}
}

/* DMA into what the engine still reaches, long after the batch. */
static void write_late(struct rig *r, uint64_t iova)
{
	struct engine_result result;
	struct dma_area area;
	uint64_t index;

	EXPECT_OK(engine_dma_alloc(r->engine, PAGE, &area, NULL));
	memset(area.va, 0xee, PAGE);
	EXPECT_OK(engine_enqueue(r->engine, area.iova, iova, PAGE, &index));
	EXPECT_OK(engine_submit(r->engine));
	while (engine_in_flight(r->engine))
		EXPECT_OK(engine_completed(r->engine, &result, 1));
	engine_dma_free(r->engine, &area);
}

static void expect_not_reused(struct rig *r)
{
	for (size_t i = 0; i < 2 * FOLIO / PAGE; i++) {
		uint64_t frame = leaked[i % 2] + i / 2;

		EXPECT_TRUE(!frame_is_free(frame));
		for (uint64_t va = (uint64_t)r->addr; va < (uint64_t)r->addr + LEN; va += PAGE)
			EXPECT_TRUE(page_frame(&r->target, va) != frame);
	}
}

/* No engine gets anything more; the CPU does all, but for the folio that is lost. */
static void go_on_without_engine(struct rig *r)
{
	static uint8_t copied[N];

	memset(copied, MIGOFF_VERDICT_COPIED, sizeof(copied));
	EXPECT_EQ(rig_prepare(r, 0), N - 1);
	EXPECT_EQ(hook_counter("live_iova_bytes"), 0);
	for (uint32_t i = 0; i < hook_info(&r->hook, 0)->n_extents; i++)
		if (extent(r, i)->flags & MIGOFF_EXTENT_TAKEN)
			EXPECT_EQ(extent(r, i)->flags & MIGOFF_EXTENT_NO_IOVA, MIGOFF_EXTENT_NO_IOVA);
	EXPECT_EQ(hook_info(&r->hook, 0)->n_extents, N);
	EXPECT_EQ(hook_commit_each(&r->hook, 0, copied), -EINVAL);
	EXPECT_EQ(hook_commit(&r->hook, 0, MIGOFF_VERDICT_CPU), N - 1);
	EXPECT_EQ(rig_check(r), 0);

	r->range = range_of(r->addr + VICTIM * (long)FOLIO, FOLIO);
	EXPECT_EQ(rig_prepare(r, 1), 0);
	EXPECT_EQ(extent(r, 0)->cause, MIGOFF_CAUSE_PINNED);
}

/* Another process gets and moves memory after the first has gone, and none of what was lost. */
static void go_on_with_another(struct rig *r)
{
	target_end(&r->target);
	target_start(&r->target);
	r->addr = map_medium(&r->target, LEN);
	target_call(&r->target, in_fill, r->addr, LEN, 6);
	r->range = range_of(r->addr, LEN);
	expect_not_reused(r);
	for (int to = 1; to >= 0; to--) {
		EXPECT_EQ(rig_prepare(r, to), N);
		EXPECT_EQ(hook_commit(&r->hook, 0, MIGOFF_VERDICT_CPU), N);
		expect_not_reused(r);
	}
	EXPECT_EQ(target_call(&r->target, in_check, r->addr, LEN, 6), 0);
}

static void test_hole(bool destination)
{
	struct migoff_setup setup;
	struct hook other;
	struct rig r;

	open_rig(&r);
	break_one(&r, destination);
	if (destination)
		write_late(&r, extent(&r, VICTIM)->dst_iova + (HOLE_PAGE + 1) * PAGE);
	EXPECT_EQ(rig_check(&r), 0);
	go_on_without_engine(&r);
	go_on_with_another(&r);
	target_end(&r.target);
	setup = r.hook.setup;
	setup.ret_area_len = 0;
	setup.ret_max_batch = 0;
	hook_close(&r.hook);
	/* The window is not empty for as long as the engine's address space lives. */
	EXPECT_EQ(hook_try_open(&other, &setup), -EADDRINUSE);
	engine_close(r.engine);
	for (size_t i = 0; i < 2; i++)
		EXPECT_TRUE(!frame_is_free(leaked[i]));
}

static void test_hole_in_source(void)
{
	test_hole(false);
}

static void test_hole_in_destination(void)
{
	test_hole(true);
}

int main(void)
{
	RUN(test_hole_in_source);
	RUN(test_hole_in_destination);
	return 0;
}
