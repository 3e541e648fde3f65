/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fault engine does when asked, and that its caller gets out of it again. It stands on
 * "soft", or, in the machine, on the engine whose SPEC is the argument.
 */
#include "fault.h"

#include <errno.h>

#include "clock.h"
#include "macros.h"
#include "rig.h"
#include "test.h"

static const char *arg_inner = "soft";
static const char *faults;

static int open_faulty(struct engine **ret, struct why *why)
{
	char spec[128];

	snprintf(spec, sizeof(spec), "%s+%s", arg_inner, faults);
	return engine_open(spec, 0, ret, why);
}

/* Enqueue and submit @n copies of 4 KiB, next to each other. */
static void copy_pages(struct rig *rig, uint64_t n)
{
	uint64_t index;

	for (uint64_t i = 0; i < n; i++)
		EXPECT_OK(rig_copy(rig, i * 4096, i * 4096, 4096, &index));
	EXPECT_OK(engine_submit(rig->e));
}

/* Each seventh item fails, and no other. */
static void test_error(void)
{
	struct engine_result results[21];
	struct rig rig;

	faults = "error:every=7";
	rig_open(&rig);
	copy_pages(&rig, 21);
	rig_collect(&rig, results, 21);
	for (size_t i = 0; i < 21; i++) {
		uint64_t index = results[i].index;
		bool fails = index % 7 == 6;

		EXPECT_EQ(results[i].status, fails ? ENGINE_DEVICE_ERROR : ENGINE_COPIED);
		EXPECT_EQ(rig_equal(&rig, index * 4096, index * 4096, 4096), !fails);
	}
	EXPECT_EQ(engine_state(rig.e), ENGINE_RUNNING);
	rig_close(&rig);
}

/* The item asked for says that it was copied, and is not what its source is. */
static void test_wrong(void)
{
	struct engine_result results[5];
	struct rig rig;

	faults = "wrong:at=3";
	rig_open(&rig);
	copy_pages(&rig, 5);
	rig_collect(&rig, results, 5);
	for (uint64_t i = 0; i < 5; i++) {
		EXPECT_EQ(results[i].status, ENGINE_COPIED);
		EXPECT_EQ(rig_equal(&rig, i * 4096, i * 4096, 4096), i != 2);
		EXPECT_TRUE(rig_equal(&rig, i * 4096 + 8, i * 4096 + 8, 4088));
	}
	rig_close(&rig);
}

