/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests on their way through the ring. The barriers pair with those of the daemon: a slot is
 * written before the release of its number, and read after the acquire of it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cause.h"
#include "client.h"
#include "macros.h"
#include "nodes.h"
#include "reason.h"

/* Ranges, statuses and extents take a quarter of the data area each: a request that has all fits. */
uint64_t migoff_limit_ranges(const struct migoff *m)
{
	return MIN((uint64_t)RING_MAX_RANGES,
		   m->data_len / 4 / sizeof(struct ring_range));
}

uint64_t migoff_limit_pages(const struct migoff *m)
{
	return m->data_len / 4 / sizeof(int32_t);
}

uint64_t migoff_limit_extents(const struct migoff *m)
{
	return m->data_len / 4 / sizeof(struct ring_extent);
}

static int check_ranges(const struct migoff *m, const struct migoff_request *q, uint64_t *ret_pages)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), end = 0, n = 0;

	if (!q->n_ranges)
		return -EINVAL;
	if (q->n_ranges > migoff_limit_ranges(m))
		return -E2BIG;
	for (uint64_t i = 0; i < q->n_ranges; i++) {
		struct migoff_range range = q->ranges[i];

		if (!range.len || !IS_ALIGNED(range.start | range.len, page) ||
		    range.start < end || range.start + range.len < range.start)
			return -EINVAL;
		end = range.start + range.len;
		n += range.len / page;
	}
	if (q->status && n > migoff_limit_pages(m))
		return -E2BIG;
	*ret_pages = n;
	return 0;
}

static int copy_from_nodes(const struct migoff_request *q, uint64_t words[RING_N_NODE_WORDS])
{
	if (q->n_from_words && !q->from_nodes)
		return -EINVAL;
	for (uint32_t i = 0; i < q->n_from_words; i++) {
		if (i < RING_N_NODE_WORDS)
			words[i] = q->from_nodes[i];
		else if (q->from_nodes[i])
			return -EINVAL;
	}
	/* To the daemon an empty mask means any node: nobody can have meant that by passing one. */
	for (uint32_t i = 0; i < RING_N_NODE_WORDS; i++)
		if (words[i])
			return 0;
	return q->n_from_words ? -EINVAL : 0;
}

static int check_request(const struct migoff *m, const struct migoff_request *q,
			 struct ring_request *ret, uint64_t *ret_pages)
{
	int r;

	if (q->size != sizeof(*q) || q->flags & ~(uint32_t)MIGOFF_MOVE_ALL)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(q->reserved); i++)
		if (q->reserved[i])
			return -EINVAL;
	_Static_assert((int)MIGOFF_REASON_OPERATOR + 1 == (int)_REASON_MAX, "all reasons are public");
	if (q->reserved0 || q->reason > MIGOFF_REASON_OPERATOR)
		return -EINVAL;
	if (q->to_node < 0 || q->to_node >= NODES_MAX)
		return -EINVAL;
	if (!q->extents != !q->n_extents)
		return -EINVAL;
	if (q->n_extents > migoff_limit_extents(m))
		return -E2BIG;
	if (!q->ranges && (q->n_ranges || q->status))
		return -EINVAL;

	ret->flags = q->flags & MIGOFF_MOVE_ALL ? RING_MOVE_ALL : 0;
	ret->to_node = q->to_node;
	ret->reason = q->reason;
	ret->deadline_ns = q->deadline_ns;
	if (q->ranges) {
		r = check_ranges(m, q, ret_pages);
		if (r < 0)
			return r;
	} else {
		ret->flags |= RING_WHOLE;
	}
	return copy_from_nodes(q, ret->from_nodes);
}

static int free_slot(const struct migoff *m, uint32_t *ret)
{
	for (uint32_t i = 0; i < m->n_slots; i++)
		if (!m->flights[i].id) {
			*ret = i;
			return 0;
		}
	return -EAGAIN;
}

static void place_ranges(struct migoff *m, const struct migoff_request *q, uint64_t off,
			 struct ring_request *req)
{
	_Static_assert(sizeof(struct ring_range) == sizeof(struct migoff_range), "same layout");

	req->ranges = off;
	req->n_ranges = q->n_ranges;
	if (q->n_ranges)
		memcpy(m->data + off, q->ranges, q->n_ranges * sizeof(struct ring_range));
}

