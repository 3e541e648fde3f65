/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments that make no sense are refused, each with its errno, and nothing is changed by them. */
#include "hooklib.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "macros.h"
#include "test.h"

#define LEN MIB(4)

static struct hook hook;
static struct target target;
static long addr;
static struct migoff_range range;

static int setup_result(const struct migoff_setup *setup)
{
	struct hook h;
	int r;

	/* -EBUSY is the last session on its way out. */
	for (int i = 0; i < 1000; i++) {
		r = hook_try_open(&h, setup);
		if (r != -EBUSY)
			break;
		usleep(5000);
	}
	if (!r)
		hook_close(&h);
	return r;
}

#define EXPECT_SETUP(change, result)					\
	do {								\
		struct migoff_setup s = hook_default_setup();		\
		change;							\
		EXPECT_EQ(setup_result(&s), result);			\
	} while (0)

static void test_setup(void)
{
	struct migoff_setup setup = hook_default_setup();
	int fd;

	EXPECT_SETUP(s.size--, -EINVAL);
	EXPECT_SETUP(s.size = 0, -EINVAL);
	EXPECT_SETUP(s.flags = 1 << 4, -EINVAL);
	EXPECT_SETUP(s.flags = MIGOFF_SETUP_VERIFY_FULL | MIGOFF_SETUP_VERIFY_SAMPLED, -EINVAL);
	EXPECT_SETUP(s.n_devices = MIGOFF_MAX_DEVICES + 1, -EINVAL);
	EXPECT_SETUP(s.window_iova = MIB(4), -EINVAL);
	EXPECT_SETUP(s.window_len = MIB(4), -EINVAL);
	EXPECT_SETUP(s.n_slots = 0, -EINVAL);
	EXPECT_SETUP(s.n_slots = MIGOFF_MAX_SLOTS + 1, -EINVAL);
	EXPECT_SETUP(s.n_extents = 15, -EINVAL);
	EXPECT_SETUP(s.n_extents = 65537, -EINVAL);
	EXPECT_SETUP(s.deadline_ns = 0, -EINVAL);
	EXPECT_SETUP(s.deadline_ns = 10000000001, -EINVAL);
	EXPECT_SETUP(s.pool_bytes = MIB(1), -EINVAL);
	EXPECT_SETUP((s.pool_bytes = MIB(1), s.pool_age_ns = 999999), -EINVAL);
	EXPECT_SETUP((s.pool_bytes = MIB(1), s.pool_age_ns = 3600000000001), -EINVAL);
	EXPECT_SETUP((s.pool_bytes = MIB(1), s.pool_age_ns = 3600000000000), 0);
	EXPECT_SETUP(s.pool_age_ns = 1000000, -EINVAL);
	EXPECT_SETUP(s.flags = MIGOFF_SETUP_POOL_SHARED, -EINVAL);
	EXPECT_SETUP(s.n_workers = MIGOFF_MAX_SLOTS + 1, -EINVAL);
	EXPECT_SETUP(s.n_workers = MIGOFF_MAX_SLOTS, 0);
	EXPECT_SETUP(s.reserved0 = 1, -EINVAL);
	EXPECT_SETUP(s.reserved[0] = 1, -EINVAL);
	EXPECT_SETUP(s.ret_area_len = 1, -EINVAL);
	/* One device, but a window that cannot be shared out. */
	EXPECT_SETUP((s.n_devices = 1, s.window_len = 0), -EINVAL);
	EXPECT_SETUP((s.n_devices = 1, s.window_iova = MIB(2), s.window_len = MIB(8)), -EINVAL);
	EXPECT_SETUP((s.n_devices = 1, s.window_iova = MIB(4), s.window_len = MIB(6)), -EINVAL);
	EXPECT_SETUP((s.n_devices = 1, s.window_len = MIB(8), s.devices[0].fd = -1), -EBADF);

	fd = open("/dev/migoff", O_RDWR | O_CLOEXEC);
	EXPECT_OK(fd);
	setup.abi = 77;
	EXPECT_EQ(ioctl(fd, MIGOFF_IOC_SETUP, &setup), -1);
	EXPECT_EQ(errno, EPROTONOSUPPORT);
	EXPECT_EQ(setup.abi, MIGOFF_ABI_VERSION);
	EXPECT_EQ(ioctl(fd, MIGOFF_IOC_SETUP, NULL), -1);
	EXPECT_EQ(errno, EFAULT);
	EXPECT_EQ(ioctl(fd, _IO('M', 0x61), NULL), -1);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_EQ(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? errno : 0, ENXIO);
	EXPECT_EQ(open("/dev/migoff", O_RDWR | O_CLOEXEC), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(ioctl(fd, MIGOFF_IOC_SETUP, &setup), 0);
	EXPECT_EQ(ioctl(fd, MIGOFF_IOC_SETUP, &setup), -1);
	EXPECT_EQ(errno, EINVAL);	/* with the results of the first */
	setup.ret_area_len = setup.ret_max_batch = 0;
	EXPECT_EQ(ioctl(fd, MIGOFF_IOC_SETUP, &setup), -1);
	EXPECT_EQ(errno, EBUSY);
	close(fd);
}

/* The areas can be read only, by the opener only. */
static void test_areas(void)
{
	size_t len = hook.setup.ret_area_len;
	void *p;

	EXPECT_TRUE(mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, hook.fd, 0) == MAP_FAILED);
	EXPECT_EQ(errno, EPERM);
	EXPECT_TRUE(mmap(NULL, len, PROT_READ, MAP_SHARED, hook.fd, PAGE) == MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_TRUE(mmap(NULL, len + PAGE, PROT_READ, MAP_SHARED, hook.fd, 0) == MAP_FAILED);
	EXPECT_TRUE(mmap(NULL, len, PROT_READ, MAP_SHARED, hook.fd,
			 (off_t)(hook.setup.n_slots * len)) == MAP_FAILED);
	p = mmap(NULL, len, PROT_READ, MAP_SHARED, hook.fd, 0);
	EXPECT_TRUE(p != MAP_FAILED);
	EXPECT_EQ(mprotect(p, len, PROT_READ | PROT_WRITE), -1);
	EXPECT_EQ(errno, EACCES);
	munmap(p, len);
}

static int prepare_result(const struct migoff_prepare *p)
{
	int r = hook_run(&hook, MIGOFF_CMD_PREPARE, p);

	EXPECT_EQ(hook_counter("live_batches"), r > 0);
	return r;
}

#define EXPECT_PREPARE(change, result)					\
	do {								\
		struct migoff_prepare p = prepare_args(&target, &range, 1, 1); \
		change;							\
		EXPECT_EQ(prepare_result(&p), result);			\
	} while (0)

static void test_prepare(void)
{
	struct migoff_range bad[2] = { range, range };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int own_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int own_pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int init_pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
	int init_pagemap = open("/proc/1/pagemap", O_RDONLY | O_CLOEXEC);
	int kthread_pidfd = (int)syscall(SYS_pidfd_open, 2, 0);
	int smaps = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);

	EXPECT_PREPARE(p.size--, -EINVAL);
	EXPECT_PREPARE(p.flags = 1 << 2, -EINVAL);
	EXPECT_PREPARE(p.slot = hook.setup.n_slots, -EINVAL);
	EXPECT_PREPARE(p.slot = UINT32_MAX, -EINVAL);
	EXPECT_PREPARE(p.reserved[2] = 1, -EINVAL);
	EXPECT_PREPARE(p.n_ranges = 0, -EINVAL);
	EXPECT_PREPARE(p.cursor_range = 2, -EINVAL);
	EXPECT_PREPARE(p.cursor_va = (uint64_t)addr + 1, -EINVAL);
	EXPECT_PREPARE(p.cursor_va = (uint64_t)addr + LEN, -EINVAL);
	EXPECT_PREPARE(p.cursor_va = PAGE, -EINVAL);
	EXPECT_PREPARE(p.min_order = 11, -EINVAL);
	EXPECT_PREPARE(p.deadline_ns = hook.setup.deadline_ns + 1, -EINVAL);
	EXPECT_PREPARE(p.flags = MIGOFF_PREPARE_WHOLE, -EINVAL);
	EXPECT_PREPARE(p.ranges = 0, -EFAULT);
	EXPECT_PREPARE(p.ranges = 1ULL << 63, -EFAULT);
	EXPECT_PREPARE(p.to_node = -1, -ENODEV);
	EXPECT_PREPARE(p.to_node = 2, -ENODEV);
	EXPECT_PREPARE(p.to_node = 1 << 20, -ENODEV);

	EXPECT_PREPARE(p.pidfd = -1, -EBADF);
	EXPECT_PREPARE(p.pidfd = null, -EBADF);
	EXPECT_PREPARE(p.pagemap_fd = -1, -EBADF);
	EXPECT_PREPARE(p.pagemap_fd = null, -EBADF);
	EXPECT_PREPARE(p.pagemap_fd = smaps, -EBADF);
	EXPECT_PREPARE(p.pagemap_fd = own_pagemap, -EPERM);
	EXPECT_PREPARE(p.pidfd = own_pidfd, -EPERM);
	EXPECT_PREPARE((p.pidfd = own_pidfd, p.pagemap_fd = own_pagemap), -EPERM);
	EXPECT_PREPARE((p.pidfd = init_pidfd, p.pagemap_fd = init_pagemap), -EPERM);
	EXPECT_PREPARE(p.pidfd = kthread_pidfd, -EPERM);

	bad[0].start++;
	EXPECT_PREPARE(p.ranges = (uintptr_t)bad, -EINVAL);
	bad[0] = range;
	bad[0].len--;
	EXPECT_PREPARE(p.ranges = (uintptr_t)bad, -EINVAL);
	bad[0].len = 0;
	EXPECT_PREPARE(p.ranges = (uintptr_t)bad, -EINVAL);
	bad[0].len = -(uint64_t)PAGE;
	EXPECT_PREPARE(p.ranges = (uintptr_t)bad, -EINVAL);
	bad[0] = (struct migoff_range){ .start = 1ULL << 63, .len = PAGE };
	EXPECT_PREPARE(p.ranges = (uintptr_t)bad, -EINVAL);
	/* The second range is the first again: found when the first has been looked at already. */
	bad[0] = range;
	EXPECT_PREPARE((p.ranges = (uintptr_t)bad, p.n_ranges = 2), -EINVAL);
	EXPECT_EQ(hook_counter("live_folios"), 0);

	close(null);
	close(own_pidfd);
	close(own_pagemap);
	close(init_pidfd);
	close(init_pagemap);
	close(kthread_pidfd);
	close(smaps);
}

