/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is particular to the LSI driver, on the model: scripts, resets, and a device that is gone.
 */
#include <errno.h>
#include <poll.h>

#include "clock.h"
#include "faults.h"
#include "macros.h"
#include "test.h"

/* Scripts that were begun. */
static uint64_t n_scripts(struct rig *rig)
{
	struct model_counts counts;

	faults_counts(rig, &counts);
	return counts.descriptors;
}

/* A ring of 256 is three scripts, for one of more than 99 moves is interrupted by the device. */
static void test_scripts(void)
{
	struct engine_result results[256];
	struct rig rig;

	faults_open(&rig, "lsi");
	faults_copy_pages(&rig, 0, 256);
	rig_collect(&rig, results, 256);
	EXPECT_EQ(n_scripts(&rig), 3);
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 256 * 4096));
	rig_close(&rig);
}

/* What is submitted while a script runs follows it, without being asked for again. */
static void test_submit_while_busy(void)
{
	struct engine_result results[30];
	struct rig rig;
	uint64_t index;

	faults_open(&rig, "lsi");
	for (uint64_t i = 0; i < 30; i++) {
		EXPECT_OK(rig_copy(&rig, i * 4096, i * 4096, 4096, &index));
		EXPECT_OK(engine_submit(rig.e));
	}
	rig_collect(&rig, results, 30);
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 30 * 4096));
	rig_close(&rig);
}

/* Without an interrupt the engine has no event, and works by polling. */
static void test_polling(void)
{
	struct engine_result result;
	uint64_t give_up_ns;
	struct rig rig;

	faults_open(&rig, "lsi,vectors=0");
	EXPECT_EQ(engine_event_fd(rig.e), -1);
	faults_copy_pages(&rig, 0, 1);
	give_up_ns = clock_now_ns() + 10 * NSEC_PER_SEC;
	while (EXPECT_OK(engine_completed(rig.e, &result, 1)) == 0)
		EXPECT_TRUE(clock_now_ns() < give_up_ns);
	EXPECT_EQ(result.status, ENGINE_COPIED);
	rig_close(&rig);
}

/* A script that gets nowhere times out; a software reset ends it; the next one works. */
static void test_hang(void)
{
	struct engine_result results[120];
	struct rig rig;

	faults_open(&rig, "lsi");
	faults_order(&rig, "hang=1");
	faults_copy_pages(&rig, 0, 120);
	engine_set_timeout(rig.e, 30);
	EXPECT_EQ(rig_wait(&rig, results, 120), -ETIMEDOUT);
	engine_set_timeout(rig.e, 20000);
	EXPECT_OK(engine_recover(rig.e));
	EXPECT_EQ(engine_completed(rig.e, results, 120), 120);
	for (size_t i = 0; i < 120; i++)
		EXPECT_EQ(results[i].status, ENGINE_TIMED_OUT);
	faults_copy_pages(&rig, 0, 120);
	rig_collect(&rig, results, 120);
	for (size_t i = 0; i < 120; i++)
		EXPECT_EQ(results[i].status, ENGINE_COPIED);
	rig_close(&rig);
}

/* An interrupt that comes when its cause was taken already does not keep the next from coming. */
static void test_late_interrupt(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct engine_result result;
	struct rig rig;

	faults_open(&rig, "lsi");
	pfd.fd = engine_event_fd(rig.e);
	faults_order(&rig, "late-interrupt=1");
	faults_copy_pages(&rig, 0, 1);
	while (EXPECT_OK(engine_completed(rig.e, &result, 1)) == 0)
		EXPECT_TRUE(engine_deadline(rig.e) > clock_now_ns());
	EXPECT_EQ(engine_completed(rig.e, &result, 1), 0);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	faults_copy_pages(&rig, 0, 1);
	EXPECT_EQ(poll(&pfd, 1, 10000), 1);
	EXPECT_EQ(engine_completed(rig.e, &result, 1), 1);
	rig_close(&rig);
}

/* The end of one script is not taken for that of another. */
static void test_stale_interrupt(void)
{
	struct engine_result results[4];
	struct pollfd pfd = { .events = POLLIN };
	struct rig rig;

	faults_open(&rig, "lsi");
	pfd.fd = engine_event_fd(rig.e);
	faults_order(&rig, "twice=1,hang=2");
	faults_copy_pages(&rig, 0, 4);
	rig_collect(&rig, results, 4);
	faults_copy_pages(&rig, 0, 4);
	EXPECT_EQ(poll(&pfd, 1, 10000), 1);
	EXPECT_EQ(engine_completed(rig.e, results, 4), 0);
	EXPECT_EQ(engine_in_flight(rig.e), 4);
	rig_close(&rig);
}

