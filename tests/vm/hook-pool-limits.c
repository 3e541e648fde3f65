/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pool where memory ends: nodes that are too small or go offline, and memory errors in what is pooled.
 */
#include "hooklib.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <numa.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "test.h"

#define LEN MIB(16)
#define HOUR 3600000000000
#define DEADLINE_MS 30000
#define HARD_OFFLINE "/sys/devices/system/memory/hard_offline_page"
#define NODE_DIR "/sys/devices/system/node/node1"

static struct hook hook;
static struct target target;

static void open_pool(uint64_t bytes)
{
	struct migoff_setup setup = hook_default_setup();

	setup.pool_bytes = bytes;
	setup.pool_age_ns = HOUR;
	hook_open(&hook, &setup);
	target_start(&target);
}

static void close_pool(void)
{
	target_end(&target);
	hook_close(&hook);
}

/* What is out when memory begins to go offline is ended by that, and tried again. */
static uint64_t move(long addr, size_t len, int to_node)
{
	struct migoff_range range = range_of(addr, len);
	struct migoff_prepare p = prepare_args(&target, &range, 1, to_node);
	int n, r;

	do {
		n = EXPECT_OK(hook_run(&hook, MIGOFF_CMD_PREPARE, &p));
		r = n ? hook_commit(&hook, 0, MIGOFF_VERDICT_CPU) : 0;
	} while (r == -ETIME && hook_info(&hook, 0)->end == MIGOFF_END_SYSTEM);
	EXPECT_EQ(r, n);
	return hook_pages_moved(&hook, 0);
}

static uint64_t frame(long addr)
{
	uint64_t entry;

	EXPECT_EQ(pread(target.pagemap_fd, &entry, 8, addr / PAGE * 8), 8);
	return entry & ((1ULL << 55) - 1);
}

static bool counter_rises(const char *name, int64_t above)
{
	uint64_t end = now_ns() + DEADLINE_MS * 1000000ULL;

	while (hook_counter(name) <= above) {
		if (now_ns() > end)
			return false;
		usleep(5000);
	}
	return true;
}

/* Tell the kernel of a memory error; that it can do nothing about such a page does not matter here. */
static void report_error(uint64_t page_frame)
{
	int fd = open(HARD_OFFLINE, O_WRONLY | O_CLOEXEC);
	char text[32];

	EXPECT_OK(fd);
	snprintf(text, sizeof(text), "0x%" PRIx64, page_frame * PAGE);
	if (write(fd, text, strlen(text)) < 0 && errno != EBUSY && errno != EIO)
		TEST_FAIL("%s: %s", HARD_OFFLINE, strerror(errno));
	close(fd);
}

/* What has a memory error while it is pooled is never used again; the rest is. */
static void poisoned(long huge)
{
	size_t size = huge ? HUGE : PAGE, n = LEN / size;
	int64_t found = hook_counter("pool_poisoned");
	uint64_t bad, first;
	long addr;

	open_pool(MIB(64));
	addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, huge));
	target_call(&target, in_fill, addr, LEN, 4);
	first = frame(addr);
	bad = huge ? first + 77 : first;
	EXPECT_GE(move(addr, LEN, 1), LEN / PAGE - 256);
	EXPECT_TRUE(frame(addr) != first);
	report_error(bad);
	for (int to = 0; to < 5; to++) {
		move(addr, LEN, to % 2);
		EXPECT_EQ(target_call(&target, in_check, addr, LEN, 4), 0);
		for (size_t i = 0; i < n; i++) {
			uint64_t at = frame(addr + (long)(i * size));

			EXPECT_TRUE(bad < at || bad >= at + size / PAGE);
		}
	}
	EXPECT_EQ(hook_counter("pool_poisoned") - found, 1);
	close_pool();
}

static void test_poisoned(void)
{
	poisoned(1);
	poisoned(0);
}

/* One word a page: enough to see whose page it is, and quick. */
static long in_mark(long addr, long len, long seed)
{
	for (long a = addr; a < addr + len; a += PAGE)
		*(volatile long *)a = a ^ seed;
	return 0;
}

static long in_check_marks(long addr, long len, long seed)
{
	long wrong = 0;

	for (long a = addr; a < addr + len; a += PAGE)
		wrong += *(volatile long *)a != (a ^ seed);
	return wrong;
}

/*
 * A process that is larger than what is free where it is to go: what fits goes, every page of the rest
 * has its status, and the pool keeps none of the memory that is missing.
 */
static void test_larger_than_node(void)
{
	size_t len = MIB(384), moved = 0, nomem = 0, pages = 0;
	struct migoff_range range;
	struct migoff_prepare p;
	struct target hog;
	long long free_bytes;
	long addr, all;

	open_pool(MIB(512));
	addr = EXPECT_OK(target_call(&target, in_map, (long)len, 0, 1));
	target_call(&target, in_mark, addr, (long)len, 9);
	target_start(&hog);
	EXPECT_GE(numa_node_size64(1, &free_bytes), MIB(512));
	all = (long)free_bytes - (long)MIB(256);
	EXPECT_OK(target_call(&hog, in_map, ALIGN_DOWN(all, (long)HUGE), 1, 1));

	range = range_of(addr, len);
	p = prepare_args(&target, &range, 1, 1);
	p.max_bytes = MIB(32);
	while (p.cursor_range == 0) {
		int n = EXPECT_OK(hook_run(&hook, MIGOFF_CMD_PREPARE, &p));

		if (n)
			EXPECT_EQ(hook_commit(&hook, 0, MIGOFF_VERDICT_CPU), n);
		pages += hook_pages(&hook, 0);
		moved += hook_pages_moved(&hook, 0);
		nomem += hook_pages_with(&hook, 0, MIGOFF_CAUSE_NOMEM);
		p.cursor_range = hook_info(&hook, 0)->cursor_range;
		p.cursor_va = hook_info(&hook, 0)->cursor_va;
	}
	EXPECT_EQ(pages, len / PAGE);
	EXPECT_EQ(moved + nomem, len / PAGE);
	EXPECT_GE(moved, MIB(32) / PAGE);
	EXPECT_GE(nomem, MIB(32) / PAGE);
	EXPECT_EQ(target_call(&target, in_check_marks, addr, (long)len, 9), 0);
	EXPECT_EQ(pages_on(&target, (uint64_t)addr, len, 1), moved);
	/* The sources lie on the other node. */
	EXPECT_GE((int64_t)(moved * PAGE), hook_counter("live_pooled_bytes"));
	target_end(&hog);
	close_pool();
}

