/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plane.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "macros.h"
#include "plane-clients.h"
#include "setup.h"
#include "usage.h"

/* With work to do, and without: then to look for what is missing, if the control plane did not see it. */
#define TICK_NS		500000000ull
#define RETRY_NS	5000000000ull

/* So long requests wait for devices that are being closed to be opened again. */
#define PATIENCE_NS	(ENGINE_STOP_MS * NSEC_PER_MSEC)

/* The engines' callbacks are the mover's, but for this one. */
static void plane_changed(void *user)
{
	container_of(user, struct plane, mover)->changed = true;
}

void plane_answer(void *user, struct dataplane_msg *msg)
{
	struct plane *p = user;

	msg->result = 0;
	p->answer(p->user, msg);
}

static void plane_arm_tick(struct plane *p)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t at_ns = now_ns + (p->mover.n_requests ? TICK_NS : RETRY_NS);

	if (p->patience_ns > now_ns)
		at_ns = MIN(at_ns, p->patience_ns);
	loop_arm_timer(&p->loop, &p->tick, at_ns);
}

static void plane_ticked(struct loop_op *op, int res)
{
	struct plane *p = container_of(op, struct plane, tick.op);

	p->stale = true;
	if (!p->stopping)
		plane_arm_tick(p);
}

int plane_init(struct plane *p)
{
	/* What can be armed at once: two ops a client, one a slot, four a device, and a few. */
	unsigned int entries = 2 * p->config.max_clients + MIGOFF_MAX_SLOTS +
			       4 * DATAPLANE_MAX_DEVICES + 8;
	int r;

	r = loop_init(&p->loop, entries);
	if (r < 0)
		return r;
	p->engines.loop = &p->loop;
	r = engines_init(&p->engines);
	if (r < 0) {
		loop_fini(&p->loop);
		return r;
	}
	p->engines.changed = plane_changed;
	p->mover.loop = &p->loop;
	p->mover.engines = &p->engines;
	p->mover.policy = p->config.policy;
	p->mover.copy_workers = p->config.copy_workers;
	p->mover.account = p->account;
	p->mover.answer = plane_answer;
	p->mover.user = p;
	p->engines.user = &p->mover;
	mover_init(&p->mover);
	engines_configure(&p->engines, &p->config);
	p->tick.op.done = plane_ticked;
	plane_arm_tick(p);
	why_fail(&p->hook_why, 0, "not opened yet");
	p->rebuilding = true;
	p->cpu_ns = usage_cpu_ns();
	return 0;
}

/* The hook. */

static enum dataplane_verify resolve_verify(struct plane *p)
{
	if (p->config.verify != DATAPLANE_VERIFY_AUTO)
		return p->config.verify;
	for (uint32_t i = 0; i < p->engines.n_devices; i++) {
		const struct device *d = &p->engines.devices[i];

		if (d->engine && !d->withdrawn && !engine_caps(d->engine)->reports_dma_errors)
			return DATAPLANE_VERIFY_SAMPLED;
	}
	return DATAPLANE_VERIFY_OFF;
}

static void plane_open_hook(struct plane *p)
{
	struct why before = p->hook_why;
	struct migoff_setup setup;

	assert(!p->hook);
	p->verify = resolve_verify(p);
	setup = setup_make(&p->config, p->verify);
	for (uint32_t i = 0; i < p->engines.n_devices; i++) {
		const struct device *d = &p->engines.devices[i];

		if (d->engine && !d->withdrawn)
			hook_add_device(&setup, engine_identity(d->engine));
	}
	if (hook_open(p->config.hook, &setup, &p->hook, &p->hook_why) < 0) {
		/* Who looks again and again need not say the same each time. */
		p->changed |= strcmp(before.cause, p->hook_why.cause) != 0;
		return;
	}
	p->changed = true;
	if (mover_set_hook(&p->mover, p->hook) < 0) {
		p->hook = hook_close(p->hook);
		why_fail(&p->hook_why, 0, "out of memory");
		return;
	}
	p->hook_why = (struct why){ 0 };
	for (uint32_t i = 0; i < p->engines.n_devices; i++) {
		struct device *d = &p->engines.devices[i];

		if (d->engine && !d->withdrawn)
			device_start(d);
	}
}

static void plane_withdraw_all(struct plane *p)
{
	for (uint32_t i = 0; i < p->engines.n_devices; i++)
		device_withdraw(&p->engines.devices[i]);
}

static bool plane_devices_quiet(struct plane *p)
{
	for (uint32_t i = 0; i < p->engines.n_devices; i++) {
		const struct device *d = &p->engines.devices[i];

		if (d->withdrawn && !device_is_quiet(d))
			return false;
	}
	return true;
}

static void answer_list(struct plane *p, struct dataplane_msg **list)
{
	while (*list) {
		struct dataplane_msg *msg = *list;

		*list = msg->next;
		plane_answer(p, msg);
	}
}

