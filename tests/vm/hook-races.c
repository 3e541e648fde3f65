/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever a target does while its pages are in a batch, neither it nor the kernel takes harm: what is
 * left of it finds its memory as it was. Meanwhile others allocate and free what it has freed.
 */
#include "hooklib.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "macros.h"
#include "test.h"

#define LARGE MIB(4)
#define SMALL KIB(512)
/* How often each case, in a long run and else. */
#define REPEAT 51
#define REPEAT_SHORT 9

static struct hook hook;

/* Processes that come and go with many mappings, so that freed reverse maps are used again. */
static void churn(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			for (int i = 0; i < 64; i++) {
				char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

				if (p == MAP_FAILED)
					_exit(1);
				p[0] = p[PAGE] = 1;
				mprotect(p, PAGE, PROT_READ);
			}
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static pid_t start_churn(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		churn();
	}
	return pid;
}

static void shrink_slabs(void)
{
	static const char *const slabs[] = {
		"/sys/kernel/slab/anon_vma/shrink", "/sys/kernel/slab/anon_vma_chain/shrink",
	};

	for (size_t i = 0; i < ARRAY_SIZE(slabs); i++)
		if (!access(slabs[i], W_OK))
			write_file(slabs[i], "1");
}

/* Two mappings in one place, large folios and small pages, with known content. */
static long in_make(long unused, long unused2, long unused3)
{
	long large = in_map(LARGE + HUGE, 0, 1), small = large + (long)LARGE;

	if (large < 0 || munmap((void *)small, HUGE) ||
	    mmap((void *)small, SMALL, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ||
	    madvise((void *)small, SMALL, MADV_NOHUGEPAGE))
		return -errno;
	in_fill(large, LARGE + SMALL, 3);
	return large;
}

static long in_nothing(long addr, long unused, long unused2)
{
	return addr;
}

static long in_munmap(long addr, long unused, long unused2)
{
	munmap((void *)(addr + (long)MIB(1)), MIB(2));
	munmap((void *)(addr + (long)LARGE), KIB(64));
	return 0;
}

static long in_munmap_all(long addr, long unused, long unused2)
{
	munmap((void *)addr, LARGE + SMALL);
	return 0;
}

static long in_dontneed(long addr, long unused, long unused2)
{
	madvise((void *)addr, LARGE + SMALL, MADV_DONTNEED);
	return 0;
}

static long in_mremap(long addr, long unused, long unused2)
{
	void *to = mmap(NULL, LARGE + SMALL + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = (char *)ALIGN_UP((uintptr_t)to, HUGE);

	/* Content goes by the old address: copy the words' rule by moving back in the end. */
	p = mremap((void *)addr, LARGE, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
	if (p == MAP_FAILED)
		return -errno;
	p = mremap(p, LARGE, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, addr);
	return p == MAP_FAILED ? -errno : (long)p;
}

static long in_mprotect(long addr, long unused, long unused2)
{
	if (mprotect((void *)addr, LARGE + SMALL, PROT_READ) ||
	    mprotect((void *)(addr + (long)HUGE), PAGE, PROT_NONE) ||
	    mprotect((void *)addr, LARGE + SMALL, PROT_READ | PROT_WRITE))
		return -errno;
	return addr;
}

/* Both have the memory, and each may write it. */
static long in_fork(long addr, long unused, long unused2)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		long wrong = in_check(addr, LARGE + SMALL, 3);

		in_fill(addr, LARGE + SMALL, 4);
		_exit(wrong || in_check(addr, LARGE + SMALL, 4));
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return status ? -EIO : addr;
}

/* The child goes while the batch is out, and takes its part of the reverse maps with it. */
static long in_fork_exit(long addr, long unused, long unused2)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return waitpid(pid, NULL, 0) == pid ? addr : -errno;
}

static long in_exec(long unused, long unused2, long unused3)
{
	execl("/bin/sleep", "sleep", "1000", NULL);
	return -errno;
}

static long in_exit(long unused, long unused2, long unused3)
{
	_exit(0);
}

#define MANY 512

/* Many mappings that are no neighbours, so that each has a reverse map of its own. */
static long in_make_many(long unused, long unused2, long unused3)
{
	char *p = mmap(NULL, 2 * MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || madvise(p, 2 * MANY * PAGE, MADV_NOHUGEPAGE))
		return -errno;
	for (int i = 0; i < MANY; i++) {
		munmap(p + (2 * i + 1) * PAGE, PAGE);
		p[2 * i * PAGE] = 1;
	}
	return (long)p;
}

enum after {
	SAME,		/* all content is there */
	ALIVE,		/* it answers */
	SILENT,		/* it does not */
	GONE,		/* killed by us */
};

static void end_batch(int how, uint64_t pages)
{
	switch (how % 3) {
	case 0:
		EXPECT_GE(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 0);
		break;
	case 1:
		EXPECT_EQ(hook_abort(&hook, 0), 0);
		break;
	default:
		EXPECT_TRUE(hook_wait_end(&hook, 0, 10000));
		EXPECT_EQ(hook_info(&hook, 0)->end, MIGOFF_END_DEADLINE);
		EXPECT_EQ(hook_abort(&hook, 0), -ETIME);
	}
	EXPECT_EQ(hook_counter("live_anon_vmas"), 0);
	EXPECT_EQ(hook_counter("live_folios"), 0);
	EXPECT_EQ(hook_pages(&hook, 0), pages);
}

static void once(int i, target_fn action, enum after after, uint32_t flags)
{
	struct migoff_range range;
	struct migoff_prepare p;
	struct target t;
	bool answered = false;
	long addr;
	char c;

	target_start(&t);
	addr = EXPECT_OK(target_call(&t, in_make, 0, 0, 0));
	range = range_of(addr, LARGE + SMALL);
	p = prepare_args(&t, &range, 1, 1);
	p.flags = flags;
	if (i % 3 == 2)
		p.deadline_ns = 100000000;
	/* On a busy machine some are left for lack of time. */
	EXPECT_GE(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), 1);

	if (after == GONE) {
		kill(t.pid, SIGKILL);
		EXPECT_EQ(waitpid(t.pid, NULL, 0), t.pid);
		t.pid = 0;
	} else {
		target_send(&t, action, addr, 0, 0);
		/* Some finish now, some when the batch ends: give it time to get that far. */
		answered = target_answers(&t, 5);
		if (after == SILENT)
			EXPECT_EQ(read(t.sock, &c, 1), 0);
		else if (answered)
			EXPECT_GE(target_receive(&t), 0);
	}
	if (i % 5 == 0)
		shrink_slabs();
	end_batch(i, (LARGE + SMALL) / PAGE);
	if (after == SAME || after == ALIVE) {
		if (!answered)
			EXPECT_GE(target_receive(&t), 0);
		EXPECT_EQ(target_call(&t, in_nothing, 1, 0, 0), 1);
	}
	if (after == SAME)
		EXPECT_EQ(target_call(&t, in_check, addr, LARGE + SMALL, 3), 0);
	target_end(&t);
}

