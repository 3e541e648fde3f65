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
	e->odd = ~(caps->address_mask >> 1);
	e->plain = caps->congruence == 1 && !(e->odd & (caps->max_len - 1));
	e->odd |= caps->align - 1;
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
	e->bytes_before = calloc(n, sizeof(*e->bytes_before));
	e->done = calloc(n, sizeof(*e->done));
	if (!e->items || !e->bytes_before || !e->done) {
		engine_done(e);
		return -ENOMEM;
	}
	return 0;
}

void engine_done(struct engine *e)
{
	free(e->items);
	free(e->bytes_before);
	free(e->done);
	e->items = NULL;
	e->bytes_before = NULL;
	e->done = NULL;
}

static struct engine_item *item_at(struct engine *e, uint64_t index)
{
	return &e->items[index & e->mask];
}

/* Bytes in all items before this one, which is not reported yet or the next to come. */
static uint64_t bytes_before(struct engine *e, uint64_t index)
{
	return index == e->item_tail ? e->bytes_taken : e->bytes_before[index & e->mask];
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
	return e->descs_done < e->descs_submitted;
}

/* From now on, for what is in flight. */
static void engine_grant_time(struct engine *e, uint64_t now_ns)
{
	uint64_t bytes = e->bytes_submitted - e->bytes_finished;

	e->deadline_ns = now_ns + e->timeout_ns + bytes * NSEC_PER_BYTE;
}

static void engine_note_idle(struct engine *e)
{
	if (!e->busy_since_ns)
		return;
	stat_add(e->stats.busy_ns, clock_now_ns() - e->busy_since_ns);
	e->busy_since_ns = 0;
	e->deadline_ns = 0;
}

/* Of items [@first, @first + @n). */
static uint64_t bytes_of(struct engine *e, uint64_t first, uint64_t n)
{
	return bytes_before(e, first + n) - bytes_before(e, first);
}

/* They have ended, and are to be reported so. */
static void items_finish(struct engine *e, uint64_t first, uint32_t n, enum engine_status status)
{
	e->bytes_finished += bytes_of(e, first, n);
	e->done[e->done_tail++ & e->mask] = (struct engine_run) {
		.first = first,
		.n = n,
		.status = status,
	};
}

/* Of an item, @n descriptors have ended. Return: whether they were the last. */
static bool item_progress(struct engine *e, uint64_t index, uint32_t n, enum engine_status status)
{
	struct engine_item *item = item_at(e, index);

	/* The first thing that went wrong is what the item is reported with. */
	if (item->status != ENGINE_COPIED)
		status = item->status;
	if (item->n_more >= n) {
		item->n_more -= n;
		item->status = status;
		return false;
	}
	assert(item->n_more == n - 1);
	*item = (struct engine_item) {};
	items_finish(e, index, 1, status);
	return true;
}

void engine_desc_done(struct engine *e, uint64_t item, enum engine_status status)
{
	assert(item >= e->item_head && item < e->items_submitted);

	e->descs_done++;
	e->progress = true;
	item_progress(e, item, 1, status);
}

void engine_oldest_done(struct engine *e, uint32_t n, enum engine_status status)
{
	assert(n <= e->descs_submitted - e->descs_done);

	if (n == 0)
		return;
	e->descs_done += n;
	e->progress = true;
	if (e->n_extra == 0) {
		items_finish(e, e->item_oldest, n, status);
		e->item_oldest += n;
		return;
	}
	while (n > 0) {
		uint32_t part = MIN(n, item_at(e, e->item_oldest)->n_more + 1);

		e->item_oldest += item_progress(e, e->item_oldest, part, status);
		n -= part;
	}
}

/* Mark items that have ended and are still to be reported, or take the mark away. */
static void items_mark(struct engine *e, uint64_t done_tail, bool ended)
{
	for (uint64_t at = e->done_head; at < done_tail; at++) {
		const struct engine_run *run = &e->done[at & e->mask];

		for (uint32_t i = 0; i < run->n; i++)
			item_at(e, run->first + i)->ended = ended;
	}
}

