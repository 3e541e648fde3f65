/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mover.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "clock.h"
#include "macros.h"
#include "schedule.h"

/* A memory map that stays locked is tried this often, at intervals that double from the first on. */
#define PREPARE_RETRIES 10
#define PREPARE_RETRY_NS 1000000ull

static void mover_completed(void *user, struct device *d, const struct engine_result *result);
static void mover_failed(void *user, struct device *d);

static void mover_woken(struct loop_op *op, int res)
{
	/* What was waited for is looked at in mover_settle(), after each round. */
}

void mover_init(struct mover *m)
{
	m->wake.op.done = mover_woken;
	m->engines->completed = mover_completed;
	m->engines->failed = mover_failed;
}

static void batch_finished(struct loop_op *op, int res);

int mover_set_hook(struct mover *m, struct hook *hook)
{
	const struct hook_limits *limits = hook_limits(hook);
	int r;

	assert(!m->hook && m->n_busy == 0);
	r = batches_new(limits->n_slots, limits->n_extents, &m->batches);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < limits->n_slots; i++)
		m->batches[i].mover = m;
	m->hook = hook;
	m->broken = false;
	return 0;
}

void mover_drop_hook(struct mover *m)
{
	assert(m->n_busy == 0);
	if (m->hook)
		m->batches = batches_free(m->batches, hook_limits(m->hook)->n_slots);
	m->hook = NULL;
}

uint64_t mover_batch_bytes(const struct mover *m)
{
	return m->hook ? policy_batch_bytes(&m->policy, &m->pace, hook_limits(m->hook)->max_batch) : 0;
}

/* The end of a request. */

/* Pages that no batch came to have an end of their own, or the sums would not agree. */
static void request_count_rest(struct request *rq, struct account_values *more)
{
	uint64_t rest = rq->plan.pages - rq->page;
	bool busy = rq->result.error == -EAGAIN;
	unsigned int cause = busy ? MIGOFF_CAUSE_BUSY : MIGOFF_CAUSE_LEFT;

	if (rq->plan.flags & RING_WHOLE || rest == 0)
		return;
	request_set_status(rq, rq->page, rest, busy ? -EBUSY : -ECANCELED);
	more->pages_asked = rest;
	more->pages_by_cause[cause] = rest;
	rq->result.pages_asked += rest;
	rq->result.pages_by_cause[cause] += rest;
}

static bool sums_agree(const struct ring_result *result)
{
	uint64_t sum = result->pages_moved;

	for (size_t i = 0; i < RING_N_CAUSES; i++)
		sum += result->pages_by_cause[i];
	return sum == result->pages_asked;
}

static void request_check_end(struct mover *m, struct request *rq)
{
	struct account_values more = { .requests = 1 };
	struct dataplane_msg *waiting;

	if (!rq->ended || rq->n_batches)
		return;
	more.requests_failed = rq->result.error != 0;
	request_count_rest(rq, &more);
	assert(sums_agree(&rq->result));
	rq->result.elapsed_ns = clock_now_ns() - rq->seen_ns;
	request_charge(rq, m->account, &more);
	m->n_requests--;
	waiting = request_end(rq);
	if (waiting)
		m->answer(m->user, waiting);
}

void mover_end(struct mover *m, struct request *rq, int error)
{
	if (!rq->result.error)
		rq->result.error = error;
	rq->ended = true;
	request_check_end(m, rq);
}

void mover_admit(struct mover *m, struct request *rq)
{
	uint64_t bytes = rq->plan.flags & RING_WHOLE ? UINT64_MAX :
						       rq->plan.pages * REQUEST_PAGE_SIZE;

	m->n_requests++;
	rq->wants_engine = policy_wants_engine(&m->policy, bytes);
}

/* The life of a batch. */

static void batch_release(struct batch *b)
{
	struct mover *m = b->mover;
	struct request *rq = b->request;

	b->state = BATCH_IDLE;
	b->request = NULL;
	b->device = NULL;
	m->n_busy--;
	rq->n_batches--;
	request_check_end(m, rq);
}

static void batch_leave_copying(struct batch *b)
{
	struct mover *m = b->mover;
	uint32_t i = 0;

	while (m->copying[i] != b->slot)
		i++;
	m->n_copying--;
	memmove(&m->copying[i], &m->copying[i + 1], (m->n_copying - i) * sizeof(m->copying[0]));
}

