/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "copy.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "batch.h"
#include "clock.h"
#include "macros.h"

static void copy_unlist(struct batch *b)
{
	struct mover *m = b->mover;
	uint32_t i = 0;

	while (m->copying[i] != b->slot)
		i++;
	m->n_copying--;
	memmove(&m->copying[i], &m->copying[i + 1], (m->n_copying - i) * sizeof(m->copying[0]));
}

/* What was in line before it took its share of the time. */
static void copy_stop_clock(struct batch *b)
{
	uint64_t now_ns = clock_now_ns();
	const struct migoff_batch_info *info = hook_batch(b->mover->hook, b->slot);

	request_busy_end(b->request, b->mover->account, now_ns);
	if (!b->again && !b->bytes_again)
		policy_flow_copied(&b->device->flow, info->bytes_taken + b->bytes_ahead,
				   now_ns - b->copy_began_ns);
	b->busy = false;
}

/* What is its engine's and not enqueued yet. */
static uint64_t copy_bytes_left(const struct batch *b)
{
	uint64_t bytes = 0;

	for (uint32_t i = b->n_enqueued; i < b->n_items; i++)
		bytes += b->copies[i].len;
	return bytes;
}

static void copy_give_to(struct batch *b, struct device *d)
{
	b->device = d;
	b->tried |= device_bit(d);
	b->bytes_ahead = d->in_flight;
	d->in_flight += copy_bytes_left(b);
	d->line.n_ready++;
	d->turn = ++d->set->turns;
}

/*
 * To the next engine goes what the last one has failed at, if that would be through with it before the rest of
 * the time is the CPU's, even if it took twice as long as is to be expected. No engine gets it twice.
 */
static bool copy_again(struct batch *b)
{
	struct policy_route route = request_route(b->request);
	struct device *d;
	uint64_t ns;

	if (!b->bytes_again)
		return false;
	d = engines_choose(b->mover->engines, &route, b->tried);
	if (!d)
		return false;
	ns = policy_blocked_ns(&d->pace, d->in_flight + b->bytes_again);
	if (clock_now_ns() + 2 * ns >= b->give_up_ns)
		return false;
	batch_plan_again(b);
	copy_give_to(b, d);
	return true;
}

/* When no engine has anything of it any more, it can be committed. */
static void copy_check_done(struct batch *b)
{
	if (b->state != BATCH_COPYING || b->n_ended < b->n_items)
		return;
	if (b->busy)
		copy_stop_clock(b);
	if (b->device)
		b->device->line.n_ready--;
	if (copy_again(b))
		return;
	batch_leave_rest(b);
	copy_unlist(b);
	mover_commit(b);
}

static void copy_give_up(struct batch *b, enum account_fallback reason)
{
	if (b->device)
		b->device->in_flight -= copy_bytes_left(b);
	batch_drop_rest(b, reason);
	copy_check_done(b);
}

/* The engine that it was prepared for, unless that has failed meanwhile. */
static struct device *copy_choose(struct batch *b)
{
	struct policy_route route = request_route(b->request);

	if (b->device && device_usable(b->device))
		return b->device;
	return engines_choose(b->mover->engines, &route, 0);
}

void copy_begin(struct batch *b)
{
	struct mover *m = b->mover;
	const struct migoff_batch_info *info = hook_batch(m->hook, b->slot);
	uint64_t time_ns = info->deadline_ns - info->locked_ns, max_item = 0;
	enum account_fallback reason = FALLBACK_SMALL;
	struct device *d = NULL;

	if (b->request->wants_engine) {
		reason = FALLBACK_NO_ENGINE;
		d = copy_choose(b);
	}
	if (d)
		max_item = engine_caps(d->engine)->max_item;
	batch_plan(b, hook_extents(m->hook, b->slot), info->n_extents, max_item, reason);
	b->bytes_ahead = 0;
	b->device = NULL;
	if (d)
		copy_give_to(b, d);
	b->state = BATCH_COPYING;
	/* So that the rest of its time is left to the CPU. */
	b->give_up_ns = info->locked_ns + time_ns / 2;
	m->copying[m->n_copying++] = b->slot;
	copy_check_done(b);
}

static struct batch *copy_find_item(struct mover *m, const struct device *d, uint64_t index,
				     const struct batch_item **ret)
{
	for (uint32_t i = 0; i < m->n_copying; i++) {
		struct batch *b = &m->batches[m->copying[i]];

		if (b->device == d && (*ret = batch_find_item(b, index)))
			return b;
	}
	return NULL;
}

