/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane as the control plane sees it: a thread that moves memory, messages to and from it,
 * and numbers to read.
 *
 * The control plane owns every object that it names here (rings, descriptors, accounts, messages); the
 * data plane borrows it until it gives the message back that ended the loan. It takes no lock but the
 * one of the message queue, and never writes a log.
 *
 *	control: dataplane_post(ADD_CLIENT) ... dataplane_post(REMOVE_CLIENT)
 *	data:	 ADD_CLIENT comes back at once; REMOVE_CLIENT when nothing of the client is in use
 *
 * Without a hook, or without an engine, the data plane runs all the same, says why in its status,
 * and takes them up when they appear.
 */
#ifndef MIGOFF_DAEMON_DATAPLANE_H
#define MIGOFF_DAEMON_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "accounts.h"
#include "engine.h"
#include "policy.h"
#include "ring.h"
#include "why.h"

struct dataplane;

#define DATAPLANE_MAX_DEVICES	8
#define DATAPLANE_MAX_TARGETS	64	/* of one client */
#define DATAPLANE_SPEC_LEN	128
#define DATAPLANE_NODE_WORDS	RING_N_NODE_WORDS

enum dataplane_verify {
	DATAPLANE_VERIFY_AUTO,		/* sampled if an engine does not report DMA errors, else off */
	DATAPLANE_VERIFY_OFF,
	DATAPLANE_VERIFY_SAMPLED,
	DATAPLANE_VERIFY_FULL,
};

enum dataplane_between {
	DATAPLANE_BETWEEN_ZERO,
	DATAPLANE_BETWEEN_KEEP,		/* an engine that lies shows one owner what another had */
};

/**
 * struct dataplane_config - What the data plane works by. Copied; holds no pointers.
 * @hook: path of the hook's device, "/dev/migoff".
 * @devices: PCI addresses, as engine_open() takes them.
 * @n_devices: how many.
 * @fault: what fault_parse() takes, applied to each device; empty: nothing.
 * @n_slots: batches that may be out at once, 1 to 64.
 * @deadline_ns: after which the hook ends a batch by itself; at most 10 s.
 * @expire_copy: such a batch is copied by the CPU and moved, else it is left where it is.
 * @verify: whether the hook compares what an engine copied.
 * @engine_timeout_ms: how long an engine may be silent before its batches go to the CPU; 0: a quarter
 *	of the deadline.
 * @max_clients: how many clients at once.
 * @max_requests: requests of one client that are worked on at once; its others wait their turn.
 * @copy_workers: batches that the CPU copies at once, 1 to 64.
 * @pool_bytes: free memory of each node that the hook may hold for destinations; 0: none.
 * @pool_age_ns: after which it gives back what was not needed.
 * @pool_between_owners: what becomes of a folio that it held for one owner and gives to another.
 * @policy: thresholds.
 */
struct dataplane_config {
	char hook[DATAPLANE_SPEC_LEN];
	char devices[DATAPLANE_MAX_DEVICES][DATAPLANE_SPEC_LEN];
	uint32_t n_devices;
	char fault[DATAPLANE_SPEC_LEN];
	uint32_t n_slots;
	uint64_t deadline_ns;
	bool expire_copy;
	enum dataplane_verify verify;
	uint32_t engine_timeout_ms;
	uint32_t max_clients;
	uint32_t max_requests;
	uint32_t copy_workers;
	uint64_t pool_bytes;
	uint64_t pool_age_ns;
	enum dataplane_between pool_between_owners;
	struct policy_config policy;
};

enum dataplane_op {
	DATAPLANE_ADD_CLIENT,
	DATAPLANE_REMOVE_CLIENT,	/* its requests end after the batch at hand */
	DATAPLANE_ADD_TARGET,
	DATAPLANE_REMOVE_TARGET,	/* requests on it go on; comes back when they have ended */
	DATAPLANE_RELOAD,		/* another configuration */
	DATAPLANE_RETRY,		/* a device or the hook may have appeared: look now */
	DATAPLANE_RELEASE,		/* give a device back until DATAPLANE_RETRY; comes back when it is */
	DATAPLANE_DRAIN,		/* end what is running, take nothing new; comes back when idle */
	DATAPLANE_UNDRAIN,
};

