/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
#include "engine_driver.h"
#include "macros.h"

/* An item that is to be wrong begins with so many bytes (or all that it has) of this value. */
#define SCRIBBLE_LEN UINT64_C(8)
#define SCRIBBLE_BYTE 0xba

enum slot_state {
	SLOT_FREE,
	SLOT_QUEUED,	/* not submitted yet */
	SLOT_COPYING,	/* at the inner engine */
	SLOT_TO_SCRIBBLE,	/* copied; the inner engine is to be asked to spoil it */
	SLOT_SCRIBBLING,	/* being spoilt */
	SLOT_DELAYED,	/* finished, to be reported when it is due */
	SLOT_SWALLOWED,	/* never to be reported */
};

struct fault_slot {
	enum slot_state state;
	enum engine_status status;
	uint64_t number;
	uint64_t item;
	struct engine_desc desc;
	uint64_t due_ns;
};

/*
 * A descriptor of the wrapper is an item of the inner engine. Slots are found by the descriptor's
 * number, counted from the first, modulo the ring; [head, flushed) were submitted, [flushed, tail) are queued. @inner_slot
 * leads from an index of the inner engine, modulo its ring, back to the number. @busy_until_ns is when
 * a device of the configured speed would be done with all that the inner engine has finished.
 */
struct fault {
	struct engine engine;
	struct engine *inner;
	struct fault_config config;
	struct fault_slot *slots;
	uint64_t *inner_slot;
	uint64_t head, flushed, tail;
	struct dma_area scribble;
	uint64_t busy_until_ns;
	bool hanging;
	int timer_fd;
};

static const struct engine_ops fault_ops;

static struct fault *to_fault(struct engine *e)
{
	return container_of(e, struct fault, engine);
}

static struct fault_slot *fault_slot(struct fault *f, uint64_t number)
{
	return &f->slots[number % f->engine.caps.ring_size];
}

/* Items count from 0, people from 1. */
static bool fault_hits(const struct fault_when *when, const struct fault_slot *slot)
{
	uint64_t n = slot->item + 1;

	return (when->at && n == when->at) || (when->every && n % when->every == 0);
}

static void fault_finish(struct fault *f, struct fault_slot *slot, enum engine_status status)
{
	if (fault_hits(&f->config.lost, slot)) {
		slot->state = SLOT_SWALLOWED;
		return;
	}
	slot->state = SLOT_DELAYED;
	slot->status = status;
	f->busy_until_ns = MAX(f->busy_until_ns, clock_now_ns()) +
			   f->config.delay_ns_per_kib * slot->desc.copy.len / 1024;
	slot->due_ns = f->busy_until_ns + f->config.delay_us * NSEC_PER_USEC;
}

/* Hand a copy to the inner engine. Return: whether it took it; if not, later. */
static bool fault_pass(struct fault *f, struct fault_slot *slot, uint64_t src, uint64_t len)
{
	uint64_t index;

	if (engine_enqueue(f->inner, src, slot->desc.copy.dst, len, &index) < 0)
		return false;
	f->inner_slot[index % f->inner->caps.ring_size] = slot->number;
	return true;
}

static void fault_dispatch(struct fault *f, struct fault_slot *slot)
{
	const struct engine_desc *desc = &slot->desc;

	if (fault_hits(&f->config.hang, slot))
		f->hanging = true;
	if (f->hanging) {
		slot->state = SLOT_SWALLOWED;
	} else if (fault_hits(&f->config.error, slot)) {
		fault_finish(f, slot, ENGINE_DEVICE_ERROR);
	} else {
		if (desc->poison)
			engine_inject_error(f->inner);
		slot->state = SLOT_COPYING;
		if (!fault_pass(f, slot, desc->copy.src, desc->copy.len))
			fault_finish(f, slot, ENGINE_DEVICE_ERROR);
	}
}

static void fault_queue(struct engine *e, const struct engine_copy *copies, uint32_t n, uint64_t item)
{
	struct fault *f = to_fault(e);

	for (uint32_t i = 0; i < n; i++, f->tail++)
		*fault_slot(f, f->tail) = (struct fault_slot) {
			.state = SLOT_QUEUED,
			.number = f->tail,
			.item = item + i,
			.desc = { .copy = copies[i], .poison = e->poison },
		};
}

