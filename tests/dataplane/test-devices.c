/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several devices: all of them work on one request, and what one fails at another does.
 */
#include "clock.h"
#include "dataplane.h"

#include "fake-hook.h"
#include "migoff_uapi.h"
#include "rig.h"
#include "test.h"

#define HUGE	(2ull << 20)
#define N	32
#define MS	1000000ull
/* Long for an engine that works, short for a test of one that does not. */
#define HANG_MS	1000

static struct rig_client client;
static struct dataplane *dp;

static struct dataplane_config setup(const char *first, const char *second)
{
	struct dataplane_config config = rig_config(first);

	fake_init(9, N);
	snprintf(config.devices[1], sizeof(config.devices[1]), "%s", second);
	config.n_devices = 2;
	config.policy.max_batch = 2 * HUGE;
	return config;
}

static const struct ring_result *move(unsigned int n, int to_node)
{
	const struct ring_result *result = rig_move(&client, FAKE_VA, n * HUGE, to_node);

	EXPECT_EQ(result->error, 0);
	return result;
}

/* The same, when all of it is to be moved, whoever copies. */
static const struct ring_result *move_all(int to_node)
{
	const struct ring_result *result = move(N, to_node);

	EXPECT_EQ(result->pages_moved, N * 512);
	EXPECT_TRUE(fake_all_on(to_node));
	return result;
}

static struct account_values totals(void)
{
	struct account_values values;

	account_read(dataplane_account(dp), &values);
	return values;
}

static bool first_is_out(const struct dataplane_status *s)
{
	return s->engines[0].state == DATAPLANE_ENGINE_OUT;
}

/* Counters are published now and then, or soon after an order. */
static struct dataplane_status status_when(bool (*reached)(const struct dataplane_status *status))
{
	struct dataplane_status status;

	EXPECT_OK(rig_order(dp, DATAPLANE_UNDRAIN));
	rig_until(dp, reached);
	dataplane_snapshot(dp, &status);
	return status;
}

static bool all_is_counted(const struct dataplane_status *s)
{
	return s->engines[0].stats.bytes + s->engines[1].stats.bytes == 2 * N * HUGE;
}

static bool both_have_copied(const struct dataplane_status *s)
{
	return s->engines[0].stats.items && s->engines[1].stats.items;
}

/* Batches of one request go to both engines, and are copied at the same time. */
static void test_spread(void)
{
	struct dataplane_config config = setup("soft+delay:us=20000", "soft+delay:us=20000");
	struct dataplane_status status;
	uint64_t took_ns;

	dp = rig_begin(&config, &client);
	took_ns = move_all(1)->elapsed_ns;
	took_ns += move_all(0)->elapsed_ns;
	EXPECT_EQ(totals().bytes_cpu, 0);
	status = status_when(all_is_counted);
	EXPECT_GE(status.engines[0].stats.bytes, N * HUGE / 2);
	EXPECT_GE(status.engines[1].stats.bytes, N * HUGE / 2);
	/* One after the other they would not have been at work for longer than it took. */
	EXPECT_GE(status.engines[0].stats.busy_ns + status.engines[1].stats.busy_ns,
		  took_ns * 5 / 4);
	dp = rig_end(dp, &client);
}

/*
 * What an engine fails at is copied by the other, not by the CPU; and it goes out of service. So does what was
 * being prepared for it meanwhile.
 */
static void test_errors_go_elsewhere(void)
{
	struct dataplane_config config = setup("soft+error:every=1", "soft");

	fake.prepare_delay_ns = 10 * MS;
	dp = rig_begin(&config, &client);
	EXPECT_EQ(move_all(1)->bytes_engine, N * HUGE);
	EXPECT_GE(totals().bytes_again, 2 * HUGE);
	EXPECT_GE(totals().engine_errors[ENGINE_DEVICE_ERROR], 2);
	rig_until(dp, first_is_out);
	EXPECT_EQ(client.ring->ready, 1);
	EXPECT_EQ(move_all(0)->bytes_engine, N * HUGE);
	dp = rig_end(dp, &client);
}

