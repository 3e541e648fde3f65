/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mover.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "clock.h"
#include "copy.h"
#include "macros.h"
#include "schedule.h"

/* A memory map that stays locked is tried this often, at intervals that double from the first on. */
#define PREPARE_RETRIES 10
#define PREPARE_RETRY_NS 1000000ull

static void mover_woken(struct loop_op *op, int res)
{
	/* What was waited for is looked at in mover_settle(), after each round. */
}

void mover_init(struct mover *m)
{
	m->wake.op.done = mover_woken;
	copy_init(m);
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

uint64_t mover_batch_bytes(const struct mover *m, const struct device *d)
{
	/* As policy_has_room() has them: when all PREPAREs end at once. Of the CPU's, one waits. */
	unsigned int depth = d ? 1 + policy_n_prepares(&d->flow) : 2;

	if (!m->hook)
		return 0;
	return policy_batch_bytes(&m->policy, d ? &d->pace : &m->cpu_pace,
				  hook_limits(m->hook)->max_batch, depth);
}

/* The end of a request. */

/* Pages that no batch came to have an end of their own, or the sums would not agree. */
static void request_count_part(struct request *rq, const struct part *part,
			       struct account_values *more)
{
	bool busy = rq->result.error == -EAGAIN;
	unsigned int cause = busy ? MIGOFF_CAUSE_BUSY : MIGOFF_CAUSE_LEFT;

	if (part->n_pages == 0)
		return;
	request_set_status(rq, part->page, part->n_pages, busy ? -EBUSY : -ECANCELED);
	more->pages_asked += part->n_pages;
	more->pages_by_cause[cause] += part->n_pages;
	rq->result.pages_asked += part->n_pages;
	rq->result.pages_by_cause[cause] += part->n_pages;
}

static void request_count_rest(struct request *rq, struct account_values *more)
{
	if (rq->plan.flags & RING_WHOLE)
		return;
	request_count_part(rq, &rq->rest, more);
	for (uint32_t i = 0; i < rq->n_left; i++)
		request_count_part(rq, &rq->left[i], more);
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
	m->n_cpu -= b->by_cpu;
	b->by_cpu = false;
	rq->n_batches--;
	request_check_end(m, rq);
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

void mover_commit(struct batch *b)
{
	struct mover *m = b->mover;

	m->n_ahead--;
	b->by_cpu = b->n_items == 0;
	m->n_cpu += b->by_cpu;
	batch_finish(b, MIGOFF_CMD_COMMIT);
}

/* What the CPU copied in an engine's place says nothing of the engine; what two copied, of neither. */
static void batch_learn(struct batch *b, const struct migoff_batch_info *info,
			struct account_values *more)
{
	struct mover *m = b->mover;
	struct policy_batch batch = {
		.bytes = info->bytes_taken,
		.bytes_ahead = b->bytes_ahead,
		.n_folios = info->n_taken,
		.blocked_ns = info->blocked_ns,
	};
	struct policy_pace *pace = b->device && b->n_items ? &b->device->pace : &m->cpu_pace;
	struct policy_pace nobody = { 0 };

	if (b->again)
		pace = &nobody;
	if (policy_pace_learn(&m->policy, pace, &batch)) {
		more->budget_misses = 1;
		more->budget_misses_alone = info->n_taken == 1;
	}
}

/* Each engine that had a part in it. */
static void batch_judge(struct batch *b)
{
	struct engines *s = b->mover->engines;

	for (uint32_t i = 0; i < s->n_devices; i++) {
		struct device *d = &s->devices[i];

		if (b->lied & device_bit(d))
			device_lied(d);
		else if (b->worked & device_bit(d))
			device_worked(d);
	}
}

static void batch_account(struct batch *b, bool over)
{
	struct mover *m = b->mover;
	struct request *rq = b->request;
	const struct migoff_batch_info *info = hook_batch(m->hook, b->slot);
	struct account_values more = { 0 };
	bool counted = info->n_taken && over;

	batch_collect(b, info, hook_extents(m->hook, b->slot), over, &more);
	if (counted)
		batch_learn(b, info, &more);
	request_charge(rq, m->account, &more);
	batch_judge(b);
	if (!counted)
		return;
	request_charge_blocked(rq, m->account, info->blocked_ns);
	rq->result.blocked_max_ns = MAX(rq->result.blocked_max_ns, (uint64_t)info->blocked_ns);
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

/* A PREPARE has ended, and what it left of its part is to be prepared again. */
static void request_take_back(struct request *rq, const struct part *part)
{
	assert(rq->n_left < REQUEST_MAX_PARTS);
	if (part->n_pages)
		rq->left[rq->n_left++] = *part;
	rq->ended |= !request_has_more(rq) && !rq->n_preparing;
}

static void request_fail(struct request *rq, int error)
{
	rq->ended = true;
	if (!rq->result.error)
		rq->result.error = error;
}

static void prepare_failed(struct batch *b, int error)
{
	struct mover *m = b->mover;
	struct request *rq = b->request;

	m->n_ahead--;
	request_take_back(rq, &b->part);
	if (error == -EAGAIN && rq->n_retries < PREPARE_RETRIES) {
		rq->not_before_ns = clock_now_ns() + (PREPARE_RETRY_NS << rq->n_retries++);
	} else if (error == -EBUSY) {
		/* A slot that was idle here and is not for the hook. */
		m->broken = true;
		request_fail(rq, -EIO);
	} else {
		request_fail(rq, error);
	}
	batch_release(b);
}

/* The part that a batch is of ends where the hook got to; the request gets the rest of it back. */
static void batch_advance(struct batch *b)
{
	const struct migoff_batch_info *info = hook_batch(b->mover->hook, b->slot);
	const struct migoff_extent *extents = hook_extents(b->mover->hook, b->slot);
	struct request *rq = b->request;
	struct part rest = b->part;
	uint64_t bytes = 0;
	int r;

	for (uint32_t i = 0; i < info->n_extents; i++)
		bytes += extents[i].len;
	r = part_advance(&rq->plan, &rest, b->n_ranges, info, bytes);
	if (r < 0)
		request_fail(rq, r);
	request_take_back(rq, &rest);
	request_progress(rq, bytes);
}

/*
 * A few pages of large folios are much to copy, whatever was asked for: what comes is taken to be as
 * what came was.
 */
static void request_look_again(struct mover *m, struct request *rq, uint64_t bytes_taken)
{
	double larger;

	rq->taken += bytes_taken;
	if (rq->wants_engine || rq->taken <= rq->progress)
		return;
	larger = (double)rq->taken / (double)rq->progress;
	rq->wants_engine = policy_wants_engine(
		&m->policy, (uint64_t)(larger * (double)(rq->plan.pages * REQUEST_PAGE_SIZE)));
}

static void batch_learn_prepared(struct batch *b)
{
	uint64_t bytes = hook_batch(b->mover->hook, b->slot)->bytes_taken;

	if (!b->device)
		return;
	policy_flow_prepared(&b->device->flow, bytes, clock_now_ns() - b->prepare_began_ns);
	if (bytes)
		b->device->line.batch_bytes = bytes;
}

static void batch_prepared(struct loop_op *op, int res)
{
	struct batch *b = container_of(op, struct batch, op);
	struct mover *m = b->mover;
	struct request *rq = b->request;

	rq->n_preparing--;
	if (b->device)
		b->device->line.n_preparing--;
	if (res < 0) {
		prepare_failed(b, res);
		return;
	}
	rq->n_retries = 0;
	batch_learn_prepared(b);
	batch_advance(b);
	if (res == 0) {
		m->n_ahead--;
		batch_account(b, true);
		batch_release(b);
	} else if (m->stopping || request_unwanted(rq, clock_now_ns())) {
		m->n_ahead--;
		batch_plan(b, NULL, 0, 0, FALLBACK_NO_ENGINE);
		batch_finish(b, MIGOFF_CMD_ABORT);
	} else {
		request_look_again(m, rq, hook_batch(m->hook, b->slot)->bytes_taken);
		copy_begin(b);
	}
}

bool request_has_more(const struct request *rq)
{
	return rq->n_left || rq->rest.n_pages;
}

/* What was left comes first, so that there is never more of it than there were PREPAREs. */
static void batch_take_part(struct batch *b, struct request *rq, uint64_t bytes)
{
	uint32_t max_ranges = hook_limits(b->mover->hook)->n_extents;

	if (rq->n_left)
		b->part = rq->left[--rq->n_left];
	else
		b->part = part_cut(&rq->plan, &rq->rest, bytes, max_ranges);
	b->n_ranges = 0;
	if (!(rq->plan.flags & RING_WHOLE))
		b->n_ranges = part_ranges(&rq->plan, &b->part, b->ranges);
}

void mover_prepare(struct mover *m, struct batch *b, struct request *rq, struct device *d)
{
	const struct request_plan *plan = &rq->plan;
	bool whole = plan->flags & RING_WHOLE;
	uint64_t bytes = mover_batch_bytes(m, d);

	b->state = BATCH_PREPARING;
	b->request = rq;
	b->device = d;
	if (d)
		d->line.n_preparing++;
	batch_take_part(b, rq, bytes);
	b->prepare = (struct migoff_prepare){
		.size = sizeof(b->prepare),
		.flags = (plan->flags & RING_MOVE_ALL ? MIGOFF_PREPARE_MOVE_ALL : 0) |
			 (whole ? MIGOFF_PREPARE_WHOLE : 0),
		.slot = b->slot,
		.pidfd = rq->target->spec.pidfd,
		.pagemap_fd = rq->target->spec.pagemap_fd,
		.to_node = plan->to_node,
		.min_order = policy_min_order(&m->policy),
		.n_ranges = b->n_ranges,
		.ranges = whole ? 0 : (uintptr_t)b->ranges,
		.cursor_va = whole ? b->part.va : 0,
		.max_bytes = bytes,
	};
	memcpy(b->prepare.from_nodes, plan->from_nodes, sizeof(b->prepare.from_nodes));
	rq->n_preparing++;
	rq->n_batches++;
	m->n_busy++;
	m->n_ahead++;
	b->op.done = batch_prepared;
	b->prepare_began_ns = clock_now_ns();
	hook_prepare(m->hook, m->loop, &b->op, &b->prepare);
}

static void mover_arm_wake(struct mover *m, struct client *const *clients, uint32_t n,
			   uint64_t now_ns)
{
	uint64_t next = MIN(schedule_next_time(clients, n, now_ns), copy_next_time(m));

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
	copy_check_slow(m, now_ns);
	schedule_batches(m, clients, n, now_ns);
	copy_feed(m);
	mover_arm_wake(m, clients, n, now_ns);
}