static int fault_set_timer(struct fault *f, uint64_t due_ns)
{
	struct itimerspec when = {
		.it_value.tv_sec = (time_t)(due_ns / NSEC_PER_SEC),
		.it_value.tv_nsec = (long)(due_ns % NSEC_PER_SEC),
	};

	if (timerfd_settime(f->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		return -errno;
	return 0;
}

static int fault_flush(struct engine *e)
{
	struct fault *f = to_fault(e);

	while (f->flushed < f->tail)
		fault_dispatch(f, fault_slot(f, f->flushed++));
	/* What will not pass through the inner engine is announced by the timer. */
	fault_set_timer(f, clock_now_ns());
	return engine_submit(f->inner);
}

static void fault_take_result(struct fault *f, const struct engine_result *result)
{
	uint64_t number = f->inner_slot[result->index % f->inner->caps.ring_size];
	struct fault_slot *slot = fault_slot(f, number);

	if (slot->state == SLOT_COPYING && result->status == ENGINE_COPIED &&
	    fault_hits(&f->config.wrong, slot))
		slot->state = SLOT_TO_SCRIBBLE;
	else
		fault_finish(f, slot, result->status);
}

static int fault_reap_inner(struct fault *f)
{
	struct engine_result results[32];
	int n;

	while ((n = engine_completed(f->inner, results, ARRAY_SIZE(results))) > 0)
		for (int i = 0; i < n; i++)
			fault_take_result(f, &results[i]);
	return n;
}

/* Return: when the slot is to be looked at again; 0 for not by the clock. */
static uint64_t fault_advance(struct fault *f, struct fault_slot *slot, uint64_t now_ns)
{
	/* The area is long enough to begin anywhere that the inner engine's congruence asks for. */
	uint64_t src = f->scribble.iova + (slot->desc.copy.dst & (f->engine.caps.congruence - 1));

	if (slot->state == SLOT_TO_SCRIBBLE &&
	    fault_pass(f, slot, src, MIN(slot->desc.copy.len, SCRIBBLE_LEN)))
		slot->state = SLOT_SCRIBBLING;
	if (slot->state != SLOT_DELAYED)
		return 0;
	if (slot->due_ns > now_ns)
		return slot->due_ns;
	slot->state = SLOT_FREE;
	engine_desc_done(&f->engine, slot->item, slot->status);
	return 0;
}

static int fault_reap(struct engine *e)
{
	struct fault *f = to_fault(e);
	uint64_t now_ns, next_ns = 0;
	int r, halted;

	halted = fault_reap_inner(f);
	now_ns = clock_now_ns();
	for (uint64_t n = f->head; n < f->flushed; n++) {
		uint64_t due_ns = fault_advance(f, fault_slot(f, n), now_ns);

		if (due_ns && (!next_ns || due_ns < next_ns))
			next_ns = due_ns;
	}
	while (f->head < f->flushed && fault_slot(f, f->head)->state == SLOT_FREE)
		f->head++;
	r = fault_set_timer(f, next_ns);
	if (r < 0)
		return r;
	/* What was finished before the inner engine failed is reported first. */
	if (halted < 0)
		return next_ns ? 0 : halted;
	/* The spoiling, if any. */
	return engine_submit(f->inner);
}

static int fault_stop(struct engine *e)
{
	struct fault *f = to_fault(e);
	struct engine_result results[32];
	int r;

	r = engine_stop(f->inner);
	while (engine_completed(f->inner, results, ARRAY_SIZE(results)) > 0)
		;
	f->head = f->flushed = f->tail;
	f->busy_until_ns = 0;
	f->hanging = false;
	fault_set_timer(f, 0);
	return r;
}

static int fault_reset(struct engine *e)
{
	struct fault *f = to_fault(e);

	if (f->config.recover > 0) {
		f->config.recover--;
		return -EIO;
	}
	return 0;
}

static int fault_start(struct engine *e)
{
	struct fault *f = to_fault(e);

	/* An inner engine that did not stop as it should takes more than a start. */
	if (engine_state(f->inner) == ENGINE_FAILED)
		return engine_recover(f->inner);
	return engine_start(f->inner);
}

static int fault_dma_alloc(struct engine *e, size_t size, struct dma_area *ret, struct why *why)
{
	return engine_dma_alloc(to_fault(e)->inner, size, ret, why);
}

static void fault_dma_free(struct engine *e, struct dma_area *area)
{
	engine_dma_free(to_fault(e)->inner, area);
}

/* The inner engine is given up, not closed: a failing open leaves it to the caller. */
static void fault_free(struct fault *f)
{
	engine_dma_free(f->inner, &f->scribble);
	fd_close(f->timer_fd);
	fd_close(f->engine.event_fd);
	engine_done(&f->engine);
	free(f->inner_slot);
	free(f->slots);
	free(f);
}

static void fault_close(struct engine *e)
{
	struct fault *f = to_fault(e);
	struct engine *inner = f->inner;
	struct pollfd gate = { .fd = (int)f->config.close_fd, .events = POLLIN };

	while (gate.fd > 0 && poll(&gate, 1, -1) < 0 && errno == EINTR)
		;
	fault_free(f);
	engine_close(inner);
}

static const struct engine_ops fault_ops = {
	.name = "fault",
	.start = fault_start,
	.stop = fault_stop,
	.reset = fault_reset,
	.queue = fault_queue,
	.flush = fault_flush,
	.reap = fault_reap,
	.dma_alloc = fault_dma_alloc,
	.dma_free = fault_dma_free,
	.close = fault_close,
};

/* One descriptor to wait on: the inner engine's event, or a delay that has passed. */
static int fault_open_events(struct fault *f)
{
	struct epoll_event readable = { .events = EPOLLIN };

	f->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (f->timer_fd < 0)
		return -errno;
	/* An inner engine that can only be polled makes the wrapper one, too. */
	if (engine_event_fd(f->inner) < 0)
		return 0;
	f->engine.event_fd = epoll_create1(EPOLL_CLOEXEC);
	if (f->engine.event_fd < 0 ||
	    epoll_ctl(f->engine.event_fd, EPOLL_CTL_ADD, f->timer_fd, &readable) < 0 ||
	    epoll_ctl(f->engine.event_fd, EPOLL_CTL_ADD, engine_event_fd(f->inner), &readable) < 0)
		return -errno;
	return 0;
}

static int fault_init(struct fault *f, struct why *why)
{
	struct engine_caps caps = *engine_caps(f->inner);
	int r;

	/* Delays and errors overtake each other. */
	caps.in_order = false;
	f->slots = calloc(caps.ring_size, sizeof(*f->slots));
	f->inner_slot = calloc(caps.ring_size, sizeof(*f->inner_slot));
	if (!f->slots || !f->inner_slot)
		return why_fail(why, -ENOMEM, "no memory");
	r = engine_init(&f->engine, &fault_ops, &caps);
	if (r < 0)
		return why_fail(why, r, "no memory");
	r = fault_open_events(f);
	if (r < 0)
		return why_fail(why, r, "no descriptors for events");
	r = engine_dma_alloc(f->inner, caps.congruence + SCRIBBLE_LEN, &f->scribble, why);
	if (r < 0)
		return r;
	memset(f->scribble.va, SCRIBBLE_BYTE, f->scribble.size);
	return 0;
}

int engine_open_fault(struct engine *inner, const struct fault_config *config, struct engine **ret,
		      struct why *why)
{
	struct fault *f = calloc(1, sizeof(*f));
	struct engine *e;
	int r;

	assert(engine_state(inner) == ENGINE_STOPPED && inner->item_tail == 0);
	if (!f)
		return why_fail(why, -ENOMEM, "no memory");
	f->inner = inner;
	f->config = *config;
	f->timer_fd = -1;
	e = &f->engine;
	e->event_fd = -1;
	r = fault_init(f, why);
	if (r < 0) {
		fault_free(f);
		return r;
	}
	e->identity = *engine_identity(inner);
	snprintf(e->identity.driver, sizeof(e->identity.driver), "%.16s+%s",
		 engine_identity(inner)->driver, fault_ops.name);
	e->request_fd = engine_request_fd(inner);
	e->error_fd = engine_error_fd(inner);
	/* Silence is for the wrapper to judge. */
	engine_set_timeout(inner, INT_MAX);
	*ret = e;
	return 0;
}