/* The same for one that hangs in the middle of a batch, whatever of it is done, under way or waits. */
static void test_hang_goes_elsewhere(void)
{
	static const char *const hangs[] = {
		"soft+hang:at=1", "soft+hang:at=4", "soft+hang:at=4,recover:times=1000",
	};

	for (size_t i = 0; i < sizeof(hangs) / sizeof(hangs[0]); i++) {
		struct dataplane_config config = setup(hangs[i], "soft");
		const struct ring_result *result;

		config.policy.max_batch = 8 * HUGE;
		config.engine_timeout_ms = HANG_MS;
		dp = rig_begin(&config, &client);
		result = move_all(1);
		EXPECT_EQ(result->bytes_engine, N * HUGE);
		EXPECT_EQ(result->n_expired, 0);
		EXPECT_GE(totals().bytes_again, HUGE);
		EXPECT_GE(totals().engine_errors[ENGINE_TIMED_OUT], 1);
		dp = rig_end(dp, &client);
	}
}

/* No engine is left for it, for the other fails too: then the CPU copies. */
static void test_both_fail(void)
{
	struct dataplane_config config = setup("soft+error:every=1", "soft+error:every=1");

	dp = rig_begin(&config, &client);
	EXPECT_EQ(move_all(1)->bytes_cpu, N * HUGE);
	EXPECT_GE(totals().fallback_bytes[FALLBACK_ERROR], HUGE);
	rig_until(dp, rig_is_not_ready);
	dp = rig_end(dp, &client);
}

/*
 * When half of a batch's time is over it is for the CPU, and not for another engine, so that it has its time
 * too: no batch reaches its deadline.
 */
static void test_no_time_left(void)
{
	struct dataplane_config config = setup("soft+hang:at=1", "soft+hang:at=1");

	config.deadline_ns = 4000 * MS;
	config.engine_timeout_ms = 10000;
	dp = rig_begin(&config, &client);
	EXPECT_EQ(move_all(1)->n_expired, 0);
	EXPECT_GE(totals().bytes_cpu, 2 * HUGE);
	EXPECT_EQ(totals().bytes_again, 0);
	dp = rig_end(dp, &client);
}

static bool second_is_released(const struct dataplane_status *s)
{
	return s->engines[1].state == DATAPLANE_ENGINE_RELEASED;
}

/* A device that is given back in the middle of a request leaves its copies to the other. */
static void test_release(void)
{
	struct dataplane_config config = setup("soft+delay:us=199999", "soft+delay:us=200000");
	struct dataplane_msg msg = { .op = DATAPLANE_RELEASE };

	snprintf(msg.device, sizeof(msg.device), "soft+delay:us=200000");
	dp = rig_begin(&config, &client);
	rig_request(&client, 0, FAKE_VA, N * HUGE, 1);
	rig_submit(&client, 0);
	/* One that is copied and one that is ready: more than that the other does not take. */
	while (fake.n_out < 3)
		;
	EXPECT_OK(rig_post(dp, &msg));
	rig_until(dp, second_is_released);
	rig_wait(&client);
	EXPECT_EQ(client.ring->slots[0].result.bytes_engine, N * HUGE);
	EXPECT_GE(totals().bytes_again, HUGE);
	dp = rig_end(dp, &client);
}

/*
 * Of a batch that two have copied, the one is held to account for what is wrong that did it: here the first
 * refuses one folio, which the other copies, and lies about the next.
 */
static void test_who_lied(void)
{
	struct dataplane_config config = setup("soft+error:at=1,wrong:at=2", "soft");
	struct dataplane_status status;
	const struct ring_result *result;

	config.verify = DATAPLANE_VERIFY_FULL;
	dp = rig_begin(&config, &client);
	result = move(2, 1);
	EXPECT_EQ(result->n_batches, 1);
	EXPECT_EQ(result->pages_moved, 512);
	EXPECT_EQ(result->pages_by_cause[MIGOFF_CAUSE_VERIFY], 512);
	EXPECT_EQ(result->bytes_engine, HUGE);
	status = status_when(both_have_copied);
	EXPECT_EQ(status.engines[0].n_errors, 2);
	EXPECT_EQ(status.engines[1].n_errors, 0);
	dp = rig_end(dp, &client);
}

int main(void)
{
	RUN(test_spread);
	RUN(test_errors_go_elsewhere);
	RUN(test_hang_goes_elsewhere);
	RUN(test_both_fail);
	RUN(test_no_time_left);
	RUN(test_release);
	RUN(test_who_lied);
	return 0;
}