/**
 * struct dataplane_client - A client, as the control plane introduces it.
 * @id: its name in messages; unique, never used again.
 * @ring: the memory shared with it, with its head filled in; @min_request and @ready are written by
 *	the data plane from then on.
 * @ring_len: size of the mapping: the slots and the data area lie in it.
 * @kick_fd: eventfd that the client writes.
 * @done_fd: eventfd that the data plane writes; made with EFD_NONBLOCK.
 * @uid: whose it is.
 * @may_move_all: it has CAP_SYS_NICE.
 * @account: its numbers.
 * @uid_account: the numbers of its user, or NULL.
 */
struct dataplane_client {
	uint64_t id;
	struct ring_head *ring;
	size_t ring_len;
	int kick_fd;
	int done_fd;
	uid_t uid;
	bool may_move_all;
	struct account *account;
	struct account *uid_account;
};

/**
 * struct dataplane_target - A process whose memory a client may move.
 * @client: the client's id.
 * @id: what the client calls it in requests; unique for the client.
 * @pidfd: the process.
 * @pagemap_fd: the client's proof.
 * @nodes: the nodes that its memory may go to (bit n of word n / 64).
 */
struct dataplane_target {
	uint64_t client;
	uint32_t id;
	int pidfd;
	int pagemap_fd;
	uint64_t nodes[DATAPLANE_NODE_WORDS];
};

/**
 * struct dataplane_msg - One order to the data plane.
 * @next: for whoever holds the message at the moment.
 * @op: what to do.
 * @client: ADD_CLIENT.
 * @target: ADD_TARGET; REMOVE_TARGET (only @client and @id).
 * @client_id: REMOVE_CLIENT.
 * @device: RELEASE: a PCI address.
 * @config: RELOAD; has to stay until the message is back.
 * @result: set when it comes back: 0, or a negative errno. ADD_CLIENT: -ENOSPC too many, -EINVAL.
 *	ADD_TARGET: -ENOENT no such client, -ENOSPC, -EEXIST. REMOVE_*: -ENOENT. RELEASE: -ENOENT.
 */
struct dataplane_msg {
	struct dataplane_msg *next;
	enum dataplane_op op;
	union {
		struct dataplane_client client;
		struct dataplane_target target;
		uint64_t client_id;
		char device[DATAPLANE_SPEC_LEN];
		const struct dataplane_config *config;
	};
	int result;
};

enum dataplane_engine_state {
	DATAPLANE_ENGINE_ABSENT,	/* could not be opened: see @why; is tried again */
	DATAPLANE_ENGINE_READY,
	DATAPLANE_ENGINE_OUT,		/* out of service after errors */
	DATAPLANE_ENGINE_RELEASED,	/* given back on request */
	DATAPLANE_ENGINE_CLOSING,	/* the kernel has not let go of it yet */
};

/**
 * struct dataplane_engine - One configured device.
 * @spec: as configured.
 * @state: what it is good for.
 * @why: the reason when it is not READY.
 * @identity: when it is open, else zero (@node and @group -1).
 * @caps: the same.
 * @n_errors: consecutive errors.
 * @n_outages: how often it went out of service since it was configured.
 * @n_tries: how often it was tried again.
 * @retry_at_ns: when it is tried again, if it is not READY, CLOCK_MONOTONIC; 0: at any time.
 * @n_batches: batches in line for it.
 * @in_flight: bytes that it has to copy.
 * @stats: since it was opened.
 */
struct dataplane_engine {
	char spec[DATAPLANE_SPEC_LEN];
	enum dataplane_engine_state state;
	struct why why;
	struct engine_identity identity;
	struct engine_caps caps;
	uint32_t n_errors;
	uint32_t n_batches;
	uint64_t n_outages;
	uint64_t n_tries;
	uint64_t retry_at_ns;
	uint64_t in_flight;
	struct engine_stats stats;
};

/**
 * struct dataplane_status - The data plane at one moment.
 * @ready: the hook and at least one engine are in use.
 * @hook_ready: the hook is in use (with no engine: the CPU copies).
 * @draining: nothing new is taken.
 * @hook_why: the reason when the hook is not in use.
 * @verify: what is in effect; never AUTO while @hook_ready.
 * @max_batch: bytes that the hook takes at most.
 * @batch_bytes: what the policy asks for at the moment.
 * @n_clients: clients.
 * @n_requests: requests being worked on.
 * @n_batches: batches out.
 * @n_cut: clients cut off for a corrupt ring so far; which: dataplane_next_cut().
 * @n_engines: how many of @engines are configured.
 * @engines: each.
 */
