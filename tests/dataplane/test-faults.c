/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engines that fail, and hooks and devices that come and go.
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

#define HUGE	(2ull << 20)
#define N	32
/* Long for an engine that works, short for a test of one that does not. */
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

static void ready_within(unsigned int s)
{
	uint64_t began_ns = clock_now_ns();

	rig_until(dp, rig_is_ready);
	EXPECT_TRUE(clock_now_ns() - began_ns < s * NSEC_PER_SEC);
}

/* What is asked for does not wait until the daemon would look by itself. */
static void retry_at_once(void)
{
	EXPECT_OK(rig_order(dp, DATAPLANE_RETRY));
	ready_within(2);
}

/* Copies that fail now and then are made by the CPU, and counted so; the engine stays in service. */
static void test_errors(void)
{
	struct dataplane_config config = setup("error:every=4");
	const struct ring_result *result;

	/* The errors of batches in the engine are seen before the first of them is committed. */
	config.policy.max_errors = 8;
	dp = rig_begin(&config, &client);
	result = move(1);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_moved, N * 512);
	EXPECT_EQ(result->bytes_cpu, N / 4 * HUGE);
	EXPECT_EQ(result->bytes_engine, N * 3 / 4 * HUGE);
	EXPECT_EQ(totals().engine_errors[ENGINE_DEVICE_ERROR], N / 4);
	EXPECT_EQ(totals().fallback_bytes[FALLBACK_ERROR], N / 4 * HUGE);
	EXPECT_EQ(client.ring->ready, 1);
	dp = rig_end(dp, &client);
}

static bool is_out(const struct dataplane_status *s)
{
	return s->engines[0].state == DATAPLANE_ENGINE_OUT;
}

/* An engine that hangs is recovered; what it had goes to the CPU within its time-out. */
static void test_hang(void)
{
	struct dataplane_config config = setup("hang:at=6");
	const struct ring_result *result;

	config.engine_timeout_ms = HANG_MS;
	dp = rig_begin(&config, &client);
	result = move(1);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_moved, N * 512);
	EXPECT_TRUE(result->bytes_engine > 0 && result->bytes_cpu > 0);
	EXPECT_TRUE(result->blocked_max_ns < 2000000000);
	EXPECT_GE(totals().fallback_bytes[FALLBACK_TIMEOUT], HUGE);
	EXPECT_EQ(move(0)->error, 0);
	dp = rig_end(dp, &client);
}

/* The same for a completion that is lost. */
static void test_lost(void)
{
	struct dataplane_config config = setup("lost:at=3");
	const struct ring_result *result;

	config.engine_timeout_ms = HANG_MS;
	dp = rig_begin(&config, &client);
	result = move(1);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_moved, N * 512);
	EXPECT_GE(result->bytes_cpu, HUGE);
	dp = rig_end(dp, &client);
}

/* An engine that does not recover is out of service at once. */
static void test_no_recovery(void)
{
	struct dataplane_config config = setup("hang:at=2,recover:times=1000");
	const struct ring_result *result;

	config.engine_timeout_ms = HANG_MS;
	dp = rig_begin(&config, &client);
	result = move(1);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_moved, N * 512);
	rig_until(dp, is_out);
	dp = rig_end(dp, &client);
}

/*
 * An engine that says it copied and did not is found out by the verification: those pages stay where
 * they are, with -EIO, and it is out of service when it goes on so.
 */
static void test_wrong(void)
{
	struct dataplane_config config = setup("wrong:every=4");
	const struct ring_result *result;

	config.verify = DATAPLANE_VERIFY_FULL;
	config.policy.max_errors = 0;
	dp = rig_begin(&config, &client);
	EXPECT_EQ(fake.flags, MIGOFF_SETUP_VERIFY_FULL);
	result = move(1);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_by_cause[MIGOFF_CAUSE_VERIFY], N / 4 * 512);
	EXPECT_EQ(rig_status(&client, 0)[0], 1);
	dp = rig_end(dp, &client);

	snprintf(config.fault, sizeof(config.fault), "wrong:every=1");
	config.policy.max_errors = 3;
	fake_init(9, N);
	dp = rig_begin(&config, &client);
	move(1);
	rig_until(dp, is_out);
	dp = rig_end(dp, &client);
}

