/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is not moved, and why: every page that was asked for gets one status and one cause, and the
 * target finds its memory as it was.
 */
#include "hooklib.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "macros.h"
#include "pagelib.h"
#include "test.h"

static struct hook hook;
static struct target target;

static const struct migoff_extent *first(void)
{
	return hook_extents(&hook, 0);
}

/* PREPARE of one range; nothing is left out. */
static int prepare(long addr, size_t len, int to_node, uint32_t flags)
{
	struct migoff_range range = range_of(addr, len);
	struct migoff_prepare p = prepare_args(&target, &range, 1, to_node);
	int r;

	p.flags = flags;
	r = hook_run(&hook, MIGOFF_CMD_PREPARE, &p);
	if (r >= 0)
		EXPECT_EQ(hook_pages(&hook, 0), len / PAGE);
	return r;
}

/* All of it is left, for one reason. */
static void expect_left(long addr, size_t len, enum migoff_cause cause, int status)
{
	EXPECT_GE(addr, PAGE);
	EXPECT_EQ(prepare(addr, len, 1, 0), 0);
	EXPECT_EQ(hook_pages_with(&hook, 0, cause), len / PAGE);
	for (uint32_t i = 0; i < hook_info(&hook, 0)->n_extents; i++)
		EXPECT_EQ(first()[i].status, status);
}

static long in_mmap(long len, long flags, long prot)
{
	void *p = mmap(NULL, (size_t)len, (int)prot, (int)flags, -1, 0);

	return p == MAP_FAILED ? -errno : (long)p;
}

static long in_read(long addr, long len, long unused)
{
	long sum = 0;

	for (long i = 0; i < len; i += PAGE)
		sum += *(volatile char *)(addr + i);
	return sum;
}

static long in_write(long addr, long len, long value)
{
	for (long i = 0; i < len; i += PAGE)
		*(volatile char *)(addr + i) = (char)value;
	return 0;
}

static long in_mlock(long addr, long len, long unused)
{
	return mlock((void *)addr, (size_t)len) ? -errno : 0;
}

static long in_mprotect(long addr, long len, long prot)
{
	return mprotect((void *)addr, (size_t)len, (int)prot) ? -errno : 0;
}

static long in_map_file(long len, long unused, long unused2)
{
	int fd = open("/build/main/tests/vm/hook-causes", O_RDONLY | O_CLOEXEC);
	void *p = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0);

	close(fd);
	return p == MAP_FAILED ? -errno : (long)p;
}

/* A mapping with nothing in it, a place without one, and both kinds of zero page. */
static void test_absent(void)
{
	long addr = target_call(&target, in_mmap, MIB(4), MAP_PRIVATE | MAP_ANONYMOUS,
				PROT_READ | PROT_WRITE);

	target_call(&target, in_madvise, addr, MIB(4), MADV_NOHUGEPAGE);
	expect_left(addr, MIB(4), MIGOFF_CAUSE_HOLE, -ENOENT);
	target_call(&target, in_read, addr, MIB(4), 0);
	expect_left(addr, MIB(4), MIGOFF_CAUSE_ZERO, -EFAULT);
	target_call(&target, in_unmap, addr, MIB(4), 0);
	expect_left(addr, MIB(4), MIGOFF_CAUSE_UNMAPPED, -EFAULT);

	addr = ALIGN_UP(target_call(&target, in_mmap, MIB(6), MAP_PRIVATE | MAP_ANONYMOUS,
				    PROT_READ | PROT_WRITE), HUGE);
	target_call(&target, in_madvise, addr, MIB(2), MADV_HUGEPAGE);
	target_call(&target, in_read, addr, MIB(2), 0);
	expect_left(addr, MIB(2), MIGOFF_CAUSE_ZERO, -EFAULT);
}

