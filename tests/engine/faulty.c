/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an engine does whose device is late, silent, lies, or vanishes: engine-faulty SPEC [TEST]...
 * SPEC is as for faults_open(); without a TEST it is all of them. In this no driver is any different.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <sched.h>
#include <string.h>

#include "clock.h"
#include "faults.h"
#include "macros.h"
#include "test.h"

#define PAGE UINT64_C(4096)

static const char *arg_spec;

/* What a former owner left at work is neither gone on with nor reported. */
static void test_stale(void)
{
	struct model_counts counts;
	struct rig rig;

	faults_open_with(&rig, arg_spec, "stale");
	faults_works(&rig, 16);
	/* Its addresses lead nowhere, and the device was never let go there. */
	faults_counts(&rig, &counts);
	EXPECT_EQ(counts.faults, 0);
	EXPECT_EQ(counts.broken, 0);
	rig_close(&rig);
}

/* Completions whose interrupt is lost are found by whoever looks at the deadline. */
static void test_lost_interrupt(void)
{
	struct engine_result results[8];
	struct rig rig;

	faults_open(&rig, arg_spec);
	faults_order(&rig, "lose-interrupt=1/1");
	faults_copy_pages(&rig, 0, 8);
	engine_set_timeout(rig.e, 100);
	EXPECT_EQ(faults_take(&rig, results, 8), 0);
	for (size_t i = 0; i < 8; i++)
		EXPECT_EQ(results[i].status, ENGINE_COPIED);
	/* And the engine is none the worse for it. */
	engine_set_timeout(rig.e, 20000);
	faults_order(&rig, "none");
	faults_works(&rig, 8);
	rig_close(&rig);
}

/*
 * A completion that never comes is a time-out, not a copy; those of others are. Each copy is by itself,
 * for of a batch not each has a completion. What AE4DMA does not write is only half of one: an index
 * in a register tells all the same.
 */
static void test_lost_completion(void)
{
	unsigned int n[_ENGINE_STATUS_MAX] = {};
	struct engine_result results[4];
	struct rig rig;
	bool told;

	faults_open(&rig, arg_spec);
	told = !strcmp(engine_identity(rig.e)->driver, "ae4dma");
	faults_order(&rig, "lose-completion=4");
	for (uint64_t i = 0; i < 4; i++)
		faults_copy_pages(&rig, i, 1);
	engine_set_timeout(rig.e, 50);
	EXPECT_EQ(faults_take(&rig, results, 4), told ? 0 : -ETIMEDOUT);
	for (size_t i = 0; i < 4; i++)
		n[results[i].status]++;
	EXPECT_EQ(n[ENGINE_COPIED], told ? 4 : 3);
	EXPECT_EQ(n[ENGINE_TIMED_OUT], told ? 0 : 1);
	engine_set_timeout(rig.e, 20000);
	faults_works(&rig, 8);
	rig_close(&rig);
}

/* One copy that fails is that one's failure, wherever it is; the others are copied or, at a halt, given up. */
static void test_error(void)
{
	for (unsigned int at = 2; at <= 16; at += 7) {
		struct engine_result results[16];
		unsigned int n_failed = 0;
		struct rig rig;
		char order[32];
		int r;

		faults_open(&rig, arg_spec);
		snprintf(order, sizeof(order), "error=%u", at);
		faults_order(&rig, order);
		faults_copy_pages(&rig, 0, 16);
		r = faults_take(&rig, results, 16);
		EXPECT_TRUE(r == 0 || r == -EIO);
		rig_each_once(&rig, results, 16, 0);
		for (size_t i = 0; i < 16; i++) {
			/* Another channel may have made it, and not told in time. */
			if (results[i].status == ENGINE_COPIED || results[i].status == ENGINE_CANCELLED)
				continue;
			n_failed++;
			EXPECT_TRUE(rig_blank(&rig, results[i].index * PAGE, PAGE));
		}
		/* What failed may have been what several were given together. */
		EXPECT_EQ(n_failed, r == -EIO && n_failed == 0 ? 0 : 1);
		/* Where the last one failed, this is yet to come. */
		if (r == 0 && engine_completed(rig.e, results, 1) < 0)
			EXPECT_OK(engine_recover(rig.e));
		faults_works(&rig, 16);
		rig_close(&rig);
	}
}

/*
 * Of a byte that arrives wrong an engine knows nothing: it is reported as copied, and who needs to know
 * compares. All others are right.
 */
