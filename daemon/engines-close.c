/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How devices are closed: each by a thread of its own. Before the kernel lets go of a device it resets it,
 * and waits for one that is gone for a minute or more; other engines have batches out meanwhile.
 *
 * The thread has the engine for itself, at rest, with nothing of it on the loop. What the steps of
 * closing are, and their order, is the engine's business: engine_close().
 */
#include "engines.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "cleanup.h"
#include "clock.h"
#include "event.h"
#include "macros.h"

/* From closing a device that the host wants back, until that has taken it from its driver. */
#define UNBIND_NS	2000000000ull

/* Many times what is needed; it is locked. */
#define STACK_BYTES	(256u << 10)

static void engines_heard(struct loop_op *op, int res)
{
	struct engines *s = container_of(op, struct engines, closed);

	/* What was closed is looked at by engines_take_closed(), after each round. */
	if (res >= 0)
		event_clear(s->closed_fd);
}

int engines_init(struct engines *s)
{
	s->closed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->closed_fd < 0)
		return -errno;
	s->closed.done = engines_heard;
	return 0;
}

static void *closing_thread(void *arg)
{
	struct closing *c = arg;

	engine_close(c->engine);
	atomic_store_explicit(&c->is_closed, true, memory_order_release);
	event_set(c->set->closed_fd);
	return NULL;
}

/* Signals are blocked in the calling thread, and so in the new one. */
static int closing_begin(struct closing *c)
{
	pthread_attr_t attr;
	int r;

	r = pthread_attr_init(&attr);
	if (r)
		return -r;
	r = pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (!r)
		r = pthread_create(&c->thread, &attr, closing_thread, c);
	pthread_attr_destroy(&attr);
	if (r)
		return -r;
	pthread_setname_np(c->thread, "engine-close");
	return 0;
}

static void device_closed(struct device *d)
{
	if (d->wanted)
		d->not_before_ns = clock_now_ns() + UNBIND_NS;
	d->wanted = false;
	d->state = d->released ? DATAPLANE_ENGINE_RELEASED : DATAPLANE_ENGINE_ABSENT;
	device_changed(d);
}

static void closing_end(struct closing *c)
{
	pthread_join(c->thread, NULL);
	c->engine = NULL;
	c->set->n_closing--;
	if (c->device)
		device_closed(c->device);
}

static struct closing *closing_unused(struct engines *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->closings); i++)
		if (!s->closings[i].engine)
			return &s->closings[i];
	return NULL;
}

static void device_close(struct device *d)
{
	struct engines *s = d->set;
	struct closing *c = closing_unused(s);

	d->withdrawn = d->started = false;
	if (c) {
		*c = (struct closing){ .set = s, .device = d, .engine = d->engine };
		memcpy(c->spec, d->spec, sizeof(c->spec));
		if (closing_begin(c) >= 0) {
			s->n_closing++;
			d->engine = NULL;
			d->state = DATAPLANE_ENGINE_CLOSING;
			device_changed(d);
			return;
		}
		c->engine = NULL;
	}
	/* Without a thread all have to wait. */
	d->engine = engine_close(d->engine);
	device_closed(d);
}

unsigned int engines_close_withdrawn(struct engines *s)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < s->n_devices; i++) {
		struct device *d = &s->devices[i];

		if (!d->engine || !d->withdrawn)
			continue;
		assert(device_is_quiet(d));
		device_close(d);
		n++;
	}
	return n;
}

bool engines_take_closed(struct engines *s)
{
	bool any = false;

	if (!s->n_closing)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(s->closings); i++) {
		struct closing *c = &s->closings[i];

		if (!c->engine || !atomic_load_explicit(&c->is_closed, memory_order_acquire))
			continue;
		closing_end(c);
		any = true;
	}
	return any;
}

void engines_listen(struct engines *s)
{
	if (s->n_closing && !s->closed.armed)
		loop_arm_poll(s->loop, &s->closed, s->closed_fd, POLLIN);
}

void engines_fini(struct engines *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->closings); i++)
		if (s->closings[i].engine)
			closing_end(&s->closings[i]);
	s->closed_fd = fd_close(s->closed_fd);
}

bool engines_hold(const struct engines *s, const char *spec)
{
	for (uint32_t i = 0; i < s->n_devices; i++)
		if (s->devices[i].engine && !strcmp(s->devices[i].spec, spec))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(s->closings); i++)
		if (s->closings[i].engine && !strcmp(s->closings[i].spec, spec))
			return true;
	return false;
}

/* One that no device waits for. */
static struct closing *closing_of(struct engines *s, const char *spec)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->closings); i++) {
		struct closing *c = &s->closings[i];

		if (c->engine && !c->device && !strcmp(c->spec, spec))
			return c;
	}
	return NULL;
}

/* The devices of the configuration before are gone; their threads need not be. */
void engines_adopt_closings(struct engines *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->closings); i++)
		s->closings[i].device = NULL;
	for (uint32_t i = 0; i < s->n_devices; i++) {
		struct device *d = &s->devices[i];
		struct closing *c = closing_of(s, d->spec);

		if (!c)
			continue;
		c->device = d;
		d->state = DATAPLANE_ENGINE_CLOSING;
		why_fail(&d->why, 0, "it is still being closed");
	}
}
