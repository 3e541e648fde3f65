/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy.h"

#include "macros.h"

#define PAGE_SIZE	4096ull
#define PAGE_SHIFT	12
#define MIB		(1ull << 20)

/*
 * Before anything was measured: 1 GB/s, slower than any engine or CPU that migoff is made for, and a
 * fixed cost that leaves room for the rest of a batch's life. Later the fixed cost is still guessed, with
 * the weight of half a batch, and at no more than a quarter of what batches take: without it batches of
 * one size would not tell what a smaller one takes.
 */
#define GUESS_NS_PER_MIB	1000000.0
#define GUESS_FIXED_NS		500000.0
#define GUESS_FIXED_SHARE	4
#define GUESS_WEIGHT		0.5

/* Each batch leaves those before it this much of their weight. */
#define PACE_DECAY		(31.0 / 32)

/* A batch that took longer than this many times what was expected tells of something else. */
#define PACE_OUTLIER		4.0
/* As soon as so many are known that something can be expected. */
#define PACE_KNOWN		4.0

/*
 * So many in a row that took less than this share of what was expected: what is known is of another time. Large
 * batches count for more in a line than the small ones that a slow spell leaves, which would hardly move it. A
 * mixture of slow and quick ones has no such rows, and stays what it is.
 */
#define PACE_QUICK		0.75
#define PACE_QUICK_ROW		16

/* As much as can be told apart; no batch is as large, or takes as long. */
#define PACE_MAX_MIB		1e6
#define PACE_MAX_NS		1e12

/* The first batch: nobody knows how long it takes. */
#define FIRST_BYTES		(2 * MIB)

/* Far beyond any batch, and nowhere near an overflow. */
#define LIMIT_MAX		(1ull << 40)

/* Longer than anything lasts, and nowhere near an overflow when it is added to a time. */
#define TIME_MAX		(1ull << 62)

/* Weight of a new measurement of the flow: an eighth. */
#define FLOW_SHIFT		3

unsigned int policy_min_order(const struct policy_config *c)
{
	unsigned int order = 0;

	while (order < 63 - PAGE_SHIFT && (PAGE_SIZE << order) < c->min_folio)
		order++;
	return order;
}

bool policy_wants_engine(const struct policy_config *c, uint64_t bytes)
{
	return bytes >= c->min_request;
}

/* Least squares. */
static void line_through(const struct policy_line_sums *p, double *ret_fixed, double *ret_rate)
{
	double guess = MIN(GUESS_FIXED_NS, p->y / MAX(p->w, 1.0) / GUESS_FIXED_SHARE);
	double w = p->w + GUESS_WEIGHT, y = p->y + GUESS_WEIGHT * guess;
	double fixed = GUESS_FIXED_NS, rate = GUESS_NS_PER_MIB;

	if (p->w > 0) {
		rate = MAX((w * p->xy - p->x * y) / (w * p->xx - p->x * p->x), 0.0);
		fixed = (y - rate * p->x) / w;
	}
	if (fixed < 0) {
		fixed = 0;
		rate = p->xy / p->xx;
	}
	*ret_fixed = fixed;
	*ret_rate = MAX(rate, 1.0);
}

uint64_t policy_blocked_ns(const struct policy_pace *pace, uint64_t bytes)
{
	double fixed, rate;

	line_through(&pace->known, &fixed, &rate);
	return (uint64_t)MIN(fixed + rate * ((double)bytes / MIB), PACE_MAX_NS);
}

uint64_t policy_batch_bytes(const struct policy_config *c, const struct policy_pace *pace,
			    uint64_t hook_max, unsigned int depth)
{
	uint64_t bytes = MIN(c->max_batch, hook_max);
	double fixed, rate, mib;

	if (c->max_page_blocked_ns) {
		line_through(&pace->known, &fixed, &rate);
		mib = ((double)c->max_page_blocked_ns * 4 / 5 - fixed) / rate / depth;
		mib = MIN(MAX(mib, 0.0), PACE_MAX_MIB);
		bytes = MIN(bytes, (uint64_t)(mib * MIB));
		if (pace->limit || !(pace->known.w > 0))
			bytes = MIN(bytes, pace->limit ?: FIRST_BYTES);
	}
	return MAX(ALIGN_DOWN(bytes, PAGE_SIZE), PAGE_SIZE);
}

