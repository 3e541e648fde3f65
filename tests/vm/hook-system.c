/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hook-system COMMAND: a batch is out while a shell carries out the command, which has the kernel ask
 * for its end: it ends, long before its deadline, and nothing is lost.
 */
#include "hooklib.h"

#include <errno.h>
#include <unistd.h>

#include "macros.h"
#include "test.h"

#define LEN MIB(8)

int main(int argc, char **argv)
{
	struct migoff_setup setup = hook_default_setup();
	struct migoff_range range;
	struct migoff_prepare p;
	struct target t;
	struct hook hook;
	long addr;

	EXPECT_EQ(argc, 2);
	setup.deadline_ns = 10000000000;
	hook_open(&hook, &setup);
	target_start(&t);
	addr = EXPECT_OK(target_call(&t, in_map, LEN, 0, 1));
	target_call(&t, in_fill, addr, LEN, 9);
	range = range_of(addr, LEN);
	p = prepare_args(&t, &range, 1, 1);
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), LEN / HUGE);
	target_send(&t, in_check, addr, LEN, 9);
	EXPECT_TRUE(!target_answers(&t, 50));
	if (system(argv[1]))
		TEST_SKIP("the kernel does not: %s", argv[1]);
	EXPECT_EQ(target_receive(&t), 0);
	EXPECT_EQ(hook_info(&hook, 0)->end, MIGOFF_END_SYSTEM);
	EXPECT_TRUE(hook_info(&hook, 0)->locked_ns + hook_info(&hook, 0)->blocked_ns <
		    hook_info(&hook, 0)->deadline_ns);
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), -ETIME);
	EXPECT_EQ(pages_on(&t, (uint64_t)addr, LEN, 0), LEN / PAGE);
	/* And batches go on. */
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), LEN / HUGE);
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), LEN / HUGE);
	EXPECT_EQ(target_call(&t, in_check, addr, LEN, 9), 0);
	target_end(&t);
	hook_close(&hook);
	return 0;
}
