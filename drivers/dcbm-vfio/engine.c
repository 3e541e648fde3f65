/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "engine_driver.h"
#include "macros.h"

#define TIMEOUT_DEFAULT_MS 500
/* What the slowest engine worth having copies; the time its work in flight may take follows. */
#define SLOWEST_BYTES_PER_SEC (100 * UINT64_C(1000000))
#define NSEC_PER_BYTE (NSEC_PER_SEC / SLOWEST_BYTES_PER_SEC)

/* Written by the owner alone, read by others: each value by itself is whole. */
#define stat_add(stat, n) __atomic_store_n(&(stat), (stat) + (n), __ATOMIC_RELAXED)
#define stat_get(stat) __atomic_load_n(&(stat), __ATOMIC_RELAXED)

int engine_init(struct engine *e, const struct engine_ops *ops, const struct engine_caps *caps)
{
	uint32_t n = 1;

	assert(caps->ring_size > 0 && caps->max_len > 0 && caps->align > 0 &&
	       caps->congruence > 0);
	/* Places are found by a mask: divisions would be most of what an item costs. */
	while (n < caps->ring_size)
		n *= 2;

	e->ops = ops;
	e->caps = *caps;
	e->caps.max_item = caps->max_len * caps->ring_size;
	e->caps.n_channels = MAX(caps->n_channels, 1u);
	e->mask = n - 1;
	e->events = true;
	e->event_fd = -1;
	e->request_fd = -1;
	e->error_fd = -1;
	e->identity.node = -1;
	e->identity.group = -1;
	e->identity.device_fd = -1;
	e->reason = "";
	e->timeout_ns = TIMEOUT_DEFAULT_MS * NSEC_PER_MSEC;
	e->items = calloc(n, sizeof(*e->items));
	e->slots = calloc(n, sizeof(*e->slots));
	e->done = calloc(n, sizeof(*e->done));
	if (!e->items || !e->slots || !e->done) {
		engine_done(e);
		return -ENOMEM;
	}
	return 0;
}

void engine_done(struct engine *e)
{
	free(e->items);
	free(e->slots);
	free(e->done);
	e->items = NULL;
	e->slots = NULL;
	e->done = NULL;
}

static struct engine_item *item_at(struct engine *e, uint64_t index)
{
	return &e->items[index & e->mask];
}

static struct engine_slot *slot_at(struct engine *e, uint64_t number)
{
	return &e->slots[number & e->mask];
}

static void engine_set_state(struct engine *e, enum engine_state state, const char *reason)
{
	__atomic_store_n(&e->reason, reason, __ATOMIC_RELEASE);
	__atomic_store_n(&e->state, state, __ATOMIC_RELEASE);
	e->complaint = NULL;
}

/* What the driver has said is worth more than @reason. */
static int engine_fail(struct engine *e, int error, const char *reason)
{
	e->error = error;
	engine_set_state(e, ENGINE_FAILED, e->complaint ? e->complaint : reason);
	return error;
}

static bool engine_busy(const struct engine *e)
{
	return e->desc_head < e->desc_submitted;
}

/* From now on, for what is in flight. */
static void engine_grant_time(struct engine *e)
{
	e->deadline_ns = clock_now_ns() + e->timeout_ns + e->bytes_in_flight * NSEC_PER_BYTE;
}

static void engine_note_idle(struct engine *e)
{
	if (!e->busy_since_ns)
		return;
	stat_add(e->stats.busy_ns, clock_now_ns() - e->busy_since_ns);
	e->busy_since_ns = 0;
	e->deadline_ns = 0;
}

static void item_finish(struct engine *e, uint64_t index)
{
	struct engine_item *item = item_at(e, index);

	item->finished = true;
	e->done[e->done_tail++ & e->mask] = index;
}

void engine_desc_done(struct engine *e, uint64_t number, enum engine_status status)
{
	struct engine_slot *slot = slot_at(e, number);
	struct engine_item *item = item_at(e, slot->item);

	assert(number >= e->desc_head && number < e->desc_submitted && !slot->done);

	slot->done = true;
	while (e->desc_head < e->desc_submitted && slot_at(e, e->desc_head)->done)
		e->desc_head++;
	e->bytes_in_flight -= slot->len;
	e->progress = true;

	/* The first thing that went wrong is what the item is reported with. */
	if (item->status == ENGINE_COPIED)
		item->status = status;
	if (--item->n_left == 0)
		item_finish(e, slot->item);
}

/* The device is at rest: whatever it did not finish will not be finished. */
static void engine_cancel_all(struct engine *e, enum engine_status submitted)
{
	for (uint64_t n = e->desc_head; n < e->desc_tail; n++) {
		struct engine_slot *slot = slot_at(e, n);
		struct engine_item *item = item_at(e, slot->item);

		if (slot->done || item->finished)
			continue;
		if (item->status == ENGINE_COPIED)
			item->status = n < e->desc_submitted ? submitted : ENGINE_CANCELLED;
		item_finish(e, slot->item);
	}
	e->desc_head = e->desc_tail;
	e->desc_submitted = e->desc_tail;
	e->bytes_in_flight = 0;
	e->bytes_enqueued = 0;
	e->poison_next = false;
	engine_note_idle(e);
}

