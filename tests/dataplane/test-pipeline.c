/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batches side by side: what is done at the same time, how much of it, and what is said about it.
 */
#include "clock.h"
#include "dataplane.h"

#include <errno.h>

#include "fake-hook.h"
#include "macros.h"
#include "migoff_uapi.h"
#include "rig.h"
#include "test.h"

#define HUGE	(2ull << 20)
#define N	48
#define MS	1000000ull

static struct rig_client client;
static struct dataplane *dp;

static struct dataplane_config setup(const char *device, const char *fault)
{
	struct dataplane_config config = rig_config(device);

	fake_init(9, N);
	snprintf(config.fault, sizeof(config.fault), "%s", fault);
	config.policy.max_batch = 2 * HUGE;
	return config;
}

static const struct ring_result *move_all(int to_node)
{
	const struct ring_result *result = rig_move(&client, FAKE_VA, N * HUGE, to_node);

	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_moved, N * 512);
	EXPECT_TRUE(fake_all_on(to_node));
	return result;
}

/*
 * Where PREPAREs take longer than copies, several of one request are under way at once, and it ends
 * sooner than they would one after the other.
 */
static void test_prepares(void)
{
	struct dataplane_config config = setup("soft", "");
	const struct ring_result *result;

	fake.prepare_delay_ns = 80 * MS;
	dp = rig_begin(&config, &client);
	move_all(1);
	result = move_all(0);
	EXPECT_GE(fake.max_preparing, 3);
	EXPECT_TRUE(fake.max_preparing <= POLICY_MAX_PREPARES);
	EXPECT_EQ(result->n_batches, N / 2);
	EXPECT_TRUE(result->elapsed_ns < N / 2 * 80 * MS);
	dp = rig_end(dp, &client);
}

/*
 * Where copies take longer, no more batches are out than the one that is copied, the one that is ready and
 * one being committed. Their time at the engine counts once, however they overlap.
 */
static void test_copies(void)
{
	struct dataplane_config config = setup("soft", "delay:us=5000");
	const struct ring_result *result;

	dp = rig_begin(&config, &client);
	move_all(1);
	fake.max_out = fake.max_preparing = 0;
	result = move_all(0);
	EXPECT_TRUE(fake.max_out >= 2 && fake.max_out <= 3);
	EXPECT_EQ(fake.max_preparing, 1);
	EXPECT_TRUE(result->engine_ns <= result->elapsed_ns);
	EXPECT_GE(result->engine_ns, result->elapsed_ns / 2);
	dp = rig_end(dp, &client);
}

/* Two requests that use the engine at the same time do not make it busier than the time that passes. */
static void test_engine_time(void)
{
	struct dataplane_config config = setup("soft", "delay:us=5000");
	uint64_t began_ns, took_ns;
	struct account_values all;

	dp = rig_begin(&config, &client);
	began_ns = clock_now_ns();
	for (uint32_t slot = 0; slot < 4; slot++) {
		rig_request(&client, slot, FAKE_VA + slot * 12 * HUGE, 12 * HUGE, 1);
		rig_submit(&client, slot);
	}
	for (uint32_t slot = 0; slot < 4; slot++) {
		const struct ring_result *result = &client.ring->slots[rig_wait(&client)].result;

		EXPECT_TRUE(result->engine_ns > 0 && result->engine_ns <= result->elapsed_ns);
	}
	took_ns = clock_now_ns() - began_ns;
	account_read(dataplane_account(dp), &all);
	EXPECT_TRUE(all.engine_ns > 0 && all.engine_ns <= took_ns);
	dp = rig_end(dp, &client);
}

/* Where the CPU copies, it copies as many batches at once as it may, and no more wait than one. */
static void test_copy_workers(void)
{
	struct dataplane_config config = setup(NULL, "");

	config.copy_workers = 3;
	fake.finish_delay_ns = 10 * MS;
	dp = rig_begin(&config, &client);
	EXPECT_EQ(move_all(1)->bytes_cpu, N * HUGE);
	EXPECT_GE(fake.max_finishing, 3);
	EXPECT_TRUE(fake.max_finishing <= 4);
	dp = rig_end(dp, &client);

	config.copy_workers = 1;
	fake_init(9, N);
	fake.finish_delay_ns = 10 * MS;
	dp = rig_begin(&config, &client);
	move_all(1);
	EXPECT_TRUE(fake.max_finishing <= 2);
	dp = rig_end(dp, &client);
}

/*
 * Batches that take longer than they may are counted, and become smaller until they are single folios,
 * which are counted apart.
 */
static void test_budget(void)
{
	const uint64_t folio = 64 << 10;
	struct dataplane_config config = setup("soft", "");
	struct account_values all;
	int node = 0;

	fake_init(4, N);
	config.policy.max_batch = 8 * folio;
	config.policy.max_page_blocked_ns = 20 * MS;
	fake.finish_delay_ns = 30 * MS;
	dp = rig_begin(&config, &client);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(rig_move(&client, FAKE_VA, N * folio, node = !node)->pages_moved, N * 16);
	account_read(dataplane_account(dp), &all);
	EXPECT_EQ(all.budget_misses, all.batches);
	EXPECT_GE(all.budget_misses_alone, N);
	/* When it is quick again they grow again. */
	fake.finish_delay_ns = 0;
	for (int i = 0; i < 10; i++)
		rig_move(&client, FAKE_VA, N * folio, node = !node);
	EXPECT_TRUE(rig_move(&client, FAKE_VA, N * folio, !node)->n_batches < N / 4);
	dp = rig_end(dp, &client);
}

/* Whatever the time is that pages may be away, all is moved: 0 is no bound, and an hour is none either. */
static void test_absurd_budgets(void)
{
	static const uint64_t budgets[] = { 0, 1, 3600 * NSEC_PER_SEC, UINT64_MAX };
	struct account_values all;

	for (size_t i = 0; i < ARRAY_SIZE(budgets); i++) {
		struct dataplane_config config = setup("soft", "");

		config.policy.max_page_blocked_ns = budgets[i];
		dp = rig_begin(&config, &client);
		for (int to_node = 1; to_node >= 0; to_node--)
			EXPECT_TRUE(move_all(to_node)->bytes_engine > 0);
		account_read(dataplane_account(dp), &all);
		EXPECT_EQ(all.budget_misses, budgets[i] == 1 ? all.batches : 0);
		/* Of a bound that is never kept to, single folios are the end. */
		EXPECT_EQ(all.budget_misses_alone, budgets[i] == 1 ? 2 * N : 0);
		EXPECT_TRUE(budgets[i] == 1 || all.batches <= 2 * (N / 2 + 1));
		dp = rig_end(dp, &client);
	}
}

/* A folio that takes too long by itself goes alone: none waits behind it. */
static void test_alone(void)
{
	struct dataplane_config config = setup("soft", "delay:us=30000");

	/* Longer than the commit of the one before. */
	fake.prepare_delay_ns = 10 * MS;
	config.policy.max_page_blocked_ns = 20 * MS;
	dp = rig_begin(&config, &client);
	EXPECT_EQ(rig_move(&client, FAKE_VA, 8 * HUGE, 1)->pages_moved, 8 * 512);
	EXPECT_EQ(client.ring->slots[0].result.bytes_engine, 8 * HUGE);
	EXPECT_EQ(fake.max_out, 1);
	dp = rig_end(dp, &client);
}

int main(void)
{
	RUN(test_prepares);
	RUN(test_copies);
	RUN(test_engine_time);
	RUN(test_copy_workers);
	RUN(test_budget);
	RUN(test_absurd_budgets);
	RUN(test_alone);
	return 0;
}
