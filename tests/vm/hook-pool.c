/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pool: the sources of moved folios become destinations, clean, counted right, and with nothing in
 * them that another may not see; and it holds no more, and no longer, than it was set up to.
 */
#include "hooklib.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "test.h"

#define LEN MIB(16)
#define HOUR 3600000000000
#define DEADLINE_MS 20000

static struct hook hook;
static struct target target;

static void open_pool(uint64_t bytes, uint64_t age_ns, uint32_t flags)
{
	struct migoff_setup setup = hook_default_setup();

	setup.pool_bytes = bytes;
	setup.pool_age_ns = age_ns;
	setup.flags = flags;
	hook_open(&hook, &setup);
}

static int prepare(struct target *t, long addr, size_t len, int to_node)
{
	struct migoff_range range = range_of(addr, len);
	struct migoff_prepare p = prepare_args(t, &range, 1, to_node);

	return hook_run(&hook, MIGOFF_CMD_PREPARE, &p);
}

/* Return: how many pages moved. */
static uint64_t move(struct target *t, long addr, size_t len, int to_node)
{
	int n = EXPECT_OK(prepare(t, addr, len, to_node));

	if (n)
		EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), n);
	return hook_pages_moved(&hook, 0);
}

static long read_number(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	long value;

	if (!f || fscanf(f, "%ld", &value) != 1)
		TEST_FAIL("%s cannot be read", path);
	return value;
}

static long nr_anon(size_t kib)
{
	char path[128];

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/transparent_hugepage/hugepages-%zukB/stats/nr_anon", kib);
	return read_number(path);
}

/* Poll: the kernel has no event for it. */
static bool counter_becomes(const char *name, int64_t value)
{
	uint64_t end = now_ns() + DEADLINE_MS * 1000000ULL;

	while (hook_counter(name) != value) {
		if (now_ns() > end)
			return false;
		usleep(5000);
	}
	return true;
}

struct deltas {
	int64_t hits, misses, recycled, unfit, filled, scrubbed;
};

static struct deltas counters(void)
{
	return (struct deltas){
		.hits = hook_counter("pool_hits"), .misses = hook_counter("pool_misses"),
		.recycled = hook_counter("pool_recycled"), .unfit = hook_counter("pool_unfit"),
		.filled = hook_counter("pool_filled"), .scrubbed = hook_counter("pool_scrubbed"),
	};
}

static struct deltas since(struct deltas before)
{
	struct deltas now = counters();

	return (struct deltas){
		.hits = now.hits - before.hits, .misses = now.misses - before.misses,
		.recycled = now.recycled - before.recycled, .unfit = now.unfit - before.unfit,
		.filled = now.filled - before.filled, .scrubbed = now.scrubbed - before.scrubbed,
	};
}

/*
 * To and fro, again and again: from the second move on the first one's sources are enough. Content is
 * right, folios stay large, and the kernel counts as many of them as there are.
 */
static void to_and_fro(long huge)
{
	long anon = nr_anon(2048), addr;
	int64_t n = (int64_t)(huge ? LEN / HUGE : LEN / PAGE), few = huge ? 0 : 256;
	struct deltas d, before = counters();

	target_start(&target);
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, huge));
	target_call(&target, in_fill, addr, LEN, 7);
	for (int i = 0; i < 6; i++) {
		EXPECT_GE(move(&target, addr, LEN, !(i % 2)), LEN / PAGE - (size_t)few);
		EXPECT_EQ(target_call(&target, in_check, addr, LEN, 7), 0);
		EXPECT_EQ(nr_anon(2048) - anon, huge ? n : 0);
	}
	d = since(before);
	EXPECT_GE(d.recycled, 6 * (n - few));
	EXPECT_EQ(d.unfit, 0);
	EXPECT_GE(d.hits, 5 * (n - few));
	EXPECT_GE(n + 5 * few, d.misses);
	EXPECT_GE(6 * few, d.filled);
	EXPECT_EQ(d.scrubbed, 0);
	EXPECT_EQ(smaps_kib(target.pid, (uint64_t)addr, "AnonHugePages"), huge ? LEN / 1024 : 0);
	target_end(&target);
	EXPECT_EQ(nr_anon(2048), anon);
}