/* Nothing is reported before its time, and everything after it; a device of some speed has one for all. */
static void test_delay(void)
{
	struct engine_result results[4];
	uint64_t begin_ns, index;
	struct rig rig;

	faults = "delay:us=30000:ns_per_kib=10000";
	rig_open(&rig);
	begin_ns = clock_now_ns();
	copy_pages(&rig, 4);
	rig_collect(&rig, results, 4);
	EXPECT_GE(clock_now_ns() - begin_ns, 30 * NSEC_PER_MSEC);

	/* 1 MiB takes 10 ms more, another 10 ms after that, and what is reported later overlaps. */
	begin_ns = clock_now_ns();
	for (uint64_t i = 0; i < 4; i++)
		EXPECT_OK(rig_copy(&rig, 0, 0, 1 << 20, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, results, 1);
	EXPECT_GE(clock_now_ns() - begin_ns, 40 * NSEC_PER_MSEC);
	rig_collect(&rig, results, 3);
	EXPECT_GE(clock_now_ns() - begin_ns, 70 * NSEC_PER_MSEC);
	rig_close(&rig);
}

/* Wait for the time-out, recover, and expect @n results: what was silent timed out. */
static void expect_timeout(struct rig *rig, struct engine_result *results, size_t n)
{
	struct engine_stats stats;
	uint64_t begin_ns = clock_now_ns(), index;

	engine_set_timeout(rig->e, 30);
	EXPECT_EQ(rig_wait(rig, results, n), -ETIMEDOUT);
	EXPECT_GE(clock_now_ns() - begin_ns, 30 * NSEC_PER_MSEC);
	engine_set_timeout(rig->e, 20000);
	EXPECT_EQ(engine_state(rig->e), ENGINE_FAILED);
	EXPECT_TRUE(strstr(engine_reason(rig->e), "deadline"));
	EXPECT_EQ(engine_deadline(rig->e), 0);
	EXPECT_EQ(engine_completed(rig->e, results, n), -ETIMEDOUT);
	EXPECT_EQ(rig_copy(rig, 0, 0, 4096, &index), -ENODEV);
	EXPECT_OK(engine_recover(rig->e));
	EXPECT_EQ(engine_completed(rig->e, results, n), n);
	engine_stats(rig->e, &stats);
	EXPECT_EQ(stats.timeouts, 1);
	EXPECT_EQ(stats.recoveries, 1);
}

/*
 * An engine that hangs is found out by its deadline, and works after recovery. What was not even
 * submitted did not time out.
 */
static void test_hang(void)
{
	struct engine_result results[8];
	struct rig rig;
	uint64_t index;

	faults = "hang:at=3";
	rig_open(&rig);
	copy_pages(&rig, 6);
	EXPECT_OK(rig_copy(&rig, 0, 0, 4096, &index));
	rig_collect(&rig, results, 2);
	expect_timeout(&rig, results, 5);
	for (size_t i = 0; i < 5; i++) {
		EXPECT_EQ(results[i].index, 2 + i);
		EXPECT_EQ(results[i].status, i < 4 ? ENGINE_TIMED_OUT : ENGINE_CANCELLED);
	}
	copy_pages(&rig, 6);
	rig_collect(&rig, results, 6);
	rig_close(&rig);
}

/* A lost completion does not lose those behind it, nor the item itself for ever. */
static void test_lost(void)
{
	struct engine_result results[8];
	struct rig rig;

	faults = "lost:at=2";
	rig_open(&rig);
	copy_pages(&rig, 6);
	rig_collect(&rig, results, 5);
	for (size_t i = 0; i < 5; i++)
		EXPECT_TRUE(results[i].index != 1 && results[i].status == ENGINE_COPIED);
	expect_timeout(&rig, results, 1);
	EXPECT_EQ(results[0].index, 1);
	EXPECT_EQ(results[0].status, ENGINE_TIMED_OUT);
	rig_close(&rig);
}

/* Recovery may fail, any number of times; the engine stays quiet and can be asked again. */
static void test_failing_recovery(void)
{
	struct engine_result results[4];
	struct rig rig;

	faults = "hang:at=1,recover:times=2";
	rig_open(&rig);
	copy_pages(&rig, 4);
	engine_set_timeout(rig.e, 20);
	EXPECT_EQ(rig_wait(&rig, results, 4), -ETIMEDOUT);
	engine_set_timeout(rig.e, 20000);
	EXPECT_EQ(engine_recover(rig.e), -EIO);
	EXPECT_EQ(engine_state(rig.e), ENGINE_FAILED);
	EXPECT_TRUE(strstr(engine_reason(rig.e), "reset"));
	EXPECT_EQ(engine_completed(rig.e, results, 4), 4);
	EXPECT_EQ(engine_completed(rig.e, results, 4), -EIO);
	EXPECT_EQ(engine_recover(rig.e), -EIO);
	EXPECT_OK(engine_recover(rig.e));
	EXPECT_EQ(engine_completed(rig.e, results, 4), 0);
	copy_pages(&rig, 4);
	rig_collect(&rig, results, 4);
	rig_close(&rig);
}

/* A stop with delayed, lost and hanging items in it accounts for all of them. */
static void test_stop_faulty(void)
{
	struct engine_result results[16];
	bool seen[16] = {};
	struct rig rig;

	faults = "delay:us=5000000,lost:every=3,hang:at=12,error:at=5";
	rig_open(&rig);
	copy_pages(&rig, 16);
	EXPECT_OK(engine_stop(rig.e));
	EXPECT_EQ(engine_completed(rig.e, results, 16), 16);
	for (size_t i = 0; i < 16; i++) {
		EXPECT_EQ(results[i].status, ENGINE_CANCELLED);
		EXPECT_TRUE(!seen[results[i].index]);
		seen[results[i].index] = true;
	}
	rig_close(&rig);
}

/* A specification means what it says, or is refused with what is wrong with it. */
static void test_parse(void)
{
	static const char *const bad[] = {
		"", "error", "error:", "error:every", "error:every=", "error:every=x",
		"error:every=-1", "error:us=5", "nonsense:at=1", "error:every=7,",
		"error:every=99999999999999999999", "error:every=7 ",
	};
	struct fault_config config = {};
	struct why why;

	EXPECT_OK(fault_parse("error:every=7,delay:us=50:ns_per_kib=3,hang:at=9,recover:times=2,"
			      "close:fd=5", &config, &why));
	EXPECT_EQ(config.error.every, 7);
	EXPECT_EQ(config.error.at, 0);
	EXPECT_EQ(config.delay_us, 50);
	EXPECT_EQ(config.delay_ns_per_kib, 3);
	EXPECT_EQ(config.hang.at, 9);
	EXPECT_EQ(config.recover, 2);
	EXPECT_EQ(config.close_fd, 5);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why.cause[0] = '\0';
		EXPECT_EQ(fault_parse(bad[i], &config, &why), -EINVAL);
		EXPECT_TRUE(*why.cause);
	}
	/* A refusal leaves what was there. */
	EXPECT_EQ(config.error.every, 7);
}

/* What cannot be opened says so. */
static void test_open_refused(void)
{
	static const char *const bad[] = { "", "hard", "0000:00:05", "soft+", "soft+nonsense:at=1",
					   "../../0000:00:05.0", "0000:00:05.0/" };
	struct engine *e = NULL;
	struct why why;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why.cause[0] = '\0';
		EXPECT_EQ(engine_open(bad[i], 0, &e, &why), -EINVAL);
		EXPECT_TRUE(*why.cause);
	}
	EXPECT_EQ(engine_open("ffff:ff:1f.7", 0, &e, &why), -ENODEV);
	EXPECT_TRUE(strstr(why.cause, "ffff:ff:1f.7"));
	EXPECT_TRUE(*why.remedy);
	EXPECT_TRUE(!e);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		arg_inner = argv[1];
	rig_open_engine = open_faulty;
	RUN(test_error);
	RUN(test_wrong);
	RUN(test_delay);
	RUN(test_hang);
	RUN(test_lost);
	RUN(test_failing_recovery);
	RUN(test_stop_faulty);
	RUN(test_parse);
	RUN(test_open_refused);
	return 0;
}
