/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation, and every access to the daemon's memory, that SETUP and PREPARE make fails once: each
 * time all is undone, or done without, and no page is lost.
 *
 * Where the kernel injects faults anything that they bring about fails, else (by the module migoff_fail) what
 * they call themselves.
 */
#include "hooklib.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cleanup.h"
#include "engine.h"
#include "macros.h"
#include "test.h"

#define LSI "0000:00:05.0"
#define SMALL KIB(128)
#define DEBUGFS "/sys/kernel/debug/"
#define MODULE_NTH "/sys/module/migoff_fail/parameters/nth"
/* More than either makes. */
#define MAX_STEPS 2000

static struct hook hook;
static bool by_kernel;

/* The nth thing from now on that can fail does, in the thread of which this is the fail-nth. */
static void arm(int fd, int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", nth);

	EXPECT_EQ(pwrite(fd, text, (size_t)n, 0), n);
}

/*
 * Return: whether it has failed in what was done since; -ESRCH when there is no such thread any more. Asking can
 * itself be what fails: then nothing else has.
 */
static int disarm(int fd)
{
	char text[16] = "";
	bool failed = pread(fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	if (pwrite(fd, "0", 1, 0) == 1)
		return failed;
	if (errno == ESRCH)
		return -ESRCH;
	EXPECT_EQ(pwrite(fd, "0", 1, 0), 1);
	return failed;
}

static int open_self(void)
{
	return EXPECT_OK(open(by_kernel ? "/proc/thread-self/fail-nth" : MODULE_NTH, O_RDWR | O_CLOEXEC));
}

/* The fail-nth of io_uring's thread that carries out each PREPARE. */
static int open_worker(void)
{
	char path[300], comm[32] = "";
	struct dirent *e;
	DIR *dir;
	int fd = -1;

	if (!by_kernel)
		return open_self();
	dir = opendir("/proc/self/task");
	while (dir && fd < 0 && (e = readdir(dir))) {
		_cleanup_fclose_ FILE *f = NULL;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		f = fopen(path, "re");
		if (!f || !fgets(comm, sizeof(comm), f) || strncmp(comm, "iou-wrk", 7))
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/fail-nth", e->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
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
	int nth = 1, fd, r, refused = 0, self = open_self(), failed;

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

/* Return: as disarm(), of a PREPARE in which the nth thing fails. Until there is a thread for it there is none to fail. */
static int prepare_failing(const struct migoff_prepare *p, int nth, int *ret_r)
{
	int fd = open_worker(), failed;

	if (fd >= 0)
		arm(fd, nth);
	*ret_r = hook_run(&hook, MIGOFF_CMD_PREPARE, p);
	failed = fd >= 0 ? disarm(fd) : -ESRCH;
	fd_close(fd);
	return failed;
}

static void map_both(struct target *t, struct migoff_range *ret_ranges)
{
	struct migoff_range huge = range_of(EXPECT_OK(target_call(t, in_map, HUGE, 0, 1)), HUGE);
	struct migoff_range small = range_of(EXPECT_OK(target_call(t, in_map, SMALL, 0, 0)), SMALL);
	bool huge_first = huge.start < small.start;

	ret_ranges[0] = huge_first ? huge : small;
	ret_ranges[1] = huge_first ? small : huge;
	for (int i = 0; i < 2; i++)
		target_call(t, in_fill, (long)ret_ranges[i].start, (long)ret_ranges[i].len, 8);
}

/* By the kernel, which also puts all of it on LRU lists, from which alone it can be taken. */
static void move_back(const struct target *t)
{
	unsigned long from = 1UL << 1, to = 1UL << 0;

	EXPECT_OK((int)migrate_pages(t->pid, 64, &from, &to));
}

static void test_prepare(void)
{
	/* The second is of a kind that is not used; 0 leaves it as it is. */
	unsigned int workers[2] = { 1, 0 };
	struct migoff_range ranges[2];
	struct migoff_setup setup;
	struct engine *e = hook_engine(LSI, &setup);
	struct migoff_prepare p;
	int nth = 1, r, failed;
	struct target t;

	hook_open(&hook, &setup);
	EXPECT_OK(io_uring_register_iowq_max_workers(&hook.ring, workers));
	target_start(&t);
	map_both(&t, ranges);
	move_back(&t);
	do {
		p = prepare_args(&t, ranges, 2, 1);
		failed = prepare_failing(&p, nth, &r);
		EXPECT_TRUE(r >= 0 || (failed && (r == -ENOMEM || r == -EFAULT)));
		if (r >= 0)
			EXPECT_EQ(hook_pages(&hook, 0), (HUGE + SMALL) / PAGE);
		if (r > 0)
			commit(e);
		expect_nothing_alive();
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(target_call(&t, in_check, (long)ranges[i].start,
					      (long)ranges[i].len, 8), 0);
		move_back(&t);
		nth += failed > 0;
		EXPECT_TRUE(nth < MAX_STEPS);
	} while (failed);
	printf("%d steps\n", nth - 1);
	/* The arguments, and a destination for each folio, at least. */
	EXPECT_GE(nth - 1, 2 + 1 + (int)(SMALL / PAGE));
	target_end(&t);
	hook_close(&hook);
	engine_close(e);
}

int main(void)
{
	by_kernel = !access("/proc/self/fail-nth", W_OK) && !access(DEBUGFS "failslab", X_OK);
	if (by_kernel) {
		write_file(DEBUGFS "failslab/ignore-gfp-wait", "N");
		write_file(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
		write_file(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
		write_file(DEBUGFS "fail_page_alloc/min-order", "0");
	}
	RUN(test_setup);
	RUN(test_prepare);
	return 0;
}