static void test_wrong_byte(void)
{
	struct engine_result results[8];
	unsigned int n_wrong = 0;
	struct rig rig;

	faults_open(&rig, arg_spec);
	faults_order(&rig, "wrong-byte=5");
	faults_copy_pages(&rig, 0, 8);
	rig_collect(&rig, results, 8);
	for (size_t i = 0; i < 8; i++) {
		EXPECT_EQ(results[i].status, ENGINE_COPIED);
		n_wrong += !rig_equal(&rig, i * PAGE, i * PAGE, PAGE);
	}
	EXPECT_EQ(n_wrong, 1);
	rig_close(&rig);
}

/* Copies that are completed in another order than submitted, where a device may do so, are all reported. */
static void test_late(void)
{
	struct engine_result results[16];
	struct rig rig;

	faults_open(&rig, arg_spec);
	faults_order(&rig, "late=2/3");
	for (uint64_t i = 0; i < 16; i++)
		faults_copy_pages(&rig, i, 1);
	EXPECT_EQ(faults_take(&rig, results, 16), 0);
	rig_each_once(&rig, results, 16, 0);
	for (size_t i = 0; i < 16; i++)
		EXPECT_EQ(results[i].status, ENGINE_COPIED);
	rig_close(&rig);
}

/* An engine that hangs in the middle of something is stopped, and works again. */
static void test_hang(void)
{
	struct engine_result results[16];
	struct rig rig;

	faults_open(&rig, arg_spec);
	faults_order(&rig, "hang=3");
	faults_copy_pages(&rig, 0, 16);
	engine_set_timeout(rig.e, 50);
	EXPECT_EQ(faults_take(&rig, results, 16), -ETIMEDOUT);
	engine_set_timeout(rig.e, 20000);
	faults_works(&rig, 16);
	rig_close(&rig);
}

/*
 * A device that completes what it should not, or in a way it should not, is put out of service with
 * a reason, at once or as soon as it can be told; nothing is reported as copied that was not.
 */
static void check_lie(const char *order, const char *reason)
{
	uint64_t begin = 0;
	struct rig rig;
	int r;

	faults_open(&rig, arg_spec);
	faults_order(&rig, order);
	engine_set_timeout(rig.e, 300);
	for (uint64_t i = 0; i < 1000 && engine_state(rig.e) == ENGINE_RUNNING; i++) {
		struct engine_result results[64];

		begin = 3 * i * PAGE;
		rig_wipe(&rig, 0, RIG_SIZE);
		for (uint64_t j = 0; j < 3 && engine_state(rig.e) == ENGINE_RUNNING; j++) {
			uint64_t at = begin + j * PAGE, index;

			EXPECT_OK(rig_copy(&rig, at, at, PAGE, &index));
			engine_submit(rig.e);
		}
		while (engine_state(rig.e) == ENGINE_RUNNING && engine_in_flight(rig.e) > 0) {
			r = rig_wait(&rig, results, ARRAY_SIZE(results));
			for (int j = 0; j < r; j++)
				EXPECT_EQ(results[j].status, ENGINE_COPIED);
		}
	}
	EXPECT_EQ(engine_state(rig.e), ENGINE_FAILED);
	/* The last round has touched its own pages, and no others. */
	EXPECT_TRUE(rig_blank(&rig, 0, begin));
	EXPECT_TRUE(rig_blank(&rig, begin + 3 * PAGE, RIG_SIZE - begin - 3 * PAGE));
	while ((r = engine_completed(rig.e, &(struct engine_result) {}, 1)) > 0)
		;
	/* What takes back the truth before it is seen leaves nothing but silence. */
	if (r != -ETIMEDOUT) {
		EXPECT_EQ(r, -EIO);
		EXPECT_TRUE(strstr(engine_reason(rig.e), reason));
	}
	engine_set_timeout(rig.e, 20000);
	faults_order(&rig, "none");
	EXPECT_OK(engine_recover(rig.e));
	while (engine_in_flight(rig.e) > 0)
		EXPECT_GE(engine_completed(rig.e, &(struct engine_result) {}, 1), 1);
	faults_works(&rig, 16);
	rig_close(&rig);
}

static void test_lies(void)
{
	check_lie("unsubmitted=5/1", "completed what it was not given");
	check_lie("twice=5/1", "completed what it was not given");
	check_lie("senseless=5/1", "of no meaning");
}

