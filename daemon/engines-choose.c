/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engines.h"

/* The usable ones, as a set. */
static uint32_t engines_usable(const struct engines *s)
{
	uint32_t usable = 0;

	for (uint32_t i = 0; i < s->n_devices; i++)
		if (device_usable(&s->devices[i]))
			usable |= device_bit(&s->devices[i]);
	return usable;
}

unsigned int engines_n_usable(const struct engines *s)
{
	return (unsigned int)__builtin_popcount(engines_usable(s));
}

static struct device *engines_best(struct engines *s, const struct policy_route *route, uint32_t among)
{
	struct policy_engine engines[DATAPLANE_MAX_DEVICES];
	int best;

	for (uint32_t i = 0; i < s->n_devices; i++) {
		const struct device *d = &s->devices[i];
		bool usable = among & device_bit(d);

		engines[i] = (struct policy_engine){
			.usable = usable,
			.node = usable ? engine_identity(d->engine)->node : -1,
			.n_batches = d->line.n_preparing + d->line.n_ready,
			.in_flight = d->in_flight,
			.turn = d->turn,
		};
	}
	best = policy_choose_engine(engines, s->n_devices, route);
	return best < 0 ? NULL : &s->devices[best];
}

struct device *engines_choose(struct engines *s, const struct policy_route *route, uint32_t except)
{
	return engines_best(s, route, engines_usable(s) & ~except);
}

struct device *engines_choose_next(struct engines *s, const struct policy_route *route)
{
	uint32_t among = engines_usable(s);

	for (uint32_t i = 0; i < s->n_devices; i++) {
		const struct device *d = &s->devices[i];

		if (among & device_bit(d) &&
		    !policy_has_room(&s->policy, &d->pace, &d->flow, &d->line))
			among &= ~device_bit(d);
	}
	return engines_best(s, route, among);
}