struct dataplane_status {
	bool ready;
	bool hook_ready;
	bool draining;
	struct why hook_why;
	enum dataplane_verify verify;
	uint64_t max_batch;
	uint64_t batch_bytes;
	uint32_t n_clients;
	uint32_t n_requests;
	uint32_t n_batches;
	uint64_t n_cut;
	uint32_t n_engines;
	struct dataplane_engine engines[DATAPLANE_MAX_DEVICES];
};

/**
 * dataplane_start() - Start the thread. Devices and hook are opened by it, later.
 * @config: the configuration; copied.
 * @ret: the data plane.
 *
 * Return: 0, or a negative errno (no io_uring, no thread).
 */
int dataplane_start(const struct dataplane_config *config, struct dataplane **ret);

/**
 * dataplane_end() - Ask for the end, and wait for it. dataplane_stop() is still to be called.
 * @dp: the data plane.
 * @patience_ns: how long.
 *
 * Return: whether it has ended. If not, a device whose state is CLOSING is what it waits for.
 */
bool dataplane_end(struct dataplane *dp, uint64_t patience_ns);

/**
 * dataplane_stop() - End every batch, give the devices back, end the thread.
 * @dp: the data plane, or NULL. Messages not yet reaped can be reaped before, not after.
 *
 * Takes no longer than the deadline of a batch and ENGINE_STOP_MS for each device, and what the kernel
 * takes to let go of the devices. On return nothing lent is in use any more: clients and targets need
 * not be removed first.
 *
 * Return: NULL.
 */
struct dataplane *dataplane_stop(struct dataplane *dp);

static inline void dataplane_stopp(struct dataplane **dp)
{
	*dp = dataplane_stop(*dp);
}

/**
 * dataplane_post() - Give the data plane a message. Never waits.
 * @dp: the data plane.
 * @msg: the message; the data plane's until dataplane_reap() returns it.
 */
void dataplane_post(struct dataplane *dp, struct dataplane_msg *msg);

/**
 * dataplane_reap() - Take a message back that is done.
 * @dp: the data plane.
 *
 * Return: the message with its @result, or NULL when none is done.
 */
struct dataplane_msg *dataplane_reap(struct dataplane *dp);

/**
 * dataplane_event_fd() - What becomes readable when a message is done or the state has changed.
 * @dp: the data plane, which owns the descriptor: a non-blocking eventfd; read it, then look.
 */
int dataplane_event_fd(const struct dataplane *dp);

/**
 * dataplane_heartbeat() - A number that grows while the thread is alive. Any thread, no lock.
 * @dp: the data plane.
 *
 * It grows by itself every few seconds, soon after dataplane_ping(), and not while the thread is
 * stuck. Opening or recovering a device may hold it up for ENGINE_STOP_MS each, and trying one again for its
 * time-out besides.
 */
uint64_t dataplane_heartbeat(const struct dataplane *dp);

/**
 * dataplane_ping() - Ask for a heartbeat. Any thread, no lock.
 * @dp: the data plane.
 */
void dataplane_ping(struct dataplane *dp);

/**
 * dataplane_snapshot() - Read the state. Any thread, no lock.
 * @dp: the data plane.
 * @ret: the state, consistent in itself; its counters are no older than a few seconds, while there
 *	is work half a second.
 */
void dataplane_snapshot(const struct dataplane *dp, struct dataplane_status *ret);

/**
 * dataplane_account() - The numbers over all clients.
 * @dp: the data plane, which owns them.
 *
 * Return: the account, to be read with account_read().
 */
const struct account *dataplane_account(const struct dataplane *dp);

/**
 * dataplane_next_cut() - Learn of a client that was cut off because its ring made no sense.
 * @dp: the data plane.
 * @ret_client: its id; it is to be removed.
 * @ret_why: what was wrong, a static string.
 *
 * Return: 1, or 0 when there is none. Each is reported once.
 */
int dataplane_next_cut(struct dataplane *dp, uint64_t *ret_client, const char **ret_why);

#endif
