/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is particular to the I/OAT driver, on the model: channels, halts, and what is wrong with a
 * device. Traps of these devices, who is known to have fallen into them, and what would find it out
 * here:
 *
 *	after an unclean stop it does not start (SPDK, issue 1534)	engine-faulty: stale
 *	CHANERR_INT is taken for there where it is not (SPDK, 484)	the same, 3.3 and 3.4
 *	Skylake's says more than 3.2 of itself, and is that		the same, id=2021; caps
 *	waits end after so many reads, not after a time (DPDK)		engine-faulty: never_reset
 *	errors other than those of data are the end (Linux)		errors
 *	only 3.4 can be believed to notice errors			caps
 *	a lost interrupt costs a timer's period (Linux)			engine-faulty: lost_interrupt
 *	CHANCMP is lost by a reset of 3.3, and has two halves		the model's rules; errors, of 3.3
 *	MSI-X is lost by a reset of Atom and Broadwell-DE		msix_lost; contract, loses-msix
 *	the same by one that is given up				engine-faulty: never_reset
 */
#include <errno.h>
#include <poll.h>

#include "clock.h"
#include "engine_driver.h"
#include "faults.h"
#include "macros.h"
#include "test.h"

static const char *const specs[] = {
	"ioat,version=3.2", "ioat,version=3.3", "ioat,version=3.4", "ioat,channels=4",
};

#define EACH(spec) for (size_t _i = 0; _i < ARRAY_SIZE(specs) && (spec = specs[_i]); _i++)

/* What an engine can do is what its registers say, and no more than is known of its version. */
static void test_caps(void)
{
	static const struct {
		const char *spec;
		uint64_t max_len;
		bool in_order, believed;
	} expected[] = {
		{ "ioat,version=3.2", 1 << 20, true, false },
		{ "ioat,version=3.3", 1 << 20, true, false },
		{ "ioat,version=3.4", 1 << 20, true, true },
		{ "ioat,channels=2", 1 << 20, false, true },
		{ "ioat,channels=3", 512 << 10, false, true },
		{ "ioat,channels=4", 512 << 10, false, true },
		{ "ioat,absurd-transfer=16", 64 << 10, true, true },
		/* 4 GiB, of which no use is made. */
		{ "ioat,absurd-transfer=0", 2 << 20, true, true },
		/* Skylake's says more of itself than it is. */
		{ "ioat,version=3.2,id=2021,absurd-version=0x36", 1 << 20, true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct engine *e;

		EXPECT_OK(model_open_engine(expected[i].spec, &e, NULL));
		EXPECT_EQ(engine_caps(e)->max_len, expected[i].max_len);
		EXPECT_EQ(engine_caps(e)->in_order, expected[i].in_order);
		EXPECT_EQ(engine_caps(e)->reports_dma_errors, expected[i].believed);
		engine_close(e);
	}
}

/* What cannot be is not believed. */
static void test_absurd(void)
{
	faults_refused("ioat,absurd-channels=0", -ENODEV, "0 channels");
	faults_refused("ioat,absurd-channels=17", -ENODEV, "17 channels");
	faults_refused("ioat,absurd-channels=255", -ENODEV, "channels");
	faults_refused("ioat,absurd-transfer=1", -ENODEV, "2^1 bytes");
	faults_refused("ioat,absurd-transfer=63", -ENODEV, "2^63 bytes");
	faults_refused("ioat,absurd-transfer=255", -ENODEV, "2^255 bytes");
	faults_refused("ioat,absurd-version=0", -EOPNOTSUPP, "version 0.0");
	faults_refused("ioat,absurd-version=0x12", -EOPNOTSUPP, "version 1.2");
	faults_refused("ioat,absurd-version=0xff", -EOPNOTSUPP, "version 15.15");
	faults_refused("ioat,absurd-bar=0", -ENOENT, "cannot be reached");
	faults_refused("ioat,absurd-bar=0x80", -ENODEV, "not those of an I/OAT");
	/* All of its channels are there, but not all of their registers, or those for its interrupt. */
	faults_refused("ioat,absurd-channels=15,absurd-bar=0x800", -ENODEV, "not those of an I/OAT");
	faults_refused("ioat,version=3.3,absurd-bar=0x1000", -ENODEV, "not those of an I/OAT");
	faults_refused("ioat,unplug", -ENODEV, "gone");
	faults_not_started("ioat,lose-completion", "a channel did not do its first descriptor");
	faults_not_started("ioat,hang", "a channel did not do its first descriptor");
}

/* Devices of the same vendor that are no engines, or none of these, are left alone. */
static void test_identity(void)
{
	EXPECT_TRUE(engine_find_driver(0x8086, 0x0e20) == &ioat_ops);
	EXPECT_TRUE(engine_find_driver(0x8086, 0x3c2f) == &ioat_ops);
	EXPECT_TRUE(engine_find_driver(0x8086, 0x2021) == &ioat_ops);
	EXPECT_TRUE(!engine_find_driver(0x8086, 0x0e28));
	EXPECT_TRUE(!engine_find_driver(0x8086, 0x100e));
	EXPECT_TRUE(!engine_find_driver(0x1234, 0x0e20));
}

/* What stands in CHANERR is the status of the descriptor to blame, wherever in the ring that is. */
static void test_errors(void)
{
	static const struct {
		const char *order;
		enum engine_status status;
	} errors[] = {
		{ "error=1,error-code=0x1", ENGINE_READ_ERROR },
		{ "error=1,error-code=0x2", ENGINE_WRITE_ERROR },
		{ "error=1,error-code=0x8", ENGINE_REFUSED },
		{ "error=1,error-code=0x40", ENGINE_DEVICE_ERROR },
		{ "error=1,error-code=0x100", ENGINE_READ_ERROR },
		{ "error=1,error-code=0x200", ENGINE_WRITE_ERROR },
		{ "error=1,error-code=0x400", ENGINE_REFUSED },
		{ "error=1,error-code=0x800", ENGINE_REFUSED },
	};
	const char *spec;

	EACH(spec) {
		struct rig rig;

		faults_open(&rig, spec);
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
			struct engine_result result;

			faults_works(&rig, 61);
			faults_order(&rig, errors[i].order);
			faults_copy_pages(&rig, rig.n_enqueued, 1);
			EXPECT_EQ(faults_take(&rig, &result, 1), 0);
			EXPECT_EQ(result.status, errors[i].status);
			EXPECT_EQ(rig_wait(&rig, &result, 1), -EIO);
			EXPECT_TRUE(strstr(engine_reason(rig.e), "halted"));
			EXPECT_OK(engine_recover(rig.e));
		}
		rig_close(&rig);
	}
}