/* Page cache, shared memory, hugetlb. */
static void test_not_anonymous(void)
{
	long addr = target_call(&target, in_map_file, PAGE * 4, 0, 0);

	target_call(&target, in_read, addr, PAGE * 4, 0);
	expect_left(addr, PAGE * 4, MIGOFF_CAUSE_FILE, -EBUSY);

	addr = target_call(&target, in_mmap, MIB(1), MAP_SHARED | MAP_ANONYMOUS,
			   PROT_READ | PROT_WRITE);
	target_call(&target, in_write, addr, MIB(1), 1);
	expect_left(addr, MIB(1), MIGOFF_CAUSE_FILE, -EBUSY);

	write_file("/proc/sys/vm/nr_hugepages", "4");
	addr = target_call(&target, in_mmap, MIB(4), MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
			   PROT_READ | PROT_WRITE);
	EXPECT_GE(addr, PAGE);
	target_call(&target, in_write, addr, MIB(4), 1);
	expect_left(addr, MIB(4), MIGOFF_CAUSE_HUGETLB, -EBUSY);
	target_call(&target, in_unmap, addr, MIB(4), 0);
	write_file("/proc/sys/vm/nr_hugepages", "0");
}

/* A private mapping of a file: the pages that were written are anonymous, and move. */
static void test_private_file(void)
{
	long addr = target_call(&target, in_map_file, PAGE * 16, 0, 0);

	EXPECT_EQ(target_call(&target, in_mprotect, addr, PAGE * 16, PROT_READ | PROT_WRITE), 0);
	target_call(&target, in_read, addr, PAGE * 16, 0);
	target_call(&target, in_write, addr, PAGE * 8, 3);
	EXPECT_GE(prepare(addr, PAGE * 16, 1, 0), 0);
	EXPECT_EQ(hook_pages_with(&hook, 0, MIGOFF_CAUSE_FILE), 8);
	EXPECT_EQ(hook_info(&hook, 0)->n_taken + hook_pages_with(&hook, 0, MIGOFF_CAUSE_BUSY), 8);
	if (hook_info(&hook, 0)->n_taken)
		EXPECT_GE(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 0);
}

static long in_fork(long unused, long unused2, long unused3)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static long in_reap(long pid, long unused, long unused2)
{
	kill((pid_t)pid, SIGKILL);
	return waitpid((pid_t)pid, NULL, 0);
}

/* What another process maps too is left, unless all is asked for. */
static void test_shared(void)
{
	long addr = target_call(&target, in_map, MIB(4), 0, 1), child;

	target_call(&target, in_fill, addr, MIB(4), 3);
	child = target_call(&target, in_fork, 0, 0, 0);
	expect_left(addr, MIB(4), MIGOFF_CAUSE_SHARED, -EACCES);
	EXPECT_EQ(prepare(addr, MIB(4), 1, MIGOFF_PREPARE_MOVE_ALL), 2);
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 2);
	EXPECT_EQ(pages_on(&target, (uint64_t)addr, MIB(4), 1), MIB(4) / PAGE);
	EXPECT_EQ(target_call(&target, in_check, addr, MIB(4), 3), 0);
	EXPECT_EQ(target_call(&target, in_reap, child, 0, 0), child);
	EXPECT_EQ(target_call(&target, in_check, addr, MIB(4), 3), 0);
}

/* What is on the destination, on another node than was asked for, or too small. */
static void test_not_wanted(void)
{
	long addr = target_call(&target, in_map, MIB(4), 0, 1);
	struct migoff_range range = range_of(addr, MIB(4));
	struct migoff_prepare p = prepare_args(&target, &range, 1, 0);

	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), 0);
	EXPECT_EQ(hook_pages_with(&hook, 0, MIGOFF_CAUSE_ALREADY), MIB(4) / PAGE);
	EXPECT_EQ(first()->status, 0);
	EXPECT_EQ(first()->from_node, 0);

	p = prepare_args(&target, &range, 1, 1);
	p.from_nodes[0] = 1 << 1;
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), 0);
	EXPECT_EQ(hook_pages_with(&hook, 0, MIGOFF_CAUSE_NODE), MIB(4) / PAGE);
	EXPECT_EQ(first()->status, 0);

	p.from_nodes[0] = 1 << 0;
	p.min_order = 10;
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), 0);
	EXPECT_EQ(hook_pages_with(&hook, 0, MIGOFF_CAUSE_SMALL), MIB(4) / PAGE);
	p.min_order = 9;
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), 2);
	EXPECT_EQ(hook_abort(&hook, 0), 0);
}