/* A device that vanishes at work: the engine fails, stays so, reports each item, all in time. */
static void test_unplug(void)
{
	struct engine_result results[16];
	uint64_t begin_ns;
	struct rig rig;
	size_t got = 0;
	int r;

	faults_open(&rig, arg_spec);
	faults_order(&rig, "unplug=3");
	faults_copy_pages(&rig, 0, 16);
	engine_set_timeout(rig.e, 200);
	while ((r = rig_wait(&rig, results + got, 16 - got)) > 0)
		got += (size_t)r;
	EXPECT_EQ(engine_state(rig.e), ENGINE_FAILED);
	begin_ns = clock_now_ns();
	EXPECT_TRUE(engine_recover(rig.e) < 0);
	/* Bounded by the contract; the rest is for a computer that has other things to do. */
	EXPECT_TRUE(clock_now_ns() - begin_ns < 4 * ENGINE_STOP_MS * NSEC_PER_MSEC);
	EXPECT_STR(engine_reason(rig.e), "the device is gone: its registers read all ones");
	while (got < 16)
		got += (size_t)EXPECT_OK(engine_completed(rig.e, results + got, 16 - got));
	rig_each_once(&rig, results, 16, 0);
	rig_close(&rig);
}

/* One that vanishes while it has nothing to do is not started again, and does not start anything. */
static void test_unplug_at_rest(void)
{
	struct rig rig;

	faults_open(&rig, arg_spec);
	EXPECT_OK(engine_stop(rig.e));
	faults_order(&rig, "unplug");
	EXPECT_TRUE(engine_start(rig.e) < 0);
	EXPECT_EQ(engine_state(rig.e), ENGINE_FAILED);
	EXPECT_STR(engine_reason(rig.e), "the device is gone: its registers read all ones");
	EXPECT_TRUE(engine_recover(rig.e) < 0);
	EXPECT_EQ(engine_in_flight(rig.e), 0);
	rig_close(&rig);
}

/*
 * Engines without a command to reset themselves, or with one that is for errors only, have their
 * function reset, where that can be.
 */
static bool resets_function(const char *name)
{
	return !strncmp(name, "ptdma", 5) || !strncmp(name, "ae4dma", 6) || !strncmp(name, "sdxi", 4);
}

/* As somebody does who turns the computer off and on. */
static void reset_by_hand(struct rig *rig)
{
	uint16_t command;

	model_config_read(model_of(rig->e), PCI_COMMAND, &command, sizeof(command));
	model_reset(model_of(rig->e));
	model_config_write(model_of(rig->e), PCI_COMMAND, &command, sizeof(command));
}

/* One that never comes out of its reset cannot do DMA, and is not used until it does. */
static void test_never_reset(void)
{
	struct engine_result results[16];
	struct rig rig;

	faults_open_with(&rig, arg_spec, resets_function(arg_spec) ? "no-flr" : "");
	faults_order(&rig, "hang=1/1,never-reset");
	faults_copy_pages(&rig, 0, 16);
	EXPECT_EQ(engine_stop(rig.e), -EIO);
	EXPECT_EQ(engine_state(rig.e), ENGINE_FAILED);
	EXPECT_TRUE(strstr(engine_reason(rig.e), "never"));
	EXPECT_TRUE(!faults_bus_master(&rig));
	EXPECT_EQ(engine_completed(rig.e, results, 16), 16);
	EXPECT_TRUE(rig_blank(&rig, 0, RIG_SIZE));
	EXPECT_EQ(engine_recover(rig.e), -EIO);
	EXPECT_TRUE(!faults_bus_master(&rig));
	faults_order(&rig, "none");
	if (resets_function(arg_spec))
		reset_by_hand(&rig);
	EXPECT_OK(engine_recover(rig.e));
	faults_works(&rig, 16);
	rig_close(&rig);
}

/*
 * What the device had on its way when it was reset arrives when it works again, and is not taken
 * for a completion of what it does then, or for one of what it was not given.
 */
static void test_late_write(void)
{
	struct engine_result result;
	uint64_t until_ns;
	struct rig rig;

	faults_open(&rig, arg_spec);
	faults_works(&rig, 7);
	faults_order(&rig, "late-write=20000");
	EXPECT_OK(engine_stop(rig.e));
	EXPECT_OK(engine_start(rig.e));
	until_ns = clock_now_ns() + 40 * NSEC_PER_MSEC;
	while (clock_now_ns() < until_ns) {
		EXPECT_EQ(engine_completed(rig.e, &result, 1), 0);
		sched_yield();
	}
	/* All places for completions are used once, and more. */
	for (int i = 0; i < 300; i++)
		faults_works(&rig, 1);
	rig_close(&rig);
}

/* The device may do DMA while it is started, at no other time. */
static void test_bus_mastership(void)
{
	struct engine_result results[16];
	struct rig rig;

	faults_open(&rig, arg_spec);
	EXPECT_TRUE(faults_bus_master(&rig));
	faults_order(&rig, "hang=2");
	faults_copy_pages(&rig, 0, 16);
	EXPECT_OK(engine_stop(rig.e));
	EXPECT_TRUE(!faults_bus_master(&rig));
	EXPECT_EQ(engine_completed(rig.e, results, 16), 16);
	faults_order(&rig, "none");
	EXPECT_OK(engine_start(rig.e));
	EXPECT_TRUE(faults_bus_master(&rig));
	faults_works(&rig, 16);
	rig_close(&rig);
}