/* What comes before the one that fails is copied, what comes after it is not begun. */
static void test_error_at(void)
{
	for (uint64_t at = 0; at < 39; at += 13) {
		struct engine_result results[40];
		struct rig rig;
		char order[32];

		faults_open(&rig, "ioat");
		snprintf(order, sizeof(order), "error=%" PRIu64, at + 1);
		faults_order(&rig, order);
		faults_copy_pages(&rig, 0, 40);
		EXPECT_EQ(faults_take(&rig, results, 40), -EIO);
		for (uint64_t i = 0; i < 40; i++)
			EXPECT_EQ(results[i].status, i < at ? ENGINE_COPIED :
				  i == at ? ENGINE_READ_ERROR : ENGINE_CANCELLED);
		EXPECT_TRUE(rig_blank(&rig, at * 4096, (40 - at) * 4096));
		faults_works(&rig, 40);
		rig_close(&rig);
	}
}

/* A completion that is lost does no harm when another one follows it. */
static void test_lost_in_the_middle(void)
{
	struct engine_result results[16];
	struct rig rig;

	faults_open(&rig, "ioat");
	faults_order(&rig, "lose-completion=3");
	faults_copy_pages(&rig, 0, 16);
	EXPECT_EQ(faults_take(&rig, results, 16), 0);
	for (size_t i = 0; i < 16; i++)
		EXPECT_EQ(results[i].status, ENGINE_COPIED);
	rig_close(&rig);
}

/* An error that the channel cannot write, for it has lost that too, is found in its registers. */
static void test_silent_halt(void)
{
	struct engine_result results[4];
	struct rig rig;
	int r;

	faults_open(&rig, "ioat");
	/* The address for completions is at fault: then nothing is written there. */
	faults_order(&rig, "error=3,error-code=0x1000");
	faults_copy_pages(&rig, 0, 4);
	for (size_t got = 0; (r = rig_wait(&rig, results + got, 4 - got)) > 0; got += (size_t)r)
		;
	EXPECT_EQ(r, -EIO);
	EXPECT_TRUE(strstr(engine_reason(rig.e), "halted"));
	rig_close(&rig);
}

/* A folio is spread over the channels. */
static void test_spread(void)
{
	struct engine_result result;
	struct engine_stats stats;
	struct rig rig;
	uint64_t index;

	faults_open(&rig, "ioat,channels=4");
	EXPECT_OK(rig_copy(&rig, 0, 0, 2 << 20, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, &result, 1);
	EXPECT_EQ(result.status, ENGINE_COPIED);
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 2 << 20));
	engine_stats(rig.e, &stats);
	EXPECT_EQ(stats.descriptors, 4);
	rig_close(&rig);
}

