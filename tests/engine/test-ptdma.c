/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is particular to the PTDMA driver, on the model: a queue that stops when it is empty, a
 * head that is all it says, and no command to reset it. Traps of these devices, who is known to
 * have fallen into them, and what would find it out here:
 *
 *	it runs only as long as there is something to do		run_again; events_while_busy
 *	it takes a tail that is moved only when it is told to run	the same
 *	no descriptor says that it is done (and who waits for a bit
 *	  by && instead of & waits for nothing: DPDK)			progress; ahead; engine-faulty: lies
 *	the head is an address, not an index (DPDK)			progress
 *	after an error it would go on with what is behind (Linux
 *	  sets HEAD to TAIL)						left_behind
 *	codes of errors have gaps, texts have none (Linux)		errors
 *	a ring is aligned to its size					the model's rules; contract
 *	what a former owner left runs on				engine-faulty: stale
 *	there is no reset but that of the function			engine-faulty: hang; no_reset
 *	an interrupt is one of a level: not taken, no other		one_interrupt; engine-faulty:
 *									  events_while_busy
 *	without interrupts causes are there all the same		contract: vectors=0; errors
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>

#include "engine_driver.h"
#include "faults.h"
#include "macros.h"
#include "ptdma_regs.h"
#include "test.h"

/* What an engine can do, and that nobody knows whether it notices each error of the bus. */
static void test_caps(void)
{
	const struct engine_caps *caps;
	struct engine *e;

	EXPECT_OK(model_open_engine("ptdma", &e, NULL));
	caps = engine_caps(e);
	EXPECT_EQ(caps->address_mask, (UINT64_C(1) << 48) - 1);
	EXPECT_EQ(caps->max_len, 2 << 20);
	EXPECT_EQ(caps->n_channels, 1);
	EXPECT_TRUE(caps->in_order);
	EXPECT_TRUE(!caps->reports_dma_errors);
	EXPECT_TRUE(*engine_identity(e)->version);
	engine_close(e);
}

/* What cannot be is not believed. */
static void test_absurd(void)
{
	faults_refused("ptdma,absurd-queues=0", -ENODEV, "0 queues");
	faults_refused("ptdma,absurd-bar=0", -ENOENT, "cannot be reached");
	faults_refused("ptdma,absurd-bar=0x1000", -ENODEV, "not those of a PTDMA");
	faults_refused("ptdma,absurd-bar=0x4000", -ENODEV, "not those of a PTDMA");
	faults_refused("ptdma,unplug", -ENODEV, "gone");
}

/* Devices of the same vendor that are none of these are left alone. */
static void test_identity(void)
{
	EXPECT_TRUE(engine_find_driver(0x1022, 0x1498) == &ptdma_ops);
	EXPECT_TRUE(!engine_find_driver(0x1022, 0x148a));
	EXPECT_TRUE(!engine_find_driver(0x1022, 0x1468));
	EXPECT_TRUE(!engine_find_driver(0x8086, 0x1498));
}

/*
 * The queue is told to run with each doorbell, whether it has come to its end or is just about
 * to.
 */
static void test_run_again(void)
{
	struct rig rig;

	faults_open(&rig, "ptdma");
	for (uint64_t i = 0; i < 500; i++)
		faults_works(&rig, 1 + i % 3);
	rig_close(&rig);
}

/* As many are reported as are done, and not one more, wherever in the ring it is. */
static void test_progress(void)
{
	struct engine_result result;
	struct rig rig;

	faults_open(&rig, "ptdma,ns-per-descriptor=20000");
	for (uint64_t round = 0; round < 40; round++) {
		uint64_t first = rig.n_enqueued;

		rig_wipe(&rig, 0, RIG_SIZE);
		faults_copy_pages(&rig, first, 61);
		for (uint64_t i = first; i < first + 61; i++) {
			uint64_t at = i % (RIG_SIZE / 4096) * 4096;

			rig_collect(&rig, &result, 1);
			EXPECT_EQ(result.index, i);
			EXPECT_EQ(result.status, ENGINE_COPIED);
			EXPECT_TRUE(rig_equal(&rig, at, at, 4096));
		}
	}
	rig_close(&rig);
}

