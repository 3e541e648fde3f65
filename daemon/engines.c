/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engines.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "hook.h"
#include "macros.h"

#define REAP_BATCH 32

/* How often an engine is looked at that has no descriptor to wait on. */
#define POLL_NS 50000

void device_changed(struct device *d)
{
	d->set->changed(d->set->user);
}

void device_watch(struct device *d)
{
	struct loop *l = d->set->loop;
	int event = engine_event_fd(d->engine), request = engine_request_fd(d->engine);
	int error = engine_error_fd(d->engine);

	/* What cannot be collected would be ready for ever. */
	if (event >= 0 && !d->event.armed && device_usable(d))
		loop_arm_poll(l, &d->event, event, POLLIN);
	if (request >= 0 && !d->request.armed)
		loop_arm_poll(l, &d->request, request, POLLIN);
	if (error >= 0 && !d->error.armed)
		loop_arm_poll(l, &d->error, error, POLLIN);
}

static void device_arm_deadline(struct device *d)
{
	uint64_t at = engine_deadline(d->engine);

	if (!at || d->deadline.op.armed)
		return;
	if (engine_event_fd(d->engine) < 0)
		at = MIN(at, clock_now_ns() + POLL_NS);
	loop_arm_timer(d->set->loop, &d->deadline, at);
}

/* What an engine at rest, or a failed one, has left to report. */
static void device_drain(struct device *d)
{
	struct engine_result results[REAP_BATCH];
	int n;

	while ((n = engine_completed(d->engine, results, ARRAY_SIZE(results))) > 0)
		for (int i = 0; i < n; i++)
			d->set->completed(d->set->user, d, &results[i]);
}

/* It takes nothing until it is tried again. */
static void device_begin_out(struct device *d, const char *cause)
{
	why_fail(&d->why, 0, "%s", cause);
	why_remedy(&d->why, 0, "it is tried again by itself; reload to try now");
	policy_engine_out(&d->set->policy, &d->health, clock_now_ns());
	d->n_outages += d->state == DATAPLANE_ENGINE_READY;
}