/* Let finished work in; find out that there is none where there should be. */
static void engine_reap(struct engine *e)
{
	int r;

	e->progress = false;
	r = e->ops->reap(e);
	if (!engine_busy(e))
		engine_note_idle(e);
	else if (e->progress)
		engine_grant_time(e);
	if (r < 0) {
		engine_fail(e, -EIO, "the device reported an error and halted");
	} else if (e->deadline_ns && clock_now_ns() > e->deadline_ns) {
		stat_add(e->stats.timeouts, 1);
		engine_fail(e, -ETIMEDOUT, "the device finished nothing before the deadline");
	}
}

static int engine_quiesce(struct engine *e)
{
	enum engine_status status = ENGINE_CANCELLED;
	int r;

	/* What is finished by now is not to be called cancelled. */
	if (e->state == ENGINE_RUNNING)
		engine_reap(e);
	if (e->state == ENGINE_FAILED && e->error == -ETIMEDOUT)
		status = ENGINE_TIMED_OUT;
	r = e->ops->stop(e);
	engine_cancel_all(e, status);
	return r;
}

int engine_start(struct engine *e)
{
	int r;

	if (e->state != ENGINE_STOPPED)
		return -EINVAL;
	r = e->ops->start(e);
	if (r < 0)
		return engine_fail(e, r, "the device did not start");
	engine_set_state(e, ENGINE_RUNNING, "");
	return 0;
}

int engine_stop(struct engine *e)
{
	int r;

	r = engine_quiesce(e);
	if (r < 0)
		return engine_fail(e, r, "the device did not stop");
	engine_set_state(e, ENGINE_STOPPED, "");
	return 0;
}

int engine_recover(struct engine *e)
{
	int r;

	/* A device that does not stop as it should may still come back after its reset. */
	engine_quiesce(e);
	if (e->ops->reset) {
		r = e->ops->reset(e);
		if (r < 0)
			return engine_fail(e, r, "the reset of the device failed");
	}
	r = e->ops->start(e);
	if (r < 0)
		return engine_fail(e, r, "the device did not start again");
	stat_add(e->stats.recoveries, 1);
	engine_set_state(e, ENGINE_RUNNING, "");
	return 0;
}

struct engine *engine_close(struct engine *e)
{
	if (!e)
		return NULL;
	engine_quiesce(e);
	e->ops->close(e);
	return NULL;
}

static int engine_check(const struct engine *e, uint64_t src, uint64_t dst, uint64_t len)
{
	const struct engine_caps *caps = &e->caps;

	if (len == 0 || !IS_ALIGNED(src | dst | len, caps->align) ||
	    !IS_ALIGNED(src ^ dst, caps->congruence))
		return -EINVAL;
	if (len > caps->max_item)
		return -EMSGSIZE;
	if (src > caps->address_mask || len - 1 > caps->address_mask - src ||
	    dst > caps->address_mask || len - 1 > caps->address_mask - dst)
		return -ERANGE;
	/* As distances, for the last byte may be the last there is. */
	if ((src <= dst && dst - src < len) || (dst < src && src - dst < len))
		return -EINVAL;
	return 0;
}

static void engine_queue(struct engine *e, uint64_t index, uint64_t src, uint64_t dst,
			 uint64_t len)
{
	struct engine_desc desc = {
		.number = e->desc_tail++,
		.item = index,
		.src = src,
		.dst = dst,
		.len = len,
		.poison = e->poison_next,
	};

	*slot_at(e, desc.number) = (struct engine_slot) { .item = index, .len = len };
	e->poison_next = false;
	e->ops->queue(e, &desc);
	stat_add(e->stats.descriptors, 1);
}

int engine_enqueue(struct engine *e, uint64_t src, uint64_t dst, uint64_t len, uint64_t *ret_index)
{
	uint64_t index = e->item_tail, max_len = e->caps.max_len;
	uint32_t n_desc;
	int r;

	if (e->state != ENGINE_RUNNING)
		return -ENODEV;
	r = engine_check(e, src, dst, len);
	if (r < 0)
		return r;
	n_desc = len <= max_len ? 1 : (uint32_t)((len - 1) / max_len + 1);
	if (n_desc > engine_capacity(e))
		return -ENOSPC;

	*item_at(e, index) = (struct engine_item) { .len = len, .n_left = n_desc };
	e->item_tail++;
	for (uint64_t at = 0; at < len; at += max_len)
		engine_queue(e, index, src + at, dst + at, MIN(max_len, len - at));
	e->bytes_enqueued += len;
	*ret_index = index;
	return 0;
}

int engine_submit(struct engine *e)
{
	uint64_t granted;
	int r;

	if (e->state != ENGINE_RUNNING)
		return -ENODEV;
	if (e->desc_submitted == e->desc_tail)
		return 0;

	granted = e->bytes_enqueued * NSEC_PER_BYTE;
	if (!engine_busy(e)) {
		e->busy_since_ns = clock_now_ns();
		e->deadline_ns = e->busy_since_ns + e->timeout_ns;
	}
	e->deadline_ns += granted;
	e->bytes_in_flight += e->bytes_enqueued;
	e->bytes_enqueued = 0;
	e->desc_submitted = e->desc_tail;
	stat_add(e->stats.submits, 1);

	r = e->ops->flush(e);
	if (r < 0)
		return engine_fail(e, r, "the device did not take the work");
	return 0;
}