static void batch_finish(struct batch *b, uint32_t command)
{
	struct mover *m = b->mover;
	const struct migoff_batch_info *info = hook_batch(m->hook, b->slot);
	bool commit = command == MIGOFF_CMD_COMMIT;

	b->state = BATCH_FINISHING;
	b->command = command;
	b->finish = (struct migoff_finish){
		.size = sizeof(b->finish),
		.slot = b->slot,
		.batch = info->batch,
		.verdicts = commit ? (uintptr_t)b->verdicts : 0,
		.n_verdicts = commit ? info->n_extents : 0,
	};
	b->op.done = batch_finished;
	hook_finish(m->hook, m->loop, &b->op, command, &b->finish);
}

/* Nothing is left of it in the engine: it can be committed. */
static void batch_check_copied(struct batch *b)
{
	struct mover *m = b->mover;

	if (b->state != BATCH_COPYING || b->n_ended < b->n_items)
		return;
	if (b->n_enqueued)
		b->copy_ns = clock_now_ns() - b->copy_began_ns;
	batch_leave_copying(b);
	m->n_ahead--;
	batch_finish(b, MIGOFF_CMD_COMMIT);
}

static void batch_end_item(struct batch *b, const struct batch_item *item, bool copied,
			   enum account_fallback reason)
{
	batch_item_ended(b, item, hook_extents(b->mover->hook, b->slot), copied, reason);
	batch_check_copied(b);
}

static void batch_give_up(struct batch *b, enum account_fallback reason)
{
	batch_drop_rest(b, reason);
	batch_check_copied(b);
}

static void batch_account(struct batch *b, bool over)
{
	struct mover *m = b->mover;
	struct request *rq = b->request;
	const struct migoff_batch_info *info = hook_batch(m->hook, b->slot);
	struct account_values more = { 0 };
	uint64_t bad;

	bad = batch_collect(b, info, hook_extents(m->hook, b->slot), over, &more);
	request_charge(rq, m->account, &more);
	if (b->device && bad)
		device_lied(b->device);
	else if (b->device && more.bytes_engine)
		device_worked(b->device);
	if (info->n_taken == 0 || !over)
		return;
	request_charge_blocked(rq, m->account, info->blocked_ns);
	rq->result.blocked_max_ns = MAX(rq->result.blocked_max_ns, (uint64_t)info->blocked_ns);
	policy_pace_learn(&m->pace, info->bytes_taken, info->blocked_ns);
}

/*
 * An errno other than -ETIME means that the hook did not end the batch. Aborting it is the second try;
 * if that fails too, closing the hook ends it.
 */
static void batch_finished(struct loop_op *op, int res)
{
	struct batch *b = container_of(op, struct batch, op);
	bool over = res >= 0 || res == -ETIME;

	if (!over && b->command == MIGOFF_CMD_COMMIT) {
		batch_finish(b, MIGOFF_CMD_ABORT);
		return;
	}
	if (!over)
		b->mover->broken = true;
	batch_account(b, over);
	batch_release(b);
}

static void batch_start_copying(struct batch *b)
{
	struct mover *m = b->mover;
	const struct migoff_batch_info *info = hook_batch(m->hook, b->slot);
	uint64_t time_ns = info->deadline_ns - info->locked_ns, max_item = 0;
	enum account_fallback reason = FALLBACK_SMALL;

	b->device = NULL;
	/* A few pages of large folios are much to copy, whatever was asked for. */
	if (b->request->wants_engine || policy_wants_engine(&m->policy, info->bytes_taken)) {
		reason = FALLBACK_NO_ENGINE;
		b->device = engines_choose(m->engines, b->request->plan.to_node);
	}
	if (b->device)
		max_item = engine_caps(b->device->engine)->max_item;
	batch_plan(b, hook_extents(m->hook, b->slot), info->n_extents, max_item, reason);
	b->state = BATCH_COPYING;
	/* So that the rest of its time is left to the CPU. */
	b->give_up_ns = info->locked_ns + time_ns / 2;
	m->copying[m->n_copying++] = b->slot;
	batch_check_copied(b);
}