static void test_finish(void)
{
	static uint8_t verdicts[64];
	struct migoff_prepare p = prepare_args(&target, &range, 1, 1);
	struct migoff_finish f, good;

	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), LEN / HUGE);
	good = hook_finish_args(&hook, 0, verdicts);

#define EXPECT_FINISH(op, change, result)				\
	do {								\
		f = good;						\
		change;							\
		EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_##op, &f), result); \
		EXPECT_EQ(hook_counter("live_batches"), 1);		\
	} while (0)

	EXPECT_FINISH(COMMIT, f.size++, -EINVAL);
	EXPECT_FINISH(COMMIT, f.slot = 2, -EINVAL);
	EXPECT_FINISH(COMMIT, f.slot = 1, -ENOENT);
	EXPECT_FINISH(COMMIT, f.batch++, -ENOENT);
	EXPECT_FINISH(COMMIT, f.n_verdicts++, -EINVAL);
	EXPECT_FINISH(COMMIT, f.n_verdicts--, -EINVAL);
	EXPECT_FINISH(COMMIT, f.n_verdicts = UINT32_MAX, -EINVAL);
	EXPECT_FINISH(COMMIT, f.verdicts = 0, -EFAULT);
	EXPECT_FINISH(COMMIT, f.reserved0 = 1, -EINVAL);
	EXPECT_FINISH(COMMIT, f.reserved[1] = 1, -EINVAL);
	EXPECT_FINISH(ABORT, , -EINVAL);
	verdicts[0] = 3;
	EXPECT_FINISH(COMMIT, , -EINVAL);
	/* Without an engine, nobody can have copied it. */
	verdicts[0] = MIGOFF_VERDICT_COPIED;
	EXPECT_FINISH(COMMIT, , -EINVAL);
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_COMMIT, NULL), -EFAULT);
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, NULL), -EFAULT);
	EXPECT_EQ(hook_run(&hook, 0, &good), -ENOTTY);
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), -EBUSY);
	EXPECT_EQ(hook_counter("live_batches"), 1);
	EXPECT_EQ(hook_abort(&hook, 0), 0);
	EXPECT_EQ(pages_on(&target, (uint64_t)addr, LEN, 0), LEN / PAGE);
}