static const struct {
	const char *name;
	target_fn action;
	enum after after;
	uint32_t flags;
} cases[] = {
	{ "killed", NULL, GONE, 0 },
	{ "exec", in_exec, SILENT, 0 },
	{ "munmap", in_munmap_all, ALIVE, 0 },
	{ "exit", in_exit, SILENT, 0 },
	{ "munmap of a part", in_munmap, ALIVE, 0 },
	{ "MADV_DONTNEED", in_dontneed, ALIVE, 0 },
	{ "mremap", in_mremap, SAME, 0 },
	{ "mprotect", in_mprotect, SAME, 0 },
	{ "fork, both go on", in_fork, SAME, 0 },
	{ "fork, the child ends", in_fork_exit, SAME, 0 },
};

/*
 * The target goes, and with it every reverse map that the batch has pages of; the kernel gives the slabs
 * that held nothing else back, and overwrites them (with page_poison=1). Nothing else runs that would use
 * them again.
 */
static void many_killed(int i)
{
	struct migoff_range range;
	struct migoff_prepare p;
	struct target t;
	long addr;

	target_start(&t);
	addr = EXPECT_OK(target_call(&t, in_make_many, 0, 0, 0));
	range = range_of(addr, 2 * MANY * PAGE);
	p = prepare_args(&t, &range, 1, 1);
	if (i % 3 == 2)
		p.deadline_ns = 100000000;
	EXPECT_GE(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), 1);
	/* A batch with little time may have ended already. */
	if (!p.deadline_ns)
		EXPECT_EQ(hook_counter("live_anon_vmas"), hook_info(&hook, 0)->n_taken);
	kill(t.pid, SIGKILL);
	EXPECT_EQ(waitpid(t.pid, NULL, 0), t.pid);
	t.pid = 0;
	/* They are freed after a grace period of RCU. */
	usleep(30000);
	shrink_slabs();
	end_batch(i, 2 * MANY);
	target_end(&t);
}

int main(void)
{
	struct migoff_setup setup = hook_default_setup();
	const char *option = getenv("MIGOFF_LONG");
	int repeat = option && *option ? REPEAT : REPEAT_SHORT;
	pid_t pid;

	/* What happens meanwhile takes its time on a kernel that checks everything. */
	setup.deadline_ns = 10000000000;
	hook_open(&hook, &setup);
	printf("killed, many mappings\n");
	fflush(stdout);
	for (int i = 0; i < repeat; i++)
		many_killed(i);
	pid = start_churn();
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		printf("%s\n", cases[c].name);
		fflush(stdout);
		for (int i = 0; i < repeat; i++)
			once(i, cases[c].action, cases[c].after, cases[c].flags);
	}
	hook_close(&hook);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
