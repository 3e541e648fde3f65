/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches end by themselves: whatever becomes of the daemon, of its workers, or of its target. */
#include "hooklib.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "macros.h"
#include "test.h"

#define LEN MIB(8)
#define MS 1000000ULL

static struct target target;
static long addr;
static struct migoff_range range;

static void start_target(void)
{
	target_start(&target);
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	target_call(&target, in_fill, addr, LEN, 5);
	range = range_of(addr, LEN);
}

static void end_target(void)
{
	EXPECT_EQ(target_call(&target, in_check, addr, LEN, 5), 0);
	target_end(&target);
}

static void open_hook(struct hook *h, uint64_t deadline_ns, uint32_t flags)
{
	struct migoff_setup setup = hook_default_setup();

	setup.deadline_ns = deadline_ns;
	setup.flags = flags;
	hook_open(h, &setup);
}

static void take_all(struct hook *h)
{
	struct migoff_prepare p = prepare_args(&target, &range, 1, 1);

	EXPECT_EQ(hook_run(h, MIGOFF_CMD_PREPARE, &p), LEN / HUGE);
}

/*
 * At the deadline the pages are mapped back, without the daemon; a commit that comes later is told so,
 * and changes nothing; the slot can be used again.
 */
static void test_left(void)
{
	struct hook h;
	uint64_t start;

	start_target();
	open_hook(&h, 200 * MS, 0);
	for (int i = 0; i < 3; i++) {
		start = now_ns();
		take_all(&h);
		EXPECT_EQ(target_call(&target, in_check, addr, LEN, 5), 0);
		EXPECT_GE(now_ns() - start, 200 * MS);
		EXPECT_TRUE(hook_wait_end(&h, 0, 2000));
		EXPECT_EQ(hook_info(&h, 0)->end, MIGOFF_END_DEADLINE);
		EXPECT_EQ(hook_pages_with(&h, 0, MIGOFF_CAUSE_LEFT), LEN / PAGE);
		EXPECT_EQ(i % 2 ? hook_abort(&h, 0) : hook_commit(&h, 0, MIGOFF_VERDICT_CPU), -ETIME);
		EXPECT_EQ(i % 2 ? hook_abort(&h, 0) : hook_commit(&h, 0, MIGOFF_VERDICT_CPU), -ENOENT);
		EXPECT_EQ(pages_on(&target, (uint64_t)addr, LEN, 0), LEN / PAGE);
	}
	take_all(&h);
	EXPECT_EQ(hook_commit(&h, 0, MIGOFF_VERDICT_CPU), LEN / HUGE);
	hook_close(&h);
	end_target();
}

/* Set up so, the deadline moves the pages by the CPU. */
static void test_copied(void)
{
	struct hook h;

	start_target();
	open_hook(&h, 100 * MS, MIGOFF_SETUP_EXPIRE_COPY);
	take_all(&h);
	EXPECT_EQ(target_call(&target, in_check, addr, LEN, 5), 0);
	EXPECT_TRUE(hook_wait_end(&h, 0, 2000));
	EXPECT_EQ(hook_pages_moved(&h, 0), LEN / PAGE);
	EXPECT_EQ(pages_on(&target, (uint64_t)addr, LEN, 1), LEN / PAGE);
	EXPECT_EQ(hook_abort(&h, 0), -ETIME);
	hook_close(&h);
	end_target();
}

/* A batch may have a shorter deadline than the session, and none may have a longer one. */
static void test_own_deadline(void)
{
	struct migoff_prepare p;
	uint64_t start;
	struct hook h;

	start_target();
	open_hook(&h, 5000 * MS, 0);
	p = prepare_args(&target, &range, 1, 1);
	p.deadline_ns = 5000 * MS + 1;
	EXPECT_EQ(hook_run(&h, MIGOFF_CMD_PREPARE, &p), -EINVAL);
	p.deadline_ns = 100 * MS;
	start = now_ns();
	EXPECT_EQ(hook_run(&h, MIGOFF_CMD_PREPARE, &p), LEN / HUGE);
	EXPECT_EQ(hook_info(&h, 0)->deadline_ns - hook_info(&h, 0)->locked_ns, 100 * MS);
	EXPECT_TRUE(hook_wait_end(&h, 0, 3000));
	EXPECT_TRUE(now_ns() - start < 3000 * MS);
	hook_close(&h);
	end_target();
}

static long in_write(long a, long unused, long unused2)
{
	*(volatile long *)a = *(volatile long *)a;
	return 0;
}

static char thread_stack[65536];
static volatile long protected;

static int protect(void *arg)
{
	protected = mprotect((void *)addr, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) ? -1 : 1;
	return 0;
}

/*
 * One thread waits for a page of a batch, another changes the mapping and waits for the first. All
 * commands that take up the target's mappings are answered, not queued behind that; and the commit is
 * carried out though every worker of io_uring has one of them.
 */
static long in_tangle(long a, long unused, long unused2)
{
	addr = a;
	if (clone(protect, thread_stack + sizeof(thread_stack),
		  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL) < 0)
		return -errno;
	*(volatile long *)(a + (long)HUGE) += 0;
	while (!protected)
		usleep(1000);
	return protected;
}