static void place_status(struct migoff *m, const struct migoff_request *q, uint64_t off,
			 uint64_t n_pages, struct flight *f, struct ring_request *req)
{
	if (!q->status)
		return;
	f->status = q->status;
	f->status_off = req->status = off;
	f->n_status = req->n_status = n_pages;
	for (uint64_t i = 0; i < n_pages; i++)
		((int32_t *)(m->data + off))[i] = -ECANCELED;
}

static void place_extents(const struct migoff_request *q, uint64_t off, struct flight *f,
			  struct ring_request *req)
{
	if (!q->n_extents)
		return;
	f->extents = q->extents;
	f->extents_off = req->extents = off;
	f->n_extents = req->n_extents = q->n_extents;
}

/* Lays ranges, statuses and extents out in the data area. */
static int place_data(struct migoff *m, const struct migoff_request *q, uint64_t n_pages,
		      struct flight *f, struct ring_request *req)
{
	uint64_t ranges_len = ALIGN_UP(q->n_ranges * sizeof(struct ring_range), SPAN_ALIGN);
	uint64_t status_len = q->status ? ALIGN_UP(n_pages * sizeof(int32_t), SPAN_ALIGN) : 0;
	uint64_t extents_len = q->n_extents * sizeof(struct ring_extent);

	if (span_alloc(&m->spans, ranges_len + status_len + extents_len, &f->span) < 0)
		return -EAGAIN;
	place_ranges(m, q, f->span.off, req);
	place_status(m, q, f->span.off + ranges_len, n_pages, f, req);
	place_extents(q, f->span.off + ranges_len + status_len, f, req);
	return 0;
}

static void push(struct migoff *m, uint32_t slot)
{
	struct ring_queue *q = &m->ring->submit;
	uint64_t one = 1;

	atomic_store_explicit(&q->entries[m->submit_tail % RING_N_SLOTS], slot,
			      memory_order_relaxed);
	atomic_store_explicit(&q->tail, ++m->submit_tail, memory_order_release);
	/* It can fail only when it counts up to the limit already: the daemon has not slept through it. */
	(void)!write(m->submit_fd, &one, sizeof(one));
}

int migoff_submit(struct migoff_target *t, const struct migoff_request *q, uint64_t *ret_id)
{
	struct ring_request req = {};
	struct flight f = {};
	struct ring_slot *slot;
	uint64_t n_pages = 0;
	struct migoff *m;
	uint32_t i;
	int r;

	if (!t || !q)
		return -EINVAL;
	m = t->m;
	if (client_lost(m))
		return -EHOSTDOWN;
	if (t->error)
		return t->error;

	r = check_request(m, q, &req, &n_pages);
	if (r < 0)
		return r;
	r = free_slot(m, &i);
	if (r < 0)
		return r;
	r = place_data(m, q, n_pages, &f, &req);
	if (r < 0)
		return r;

	f.id = ++m->last_id;
	f.cookie = q->cookie;
	m->flights[i] = f;

	req.target = t->id;
	slot = &m->ring->slots[i];
	slot->request = req;
	atomic_store_explicit(&slot->progress, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->cancel, 0, memory_order_relaxed);
	push(m, i);
	if (ret_id)
		*ret_id = f.id;
	return 0;
}

/* Returns 1 with a slot, 0, or -EPROTO when the daemon writes nonsense. */
static int pop(struct migoff *m, uint32_t *ret)
{
	struct ring_queue *q = &m->ring->done;
	uint32_t slot;

	if (atomic_load_explicit(&q->tail, memory_order_acquire) == m->done_head)
		return 0;
	slot = atomic_load_explicit(&q->entries[m->done_head % RING_N_SLOTS], memory_order_relaxed);
	atomic_store_explicit(&q->head, ++m->done_head, memory_order_release);
	if (slot >= m->n_slots || !m->flights[slot].id)
		return -EPROTO;
	*ret = slot;
	return 1;
}