/* The request's cursor moves on. Return: false when the hook did not get anywhere. */
static bool request_advance(struct request *rq, const struct migoff_batch_info *info,
			    const struct migoff_extent *extents)
{
	uint64_t n_ranges = rq->plan.flags & RING_WHOLE ? 1 : rq->plan.n_ranges;
	uint64_t bytes = 0;
	bool further;

	for (uint32_t i = 0; i < info->n_extents; i++)
		bytes += extents[i].len;
	further = info->cursor_range > rq->cursor_range || info->cursor_va > rq->cursor_va;
	rq->cursor_range = info->cursor_range;
	rq->cursor_va = info->cursor_va;
	rq->page += bytes / REQUEST_PAGE_SIZE;
	rq->ended |= rq->cursor_range >= n_ranges;
	request_progress(rq, bytes);
	return further;
}

static void prepare_failed(struct batch *b, int error)
{
	struct mover *m = b->mover;
	struct request *rq = b->request;

	m->n_ahead--;
	if (error == -EAGAIN && rq->n_retries < PREPARE_RETRIES) {
		rq->not_before_ns = clock_now_ns() + (PREPARE_RETRY_NS << rq->n_retries++);
		batch_release(b);
		return;
	}
	/* A slot that was idle here and is not for the hook. */
	if (error == -EBUSY) {
		m->broken = true;
		error = -EIO;
	}
	rq->ended = true;
	if (!rq->result.error)
		rq->result.error = error;
	batch_release(b);
}

static void batch_prepared(struct loop_op *op, int res)
{
	struct batch *b = container_of(op, struct batch, op);
	struct mover *m = b->mover;
	struct request *rq = b->request;
	const struct migoff_batch_info *info = hook_batch(m->hook, b->slot);

	rq->preparing = false;
	if (res < 0) {
		prepare_failed(b, res);
		return;
	}
	rq->n_retries = 0;
	b->first_page = rq->page;
	if (!request_advance(rq, info, hook_extents(m->hook, b->slot)) && !rq->ended) {
		rq->ended = true;
		rq->result.error = -EIO;
	}
	if (res == 0) {
		m->n_ahead--;
		batch_account(b, true);
		batch_release(b);
	} else if (m->stopping || request_unwanted(rq, clock_now_ns())) {
		m->n_ahead--;
		batch_plan(b, NULL, 0, 0, FALLBACK_NO_ENGINE);
		batch_finish(b, MIGOFF_CMD_ABORT);
	} else {
		batch_start_copying(b);
	}
}

void mover_prepare(struct mover *m, struct batch *b, struct request *rq)
{
	const struct request_plan *plan = &rq->plan;

	b->state = BATCH_PREPARING;
	b->request = rq;
	b->device = NULL;
	b->prepare = (struct migoff_prepare){
		.size = sizeof(b->prepare),
		.flags = (plan->flags & RING_MOVE_ALL ? MIGOFF_PREPARE_MOVE_ALL : 0) |
			 (plan->flags & RING_WHOLE ? MIGOFF_PREPARE_WHOLE : 0),
		.slot = b->slot,
		.pidfd = rq->target->spec.pidfd,
		.pagemap_fd = rq->target->spec.pagemap_fd,
		.to_node = plan->to_node,
		.min_order = policy_min_order(&m->policy),
		.n_ranges = (uint32_t)plan->n_ranges,
		.ranges = (uintptr_t)plan->ranges,
		.cursor_range = rq->cursor_range,
		.cursor_va = rq->cursor_va,
		.max_bytes = mover_batch_bytes(m),
	};
	memcpy(b->prepare.from_nodes, plan->from_nodes, sizeof(b->prepare.from_nodes));
	rq->preparing = true;
	rq->n_batches++;
	m->n_busy++;
	m->n_ahead++;
	b->op.done = batch_prepared;
	hook_prepare(m->hook, m->loop, &b->op, &b->prepare);
}

/* Engines. */

static struct batch *mover_find_item(struct mover *m, const struct device *d, uint64_t index,
				     const struct batch_item **ret)
{
	for (uint32_t i = 0; i < m->n_copying; i++) {
		struct batch *b = &m->batches[m->copying[i]];

		if (b->device == d && (*ret = batch_find_item(b, index)))
			return b;
	}
	return NULL;
}

