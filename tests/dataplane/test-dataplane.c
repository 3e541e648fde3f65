/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane as a whole, with the soft engine and a hook made for tests.
 */
#include "clock.h"
#include "dataplane.h"

#include <errno.h>

#include "fake-hook.h"
#include "loop.h"
#include "macros.h"
#include "migoff_uapi.h"
#include "rig.h"
#include "test.h"

#define PAGE	4096ull
#define HUGE	(2ull << 20)

static struct rig_client client;

/* What is asked for is moved by the engine, in more than one batch, and everything counted agrees. */
static void test_move(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	const struct ring_result *result;
	struct account_values all, mine;

	fake_init(9, 24);
	dp = rig_begin(&config, &client);
	EXPECT_EQ(client.ring->ready, 1);
	result = rig_move(&client, FAKE_VA, 24 * HUGE, 1);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_asked, 24 * 512);
	EXPECT_EQ(result->pages_moved, 24 * 512);
	EXPECT_EQ(result->bytes_engine, 24 * HUGE);
	EXPECT_EQ(result->bytes_cpu, 0);
	EXPECT_EQ(result->folios_engine[9], 24);
	EXPECT_GE(result->n_batches, 3);
	EXPECT_TRUE(result->engine_ns > 0 && result->blocked_max_ns > 0);
	EXPECT_EQ(client.ring->slots[0].progress, 24 * HUGE);
	for (unsigned int i = 0; i < 24 * 512; i++)
		EXPECT_EQ(rig_status(&client, 0)[i], 1);
	EXPECT_TRUE(fake_all_on(1));
	account_read(dataplane_account(dp), &all);
	account_read(&client.account, &mine);
	EXPECT_EQ(all.bytes_engine, 24 * HUGE);
	EXPECT_EQ(all.requests, 1);
	EXPECT_TRUE(!memcmp(&all, &mine, sizeof(all)));
	/* The next batch is prepared while one is copied. */
	EXPECT_GE(fake.max_out, 2);
	rig_end(dp, &client);
}

/* Pages that are not moved have each their own status and cause; those in one folio share its fate. */
static void test_causes(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	const struct ring_result *result;
	struct ring_request *rq;

	fake_init(0, 16);
	fake.folios[3] = (struct fake_folio){ .cause = MIGOFF_CAUSE_PINNED, .status = -EBUSY };
	fake.folios[4] = (struct fake_folio){ .no_iova = true };
	dp = rig_begin(&config, &client);
	rq = rig_request(&client, 0, FAKE_VA, 2 * PAGE, 1);
	rq->n_ranges = 2;
	rq->n_status = 18;
	rig_ranges(&client, 0)[1] = (struct ring_range){ FAKE_VA + 2 * PAGE, 16 * PAGE };
	rig_submit(&client, 0);
	rig_wait(&client);
	result = &client.ring->slots[0].result;
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_asked, 18);
	EXPECT_EQ(result->pages_moved, 15);
	EXPECT_EQ(result->pages_by_cause[MIGOFF_CAUSE_PINNED], 1);
	EXPECT_EQ(result->pages_by_cause[MIGOFF_CAUSE_HOLE], 2);
	EXPECT_EQ(result->bytes_cpu, PAGE);
	EXPECT_EQ(result->folios_engine[0], 14);
	EXPECT_EQ(rig_status(&client, 0)[3], -EBUSY);
	EXPECT_EQ(rig_status(&client, 0)[4], 1);
	EXPECT_EQ(rig_status(&client, 0)[16], -ENOENT);
	EXPECT_TRUE(fake_content_ok());
	result = rig_move(&client, FAKE_VA, 2 * PAGE, 1);
	EXPECT_EQ(result->pages_by_cause[MIGOFF_CAUSE_ALREADY], 2);
	EXPECT_EQ(result->n_batches, 0);
	rig_end(dp, &client);
}