/* Batches that take longer than their deadline are ended by the hook, and reported as such. */
static void test_expired(void)
{
	struct dataplane_config config = setup("");
	const struct ring_result *result;

	config.deadline_ns = 1;
	dp = rig_begin(&config, &client);
	result = move(1);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_by_cause[MIGOFF_CAUSE_LEFT], N * 512);
	EXPECT_EQ(result->n_expired, result->n_batches);
	EXPECT_EQ(totals().expired, result->n_batches);
	dp = rig_end(dp, &client);

	fake_init(9, N);
	config.expire_copy = true;
	dp = rig_begin(&config, &client);
	result = move(1);
	EXPECT_EQ(result->pages_moved, N * 512);
	EXPECT_EQ(result->bytes_cpu, N * HUGE);
	dp = rig_end(dp, &client);
}

/* A slow engine does not make a batch miss its deadline: the CPU gets what is left in good time. */
static void test_slow(void)
{
	struct dataplane_config config = setup("delay:us=1900000");
	const struct ring_result *result;

	/* It is given up after half of it: a second each to notice that, and to copy. */
	config.deadline_ns = 2000000000;
	config.engine_timeout_ms = 10000;
	dp = rig_begin(&config, &client);
	result = rig_move(&client, FAKE_VA, 8 * HUGE, 1);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_moved, 8 * 512);
	EXPECT_EQ(result->n_expired, 0);
	EXPECT_GE(result->bytes_cpu, HUGE);
	dp = rig_end(dp, &client);
}

static bool has_no_hook(const struct dataplane_status *s)
{
	return !s->hook_ready;
}

/* Without a hook requests are refused with a reason to be read; when it appears it is taken up. */
static void test_hook_appears(void)
{
	struct dataplane_config config = setup("");
	struct dataplane_status status;

	fake.present = false;
	dp = rig_begin(&config, &client);
	rig_until(dp, has_no_hook);
	dataplane_snapshot(dp, &status);
	EXPECT_STR(status.hook_why.cause, "/dev/none does not exist");
	EXPECT_EQ(status.engines[0].state, DATAPLANE_ENGINE_READY);
	EXPECT_EQ(move(1)->error, -ENXIO);
	EXPECT_EQ(client.ring->slots[0].result.pages_asked, N * 512);
	fake.present = true;
	retry_at_once();
	EXPECT_EQ(move(1)->bytes_engine, N * HUGE);
	EXPECT_EQ(client.ring->ready, 1);
	dp = rig_end(dp, &client);

	/* It is noticed without being told, too: within five seconds, and what it takes on a busy computer. */
	fake_init(9, N);
	fake.present = false;
	dp = rig_begin(&config, &client);
	rig_until(dp, has_no_hook);
	fake.present = true;
	ready_within(8);
	dp = rig_end(dp, &client);
}

/* Without a device the CPU copies; which device is missing, and why, can be read. */
static void test_no_device(void)
{
	struct dataplane_config config = setup("");
	struct dataplane_status status;

	snprintf(config.devices[0], sizeof(config.devices[0]), "0000:ff:1f.7");
	dp = rig_begin(&config, &client);
	dataplane_snapshot(dp, &status);
	EXPECT_EQ(status.engines[0].state, DATAPLANE_ENGINE_ABSENT);
	EXPECT_TRUE(status.engines[0].why.cause[0]);
	EXPECT_EQ(status.hook_ready, true);
	EXPECT_EQ(status.ready, false);
	EXPECT_EQ(fake.n_devices, 0);
	EXPECT_EQ(move(1)->bytes_cpu, N * HUGE);
	dp = rig_end(dp, &client);
}

static bool is_released(const struct dataplane_status *s)
{
	return s->engines[0].state == DATAPLANE_ENGINE_RELEASED;
}

/*
 * A device that is given back in the middle of a request is closed before the answer, the hook with it;
 * the request goes on. It is taken up again when that is asked for.
 */
static void test_release(void)
{
	struct dataplane_config config = setup("delay:us=3000");
	struct dataplane_msg msg = { .op = DATAPLANE_RELEASE, .device = "soft" };
	const struct ring_result *result = &client.ring->slots[0].result;

	config.policy.max_batch = HUGE;
	dp = rig_begin(&config, &client);
	rig_request(&client, 0, FAKE_VA, N * HUGE, 1);
	rig_submit(&client, 0);
	while (!client.ring->slots[0].progress)
		;
	EXPECT_OK(rig_post(dp, &msg));
	rig_until(dp, is_released);
	rig_wait(&client);
	result = &client.ring->slots[0].result;
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_moved, N * 512);
	EXPECT_TRUE(result->bytes_cpu > 0);
	EXPECT_EQ(fake.n_open, 2);
	EXPECT_EQ(fake.n_devices, 0);
	retry_at_once();
	EXPECT_EQ(move(0)->bytes_engine, N * HUGE);
	snprintf(msg.device, sizeof(msg.device), "nobody");
	EXPECT_EQ(rig_post(dp, &msg), -ENOENT);
	dp = rig_end(dp, &client);
}

