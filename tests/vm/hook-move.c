/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a batch does for memory that can be moved: the CPU copies, so no engine is needed. */
#include "hooklib.h"

#include <errno.h>

#include "macros.h"
#include "test.h"

static struct hook hook;

static void open_hook(void)
{
	struct migoff_setup setup = hook_default_setup();

	hook_open(&hook, &setup);
}

/* Move all of a mapping; return how many pages moved. */
static uint64_t move(struct target *t, long addr, size_t len, int to_node)
{
	struct migoff_range range = { .start = (uint64_t)addr, .len = len };
	struct migoff_prepare p = prepare_args(t, &range, 1, to_node);
	int n = EXPECT_OK(hook_run(&hook, MIGOFF_CMD_PREPARE, &p));

	EXPECT_EQ(hook_pages(&hook, 0), len / PAGE);
	EXPECT_EQ(hook_info(&hook, 0)->n_taken, n);
	if (n)
		EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), n);
	EXPECT_EQ(hook_pages(&hook, 0), len / PAGE);
	return hook_pages_moved(&hook, 0);
}

/* Folios of 2 MiB arrive whole, with their content, and come back. */
static void test_huge(void)
{
	struct target t;
	size_t len = MIB(64);
	long addr;

	target_start(&t);
	addr = EXPECT_OK(target_call(&t, in_map, (long)len, 0, 1));
	target_call(&t, in_fill, addr, (long)len, 7);
	EXPECT_EQ(smaps_kib(t.pid, (uint64_t)addr, "AnonHugePages"), len / 1024);
	EXPECT_EQ(pages_on(&t, (uint64_t)addr, len, 0), len / PAGE);
	for (int to = 1; to >= 0; to--) {
		EXPECT_EQ(move(&t, addr, len, to), len / PAGE);
		EXPECT_EQ(hook_info(&hook, 0)->n_taken, len / HUGE);
		EXPECT_EQ(pages_on(&t, (uint64_t)addr, len, to), len / PAGE);
		EXPECT_EQ(smaps_kib(t.pid, (uint64_t)addr, "AnonHugePages"), len / 1024);
		EXPECT_EQ(target_call(&t, in_check, addr, (long)len, 7), 0);
	}
	target_end(&t);
}

/* Small pages arrive too, but for those that wait in a processor's list to be put on the LRU. */
static void test_small(void)
{
	struct target t;
	size_t len = MIB(16);
	uint64_t moved;
	long addr;

	target_start(&t);
	addr = EXPECT_OK(target_call(&t, in_map, (long)len, 0, 0));
	target_call(&t, in_fill, addr, (long)len, 8);
	for (int to = 1; to >= 0; to--) {
		moved = move(&t, addr, len, to);
		EXPECT_GE(moved, len / PAGE - 64);
		EXPECT_EQ(moved + hook_pages_with(&hook, 0, MIGOFF_CAUSE_BUSY) +
			  hook_pages_with(&hook, 0, MIGOFF_CAUSE_ALREADY), len / PAGE);
		EXPECT_GE(pages_on(&t, (uint64_t)addr, len, to), moved);
		EXPECT_EQ(target_call(&t, in_check, addr, (long)len, 8), 0);
	}
	target_end(&t);
}

/* An abort changes nothing. */
static void test_abort(void)
{
	struct target t;
	size_t len = MIB(8);
	long addr;

	target_start(&t);
	addr = EXPECT_OK(target_call(&t, in_map, (long)len, 0, 1));
	target_call(&t, in_fill, addr, (long)len, 9);
	for (int i = 0; i < 10; i++) {
		struct migoff_range range = { .start = (uint64_t)addr, .len = len };
		struct migoff_prepare p = prepare_args(&t, &range, 1, 1);

		EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), len / HUGE);
		target_send(&t, in_check, addr, (long)len, 9);
		EXPECT_TRUE(!target_answers(&t, 50));
		EXPECT_EQ(hook_abort(&hook, 0), 0);
		EXPECT_EQ(target_receive(&t), 0);
		EXPECT_EQ(hook_pages_with(&hook, 0, MIGOFF_CAUSE_LEFT), len / PAGE);
		EXPECT_EQ(pages_on(&t, (uint64_t)addr, len, 0), len / PAGE);
	}
	target_end(&t);
}

int main(void)
{
	open_hook();
	RUN(test_huge);
	RUN(test_small);
	RUN(test_abort);
	hook_close(&hook);
	return 0;
}
