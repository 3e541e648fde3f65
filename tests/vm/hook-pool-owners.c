/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose content a pooled folio has. The engine of this test is told to copy nothing and is believed, so that
 * a program finds in its memory what was in its destinations: it must never be another program's.
 *
 *	hook-pool-owners [zeroed]	with "zeroed" on a kernel that zeroes what is freed (init_on_free=1)
 */
#include "hooklib.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"
#include "macros.h"
#include "test.h"

#define LSI "0000:00:05.0"
#define LEN MIB(8)
#define HOUR 3600000000000
#define SECRET 0x5ec7e7
#define CGROUP "/sys/fs/cgroup/hook-pool"

/* The kernel zeroes what is freed. */
static bool zeroed;

struct rig {
	struct engine *engine;
	struct hook hook;
	struct target first;
	struct target second;
};

static long in_become(long uid, long unused, long unused2)
{
	return setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) ? -errno : 0;
}

/* Words that are as in_fill() has them for an address and seed. */
static long in_count(long addr, long len, long seed)
{
	return len / 8 - in_check(addr, len, seed);
}

static long in_count_zeros(long addr, long len, long unused)
{
	long n = 0;

	for (long a = addr; a < addr + len; a += 8)
		n += *(volatile uint64_t *)a == 0;
	return n;
}

static void rig_open(struct rig *r, uint32_t flags)
{
	struct migoff_setup setup;

	r->engine = hook_engine(LSI, &setup);
	setup.pool_bytes = MIB(64);
	setup.pool_age_ns = HOUR;
	setup.flags = flags;
	hook_open(&r->hook, &setup);
	target_start(&r->first);
	target_start(&r->second);
}

static void rig_close(struct rig *r)
{
	target_end(&r->first);
	target_end(&r->second);
	hook_close(&r->hook);
	engine_close(r->engine);
}

static int prepare(struct rig *r, struct target *t, long addr, int to_node)
{
	struct migoff_range range = range_of(addr, LEN);
	struct migoff_prepare p = prepare_args(t, &range, 1, to_node);
	int n = EXPECT_OK(hook_run(&r->hook, MIGOFF_CMD_PREPARE, &p));

	EXPECT_EQ(n, LEN / HUGE);
	return n;
}

static void move(struct rig *r, struct target *t, long addr, int to_node, uint8_t verdict)
{
	int n = prepare(r, t, addr, to_node);

	EXPECT_EQ(hook_commit(&r->hook, 0, verdict), n);
}

/* The engine copies the first target's secret to destinations that are then not used. */
static void abort_after_copy(struct rig *r, long addr)
{
	target_call(&r->first, in_fill, addr, LEN, SECRET);
	prepare(r, &r->first, addr, 1);
	EXPECT_EQ(hook_engine_copy(r->engine, &r->hook, 0), 0);
	EXPECT_EQ(hook_abort(&r->hook, 0), 0);
}

/*
 * The first program's memory is moved from node 0, so that its old folios are pooled there; then the
 * second's is moved to node 0, and the engine does nothing. Both have theirs at the same address, for the
 * secret depends on that. Return: how many words of the secret, and how many zeros, the second finds.
 */
static void lie(struct rig *r, long *ret_secret, long *ret_zeros)
{
	long a = EXPECT_OK(target_call(&r->first, in_map, LEN, 0, 1));
	long b = EXPECT_OK(target_call(&r->second, in_map, LEN, 1, 1));

	EXPECT_EQ(a, b);
	target_call(&r->first, in_fill, a, LEN, SECRET);
	target_call(&r->second, in_fill, b, LEN, 1);
	move(r, &r->first, a, 1, MIGOFF_VERDICT_CPU);
	EXPECT_EQ(hook_counter("live_pooled_bytes"), zeroed ? 0 : LEN);
	move(r, &r->second, b, 0, MIGOFF_VERDICT_COPIED);
	*ret_secret = target_call(&r->second, in_count, b, LEN, SECRET);
	*ret_zeros = target_call(&r->second, in_count_zeros, b, LEN, 0);
	EXPECT_EQ(target_call(&r->first, in_check, a, LEN, SECRET), 0);
}

