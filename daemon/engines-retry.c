/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that are not there, or out of service, and how they come back.
 */
#include "clock.h"
#include "engines.h"
#include "probe.h"

/* Reset, and then a copy that nobody depends on. */
static bool device_comes_back(struct device *d)
{
	struct why why = {};

	if (engine_recover(d->engine) < 0) {
		policy_engine_failed(&d->set->policy, &d->health);
		device_take_out(d, "it does not recover: %s", engine_reason(d->engine));
		return false;
	}
	if (probe_engine(d->engine, &why) < 0) {
		policy_engine_failed(&d->set->policy, &d->health);
		device_take_out(d, "it recovers, but fails at a copy: %s", why.cause);
		return false;
	}
	return true;
}

static void device_retry(struct device *d)
{
	d->n_tries++;
	if (!device_comes_back(d))
		return;
	d->state = DATAPLANE_ENGINE_READY;
	d->why = (struct why){ 0 };
	device_watch(d);
	device_changed(d);
}

bool device_is_missing(const struct device *d, uint64_t now_ns)
{
	return !d->engine && d->state != DATAPLANE_ENGINE_CLOSING && !d->released &&
	       now_ns >= d->not_before_ns && now_ns >= d->health.retry_at_ns;
}

bool engines_missing(const struct engines *s, uint64_t now_ns)
{
	for (uint32_t i = 0; i < s->n_devices; i++)
		if (device_is_missing(&s->devices[i], now_ns))
			return true;
	return false;
}

static bool device_is_out(const struct device *d)
{
	return d->engine && !d->withdrawn && d->state == DATAPLANE_ENGINE_OUT;
}

bool engines_due(const struct engines *s, uint64_t now_ns)
{
	for (uint32_t i = 0; i < s->n_devices; i++)
		if (device_is_out(&s->devices[i]) && now_ns >= s->devices[i].health.retry_at_ns)
			return true;
	return false;
}

void engines_hurry(struct engines *s)
{
	/* 0 would mean that it is in service. */
	for (uint32_t i = 0; i < s->n_devices; i++)
		if (s->devices[i].health.retry_at_ns)
			s->devices[i].health.retry_at_ns = 1;
}

void engines_retry(struct engines *s, uint64_t now_ns)
{
	for (uint32_t i = 0; i < s->n_devices; i++) {
		struct device *d = &s->devices[i];

		if (device_is_out(d) &&
		    policy_engine_retry(&s->policy, &d->health, now_ns))
			device_retry(d);
	}
}
