/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation, and every access to the daemon's memory, that SETUP and PREPARE make fails once: each
 * time all is undone, or done without, and no page is lost.
 */
#include "hooklib.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cleanup.h"
#include "engine.h"
#include "macros.h"
#include "test.h"

#define LSI "0000:00:05.0"
#define SMALL KIB(128)
#define DEBUGFS "/sys/kernel/debug/"
#define MAX_WORKERS 16
/* More than either makes. */
#define MAX_STEPS 2000

static struct hook hook;

/* What has things fail in one thread; opened before, because opening it is something that can fail. */
static int open_thread(const char *tid)
{
	char path[300];

	snprintf(path, sizeof(path), "/proc/self/task/%s/fail-nth", tid);
	return EXPECT_OK(open(path, O_RDWR | O_CLOEXEC));
}

/* The nth thing from now on that can fail does, in that thread. */
static void arm(int fd, int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", nth);

	EXPECT_EQ(pwrite(fd, text, (size_t)n, 0), n);
}

/* Return: whether it has failed. */
static bool disarm(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 1)
		TEST_FAIL("fail-nth cannot be read: %s", strerror(errno));
	arm(fd, 0);
	return atoi(text) == 0;
}

/* io_uring's threads, which carry out a PREPARE. */
static int workers(int *ret)
{
	DIR *dir = opendir("/proc/self/task");
	char path[300], comm[32] = "";
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir)) && n < MAX_WORKERS) {
		_cleanup_fclose_ FILE *f = NULL;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		f = fopen(path, "re");
		if (f && fgets(comm, sizeof(comm), f) && !strncmp(comm, "iou-wrk", 7))
			ret[n++] = open_thread(e->d_name);
	}
	closedir(dir);
	return n;
}

static void expect_nothing_alive(void)
{
	static const char *const live[] = {
		"live_batches", "live_folios", "live_destinations", "live_iova_bytes",
		"live_anon_vmas", "live_mms",
	};

	for (size_t i = 0; i < ARRAY_SIZE(live); i++)
		EXPECT_EQ(hook_counter(live[i]), 0);
}

static void test_setup(void)
{
	struct migoff_setup setup;
	struct engine *e = hook_engine(LSI, &setup);
	int nth = 1, fd, r, refused = 0, self = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	bool failed;

	EXPECT_OK(self);
	setup.pool_bytes = MIB(64);
	setup.pool_age_ns = 1000000000;
	setup.n_extents = 64;
	do {
		struct migoff_setup s = setup;

		while ((fd = open("/dev/migoff", O_RDWR | O_CLOEXEC)) < 0 && errno == EBUSY)
			usleep(1000);
		EXPECT_OK(fd);
		arm(self, nth);
		r = ioctl(fd, MIGOFF_IOC_SETUP, &s) < 0 ? -errno : 0;
		failed = disarm(self);
		if (r) {
			EXPECT_TRUE(failed);
			EXPECT_TRUE(r == -ENOMEM || r == -EFAULT || r == -ENFILE);
			EXPECT_EQ(hook_counter("live_vfio_files"), 0);
			refused++;
			/* It can be set up after all. */
			EXPECT_EQ(ioctl(fd, MIGOFF_IOC_SETUP, &setup), 0);
			setup.ret_area_len = setup.ret_max_batch = 0;
		}
		close(fd);
		EXPECT_TRUE(++nth < MAX_STEPS);
	} while (failed);
	close(self);
	printf("%d steps, %d refused\n", nth - 2, refused);
	EXPECT_GE(refused, 5);
	engine_close(e);
}

/* Commit what is out, by the engine or, where that does not reach, by the CPU. */
static void commit(struct engine *e)
{
	static uint8_t verdicts[65536];
	uint32_t n = hook_info(&hook, 0)->n_extents;

	for (uint32_t i = 0; i < n; i++)
		verdicts[i] = hook_extents(&hook, 0)[i].flags & MIGOFF_EXTENT_NO_IOVA ?
			MIGOFF_VERDICT_CPU : MIGOFF_VERDICT_COPIED;
	if (!memchr(verdicts, MIGOFF_VERDICT_CPU, n))
		EXPECT_EQ(hook_engine_copy(e, &hook, 0), 0);
	else
		memset(verdicts, MIGOFF_VERDICT_CPU, n);
	EXPECT_OK(hook_commit_each(&hook, 0, verdicts));
}

static void test_prepare(void)
{
	int fds[MAX_WORKERS];
	struct migoff_setup setup;
	struct engine *e = hook_engine(LSI, &setup);
	struct migoff_range ranges[2];
	struct migoff_prepare p;
	int nth = 1, n, r, to = 1;
	struct target t;
	bool failed;

	hook_open(&hook, &setup);
	target_start(&t);
	ranges[0] = range_of(EXPECT_OK(target_call(&t, in_map, HUGE, 0, 1)), HUGE);
	ranges[1] = range_of(EXPECT_OK(target_call(&t, in_map, SMALL, 0, 0)), SMALL);
	if (ranges[1].start < ranges[0].start) {
		struct migoff_range first = ranges[1];

		ranges[1] = ranges[0];
		ranges[0] = first;
	}
	for (int i = 0; i < 2; i++)
		target_call(&t, in_fill, (long)ranges[i].start, (long)ranges[i].len, 8);
	/* The first one makes the thread that does the others. */
	p = prepare_args(&t, ranges, 2, 1);
	EXPECT_GE(hook_run(&hook, MIGOFF_CMD_PREPARE, &p), 1);
	EXPECT_EQ(hook_abort(&hook, 0), 0);
	do {
		p = prepare_args(&t, ranges, 2, to);
		n = workers(fds);
		EXPECT_GE(n, 1);
		for (int i = 0; i < n; i++)
			arm(fds[i], nth);
		r = hook_run(&hook, MIGOFF_CMD_PREPARE, &p);
		failed = false;
		for (int i = 0; i < n; i++) {
			failed |= disarm(fds[i]);
			close(fds[i]);
		}
		EXPECT_TRUE(r >= 0 || (failed && (r == -ENOMEM || r == -EFAULT)));
		if (r >= 0)
			EXPECT_EQ(hook_pages(&hook, 0), (HUGE + SMALL) / PAGE);
		if (r > 0)
			commit(e);
		expect_nothing_alive();
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(target_call(&t, in_check, (long)ranges[i].start,
					      (long)ranges[i].len, 8), 0);
		to = !to;
		EXPECT_TRUE(++nth < MAX_STEPS);
	} while (failed);
	printf("%d steps\n", nth - 2);
	EXPECT_GE(nth, 20);
	target_end(&t);
	hook_close(&hook);
	engine_close(e);
}

int main(void)
{
	if (access("/proc/self/fail-nth", W_OK) || access(DEBUGFS "failslab", X_OK))
		TEST_SKIP("this kernel injects no faults");
	write_file(DEBUGFS "failslab/ignore-gfp-wait", "N");
	write_file(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	write_file(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	write_file(DEBUGFS "fail_page_alloc/min-order", "0");
	RUN(test_setup);
	RUN(test_prepare);
	return 0;
}
