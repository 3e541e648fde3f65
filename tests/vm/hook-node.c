/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node that begins to have memory when the hook is in use, and that loses all of it, pulled out, while
 * folios of it are pooled and others are a process's.
 *
 * Node 2 has one memory device, which is not online.
 */
#include "hooklib.h"

#include <errno.h>
#include <glob.h>
#include <unistd.h>

#include "test.h"

#define NODE 2
#define LEN MIB(16)
#define HOUR 3600000000000
#define DEADLINE_MS 60000
#define BLOCKS "/sys/devices/system/node/node2/memory[0-9]*/state"
#define EJECT "/sys/bus/acpi/devices/PNP0C80:*/eject"

static struct hook hook;
static struct target target;

/* Return: how many files there were to write to. */
static size_t write_all(const char *pattern, const char *text)
{
	glob_t files = { };
	size_t n;

	if (glob(pattern, 0, NULL, &files))
		return 0;
	for (size_t i = 0; i < files.gl_pathc; i++)
		write_file(files.gl_pathv[i], text);
	n = files.gl_pathc;
	globfree(&files);
	return n;
}

static int prepare(long addr, size_t len, int to_node)
{
	struct migoff_range range = range_of(addr, len);
	struct migoff_prepare p = prepare_args(&target, &range, 1, to_node);

	return hook_run(&hook, MIGOFF_CMD_PREPARE, &p);
}

static uint64_t move(long addr, size_t len, int to_node)
{
	int n = EXPECT_OK(prepare(addr, len, to_node));

	if (n)
		EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), n);
	return hook_pages_moved(&hook, 0);
}

static void test_node_comes_and_goes(void)
{
	struct migoff_setup setup = hook_default_setup();
	uint64_t end;
	long gone, stays;

	setup.pool_bytes = MIB(64);
	setup.pool_age_ns = HOUR;
	hook_open(&hook, &setup);
	target_start(&target);
	gone = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	stays = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	target_call(&target, in_fill, gone, LEN, 1);
	target_call(&target, in_fill, stays, LEN, 2);
	EXPECT_EQ(prepare(gone, LEN, NODE), -ENODEV);

	EXPECT_GE(write_all(BLOCKS, "online_movable"), 1);
	EXPECT_EQ(move(gone, LEN, NODE), LEN / PAGE);
	EXPECT_EQ(move(stays, LEN, NODE), LEN / PAGE);
	EXPECT_EQ(pages_on(&target, (uint64_t)gone, LEN, NODE), LEN / PAGE);
	EXPECT_EQ(move(gone, LEN, 0), LEN / PAGE);
	EXPECT_GE(hook_counter("live_pooled_bytes"), 2 * LEN);

	/* The kernel moves what stays there, and asks the device to be let out. */
	EXPECT_EQ(write_all(EJECT, "1"), 1);
	end = now_ns() + DEADLINE_MS * 1000000ull;
	while (access("/sys/devices/system/node/node2", F_OK) == 0) {
		if (now_ns() > end)
			TEST_FAIL("node 2 is still there");
		usleep(10000);
	}
	EXPECT_EQ(hook_counter("live_pooled_bytes"), LEN);
	EXPECT_EQ(prepare(gone, LEN, NODE), -ENODEV);
	EXPECT_EQ(target_call(&target, in_check, gone, LEN, 1), 0);
	EXPECT_EQ(target_call(&target, in_check, stays, LEN, 2), 0);
	for (int to = 1; to >= 0; to--)
		EXPECT_EQ(move(gone, LEN, to), LEN / PAGE);
	EXPECT_EQ(target_call(&target, in_check, gone, LEN, 1), 0);
	target_end(&target);
	hook_close(&hook);
}

int main(void)
{
	RUN(test_node_comes_and_goes);
	return 0;
}
