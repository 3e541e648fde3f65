/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a page is, besides its content, goes with it: age, dirt, owner; and nothing is used up. */
#include "hooklib.h"

#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "pagelib.h"
#include "test.h"

#define LEN MIB(4)
#define SOFT_DIRTY (1ULL << 55)

static struct hook hook;
static struct target target;
static bool no_soft_dirty;

/*
 * So many pages may sit in processors' lists on their way to an LRU: of two processors, on two lists each
 * when MADV_FREE has just put them on another LRU, and 31 on each.
 */
#define ON_LISTS 124

/* Move it; what sits in those lists stays behind. */
static uint64_t move(long addr, size_t len, int to_node)
{
	struct migoff_range range = range_of(addr, len);
	struct migoff_prepare p = prepare_args(&target, &range, 1, to_node);

	if (EXPECT_OK(hook_run(&hook, MIGOFF_CMD_PREPARE, &p)))
		EXPECT_GE(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 1);
	EXPECT_GE(hook_pages_moved(&hook, 0), len / PAGE - ON_LISTS);
	return hook_pages_moved(&hook, 0);
}

static void clear_refs(const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", target.pid);
	write_file(path, what);
}

static size_t soft_dirty(long addr, size_t len)
{
	size_t n = 0;
	uint64_t entry;

	for (size_t i = 0; i < len / PAGE; i++) {
		EXPECT_EQ(pread(target.pagemap_fd, &entry, 8, (addr / PAGE + (long)i) * 8), 8);
		n += !!(entry & SOFT_DIRTY);
	}
	return n;
}

static long in_read(long addr, long len, long unused)
{
	long sum = 0;

	for (long i = 0; i < len; i += PAGE)
		sum += *(volatile char *)(addr + i);
	return sum * 0;
}

/* Being looked at, moved or aborted does not make a page look used, and a used one stays used. */
static void test_young(void)
{
	for (long huge = 0; huge < 2; huge++) {
		long addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, huge));

		clear_refs("1");
		EXPECT_EQ(smaps_kib(target.pid, (uint64_t)addr, "Referenced"), 0);
		move(addr, LEN, 1);
		EXPECT_EQ(smaps_kib(target.pid, (uint64_t)addr, "Referenced"), 0);
		target_call(&target, in_read, addr, LEN, 0);
		EXPECT_EQ(smaps_kib(target.pid, (uint64_t)addr, "Referenced"), LEN / 1024);
		move(addr, LEN, 0);
		EXPECT_EQ(smaps_kib(target.pid, (uint64_t)addr, "Referenced"), LEN / 1024);
		target_call(&target, in_unmap, addr, LEN, 0);
	}
}

static void test_dirty(void)
{
	for (long huge = 0; huge < 2; huge++) {
		long addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, huge));
		uint64_t a = (uint64_t)addr;

		move(addr, LEN, 1);
		EXPECT_EQ(smaps_kib(target.pid, a, "Private_Dirty"), LEN / 1024);
		/* Pages that may be thrown away stay such. */
		EXPECT_EQ(target_call(&target, in_madvise, addr, LEN, MADV_FREE), 0);
		EXPECT_GE(smaps_kib(target.pid, a, "LazyFree"), (LEN - ON_LISTS * PAGE) / 1024);
		move(addr, LEN, 0);
		EXPECT_GE(smaps_kib(target.pid, a, "LazyFree"), (LEN - ON_LISTS * PAGE) / 1024);
		target_call(&target, in_unmap, addr, LEN, 0);
	}
}

/* The kernel's own way to move pages, for comparison. */
static void kernel_move(long addr, size_t len, int to_node)
{
	size_t n = len / PAGE;
	_cleanup_free_ void **pages = calloc(n, sizeof(*pages));
	_cleanup_free_ int *nodes = calloc(n, sizeof(*nodes)), *status = calloc(n, sizeof(*status));

	for (size_t i = 0; i < n; i++) {
		pages[i] = (void *)(addr + (long)(i * PAGE));
		nodes[i] = to_node;
	}
	EXPECT_EQ(move_pages(target.pid, n, pages, nodes, status, MPOL_MF_MOVE), 0);
}