static void test_huge(void)
{
	open_pool(MIB(64), HOUR, 0);
	to_and_fro(1);
	hook_close(&hook);
}

static void test_small(void)
{
	open_pool(MIB(64), HOUR, 0);
	to_and_fro(0);
	hook_close(&hook);
}

#define MTHP "/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled"

/* Folios of 64 KiB are recycled as such. */
static void test_middle(void)
{
	struct deltas before;
	long anon, addr;

	write_file(MTHP, "madvise");
	anon = nr_anon(64);
	open_pool(MIB(64), HOUR, 0);
	target_start(&target);
	/* Less than 2 MiB, so that none of that size fits. */
	addr = EXPECT_OK(target_call(&target, in_map, KIB(1024), 0, 1));
	write_file(MTHP, "never");
	target_call(&target, in_fill, addr, KIB(1024), 3);
	EXPECT_EQ(nr_anon(64) - anon, 16);
	before = counters();
	for (int i = 0; i < 6; i++) {
		EXPECT_EQ(move(&target, addr, KIB(1024), !(i % 2)), 256);
		EXPECT_EQ(hook_info(&hook, 0)->n_taken, 16);
		EXPECT_EQ(target_call(&target, in_check, addr, KIB(1024), 3), 0);
		EXPECT_EQ(nr_anon(64) - anon, 16);
	}
	EXPECT_EQ(since(before).recycled, 6 * 16);
	EXPECT_EQ(since(before).misses, 16);
	target_end(&target);
	EXPECT_EQ(nr_anon(64), anon);
	hook_close(&hook);
}

/* Small entries map a large folio, so that each of its pages has marks of its own. */
static long in_split(long addr, long len, long unused)
{
	for (long a = addr; a < addr + len; a += (long)HUGE)
		if (mprotect((void *)a, PAGE, PROT_READ) ||
		    mprotect((void *)a, PAGE, PROT_READ | PROT_WRITE))
			return -errno;
	return 0;
}

static int release_fd;
static pid_t child;

/* A child that shares all memory that it may, and writes to some when it is told to. */
static long in_fork(long addr, long len, long seed)
{
	int fds[2];
	char byte;

	if (pipe(fds))
		return -errno;
	child = fork();
	if (child == 0) {
		close(fds[1]);
		if (read(fds[0], &byte, 1) != 1)
			_exit(0);
		in_fill(addr, len, seed);
		_exit(in_check(addr, len, seed) != 0);
	}
	close(fds[0]);
	release_fd = fds[1];
	return child < 0 ? -errno : 0;
}

/* Have it write, or just end. */
static long in_end_child(long write_first, long unused, long unused2)
{
	int status = -1;

	if (write_first && write(release_fd, "", 1) != 1)
		return -errno;
	close(release_fd);
	return waitpid(child, &status, 0) == child ? status : -errno;
}

/*
 * Pages of each large folio that a child does not get, and that are unmapped while it has the others: at both
 * ends, so that what is left is one piece.
 */
static const long alone_at[] = { 0, 1, 511 };

static long in_unshare(long addr, long len, long advice)
{
	for (long a = addr; a < addr + len; a += (long)HUGE)
		for (size_t i = 0; i < ARRAY_SIZE(alone_at); i++)
			if (madvise((void *)(a + alone_at[i] * PAGE), PAGE, (int)advice))
				return -errno;
	return 0;
}

static void move_shared(long addr, int to_node)
{
	struct migoff_range range = range_of(addr, LEN);
	struct migoff_prepare p = prepare_args(&target, &range, 1, to_node);

	p.flags = MIGOFF_PREPARE_MOVE_ALL;
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), LEN / HUGE);
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), LEN / HUGE);
}

/*
 * A page that is one process' alone is marked as such, and stays so when it is unmapped while others have the
 * rest of its folio. That folio, recycled, has no such mark: else a child that shares what comes there would
 * write into its parent's memory.
 */
