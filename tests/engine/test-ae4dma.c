/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is particular to the AE4DMA driver, on the model: 16 queues with short rings, indices that
 * nobody can set back, and a status that is not reliable. Traps of these devices, who is known to
 * have fallen into them, and what would find it out here:
 *
 *	indices begin where the last owner left them, not at 0		anchors; engine-faulty: stale
 *	31 of the 32 places of a ring can be used, not 99 (Linux)	contract; rings
 *	addresses and lengths are multiples of 4			contract; caps
 *	no more than the length's 32 bits at once, as 2^32 is (SPDK)	caps
 *	a status that is not written is no reason to wait (DPDK, SPDK)	no_status; no_status_of_some;
 *									  engine-faulty: lost_completion
 *	one that is written late is of the life before			engine-faulty: late_write
 *	a descriptor that failed is behind READ_IDX, too		errors; halt_of_one
 *	nobody says whether the queue then goes on			errors, goes-on; engine-faulty
 *	which half of an address comes first (Linux' names)		contract
 *	the status of the interrupt is a bit to be taken away (Linux),
 *	  and keeps others back until it is				events_of_one; engine-faulty:
 *									  events_while_busy
 *	to say how many queues there are enables them			engine-faulty: stale
 *	there is no reset but that of the function			engine-faulty: hang; no_reset
 *	what is called SDXI in pci.ids was in Linux' list, and is gone	identity
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>

#include "ae4dma_regs.h"
#include "engine_driver.h"
#include "faults.h"
#include "macros.h"
#include "test.h"

#define N_QUEUES 16
#define RING 31

static const char *const specs[] = {
	"ae4dma", "ae4dma,goes-on", "ae4dma,queues=1", "ae4dma,vectors=0",
};

#define EACH(spec) for (size_t _i = 0; _i < ARRAY_SIZE(specs) && (spec = specs[_i]); _i++)

/* What an engine can do follows from the number of its queues. */
static void test_caps(void)
{
	static const struct {
		const char *spec;
		uint32_t n;
		uint64_t max_len;
	} expected[] = {
		{ "ae4dma", N_QUEUES, 128 << 10 },
		{ "ae4dma,queues=1", 1, 2 << 20 },
		{ "ae4dma,queues=3", 3, 512 << 10 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct engine_caps *caps;
		struct engine *e;

		EXPECT_OK(model_open_engine(expected[i].spec, &e, NULL));
		caps = engine_caps(e);
		EXPECT_EQ(caps->n_channels, expected[i].n);
		EXPECT_EQ(caps->ring_size, expected[i].n * RING);
		EXPECT_EQ(caps->max_len, expected[i].max_len);
		EXPECT_EQ(caps->address_mask, (UINT64_C(1) << 48) - 1);
		EXPECT_EQ(caps->align, 4);
		EXPECT_TRUE(!caps->reports_dma_errors);
		engine_close(e);
	}
}

/* What cannot be is not believed. */
static void test_absurd(void)
{
	faults_refused("ae4dma,absurd-queues=0", -ENODEV, "0 queues");
	faults_refused("ae4dma,absurd-queues=17", -ENODEV, "17 queues");
	faults_refused("ae4dma,absurd-queues=0x80000000", -ENODEV, "2147483648 queues");
	faults_refused("ae4dma,absurd-index=32", -EIO, "an index of no meaning");
	faults_refused("ae4dma,absurd-index=0x7fffffff", -EIO, "an index of no meaning");
	faults_refused("ae4dma,absurd-bar=0", -ENOENT, "cannot be reached");
	faults_refused("ae4dma,absurd-bar=0x200", -ENODEV, "not those of an AE4DMA");
	faults_refused("ae4dma,unplug", -ENODEV, "gone");
}

/* Devices that are something else are left alone, also those that were taken for one before. */
static void test_identity(void)
{
	EXPECT_TRUE(engine_find_driver(0x1022, 0x149b) == &ae4dma_ops);
	EXPECT_TRUE(!engine_find_driver(0x1022, 0x14c8));
	EXPECT_TRUE(!engine_find_driver(0x1022, 0x14dc));
	EXPECT_TRUE(!engine_find_driver(0x8086, 0x149b));
}

/*
 * Wherever in its ring a queue was when it was stopped, it goes on there, and with nothing of
 * before.
 */
static void test_anchors(void)
{
	struct rig rig;

	faults_open(&rig, "ae4dma,queues=1");
	for (uint64_t i = 0; i < 40; i++) {
		faults_works(&rig, 1 + i % RING);
		EXPECT_OK(i % 2 ? engine_recover(rig.e) : engine_stop(rig.e));
		if (i % 2 == 0)
			EXPECT_OK(engine_start(rig.e));
	}
	rig_close(&rig);
}

/* All rings full of copies are in flight together, however they are filled, and none is lost. */
static void test_rings(void)
{
	struct engine_result results[N_QUEUES * RING];
	struct rig rig;

	faults_open(&rig, "ae4dma,ns-per-descriptor=2000");
	for (uint64_t round = 0; round < 4; round++) {
		uint64_t first = rig.n_enqueued;

		while (engine_capacity(rig.e) > 0)
			faults_copy_pages(&rig, rig.n_enqueued, MIN(engine_capacity(rig.e), 7u + 90 * round));
		rig_collect(&rig, results, ARRAY_SIZE(results));
		rig_each_once(&rig, results, ARRAY_SIZE(results), first);
	}
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 4 * 4096 * ARRAY_SIZE(results)));
	rig_close(&rig);
}