/*
 * What was written since the last look of somebody's is told to have been. (The kernel's migration also
 * tells it of dirty pages that were not: here it is the same.)
 */
static void test_soft_dirty(void)
{
	for (long huge = 0; huge < 2; huge++) {
		long addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, huge));
		long twin = EXPECT_OK(target_call(&target, in_map, LEN, 0, huge));

		if (!soft_dirty(twin, LEN)) {
			no_soft_dirty = true;
			return;
		}
		EXPECT_EQ(soft_dirty(addr, LEN), LEN / PAGE);
		move(addr, LEN, 1);
		kernel_move(twin, LEN, 1);
		EXPECT_EQ(soft_dirty(addr, LEN), LEN / PAGE);
		clear_refs("4");
		EXPECT_EQ(soft_dirty(addr, LEN), 0);
		target_call(&target, in_fill, addr, PAGE, 1);
		target_call(&target, in_fill, twin, PAGE, 1);
		EXPECT_GE(soft_dirty(addr, LEN), 1);
		kernel_move(twin, LEN, 0);
		if (move(addr, LEN, 0) == LEN / PAGE)
			EXPECT_EQ(soft_dirty(addr, LEN), soft_dirty(twin, LEN));
		EXPECT_GE(soft_dirty(addr, LEN), 1);
		target_call(&target, in_unmap, addr, LEN, 0);
		target_call(&target, in_unmap, twin, LEN, 0);
	}
}

static long read_stat(const char *file, const char *key, const char *sub)
{
	char path[128], line[1024];
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/hook-state/%s", file);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *at;

		if (strncmp(line, key, strlen(key)) || line[strlen(key)] != ' ')
			continue;
		at = strstr(line, sub);
		if (at)
			return strtol(at + strlen(sub), NULL, 10);
	}
	TEST_FAIL("no %s %s in %s", key, sub, path);
}

/* The control group that paid for a page pays for it where it is now. */
static void test_memcg(void)
{
	char pid[16];
	long addr;

	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	EXPECT_EQ(mkdir("/sys/fs/cgroup/hook-state", 0755), 0);
	snprintf(pid, sizeof(pid), "%d", target.pid);
	write_file("/sys/fs/cgroup/hook-state/cgroup.procs", pid);
	addr = EXPECT_OK(target_call(&target, in_map, MIB(32), 0, 1));
	EXPECT_GE(read_stat("memory.numa_stat", "anon", "N0="), MIB(32));
	for (int to = 1; to >= 0; to--) {
		move(addr, MIB(32), to);
		EXPECT_GE(read_stat("memory.numa_stat", "anon", to ? "N1=" : "N0="), MIB(32));
		EXPECT_TRUE(read_stat("memory.numa_stat", "anon", to ? "N0=" : "N1=") <
			    (long)MIB(8));
		EXPECT_TRUE(read_stat("memory.stat", "anon", " ") < (long)MIB(40));
		EXPECT_GE(read_stat("memory.stat", "anon_thp", " "), MIB(32));
	}
	target_end(&target);
	for (int i = 0; i < 100 && rmdir("/sys/fs/cgroup/hook-state"); i++)
		usleep(20000);
	EXPECT_TRUE(access("/sys/fs/cgroup/hook-state", F_OK));
	target_start(&target);
}

static long vmstat(const char *key)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/vmstat", "re");
	char name[64];
	long value;

	while (f && fscanf(f, "%63s %ld", name, &value) == 2)
		if (!strcmp(name, key))
			return value;
	return -1;
}