/* The host can have what was closed. */
static void plane_answer_releases(struct plane *p)
{
	struct dataplane_msg **link = &p->releases;

	while (*link) {
		struct dataplane_msg *msg = *link;

		if (engines_hold(&p->engines, msg->device)) {
			link = &msg->next;
			continue;
		}
		*link = msg->next;
		plane_answer(p, msg);
	}
}

static void plane_apply_reload(struct plane *p)
{
	bool devices;

	if (!p->reload)
		return;
	devices = !setup_same_devices(&p->config, &p->next_config);
	p->config = p->next_config;
	p->mover.policy = p->config.policy;
	p->mover.copy_workers = p->config.copy_workers;
	if (devices)
		engines_configure(&p->engines, &p->config);
	else
		engines_retune(&p->engines, &p->config);
	plane_answer(p, TAKE_PTR(p->reload));
}

/*
 * What a reload opens again has to be closed before: a matter of a moment, unless the kernel does not let go
 * of it. Return: whether to wait for it.
 */
static bool plane_waits_for_closing(struct plane *p)
{
	if (engines_close_withdrawn(&p->engines)) {
		p->patience_ns = clock_now_ns() + PATIENCE_NS;
		/* The next one is in time for that. */
		loop_cancel(&p->loop, &p->tick.op);
	}
	return p->reload && p->engines.n_closing && clock_now_ns() < p->patience_ns;
}

/* Called each round until it is through; see the head of plane.h. */
static void plane_rebuild(struct plane *p)
{
	bool waits;

	p->mover.paused = true;
	if (p->mover.n_busy)
		return;
	if (p->hook) {
		mover_drop_hook(&p->mover);
		p->hook = hook_close(p->hook);
		why_fail(&p->hook_why, 0, "closed while the devices change");
	}
	if (p->reload && !setup_same_devices(&p->config, &p->next_config))
		plane_withdraw_all(p);
	if (!plane_devices_quiet(p))
		return;
	waits = plane_waits_for_closing(p);
	plane_answer_releases(p);
	if (waits)
		return;
	plane_apply_reload(p);
	if (!p->stopping) {
		engines_open(&p->engines, setup_window_len(&p->config));
		plane_open_hook(p);
	}
	p->rebuilding = false;
	p->mover.paused = false;
	p->changed = true;
}

static bool plane_wants_rebuild(const struct plane *p)
{
	if (p->reload || p->mover.broken)
		return true;
	for (uint32_t i = 0; i < p->engines.n_devices; i++)
		if (p->engines.devices[i].withdrawn)
			return true;
	return false;
}

static bool plane_wants_look(const struct plane *p, uint64_t now_ns)
{
	if (p->stopping)
		return false;
	if (now_ns >= p->retry_at_ns && (!p->hook || engines_missing(&p->engines, now_ns)))
		return true;
	return engines_due(&p->engines, now_ns);
}

/*
 * What was not there, or did not work, may now. To find out can take longer than a batch may be out, so
 * none is: PREPAREs pause until the last has ended.
 */
static void plane_look(struct plane *p, uint64_t now_ns)
{
	p->mover.paused = true;
	if (p->mover.n_busy)
		return;
	p->mover.paused = false;
	engines_retry(&p->engines, now_ns);
	if (now_ns < p->retry_at_ns)
		return;
	/* Due at the next tick of an idle plane, not a moment after it. */
	p->retry_at_ns = now_ns + RETRY_NS - TICK_NS;
	if (engines_open(&p->engines, setup_window_len(&p->config))) {
		p->rebuilding = true;
		plane_rebuild(p);
	} else if (!p->hook) {
		plane_open_hook(p);
	}
}

bool plane_ready(const struct plane *p)
{
	return p->hook && !p->draining && !p->stopping && engines_n_usable(&p->engines);
}

/* Messages. */

static void list_add(struct dataplane_msg **list, struct dataplane_msg *msg)
{
	msg->next = *list;
	*list = msg;
}

static int plane_release(struct plane *p, struct dataplane_msg *msg)
{
	struct device *d = engines_find(&p->engines, msg->device);

	if (!d)
		return -ENOENT;
	d->released = true;
	why_fail(&d->why, 0, "given back on request");
	device_withdraw(d);
	list_add(&p->releases, msg);
	return 0;
}

static int plane_reload(struct plane *p, struct dataplane_msg *msg)
{
	if (p->reload)
		return -EBUSY;
	p->reload = msg;
	p->next_config = *msg->config;
	return 0;
}

static void plane_retry(struct plane *p)
{
	for (uint32_t i = 0; i < p->engines.n_devices; i++)
		p->engines.devices[i].released = false;
	engines_hurry(&p->engines);
	p->retry_at_ns = 0;
}

