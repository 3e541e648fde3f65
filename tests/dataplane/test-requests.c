/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client can say about a request: how long it may take, what it is for, that it is not wanted any
 * more; and what it is told about each folio.
 */
#include "clock.h"
#include "dataplane.h"

#include <errno.h>
#include <unistd.h>

#include "fake-hook.h"
#include "macros.h"
#include "migoff_uapi.h"
#include "reason.h"
#include "rig.h"
#include "test.h"

#define PAGE	4096ull
#define HUGE	(2ull << 20)
#define N	32
#define MS	1000000ull

static struct rig_client client;
static struct dataplane *dp;

static struct dataplane_config setup(unsigned int order, unsigned int n)
{
	struct dataplane_config config = rig_config("soft");

	fake_init(order, n);
	config.policy.max_batch = HUGE;
	return config;
}

static const struct ring_result *result(uint32_t slot)
{
	return &client.ring->slots[slot].result;
}

static void submit_all(uint32_t slot)
{
	rig_request(&client, slot, FAKE_VA, N * HUGE, 1);
	rig_submit(&client, slot);
}

static void cancel(uint32_t slot)
{
	uint64_t one = 1;

	atomic_store(&client.ring->slots[slot].cancel, 1);
	EXPECT_EQ(write(client.kick_fd, &one, sizeof(one)), sizeof(one));
}

/* A cancelled request has a fate for each page, and what was moved before stays moved. */
static void expect_cancelled(uint32_t slot)
{
	const struct ring_result *r = result(slot);

	EXPECT_EQ(r->error, -ECANCELED);
	EXPECT_EQ(r->pages_asked, N * 512);
	EXPECT_TRUE(r->pages_by_cause[MIGOFF_CAUSE_LEFT] > 0);
}

/* Cancelled before its turn, a request ends although those before it go on. */
static void test_cancel_waiting(void)
{
	struct dataplane_config config = setup(9, N);

	config.max_requests = 1;
	fake.prepare_delay_ns = 5 * MS;
	dp = rig_begin(&config, &client);
	submit_all(0);
	submit_all(1);
	submit_all(2);
	cancel(1);
	EXPECT_EQ(rig_wait(&client), 1);
	expect_cancelled(1);
	EXPECT_EQ(result(1)->pages_moved, 0);
	EXPECT_EQ(rig_status(&client, 1)[0], -ECANCELED);
	EXPECT_EQ(rig_wait(&client), 0);
	EXPECT_EQ(result(0)->pages_moved, N * 512);
	EXPECT_EQ(rig_wait(&client), 2);
	EXPECT_EQ(result(2)->pages_by_cause[MIGOFF_CAUSE_ALREADY], N * 512);
	dp = rig_end(dp, &client);
}

/* What the data plane had to do when this is called is done on return: a refusal comes after it. */
static void see_through(void)
{
	rig_request(&client, 1, FAKE_VA, PAGE, 7);
	rig_submit(&client, 1);
	EXPECT_EQ(rig_wait(&client), 1);
}

/* Cancelled while folios are being taken, they are given back untouched. */
static void test_cancel_preparing(void)
{
	struct dataplane_config config = setup(9, N);

	fake.prepare_delay_ns = 100 * MS;
	dp = rig_begin(&config, &client);
	submit_all(0);
	see_through();
	cancel(0);
	EXPECT_EQ(rig_wait(&client), 0);
	expect_cancelled(0);
	EXPECT_EQ(result(0)->pages_moved, 0);
	EXPECT_GE(fake.n_aborts, 1);
	dp = rig_end(dp, &client);
}

/* Cancelled with batches out, a request ends with these moved, and nothing more is begun. */
static void expect_batches_out_to_count(void)
{
	cancel(0);
	EXPECT_EQ(rig_wait(&client), 0);
	expect_cancelled(0);
	EXPECT_GE(result(0)->pages_moved, 512);
	EXPECT_TRUE(result(0)->pages_moved <= 8 * 512);
}

/* Cancelled while the engine copies, what it has is committed. */
static void test_cancel_copying(void)
{
	struct dataplane_config config = setup(9, N);
	const char delay[] = "delay:us=50000";

	memcpy(config.fault, delay, sizeof(delay));
	dp = rig_begin(&config, &client);
	submit_all(0);
	while (!fake.n_out)
		;
	see_through();
	expect_batches_out_to_count();
	dp = rig_end(dp, &client);
}