static void engine_report(struct engine *e, struct engine_result *ret)
{
	uint64_t index = e->done[e->done_head++ & e->mask];
	struct engine_item *item = item_at(e, index);

	*ret = (struct engine_result) { .index = index, .status = item->status };
	item->reported = true;
	while (e->item_head < e->item_tail && item_at(e, e->item_head)->reported)
		e->item_head++;

	if (item->status == ENGINE_COPIED) {
		stat_add(e->stats.items, 1);
		stat_add(e->stats.bytes, item->len);
	} else if (item->status == ENGINE_CANCELLED) {
		stat_add(e->stats.cancelled, 1);
	} else {
		stat_add(e->stats.errors, 1);
	}
}

int engine_completed(struct engine *e, struct engine_result *ret_results, size_t n)
{
	size_t got = 0;

	if (e->state == ENGINE_RUNNING)
		engine_reap(e);
	while (got < n && e->done_head < e->done_tail)
		engine_report(e, &ret_results[got++]);
	if (got > 0)
		return (int)got;
	return e->state == ENGINE_FAILED ? e->error : 0;
}

uint32_t engine_capacity(const struct engine *e)
{
	uint64_t n_items = e->item_tail - e->item_head, n_descs = e->desc_tail - e->desc_head;

	/* Out of order, a finished item keeps its place until those before it are reported. */
	return e->caps.ring_size - (uint32_t)MAX(n_items, n_descs);
}

uint32_t engine_in_flight(const struct engine *e)
{
	return (uint32_t)(e->item_tail - e->item_head);
}

int engine_event_fd(const struct engine *e)
{
	return e->event_fd;
}

int engine_request_fd(const struct engine *e)
{
	return e->request_fd;
}

int engine_error_fd(const struct engine *e)
{
	return e->error_fd;
}

void engine_set_events(struct engine *e, bool on)
{
	e->events = on;
}

uint64_t engine_deadline(const struct engine *e)
{
	return e->state == ENGINE_RUNNING ? e->deadline_ns : 0;
}

void engine_set_timeout(struct engine *e, unsigned int timeout_ms)
{
	e->timeout_ns = timeout_ms * NSEC_PER_MSEC;
	if (engine_busy(e))
		engine_grant_time(e);
}

int engine_inject_error(struct engine *e)
{
	if (!e->caps.can_inject)
		return -EOPNOTSUPP;
	e->poison_next = true;
	return 0;
}

int engine_dma_alloc(struct engine *e, size_t size, struct dma_area *ret, struct why *why)
{
	if (e->ops->dma_alloc)
		return e->ops->dma_alloc(e, size, ret, why);
	return e->transport->ops->dma_alloc(e->transport, size, ret, why);
}

void engine_dma_free(struct engine *e, struct dma_area *area)
{
	if (e->ops->dma_free)
		e->ops->dma_free(e, area);
	else
		e->transport->ops->dma_free(e->transport, area);
}

const struct engine_caps *engine_caps(const struct engine *e)
{
	return &e->caps;
}

const struct engine_identity *engine_identity(const struct engine *e)
{
	return &e->identity;
}

enum engine_state engine_state(const struct engine *e)
{
	return __atomic_load_n(&e->state, __ATOMIC_ACQUIRE);
}

const char *engine_reason(const struct engine *e)
{
	return __atomic_load_n(&e->reason, __ATOMIC_ACQUIRE);
}

void engine_stats(const struct engine *e, struct engine_stats *ret)
{
	*ret = (struct engine_stats) {
		.items = stat_get(e->stats.items),
		.bytes = stat_get(e->stats.bytes),
		.descriptors = stat_get(e->stats.descriptors),
		.submits = stat_get(e->stats.submits),
		.errors = stat_get(e->stats.errors),
		.cancelled = stat_get(e->stats.cancelled),
		.timeouts = stat_get(e->stats.timeouts),
		.recoveries = stat_get(e->stats.recoveries),
		.busy_ns = stat_get(e->stats.busy_ns),
	};
}

const char *engine_status_name(enum engine_status status)
{
	static const char *const names[_ENGINE_STATUS_MAX] = {
		[ENGINE_COPIED] = "copied",
		[ENGINE_CANCELLED] = "cancelled",
		[ENGINE_READ_ERROR] = "read error",
		[ENGINE_WRITE_ERROR] = "write error",
		[ENGINE_REFUSED] = "refused",
		[ENGINE_DEVICE_ERROR] = "device error",
		[ENGINE_TIMED_OUT] = "timed out",
	};

	return names[status];
}

const char *engine_state_name(enum engine_state state)
{
	static const char *const names[] = {
		[ENGINE_STOPPED] = "stopped",
		[ENGINE_RUNNING] = "running",
		[ENGINE_FAILED] = "failed",
	};

	return names[state];
}