static long in_map_sparse(long len, long unused, long unused2)
{
	char *p = mmap(NULL, (size_t)len + HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	p = (char *)ALIGN_UP((uintptr_t)p, HUGE);
	madvise(p, (size_t)len, MADV_HUGEPAGE);
	for (long i = 0; i < len; i += (long)HUGE)
		p[i] = 1;
	return (long)p;
}

/* Large folios that are mostly empty can still be found and split when memory is short. */
static void test_underused(void)
{
	const char *limit = "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none";
	long before = vmstat("thp_underused_split_page"), addr;
	char pid[16];
	int fd;

	if (before < 0)
		return;
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	EXPECT_EQ(mkdir("/sys/fs/cgroup/hook-state", 0755), 0);
	snprintf(pid, sizeof(pid), "%d", target.pid);
	write_file("/sys/fs/cgroup/hook-state/cgroup.procs", pid);
	write_file(limit, "100");
	addr = EXPECT_OK(target_call(&target, in_map_sparse, MIB(16), 0, 0));
	EXPECT_EQ(smaps_kib(target.pid, (uint64_t)addr, "AnonHugePages"), MIB(16) / 1024);
	move(addr, MIB(16), 1);
	fd = open("/sys/fs/cgroup/hook-state/memory.reclaim", O_WRONLY | O_CLOEXEC);
	for (int i = 0; i < 10 && vmstat("thp_underused_split_page") == before; i++)
		if (write(fd, "8M", 2) < 0 && errno != EAGAIN)
			TEST_FAIL("memory.reclaim: %s", strerror(errno));
	close(fd);
	EXPECT_GE(vmstat("thp_underused_split_page"), before + 1);
	write_file(limit, "511");
	target_end(&target);
	for (int i = 0; i < 100 && rmdir("/sys/fs/cgroup/hook-state"); i++)
		usleep(20000);
	target_start(&target);
}

/* With what each processor keeps at hand: after many moves that is MiBs, and free all the same. */
static long all_free_kib(void)
{
	_cleanup_fclose_ FILE *f = NULL;
	char line[256];
	long pages = 0, n;

	write_file("/proc/sys/vm/drop_caches", "3");
	f = fopen("/proc/zoneinfo", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " pages free %ld", &n) == 1 || sscanf(line, " count: %ld", &n) == 1)
			pages += n;
	return pages * PAGE / 1024;
}

/* 50 batches of each way to end cost no memory. */
static void test_no_slope(void)
{
	struct migoff_setup setup = hook_default_setup();
	struct migoff_range range;
	struct migoff_prepare p;
	long before = 0, huge, small;

	huge = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	small = EXPECT_OK(target_call(&target, in_map, LEN, 0, 0));
	for (int i = -10; i < 50; i++) {
		if (i == 0)
			before = all_free_kib();
		for (int way = 0; way < 6; way++) {
			range = range_of(way % 2 ? huge : small, LEN);
			p = prepare_args(&target, &range, 1, way < 2 || way > 3);
			EXPECT_GE(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), 1);
			if (way < 4)
				EXPECT_GE(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), 1);
			else
				EXPECT_EQ(hook_abort(&hook, 0), 0);
		}
		if (i % 10 == 0) {
			hook_close(&hook);
			hook_open(&hook, &setup);
		}
	}
	/* 4 MiB a repetition were moved in each of 6 ways: one lost page of each would be 1200 KiB. */
	EXPECT_GE(all_free_kib(), before - 4096);
}

int main(void)
{
	struct migoff_setup setup = hook_default_setup();

	hook_open(&hook, &setup);
	target_start(&target);
	RUN(test_young);
	RUN(test_dirty);
	RUN(test_soft_dirty);
	RUN(test_memcg);
	RUN(test_underused);
	RUN(test_no_slope);
	target_end(&target);
	hook_close(&hook);
	if (no_soft_dirty)
		TEST_SKIP("soft-dirty only: the kernel has none (CONFIG_MEM_SOFT_DIRTY)");
	return 0;
}
