/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client: its ring, its targets, its requests.
 *
 * Nothing is believed that stands in the ring, and nothing read back that was written there: both
 * queues' own ends are kept here. The done queue cannot overflow: a slot is the daemon's from its
 * submission, which is refused while it is the daemon's already, to its end, so that there are never
 * more unread ends than slots, unless the client submits a slot again before reading its end; then it
 * loses that, and nobody else anything.
 */
#ifndef MIGOFF_DAEMON_CLIENT_H
#define MIGOFF_DAEMON_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane.h"
#include "loop.h"
#include "part.h"
#include "policy.h"
#include "request.h"

struct target {
	struct dataplane_target spec;
	bool used;
	uint32_t n_requests;		/* that are working on it */
	struct dataplane_msg *removal;	/* answered when @n_requests is 0 */
};

/* PREPAREs of one request at a time. */
#define REQUEST_MAX_PARTS 8

enum request_state {
	REQUEST_FREE,		/* the slot is the client's */
	REQUEST_WAITING,	/* submitted, not looked at */
	REQUEST_ACTIVE,		/* read and checked; being worked on */
};

/**
 * struct request - One slot of the ring, and what is done for it.
 * @client: whose.
 * @state: see above.
 * @plan: what is asked for; ACTIVE.
 * @target: on what; ACTIVE.
 * @rest: what was not cut into parts yet.
 * @left: parts that are to be prepared next: what PREPAREs left of theirs.
 * @n_left: how many.
 * @progress: bytes gone through, as the client was shown last.
 * @taken: bytes of the folios that were taken for them.
 * @n_batches: batches that are in work for it.
 * @n_preparing: of these, those that are at their PREPARE.
 * @ended: no PREPARE is to follow.
 * @wants_engine: it is worth the engine's while, by policy_wants_engine().
 * @n_retries: PREPAREs in a row that found the memory map locked.
 * @not_before_ns: when the next one is due.
 * @seen_ns: when it was taken out of the queue.
 * @expires_ns: when it is to end; UINT64_MAX: at any time.
 * @busy: since when an engine has had copies of it.
 * @result: what the client gets.
 */
struct request {
	struct client *client;
	enum request_state state;
	struct request_plan plan;
	struct target *target;
	struct part rest;
	struct part left[REQUEST_MAX_PARTS];
	uint32_t n_left;
	uint64_t progress;
	uint64_t taken;
	uint32_t n_batches;
	uint32_t n_preparing;
	bool ended;
	bool wants_engine;
	uint32_t n_retries;
	uint64_t not_before_ns;
	uint64_t seen_ns;
	uint64_t expires_ns;
	struct busy busy;
	struct ring_result result;
};

/* Which way its batches go. */
static inline struct policy_route request_route(const struct request *rq)
{
	return (struct policy_route){ rq->plan.to_node, rq->plan.from_nodes };
}

_Static_assert(POLICY_NODE_WORDS == RING_N_NODE_WORDS, "a request's nodes are a set of the policy's");

struct client {
	struct dataplane_client spec;
	struct loop *loop;
	uint8_t *data;			/* the shared data area */
	uint64_t data_len;
	uint32_t submit_head;
	uint32_t done_tail;
	struct loop_op kick;
	struct loop_op done;
	bool done_again;		/* something ended while @done was armed */
	struct request requests[RING_N_SLOTS];
	uint32_t waiting[RING_N_SLOTS];	/* slots in REQUEST_WAITING, oldest first */
	uint32_t n_waiting;
	uint32_t n_active;
	uint32_t last;			/* slot that had the last turn */
	struct target targets[DATAPLANE_MAX_TARGETS];
	const char *cut;		/* why nothing is read from it any more; or NULL */
	bool cut_told;			/* the control plane was told */
	bool leaving;			/* it is being removed */
	struct dataplane_msg *removal;	/* who asked for that */
};

/**
 * client_new() - Introduce a client.
 * @spec: as the control plane gives it.
 * @loop: the loop.
 * @ret: the client.
 *
 * Return: 0, -EINVAL when the ring does not have the right shape, or -ENOMEM.
 */
int client_new(const struct dataplane_client *spec, struct loop *loop, struct client **ret);

