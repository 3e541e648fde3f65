/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the SDXI driver fills its ring, and takes out what is done: see test-sdxi.c.
 */
#include <poll.h>

#include "macros.h"
#include "puppet.h"
#include "test.h"

/*
 * A copy is what the descriptor says, and is shown to the function by both of the index and the
 * bell.
 */
static void test_copies(void)
{
	struct puppet p;
	struct engine *e = puppet_open(&p, false);
	const struct sdxi_descriptor *d = &puppet_client(e)->ring[1];
	uint64_t index;

	EXPECT_OK(engine_enqueue(e, UINT64_C(0x123456789abc), UINT64_C(0xcba987654321), 2 << 20,
				 &index));
	EXPECT_EQ(p.bell, 1);
	EXPECT_EQ(le64toh(puppet_client(e)->write_index), 1);
	EXPECT_OK(engine_submit(e));
	EXPECT_EQ(p.bell, 2);
	EXPECT_EQ(le32toh(d->opcode), 0x00010301);
	EXPECT_EQ(le32toh(d->size), (2 << 20) - 1);
	EXPECT_EQ(le64toh(d->source), UINT64_C(0x123456789abc));
	EXPECT_EQ(le64toh(d->destination), UINT64_C(0xcba987654321));
	EXPECT_EQ(d->source_akey | d->destination_akey | (int)d->attributes, 0);
	EXPECT_EQ(le64toh(d->completion) % 32, 0);
	puppet_close(&p, e);
}

/* Each copy is reported when its own completion says so, in whichever order. */
static void test_out_of_order(void)
{
	static const uint64_t order[] = { 2, 5, 1, 4, 3 };
	struct engine_result result;
	struct puppet p;
	struct engine *e = puppet_open(&p, false);

	puppet_enqueue(e, 5);
	EXPECT_OK(engine_submit(e));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		EXPECT_EQ(engine_completed(e, &result, 1), 0);
		puppet_complete(&p, e, order[i], 0);
		EXPECT_EQ(engine_completed(e, &result, 1), 1);
		EXPECT_EQ(result.index, order[i] - 1);
		EXPECT_EQ(result.status, ENGINE_COPIED);
	}
	EXPECT_EQ(engine_in_flight(e), 0);
	puppet_close(&p, e);
}

/* What stands in a block before the signal is 0 means nothing yet. */
static void test_signal_last(void)
{
	struct engine_result result;
	struct puppet p;
	struct engine *e = puppet_open(&p, false);

	puppet_enqueue(e, 1);
	EXPECT_OK(engine_submit(e));
	puppet_client(e)->completions[1].block.flags = htole32(SDXI_FLAG_ERROR);
	EXPECT_EQ(engine_completed(e, &result, 1), 0);
	puppet_client(e)->completions[1].block.flags = 0;
	puppet_complete(&p, e, 1, 0);
	EXPECT_EQ(engine_completed(e, &result, 1), 1);
	EXPECT_EQ(result.status, ENGINE_COPIED);
	puppet_close(&p, e);
}

/* A place is used again when what was there has been read, and is done, and so is all before it. */
static void test_places(void)
{
	struct engine_result results[SDXI_RING];
	struct puppet p;
	struct engine *e = puppet_open(&p, false);

	puppet_enqueue(e, SDXI_RING);
	EXPECT_OK(engine_submit(e));
	/* One has been used by the start, and is free; one is never taken by a copy. */
	EXPECT_EQ(p.bell, SDXI_RING);
	for (uint64_t i = 2; i <= 10; i++)
		puppet_complete(&p, e, i, 0);
	EXPECT_EQ(engine_completed(e, results, SDXI_RING), 9);
	EXPECT_EQ(p.bell, SDXI_RING);
	/* The oldest is out yet. */
	puppet_read(e, 11);
	EXPECT_EQ(engine_completed(e, results, SDXI_RING), 0);
	EXPECT_EQ(p.bell, SDXI_RING);
	puppet_complete(&p, e, 1, 0);
	EXPECT_EQ(engine_completed(e, results, SDXI_RING), 1);
	EXPECT_EQ(p.bell, SDXI_RING + 1);
	/* The other way round: done, but not read. */
	for (uint64_t i = 11; i <= SDXI_RING; i++)
		puppet_complete(&p, e, i, 0);
	EXPECT_EQ(engine_completed(e, results, SDXI_RING), SDXI_RING - 10);
	puppet_enqueue(e, 20);
	EXPECT_OK(engine_submit(e));
	EXPECT_EQ(p.bell, SDXI_RING + 10);
	puppet_read(e, SDXI_RING + 10);
	EXPECT_EQ(engine_completed(e, results, SDXI_RING), 0);
	EXPECT_EQ(p.bell, SDXI_RING + 21);
	for (uint64_t i = SDXI_RING + 1; i <= SDXI_RING + 20; i++)
		puppet_complete(&p, e, i, 0);
	EXPECT_EQ(engine_completed(e, results, SDXI_RING), 20);
	puppet_close(&p, e);
}