/* The lie would be seen: one owner's folios come back as they are. */
static void test_same_owner(void)
{
	int64_t scrubbed = hook_counter("pool_scrubbed"), hits = hook_counter("pool_hits");
	long secret, zeros;
	struct rig r;

	rig_open(&r, 0);
	lie(&r, &secret, &zeros);
	EXPECT_EQ(secret, LEN / 8);
	EXPECT_EQ(hook_counter("pool_hits") - hits, LEN / HUGE);
	EXPECT_EQ(hook_counter("pool_scrubbed") - scrubbed, 0);
	rig_close(&r);
}

static void other_owner(struct rig *r)
{
	int64_t scrubbed = hook_counter("pool_scrubbed"), hits = hook_counter("pool_hits");
	long secret, zeros;

	lie(r, &secret, &zeros);
	EXPECT_EQ(secret, 0);
	EXPECT_EQ(zeros, LEN / 8);
	EXPECT_EQ(hook_counter("pool_hits") - hits, LEN / HUGE);
	EXPECT_EQ(hook_counter("pool_scrubbed") - scrubbed, LEN / HUGE);
}

static void test_other_user(void)
{
	struct rig r;

	rig_open(&r, 0);
	EXPECT_OK(target_call(&r.second, in_become, 1234, 0, 0));
	other_owner(&r);
	rig_close(&r);
}

static void test_other_cgroup(void)
{
	struct rig r;
	char pid[16];

	rig_open(&r, 0);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	EXPECT_EQ(mkdir(CGROUP, 0755), 0);
	snprintf(pid, sizeof(pid), "%d", r.second.pid);
	write_file(CGROUP "/cgroup.procs", pid);
	other_owner(&r);
	rig_close(&r);
	for (int i = 0; i < 100 && rmdir(CGROUP); i++)
		usleep(20000);
}

/* Whoever sets it up so gets no zeros: the cost of them was to be saved. */
static void test_shared(void)
{
	long secret, zeros;
	struct rig r;

	rig_open(&r, MIGOFF_SETUP_POOL_SHARED);
	EXPECT_OK(target_call(&r.second, in_become, 1234, 0, 0));
	lie(&r, &secret, &zeros);
	EXPECT_EQ(secret, LEN / 8);
	rig_close(&r);
}

/* A destination that an engine wrote, and that was not used, has the content of its target. */
static void test_aborted(void)
{
	long a, b;
	struct rig r;

	rig_open(&r, 0);
	EXPECT_OK(target_call(&r.second, in_become, 1234, 0, 0));
	a = EXPECT_OK(target_call(&r.first, in_map, LEN, 0, 1));
	b = EXPECT_OK(target_call(&r.second, in_map, LEN, 0, 1));
	EXPECT_EQ(a, b);
	abort_after_copy(&r, a);
	EXPECT_EQ(hook_counter("live_pooled_bytes"), LEN);
	move(&r, &r.second, b, 1, MIGOFF_VERDICT_COPIED);
	EXPECT_EQ(target_call(&r.second, in_count, b, LEN, SECRET), 0);
	EXPECT_EQ(target_call(&r.second, in_count_zeros, b, LEN, 0), LEN / 8);
	rig_close(&r);
}

/*
 * Where the kernel zeroes what is freed, no content outlives its owner in the pool, not even for the owner
 * itself: neither of a source nor of a destination that was not used.
 */
static void test_zeroed(void)
{
	int64_t unfit = hook_counter("pool_unfit_init_on_free"), recycled = hook_counter("pool_recycled");
	long secret, zeros, a;
	struct rig r;

	rig_open(&r, MIGOFF_SETUP_POOL_SHARED);
	lie(&r, &secret, &zeros);
	EXPECT_EQ(secret, 0);
	EXPECT_EQ(zeros, LEN / 8);
	EXPECT_EQ(hook_counter("live_pooled_bytes"), 0);
	a = EXPECT_OK(target_call(&r.first, in_map, LEN, 0, 1));
	abort_after_copy(&r, a);
	EXPECT_EQ(hook_counter("pool_recycled") - recycled, 0);
	EXPECT_EQ(hook_counter("pool_unfit_init_on_free") - unfit, 3 * LEN / HUGE);
	rig_close(&r);
}

int main(int argc, char **argv)
{
	zeroed = argc == 2 && !strcmp(argv[1], "zeroed");
	if (zeroed) {
		RUN(test_zeroed);
		return 0;
	}
	RUN(test_same_owner);
	RUN(test_other_user);
	RUN(test_other_cgroup);
	RUN(test_shared);
	RUN(test_aborted);
	return 0;
}