/* What is copied is reported so, whether or not the device writes that into its descriptor. */
static void test_no_status(void)
{
	const char *spec;

	EACH(spec) {
		struct rig rig;

		faults_open(&rig, spec);
		faults_order(&rig, "lose-completion=1/2");
		for (uint64_t i = 0; i < 20; i++)
			faults_works(&rig, 1 + i);
		rig_close(&rig);
	}
}

/*
 * One queue is heard, though another one that was announced at the same time says more: no result waits
 * for anything but its event.
 */
static void test_no_status_of_some(void)
{
	struct pollfd event = { .events = POLLIN };
	struct engine_result results[N_QUEUES];
	struct rig rig;
	uint64_t index, len = 128 << 10;

	faults_open(&rig, "ae4dma");
	event.fd = engine_event_fd(rig.e);
	faults_order(&rig, "lose-completion=1/2");
	for (int round = 0; round < 50; round++) {
		for (uint64_t i = 0; i < N_QUEUES; i++)
			EXPECT_OK(rig_copy(&rig, i * len, i * len, len, &index));
		EXPECT_OK(engine_submit(rig.e));
		while (engine_in_flight(rig.e) > 0) {
			EXPECT_EQ(poll(&event, 1, 10000), 1);
			EXPECT_OK(engine_completed(rig.e, results, N_QUEUES));
		}
	}
	rig_close(&rig);
}

static uint64_t read_index(struct rig *rig)
{
	return model_bar_read(model_of(rig->e), AE4DMA_BAR, AE4DMA_QUEUE(0) + AE4DMA_READ_IDX, 4);
}

/* What is claimed to be done before it is given is not given any more, so that it is not believed. */
static void test_ahead(void)
{
	struct engine_result result;
	uint64_t place, index;
	struct rig rig;

	faults_open(&rig, "ae4dma,queues=1");
	place = read_index(&rig);
	faults_order(&rig, "unsubmitted=1");
	faults_copy_pages(&rig, 0, 1);
	while (read_index(&rig) == place)
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

/* A queue that announces one after the other is heard each time, without being given more. */
static void test_events_of_one(void)
{
	struct pollfd event = { .events = POLLIN };
	struct engine_result result;
	struct rig rig;

	faults_open(&rig, "ae4dma,queues=1,ns-per-descriptor=1000000");
	event.fd = engine_event_fd(rig.e);
	for (uint64_t round = 0; round < 20; round++) {
		for (uint64_t i = 0; i < 4; i++)
			faults_copy_pages(&rig, i, 1);
		while (engine_in_flight(rig.e) > 0) {
			EXPECT_EQ(poll(&event, 1, 10000), 1);
			while (EXPECT_OK(engine_completed(rig.e, &result, 1)) > 0)
				EXPECT_EQ(result.status, ENGINE_COPIED);
		}
	}
	rig_close(&rig);
}

/* The code of an error is the status of the descriptor to blame, and of no other one. */
static void test_errors(void)
{
	static const struct {
		const char *order;
		enum engine_status status;
	} errors[] = {
		{ "error=1,error-code=1", ENGINE_REFUSED },
		{ "error=1,error-code=3", ENGINE_REFUSED },
		{ "error=1,error-code=4", ENGINE_REFUSED },
		{ "error=1,error-code=15", ENGINE_REFUSED },
		{ "error=1,error-code=16", ENGINE_DEVICE_ERROR },
		{ "error=1,error-code=32", ENGINE_DEVICE_ERROR },
		{ "error=1,error-code=64", ENGINE_DEVICE_ERROR },
		{ "error=1,error-code=255", ENGINE_DEVICE_ERROR },
	};
	const char *spec;

	EACH(spec) {
		struct rig rig;

		faults_open(&rig, spec);
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
			struct engine_result result;

			faults_works(&rig, 29);
			faults_order(&rig, errors[i].order);
			faults_copy_pages(&rig, rig.n_enqueued, 1);
			EXPECT_EQ(faults_take(&rig, &result, 1), 0);
			EXPECT_EQ(result.status, errors[i].status);
			if (strstr(spec, "goes-on")) {
				EXPECT_EQ(engine_state(rig.e), ENGINE_RUNNING);
				continue;
			}
			EXPECT_EQ(engine_completed(rig.e, &result, 1), -EIO);
			EXPECT_TRUE(strstr(engine_reason(rig.e), "halted"));
			EXPECT_OK(engine_recover(rig.e));
		}
		rig_close(&rig);
	}
}