/* Return: 0 when the message is kept, 1 when it is done, or a negative errno. */
static int plane_do(struct plane *p, struct dataplane_msg *msg)
{
	int i;

	switch (msg->op) {
	case DATAPLANE_ADD_CLIENT:
		return plane_add_client(p, &msg->client) ?: 1;
	case DATAPLANE_REMOVE_CLIENT:
		return plane_remove_client(p, msg);
	case DATAPLANE_ADD_TARGET:
		i = plane_find_client(p, msg->target.client);
		return i < 0 ? i : client_target_add(p->clients[i], &msg->target) ?: 1;
	case DATAPLANE_REMOVE_TARGET:
		i = plane_find_client(p, msg->target.client);
		return i < 0 ? i : client_target_remove(p->clients[i], msg->target.id, msg);
	case DATAPLANE_RELOAD:
		return plane_reload(p, msg);
	case DATAPLANE_RETRY:
		plane_retry(p);
		return 1;
	case DATAPLANE_RELEASE:
		return plane_release(p, msg);
	case DATAPLANE_DRAIN:
		p->draining = true;
		list_add(&p->drains, msg);
		return 0;
	case DATAPLANE_UNDRAIN:
		p->draining = false;
		return 1;
	}
	return -EINVAL;
}

void plane_handle(struct plane *p, struct dataplane_msg *msg)
{
	int r = plane_do(p, msg);

	p->changed = true;
	if (r == 0)
		return;
	msg->result = MIN(r, 0);
	p->answer(p->user, msg);
}

/* Rounds. */

void plane_settle(struct plane *p)
{
	uint64_t now_ns = clock_now_ns();
	bool was_busy = p->mover.n_busy;

	if (engines_take_closed(&p->engines))
		p->retry_at_ns = 0;
	/* Before anything is opened again. */
	plane_answer_releases(p);
	p->rebuilding |= plane_wants_rebuild(p);
	if (p->rebuilding)
		plane_rebuild(p);
	else if (plane_wants_look(p, now_ns))
		plane_look(p, now_ns);
	plane_admit(p);
	if (!p->hook && !p->rebuilding)
		plane_end_requests(p, -ENXIO);
	if (p->stopping)
		plane_end_requests(p, -EHOSTDOWN);
	mover_settle(&p->mover, p->clients, p->n_clients);
	plane_tell_cut(p);
	plane_free_idle(p);
	if (p->mover.n_requests == 0)
		answer_list(p, &p->drains);
	if (was_busy && !p->mover.n_busy)
		p->stale = true;
	if (p->changed)
		plane_tell_clients(p);
	engines_listen(&p->engines);
}

void plane_stop(struct plane *p)
{
	p->stopping = true;
	p->mover.stopping = true;
	p->changed = true;
}

bool plane_is_still(const struct plane *p)
{
	return p->mover.n_busy == 0 && p->mover.n_requests == 0;
}

void plane_disarm(struct plane *p)
{
	for (uint32_t i = 0; i < p->n_clients; i++)
		client_leave(p->clients[i]);
	plane_withdraw_all(p);
	loop_cancel(&p->loop, &p->engines.closed);
	loop_cancel(&p->loop, &p->tick.op);
	loop_cancel(&p->loop, &p->mover.wake.op);
}

void plane_fini(struct plane *p)
{
	mover_drop_hook(&p->mover);
	p->hook = hook_close(p->hook);
	engines_close_withdrawn(&p->engines);
	for (uint32_t i = 0; i < p->n_clients; i++)
		client_free(p->clients[i]);
	p->n_clients = 0;
	loop_fini(&p->loop);
}

static void device_status(const struct device *d, struct dataplane_engine *ret)
{
	*ret = (struct dataplane_engine){
		.state = d->state,
		.why = d->why,
		.identity = { .node = -1, .group = -1, .device_fd = -1 },
		.n_errors = d->health.n_errors,
		.n_batches = d->line.n_preparing + d->line.n_ready,
		.n_outages = d->n_outages,
		.n_tries = d->n_tries,
		.retry_at_ns = d->health.retry_at_ns,
		.in_flight = d->in_flight,
	};
	memcpy(ret->spec, d->spec, sizeof(ret->spec));
	if (!d->engine)
		return;
	ret->identity = *engine_identity(d->engine);
	ret->caps = *engine_caps(d->engine);
	engine_stats(d->engine, &ret->stats);
}

void plane_status(const struct plane *p, struct dataplane_status *ret)
{
	const struct policy_route any = { .to_node = -1 };
	const struct device *d = engines_choose(p->mover.engines, &any, 0);

	*ret = (struct dataplane_status){
		.ready = plane_ready(p),
		.hook_ready = p->hook,
		.draining = p->draining,
		.hook_why = p->hook_why,
		.verify = p->verify,
		.max_batch = p->hook ? hook_limits(p->hook)->max_batch : 0,
		.batch_bytes = mover_batch_bytes(&p->mover, d),
		.n_clients = p->n_clients,
		.n_requests = p->mover.n_requests,
		.n_batches = p->mover.n_busy,
		.n_cut = p->n_cut,
		.n_engines = p->engines.n_devices,
	};
	for (uint32_t i = 0; i < p->engines.n_devices; i++)
		device_status(&p->engines.devices[i], &ret->engines[i]);
}
