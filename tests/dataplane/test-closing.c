/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that the kernel does not let go of: others work on, and nobody opens them before they are closed.
 * Closing waits here for an eventfd, the gate.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
#include "dataplane.h"
#include "macros.h"

#include "fake-hook.h"
#include "rig.h"
#include "test.h"

#define HUGE	(2ull << 20)
#define N	16

static struct rig_client client;
static struct dataplane *dp;
static int gate;

/* Two devices; the first one hangs when it is closed, until gate_open(). */
static struct dataplane_config setup(void)
{
	struct dataplane_config config = rig_config("");

	fake_init(9, N);
	EXPECT_TRUE((gate = eventfd(0, EFD_CLOEXEC)) > 0);
	snprintf(config.devices[0], sizeof(config.devices[0]), "soft+close:fd=%d", gate);
	snprintf(config.devices[1], sizeof(config.devices[1]), "soft");
	config.n_devices = 2;
	config.policy.max_batch = 2 * HUGE;
	return config;
}

static void gate_open(void)
{
	uint64_t one = 1;

	EXPECT_EQ(write(gate, &one, sizeof(one)), sizeof(one));
}

static void end(void)
{
	dp = rig_end(dp, &client);
	gate = fd_close(gate);
}

static void move_all(int to_node)
{
	const struct ring_result *result = rig_move(&client, FAKE_VA, N * HUGE, to_node);

	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->bytes_engine, N * HUGE);
	EXPECT_TRUE(fake_all_on(to_node));
}

static bool first_is_closing(const struct dataplane_status *s)
{
	return s->engines[0].state == DATAPLANE_ENGINE_CLOSING && s->ready;
}

static bool first_is_released(const struct dataplane_status *s)
{
	return s->engines[0].state == DATAPLANE_ENGINE_RELEASED;
}

static bool both_are_ready(const struct dataplane_status *s)
{
	return s->engines[0].state == DATAPLANE_ENGINE_READY &&
	       s->engines[1].state == DATAPLANE_ENGINE_READY && s->ready;
}

/* Ask for the first device; the answer comes when it is closed. */
static void begin_release(struct dataplane_msg *msg, const struct dataplane_config *config)
{
	*msg = (struct dataplane_msg){ .op = DATAPLANE_RELEASE };
	memcpy(msg->device, config->devices[0], sizeof(msg->device));
	dataplane_post(dp, msg);
	rig_until(dp, first_is_closing);
}

static void wait_for(const struct dataplane_msg *msg)
{
	struct dataplane_msg *back;

	while (!(back = dataplane_reap(dp)))
		rig_wait_event(dp);
	EXPECT_TRUE(back == msg);
	EXPECT_EQ(msg->result, 0);
}

/* Meanwhile requests are carried out by the other engine; whoever wants the device is told when it is to be had. */
static void test_others_work(void)
{
	struct dataplane_config config = setup();
	struct dataplane_status status;
	struct dataplane_msg msg;

	dp = rig_begin(&config, &client);
	EXPECT_EQ(fake.n_devices, 2);
	begin_release(&msg, &config);
	EXPECT_EQ(fake.n_devices, 1);
	move_all(1);
	move_all(0);
	EXPECT_TRUE(!dataplane_reap(dp));
	dataplane_snapshot(dp, &status);
	EXPECT_TRUE(first_is_closing(&status));
	EXPECT_STR(status.engines[0].why.cause, "given back on request");
	gate_open();
	wait_for(&msg);
	rig_until(dp, first_is_released);
	EXPECT_EQ(fake.n_open, 2);
	end();
}

/* It is not opened again before, whoever wants it, and soon after. */
static void test_opened_after(void)
{
	struct dataplane_config config = setup();
	struct dataplane_status status;
	struct dataplane_msg msg;

	dp = rig_begin(&config, &client);
	begin_release(&msg, &config);
	EXPECT_OK(rig_order(dp, DATAPLANE_RETRY));
	move_all(1);
	dataplane_snapshot(dp, &status);
	EXPECT_TRUE(first_is_closing(&status));
	EXPECT_EQ(fake.n_open, 2);
	gate_open();
	wait_for(&msg);
	rig_until(dp, both_are_ready);
	EXPECT_EQ(fake.n_devices, 2);
	move_all(0);
	end();
}

/* Another configuration is taken over all the same; what it has of such devices waits for them. */
static void test_reload(void)
{
	struct dataplane_config config = setup(), other = config;
	struct dataplane_msg msg = { .op = DATAPLANE_RELOAD, .config = &other };
	struct dataplane_status status;

	other.n_devices = 3;
	memcpy(other.devices[2], other.devices[1], sizeof(other.devices[2]));
	dp = rig_begin(&config, &client);
	EXPECT_OK(rig_post(dp, &msg));
	rig_until(dp, first_is_closing);
	dataplane_snapshot(dp, &status);
	EXPECT_EQ(status.n_engines, 3);
	EXPECT_EQ(status.engines[2].state, DATAPLANE_ENGINE_READY);
	EXPECT_EQ(fake.n_devices, 2);
	move_all(1);
	gate_open();
	rig_until(dp, both_are_ready);
	EXPECT_EQ(fake.n_devices, 3);
	move_all(0);
	end();
}

/* The end of the data plane waits for all of them, and one can see for which. */
static void test_end(void)
{
	struct dataplane_config config = setup();
	struct dataplane_status status;

	memcpy(config.devices[2], config.devices[0], sizeof(config.devices[2]));
	config.n_devices = 3;
	dp = rig_begin(&config, &client);
	move_all(1);
	rig_disconnect(dp, &client);
	do {
		EXPECT_TRUE(!dataplane_end(dp, 10 * NSEC_PER_MSEC));
		dataplane_snapshot(dp, &status);
	} while (status.engines[2].state != DATAPLANE_ENGINE_CLOSING);
	EXPECT_EQ(status.engines[0].state, DATAPLANE_ENGINE_CLOSING);
	EXPECT_TRUE(!dataplane_end(dp, 0));
	gate_open();
	EXPECT_TRUE(dataplane_end(dp, 20 * NSEC_PER_SEC));
	EXPECT_TRUE(dataplane_end(dp, 0));
	dp = dataplane_stop(dp);
	gate = fd_close(gate);
}

int main(void)
{
	RUN(test_others_work);
	RUN(test_opened_after);
	RUN(test_reload);
	RUN(test_end);
	return 0;
}