static void mover_completed(void *user, struct device *d, const struct engine_result *result)
{
	struct mover *m = user;
	enum account_fallback reason = FALLBACK_ERROR;
	const struct batch_item *item;
	struct batch *b = mover_find_item(m, d, result->index, &item);

	assert(b);
	d->in_flight -= item->len;
	if (result->status < ACCOUNT_N_ENGINE_ERRORS && result->status != ENGINE_COPIED)
		b->engine_errors[result->status]++;
	if (result->status == ENGINE_TIMED_OUT)
		reason = FALLBACK_TIMEOUT;
	else if (d->withdrawn)
		reason = FALLBACK_WITHDRAWN;
	batch_end_item(b, item, result->status == ENGINE_COPIED, reason);
}

static void mover_failed(void *user, struct device *d)
{
	struct mover *m = user;

	for (uint32_t i = 0; i < m->n_copying;) {
		struct batch *b = &m->batches[m->copying[i]];

		if (b->device == d && !device_usable(d))
			batch_give_up(b, d->withdrawn ? FALLBACK_WITHDRAWN : FALLBACK_ERROR);
		i += b->state == BATCH_COPYING;
	}
}

/* Return: false when the engine has no room. */
static bool batch_enqueue_next(struct batch *b)
{
	struct device *d = b->device;
	struct batch_item *item = &b->items[b->n_enqueued];
	int r = device_enqueue(d, item->src, item->dst, item->len, &item->index);

	if (r == -ENOSPC && engine_in_flight(d->engine))
		return false;
	if (r < 0) {
		batch_give_up(b, r == -ENOSPC ? FALLBACK_BUSY : FALLBACK_ERROR);
		return true;
	}
	if (b->n_enqueued++ == 0)
		b->copy_began_ns = clock_now_ns();
	return true;
}

/*
 * Oldest batch first, and none before an older one of the same engine has all it needs. Doorbells
 * come after, for a device that fails at that takes batches off the list.
 */
static void mover_feed(struct mover *m)
{
	bool full[DATAPLANE_MAX_DEVICES] = { false }, fed[DATAPLANE_MAX_DEVICES] = { false };

	for (uint32_t i = 0; i < m->n_copying;) {
		struct batch *b = &m->batches[m->copying[i]];
		uint32_t d = b->device ? (uint32_t)(b->device - m->engines->devices) : 0;

		while (b->state == BATCH_COPYING && b->n_enqueued < b->n_items && !full[d]) {
			full[d] = !batch_enqueue_next(b);
			fed[d] = true;
		}
		i += b->state == BATCH_COPYING;
	}
	for (uint32_t d = 0; d < m->engines->n_devices; d++)
		if (fed[d] && device_usable(&m->engines->devices[d]))
			device_submit(&m->engines->devices[d]);
}

/* Past its time: the engine is stopped if it has some of it, for a part cannot be taken back. */
static void mover_check_slow(struct mover *m, uint64_t now_ns)
{
	for (uint32_t i = 0; i < m->n_copying;) {
		struct batch *b = &m->batches[m->copying[i]];
		struct device *d = b->device;

		if (now_ns >= b->give_up_ns)
			batch_give_up(b, FALLBACK_TIMEOUT);
		if (now_ns >= b->give_up_ns && b->state == BATCH_COPYING) {
			device_too_slow(d);
			assert(b->state != BATCH_COPYING);
			/* That has ended others too. */
			i = 0;
			continue;
		}
		i += b->state == BATCH_COPYING;
	}
}

static void mover_arm_wake(struct mover *m, struct client *const *clients, uint32_t n,
			   uint64_t now_ns)
{
	uint64_t next = schedule_next_time(clients, n, now_ns);

	for (uint32_t i = 0; i < m->n_copying; i++)
		next = MIN(next, m->batches[m->copying[i]].give_up_ns);
	if (next == UINT64_MAX)
		return;
	if (!m->wake.op.armed) {
		loop_arm_timer(m->loop, &m->wake, next);
		m->wake_at_ns = next;
	} else if (next < m->wake_at_ns) {
		/* Its end brings the loop here again. */
		loop_cancel(m->loop, &m->wake.op);
		m->wake_at_ns = 0;
	}
}

void mover_settle(struct mover *m, struct client *const *clients, uint32_t n)
{
	uint64_t now_ns = clock_now_ns();

	schedule_end_unwanted(m, clients, n, now_ns);
	mover_check_slow(m, now_ns);
	schedule_batches(m, clients, n, now_ns);
	mover_feed(m);
	mover_arm_wake(m, clients, n, now_ns);
}
