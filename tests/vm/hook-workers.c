/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several batches at once: commits that the CPU copies for run side by side, as many as set up, and nothing
 * that needs no copy waits for them; prepares of one target share its pages out between them. And a
 * batch's small pages are taken from a target's threads by few interrupts, not one for each page.
 */
#include "hooklib.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "test.h"

#define N 4
#define LEN MIB(32)
#define TRACE "/sys/kernel/tracing/"
#define EVENTS TRACE "events/workqueue/"

static struct hook hook;
static struct target target;
static uint8_t verdicts[65536];

static void open_slots(uint32_t n_workers, uint64_t deadline_ns)
{
	struct migoff_setup setup = hook_default_setup();

	setup.n_slots = N;
	setup.n_workers = n_workers;
	setup.deadline_ns = deadline_ns;
	hook_open(&hook, &setup);
	target_start(&target);
}

static void close_slots(void)
{
	target_end(&target);
	hook_close(&hook);
}

/* The address of a function that is the work of a workqueue, as the kernel tells it. */
static bool is_finish(const char *line)
{
	return strstr(line, "uring_finish") != NULL;
}

static void trace(bool on)
{
	write_file(EVENTS "workqueue_execute_start/enable", on ? "1" : "0");
	write_file(EVENTS "workqueue_execute_end/enable", on ? "1" : "0");
	write_file(TRACE "tracing_on", on ? "1" : "0");
}

/* How many commits or aborts were under way at the same time, at most. */
static int most_at_once(void)
{
	_cleanup_fclose_ FILE *f = fopen(TRACE "trace", "re");
	int now = 0, most = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (!is_finish(line))
			continue;
		now += strstr(line, "execute_start") ? 1 : -1;
		most = MAX(most, now);
	}
	EXPECT_EQ(now, 0);
	return most;
}

/* All slots have a batch of their own part of the target. */
static void prepare_all(long addr, uint64_t last_deadline_ns)
{
	for (uint32_t i = 0; i < N; i++) {
		struct migoff_range range = range_of(addr + (long)(i * LEN), LEN);
		struct migoff_prepare p = prepare_args(&target, &range, 1, 1);

		p.slot = i;
		p.deadline_ns = i == N - 1 ? last_deadline_ns : 0;
		EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), LEN / HUGE);
	}
}

static void submit_commits(uint32_t n)
{
	static struct migoff_finish f[N];

	memset(verdicts, MIGOFF_VERDICT_CPU, sizeof(verdicts));
	for (uint32_t i = 0; i < n; i++) {
		f[i] = hook_finish_args(&hook, i, verdicts);
		EXPECT_OK(hook_submit(&hook, MIGOFF_CMD_COMMIT, &f[i], i));
	}
}

/* Whichever completes next. */
static uint64_t next_completion(int expected)
{
	struct io_uring_cqe *cqe;
	uint64_t id;

	EXPECT_OK(io_uring_wait_cqe(&hook.ring, &cqe));
	EXPECT_EQ(cqe->res, expected);
	id = cqe->user_data;
	io_uring_cqe_seen(&hook.ring, cqe);
	return id;
}

static int copy_at_once(uint32_t n_workers)
{
	int most;
	long addr;

	open_slots(n_workers, 10000000000);
	addr = EXPECT_OK(target_call(&target, in_map, N * LEN, 0, 1));
	target_call(&target, in_fill, addr, N * LEN, 2);
	prepare_all(addr, 0);
	write_file(TRACE "trace", "\n");
	trace(true);
	submit_commits(N);
	for (int i = 0; i < N; i++)
		next_completion(LEN / HUGE);
	trace(false);
	most = most_at_once();
	EXPECT_EQ(target_call(&target, in_check, addr, N * LEN, 2), 0);
	EXPECT_EQ(pages_on(&target, (uint64_t)addr, N * LEN, 1), N * LEN / PAGE);
	close_slots();
	return most;
}

static void test_workers(void)
{
	if (access(EVENTS, X_OK))
		TEST_SKIP("this kernel does not trace its workqueues");
	EXPECT_EQ(copy_at_once(1), 1);
	EXPECT_EQ(copy_at_once(2), 2);
	EXPECT_GE(copy_at_once(N), 3);
}

/* An abort does not wait for copies, though there is one worker for these. */
static void test_abort(void)
{
	static struct migoff_finish f;
	long addr;

	open_slots(1, 10000000000);
	addr = EXPECT_OK(target_call(&target, in_map, N * LEN, 0, 1));
	prepare_all(addr, 0);
	submit_commits(N - 1);
	f = hook_finish_args(&hook, N - 1, NULL);
	EXPECT_OK(hook_submit(&hook, MIGOFF_CMD_ABORT, &f, 99));
	for (int i = 0; i < N; i++) {
		struct io_uring_cqe *cqe;

		EXPECT_OK(io_uring_wait_cqe(&hook.ring, &cqe));
		if (cqe->user_data == 99)
			EXPECT_TRUE(i < N - 1);
		io_uring_cqe_seen(&hook.ring, cqe);
	}
	close_slots();
}