/* An address that leads FAULTS_NOWHERE fails the item that has it, with what was wrong with it. */
static void test_unmapped(void)
{
	for (int write = 0; write < 2; write++) {
		enum engine_status expected = write ? ENGINE_WRITE_ERROR : ENGINE_READ_ERROR;
		struct engine_result results[9];
		uint64_t index, at;
		struct rig rig;

		faults_open(&rig, arg_spec);
		/* It tells of a page table, and not whose. */
		if (!strcmp(engine_identity(rig.e)->driver, "ae4dma"))
			expected = ENGINE_DEVICE_ERROR;
		for (uint64_t i = 0; i < 9; i++) {
			at = i * PAGE;
			if (i != 4)
				EXPECT_OK(rig_copy(&rig, at, at, PAGE, &index));
			else
				EXPECT_OK(engine_enqueue(rig.e, write ? rig.src.iova : FAULTS_NOWHERE,
							 write ? FAULTS_NOWHERE : rig.dst.iova + at,
							 PAGE, &index));
			rig.n_enqueued = index + 1;
		}
		EXPECT_OK(engine_submit(rig.e));
		/* That one is never copied, so that it need not be left out of the comparison. */
		faults_take(&rig, results, 9);
		for (size_t i = 0; i < 9; i++) {
			if (results[i].index == 4)
				EXPECT_EQ(results[i].status, expected);
			else if (results[i].index < 4 && engine_caps(rig.e)->in_order)
				EXPECT_EQ(results[i].status, ENGINE_COPIED);
			else if (results[i].status != ENGINE_CANCELLED)
				EXPECT_EQ(results[i].status, ENGINE_COPIED);
		}
		faults_works(&rig, 16);
		rig_close(&rig);
	}
}

/* Who polls gets no interrupts, and all results. */
static void test_silence(void)
{
	struct engine_result results[64];
	struct pollfd event = { .events = POLLIN };
	struct model_counts counts;
	struct rig rig;
	int got = 0;

	faults_open(&rig, arg_spec);
	event.fd = engine_event_fd(rig.e);
	engine_set_events(rig.e, false);
	faults_copy_pages(&rig, 0, 64);
	while (got < 64) {
		got += (int)EXPECT_OK(engine_completed(rig.e, results + got, (size_t)(64 - got)));
		sched_yield();
	}
	faults_counts(&rig, &counts);
	EXPECT_EQ(counts.interrupts, 0);
	EXPECT_EQ(poll(&event, 1, 0), 0);
	engine_set_events(rig.e, true);
	faults_works(&rig, 16);
	rig_close(&rig);
}

/* Whoever waits only for events, while more is submitted all the time, waits for none in vain. */
static void test_events_while_busy(void)
{
	struct engine_result results[64];
	struct pollfd event = { .events = POLLIN };
	struct rig rig;
	uint64_t index;
	int n = 0;

	faults_open(&rig, arg_spec);
	event.fd = engine_event_fd(rig.e);
	for (uint64_t i = 0; i < 3000; i++) {
		uint64_t len = ALIGN_UP(1 + i * 37 % 4096, engine_caps(rig.e)->align);

		EXPECT_OK(rig_copy(&rig, 0, i % 512 * 4096, len, &index));
		EXPECT_OK(engine_submit(rig.e));
		if (engine_in_flight(rig.e) < 1 + i % 7)
			continue;
		do {
			EXPECT_EQ(poll(&event, 1, 10000), 1);
			n = (int)EXPECT_OK(engine_completed(rig.e, results, 64));
		} while (n == 0);
	}
	rig_close(&rig);
}

#define TEST(name) { #name, test_##name }

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(stale),
	TEST(lost_interrupt),
	TEST(lost_completion),
	TEST(error),
	TEST(wrong_byte),
	TEST(late),
	TEST(hang),
	TEST(lies),
	TEST(never_reset),
	TEST(late_write),
	TEST(bus_mastership),
	TEST(unmapped),
	TEST(silence),
	TEST(events_while_busy),
	/* Does not come back: a device of the machine has had the last of them. */
	TEST(unplug),
	TEST(unplug_at_rest),
};

static bool is_wanted(const char *name, char **names)
{
	if (!*names)
		return strcmp(name, "unplug_at_rest") || !faults_is_device(arg_spec);
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s SPEC [TEST]...\n", argv[0]);
		return 2;
	}
	arg_spec = argv[1];
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!is_wanted(tests[i].name, argv + 2))
			continue;
		printf("%s\n", tests[i].name);
		fflush(stdout);
		tests[i].run();
	}
	return 0;
}