/* Memory that cannot be read is not for another engine either: the CPU finds out how much of it. */
static bool copy_may_move_on(enum engine_status status)
{
	return status != ENGINE_READ_ERROR;
}

static void copy_completed(void *user, struct device *d, const struct engine_result *result)
{
	struct mover *m = user;
	enum account_fallback reason = FALLBACK_ERROR;
	const struct batch_item *item;
	struct batch *b = copy_find_item(m, d, result->index, &item);

	assert(b);
	d->in_flight -= batch_item_len(b, item);
	if (result->status < ACCOUNT_N_ENGINE_ERRORS && result->status != ENGINE_COPIED)
		b->engine_errors[result->status]++;
	if (result->status == ENGINE_TIMED_OUT)
		reason = FALLBACK_TIMEOUT;
	else if (d->withdrawn)
		reason = FALLBACK_WITHDRAWN;
	if (result->status == ENGINE_COPIED)
		batch_item_copied(b, item, hook_extents(m->hook, b->slot));
	else
		batch_item_failed(b, item, reason, copy_may_move_on(result->status));
	copy_check_done(b);
}

static void copy_failed(void *user, struct device *d)
{
	struct mover *m = user;

	for (uint32_t i = 0; i < m->n_copying;) {
		struct batch *b = &m->batches[m->copying[i]];

		if (b->device == d && !device_usable(d))
			copy_give_up(b, d->withdrawn ? FALLBACK_WITHDRAWN : FALLBACK_ERROR);
		i += b->state == BATCH_COPYING;
	}
}

/* All that the engine takes now. Return: false when it has no room for more. */
static bool copy_enqueue(struct batch *b)
{
	struct device *d = b->device;
	uint64_t index;
	int n = engine_enqueue_all(d->engine, &b->copies[b->n_enqueued], b->n_items - b->n_enqueued,
				   &index);

	if (n == -ENOSPC && engine_in_flight(d->engine))
		return false;
	if (n < 0) {
		copy_give_up(b, n == -ENOSPC ? FALLBACK_BUSY : FALLBACK_ERROR);
		return true;
	}
	batch_enqueued(b, (uint32_t)n, index);
	if (!b->busy) {
		b->busy = true;
		b->copy_began_ns = clock_now_ns();
		request_busy_begin(b->request, b->mover->account, b->copy_began_ns);
	}
	return true;
}

/* The processor may be held up until a device has taken notice: the others get their work first. */
static void copy_ring(struct mover *m, const bool fed[])
{
	for (uint32_t d = 0; d < m->engines->n_devices; d++) {
		if (!fed[d] || !device_usable(&m->engines->devices[d]))
			continue;
		loop_flush(m->loop);
		device_submit(&m->engines->devices[d]);
	}
}

/*
 * Oldest batch first, and none before an older one of the same engine has all it needs. Doorbells
 * come after, for a device that fails at that takes batches off the list.
 */
void copy_feed(struct mover *m)
{
	bool full[DATAPLANE_MAX_DEVICES] = { false }, fed[DATAPLANE_MAX_DEVICES] = { false };

	for (uint32_t i = 0; i < m->n_copying;) {
		struct batch *b = &m->batches[m->copying[i]];

		while (b->state == BATCH_COPYING && b->n_enqueued < b->n_items) {
			/* It may be another one each time. */
			uint32_t d = (uint32_t)(b->device - m->engines->devices);

			if (full[d])
				break;
			fed[d] = true;
			full[d] = !copy_enqueue(b);
		}
		i += b->state == BATCH_COPYING;
	}
	copy_ring(m, fed);
}

/* Past its time: the engine is stopped if it has some of it, for a part cannot be taken back. */
void copy_check_slow(struct mover *m, uint64_t now_ns)
{
	for (uint32_t i = 0; i < m->n_copying;) {
		struct batch *b = &m->batches[m->copying[i]];
		struct device *d = b->device;

		if (now_ns >= b->give_up_ns)
			copy_give_up(b, FALLBACK_TIMEOUT);
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

uint64_t copy_next_time(const struct mover *m)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < m->n_copying; i++)
		next = MIN(next, m->batches[m->copying[i]].give_up_ns);
	return next;
}

void copy_init(struct mover *m)
{
	m->engines->completed = copy_completed;
	m->engines->failed = copy_failed;
}
