/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests cut into batches, batches taken through hook and engine.
 *
 *	IDLE -> PREPARING -> COPYING -> FINISHING -> IDLE
 *
 * Several batches are in work at once, also of one request: while one is copied the next is prepared
 * and the one before committed. A batch is finished only when the engine has reported every copy of
 * it, for from then on the hook uses its IOVAs for other folios.
 */
#ifndef MIGOFF_DAEMON_MOVER_H
#define MIGOFF_DAEMON_MOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts.h"
#include "client.h"
#include "engines.h"
#include "hook.h"
#include "loop.h"
#include "policy.h"

struct batch;

/**
 * struct mover - What is being moved.
 * @loop: the loop.
 * @engines: who copies.
 * @policy: the thresholds.
 * @copy_workers: batches that the CPU copies at once.
 * @account: the numbers over all clients.
 * @answer: called with the message that waited for the end of a request.
 * @user: for it.
 * @hook: NULL when there is none; then there are no batches.
 * @batches: one for each slot of the hook.
 * @copying: slots of batches in COPYING, oldest first.
 * @n_copying: how many.
 * @n_busy: batches that are not IDLE.
 * @n_ahead: of these, those in PREPARING or COPYING.
 * @n_cpu: of these, those in FINISHING that the CPU copies.
 * @n_requests: requests that are ACTIVE.
 * @cpu_pace: how long the batches take that the CPU copies.
 * @paused: no PREPARE is to be made for now.
 * @stopping: no batch is to be made any more, and none committed that is not copied.
 * @broken: the hook does not behave; it has to be closed.
 * @turn: which client is next.
 * @wake: for PREPAREs to be tried again and for batches that are slow.
 * @wake_at_ns: when it is due.
 */
struct mover {
	struct loop *loop;
	struct engines *engines;
	struct policy_config policy;
	uint32_t copy_workers;
	struct account *account;
	void (*answer)(void *user, struct dataplane_msg *msg);
	void *user;
	struct hook *hook;
	struct batch *batches;
	uint32_t copying[MIGOFF_MAX_SLOTS];
	uint32_t n_copying;
	uint32_t n_busy;
	uint32_t n_ahead;
	uint32_t n_cpu;
	uint32_t n_requests;
	struct policy_pace cpu_pace;
	bool paused;
	bool stopping;
	bool broken;
	uint32_t turn;
	struct loop_timer wake;
	uint64_t wake_at_ns;
};

/**
 * mover_init() - Begin with nothing.
 * @m: zeroed but for @loop, @engines, @policy, @account, @answer and @user.
 *
 * It takes the callbacks @completed and @failed of @engines.
 */
void mover_init(struct mover *m);

/**
 * mover_set_hook() - Begin to use a hook.
 * @m: the mover, without one.
 * @hook: the hook; stays until mover_drop_hook().
 *
 * Return: 0, or -ENOMEM.
 */
int mover_set_hook(struct mover *m, struct hook *hook);

/**
 * mover_drop_hook() - Use it no more.
 * @m: the mover; @n_busy is 0.
 */
void mover_drop_hook(struct mover *m);

/**
 * mover_admit() - Take a request in. It belongs to the mover until request_end().
 * @m: the mover.
 * @rq: the request, just admitted.
 */
void mover_admit(struct mover *m, struct request *rq);

/**
 * mover_end() - Let a request end as soon as its batches have.
 * @m: the mover.
 * @rq: the request, ACTIVE; it may be free on return.
 * @error: why; 0 or a negative errno.
 */
void mover_end(struct mover *m, struct request *rq, int error);

/**
 * mover_prepare() - Begin a batch.
 * @m: the mover, with a hook.
 * @b: a batch of it, IDLE.
 * @rq: for whom: request_has_more().
 * @d: who is to copy it; NULL: the CPU.
 */
void mover_prepare(struct mover *m, struct batch *b, struct request *rq, struct device *d);

/**
 * mover_commit() - Have the hook end a batch, as no engine has anything of it any more.
 * @b: the batch, COPYING.
 */
void mover_commit(struct batch *b);

/**
 * request_has_more() - Whether there is a part of a request to be prepared.
 * @rq: the request, ACTIVE.
 */
bool request_has_more(const struct request *rq);

/**
 * mover_settle() - Do what can be done now: the end of each round of the loop.
 * @m: the mover.
 * @clients: all clients.
 * @n: how many.
 */
void mover_settle(struct mover *m, struct client *const *clients, uint32_t n);

/**
 * mover_batch_bytes() - How large batches are at the moment.
 * @m: the mover.
 * @d: those of this device; NULL: those that the CPU copies.
 *
 * Return: bytes, 0 without a hook.
 */
uint64_t mover_batch_bytes(const struct mover *m, const struct device *d);

#endif