static long in_exec(long unused, long unused2, long unused3)
{
	execl("/bin/sleep", "sleep", "100", NULL);
	return -errno;
}

/* The proof is void after an exec, and a target that is gone is gone, also as a zombie. */
static void test_gone(void)
{
	struct migoff_prepare p;
	struct target t;
	char c;

	target_start(&t);
	p = prepare_args(&t, &range, 1, 1);
	target_send(&t, in_exec, 0, 0, 0);
	/* The socket closes when the exec is done. */
	EXPECT_EQ(read(t.sock, &c, 1), 0);
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), -EPERM);
	kill(t.pid, SIGKILL);
	EXPECT_EQ(waitid(P_PIDFD, (id_t)t.pidfd, NULL, WEXITED | WNOWAIT), 0);
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), -ESRCH);
	EXPECT_EQ(waitpid(t.pid, NULL, 0), t.pid);
	t.pid = 0;
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), -ESRCH);
	target_end(&t);
}

/* Before SETUP no command is taken. */
static void test_before_setup(void)
{
	struct migoff_prepare p = { .size = sizeof(p) };
	struct hook h = { };

	h.fd = open("/dev/migoff", O_RDWR | O_CLOEXEC);
	EXPECT_OK(h.fd);
	EXPECT_OK(io_uring_queue_init(8, &h.ring, 0));
	EXPECT_EQ(hook_run(&h, MIGOFF_CMD_PREPARE, &p), -ENXIO);
	EXPECT_EQ(hook_run(&h, MIGOFF_CMD_ABORT, &p), -ENXIO);
	io_uring_queue_exit(&h.ring);
	close(h.fd);
}

