/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "usage.h"

#include <errno.h>
#include <pthread.h>

#include "macros.h"
#include "test.h"

#define N_ORDERS 16

/* A counter that was shared is scaled up and says so; one that never ran says nothing else. */
static void test_scale(void)
{
	struct usage_count c = usage_scale(1000, 50, 50);

	EXPECT_EQ(c.value, 1000);
	EXPECT_EQ(c.share, 100);
	c = usage_scale(1000, 100, 25);
	EXPECT_EQ(c.value, 4000);
	EXPECT_EQ(c.share, 25);
	c = usage_scale(1024, 1 << 20, 1);
	EXPECT_EQ(c.value, 1 << 30);
	EXPECT_EQ(c.share, 1);
	c = usage_scale(0, 100, 0);
	EXPECT_EQ(c.value, 0);
	EXPECT_EQ(c.share, 0);
	c = usage_scale(UINT64_MAX, UINT64_MAX, 1);
	EXPECT_EQ(c.share, 1);
	/* The kernel's two times may be off by a little. */
	EXPECT_EQ(usage_scale(7, 99, 100).value, 7);
}

/* Whatever keeps counters from being had, there is a word for it; for permission also what to do. */
static void test_explain(void)
{
	static const int errors[] = { -EACCES, -EPERM, -ENOENT, -ENODEV, -EOPNOTSUPP, -ENOSYS, -EMFILE };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct why why = { 0 };

		usage_explain(errors[i], &why);
		EXPECT_TRUE(why.cause[0]);
		EXPECT_EQ(!!why.remedy[0], errors[i] == -EACCES || errors[i] == -EPERM);
	}
}

static void *work(void *arg)
{
	for (volatile int i = 0; i < 3000000; i++)
		;
	return NULL;
}

static void run_thread(void)
{
	pthread_t thread;

	EXPECT_EQ(pthread_create(&thread, NULL, work, NULL), 0);
	EXPECT_EQ(pthread_join(thread, NULL), 0);
}

/* Here there are counters, which count threads made later, or there is a reason why not. */
static void test_counters(void)
{
	struct usage_count before, after;
	struct usage_counters u;

	usage_open(&u);
	if (u.cycles_fd < 0 || u.instructions_fd < 0) {
		EXPECT_EQ(u.cycles_fd, -1);
		EXPECT_EQ(u.instructions_fd, -1);
		EXPECT_TRUE(u.why.cause[0]);
		EXPECT_EQ(usage_read(u.cycles_fd, &before), -ENOENT);
	} else {
		EXPECT_EQ(usage_read(u.instructions_fd, &before), 0);
		run_thread();
		EXPECT_EQ(usage_read(u.instructions_fd, &after), 0);
		EXPECT_TRUE(after.share == 0 || after.value > before.value + 3000000);
	}
	usage_close(&u);
	usage_close(&u);
}

/* CPU time is that of all threads, also of those that have ended. */
static void test_cpu_time(void)
{
	uint64_t before = usage_cpu_ns();

	run_thread();
	EXPECT_TRUE(usage_cpu_ns() > before);
}

static void test_hook_time(void)
{
	char path[] = "/tmp/migoff-usage-XXXXXX";
	uint64_t ns = 17;
	FILE *f;

	EXPECT_EQ(usage_hook_ns("/nonexistent", &ns), -ENOENT);
	EXPECT_EQ(usage_hook_ns("/dev/null", &ns), -EIO);
	EXPECT_EQ(ns, 17);
	EXPECT_TRUE(f = fdopen(mkstemp(path), "w"));
	fprintf(f, "12345\n");
	fclose(f);
	EXPECT_EQ(usage_hook_ns(path, &ns), 0);
	EXPECT_EQ(ns, 12345);
	remove(path);
}

/* The kernel's cost is the published one, and what is given back is what was not needed of it. */
static void test_given_back(void)
{
	uint64_t none[N_ORDERS] = { 0 }, folios[N_ORDERS] = { 0 };
	uint64_t gib_ns;

	folios[9] = 512;
	gib_ns = usage_kernel_ns(folios, N_ORDERS, 0);
	EXPECT_TRUE(gib_ns > 100000000 && gib_ns < 101000000);
	EXPECT_EQ(usage_given_back_ns(folios, none, N_ORDERS, 0, 0), (int64_t)gib_ns);
	EXPECT_EQ(usage_given_back_ns(folios, none, N_ORDERS, 0, gib_ns + 5), -5);
	/* What the CPU copied is a move that the kernel need not make, and costs what it costs. */
	EXPECT_EQ(usage_given_back_ns(none, folios, N_ORDERS, 0, gib_ns), 0);
	EXPECT_EQ(usage_given_back_ns(none, none, N_ORDERS, 0, UINT64_MAX), -INT64_MAX);
	/* A machine that copies half as fast needs twice as long. */
	EXPECT_EQ(usage_kernel_ns(folios, N_ORDERS, 5.5) / 1000, 2 * gib_ns / 1000);
	folios[9] = 0;
	folios[0] = 262144;
	EXPECT_TRUE(usage_kernel_ns(folios, N_ORDERS, 0) > 2 * gib_ns);
	folios[0] = UINT64_MAX;
	EXPECT_TRUE(usage_kernel_ns(folios, N_ORDERS, 0.001) <= INT64_MAX / 2);
	EXPECT_TRUE(usage_copy_rate() > 0.01 && usage_copy_rate() < 10000);
}

int main(void)
{
	RUN(test_scale);
	RUN(test_explain);
	RUN(test_counters);
	RUN(test_cpu_time);
	RUN(test_hook_time);
	RUN(test_given_back);
	return 0;
}