/**
 * client_free() - Forget a client that is idle; see client_is_idle().
 * @c: the client, or NULL.
 *
 * Return: NULL.
 */
struct client *client_free(struct client *c);

/**
 * client_leave() - Read nothing more from a client; its requests are to end soon.
 * @c: the client.
 */
void client_leave(struct client *c);

/**
 * client_cut() - The same, because what it wrote made no sense.
 * @c: the client.
 * @why: what; a static string.
 */
void client_cut(struct client *c, const char *why);

/**
 * client_is_idle() - Nothing of it is in use: it can be freed.
 * @c: the client, leaving.
 */
bool client_is_idle(const struct client *c);

/**
 * client_publish() - Tell it whether there is an engine, from which size on it pays, and for how long
 *	a page may be away.
 * @c: the client.
 * @ready: there is a hook and an engine.
 * @config: the configuration in effect.
 */
void client_publish(struct client *c, bool ready, const struct dataplane_config *config);

/**
 * client_admit() - Take up a waiting request.
 * @c: the client.
 * @i: which; 0 is the oldest.
 *
 * A request that is malformed, or not allowed, ends here.
 *
 * Return: the request, or NULL when it ended.
 */
struct request *client_admit(struct client *c, uint32_t i);

/**
 * request_unwanted() - Whether a request is to end after the batches that it is at.
 * @rq: the request, WAITING or ACTIVE.
 * @now_ns: the time.
 *
 * Return: 0; -ECANCELED its client does not want it any more, or is gone; -ETIME its deadline passed.
 */
int request_unwanted(const struct request *rq, uint64_t now_ns);

/**
 * request_progress() - Show the client how far a request is.
 * @rq: the request, ACTIVE.
 * @bytes: gone through since the last time.
 */
void request_progress(struct request *rq, uint64_t bytes);

/**
 * request_set_status() - Write the status of some pages, if the client wants it.
 * @rq: the request, ACTIVE.
 * @page: the first.
 * @n: how many.
 * @status: a node or a negative errno.
 */
void request_set_status(struct request *rq, uint64_t page, uint64_t n, int32_t status);

/**
 * request_add_extent() - Write down what became of a folio, if the client wants it.
 * @rq: the request, ACTIVE.
 * @extent: what.
 */
void request_add_extent(struct request *rq, const struct ring_extent *extent);

/**
 * request_charge() - Count for all whom a request concerns.
 * @rq: the request.
 * @total: the account over all clients.
 * @more: what to add.
 */
void request_charge(const struct request *rq, struct account *total,
		    const struct account_values *more);

/**
 * request_charge_blocked() - Count the time that a batch's pages were unavailable.
 * @rq: the request.
 * @total: the account over all clients.
 * @ns: the time.
 */
void request_charge_blocked(const struct request *rq, struct account *total, uint64_t ns);

/**
 * request_busy_begin() - An engine has got copies of a request.
 * @rq: the request.
 * @total: the account over all clients.
 * @now_ns: the time.
 */
void request_busy_begin(struct request *rq, struct account *total, uint64_t now_ns);

/**
 * request_busy_end() - It has made them.
 * @rq: the request.
 * @total: the account over all clients.
 * @now_ns: the time.
 */
void request_busy_end(struct request *rq, struct account *total, uint64_t now_ns);

/**
 * request_end() - Give a request back to the client.
 * @rq: the request, ACTIVE, without batches; its result is complete.
 *
 * Return: what was waiting for the end of the target's last request, or NULL.
 */
struct dataplane_msg *request_end(struct request *rq);

/**
 * client_target_add() - Let the client name a process.
 * @c: the client.
 * @spec: the process.
 *
 * Return: 0, -EEXIST or -ENOSPC.
 */
int client_target_add(struct client *c, const struct dataplane_target *spec);

/**
 * client_target_remove() - Let it do so no more.
 * @c: the client.
 * @id: the target.
 * @msg: who wants to know when it is not in use any more.
 *
 * Return: 1 when that is the case now; 0 when request_end() will say so; -ENOENT.
 */
int client_target_remove(struct client *c, uint32_t id, struct dataplane_msg *msg);

#endif
