/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that cannot be had, at each place where the data plane asks for some: what was asked for ends with
 * -ENOMEM or is done without, and the next time it works.
 */
#include "dataplane.h"

#include <errno.h>

#include "fake-hook.h"
#include "nomem.h"
#include "rig.h"
#include "test.h"

#define HUGE	(2ull << 20)
#define N	8

static struct rig_client client;
static struct dataplane *dp;

static struct dataplane_config config;

static void expect_moves(void)
{
	for (int to_node = 1; to_node >= 0; to_node--) {
		const struct ring_result *result = rig_move(&client, FAKE_VA, N * HUGE, to_node);

		EXPECT_EQ(result->error, 0);
		EXPECT_EQ(result->pages_moved, N * 512);
		EXPECT_TRUE(result->bytes_engine > 0);
	}
}

/* What was lacking is had when it is looked for again. */
static void expect_ready(void)
{
	EXPECT_OK(rig_order(dp, DATAPLANE_RETRY));
	/* The hook is opened anew for an engine in the round after that in which it was found. */
	EXPECT_OK(rig_order(dp, DATAPLANE_UNDRAIN));
	rig_until(dp, rig_is_ready);
}

static bool start(void)
{
	int r = rig_try_start(&config, &dp);
	bool failed = nomem_disarm();

	if (r < 0) {
		EXPECT_TRUE(failed);
		EXPECT_EQ(r, -ENOMEM);
		return failed;
	}
	expect_ready();
	rig_connect(dp, &client, 1);
	expect_moves();
	dp = rig_end(dp, &client);
	return failed;
}

/* It does not start, or starts and lacks an engine or the hook until it looks again. */
static void test_start(void)
{
	nomem_each(start);
}

static bool connect_one(void)
{
	int r = rig_try_connect(dp, &client, 1);
	bool failed = nomem_disarm();

	EXPECT_EQ(r, failed ? -ENOMEM : 0);
	if (failed)
		rig_connect(dp, &client, 1);
	expect_moves();
	rig_disconnect(dp, &client);
	return failed;
}

/* A client or target that there is no memory for is refused. */
static void test_connect(void)
{
	dp = rig_start(&config);
	nomem_each(connect_one);
	dp = dataplane_stop(dp);
}

static bool move(void)
{
	const struct ring_result *result = rig_move(&client, FAKE_VA, N * HUGE, 1);
	bool failed = nomem_disarm();

	EXPECT_EQ(result->error, failed ? -ENOMEM : 0);
	EXPECT_EQ(result->pages_moved, failed ? 0 : N * 512);
	rig_move(&client, FAKE_VA, N * HUGE, 0);
	EXPECT_TRUE(fake_all_on(0));
	return failed;
}

/* A request that there is no memory for moves nothing. */
static void test_move(void)
{
	dp = rig_begin(&config, &client);
	nomem_each(move);
	dp = rig_end(dp, &client);
}

static bool reload(void)
{
	static struct dataplane_config other;
	static unsigned int n;
	struct dataplane_msg msg = { .op = DATAPLANE_RELOAD, .config = &other };
	bool failed;

	other = rig_config("soft");
	other.n_devices = 1 + ++n % 2;
	memcpy(other.devices[1], other.devices[0], sizeof(other.devices[0]));
	EXPECT_OK(rig_post(dp, &msg));
	/* Devices and hook are opened after the answer, and before the next one. */
	EXPECT_OK(rig_order(dp, DATAPLANE_UNDRAIN));
	failed = nomem_disarm();
	expect_ready();
	expect_moves();
	return failed;
}

/* A configuration that there is no memory for all of is in effect; what is lacking comes later. */
static void test_reload(void)
{
	dp = rig_begin(&config, &client);
	nomem_each(reload);
	dp = rig_end(dp, &client);
}

int main(void)
{
	fake_init(9, N);
	config = rig_config("soft");
	snprintf(config.fault, sizeof(config.fault), "delay:us=1");
	RUN(test_start);
	RUN(test_connect);
	RUN(test_move);
	RUN(test_reload);
	return 0;
}
