/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy.h"

#include "macros.h"

#define PAGE_SIZE	4096ull
#define PAGE_SHIFT	12
#define MIB		(1ull << 20)

/*
 * Before anything was measured: 1 GB/s, slower than any engine or CPU that migoff is made for, and a
 * fixed cost that leaves room for the rest of a batch's life.
 */
#define GUESS_NS_PER_MIB	1000000ull
#define GUESS_FIXED_NS		500000ull

/*
 * Weight of a new batch: 1/4 when it was slower than expected, 1/16 when it was faster, so that what
 * is expected is nearer to the slow ones than to the average.
 */
#define PACE_SLOWER_SHIFT	2
#define PACE_FASTER_SHIFT	4

/* Batches smaller than this tell about the fixed cost, larger ones about the cost of a MiB. */
#define PACE_SMALL		(256ull << 10)

#define PACE_N_MAX		1000000

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

uint64_t policy_batch_bytes(const struct policy_config *c, const struct policy_pace *pace,
			    uint64_t hook_max)
{
	uint64_t fixed = pace->n ? pace->fixed_ns : GUESS_FIXED_NS;
	uint64_t per_mib = MAX(pace->n ? pace->ns_per_mib : GUESS_NS_PER_MIB, (uint64_t)1);
	uint64_t bytes = MIN(c->max_batch, hook_max);

	if (c->max_page_blocked_ns) {
		uint64_t budget = c->max_page_blocked_ns > fixed ? c->max_page_blocked_ns - fixed : 0;
		uint64_t affordable;

		/* A quotient first where the product would not fit. */
		affordable = budget > UINT64_MAX / MIB ? budget / per_mib * MIB : budget * MIB / per_mib;
		bytes = MIN(bytes, affordable);
	}
	return MAX(ALIGN_DOWN(bytes, PAGE_SIZE), PAGE_SIZE);
}

static uint64_t pace_average(uint64_t old, uint64_t sample)
{
	if (sample > old)
		return old + ((sample - old) >> PACE_SLOWER_SHIFT);
	return old - ((old - sample) >> PACE_FASTER_SHIFT);
}

void policy_pace_learn(struct policy_pace *pace, uint64_t bytes, uint64_t blocked_ns)
{
	if (bytes == 0)
		return;
	if (pace->n == 0) {
		pace->fixed_ns = GUESS_FIXED_NS;
		pace->ns_per_mib = GUESS_NS_PER_MIB;
	}
	if (bytes <= PACE_SMALL) {
		pace->fixed_ns = pace_average(pace->fixed_ns, blocked_ns);
	} else {
		uint64_t copy_ns = blocked_ns > pace->fixed_ns ? blocked_ns - pace->fixed_ns : 0;
		uint64_t kib = bytes >> 10;

		/* What took no longer than the fixed cost shows that the fixed cost is less. */
		if (copy_ns == 0)
			pace->fixed_ns = pace_average(pace->fixed_ns, blocked_ns);
		copy_ns = MIN(copy_ns, UINT64_MAX >> 10);
		pace->ns_per_mib = pace_average(pace->ns_per_mib, (copy_ns << 10) / kib);
	}
	pace->n = MIN(pace->n + 1, (uint32_t)PACE_N_MAX);
}

int policy_choose_engine(const struct policy_engine *engines, size_t n, int to_node)
{
	int best = -1;

	for (size_t i = 0; i < n; i++) {
		const struct policy_engine *e = &engines[i];
		bool near = e->node == to_node, best_near;

		if (!e->usable)
			continue;
		if (best < 0) {
			best = (int)i;
			continue;
		}
		best_near = engines[best].node == to_node;
		if (near != best_near ? near : e->in_flight < engines[best].in_flight)
			best = (int)i;
	}
	return best;
}

void policy_engine_worked(struct policy_health *h)
{
	h->n_errors = 0;
}

bool policy_engine_failed(const struct policy_config *c, struct policy_health *h, uint64_t now_ns)
{
	h->n_errors = MIN(h->n_errors, UINT32_MAX - 1) + 1;
	if (c->max_errors == 0 || h->n_errors < c->max_errors || h->retry_at_ns)
		return false;
	/* 0 means "in service". */
	h->retry_at_ns = MAX(now_ns + c->retry_after_ns, (uint64_t)1);
	return true;
}

bool policy_engine_retry(const struct policy_config *c, struct policy_health *h, uint64_t now_ns)
{
	if (h->retry_at_ns == 0 || now_ns < h->retry_at_ns)
		return false;
	h->retry_at_ns = 0;
	h->n_errors = c->max_errors ? c->max_errors - 1 : 0;
	return true;
}
