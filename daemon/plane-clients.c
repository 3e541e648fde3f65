/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plane-clients.h"

#include <errno.h>

#include "clock.h"
#include "macros.h"
#include "usage.h"

void plane_tell_clients(struct plane *p)
{
	bool ready = plane_ready(p);

	for (uint32_t i = 0; i < p->n_clients; i++)
		client_publish(p->clients[i], ready, &p->config);
}

int plane_find_client(const struct plane *p, uint64_t id)
{
	for (uint32_t i = 0; i < p->n_clients; i++)
		if (p->clients[i]->spec.id == id)
			return (int)i;
	return -ENOENT;
}

int plane_add_client(struct plane *p, const struct dataplane_client *spec)
{
	struct client *c;
	int r;

	if (p->n_clients >= MIN(p->config.max_clients, (uint32_t)PLANE_MAX_CLIENTS))
		return -ENOSPC;
	r = client_new(spec, &p->loop, &c);
	if (r < 0)
		return r;
	client_publish(c, plane_ready(p), &p->config);
	p->clients[p->n_clients++] = c;
	p->changed = true;
	return 0;
}

/* Return: 0 when the message is kept until the client is idle. */
int plane_remove_client(struct plane *p, struct dataplane_msg *msg)
{
	int i = plane_find_client(p, msg->client_id);

	if (i < 0 || p->clients[i]->removal)
		return -ENOENT;
	p->clients[i]->removal = msg;
	client_leave(p->clients[i]);
	return 0;
}

void plane_tell_cut(struct plane *p)
{
	for (uint32_t i = 0; i < p->n_clients; i++) {
		struct client *c = p->clients[i];

		if (!c->cut || c->cut_told)
			continue;
		c->cut_told = true;
		p->n_cut++;
		p->changed = true;
		p->cut(p->user, c->spec.id, c->cut);
	}
}

void plane_share_cpu(struct plane *p)
{
	uint64_t now_ns = usage_cpu_ns(), ns = now_ns - p->cpu_ns, work = p->account->work;

	/* What was spent without work is nobody's. */
	p->cpu_ns = now_ns;
	if (!work)
		return;
	account_share_cpu(p->account, ns, work);
	for (uint32_t i = 0; i < p->n_clients; i++) {
		const struct dataplane_client *spec = &p->clients[i]->spec;

		account_share_cpu(spec->account, ns, work);
		if (spec->uid_account)
			account_share_cpu(spec->uid_account, ns, work);
	}
}

void plane_free_idle(struct plane *p)
{
	for (uint32_t i = 0; i < p->n_clients;) {
		struct client *c = p->clients[i];
		struct dataplane_msg *removal = c->removal;

		if (!removal || !client_is_idle(c)) {
			i++;
			continue;
		}
		plane_share_cpu(p);
		p->clients[i] = p->clients[--p->n_clients];
		client_free(c);
		plane_answer(p, removal);
		p->changed = true;
	}
}

/* Those that end at once do not wait for their turn. */
static void plane_admit_client(struct plane *p, struct client *c, bool refuse, uint64_t now_ns)
{
	for (uint32_t i = 0; i < c->n_waiting && !c->leaving && !c->cut;) {
		struct request *rq = &c->requests[c->waiting[i]];
		int error = refuse ? -ENXIO : request_unwanted(rq, now_ns);

		if (!error && c->n_active >= p->config.max_requests) {
			i++;
			continue;
		}
		rq = client_admit(c, i);
		if (!rq)
			continue;
		mover_admit(&p->mover, rq);
		if (error)
			mover_end(&p->mover, rq, error);
	}
}

void plane_admit(struct plane *p)
{
	uint64_t now_ns = clock_now_ns();
	bool refuse = p->draining || p->stopping || (!p->hook && !p->rebuilding);

	for (uint32_t i = 0; i < p->n_clients; i++)
		plane_admit_client(p, p->clients[i], refuse, now_ns);
}

void plane_end_requests(struct plane *p, int error)
{
	for (uint32_t i = 0; i < p->n_clients; i++) {
		struct client *c = p->clients[i];

		for (uint32_t j = 0; c->n_active && j < RING_N_SLOTS; j++) {
			struct request *rq = &c->requests[j];

			if (rq->state == REQUEST_ACTIVE && !rq->ended)
				mover_end(&p->mover, rq, error);
		}
	}
}