static void test_mlocked(void)
{
	long addr = target_call(&target, in_map, MIB(4), 0, 1);

	EXPECT_EQ(target_call(&target, in_mlock, addr, MIB(4), 0), 0);
	expect_left(addr, MIB(4), MIGOFF_CAUSE_MLOCKED, -EBUSY);
}

/* Merged pages. The kernel's thread for that needs a moment. */
static void test_ksm(void)
{
	long addr = target_call(&target, in_map, MIB(1), 0, 0);

	if (access("/sys/kernel/mm/ksm/run", W_OK))
		return;
	write_file("/sys/kernel/mm/ksm/sleep_millisecs", "0");
	write_file("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	target_call(&target, in_write, addr, MIB(1), 0x55);
	EXPECT_EQ(target_call(&target, in_madvise, addr, MIB(1), MADV_MERGEABLE), 0);
	write_file("/sys/kernel/mm/ksm/run", "1");
	for (int i = 0; i < 1000; i++) {
		EXPECT_EQ(prepare(addr, MIB(1), 1, 0) > 0 ? hook_abort(&hook, 0) : 0, 0);
		if (hook_pages_with(&hook, 0, MIGOFF_CAUSE_KSM) == MIB(1) / PAGE)
			break;
		usleep(10000);
	}
	expect_left(addr, MIB(1), MIGOFF_CAUSE_KSM, -EBUSY);
	write_file("/sys/kernel/mm/ksm/run", "2");
	target_call(&target, in_unmap, addr, MIB(1), 0);
}

static struct io_uring pin_ring;

static long in_pin(long addr, long len, long unused)
{
	struct iovec iov = { .iov_base = (void *)addr, .iov_len = (size_t)len };
	int r = io_uring_queue_init(4, &pin_ring, 0);

	return r ? r : io_uring_register_buffers(&pin_ring, &iov, 1);
}

static long in_unpin(long unused, long unused2, long unused3)
{
	io_uring_queue_exit(&pin_ring);
	return 0;
}

/* Pages under somebody's DMA, here io_uring's registered buffers, large and small; then they move. */
static void test_pinned(void)
{
	for (long huge = 0; huge < 2; huge++) {
		long addr = target_call(&target, in_map, MIB(2), 0, huge);
		int n;

		EXPECT_EQ(target_call(&target, in_pin, addr, MIB(2), 0), 0);
		EXPECT_EQ(prepare(addr, MIB(2), 1, 0), 0);
		EXPECT_GE(hook_pages_with(&hook, 0, MIGOFF_CAUSE_PINNED) +
			  hook_pages_with(&hook, 0, MIGOFF_CAUSE_BUSY), MIB(2) / PAGE);
		EXPECT_GE(hook_pages_with(&hook, 0, MIGOFF_CAUSE_PINNED), MIB(2) / PAGE - 64);
		target_call(&target, in_unpin, 0, 0, 0);
		for (int i = 0; i < 200; i++) {
			n = prepare(addr, MIB(2), 1, 0);
			if (n > 0)
				break;
			usleep(10000);
		}
		EXPECT_GE(n, 1);
		EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), n);
	}
}

/* A large folio of which a part was given back. */
static void test_partial(void)
{
	long addr = target_call(&target, in_map, MIB(2), 0, 1);

	target_call(&target, in_fill, addr, MIB(2), 4);
	EXPECT_EQ(target_call(&target, in_madvise, addr + MIB(1), PAGE, MADV_DONTNEED), 0);
	EXPECT_EQ(prepare(addr, MIB(2), 1, 0), 0);
	EXPECT_EQ(hook_pages_with(&hook, 0, MIGOFF_CAUSE_PARTIAL), MIB(2) / PAGE - 1);
	EXPECT_EQ(hook_pages_with(&hook, 0, MIGOFF_CAUSE_HOLE), 1);
	EXPECT_EQ(target_call(&target, in_check, addr, MIB(1), 4), 0);
}