/* Two pages of one folio, asked for in two ranges, are one folio and two statuses. */
static void test_same_folio(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	const struct ring_result *result;
	struct ring_request *rq;

	fake_init(4, 2);
	dp = rig_begin(&config, &client);
	rq = rig_request(&client, 0, FAKE_VA, PAGE, 1);
	rq->n_ranges = 2;
	rq->n_status = 3;
	rig_ranges(&client, 0)[1] = (struct ring_range){ FAKE_VA + 5 * PAGE, 2 * PAGE };
	rig_submit(&client, 0);
	rig_wait(&client);
	result = &client.ring->slots[0].result;
	EXPECT_EQ(result->pages_moved, 3);
	EXPECT_EQ(result->folios_engine[4], 1);
	EXPECT_EQ(result->bytes_engine, 16 * PAGE);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(rig_status(&client, 0)[i], 1);
	rig_end(dp, &client);
}

/* A whole process needs no ranges, and reports what was found. */
static void test_whole(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	struct ring_request *rq;

	fake_init(9, 8);
	dp = rig_begin(&config, &client);
	rq = rig_request(&client, 0, 0, 0, 1);
	rq->flags = RING_WHOLE;
	rq->n_ranges = 0;
	rig_submit(&client, 0);
	rig_wait(&client);
	EXPECT_EQ(client.ring->slots[0].result.pages_moved, 8 * 512);
	EXPECT_TRUE(fake_all_on(1));
	rig_end(dp, &client);
}

/* Small folios and small requests are not for the engine. */
static void test_thresholds(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	const struct ring_result *result;
	struct account_values all;

	fake_init(4, 8);
	config.policy.min_request = 4 * 16 * PAGE;
	config.policy.min_folio = 16 * PAGE;
	dp = rig_begin(&config, &client);
	EXPECT_EQ(client.ring->min_request, 4 * 16 * PAGE);
	result = rig_move(&client, FAKE_VA, 2 * 16 * PAGE, 1);
	EXPECT_EQ(result->bytes_cpu, 2 * 16 * PAGE);
	EXPECT_EQ(result->bytes_engine, 0);
	result = rig_move(&client, FAKE_VA + 2 * 16 * PAGE, 6 * 16 * PAGE, 1);
	EXPECT_EQ(result->bytes_engine, 6 * 16 * PAGE);
	account_read(dataplane_account(dp), &all);
	EXPECT_EQ(all.fallback_bytes[FALLBACK_SMALL], 2 * 16 * PAGE);
	rig_end(dp, &client);

	config.policy.min_folio = 32 * PAGE;
	dp = rig_begin(&config, &client);
	result = rig_move(&client, FAKE_VA, 8 * 16 * PAGE, 0);
	EXPECT_EQ(result->pages_by_cause[MIGOFF_CAUSE_SMALL], 8 * 16);
	rig_end(dp, &client);
}

/*
 * What is small is what would be copied for the whole request, not what was asked for: a folio is moved
 * whole, and no batch is as large as the request.
 */
static void test_threshold_counts_folios(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	struct ring_request *rq;

	fake_init(4, 8);
	config.policy.min_request = 8 * 16 * PAGE;
	config.policy.max_batch = 4 * 16 * PAGE;
	dp = rig_begin(&config, &client);
	rq = rig_request(&client, 0, FAKE_VA, PAGE, 1);
	rq->n_ranges = 8;
	rq->n_status = 8;
	for (uint64_t i = 0; i < 8; i++)
		rig_ranges(&client, 0)[i] = (struct ring_range){ FAKE_VA + 16 * i * PAGE, PAGE };
	rig_submit(&client, 0);
	rig_wait(&client);
	EXPECT_EQ(client.ring->slots[0].result.pages_moved, 8);
	EXPECT_EQ(client.ring->slots[0].result.bytes_engine, 8 * 16 * PAGE);
	EXPECT_GE(client.ring->slots[0].result.n_batches, 2);
	rig_end(dp, &client);
}