static void test_workers_busy(void)
{
	struct migoff_prepare many;
	struct migoff_finish f;
	static uint8_t verdicts[64];
	unsigned int n = 100;
	uint64_t start;
	struct hook h;
	int r;

	start_target();
	open_hook(&h, 10000 * MS, 0);
	take_all(&h);
	target_send(&target, in_tangle, addr, 0, 0);
	EXPECT_TRUE(!target_answers(&target, 200));

	many = prepare_args(&target, &range, 1, 1);
	many.slot = 1;
	start = now_ns();
	for (unsigned int i = 0; i < n; i++)
		EXPECT_OK(hook_submit(&h, MIGOFF_CMD_PREPARE, &many, i));
	memset(verdicts, MIGOFF_VERDICT_CPU, sizeof(verdicts));
	f = hook_finish_args(&h, 0, verdicts);
	EXPECT_OK(hook_submit(&h, MIGOFF_CMD_COMMIT, &f, 4711));
	/* Completions come in any order; the commit's must be among the first. */
	for (unsigned int seen = 0; seen <= n; seen++) {
		struct io_uring_cqe *cqe;

		EXPECT_OK(io_uring_wait_cqe(&h.ring, &cqe));
		r = cqe->res;
		if (cqe->user_data == 4711) {
			EXPECT_EQ(r, LEN / HUGE);
			EXPECT_TRUE(now_ns() - start < 5000 * MS);
		} else if (r != -EAGAIN && r != 0 && r != -EBUSY) {
			/* Taken, once the tangle is over. */
			EXPECT_EQ(r, LEN / HUGE);
		}
		io_uring_cqe_seen(&h.ring, cqe);
	}
	EXPECT_EQ(target_receive(&target), 1);
	hook_abort(&h, 1);
	hook_close(&h);
	end_target();
}

/* A child of this program, with a session of its own, that takes the target's pages and waits. */
static pid_t start_daemon(uint64_t deadline_ns)
{
	int ready[2];
	char c = 0;
	pid_t pid;

	EXPECT_OK(pipe2(ready, O_CLOEXEC));
	pid = fork();
	if (pid == 0) {
		struct hook h;

		open_hook(&h, deadline_ns, 0);
		take_all(&h);
		if (write(ready[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

/* A daemon that is stopped keeps nobody waiting longer than the deadline. */
static void test_stopped(void)
{
	uint64_t start;
	pid_t pid;

	start_target();
	pid = start_daemon(300 * MS);
	kill(pid, SIGSTOP);
	start = now_ns();
	EXPECT_EQ(target_call(&target, in_write, addr, 0, 0), 0);
	EXPECT_TRUE(now_ns() - start < 3000 * MS);
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	end_target();
}

/* A daemon that is killed gives everything back at once, long before the deadline. */
static void test_killed(void)
{
	int64_t before = hook_counter("ended_by_release");
	uint64_t start;
	pid_t pid;

	start_target();
	for (int i = 0; i < 10; i++) {
		pid = start_daemon(10000 * MS);
		target_send(&target, in_check, addr, LEN, 5);
		EXPECT_TRUE(!target_answers(&target, 50));
		start = now_ns();
		kill(pid, SIGKILL);
		EXPECT_EQ(waitpid(pid, NULL, 0), pid);
		EXPECT_EQ(target_receive(&target), 0);
		EXPECT_TRUE(now_ns() - start < 5000 * MS);
	}
	EXPECT_EQ(hook_counter("ended_by_release") - before, 10);
	EXPECT_EQ(hook_counter("live_batches"), 0);
	end_target();
}

/* A ring that is closed with commands on their way does not hang. */
static void test_ring_exit(void)
{
	static uint8_t verdicts[64];
	struct migoff_prepare p;
	struct migoff_finish f;
	struct hook h;

	start_target();
	for (int i = 0; i < 20; i++) {
		open_hook(&h, 5000 * MS, 0);
		take_all(&h);
		memset(verdicts, MIGOFF_VERDICT_CPU, sizeof(verdicts));
		f = hook_finish_args(&h, 0, i % 3 ? verdicts : NULL);
		p = prepare_args(&target, &range, 1, 0);
		p.slot = 1;
		EXPECT_OK(hook_submit(&h, MIGOFF_CMD_PREPARE, &p, 1));
		EXPECT_OK(hook_submit(&h, i % 3 ? MIGOFF_CMD_COMMIT : MIGOFF_CMD_ABORT, &f, 2));
		hook_close(&h);
		EXPECT_EQ(target_call(&target, in_check, addr, LEN, 5), 0);
		/* All on node 0 again. */
		open_hook(&h, 5000 * MS, 0);
		p.slot = 0;
		if (hook_run(&h, MIGOFF_CMD_PREPARE, &p) > 0)
			hook_commit(&h, 0, MIGOFF_VERDICT_CPU);
		hook_close(&h);
	}
	end_target();
}

int main(void)
{
	RUN(test_left);
	RUN(test_copied);
	RUN(test_own_deadline);
	RUN(test_workers_busy);
	RUN(test_stopped);
	RUN(test_killed);
	RUN(test_ring_exit);
	return 0;
}