static void test_exclusive(void)
{
	long alone, shared;

	open_pool(MIB(64), HOUR, 0);
	target_start(&target);
	alone = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	shared = EXPECT_OK(target_call(&target, in_map, LEN, 1, 1));
	target_call(&target, in_fill, shared, LEN, 5);
	EXPECT_OK(target_call(&target, in_split, alone, LEN, 0));
	EXPECT_OK(target_call(&target, in_split, shared, LEN, 0));
	EXPECT_OK(target_call(&target, in_unshare, alone, LEN, MADV_DONTFORK));
	EXPECT_OK(target_call(&target, in_fork, alone, LEN, 0));
	EXPECT_OK(target_call(&target, in_unshare, alone, LEN, MADV_DONTNEED));
	move_shared(alone, 1);
	EXPECT_EQ(hook_counter("live_pooled_bytes"), LEN);
	EXPECT_EQ(target_call(&target, in_end_child, 0, 0, 0), 0);

	EXPECT_OK(target_call(&target, in_fork, shared, LEN, 6));
	move_shared(shared, 0);
	EXPECT_EQ(target_call(&target, in_end_child, 1, 0, 0), 0);
	EXPECT_EQ(target_call(&target, in_check, shared, LEN, 5), 0);
	target_end(&target);
	hook_close(&hook);
}

/*
 * Destinations of an aborted batch are used again, and there are never more than may be. (From the second
 * request on that has to wait for memory, some is allocated ahead.)
 */
static void test_bound(void)
{
	struct deltas before = counters();
	int64_t full = hook_counter("pool_no_room");
	long addr;

	open_pool(MIB(8), HOUR, 0);
	target_start(&target);
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(prepare(&target, addr, LEN, 1), LEN / HUGE);
		EXPECT_GE(MIB(8), hook_counter("live_pooled_bytes"));
		EXPECT_EQ(hook_abort(&hook, 0), 0);
		EXPECT_EQ(hook_counter("live_pooled_bytes"), MIB(8));
	}
	/* What is allocated ahead may come in time, too. */
	EXPECT_GE(since(before).hits, 3 * MIB(8) / HUGE);
	EXPECT_EQ(since(before).recycled + hook_counter("pool_no_room") - full, 4 * LEN / HUGE);
	/* Of each node: 8 MiB of the sources are taken in. */
	for (int to = 1; to >= 0; to--) {
		EXPECT_EQ(move(&target, addr, LEN, to), LEN / PAGE);
		EXPECT_GE(hook_counter("live_pooled_bytes"), MIB(8));
		EXPECT_GE(2 * MIB(8), hook_counter("live_pooled_bytes"));
	}
	target_end(&target);
	hook_close(&hook);
	EXPECT_TRUE(counter_becomes("live_pooled_bytes", 0));
}

/*
 * A full pool serves whoever moves memory now: folios of a size that nobody moves any more make room for those
 * of another.
 */
static void test_other_size(void)
{
	size_t len = 2 * HUGE;
	struct deltas before;
	long small, huge;

	open_pool(LEN, HOUR, 0);
	target_start(&target);
	small = EXPECT_OK(target_call(&target, in_map, LEN, 0, 0));
	huge = EXPECT_OK(target_call(&target, in_map, (long)len, 0, 1));
	move(&target, small, LEN, 1);
	move(&target, small, LEN, 0);
	EXPECT_GE(hook_counter("live_pooled_bytes"), LEN - len / 2);
	for (int i = 0; i < 6; i++)
		EXPECT_EQ(move(&target, huge, len, !(i % 2)), len / PAGE);
	before = counters();
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(move(&target, huge, len, !(i % 2)), len / PAGE);
	EXPECT_EQ(since(before).hits, 2 * len / HUGE);
	EXPECT_EQ(since(before).misses, 0);
	EXPECT_GE(2 * LEN, hook_counter("live_pooled_bytes"));
	target_end(&target);
	hook_close(&hook);
}