/* Many requests of many clients at once: each gets its own end, and all memory is right. */
static void test_many(void)
{
	enum { N = 8, SLOTS = 32 };
	static struct rig_client clients[N];
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	uint64_t moved = 0;

	fake_init(4, N * SLOTS);
	dp = rig_start(&config);
	for (unsigned int i = 0; i < N; i++)
		rig_connect(dp, &clients[i], i + 1);
	for (unsigned int i = 0; i < N; i++)
		for (unsigned int j = 0; j < SLOTS; j++) {
			uint64_t f = i * SLOTS + j;

			rig_request(&clients[i], j, FAKE_VA + f * 16 * PAGE, 16 * PAGE, 1);
			rig_submit(&clients[i], j);
		}
	for (unsigned int i = 0; i < N; i++)
		for (unsigned int j = 0; j < SLOTS; j++)
			moved += clients[i].ring->slots[rig_wait(&clients[i])].result.pages_moved;
	EXPECT_EQ(moved, N * SLOTS * 16);
	EXPECT_TRUE(fake_all_on(1));
	for (unsigned int i = 0; i < N; i++)
		rig_disconnect(dp, &clients[i]);
	dataplane_stop(dp);
}

/* A memory map that is locked for a while is waited for; one that stays locked is reported as busy. */
static void test_map_locked(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	const struct ring_result *result;

	fake_init(9, 2);
	fake.prepare_error = -EAGAIN;
	fake.prepare_errors = 4;
	dp = rig_begin(&config, &client);
	result = rig_move(&client, FAKE_VA, 2 * HUGE, 1);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_moved, 1024);
	fake.prepare_errors = 1000;
	result = rig_move(&client, FAKE_VA, 2 * HUGE, 0);
	EXPECT_EQ(result->error, -EAGAIN);
	EXPECT_EQ(result->pages_by_cause[MIGOFF_CAUSE_BUSY], 1024);
	EXPECT_EQ(rig_status(&client, 0)[1023], -EBUSY);
	rig_end(dp, &client);
}

/* When the hook says that the target is gone, the request ends with that, and no page is forgotten. */
static void test_target_gone(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	const struct ring_result *result;

	fake_init(9, 2);
	fake.prepare_error = -ESRCH;
	fake.prepare_errors = 1;
	dp = rig_begin(&config, &client);
	result = rig_move(&client, FAKE_VA, 2 * HUGE, 1);
	EXPECT_EQ(result->error, -ESRCH);
	EXPECT_EQ(result->pages_asked, 1024);
	EXPECT_EQ(rig_status(&client, 0)[0], -ECANCELED);
	rig_end(dp, &client);
}

/* A COMMIT that fails is aborted; if that fails too, the hook is closed, which ends the batch. */
static void test_commit_fails(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	const struct ring_result *result;

	fake_init(9, 4);
	fake.commit_errors = 1;
	dp = rig_begin(&config, &client);
	result = rig_move(&client, FAKE_VA, 4 * HUGE, 1);
	EXPECT_EQ(result->error, 0);
	EXPECT_GE(result->pages_by_cause[MIGOFF_CAUSE_LEFT], 512);
	EXPECT_EQ(fake.n_aborts, 1);
	EXPECT_EQ(fake.n_open, 1);
	EXPECT_TRUE(fake_content_ok());
	fake.commit_errors = fake.abort_errors = 1;
	rig_move(&client, FAKE_VA, 4 * HUGE, 1);
	result = rig_move(&client, FAKE_VA, 4 * HUGE, 1);
	EXPECT_EQ(fake.n_open, 2);
	EXPECT_EQ(result->error, 0);
	EXPECT_TRUE(fake_all_on(1));
	rig_end(dp, &client);
}