/* What is flushed is announced by an interrupt behind it, when all of it is done; once. */
static void test_interrupts(void)
{
	struct engine_result results[3];
	struct puppet p;
	struct engine *e = puppet_open(&p, true);
	const struct sdxi_descriptor *d = &puppet_client(e)->ring[4];

	puppet_enqueue(e, 3);
	EXPECT_OK(engine_submit(e));
	EXPECT_EQ(p.bell, 5);
	EXPECT_EQ(le32toh(d->opcode), 0x00040005);
	EXPECT_EQ(le16toh(d->source_akey), SDXI_AKEY_EVENT);
	EXPECT_EQ(le64toh(d->completion), SDXI_COMPLETION_NONE);
	EXPECT_EQ(d->size | d->attributes, 0);
	for (uint64_t i = 1; i <= 3; i++)
		puppet_complete(&p, e, i, 0);
	puppet_interrupt(&p);
	EXPECT_EQ(poll(&(struct pollfd) { .fd = engine_event_fd(e), .events = POLLIN }, 1, 0), 1);
	EXPECT_EQ(engine_completed(e, results, 3), 3);
	EXPECT_EQ(poll(&(struct pollfd) { .fd = engine_event_fd(e), .events = POLLIN }, 1, 0), 0);
	/* Nothing new, no bell. */
	EXPECT_OK(engine_submit(e));
	EXPECT_EQ(engine_completed(e, results, 3), 0);
	EXPECT_EQ(p.n_bells, 2);
	/* Who polls is not told. */
	engine_set_events(e, false);
	puppet_enqueue(e, 1);
	EXPECT_OK(engine_submit(e));
	EXPECT_EQ(p.bell, 6);
	puppet_close(&p, e);
}

/* However full the ring is: what is in it ends with an interrupt, so that what waits is seen to. */
static void test_announced(void)
{
	struct engine_result results[SDXI_RING];
	struct puppet p;
	struct engine *e = puppet_open(&p, true);
	const struct sdxi_descriptor *ring = puppet_client(e)->ring;
	uint32_t n = 0, in_flight = SDXI_RING;
	uint64_t done = 1;

	puppet_enqueue(e, SDXI_RING);
	EXPECT_OK(engine_submit(e));
	while (n < SDXI_RING) {
		uint64_t bell = p.bell;

		EXPECT_TRUE(bell > done && bell - done <= SDXI_RING);
		EXPECT_EQ(le32toh(ring[(bell - 1) % SDXI_RING].opcode) & ~SDXI_OPCODE_VALID,
			  0x00040004);
		for (; done < bell; done++)
			if (!(le64toh(ring[done % SDXI_RING].completion) & SDXI_COMPLETION_NONE))
				puppet_complete(&p, e, done, 0);
		puppet_read(e, bell);
		puppet_interrupt(&p);
		n += (uint32_t)EXPECT_OK(engine_completed(e, results, SDXI_RING));
		EXPECT_EQ(engine_in_flight(e), in_flight - n);
	}
	puppet_close(&p, e);
}

/*
 * What had to wait is not overtaken by what comes later, though there may be a place for it by
 * then.
 */
static void test_no_overtaking(void)
{
	struct engine_result results[600];
	struct puppet p;
	struct engine *e = puppet_open(&p, false);
	const struct sdxi_descriptor *ring = puppet_client(e)->ring;
	uint64_t index;

	puppet_enqueue(e, 600);
	EXPECT_OK(engine_submit(e));
	puppet_enqueue(e, 423);
	/* The first one that waits. */
	EXPECT_OK(engine_enqueue(e, UINT64_C(0x100000000), UINT64_C(0x200000000), 4096, &index));
	for (uint64_t i = 1; i <= 600; i++)
		puppet_complete(&p, e, i, 0);
	puppet_read(e, 601);
	EXPECT_EQ(engine_completed(e, results, 600), 600);
	EXPECT_EQ(p.bell, 601);
	EXPECT_OK(engine_enqueue(e, UINT64_C(0x300000000), UINT64_C(0x400000000), 4096, &index));
	EXPECT_OK(engine_submit(e));
	EXPECT_EQ(p.bell, 1026);
	EXPECT_EQ(le64toh(ring[0].source), UINT64_C(0x100000000));
	EXPECT_EQ(le64toh(ring[1].source), UINT64_C(0x300000000));
	puppet_close(&p, e);
}

/*
 * One at a time, and an interrupt each: places do not run out, indices go round and round, and as
 * long as all is well nothing is read from the device.
 */
static void test_round(void)
{
	struct engine_result result;
	struct puppet p;
	struct engine *e = puppet_open(&p, true);
	unsigned int n_reads = p.n_reads;

	for (uint64_t i = 0; i < 3 * SDXI_RING; i++) {
		puppet_enqueue(e, 1);
		EXPECT_OK(engine_submit(e));
		EXPECT_EQ(p.bell, 3 + 2 * i);
		puppet_read(e, p.bell);
		puppet_complete(&p, e, 1 + 2 * i, 0);
		puppet_interrupt(&p);
		EXPECT_EQ(engine_completed(e, &result, 1), 1);
		EXPECT_EQ(result.index, i);
		EXPECT_EQ(result.status, ENGINE_COPIED);
	}
	EXPECT_EQ(p.n_reads, n_reads);
	puppet_close(&p, e);
}

int main(void)
{
	RUN(test_copies);
	RUN(test_out_of_order);
	RUN(test_signal_last);
	RUN(test_places);
	RUN(test_interrupts);
	RUN(test_announced);
	RUN(test_no_overtaking);
	RUN(test_round);
	return 0;
}