/*
 * The code of an error is the status of the descriptor to blame; those without a meaning are no
 * less one.
 */
static void test_errors(void)
{
	static const struct {
		unsigned int code;
		enum engine_status status;
		const char *reason;
	} errors[] = {
		{ 1, ENGINE_REFUSED, "it refused a descriptor" },
		{ 3, ENGINE_REFUSED, "it refused a descriptor" },
		{ 9, ENGINE_REFUSED, "it refused a descriptor" },
		{ 13, ENGINE_REFUSED, "it refused a descriptor" },
		{ 18, ENGINE_DEVICE_ERROR, "it could not go on" },
		{ 19, ENGINE_READ_ERROR, "it could not read a source" },
		{ 20, ENGINE_READ_ERROR, "it could not read a source" },
		{ 22, ENGINE_READ_ERROR, "it could not read a source" },
		{ 23, ENGINE_READ_ERROR, "it could not read a source" },
		{ 38, ENGINE_WRITE_ERROR, "it could not write a destination" },
		{ 39, ENGINE_WRITE_ERROR, "it could not write a destination" },
		{ 41, ENGINE_WRITE_ERROR, "it could not write a destination" },
		{ 42, ENGINE_WRITE_ERROR, "it could not write a destination" },
		{ 43, ENGINE_DEVICE_ERROR, "it could not go on" },
		{ 40, ENGINE_DEVICE_ERROR, "a code of no meaning" },
		{ 63, ENGINE_DEVICE_ERROR, "a code of no meaning" },
	};

	for (int polled = 0; polled < 2; polled++) {
		struct rig rig;

		faults_open(&rig, polled ? "ptdma,vectors=0" : "ptdma");
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
			struct engine_result result;
			char order[40];

			faults_works(&rig, 61);
			snprintf(order, sizeof(order), "error=1,error-code=%u", errors[i].code);
			faults_order(&rig, order);
			faults_copy_pages(&rig, rig.n_enqueued, 1);
			EXPECT_EQ(faults_take(&rig, &result, 1), 0);
			EXPECT_EQ(result.status, errors[i].status);
			EXPECT_EQ(rig_wait(&rig, &result, 1), -EIO);
			EXPECT_TRUE(strstr(engine_reason(rig.e), errors[i].reason));
			EXPECT_OK(engine_recover(rig.e));
		}
		rig_close(&rig);
	}
}

static uint64_t read_register(struct rig *rig, uint64_t offset)
{
	return model_bar_read(model_of(rig->e), PTDMA_BAR, offset, 4);
}

/* What is claimed to be done before it is given is not given any more, so that it is not believed. */
static void test_ahead(void)
{
	struct engine_result result;
	uint64_t head, index;
	struct rig rig;

	faults_open(&rig, "ptdma");
	head = read_register(&rig, PTDMA_HEAD);
	faults_order(&rig, "unsubmitted=1");
	faults_copy_pages(&rig, 0, 1);
	while (read_register(&rig, PTDMA_HEAD) == head)
		sched_yield();
	EXPECT_OK(rig_copy(&rig, 4096, 4096, 4096, &index));
	EXPECT_EQ(engine_submit(rig.e), -EIO);
	EXPECT_STR(engine_reason(rig.e), "the device completed what it was not given");
	EXPECT_OK(engine_recover(rig.e));
	EXPECT_EQ(engine_completed(rig.e, &result, 1), 1);
	EXPECT_EQ(engine_completed(rig.e, &result, 1), 1);
	EXPECT_EQ(result.index, index);
	EXPECT_EQ(result.status, ENGINE_CANCELLED);
	EXPECT_TRUE(rig_blank(&rig, 4096, 4096));
	rig_close(&rig);
}

/*
 * What comes before the one that fails is copied, what is behind it is not begun, also not when
 * it runs again: whoever the next owner is.
 */