/* The device may do DMA while it is started, at no other time. */
static void test_bus_master(void)
{
	struct rig rig;

	faults_open(&rig, "lsi");
	EXPECT_TRUE(faults_bus_master(&rig));
	faults_order(&rig, "hang=1");
	faults_copy_pages(&rig, 0, 4);
	EXPECT_OK(engine_stop(rig.e));
	EXPECT_TRUE(!faults_bus_master(&rig));
	EXPECT_OK(engine_start(rig.e));
	EXPECT_TRUE(faults_bus_master(&rig));
	rig_close(&rig);
}

/* A device that does not come to rest is failed, cannot do DMA, and is not started again. */
static void test_no_rest(void)
{
	struct engine_result results[4];
	struct rig rig;

	faults_open(&rig, "lsi");
	faults_order(&rig, "hang=1,never-reset");
	faults_copy_pages(&rig, 0, 4);
	EXPECT_EQ(engine_stop(rig.e), -EIO);
	EXPECT_EQ(engine_state(rig.e), ENGINE_FAILED);
	EXPECT_TRUE(!faults_bus_master(&rig));
	EXPECT_EQ(engine_completed(rig.e, results, 4), 4);
	EXPECT_EQ(engine_start(rig.e), -EINVAL);
	EXPECT_EQ(engine_recover(rig.e), -EIO);
	EXPECT_TRUE(!faults_bus_master(&rig));
	rig_close(&rig);
}

/* A device that is gone fails at once, not after the time-out, and can be closed. */
static void test_unplugged(void)
{
	struct engine_result results[4];
	struct rig rig;

	faults_open(&rig, "lsi");
	faults_order(&rig, "hang=1");
	faults_copy_pages(&rig, 0, 4);
	faults_order(&rig, "unplug");
	EXPECT_EQ(engine_completed(rig.e, results, 4), -EIO);
	EXPECT_EQ(engine_state(rig.e), ENGINE_FAILED);
	EXPECT_TRUE(engine_recover(rig.e) < 0);
	EXPECT_EQ(engine_completed(rig.e, results, 4), 4);
	for (size_t i = 0; i < 4; i++)
		EXPECT_EQ(results[i].status, ENGINE_CANCELLED);
	rig_close(&rig);
}

/* The engine says honestly that it does not notice a source that is not there: zeros arrive. */
static void test_no_dma_errors(void)
{
	struct engine_result result;
	uint64_t index, zero = 0;
	struct rig rig;

	faults_open(&rig, "lsi,lenient");
	EXPECT_TRUE(!engine_caps(rig.e)->reports_dma_errors);
	EXPECT_OK(engine_enqueue(rig.e, 0x1000, rig.dst.iova, 4096, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, &result, 1);
	EXPECT_EQ(result.status, ENGINE_COPIED);
	EXPECT_TRUE(!memcmp(rig.dst.va, &zero, sizeof(zero)));
	rig_close(&rig);
}

/* Each item of a script before the one refused is copied, it alone is refused, wherever it is. */
static void test_refused_at(void)
{
	for (uint64_t at = 0; at < 150; at += 37) {
		struct engine_result results[150];
		struct rig rig;
		uint64_t index;

		faults_open(&rig, "lsi");
		faults_order(&rig, "allow=1");
		for (uint64_t i = 0; i < 150; i++) {
			if (i == at)
				EXPECT_OK(engine_inject_error(rig.e));
			EXPECT_OK(rig_copy(&rig, i * 4096, i * 4096, 4096, &index));
		}
		EXPECT_OK(engine_submit(rig.e));
		rig_collect(&rig, results, at + 1);
		for (uint64_t i = 0; i <= at; i++)
			EXPECT_EQ(results[i].status, i == at ? ENGINE_REFUSED : ENGINE_COPIED);
		EXPECT_EQ(rig_wait(&rig, results, 1), -EIO);
		EXPECT_OK(engine_recover(rig.e));
		EXPECT_EQ(engine_completed(rig.e, results, 150), 150 - at - 1);
		EXPECT_TRUE(rig_equal(&rig, 0, 0, at * 4096));
		EXPECT_TRUE(rig_blank(&rig, at * 4096, (150 - at) * 4096));
		rig_close(&rig);
	}
}

int main(void)
{
	RUN(test_scripts);
	RUN(test_submit_while_busy);
	RUN(test_polling);
	RUN(test_hang);
	RUN(test_late_interrupt);
	RUN(test_stale_interrupt);
	RUN(test_bus_master);
	RUN(test_no_rest);
	RUN(test_unplugged);
	RUN(test_no_dma_errors);
	RUN(test_refused_at);
	return 0;
}