/* The device is at rest: whatever it did not finish will not be finished. */
static void engine_cancel_all(struct engine *e, enum engine_status submitted)
{
	uint64_t done_tail = e->done_tail;

	items_mark(e, done_tail, true);
	for (uint64_t i = e->item_head; i < e->item_tail; i++) {
		struct engine_item *item = item_at(e, i);
		enum engine_status status = item->status;

		if (item->ended)
			continue;
		if (status == ENGINE_COPIED)
			status = i < e->items_submitted ? submitted : ENGINE_CANCELLED;
		*item = (struct engine_item) {};
		items_finish(e, i, 1, status);
	}
	items_mark(e, done_tail, false);
	e->item_oldest = e->items_submitted = e->item_tail;
	e->descs_done = e->descs_submitted = e->descs_queued;
	e->bytes_submitted = e->bytes_finished = e->bytes_taken;
	e->poison = false;
	engine_note_idle(e);
}

/* Let finished work in; find out that there is none where there should be. */
static void engine_reap(struct engine *e)
{
	uint64_t now_ns;
	int r;

	e->progress = false;
	r = e->ops->reap(e);
	if (!engine_busy(e))
		engine_note_idle(e);
	if (r < 0) {
		engine_fail(e, -EIO, "the device reported an error and halted");
		return;
	}
	if (!engine_busy(e))
		return;
	now_ns = clock_now_ns();
	if (e->progress) {
		engine_grant_time(e, now_ns);
	} else if (now_ns > e->deadline_ns) {
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

int engine_submit(struct engine *e)
{
	int r;

	if (e->state != ENGINE_RUNNING)
		return -ENODEV;
	if (e->items_submitted == e->item_tail)
		return 0;

	if (!engine_busy(e)) {
		e->busy_since_ns = clock_now_ns();
		e->deadline_ns = e->busy_since_ns + e->timeout_ns;
	}
	e->deadline_ns += (e->bytes_taken - e->bytes_submitted) * NSEC_PER_BYTE;
	e->bytes_submitted = e->bytes_taken;
	e->items_submitted = e->item_tail;
	stat_add(e->stats.descriptors, e->descs_queued - e->descs_submitted);
	e->descs_submitted = e->descs_queued;
	stat_add(e->stats.submits, 1);

	r = e->ops->flush(e);
	if (r < 0)
		return engine_fail(e, r, "the device did not take the work");
	return 0;
}

/* Those reported before them, out of order, may be forgotten too. */
static void items_leave(struct engine *e, uint64_t first, uint32_t n)
{
	if (first == e->item_head && e->n_extra == 0)
		e->item_head += n;
	else
		for (uint32_t i = 0; i < n; i++)
			item_at(e, first + i)->ended = true;
	while (e->item_head < e->item_tail && item_at(e, e->item_head)->ended) {
		item_at(e, e->item_head)->ended = false;
		if (e->n_extra > 0)
			e->n_extra -= (uint32_t)((bytes_of(e, e->item_head, 1) - 1) / e->caps.max_len);
		e->item_head++;
	}
}

/* Report items of one run, @n at most. Return: how many. */
static uint32_t engine_report(struct engine *e, struct engine_result *ret_results, size_t n)
{
	struct engine_run *run = &e->done[e->done_head & e->mask];
	uint64_t first = run->first;
	enum engine_status status = run->status;

	n = MIN(n, run->n);
#pragma GCC unroll 4
	for (size_t i = 0; i < n; i++)
		ret_results[i] = (struct engine_result) { .index = first + i, .status = status };
	if (status == ENGINE_COPIED) {
		stat_add(e->stats.items, n);
		stat_add(e->stats.bytes, bytes_of(e, first, n));
	} else if (status == ENGINE_CANCELLED) {
		stat_add(e->stats.cancelled, n);
	} else {
		stat_add(e->stats.errors, n);
	}
	run->first += n;
	run->n -= (uint32_t)n;
	if (run->n == 0)
		e->done_head++;
	items_leave(e, first, (uint32_t)n);
	return (uint32_t)n;
}

int engine_completed(struct engine *e, struct engine_result *ret_results, size_t n)
{
	size_t got = 0;

	if (e->state == ENGINE_RUNNING)
		engine_reap(e);
	while (got < n && e->done_head < e->done_tail)
		got += engine_report(e, ret_results + got, n - got);
	if (got > 0)
		return (int)got;
	return e->state == ENGINE_FAILED ? e->error : 0;
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
		engine_grant_time(e, clock_now_ns());
}
