/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "schedule.h"

#include "batch.h"
#include "macros.h"

static bool request_wants_batch(const struct request *rq, uint64_t now_ns)
{
	return rq->state == REQUEST_ACTIVE && !rq->ended && request_has_more(rq) &&
	       (rq->n_left || rq->n_preparing < REQUEST_MAX_PARTS) &&
	       rq->not_before_ns <= now_ns;
}

static struct request *client_next_request(struct client *c, uint64_t now_ns)
{
	for (uint32_t i = 1; c->n_active && i <= RING_N_SLOTS; i++) {
		uint32_t slot = (c->last + i) % RING_N_SLOTS;

		if (request_wants_batch(&c->requests[slot], now_ns)) {
			c->last = slot;
			return &c->requests[slot];
		}
	}
	return NULL;
}

static struct request *mover_next_request(struct mover *m, struct client *const *clients, uint32_t n,
					  uint64_t now_ns)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t turn = (m->turn + i) % n;
		struct request *rq = client_next_request(clients[turn], now_ns);

		if (rq) {
			m->turn = (turn + 1) % n;
			return rq;
		}
	}
	return NULL;
}

static struct batch *mover_idle_batch(struct mover *m)
{
	uint32_t n = hook_limits(m->hook)->n_slots;

	for (uint32_t i = 0; i < n; i++)
		if (m->batches[i].state == BATCH_IDLE)
			return &m->batches[i];
	return NULL;
}

/*
 * Pages of a batch are blocked while it waits for an engine that works on another, for one of the
 * CPUs that copy, or for its commit. Hence no more than keep them busy: what an engine has room for; and for
 * the CPUs one more than there are. What the commits do not keep up with is not begun.
 */
static bool mover_has_room(const struct mover *m)
{
	uint32_t n_committing = m->n_busy - m->n_ahead - m->n_cpu;
	unsigned int n_engines = engines_n_usable(m->engines);
	const struct policy_route any = { .to_node = -1 };

	if (n_engines == 0)
		return m->n_ahead + m->n_cpu <= m->copy_workers;
	return m->n_cpu <= m->copy_workers && n_committing <= 2 * n_engines &&
	       engines_choose_next(m->engines, &any);
}

void schedule_batches(struct mover *m, struct client *const *clients, uint32_t n, uint64_t now_ns)
{
	struct policy_route route;
	struct request *rq;
	struct batch *b;

	if (!m->hook || m->paused || m->stopping || m->broken)
		return;
	while (mover_has_room(m) && (b = mover_idle_batch(m)) &&
	       (rq = mover_next_request(m, clients, n, now_ns))) {
		route = request_route(rq);
		mover_prepare(m, b, rq, engines_choose_next(m->engines, &route));
	}
}

static uint64_t client_next_time(const struct client *c, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	/* What waits there is not taken up any more, and what is worked on ends with its batches. */
	if (c->leaving || c->cut)
		return next;
	for (uint32_t i = 0; c->n_active + c->n_waiting && i < RING_N_SLOTS; i++) {
		const struct request *rq = &c->requests[i];

		if (rq->state == REQUEST_FREE || rq->ended)
			continue;
		next = MIN(next, rq->expires_ns);
		if (rq->state == REQUEST_ACTIVE && rq->not_before_ns > now_ns)
			next = MIN(next, rq->not_before_ns);
	}
	return next;
}

static void client_end_unwanted(struct mover *m, struct client *c, uint64_t now_ns)
{
	for (uint32_t i = 0; c->n_active && i < RING_N_SLOTS; i++) {
		struct request *rq = &c->requests[i];
		int error;

		if (rq->state != REQUEST_ACTIVE || rq->ended)
			continue;
		error = request_unwanted(rq, now_ns);
		if (error)
			mover_end(m, rq, error);
	}
}

void schedule_end_unwanted(struct mover *m, struct client *const *clients, uint32_t n,
			   uint64_t now_ns)
{
	for (uint32_t i = 0; i < n; i++)
		client_end_unwanted(m, clients[i], now_ns);
}

uint64_t schedule_next_time(struct client *const *clients, uint32_t n, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < n; i++)
		next = MIN(next, client_next_time(clients[i], now_ns));
	return next;
}