/* Go through a request in small steps and abort each; return how many pages were reported. */
static uint64_t step_through(struct hook *h, struct migoff_prepare p, uint64_t end)
{
	uint64_t pages = 0;
	int n;

	p.max_bytes = 3 * PAGE;
	while (p.cursor_range < end) {
		n = EXPECT_OK(hook_run(h, MIGOFF_CMD_PREPARE, &p));
		EXPECT_TRUE(hook_info(h, 0)->n_extents <= 16);
		EXPECT_TRUE(n <= 1 || hook_info(h, 0)->bytes_taken <= 3 * PAGE);
		pages += hook_pages(h, 0);
		p.cursor_range = hook_info(h, 0)->cursor_range;
		p.cursor_va = hook_info(h, 0)->cursor_va;
		if (n)
			EXPECT_EQ(hook_commit(h, 0, MIGOFF_VERDICT_CPU), n);
	}
	return pages;
}

/* However small the budget and the area are, going on from the cursor reaches every page once. */
static void test_cursor(void)
{
	struct migoff_setup setup = hook_default_setup();
	struct migoff_range ranges[300];
	struct migoff_prepare p;
	struct target t;
	struct hook h;
	long small;

	target_start(&t);
	small = EXPECT_OK(target_call(&t, in_map, LEN, 0, 0));
	target_call(&t, in_fill, small, LEN, 6);
	for (unsigned int i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = range_of(small + i * 3 * PAGE, 2 * PAGE);
	setup.n_extents = 16;
	hook_open(&h, &setup);

	p = prepare_args(&t, ranges, ARRAY_SIZE(ranges), 1);
	EXPECT_EQ(step_through(&h, p, ARRAY_SIZE(ranges)), 2 * ARRAY_SIZE(ranges));
	EXPECT_GE(pages_on(&t, (uint64_t)small, LEN, 1), 2 * ARRAY_SIZE(ranges) - 64);

	/* The whole process: what is mapped and present, here at least what was just filled. */
	p = prepare_args(&t, NULL, 0, 1);
	p.flags = MIGOFF_PREPARE_WHOLE;
	EXPECT_GE(step_through(&h, p, 1), LEN / PAGE);
	EXPECT_GE(pages_on(&t, (uint64_t)small, LEN, 1), LEN / PAGE - 64);
	EXPECT_EQ(target_call(&t, in_check, small, LEN, 6), 0);

	/* At its end there is nothing more. */
	p.cursor_range = 1;
	EXPECT_EQ(hook_run(&h, MIGOFF_CMD_PREPARE, &p), 0);
	EXPECT_EQ(hook_info(&h, 0)->n_extents, 0);
	hook_close(&h);
	target_end(&t);
}

int main(void)
{
	struct migoff_setup setup = hook_default_setup();

	RUN(test_setup);
	RUN(test_before_setup);
	target_start(&target);
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	target_call(&target, in_fill, addr, LEN, 5);
	range = range_of(addr, LEN);
	hook_open(&hook, &setup);
	RUN(test_areas);
	RUN(test_prepare);
	RUN(test_finish);
	RUN(test_gone);
	EXPECT_EQ(target_call(&target, in_check, addr, LEN, 5), 0);
	target_end(&target);
	hook_close(&hook);
	RUN(test_cursor);
	return 0;
}