/* A new configuration is in effect when its message is back, also for requests that are under way. */
static void test_reload(void)
{
	struct dataplane_config config = setup("delay:us=3000"), other = config;
	struct dataplane_msg msg = { .op = DATAPLANE_RELOAD, .config = &other };
	struct dataplane_status status;

	config.policy.max_batch = HUGE;
	dp = rig_begin(&config, &client);
	rig_request(&client, 0, FAKE_VA, N * HUGE, 1);
	rig_submit(&client, 0);
	while (!client.ring->slots[0].progress)
		;
	other.n_devices = 2;
	other.fault[0] = '\0';
	other.policy.min_request = 12345;
	other.deadline_ns = 7000000000;
	snprintf(other.devices[1], sizeof(other.devices[1]), "soft");
	EXPECT_OK(rig_post(dp, &msg));
	rig_until(dp, rig_is_ready);
	dataplane_snapshot(dp, &status);
	EXPECT_EQ(status.n_engines, 2);
	EXPECT_EQ(status.engines[1].state, DATAPLANE_ENGINE_READY);
	EXPECT_EQ(fake.n_devices, 2);
	rig_wait(&client);
	EXPECT_EQ(client.ring->slots[0].result.error, 0);
	EXPECT_EQ(client.ring->slots[0].result.pages_moved, N * 512);
	EXPECT_EQ(client.ring->min_request, 12345);
	EXPECT_EQ(client.ring->deadline_ns, 7000000000);
	EXPECT_EQ(move(0)->bytes_engine, N * HUGE);
	dp = rig_end(dp, &client);
}

/* Draining lets what runs end, and refuses what comes. */
static void test_drain(void)
{
	struct dataplane_config config = setup("delay:us=1000");

	dp = rig_begin(&config, &client);
	rig_request(&client, 0, FAKE_VA, N * HUGE, 1);
	rig_submit(&client, 0);
	while (!client.ring->slots[0].progress)
		;
	EXPECT_OK(rig_order(dp, DATAPLANE_DRAIN));
	EXPECT_EQ(rig_wait(&client), 0);
	EXPECT_EQ(client.ring->slots[0].result.pages_moved, N * 512);
	EXPECT_EQ(client.ring->ready, 0);
	EXPECT_EQ(move(0)->error, -ENXIO);
	EXPECT_OK(rig_order(dp, DATAPLANE_UNDRAIN));
	EXPECT_EQ(move(0)->error, 0);
	dp = rig_end(dp, &client);
}

/* Messages that name nobody are refused; a target in use is given back when its last request ends. */
static void test_messages(void)
{
	struct dataplane_config config = setup("delay:us=2000");
	struct dataplane_msg msg = { .op = DATAPLANE_REMOVE_CLIENT, .client_id = 77 };

	dp = rig_begin(&config, &client);
	EXPECT_EQ(rig_post(dp, &msg), -ENOENT);
	msg = (struct dataplane_msg){ .op = DATAPLANE_ADD_TARGET, .target = { .client = 77 } };
	EXPECT_EQ(rig_post(dp, &msg), -ENOENT);
	msg.target = (struct dataplane_target){ .client = 1, .id = RIG_TARGET };
	EXPECT_EQ(rig_post(dp, &msg), -EEXIST);
	for (msg.target.id = 100; msg.target.id < 100 + DATAPLANE_MAX_TARGETS - 1; msg.target.id++)
		EXPECT_EQ(rig_post(dp, &msg), 0);
	EXPECT_EQ(rig_post(dp, &msg), -ENOSPC);
	rig_request(&client, 0, FAKE_VA, N * HUGE, 1);
	rig_submit(&client, 0);
	while (!client.ring->slots[0].progress)
		;
	msg.op = DATAPLANE_REMOVE_TARGET;
	msg.target.id = RIG_TARGET;
	EXPECT_EQ(rig_post(dp, &msg), 0);
	EXPECT_EQ(atomic_load(&client.ring->done.tail), 1);
	EXPECT_EQ(rig_wait(&client), 0);
	EXPECT_EQ(move(0)->error, -ENOENT);
	EXPECT_EQ(rig_post(dp, &msg), -ENOENT);
	dp = rig_end(dp, &client);
}

int main(void)
{
	RUN(test_errors);
	RUN(test_hang);
	RUN(test_lost);
	RUN(test_no_recovery);
	RUN(test_wrong);
	RUN(test_expired);
	RUN(test_slow);
	RUN(test_hook_appears);
	RUN(test_no_device);
	RUN(test_release);
	RUN(test_reload);
	RUN(test_drain);
	RUN(test_messages);
	return 0;
}