bool policy_may_queue(const struct policy_config *c, const struct policy_pace *pace, uint64_t bytes)
{
	if (!c->max_page_blocked_ns)
		return true;
	return pace->known.w > 0 && policy_blocked_ns(pace, 2 * bytes) <= c->max_page_blocked_ns;
}

static void line_add(struct policy_line_sums *p, double mib, double ns)
{
	p->w = p->w * PACE_DECAY + 1;
	p->x = p->x * PACE_DECAY + mib;
	p->y = p->y * PACE_DECAY + ns;
	p->xx = p->xx * PACE_DECAY + mib * mib;
	p->xy = p->xy * PACE_DECAY + mib * ns;
}

/* A folio that is too large by itself does not get smaller; but what is added to it does. */
static void pace_limit(struct policy_pace *p, const struct policy_batch *batch, bool missed)
{
	uint64_t step;

	p->careful |= missed;
	p->limit = p->limit ?: batch->bytes;
	if (missed && batch->n_folios > 1)
		p->limit = MAX(batch->bytes / 2, PAGE_SIZE);
	if (missed || batch->bytes < p->limit / 2)
		return;
	step = p->careful ? p->limit / 8 + PAGE_SIZE : p->limit;
	p->limit = MIN(p->limit + step, LIMIT_MAX);
}

/* A batch took @ns where @expected was expected. */
static void pace_look_back(struct policy_pace *p, double mib, double ns, double expected)
{
	if (ns < expected * PACE_QUICK) {
		line_add(&p->quick, mib, ns);
		p->n_quick++;
	} else {
		p->n_quick = 0;
	}
	if (p->n_quick == PACE_QUICK_ROW) {
		p->known = p->quick;
		p->n_quick = 0;
	}
	if (!p->n_quick)
		p->quick = (struct policy_line_sums){ 0 };
}

bool policy_pace_learn(const struct policy_config *c, struct policy_pace *pace,
		       const struct policy_batch *batch)
{
	uint64_t budget = c->max_page_blocked_ns;
	bool missed = budget && batch->blocked_ns > budget;
	double mib, ns, expected;

	if (batch->bytes == 0)
		return false;
	mib = MIN(((double)batch->bytes + (double)batch->bytes_ahead) / MIB, PACE_MAX_MIB);
	ns = MIN((double)batch->blocked_ns, PACE_MAX_NS);
	expected = (double)policy_blocked_ns(pace, batch->bytes + batch->bytes_ahead);
	line_add(&pace->known, mib,
		 pace->known.w < PACE_KNOWN ? ns : MIN(ns, expected * PACE_OUTLIER));
	pace_look_back(pace, mib, ns, expected);
	if (budget)
		pace_limit(pace, batch, missed);
	return missed;
}

static void flow_average(uint64_t *value, uint64_t bytes, uint64_t ns)
{
	uint64_t sample;

	if (bytes < PAGE_SIZE)
		return;
	sample = (uint64_t)MAX(MIN((double)ns * MIB / (double)bytes, PACE_MAX_NS), 1.0);
	*value = *value ? *value - (*value >> FLOW_SHIFT) + (sample >> FLOW_SHIFT) : sample;
	*value = MAX(*value, (uint64_t)1);
}

void policy_flow_prepared(struct policy_flow *flow, uint64_t bytes, uint64_t ns)
{
	flow_average(&flow->prepare_ns, bytes, ns);
}

void policy_flow_copied(struct policy_flow *flow, uint64_t bytes, uint64_t ns)
{
	flow_average(&flow->copy_ns, bytes, ns);
}