static void fill_result(const struct ring_result *from, uint64_t cookie, struct migoff_result *ret)
{
	struct migoff_result full = {
		.size = ret->size,
		.error = from->error,
		.cookie = cookie,
		.n_extents = from->n_extents,
		.pages_asked = from->pages_asked,
		.pages_moved = from->pages_moved,
		.bytes_engine = from->bytes_engine,
		.bytes_cpu = from->bytes_cpu,
		.n_batches = from->n_batches,
		.n_expired = from->n_expired,
		.elapsed_ns = from->elapsed_ns,
		.engine_ns = from->engine_ns,
		.blocked_max_ns = from->blocked_max_ns,
	};

	_Static_assert(sizeof(full.pages_by_cause) == sizeof(from->pages_by_cause), "same number");
	_Static_assert(sizeof(full.folios_engine) == sizeof(from->folios_engine), "same number");
	memcpy(full.pages_by_cause, from->pages_by_cause, sizeof(full.pages_by_cause));
	memcpy(full.folios_engine, from->folios_engine, sizeof(full.folios_engine));
	memcpy(full.folios_cpu, from->folios_cpu, sizeof(full.folios_cpu));
	memcpy(ret, &full, MIN((size_t)ret->size, sizeof(full)));
}

_Static_assert(sizeof(struct ring_extent) == sizeof(struct migoff_extent) &&
		       offsetof(struct ring_extent, flags) == offsetof(struct migoff_extent, flags) &&
		       RING_EXTENT_MOVED == MIGOFF_EXTENT_MOVED &&
		       RING_EXTENT_BY_CPU == MIGOFF_EXTENT_BY_CPU &&
		       RING_EXTENT_SAME == MIGOFF_EXTENT_SAME,
	       "extents are copied from the ring as they are");

static void finish(struct migoff *m, uint32_t i, const struct ring_result *from,
		   struct migoff_result *ret)
{
	struct flight *f = &m->flights[i];

	fill_result(from, f->cookie, ret);
	if (f->status)
		memcpy(f->status, m->data + f->status_off, f->n_status * sizeof(int32_t));
	if (f->extents)
		memcpy(f->extents, m->data + f->extents_off,
		       MIN(from->n_extents, f->n_extents) * sizeof(struct ring_extent));
	span_free(&m->spans, f->span);
	*f = (struct flight){};
}

/* A daemon that has gone will not end what it had: each such request still has its own end. */
static int finish_lost(struct migoff *m, struct migoff_result *ret)
{
	static const struct ring_result gone = { .error = -EHOSTDOWN };

	for (uint32_t i = 0; i < m->n_slots; i++)
		if (m->flights[i].id) {
			finish(m, i, &gone, ret);
			return 1;
		}
	client_silence(m);
	return -EHOSTDOWN;
}

int migoff_reap(struct migoff *m, struct migoff_result *ret)
{
	bool lost;
	uint64_t n;
	uint32_t i;
	int r;

	if (!m || !ret || ret->size < offsetof(struct migoff_result, n_extents))
		return -EINVAL;

	if (!m->ring)
		return -EHOSTDOWN;
	/* Looked at first: what a daemon finished before it went is in the queue then. */
	lost = client_lost(m);
	r = pop(m, &i);
	if (!r) {
		/* Only an empty queue may silence the descriptor; what came in between is seen now. */
		(void)!read(m->done_fd, &n, sizeof(n));
		r = pop(m, &i);
	}
	if (r > 0) {
		finish(m, i, &m->ring->slots[i].result, ret);
		return 1;
	}
	m->lost = lost || r < 0;
	return m->lost ? finish_lost(m, ret) : 0;
}

static int find_flight(const struct migoff *m, uint64_t id, uint32_t *ret)
{
	for (uint32_t i = 0; id && i < m->n_slots; i++)
		if (m->flights[i].id == id) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}

int migoff_progress(const struct migoff *m, uint64_t id, uint64_t *ret_done)
{
	uint32_t i;
	int r;

	r = find_flight(m, id, &i);
	if (r < 0)
		return r;
	*ret_done = atomic_load_explicit(&m->ring->slots[i].progress, memory_order_relaxed);
	return 0;
}

int migoff_cancel(struct migoff *m, uint64_t id)
{
	uint64_t one = 1;
	uint32_t i;
	int r;

	r = find_flight(m, id, &i);
	if (r < 0)
		return r;
	atomic_store_explicit(&m->ring->slots[i].cancel, 1, memory_order_relaxed);
	(void)!write(m->submit_fd, &one, sizeof(one));
	return 0;
}

const char *migoff_cause_name(unsigned int cause)
{
	return cause_name(cause);
}
