/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory errors, reported of a page before its batch, and while that is out: the page stays, that is
 * reported, and the rest goes on. A page that was reported while nobody could get at it keeps its
 * content, for the error is none; in earnest nobody may read it.
 */
#include "hooklib.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "pagelib.h"
#include "test.h"

#define LEN MIB(4)
#define BAD (5 * PAGE)
#define OFFLINE "/sys/devices/system/memory/hard_offline_page"

static struct hook hook;
static struct target target;
static struct migoff_range range;
static long addr;

/* The kernel tells the target of the error at once; it does not mind. */
static void on_sigbus(int sig)
{
}

static long in_mind_not(long unused, long unused2, long unused3)
{
	return signal(SIGBUS, on_sigbus) == SIG_ERR ? -errno : 0;
}

static void begin(long huge)
{
	target_start(&target);
	EXPECT_OK(target_call(&target, in_mind_not, 0, 0, 0));
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, huge));
	target_call(&target, in_fill, addr, LEN, 5);
	range = range_of(addr, LEN);
}

static int prepare(void)
{
	struct migoff_prepare p = prepare_args(&target, &range, 1, 1);
	int n = hook_run(&hook, MIGOFF_CMD_PREPARE, &p);

	EXPECT_EQ(hook_pages(&hook, 0), LEN / PAGE);
	return n;
}

static const struct migoff_extent *extent_of(long va)
{
	const struct migoff_extent *x = hook_extents(&hook, 0);

	while ((uint64_t)va < x->va || (uint64_t)va >= x->va + x->len)
		x++;
	return x;
}

/* All that was taken has moved, but for so many folios; and what was not taken was for lack of time. */
static void expect_rest_moved(int taken, int left)
{
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), taken - left);
	EXPECT_GE(hook_pages_moved(&hook, 0) + hook_pages_with(&hook, 0, MIGOFF_CAUSE_POISON) +
		  hook_pages_with(&hook, 0, MIGOFF_CAUSE_HOLE) +
		  hook_pages_with(&hook, 0, MIGOFF_CAUSE_BUSY), LEN / PAGE);
}

/* The content of all but the page of which an error was reported to the target. */
static void expect_rest_right(void)
{
	EXPECT_EQ(target_call(&target, in_check, addr, BAD, 5), 0);
	EXPECT_EQ(target_call(&target, in_check, addr + BAD + PAGE, LEN - BAD - PAGE, 5), 0);
}

/* Before: the kernel has split the folio and taken the page from the target. */
static void test_before(void)
{
	for (long huge = 0; huge < 2; huge++) {
		int n;

		begin(huge);
		EXPECT_OK(target_call(&target, in_madvise, addr + BAD, PAGE, MADV_HWPOISON));
		EXPECT_EQ(page_frame(&target, (uint64_t)addr + BAD), 0);
		n = prepare();
		EXPECT_EQ(extent_of(addr + BAD)->status, -ENOENT);
		EXPECT_EQ(extent_of(addr + BAD)->len, PAGE);
		EXPECT_EQ(hook_info(&hook, 0)->n_taken, n);
		EXPECT_GE(n, huge ? (int)((LEN - HUGE) / HUGE) : (int)(LEN / PAGE) - 64);
		expect_rest_moved(n, 0);
		expect_rest_right();
		target_end(&target);
	}
}

/* What the kernel does when the hardware reports an error; it cannot do much for an isolated page. */
static void report_error(uint64_t frame)
{
	_cleanup_close_ int fd = open(OFFLINE, O_WRONLY | O_CLOEXEC);
	char text[32];
	int len = snprintf(text, sizeof(text), "%#" PRIx64, frame * PAGE);

	EXPECT_EQ(write(fd, text, (size_t)len), -1);
	EXPECT_TRUE(frame_is_poisoned(frame));
}

/* While it is out: the folio stays whole where it is, with its content, then and the next time. */
static void test_while_out(void)
{
	for (long huge = 0; huge < 2; huge++) {
		uint64_t frame, pages = huge ? HUGE / PAGE : 1;
		int n;

		begin(huge);
		frame = page_frame(&target, (uint64_t)addr + BAD);
		n = prepare();
		EXPECT_EQ(extent_of(addr + BAD)->flags & MIGOFF_EXTENT_TAKEN, MIGOFF_EXTENT_TAKEN);
		report_error(frame);
		expect_rest_moved(n, 1);
		for (int again = 0; again < 2; again++) {
			EXPECT_EQ(extent_of(addr + BAD)->status, -EHWPOISON);
			EXPECT_EQ(hook_pages_with(&hook, 0, MIGOFF_CAUSE_POISON), pages);
			EXPECT_EQ(page_frame(&target, (uint64_t)addr + BAD), frame);
			EXPECT_EQ(target_call(&target, in_check, addr, LEN, 5), 0);
			n = prepare();
			if (n)
				EXPECT_GE(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 0);
		}
		target_end(&target);
	}
}

/*
 * The target asks for it while its page is away: it waits for the page, and then it gets it. A huge one
 * that the module still holds at that moment cannot be split: then the kernel says so, and leaves it.
 */
static void test_waits(void)
{
	for (long huge = 0; huge < 2; huge++) {
		int n, r;

		begin(huge);
		n = prepare();
		EXPECT_EQ(extent_of(addr + BAD)->flags & MIGOFF_EXTENT_TAKEN, MIGOFF_EXTENT_TAKEN);
		target_send(&target, in_madvise, addr + BAD, PAGE, MADV_HWPOISON);
		EXPECT_TRUE(!target_answers(&target, 50));
		expect_rest_moved(n, 0);
		r = (int)target_receive(&target);
		EXPECT_TRUE(r == 0 || (huge && r == -EHWPOISON));
		if (r == 0)
			EXPECT_EQ(page_frame(&target, (uint64_t)addr + BAD), 0);
		expect_rest_right();
		target_end(&target);
	}
}

int main(void)
{
	struct migoff_setup setup = hook_default_setup();

	if (access(OFFLINE, W_OK))
		TEST_SKIP("the kernel does not handle memory errors (CONFIG_MEMORY_FAILURE)");
	hook_open(&hook, &setup);
	RUN(test_before);
	RUN(test_while_out);
	RUN(test_waits);
	hook_close(&hook);
	return 0;
}