/* Cancelled while a batch is being committed, that batch counts as what it was. */
static void test_cancel_finishing(void)
{
	struct dataplane_config config = setup(9, N);

	fake.finish_delay_ns = 50 * MS;
	dp = rig_begin(&config, &client);
	submit_all(0);
	while (!fake.n_finishes)
		;
	expect_batches_out_to_count();
	dp = rig_end(dp, &client);
}

/* A request whose time is over ends with what was moved by then. */
static void test_deadline(void)
{
	struct dataplane_config config = setup(9, N);

	fake.prepare_delay_ns = 20 * MS;
	dp = rig_begin(&config, &client);
	rig_request(&client, 0, FAKE_VA, N * HUGE, 1)->deadline_ns = 60 * MS;
	rig_submit(&client, 0);
	EXPECT_EQ(rig_wait(&client), 0);
	EXPECT_EQ(result(0)->error, -ETIME);
	EXPECT_EQ(result(0)->pages_asked, N * 512);
	EXPECT_TRUE(result(0)->pages_moved < N * 512 / 2);
	EXPECT_GE(result(0)->elapsed_ns, 60 * MS);
	/* What has time enough does not notice. */
	fake.prepare_delay_ns = 0;
	rig_request(&client, 0, FAKE_VA, N * HUGE, 1)->deadline_ns = 60000 * MS;
	rig_submit(&client, 0);
	rig_wait(&client);
	EXPECT_EQ(result(0)->error, 0);
	rig_request(&client, 0, FAKE_VA, N * HUGE, 0)->deadline_ns = UINT64_MAX;
	rig_submit(&client, 0);
	rig_wait(&client);
	EXPECT_EQ(result(0)->error, 0);
	EXPECT_EQ(result(0)->pages_moved, N * 512);
	dp = rig_end(dp, &client);
}

/* The time runs while a request waits for its turn, which may come too late. */
static void test_deadline_waiting(void)
{
	struct dataplane_config config = setup(9, N);

	config.max_requests = 1;
	fake.prepare_delay_ns = 300 * MS;
	dp = rig_begin(&config, &client);
	submit_all(0);
	rig_request(&client, 1, FAKE_VA, N * HUGE, 1)->deadline_ns = 30 * MS;
	rig_submit(&client, 1);
	EXPECT_EQ(rig_wait(&client), 1);
	EXPECT_EQ(result(1)->error, -ETIME);
	fake.prepare_delay_ns = 0;
	EXPECT_EQ(result(1)->pages_by_cause[MIGOFF_CAUSE_LEFT], N * 512);
	EXPECT_EQ(rig_wait(&client), 0);
	EXPECT_EQ(result(0)->error, 0);
	dp = rig_end(dp, &client);
}

static bool has_cut(const struct dataplane_status *status)
{
	return status->n_cut > 0;
}

/* A request of a client that was cut off, whose time passes while it waits, keeps nobody busy. */
static void test_deadline_of_cut(void)
{
	struct dataplane_config config = setup(9, N);
	uint64_t began_ns, beats;

	config.max_requests = 1;
	fake.prepare_delay_ns = 400 * MS;
	dp = rig_begin(&config, &client);
	submit_all(0);
	rig_request(&client, 1, FAKE_VA, N * HUGE, 1)->deadline_ns = 50 * MS;
	rig_submit(&client, 1);
	rig_submit(&client, RING_N_SLOTS);
	rig_until(dp, has_cut);
	began_ns = clock_now_ns();
	while (clock_now_ns() - began_ns < 100 * MS)
		;
	beats = dataplane_heartbeat(dp);
	while (clock_now_ns() - began_ns < 200 * MS)
		;
	EXPECT_TRUE(dataplane_heartbeat(dp) - beats < 50);
	dp = rig_end(dp, &client);
}

static struct ring_extent *want_extents(struct ring_request *rq, uint64_t n)
{
	/* The second half of the slot's part of the data area is free: there is a status for few pages. */
	rq->extents = rq->status + 4096;
	rq->n_extents = n;
	return (struct ring_extent *)(client.data + rq->extents);
}