static int try_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* Memory of node 1 that holds only what can be moved; its "state" file. */
static void make_movable(char *ret_state, size_t size)
{
	DIR *dir = opendir(NODE_DIR);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, "memory", 6) || e->d_name[6] < '0' || e->d_name[6] > '9')
			continue;
		snprintf(ret_state, size, NODE_DIR "/%s/state", e->d_name);
		if (try_write(ret_state, "offline"))
			continue;
		EXPECT_EQ(try_write(ret_state, "online_movable"), 0);
		closedir(dir);
		return;
	}
	TEST_SKIP("no memory of node 1 can go offline");
}

/* Until it is offline, or that was given up because of a signal. Return: the process that tries. */
static pid_t start_offline(const char *state)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(-try_write(state, "offline"));
	return pid;
}

/* In good time: as long as something there cannot be moved the kernel tries again and again. */
static void offline(const char *state)
{
	pid_t pid = start_offline(state);
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int status;

	EXPECT_OK(p.fd);
	if (poll(&p, 1, DEADLINE_MS) != 1)
		kill(pid, SIGTERM);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	close(p.fd);
}

static int pipe_fds[2];

/* A reference on a page that is not a mapping, and not for long: it keeps the page where it is. */
static long in_hold(long addr, long unused, long unused2)
{
	struct iovec iov = { .iov_base = (void *)addr, .iov_len = PAGE };

	return pipe(pipe_fds) || vmsplice(pipe_fds[1], &iov, 1, 0) != PAGE ? -errno : 0;
}

static long in_release(long unused, long unused2, long unused3)
{
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return 0;
}

/* To and fro, so that sources and destinations of node 1 are in its movable memory. */
static long map_and_move(void)
{
	long addr = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));

	target_call(&target, in_fill, addr, LEN, 6);
	EXPECT_EQ(move(addr, LEN, 1), LEN / PAGE);
	return addr;
}

/* Memory goes offline though folios of it were pooled, and the pool goes on with what is left. */
static void test_offline(const char *state)
{
	int64_t drained, recycled;
	long addr;

	open_pool(MIB(64));
	addr = map_and_move();
	EXPECT_EQ(move(addr, LEN, 0), LEN / PAGE);
	drained = hook_counter("pool_drained");
	EXPECT_EQ(hook_counter("live_pooled_bytes"), LEN);
	offline(state);
	EXPECT_EQ(hook_counter("live_pooled_bytes"), 0);
	EXPECT_EQ(hook_counter("pool_drained") - drained, LEN / HUGE);
	recycled = hook_counter("pool_recycled");
	for (int to = 1; to >= 0; to--) {
		EXPECT_EQ(move(addr, LEN, to), LEN / PAGE);
		EXPECT_EQ(target_call(&target, in_check, addr, LEN, 6), 0);
	}
	EXPECT_EQ(hook_counter("pool_recycled") - recycled, 2 * LEN / HUGE);
	EXPECT_EQ(try_write(state, "online_movable"), 0);
	close_pool();
}

/* While memory of a node is going offline nothing of the node is pooled; when that is given up, it is. */
static void test_offline_cancelled(const char *state)
{
	int64_t recycled, drained;
	uint64_t moved = 0;
	int status;
	long addr, other;
	pid_t pid;

	open_pool(MIB(64));
	addr = map_and_move();
	other = map_and_move();
	EXPECT_EQ(move(other, LEN, 0), LEN / PAGE);
	EXPECT_OK(target_call(&target, in_hold, addr, 0, 0));
	drained = hook_counter("pool_drained");
	pid = start_offline(state);
	EXPECT_TRUE(counter_rises("pool_drained", drained));
	/* The kernel moves them, too, and may be the first. */
	for (int i = 0; i < 100 && !moved; i++) {
		moved = move(addr + (long)HUGE, LEN - HUGE, 0);
		usleep(1000);
	}
	/* All that there is is what is left on node 0 of the others' sources. */
	EXPECT_EQ(hook_counter("live_pooled_bytes"), LEN - moved * PAGE);
	recycled = hook_counter("pool_recycled");
	kill(pid, SIGTERM);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFSIGNALED(status));
	target_call(&target, in_release, 0, 0, 0);
	for (int to = 1; to >= 0; to--)
		EXPECT_EQ(move(other, LEN, to), LEN / PAGE);
	EXPECT_EQ(hook_counter("pool_recycled") - recycled, 2 * LEN / HUGE);
	EXPECT_EQ(target_call(&target, in_check, addr, LEN, 6), 0);
	close_pool();
}

int main(int argc, char **argv)
{
	char state[320];

	/* Some kernels do not take reports of memory errors. */
	if (!access(HARD_OFFLINE, W_OK))
		RUN(test_poisoned);
	RUN(test_larger_than_node);
	make_movable(state, sizeof(state));
	printf("%s\n", state);
	test_offline(state);
	test_offline_cancelled(state);
	return 0;
}