unsigned int policy_n_prepares(const struct policy_flow *flow)
{
	uint64_t n;

	if (!flow->copy_ns)
		return 1;
	n = (flow->prepare_ns + flow->copy_ns - 1) / flow->copy_ns;
	return (unsigned int)MIN(MAX(n, (uint64_t)1), (uint64_t)POLICY_MAX_PREPARES);
}

bool policy_has_room(const struct policy_config *c, const struct policy_pace *pace,
		     const struct policy_flow *flow, const struct policy_line *line)
{
	bool queues = policy_may_queue(c, pace, line->batch_bytes);
	uint32_t n_preparing = queues ? policy_n_prepares(flow) : 1;

	return line->n_preparing < n_preparing &&
	       line->n_preparing + line->n_ready < n_preparing + queues;
}

/* The parts of a route, as far as an engine is from them. */
enum distance {
	AT_DESTINATION,
	AT_SOURCE,
	ELSEWHERE,
};

static bool route_comes_from(const struct policy_route *route, int node)
{
	uint64_t any = 0;

	for (size_t i = 0; route->from_nodes && i < POLICY_NODE_WORDS; i++)
		any |= route->from_nodes[i];
	if (!any)
		return true;
	return node < 64 * POLICY_NODE_WORDS && route->from_nodes[node / 64] >> node % 64 & 1;
}

static enum distance engine_distance(const struct policy_engine *e, const struct policy_route *route)
{
	if (e->node < 0)
		return ELSEWHERE;
	if (e->node == route->to_node)
		return AT_DESTINATION;
	return route_comes_from(route, e->node) ? AT_SOURCE : ELSEWHERE;
}

static bool engine_is_better(const struct policy_engine *a, const struct policy_engine *b,
			     const struct policy_route *route)
{
	enum distance to_a = engine_distance(a, route), to_b = engine_distance(b, route);

	if (to_a != to_b)
		return to_a < to_b;
	if (a->n_batches != b->n_batches)
		return a->n_batches < b->n_batches;
	return a->in_flight != b->in_flight ? a->in_flight < b->in_flight : a->turn < b->turn;
}

int policy_choose_engine(const struct policy_engine *engines, size_t n,
			 const struct policy_route *route)
{
	int best = -1;

	for (size_t i = 0; i < n; i++)
		if (engines[i].usable &&
		    (best < 0 || engine_is_better(&engines[i], &engines[best], route)))
			best = (int)i;
	return best;
}

void policy_engine_worked(struct policy_health *h, uint64_t now_ns)
{
	h->n_errors = 0;
	if (now_ns - h->back_at_ns >= h->out_ns)
		h->n_outs = 0;
}

bool policy_engine_failed(const struct policy_config *c, struct policy_health *h)
{
	h->n_errors = MIN(h->n_errors, UINT32_MAX - 1) + 1;
	return c->max_errors && h->n_errors >= c->max_errors && !h->retry_at_ns;
}

void policy_engine_out(const struct policy_config *c, struct policy_health *h, uint64_t now_ns)
{
	uint32_t doublings = MIN(h->n_outs, (uint32_t)POLICY_MAX_DOUBLINGS);

	h->n_outs = MIN(h->n_outs, UINT32_MAX - 1) + 1;
	h->out_ns = MIN(c->retry_after_ns, TIME_MAX >> doublings) << doublings;
	/* 0 means "in service". */
	h->retry_at_ns = MAX(now_ns + h->out_ns, (uint64_t)1);
}

bool policy_engine_retry(const struct policy_config *c, struct policy_health *h, uint64_t now_ns)
{
	if (h->retry_at_ns == 0 || now_ns < h->retry_at_ns)
		return false;
	h->retry_at_ns = 0;
	h->back_at_ns = now_ns;
	h->n_errors = c->max_errors ? c->max_errors - 1 : 0;
	return true;
}