/* Each folio has its own record, the records cover what was asked for, and none is written beyond. */
static void test_extents(void)
{
	struct dataplane_config config = setup(4, 8);
	const struct ring_extent *e;
	struct ring_request *rq;
	uint64_t pages = 0, moved = 0;

	fake.folios[3] = (struct fake_folio){ .cause = MIGOFF_CAUSE_PINNED, .status = -EBUSY };
	fake.folios[4] = (struct fake_folio){ .no_iova = true };
	dp = rig_begin(&config, &client);
	rq = rig_request(&client, 0, FAKE_VA, 8 * 16 * PAGE, 1);
	e = want_extents(rq, 8);
	rig_submit(&client, 0);
	rig_wait(&client);
	EXPECT_EQ(result(0)->n_extents, 8);
	for (int i = 0; i < 8; i++) {
		uint64_t f = (e[i].va - FAKE_VA) / (16 * PAGE);

		EXPECT_EQ(e[i].len, 16 * PAGE);
		EXPECT_EQ(e[i].order, 4);
		EXPECT_EQ(e[i].status, f == 3 ? -EBUSY : 1);
		EXPECT_EQ(e[i].cause, f == 3 ? MIGOFF_CAUSE_PINNED : MIGOFF_CAUSE_NONE);
		EXPECT_EQ(!!(e[i].flags & RING_EXTENT_MOVED), f != 3);
		EXPECT_EQ(!!(e[i].flags & RING_EXTENT_BY_CPU), f == 4);
		pages += e[i].len / PAGE;
		moved += e[i].flags & RING_EXTENT_MOVED ? e[i].len / PAGE : 0;
	}
	EXPECT_EQ(pages, result(0)->pages_asked);
	EXPECT_EQ(moved, result(0)->pages_moved);

	rq = rig_request(&client, 0, FAKE_VA, 8 * 16 * PAGE, 0);
	want_extents(rq, 3);
	memset((void *)(e + 3), 0x5a, sizeof(*e));
	rig_submit(&client, 0);
	rig_wait(&client);
	EXPECT_EQ(result(0)->n_extents, 8);
	EXPECT_EQ(e[3].len, 0x5a5a5a5a5a5a5a5aull);
	dp = rig_end(dp, &client);
}

/* The accounts tell what was moved for which reason. */
static void test_reasons(void)
{
	struct dataplane_config config = setup(9, N);
	struct account_values all;

	dp = rig_begin(&config, &client);
	rig_request(&client, 0, FAKE_VA, 2 * HUGE, 1)->reason = REASON_DEMOTION;
	rig_submit(&client, 0);
	rig_wait(&client);
	rig_request(&client, 0, FAKE_VA, 3 * HUGE, 0)->reason = REASON_PROMOTION;
	rig_submit(&client, 0);
	rig_wait(&client);
	account_read(&client.account, &all);
	EXPECT_EQ(all.bytes_by_reason[REASON_DEMOTION], 2 * HUGE);
	EXPECT_EQ(all.bytes_by_reason[REASON_PROMOTION], 2 * HUGE);
	EXPECT_EQ(all.bytes_by_reason[REASON_NONE], 0);
	for (unsigned int i = 0; i < _REASON_MAX; i++)
		EXPECT_TRUE(reason_name(i));
	EXPECT_TRUE(!reason_name(_REASON_MAX));
	dp = rig_end(dp, &client);
}

/*
 * A client that submits without end, each slot as soon as it is free, does not keep another from being
 * served, nor the daemon from removing it.
 */
static void test_endless(void)
{
	struct dataplane_config config = setup(0, 64);
	int to_node[RING_N_SLOTS] = { 0 };
	static struct rig_client good;

	dp = rig_begin(&config, &client);
	rig_connect(dp, &good, 2);
	for (uint32_t slot = 0; slot < RING_N_SLOTS; slot++) {
		rig_request(&client, slot, FAKE_VA, 32 * PAGE, 1);
		rig_submit(&client, slot);
	}
	for (int i = 0; i < 200; i++) {
		for (int j = 0; j < 20; j++) {
			uint32_t slot = rig_wait(&client);

			to_node[slot] = !to_node[slot];
			rig_request(&client, slot, FAKE_VA, 32 * PAGE, to_node[slot]);
			rig_submit(&client, slot);
		}
		EXPECT_EQ(rig_move(&good, FAKE_VA + 32 * PAGE, 32 * PAGE, !(i % 2))->error, 0);
		EXPECT_EQ(good.ring->slots[0].result.pages_moved, 32);
	}
	rig_disconnect(dp, &good);
	dp = rig_end(dp, &client);
}

int main(void)
{
	RUN(test_cancel_waiting);
	RUN(test_cancel_preparing);
	RUN(test_cancel_copying);
	RUN(test_cancel_finishing);
	RUN(test_deadline);
	RUN(test_deadline_waiting);
	RUN(test_deadline_of_cut);
	RUN(test_extents);
	RUN(test_reasons);
	RUN(test_endless);
	return 0;
}
