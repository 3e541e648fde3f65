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
	policy_flow_copied(&b->mover->flow, info->bytes_taken + b->bytes_ahead,
			   now_ns - b->copy_began_ns);
	b->busy = false;
}

/* Nothing is left of it in the engine: it can be committed. */
static void copy_check_done(struct batch *b)
{
	if (b->state != BATCH_COPYING || b->n_ended < b->n_items)
		return;
	if (b->busy)
		copy_stop_clock(b);
	copy_unlist(b);
	mover_commit(b);
}

static void copy_end_item(struct batch *b, const struct batch_item *item, bool copied,
			   enum account_fallback reason)
{
	batch_item_ended(b, item, hook_extents(b->mover->hook, b->slot), copied, reason);
	copy_check_done(b);
}

/* What is its engine's and not enqueued yet. */
static uint64_t copy_bytes_left(const struct batch *b)
{
	uint64_t bytes = 0;

	for (uint32_t i = b->n_enqueued; i < b->n_items; i++)
		bytes += b->items[i].len;
	return bytes;
}

static void copy_give_up(struct batch *b, enum account_fallback reason)
{
	if (b->device)
		b->device->in_flight -= copy_bytes_left(b);
	batch_drop_rest(b, reason);
	copy_check_done(b);
}

void copy_begin(struct batch *b)
{
	struct mover *m = b->mover;
	const struct migoff_batch_info *info = hook_batch(m->hook, b->slot);
	uint64_t time_ns = info->deadline_ns - info->locked_ns, max_item = 0;
	enum account_fallback reason = FALLBACK_SMALL;

	b->device = NULL;
	if (b->request->wants_engine) {
		reason = FALLBACK_NO_ENGINE;
		b->device = engines_choose(m->engines, b->request->plan.to_node);
	}
	if (b->device)
		max_item = engine_caps(b->device->engine)->max_item;
	batch_plan(b, hook_extents(m->hook, b->slot), info->n_extents, max_item, reason);
	b->bytes_ahead = 0;
	if (b->device) {
		b->bytes_ahead = b->device->in_flight;
		b->device->in_flight += copy_bytes_left(b);
		b->device->turn = ++m->engines->turns;
	}
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

static void copy_completed(void *user, struct device *d, const struct engine_result *result)
{
	struct mover *m = user;
	enum account_fallback reason = FALLBACK_ERROR;
	const struct batch_item *item;
	struct batch *b = copy_find_item(m, d, result->index, &item);

	assert(b);
	d->in_flight -= item->len;
	if (result->status < ACCOUNT_N_ENGINE_ERRORS && result->status != ENGINE_COPIED)
		b->engine_errors[result->status]++;
	if (result->status == ENGINE_TIMED_OUT)
		reason = FALLBACK_TIMEOUT;
	else if (d->withdrawn)
		reason = FALLBACK_WITHDRAWN;
	copy_end_item(b, item, result->status == ENGINE_COPIED, reason);
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

/* Return: false when the engine has no room. */
static bool copy_enqueue_next(struct batch *b)
{
	struct device *d = b->device;
	struct batch_item *item = &b->items[b->n_enqueued];
	int r = engine_enqueue(d->engine, item->src, item->dst, item->len, &item->index);

	if (r == -ENOSPC && engine_in_flight(d->engine))
		return false;
	if (r < 0) {
		copy_give_up(b, r == -ENOSPC ? FALLBACK_BUSY : FALLBACK_ERROR);
		return true;
	}
	b->n_enqueued++;
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
		uint32_t d = b->device ? (uint32_t)(b->device - m->engines->devices) : 0;

		while (b->state == BATCH_COPYING && b->n_enqueued < b->n_items && !full[d]) {
			full[d] = !copy_enqueue_next(b);
			fed[d] = true;
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