/* Nor does a deadline: the batch has ended before the last copy has. */
static void test_deadline(void)
{
	long addr;
	uint64_t last_copy = 0, ended;

	open_slots(1, 10000000000);
	addr = EXPECT_OK(target_call(&target, in_map, N * LEN, 0, 1));
	prepare_all(addr, 30000000);
	submit_commits(N - 1);
	for (int i = 0; i < N - 1; i++)
		next_completion(LEN / HUGE);
	EXPECT_TRUE(hook_wait_end(&hook, N - 1, 5000));
	for (uint32_t i = 0; i < N - 1; i++)
		last_copy = MAX(last_copy, hook_info(&hook, i)->locked_ns + hook_info(&hook, i)->blocked_ns);
	ended = hook_info(&hook, N - 1)->locked_ns + hook_info(&hook, N - 1)->blocked_ns;
	EXPECT_EQ(hook_info(&hook, N - 1)->end, MIGOFF_END_DEADLINE);
	EXPECT_TRUE(ended < last_copy);
	EXPECT_EQ(hook_abort(&hook, N - 1), -ETIME);
	close_slots();
}

/* Prepares of the same pages at the same time: each page is in one batch or, if not, has a reason. */
static void test_same_pages(void)
{
	static struct migoff_prepare p[N];
	struct migoff_range range;
	long addr;

	open_slots(0, 10000000000);
	for (int round = 0; round < 10; round++) {
		uint64_t taken = 0, moved;
		int n[N] = { };

		addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, round % 2));
		target_call(&target, in_fill, addr, LEN, round);
		range = range_of(addr, LEN);
		for (uint32_t i = 0; i < N; i++) {
			p[i] = prepare_args(&target, &range, 1, 1);
			p[i].slot = i;
			EXPECT_OK(hook_submit(&hook, MIGOFF_CMD_PREPARE, &p[i], i));
		}
		for (int i = 0; i < N; i++) {
			struct io_uring_cqe *cqe;

			EXPECT_OK(io_uring_wait_cqe(&hook.ring, &cqe));
			n[cqe->user_data] = EXPECT_OK(cqe->res);
			io_uring_cqe_seen(&hook.ring, cqe);
		}
		for (uint32_t i = 0; i < N; i++) {
			EXPECT_EQ(hook_pages(&hook, i), LEN / PAGE);
			taken += hook_info(&hook, i)->bytes_taken;
		}
		EXPECT_TRUE(taken <= LEN);
		moved = 0;
		for (uint32_t i = 0; i < N; i++) {
			int r = n[i] ? hook_commit(&hook, i, MIGOFF_VERDICT_CPU) : 0;

			/* Where all of this takes long, the last ones' time may be over. */
			if (r == -ETIME)
				taken -= hook_info(&hook, i)->bytes_taken;
			else
				EXPECT_EQ(r, n[i]);
			moved += hook_pages_moved(&hook, i);
		}
		EXPECT_EQ(moved * PAGE, taken);
		/* What they took from each other's hands is there for the next. */
		p[0] = prepare_args(&target, &range, 1, 1);
		n[0] = EXPECT_OK(hook_run(&hook, MIGOFF_CMD_PREPARE, &p[0]));
		if (n[0])
			EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), n[0]);
		EXPECT_GE(pages_on(&target, (uint64_t)addr, LEN, 1), LEN / PAGE - 256);
		EXPECT_EQ(target_call(&target, in_check, addr, LEN, round), 0);
		target_call(&target, in_unmap, addr, LEN, 0);
	}
	close_slots();
}

#define THREADS 8

static void *touch(void *page)
{
	for (;;)
		++*(volatile long *)page;
	return NULL;
}

/* Threads that are always running, on all processors, each with a page of its own. */
static long in_run_threads(long addr, long unused, long unused2)
{
	pthread_t thread;
	int r = 0;

	for (int i = 0; i < THREADS && !r; i++)
		r = pthread_create(&thread, NULL, touch, (void *)(addr + i * PAGE));
	return -r;
}

/* Interrupts to flush TLBs, on all processors. */
static long shootdowns(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/interrupts", "re");
	char line[1024], *at, *end;
	long sum = 0, n;

	while (f && fgets(line, sizeof(line), f)) {
		at = strstr(line, "TLB:");
		if (!at)
			continue;
		for (at += strlen("TLB:"); n = strtol(at, &end, 10), end != at; at = end)
			sum += n;
		return sum;
	}
	TEST_SKIP("this kernel does not count TLB shootdowns");
}

static void test_threads(void)
{
	size_t len = MIB(8);
	struct migoff_range range;
	struct migoff_prepare p;
	long addr, before;
	int n;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		TEST_SKIP("one processor has nobody to interrupt");
	open_slots(0, 10000000000);
	addr = EXPECT_OK(target_call(&target, in_map, (long)len, 0, 0));
	EXPECT_OK(target_call(&target, in_run_threads, addr, 0, 0));
	range = range_of(addr, len);
	p = prepare_args(&target, &range, 1, 1);
	before = shootdowns();
	n = EXPECT_OK(hook_run(&hook, MIGOFF_CMD_PREPARE, &p));
	EXPECT_GE(n, len / PAGE / 2);
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), n);
	printf("%d pages, %ld interrupts\n", n, shootdowns() - before);
	EXPECT_GE(n / 10, shootdowns() - before);
	close_slots();
}

int main(void)
{
	RUN(test_threads);
	RUN(test_abort);
	RUN(test_deadline);
	RUN(test_same_pages);
	RUN(test_workers);
	return 0;
}
