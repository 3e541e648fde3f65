/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of the data plane for tests, that speaks the ring by itself and can be as rude as it likes.
 */
#ifndef MIGOFF_TESTS_RIG_H
#define MIGOFF_TESTS_RIG_H

#include "dataplane.h"
#include "ring.h"

#define RIG_TARGET 7
/* So that each slot has a part of its own, of a size that tests get along with. */
#define RIG_DATA_LEN (8u << 20)

struct rig_client {
	uint64_t id;
	struct ring_head *ring;
	size_t ring_len;
	uint8_t *data;
	int kick_fd;
	int done_fd;
	uint32_t done_head;
	struct account account;
};

/**
 * rig_config() - A configuration with two devices' worth of room and small limits.
 * @device: spec of the only device; NULL: none.
 */
struct dataplane_config rig_config(const char *device);

/**
 * rig_start() - Start a data plane, and wait until it has opened what it can.
 * @config: by this.
 */
struct dataplane *rig_start(const struct dataplane_config *config);

/* The same where it may fail. Return: 0, or a negative errno. */
int rig_try_start(const struct dataplane_config *config, struct dataplane **ret);

/**
 * rig_post() - Send a message.
 * @dp: the data plane.
 * @msg: the message.
 *
 * Return: its result, when it is back.
 */
int rig_post(struct dataplane *dp, struct dataplane_msg *msg);

/* Messages without arguments. */
int rig_order(struct dataplane *dp, enum dataplane_op op);

/**
 * rig_until() - Wait for a state; the test fails when it does not come.
 * @dp: the data plane.
 * @reached: tells whether it has.
 */
void rig_until(struct dataplane *dp, bool (*reached)(const struct dataplane_status *status));

/**
 * rig_wait_event() - Wait until a message is done or the state has changed; the test fails when neither comes.
 * @dp: the data plane.
 */
void rig_wait_event(struct dataplane *dp);

/* For rig_until(). */
bool rig_is_ready(const struct dataplane_status *status);
bool rig_is_not_ready(const struct dataplane_status *status);

/**
 * rig_connect() - Make a client, with RIG_TARGET as its target.
 * @dp: the data plane.
 * @c: the client.
 * @id: its id.
 */
void rig_connect(struct dataplane *dp, struct rig_client *c, uint64_t id);

/* The same where it may fail. Return: 0, or a negative errno: there is no such client then. */
int rig_try_connect(struct dataplane *dp, struct rig_client *c, uint64_t id);

/**
 * rig_disconnect() - Remove it.
 * @dp: the data plane; NULL: it was stopped.
 * @c: the client.
 */
void rig_disconnect(struct dataplane *dp, struct rig_client *c);

/**
 * rig_begin() - Start a data plane with one client, of id 1.
 * @config: by this.
 * @c: the client.
 */
struct dataplane *rig_begin(const struct dataplane_config *config, struct rig_client *c);

/**
 * rig_end() - Remove that client, and stop the data plane: no batch is out then, and all memory is as it was.
 * @dp: the data plane.
 * @c: the client.
 *
 * Return: NULL.
 */
struct dataplane *rig_end(struct dataplane *dp, struct rig_client *c);

/**
 * rig_request() - Fill a slot's request: RIG_TARGET, one range, statuses wanted.
 * @c: the client.
 * @slot: the slot; each has a part of the data area of its own.
 * @start: the range.
 * @len: the range.
 * @to_node: destination.
 *
 * Return: the request.
 */
struct ring_request *rig_request(struct rig_client *c, uint32_t slot, uint64_t start, uint64_t len,
				 int to_node);

/* The slot's ranges and statuses in the data area. */
struct ring_range *rig_ranges(struct rig_client *c, uint32_t slot);
int32_t *rig_status(struct rig_client *c, uint32_t slot);

/**
 * rig_submit() - Submit a slot.
 * @c: the client.
 * @slot: the slot.
 */
void rig_submit(struct rig_client *c, uint32_t slot);

/**
 * rig_wait() - Wait for the end of some request; the test fails after some seconds.
 * @c: the client.
 *
 * Return: its slot, whose result has been checked for its sums.
 */
uint32_t rig_wait(struct rig_client *c);

/**
 * rig_move() - All of that with slot 0.
 * @c: the client.
 * @start: the range.
 * @len: the range.
 * @to_node: destination.
 *
 * Return: the result.
 */
const struct ring_result *rig_move(struct rig_client *c, uint64_t start, uint64_t len, int to_node);

#endif