void device_take_out(struct device *d, const char *fmt, ...)
{
	char cause[sizeof(d->why.cause)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(cause, sizeof(cause), fmt, args);
	va_end(args);
	device_begin_out(d, cause);
	d->state = DATAPLANE_ENGINE_OUT;
	engine_stop(d->engine);
	device_drain(d);
	device_changed(d);
}

/* The device as a whole has failed: others get what it has in flight, or the CPU. */
static void device_fail(struct device *d)
{
	const char *reason = engine_reason(d->engine);
	bool out = policy_engine_failed(&d->set->policy, &d->health);

	if (out) {
		device_take_out(d, "%s (%u errors in a row)", *reason ? reason : "it is too slow",
				d->health.n_errors);
	} else if (engine_recover(d->engine) < 0) {
		device_drain(d);
		device_take_out(d, "it does not recover: %s", engine_reason(d->engine));
	} else {
		device_drain(d);
	}
	d->set->failed(d->set->user, d);
}

/* One copy has failed; the device as such may be all right. */
static void device_item_failed(struct device *d)
{
	if (policy_engine_failed(&d->set->policy, &d->health)) {
		device_take_out(d, "copies fail (%u errors in a row)", d->health.n_errors);
		d->set->failed(d->set->user, d);
	}
}

static void device_take_result(struct device *d, const struct engine_result *result)
{
	d->set->completed(d->set->user, d, result);
	if (device_usable(d) && result->status != ENGINE_COPIED && result->status != ENGINE_CANCELLED)
		device_item_failed(d);
}

void device_reap(struct device *d)
{
	struct engine_result results[REAP_BATCH];
	int n;

	if (!device_usable(d))
		return;
	do {
		n = engine_completed(d->engine, results, ARRAY_SIZE(results));
		for (int i = 0; i < n; i++)
			device_take_result(d, &results[i]);
	} while (n == ARRAY_SIZE(results));
	if (n < 0 && device_usable(d))
		device_fail(d);
}

static void device_event(struct loop_op *op, int res)
{
	struct device *d = container_of(op, struct device, event);

	if (!device_usable(d) || res < 0)
		return;
	device_reap(d);
	if (device_usable(d))
		device_watch(d);
}

static void device_late(struct loop_op *op, int res)
{
	struct device *d = container_of(op, struct device, deadline.op);

	if (!device_usable(d))
		return;
	device_reap(d);
	if (device_usable(d))
		device_arm_deadline(d);
}

static void device_requested(struct loop_op *op, int res)
{
	struct device *d = container_of(op, struct device, request);

	if (!d->engine || d->withdrawn || res < 0)
		return;
	why_fail(&d->why, 0, "the host wants the device back");
	why_remedy(&d->why, 0, "bind it to vfio-pci again");
	d->wanted = true;
	device_withdraw(d);
}

static void device_errored(struct loop_op *op, int res)
{
	struct device *d = container_of(op, struct device, error);

	if (!d->engine || d->withdrawn || res < 0)
		return;
	/* It has to be closed, and is not opened again before it may be tried. */
	device_begin_out(d, "the bus reported an uncorrectable error of the device");
	device_withdraw(d);
}

void engines_retune(struct engines *s, const struct dataplane_config *config)
{
	s->policy = config->policy;
	s->timeout_ms = config->engine_timeout_ms ?: (uint32_t)(config->deadline_ns / 4000000);
	s->timeout_ms = MAX(s->timeout_ms, 1u);
	for (uint32_t i = 0; i < s->n_devices; i++)
		if (s->devices[i].engine)
			engine_set_timeout(s->devices[i].engine, s->timeout_ms);
}

void engines_configure(struct engines *s, const struct dataplane_config *config)
{
	s->n_devices = 0;
	engines_retune(s, config);
	s->n_devices = config->n_devices;
	for (uint32_t i = 0; i < s->n_devices; i++) {
		struct device *d = &s->devices[i];

		assert(!d->engine);
		*d = (struct device){
			.set = s,
			.state = DATAPLANE_ENGINE_ABSENT,
			.event.done = device_event,
			.request.done = device_requested,
			.error.done = device_errored,
			.deadline.op.done = device_late,
		};
		snprintf(d->spec, sizeof(d->spec), "%s", config->devices[i]);
		why_fail(&d->why, 0, "not opened yet");
	}
	engines_adopt_closings(s);
	snprintf(s->fault, sizeof(s->fault), "%s", config->fault);
}

/* Whether the hook can use what was opened, beside what is open already. */
static bool device_fits(struct device *d)
{
	const struct engine_identity *identity = engine_identity(d->engine);

	if (!hook_accepts(identity, &d->why))
		return false;
	for (uint32_t i = 0; i < d->set->n_devices; i++) {
		const struct device *other = &d->set->devices[i];

		if (other == d || !other->engine || other->withdrawn)
			continue;
		if (engine_identity(other->engine)->window_iova == identity->window_iova)
			continue;
		why_fail(&d->why, 0, "its IOMMU has no room for the batches where that of %s has it",
			 other->spec);
		why_remedy(&d->why, 0, "make that smaller: lower max-batch= or max-batches=; or leave "
			   "one of the two out of devices=");
		return false;
	}
	return true;
}

static bool device_not_opened(struct device *d, const struct why *before)
{
	if (strcmp(before->cause, d->why.cause))
		device_changed(d);
	return false;
}

static bool device_open(struct device *d, uint64_t window_len)
{
	struct why before = d->why;
	char spec[2 * DATAPLANE_SPEC_LEN + 2];
	const char *fault = d->set->fault;

	snprintf(spec, sizeof(spec), "%s%s%s", d->spec, *fault ? "+" : "", fault);
	why_fail(&d->why, 0, "it cannot be opened");
	if (engine_open(spec, window_len, &d->engine, &d->why) < 0)
		return device_not_opened(d, &before);
	if (!device_fits(d)) {
		d->engine = engine_close(d->engine);
		return device_not_opened(d, &before);
	}
	engine_set_timeout(d->engine, d->set->timeout_ms);
	d->state = DATAPLANE_ENGINE_READY;
	d->health.n_errors = 0;
	d->health.back_at_ns = clock_now_ns();
	d->health.retry_at_ns = 0;
	d->why = (struct why){ 0 };
	d->withdrawn = false;
	d->started = false;
	d->line = (struct policy_line){ 0 };
	d->in_flight = 0;
	d->pace = (struct policy_pace){ 0 };
	d->flow = (struct policy_flow){ 0 };
	device_watch(d);
	return true;
}

unsigned int engines_open(struct engines *s, uint64_t window_len)
{
	uint64_t now_ns = clock_now_ns();
	unsigned int n = 0;

	for (uint32_t i = 0; i < s->n_devices; i++) {
		struct device *d = &s->devices[i];

		if (device_is_missing(d, now_ns))
			n += device_open(d, window_len);
	}
	return n;
}

void device_start(struct device *d)
{
	assert(d->engine && !d->withdrawn);
	if (d->started)
		return;
	d->started = true;
	if (engine_start(d->engine) < 0) {
		policy_engine_failed(&d->set->policy, &d->health);
		device_take_out(d, "it does not start: %s", engine_reason(d->engine));
		return;
	}
	device_watch(d);
}

void device_withdraw(struct device *d)
{
	struct loop *l = d->set->loop;

	if (!d->engine || d->withdrawn)
		return;
	d->withdrawn = true;
	engine_stop(d->engine);
	device_drain(d);
	loop_cancel(l, &d->event);
	loop_cancel(l, &d->request);
	loop_cancel(l, &d->error);
	loop_cancel(l, &d->deadline.op);
	d->set->failed(d->set->user, d);
	device_changed(d);
}

bool device_is_quiet(const struct device *d)
{
	return !d->event.armed && !d->request.armed && !d->error.armed && !d->deadline.op.armed;
}

bool device_usable(const struct device *d)
{
	return d->engine && d->started && !d->withdrawn && d->state == DATAPLANE_ENGINE_READY;
}

void device_submit(struct device *d)
{
	if (engine_submit(d->engine) < 0)
		device_fail(d);
	if (device_usable(d))
		device_arm_deadline(d);
}

void device_too_slow(struct device *d)
{
	if (device_usable(d))
		device_fail(d);
}

void device_worked(struct device *d)
{
	if (device_usable(d))
		policy_engine_worked(&d->health, clock_now_ns());
}

void device_lied(struct device *d)
{
	if (device_usable(d))
		device_item_failed(d);
}

struct device *engines_find(struct engines *s, const char *spec)
{
	for (uint32_t i = 0; i < s->n_devices; i++)
		if (!strcmp(s->devices[i].spec, spec))
			return &s->devices[i];
	return NULL;
}
