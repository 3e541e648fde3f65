/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages on their way to swap. Those that are being written are left alone (the kernel's device migration
 * would stop the machine over one), those that only have a place in swap move, with their content.
 */
#include "hooklib.h"

#include <errno.h>
#include <sys/mman.h>

#include "macros.h"
#include "test.h"

#define LEN MIB(2)

static long in_pageout(long addr, long len, long unused)
{
	if (madvise((void *)addr, (size_t)len, MADV_PAGEOUT))
		return -errno;
	/* Brings them back from the swap cache while they are being written. */
	for (long i = 0; i < len; i += PAGE)
		(void)*(volatile char *)(addr + i);
	return 0;
}

int main(void)
{
	struct migoff_setup setup = hook_default_setup();
	uint64_t writeback = 0, moved = 0;
	struct target t;
	struct hook hook;

	hook_open(&hook, &setup);
	target_start(&t);
	for (int i = 0; i < 20; i++) {
		long addr = EXPECT_OK(target_call(&t, in_map, LEN, 0, i % 4 == 3));
		struct migoff_range range = range_of(addr, LEN);
		struct migoff_prepare p = prepare_args(&t, &range, 1, 1);

		target_call(&t, in_fill, addr, LEN, i);
		EXPECT_EQ(target_call(&t, in_pageout, addr, LEN, 0), 0);
		for (int again = 0; again < 3; again++) {
			int n = EXPECT_OK(hook_run(&hook, MIGOFF_CMD_PREPARE, &p));

			EXPECT_EQ(hook_pages(&hook, 0), LEN / PAGE);
			writeback += hook_pages_with(&hook, 0, MIGOFF_CAUSE_WRITEBACK);
			if (!n)
				continue;
			EXPECT_GE(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 0);
			moved += hook_pages_moved(&hook, 0);
		}
		EXPECT_EQ(target_call(&t, in_check, addr, LEN, i), 0);
		target_call(&t, in_unmap, addr, LEN, 0);
	}
	printf("%" PRIu64 " pages under writeback left, %" PRIu64 " moved\n", writeback, moved);
	EXPECT_GE(writeback, 1);
	EXPECT_GE(moved, 1);
	target_end(&t);
	hook_close(&hook);
	return 0;
}