/* A request that is cancelled, or whose client goes away, ends at its next batch. */
static void test_cancel(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;

	fake_init(9, 64);
	fake.prepare_delay_ns = 100000000;
	config.policy.max_batch = HUGE;
	dp = rig_begin(&config, &client);
	rig_request(&client, 0, FAKE_VA, 64 * HUGE, 1);
	rig_submit(&client, 0);
	while (!client.ring->slots[0].progress)
		;
	client.ring->slots[0].cancel = 1;
	rig_wait(&client);
	EXPECT_EQ(client.ring->slots[0].result.error, -ECANCELED);
	EXPECT_EQ(client.ring->slots[0].result.pages_asked, 64 * 512);
	EXPECT_TRUE(client.ring->slots[0].result.pages_moved < 32 * 512);
	EXPECT_TRUE(fake_content_ok());
	for (uint32_t slot = 0; slot < 8; slot++) {
		rig_request(&client, slot, FAKE_VA + 32 * HUGE, 32 * HUGE, 1);
		rig_submit(&client, slot);
	}
	while (!client.ring->slots[0].progress)
		;
	rig_end(dp, &client);
}

/* Stopping with work in flight leaves no batch out and no content wrong, and does not take long. */
static void test_stop(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;
	uint64_t began_ns;

	fake_init(9, 64);
	fake.prepare_delay_ns = 5000000;
	config.policy.max_batch = HUGE;
	dp = rig_begin(&config, &client);
	rig_request(&client, 0, FAKE_VA, 64 * HUGE, 1);
	rig_submit(&client, 0);
	while (!client.ring->slots[0].progress)
		;
	began_ns = clock_now_ns();
	dataplane_stop(dp);
	EXPECT_TRUE(clock_now_ns() - began_ns < 2000000000);
	EXPECT_EQ(rig_wait(&client), 0);
	EXPECT_EQ(client.ring->slots[0].result.error, -EHOSTDOWN);
	EXPECT_EQ(client.ring->ready, 0);
	EXPECT_EQ(fake.n_out, 0);
	EXPECT_TRUE(fake_content_ok());
	rig_disconnect(NULL, &client);
}

/* The thread ends, however shortly before its stop it was woken for something else. */
static void test_woken_and_stopped(void)
{
	struct dataplane_config config = rig_config(NULL);

	fake_init(0, 1);
	for (uint64_t i = 0; i < 1000; i++) {
		struct dataplane *dp = rig_start(&config);
		uint64_t woken_ns = clock_now_ns();

		dataplane_ping(dp);
		while (clock_now_ns() - woken_ns < 200 * i)
			;
		dataplane_stop(dp);
	}
}

static void wait_beat(struct dataplane *dp, uint64_t beats, uint64_t limit_ns)
{
	uint64_t began_ns = clock_now_ns();

	while (dataplane_heartbeat(dp) == beats)
		EXPECT_TRUE(clock_now_ns() - began_ns < limit_ns);
}

/* The heartbeat goes on when there is nothing to do, slowly by itself, and at once when asked for. */
static void test_heartbeat(void)
{
	struct dataplane_config config = rig_config(NULL);
	struct dataplane *dp;

	fake_init(0, 1);
	dp = rig_start(&config);
	wait_beat(dp, dataplane_heartbeat(dp), 10 * NSEC_PER_SEC);
	for (int i = 0; i < 100; i++) {
		uint64_t beats = dataplane_heartbeat(dp);

		dataplane_ping(dp);
		wait_beat(dp, beats, 3 * NSEC_PER_SEC);
	}
	dataplane_stop(dp);
}

int main(void)
{
	RUN(test_move);
	RUN(test_causes);
	RUN(test_same_folio);
	RUN(test_whole);
	RUN(test_thresholds);
	RUN(test_threshold_counts_folios);
	RUN(test_many);
	RUN(test_map_locked);
	RUN(test_target_gone);
	RUN(test_commit_fails);
	RUN(test_cancel);
	RUN(test_stop);
	RUN(test_woken_and_stopped);
	RUN(test_heartbeat);
	return 0;
}