static void test_left_behind(void)
{
	for (uint64_t at = 0; at < 39; at += 13) {
		struct engine_result results[40];
		struct rig rig;
		char order[32];

		faults_open(&rig, "ptdma");
		snprintf(order, sizeof(order), "error=%" PRIu64, at + 1);
		faults_order(&rig, order);
		faults_copy_pages(&rig, 0, 40);
		EXPECT_EQ(faults_take(&rig, results, 40), -EIO);
		for (uint64_t i = 0; i < 40; i++)
			EXPECT_EQ(results[i].status, i < at ? ENGINE_COPIED :
				  i == at ? ENGINE_READ_ERROR : ENGINE_CANCELLED);
		faults_works(&rig, 40);
		EXPECT_TRUE(rig_blank(&rig, at * 4096, (40 - at) * 4096));

		faults_order(&rig, order);
		faults_copy_pages(&rig, 0, 40);
		EXPECT_OK(engine_stop(rig.e));
		EXPECT_EQ(read_register(&rig, PTDMA_HEAD), read_register(&rig, PTDMA_TAIL));
		rig_close(&rig);
	}
}

/*
 * The error is found, though the interrupt that tells of it was taken with that of a copy, or is
 * lost.
 */
static void test_error_without_interrupt(void)
{
	struct engine_result results[4];
	struct rig rig;

	faults_open(&rig, "ptdma");
	faults_order(&rig, "error=4,lose-interrupt=1/1");
	faults_copy_pages(&rig, 0, 4);
	engine_set_timeout(rig.e, 100);
	rig_collect(&rig, results, 4);
	EXPECT_EQ(results[3].status, ENGINE_READ_ERROR);
	EXPECT_EQ(engine_completed(rig.e, results, 1), -EIO);
	EXPECT_TRUE(strstr(engine_reason(rig.e), "could not read a source"));
	rig_close(&rig);
}

/* One that hangs, and whose function cannot be reset, is not let do DMA again: it would go on. */
static void test_no_reset(void)
{
	struct engine_result results[16];
	struct rig rig;

	faults_open(&rig, "ptdma,no-flr");
	faults_works(&rig, 2);
	faults_order(&rig, "hang=1");
	faults_copy_pages(&rig, 2, 14);
	faults_wait_begun(&rig, 2);
	EXPECT_EQ(engine_stop(rig.e), -EIO);
	EXPECT_STR(engine_reason(rig.e), "a queue never comes to rest");
	EXPECT_EQ(engine_recover(rig.e), -EIO);
	EXPECT_TRUE(!faults_bus_master(&rig));
	EXPECT_EQ(engine_completed(rig.e, results, 16), 14);
	EXPECT_TRUE(rig_blank(&rig, 2 * 4096, 14 * 4096));
	rig_close(&rig);
}

/* However much is submitted at once, it is one interrupt, and the last one. */
static void test_one_interrupt(void)
{
	struct engine_result results[64];
	struct model_counts before, after;
	struct pollfd event = { .events = POLLIN };
	struct rig rig;

	faults_open(&rig, "ptdma");
	event.fd = engine_event_fd(rig.e);
	for (int round = 0; round < 50; round++) {
		faults_counts(&rig, &before);
		faults_copy_pages(&rig, 0, 64);
		rig.n_enqueued = (uint64_t)(round + 1) * 64;
		EXPECT_EQ(poll(&event, 1, 10000), 1);
		EXPECT_EQ(engine_completed(rig.e, results, 64), 64);
		faults_counts(&rig, &after);
		EXPECT_EQ(after.interrupts - before.interrupts, 1);
	}
	rig_close(&rig);
}

int main(void)
{
	RUN(test_caps);
	RUN(test_absurd);
	RUN(test_identity);
	RUN(test_run_again);
	RUN(test_progress);
	RUN(test_errors);
	RUN(test_ahead);
	RUN(test_left_behind);
	RUN(test_error_without_interrupt);
	RUN(test_no_reset);
	RUN(test_one_interrupt);
	return 0;
}