/* What is not asked for goes by itself. */
static void test_age(void)
{
	int64_t aged = hook_counter("pool_aged");
	long addr;

	open_pool(MIB(64), 200000000, 0);
	target_start(&target);
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	EXPECT_EQ(move(&target, addr, LEN, 1), LEN / PAGE);
	EXPECT_EQ(hook_counter("live_pooled_bytes"), LEN);
	EXPECT_TRUE(counter_becomes("live_pooled_bytes", 0));
	EXPECT_TRUE(counter_becomes("pool_aged", aged + (int64_t)(LEN / HUGE)));
	target_end(&target);
	hook_close(&hook);
}

/* The kernel's caches are shrunk, and the pool is one. */
static void test_shrink(void)
{
	int64_t shrunk = hook_counter("pool_shrunk");
	long addr;

	open_pool(MIB(64), HOUR, 0);
	target_start(&target);
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	EXPECT_EQ(move(&target, addr, LEN, 1), LEN / PAGE);
	EXPECT_EQ(hook_counter("live_pooled_bytes"), LEN);
	write_file("/proc/sys/vm/drop_caches", "2");
	EXPECT_EQ(hook_counter("live_pooled_bytes"), 0);
	EXPECT_EQ(hook_counter("pool_shrunk") - shrunk, LEN / HUGE);
	target_end(&target);
	hook_close(&hook);
}

/* While a request goes on, its next batch finds destinations; when it has ended none are made. */
static void test_fill(void)
{
	struct deltas before = counters();
	struct migoff_range range;
	struct migoff_prepare p;
	long addr;

	open_pool(MIB(64), HOUR, 0);
	target_start(&target);
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	range = range_of(addr, LEN);
	p = prepare_args(&target, &range, 1, 1);
	p.max_bytes = LEN / 2;
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), LEN / 2 / HUGE);
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), LEN / 2 / HUGE);
	EXPECT_TRUE(counter_becomes("pool_filled", before.filled + LEN / 2 / HUGE));
	EXPECT_EQ(hook_counter("live_pooled_bytes"), LEN);
	p.cursor_range = hook_info(&hook, 0)->cursor_range;
	p.cursor_va = hook_info(&hook, 0)->cursor_va;
	EXPECT_EQ(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), LEN / 2 / HUGE);
	EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), LEN / 2 / HUGE);
	EXPECT_EQ(since(before).hits, LEN / 2 / HUGE);
	EXPECT_EQ(since(before).misses, LEN / 2 / HUGE);
	EXPECT_EQ(hook_counter("live_pooled_bytes"), LEN);
	target_end(&target);
	hook_close(&hook);
	EXPECT_EQ(since(before).filled, LEN / 2 / HUGE);
}

/* One request after another to the same node finds destinations, too. */
static void test_one_way(void)
{
	struct deltas before = counters();
	long addr[3];

	open_pool(MIB(64), HOUR, 0);
	target_start(&target);
	for (int i = 0; i < 3; i++)
		addr[i] = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	EXPECT_EQ(move(&target, addr[0], LEN, 1), LEN / PAGE);
	EXPECT_EQ(move(&target, addr[1], LEN, 1), LEN / PAGE);
	EXPECT_TRUE(counter_becomes("pool_filled", before.filled + LEN / HUGE));
	EXPECT_EQ(move(&target, addr[2], LEN, 1), LEN / PAGE);
	EXPECT_EQ(since(before).hits, LEN / HUGE);
	EXPECT_EQ(since(before).misses, 2 * LEN / HUGE);
	target_end(&target);
	hook_close(&hook);
}

/* More than there is: half of the node at most, and the machine goes on. */
static void test_absurd_size(void)
{
	struct deltas before = counters();
	long addr;

	open_pool(UINT64_MAX, HOUR, 0);
	target_start(&target);
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	EXPECT_EQ(move(&target, addr, LEN, 1), LEN / PAGE);
	EXPECT_EQ(since(before).recycled, LEN / HUGE);
	target_end(&target);
	hook_close(&hook);
}

int main(void)
{
	RUN(test_huge);
	RUN(test_small);
	RUN(test_middle);
	RUN(test_exclusive);
	RUN(test_bound);
	RUN(test_other_size);
	RUN(test_age);
	RUN(test_shrink);
	RUN(test_fill);
	RUN(test_one_way);
	RUN(test_absurd_size);
	return 0;
}
