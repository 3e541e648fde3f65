/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folios that are split into small ones and collapsed into large ones all the time, by others, while they
 * are looked for, locked and moved: each page has one status, and all content is there.
 */
#include "hooklib.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "pagelib.h"
#include "test.h"

#define LEN MIB(8)
#define ROUNDS 120
#define LONG_ROUNDS 2000
#define SPLIT "/sys/kernel/debug/split_huge_pages"

static struct hook hook;
static struct target target;
static long addr;
static uint64_t moved[32], left[MIGOFF_CAUSE_NR];

static void split(void)
{
	int fd = open(SPLIT, O_WRONLY | O_CLOEXEC);
	char text[96];
	int len = snprintf(text, sizeof(text), "%d,%#lx,%#lx", target.pid, addr, addr + (long)LEN);

	while (write(fd, text, (size_t)len) >= 0 || errno == EAGAIN || errno == EBUSY)
		;
}

static void collapse(void)
{
	for (;;) {
		for (long a = addr; a < addr + (long)LEN; a += (long)HUGE) {
			struct iovec iov = { .iov_base = (void *)a, .iov_len = HUGE };

			process_madvise(target.pidfd, &iov, 1, MADV_COLLAPSE, 0);
		}
	}
}

static pid_t start(void (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The device among them: see target_main(). */
		close(hook.fd);
		fn();
		_exit(1);
	}
	return pid;
}

static void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFSIGNALED(status));
}

static void tally(void)
{
	const struct migoff_extent *x = hook_extents(&hook, 0);

	for (uint32_t i = 0; i < hook_info(&hook, 0)->n_extents; i++, x++) {
		if (x->flags & MIGOFF_EXTENT_MOVED)
			moved[x->order]++;
		else
			left[x->cause] += x->len / PAGE;
	}
}

/* How far the look came: it ends early when a collapse keeps the lock for long. */
static uint64_t pages_looked_at(void)
{
	const struct migoff_batch_info *info = hook_info(&hook, 0);

	return (info->cursor_range ? LEN : info->cursor_va - (uint64_t)addr) / PAGE;
}

static void once(int round)
{
	struct migoff_range range = range_of(addr, LEN);
	struct migoff_prepare p = prepare_args(&target, &range, 1, round / 2 % 2);
	int n = hook_run(&hook, MIGOFF_CMD_PREPARE, &p);

	if (n == -EAGAIN)
		return;
	EXPECT_GE(n, 0);
	EXPECT_EQ(hook_pages(&hook, 0), pages_looked_at());
	if (n && round % 4 == 3)
		EXPECT_EQ(hook_abort(&hook, 0), 0);
	else if (n)
		EXPECT_GE(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 0);
	EXPECT_EQ(hook_pages(&hook, 0), pages_looked_at());
	for (uint32_t i = 0; i < hook_info(&hook, 0)->n_extents; i++)
		EXPECT_TRUE(hook_extents(&hook, 0)[i].status <= 1);
	tally();
}

int main(void)
{
	struct migoff_setup setup = hook_default_setup();
	const char *option = getenv("MIGOFF_LONG");
	int rounds = option && *option ? LONG_ROUNDS : ROUNDS;
	pid_t splitter, collapser;

	if (access(SPLIT, W_OK))
		TEST_SKIP("the kernel has no " SPLIT);
	hook_open(&hook, &setup);
	target_start(&target);
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	target_call(&target, in_fill, addr, LEN, 7);
	splitter = start(split);
	collapser = start(collapse);
	for (int i = 0; i < rounds; i++) {
		once(i);
		if (i % 16 == 0)
			EXPECT_EQ(target_call(&target, in_check, addr, LEN, 7), 0);
	}
	end(splitter);
	end(collapser);
	EXPECT_EQ(target_call(&target, in_check, addr, LEN, 7), 0);
	printf("moved: %" PRIu64 " large, %" PRIu64 " small folios; left:", moved[9], moved[0]);
	for (int i = 0; i < MIGOFF_CAUSE_NR; i++)
		if (left[i])
			printf(" %d:%" PRIu64, i, left[i]);
	printf("\n");
	/* The others did their part. */
	EXPECT_GE(moved[9], 1);
	EXPECT_GE(moved[0], 1);
	target_end(&target);
	hook_close(&hook);
	return 0;
}