/* A folio is moved whole, whatever part of it is asked for, and is in the batch once. */
static void test_part_asked(void)
{
	long addr = target_call(&target, in_map, MIB(4), 0, 1);
	struct migoff_range ranges[] = {
		range_of(addr + 5 * PAGE, 2 * PAGE),
		range_of(addr + 9 * PAGE, PAGE),
		range_of(addr + MIB(2) - PAGE, 2 * PAGE),
	};
	struct migoff_prepare p = prepare_args(&target, ranges, ARRAY_SIZE(ranges), 1);

	target_call(&target, in_fill, addr, MIB(4), 11);
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), 2);
	EXPECT_EQ(hook_info(&hook, 0)->n_extents, 4);
	EXPECT_EQ(first()[1].flags, MIGOFF_EXTENT_SAME);
	EXPECT_EQ(first()[2].flags, MIGOFF_EXTENT_SAME);
	EXPECT_EQ(first()[0].folio_len, HUGE);
	EXPECT_EQ(hook_pages(&hook, 0), 5);
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 2);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(first()[i].status, 1);
	EXPECT_EQ(hook_pages_moved(&hook, 0), 5);
	EXPECT_EQ(pages_on(&target, (uint64_t)addr, MIB(4), 1), MIB(4) / PAGE);
	EXPECT_EQ(target_call(&target, in_check, addr, MIB(4), 11), 0);
}

/* Large folios that are mapped by small entries keep their size. */
static void test_mthp(void)
{
	const char *enabled = "/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled";
	const char *huge_enabled = "/sys/kernel/mm/transparent_hugepage/hugepages-2048kB/enabled";
	size_t len = MIB(2), n = MIB(2) / KIB(64);
	long addr;

	if (access(enabled, W_OK))
		return;
	write_file(enabled, "always");
	write_file(huge_enabled, "never");
	addr = target_call(&target, in_mmap, (long)len * 2, MAP_PRIVATE | MAP_ANONYMOUS,
			   PROT_READ | PROT_WRITE);
	addr = (long)ALIGN_UP((size_t)addr, HUGE);
	target_call(&target, in_fill, addr, (long)len, 12);
	write_file(enabled, "never");
	write_file(huge_enabled, "inherit");
	for (int to = 1; to >= 0; to--) {
		EXPECT_EQ(prepare(addr, len, to, 0), n);
		EXPECT_EQ(hook_info(&hook, 0)->n_extents, n);
		for (uint32_t i = 0; i < n; i++)
			EXPECT_EQ(first()[i].order, 4);
		EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), n);
		EXPECT_EQ(pages_on(&target, (uint64_t)addr, len, to), len / PAGE);
		EXPECT_EQ(target_call(&target, in_check, addr, (long)len, 12), 0);
	}
	/* Also after a batch that came to nothing. */
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(prepare(addr, len, 1, 0), n);
		EXPECT_EQ(hook_abort(&hook, 0), 0);
		EXPECT_EQ(target_call(&target, in_check, addr, (long)len, 12), 0);
	}
}

/* Pages that nobody may touch, which is also how pages marked for NUMA hinting look, move as well. */
static void test_prot_none(void)
{
	long addr = target_call(&target, in_map, MIB(4), 0, 1);

	target_call(&target, in_fill, addr, MIB(4), 13);
	EXPECT_EQ(target_call(&target, in_mprotect, addr, MIB(4), PROT_NONE), 0);
	EXPECT_EQ(prepare(addr, MIB(4), 1, 0), 2);
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 2);
	EXPECT_EQ(target_call(&target, in_mprotect, addr, MIB(4), PROT_READ), 0);
	EXPECT_EQ(pages_on(&target, (uint64_t)addr, MIB(4), 1), MIB(4) / PAGE);
	EXPECT_EQ(target_call(&target, in_check, addr, MIB(4), 13), 0);
}

int main(void)
{
	struct migoff_setup setup = hook_default_setup();

	hook_open(&hook, &setup);
	target_start(&target);
	RUN(test_absent);
	RUN(test_not_anonymous);
	RUN(test_private_file);
	RUN(test_shared);
	RUN(test_not_wanted);
	RUN(test_mlocked);
	RUN(test_ksm);
	RUN(test_pinned);
	RUN(test_partial);
	RUN(test_part_asked);
	RUN(test_mthp);
	RUN(test_prot_none);
	target_end(&target);
	hook_close(&hook);
	return 0;
}
