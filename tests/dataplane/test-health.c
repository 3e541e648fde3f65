/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When an engine goes out of service, and when it comes back.
 */
#include "clock.h"
#include "dataplane.h"

#include "fake-hook.h"
#include "macros.h"
#include "migoff_uapi.h"
#include "rig.h"
#include "test.h"

#define HUGE	(2ull << 20)
#define N	32
#define HANG_MS	200

static struct rig_client client;
static struct dataplane *dp;

static struct dataplane_config setup(const char *fault)
{
	struct dataplane_config config = rig_config("soft");

	fake_init(9, N);
	snprintf(config.fault, sizeof(config.fault), "%s", fault);
	config.policy.max_batch = 4 * HUGE;
	return config;
}

static const struct ring_result *move(int to_node)
{
	return rig_move(&client, FAKE_VA, N * HUGE, to_node);
}

static struct account_values totals(void)
{
	struct account_values values;

	account_read(dataplane_account(dp), &values);
	return values;
}

static bool is_out(const struct dataplane_status *s)
{
	return s->engines[0].state == DATAPLANE_ENGINE_OUT;
}

static bool is_in(const struct dataplane_status *s)
{
	return s->engines[0].state == DATAPLANE_ENGINE_READY;
}

/* It has been out of service: one more error is enough. */
static bool is_on_trial(const struct dataplane_status *s)
{
	return is_in(s) && s->engines[0].n_errors == 2;
}

/*
 * After so many errors in a row the engine is out of service, which the client is told; what is asked
 * for all the same is moved by the CPU.
 */
static void test_out_of_service(void)
{
	struct dataplane_config config = setup("error:every=1");
	struct dataplane_status status;
	const struct ring_result *result;

	dp = rig_begin(&config, &client);
	result = move(1);
	EXPECT_EQ(result->pages_moved, N * 512);
	EXPECT_EQ(result->bytes_cpu, N * HUGE);
	rig_until(dp, is_out);
	dataplane_snapshot(dp, &status);
	EXPECT_EQ(status.ready, false);
	EXPECT_EQ(status.hook_ready, true);
	EXPECT_EQ(status.engines[0].n_errors, 3);
	EXPECT_STR(status.engines[0].why.cause, "copies fail (3 errors in a row)");
	EXPECT_EQ(client.ring->ready, 0);
	EXPECT_EQ(move(0)->bytes_cpu, N * HUGE);
	EXPECT_GE(totals().fallback_bytes[FALLBACK_NO_ENGINE], N * HUGE);
	EXPECT_EQ(status.engines[0].n_outages, 1);
	EXPECT_EQ(status.engines[0].n_tries, 0);
	EXPECT_TRUE(status.engines[0].retry_at_ns > clock_now_ns());
	dp = rig_end(dp, &client);
}

static bool was_tried(const struct dataplane_status *s)
{
	return s->engines[0].n_tries > 0;
}

/* One that is well again after a reset comes back, at once when that is asked for, or later by itself. */
static void test_comes_back(void)
{
	struct dataplane_config config = setup("hang:at=2,recover:times=1");
	struct dataplane_status status;

	config.engine_timeout_ms = 5 * HANG_MS;
	dp = rig_begin(&config, &client);
	move(1);
	rig_until(dp, is_out);
	EXPECT_OK(rig_order(dp, DATAPLANE_RETRY));
	rig_until(dp, rig_is_ready);
	dataplane_snapshot(dp, &status);
	EXPECT_TRUE(is_on_trial(&status));
	EXPECT_EQ(status.engines[0].n_outages, 1);
	EXPECT_EQ(status.engines[0].n_tries, 1);
	EXPECT_EQ(status.engines[0].retry_at_ns, 0);
	EXPECT_EQ(move(0)->bytes_engine, N * HUGE);
	dp = rig_end(dp, &client);

	config.policy.retry_after_ns = 1000000000;
	fake_init(9, N);
	dp = rig_begin(&config, &client);
	move(1);
	rig_until(dp, was_tried);
	rig_until(dp, is_on_trial);
	dp = rig_end(dp, &client);
}

/*
 * One that is not well is found out before anything depends on it: it stays out of service for longer, and it
 * can be read what is the matter.
 */
static void test_does_not_come_back(void)
{
	static const char *const cases[][2] = {
		{ "hang:at=1,recover:times=2", "it does not recover: the reset of the device failed" },
		{ "error:every=1", "it recovers, but fails at a copy: device error" },
		{ "wrong:every=1", "it recovers, but fails at a copy: it was not made" },
		{ "lost:every=1", "it recovers, but fails at a copy: "
				  "the device finished nothing before the deadline" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dataplane_config config = setup(cases[i][0]);
		struct dataplane_status status;

		config.engine_timeout_ms = HANG_MS;
		config.verify = DATAPLANE_VERIFY_FULL;
		config.policy.max_errors = 1;
		dp = rig_begin(&config, &client);
		move(1);
		rig_until(dp, is_out);
		EXPECT_OK(rig_order(dp, DATAPLANE_RETRY));
		rig_until(dp, was_tried);
		dataplane_snapshot(dp, &status);
		EXPECT_TRUE(is_out(&status));
		EXPECT_STR(status.engines[0].why.cause, cases[i][1]);
		EXPECT_EQ(status.engines[0].n_outages, 1);
		EXPECT_TRUE(status.engines[0].retry_at_ns >
			    clock_now_ns() + config.policy.retry_after_ns);
		dp = rig_end(dp, &client);
	}
}

/* One that is out of service is tried again also while there is always something to be moved. */
static void test_retry_under_load(void)
{
	struct dataplane_config config = setup("error:at=1");
	struct dataplane_status status;
	enum { SLOTS = 16 };
	int to_node[SLOTS] = { 0 };
	uint64_t out_ns;

	config.policy.max_errors = 1;
	config.policy.retry_after_ns = 300000000;
	fake.prepare_delay_ns = 3000000;
	fake.finish_delay_ns = 5000000;
	dp = rig_begin(&config, &client);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		rig_request(&client, slot, FAKE_VA + 2 * slot * HUGE, 2 * HUGE, 1);
		rig_submit(&client, slot);
	}
	rig_until(dp, is_out);
	out_ns = clock_now_ns();
	do {
		uint32_t slot = rig_wait(&client);

		EXPECT_TRUE(clock_now_ns() - out_ns < 5 * NSEC_PER_SEC);
		rig_request(&client, slot, FAKE_VA + 2 * slot * HUGE, 2 * HUGE, to_node[slot]);
		to_node[slot] = !to_node[slot];
		rig_submit(&client, slot);
		dataplane_snapshot(dp, &status);
	} while (!is_in(&status));
	for (int i = 0; i < SLOTS; i++)
		EXPECT_EQ(client.ring->slots[rig_wait(&client)].result.error, 0);
	dp = rig_end(dp, &client);
}

int main(void)
{
	RUN(test_out_of_service);
	RUN(test_comes_back);
	RUN(test_does_not_come_back);
	RUN(test_retry_under_load);
	return 0;
}