/* One channel that has much to do, or does nothing, keeps nobody else's work. */
static void test_independent(void)
{
	struct engine_result results[64];
	struct rig rig;
	uint64_t before, index;

	faults_open(&rig, "ioat,channels=4");
	before = faults_begun(&rig);
	faults_order(&rig, "hang=1");
	EXPECT_OK(rig_copy(&rig, 8 << 20, 8 << 20, 512 << 10, &index));
	EXPECT_OK(engine_submit(rig.e));
	/* It is this one that hangs. */
	faults_wait_begun(&rig, before);
	for (uint64_t i = 0; i < 60; i++)
		EXPECT_OK(rig_copy(&rig, i * 4096, i * 4096, 4096, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, results, 60);
	for (size_t i = 0; i < 60; i++) {
		EXPECT_TRUE(results[i].index != 0);
		EXPECT_EQ(results[i].status, ENGINE_COPIED);
	}
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 60 * 4096));
	rig_close(&rig);
}

/* What one channel has finished is reported, although another one has halted. */
static void test_halt_of_one(void)
{
	struct engine_result results[64];
	unsigned int n_failed = 0;
	struct rig rig;

	faults_open(&rig, "ioat,channels=4");
	faults_order(&rig, "error=30");
	faults_copy_pages(&rig, 0, 64);
	EXPECT_EQ(faults_take(&rig, results, 64), -EIO);
	rig_each_once(&rig, results, 64, 0);
	for (size_t i = 0; i < 64; i++)
		n_failed += results[i].status == ENGINE_READ_ERROR;
	EXPECT_EQ(n_failed, 1);
	faults_works(&rig, 64);
	rig_close(&rig);
}

/* A copy is announced, and by nothing but its event. */
static void expect_event(struct rig *rig)
{
	struct pollfd pfd = { .fd = engine_event_fd(rig->e), .events = POLLIN };
	struct engine_result result;

	faults_copy_pages(rig, rig->n_enqueued, 1);
	EXPECT_EQ(poll(&pfd, 1, 10000), 1);
	EXPECT_EQ(engine_completed(rig->e, &result, 1), 1);
	EXPECT_EQ(result.status, ENGINE_COPIED);
}

/* Where a reset of a channel wipes out MSI-X, interrupts still come: after each kind of reset. */
static void test_msix_lost(void)
{
	struct engine_result results[4];
	struct rig rig;

	faults_open(&rig, "ioat,version=3.3,loses-msix");
	expect_event(&rig);
	EXPECT_OK(engine_stop(rig.e));
	EXPECT_OK(engine_start(rig.e));
	expect_event(&rig);
	faults_order(&rig, "hang=2");
	faults_copy_pages(&rig, rig.n_enqueued, 4);
	engine_set_timeout(rig.e, 50);
	EXPECT_EQ(faults_take(&rig, results, 4), -ETIMEDOUT);
	engine_set_timeout(rig.e, 20000);
	expect_event(&rig);
	faults_order(&rig, "error=1");
	faults_copy_pages(&rig, rig.n_enqueued, 1);
	EXPECT_EQ(faults_take(&rig, results, 1), 0);
	EXPECT_EQ(rig_wait(&rig, results, 1), -EIO);
	EXPECT_OK(engine_recover(rig.e));
	expect_event(&rig);
	rig_close(&rig);
}

/* However much is submitted at once, it is one interrupt, and the last one. */
static void test_one_interrupt(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct engine_result results[64];
	struct model_counts before, after;
	struct rig rig;

	faults_open(&rig, "ioat");
	pfd.fd = engine_event_fd(rig.e);
	model_counts(model_of(rig.e), &before);
	faults_copy_pages(&rig, 0, 64);
	EXPECT_EQ(poll(&pfd, 1, 10000), 1);
	EXPECT_EQ(engine_completed(rig.e, results, 64), 64);
	model_counts(model_of(rig.e), &after);
	EXPECT_EQ(after.interrupts - before.interrupts, 1);
	rig_close(&rig);
}

int main(void)
{
	RUN(test_caps);
	RUN(test_absurd);
	RUN(test_identity);
	RUN(test_errors);
	RUN(test_error_at);
	RUN(test_lost_in_the_middle);
	RUN(test_silent_halt);
	RUN(test_spread);
	RUN(test_independent);
	RUN(test_halt_of_one);
	RUN(test_msix_lost);
	RUN(test_one_interrupt);
	return 0;
}