/* A folio is spread over the queues. */
static void test_spread(void)
{
	struct engine_result result;
	struct engine_stats stats;
	struct rig rig;
	uint64_t index;

	faults_open(&rig, "ae4dma");
	EXPECT_OK(rig_copy(&rig, 0, 0, 2 << 20, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, &result, 1);
	EXPECT_EQ(result.status, ENGINE_COPIED);
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 2 << 20));
	engine_stats(rig.e, &stats);
	EXPECT_EQ(stats.descriptors, N_QUEUES);
	rig_close(&rig);
}

/* One queue that does nothing keeps nobody else's work. */
static void test_independent(void)
{
	struct engine_result results[64];
	struct rig rig;
	uint64_t index;

	faults_open(&rig, "ae4dma");
	faults_order(&rig, "hang=1");
	EXPECT_OK(rig_copy(&rig, 8 << 20, 8 << 20, 128 << 10, &index));
	EXPECT_OK(engine_submit(rig.e));
	/* It is this one that hangs. */
	faults_wait_begun(&rig, 0);
	for (uint64_t i = 0; i < 60; i++)
		faults_copy_pages(&rig, i, 1);
	rig_collect(&rig, results, 60);
	for (size_t i = 0; i < 60; i++) {
		EXPECT_TRUE(results[i].index != index);
		EXPECT_EQ(results[i].status, ENGINE_COPIED);
	}
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 60 * 4096));
	rig_close(&rig);
}

/*
 * What the others have finished is reported, although one has halted; where it goes on, all of it
 * is.
 */
static void test_halt_of_one(void)
{
	for (int goes_on = 0; goes_on < 2; goes_on++) {
		struct engine_result results[200];
		unsigned int n[_ENGINE_STATUS_MAX] = {};
		struct rig rig;

		faults_open(&rig, goes_on ? "ae4dma,goes-on" : "ae4dma");
		faults_order(&rig, "error=70");
		faults_copy_pages(&rig, 0, 200);
		EXPECT_EQ(faults_take(&rig, results, 200), goes_on ? 0 : -EIO);
		rig_each_once(&rig, results, 200, 0);
		for (size_t i = 0; i < 200; i++)
			n[results[i].status]++;
		EXPECT_EQ(n[ENGINE_DEVICE_ERROR], 1);
		EXPECT_EQ(n[ENGINE_COPIED] + n[ENGINE_CANCELLED], 199);
		if (goes_on)
			EXPECT_EQ(n[ENGINE_COPIED], 199);
		faults_works(&rig, 64);
		rig_close(&rig);
	}
}

/* One that hangs, and whose function cannot be reset, is not let do DMA again: it would go on. */
static void test_no_reset(void)
{
	struct engine_result results[14];
	struct rig rig;

	faults_open(&rig, "ae4dma,no-flr");
	faults_works(&rig, 2);
	faults_order(&rig, "hang=1/1");
	faults_copy_pages(&rig, 2, 14);
	faults_wait_begun(&rig, 2);
	EXPECT_EQ(engine_stop(rig.e), -EIO);
	EXPECT_STR(engine_reason(rig.e), "a queue never comes to rest");
	EXPECT_EQ(engine_recover(rig.e), -EIO);
	EXPECT_TRUE(!faults_bus_master(&rig));
	EXPECT_EQ(engine_completed(rig.e, results, 14), 14);
	EXPECT_TRUE(rig_blank(&rig, 2 * 4096, 14 * 4096));
	rig_close(&rig);
}

int main(void)
{
	RUN(test_caps);
	RUN(test_absurd);
	RUN(test_identity);
	RUN(test_anchors);
	RUN(test_rings);
	RUN(test_no_status);
	RUN(test_no_status_of_some);
	RUN(test_ahead);
	RUN(test_events_of_one);
	RUN(test_errors);
	RUN(test_spread);
	RUN(test_independent);
	RUN(test_halt_of_one);
	RUN(test_no_reset);
	return 0;
}
