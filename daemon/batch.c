/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "macros.h"
#include "reason.h"

/*
 * Where extents are put together, they are put together up to this: an error then costs the CPU no
 * more than this, and engines with several channels have something to share out.
 */
#define ITEM_BYTES (2ull << 20)

/* A mark's flag beside the reason why a copy is to be made by another engine. */
#define MARK_AGAIN 0x80

int batches_new(uint32_t n, uint32_t n_extents, struct batch **ret)
{
	struct batch *batches = calloc(n, sizeof(*batches));

	if (!batches)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct batch *b = &batches[i];

		b->slot = i;
		b->verdicts = calloc(n_extents, sizeof(*b->verdicts));
		b->marks = calloc(n_extents, sizeof(*b->marks));
		b->copies = calloc(n_extents, sizeof(*b->copies));
		b->items = calloc(n_extents, sizeof(*b->items));
		b->ranges = calloc(n_extents + PART_MORE_RANGES, sizeof(*b->ranges));
		if (!b->verdicts || !b->marks || !b->copies || !b->items || !b->ranges) {
			batches_free(batches, n);
			return -ENOMEM;
		}
	}
	*ret = batches;
	return 0;
}

struct batch *batches_free(struct batch *batches, uint32_t n)
{
	for (uint32_t i = 0; batches && i < n; i++) {
		free(batches[i].verdicts);
		free(batches[i].marks);
		free(batches[i].copies);
		free(batches[i].items);
		free(batches[i].ranges);
	}
	free(batches);
	return NULL;
}

static bool extent_is_taken(const struct migoff_extent *e)
{
	return e->flags & MIGOFF_EXTENT_TAKEN;
}

static bool extent_is_for_engine(const struct migoff_extent *e)
{
	return extent_is_taken(e) && !(e->flags & MIGOFF_EXTENT_NO_IOVA);
}

static bool copy_continues(const struct engine_copy *copy, const struct migoff_extent *e,
			   uint64_t max_item)
{
	return e->src_iova == copy->src + copy->len && e->dst_iova == copy->dst + copy->len &&
	       copy->len + e->folio_len <= MIN(max_item, ITEM_BYTES);
}

static void batch_add(struct batch *b, const struct migoff_extent *e, uint32_t i, uint64_t max_item)
{
	uint32_t n = b->n_planned;

	if (n && copy_continues(&b->copies[n - 1], e, max_item)) {
		b->copies[n - 1].len += e->folio_len;
		b->items[n - 1].end = i + 1;
		return;
	}
	b->copies[n] = (struct engine_copy){
		.src = e->src_iova,
		.dst = e->dst_iova,
		.len = e->folio_len,
	};
	b->items[n] = (struct batch_item){ .first = i, .end = i + 1 };
	b->n_planned++;
}

void batch_plan(struct batch *b, const struct migoff_extent *extents, uint32_t n, uint64_t max_item,
		enum account_fallback reason)
{
	b->n_planned = b->n_enqueued = b->n_ended = 0;
	b->tried = 0;
	b->bytes_again = b->bytes_moved_on = 0;
	b->again = false;
	memset(b->marks, 0, n);
	memset(b->fallback_bytes, 0, sizeof(b->fallback_bytes));
	memset(b->engine_errors, 0, sizeof(b->engine_errors));
	for (uint32_t i = 0; i < n; i++) {
		const struct migoff_extent *e = &extents[i];

		b->verdicts[i] = extent_is_taken(e) ? MIGOFF_VERDICT_CPU : MIGOFF_VERDICT_LEAVE;
		if (!extent_is_taken(e))
			continue;
		if (!max_item)
			b->fallback_bytes[reason] += e->folio_len;
		else if (!extent_is_for_engine(e))
			b->fallback_bytes[FALLBACK_NO_IOVA] += e->folio_len;
		else
			batch_add(b, e, i, max_item);
	}
	b->n_items = b->n_planned;
}

const struct batch_item *batch_find_item(const struct batch *b, uint64_t index)
{
	uint32_t low = 0, high = b->n_enqueued;

	/* An engine numbers in the order of enqueueing. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (b->items[middle].index == index)
			return &b->items[middle];
		if (b->items[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void batch_enqueued(struct batch *b, uint32_t n, uint64_t index)
{
	assert(n <= b->n_items - b->n_enqueued);
	for (uint32_t i = 0; i < n; i++)
		b->items[b->n_enqueued++].index = index + i;
}

void batch_item_copied(struct batch *b, const struct batch_item *item,
		       const struct migoff_extent *extents)
{
	assert(b->n_ended < b->n_items);
	b->n_ended++;
	for (uint32_t i = item->first; i < item->end; i++) {
		if (!extent_is_for_engine(&extents[i]))
			continue;
		b->verdicts[i] = MIGOFF_VERDICT_COPIED;
		b->marks[i] = (uint8_t)(b->device - b->device->set->devices);
	}
}

static void item_mark(struct batch *b, const struct batch_item *item, enum account_fallback reason)
{
	b->marks[item->first] = (uint8_t)(MARK_AGAIN | reason);
	b->bytes_again += batch_item_len(b, item);
}

void batch_item_failed(struct batch *b, const struct batch_item *item,
		       enum account_fallback reason, bool elsewhere)
{
	assert(b->n_ended < b->n_items);
	b->n_ended++;
	if (elsewhere)
		item_mark(b, item, reason);
	else
		b->fallback_bytes[reason] += batch_item_len(b, item);
}

void batch_drop_rest(struct batch *b, enum account_fallback reason)
{
	for (uint32_t i = b->n_enqueued; i < b->n_items; i++)
		item_mark(b, &b->items[i], reason);
	b->n_items = b->n_enqueued;
}

void batch_plan_again(struct batch *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_planned; i++) {
		uint8_t *mark = &b->marks[b->items[i].first];

		if (!(*mark & MARK_AGAIN))
			continue;
		*mark = 0;
		b->copies[n] = b->copies[i];
		b->items[n++] = b->items[i];
	}
	b->n_planned = b->n_items = n;
	b->n_enqueued = b->n_ended = 0;
	b->bytes_moved_on += b->bytes_again;
	b->bytes_again = 0;
	b->again = true;
}

void batch_leave_rest(struct batch *b)
{
	for (uint32_t i = 0; i < b->n_planned; i++) {
		uint8_t *mark = &b->marks[b->items[i].first];

		if (!(*mark & MARK_AGAIN))
			continue;
		b->fallback_bytes[*mark & ~MARK_AGAIN] += b->copies[i].len;
		*mark = 0;
	}
	b->bytes_again = 0;
}

/* What became of an extent, and of those that lie in the same folio. */
struct fate {
	bool moved;
	uint16_t cause;
	int32_t status;
};

static struct fate extent_fate(const struct migoff_extent *e, bool over)
{
	struct fate left = { .cause = MIGOFF_CAUSE_LEFT, .status = -ECANCELED };
	struct fate fate = { .cause = e->cause, .status = e->status };

	if (extent_is_taken(e) && !over)
		return left;
	if (extent_is_taken(e) && e->flags & MIGOFF_EXTENT_MOVED) {
		fate.moved = true;
		return fate;
	}
	/* A reason that has no place in the counts, or none at all, must not upset the sums. */
	if (fate.cause == MIGOFF_CAUSE_NONE || fate.cause >= RING_N_CAUSES)
		fate.cause = MIGOFF_CAUSE_LEFT;
	return fate;
}

static void count_folio(const struct migoff_extent *e, unsigned int reason,
			struct account_values *more)
{
	unsigned int order = MIN(e->order, (unsigned int)ACCOUNT_N_ORDERS - 1);

	more->bytes_by_reason[reason] += e->folio_len;
	if (e->flags & MIGOFF_EXTENT_BY_CPU) {
		more->bytes_cpu += e->folio_len;
		more->folios_cpu[order]++;
	} else {
		more->bytes_engine += e->folio_len;
		more->folios_engine[order]++;
	}
}

static void result_add(struct ring_result *to, const struct account_values *more)
{
	to->pages_asked += more->pages_asked;
	to->pages_moved += more->pages_moved;
	for (size_t i = 0; i < RING_N_CAUSES; i++)
		to->pages_by_cause[i] += more->pages_by_cause[i];
	to->bytes_engine += more->bytes_engine;
	to->bytes_cpu += more->bytes_cpu;
	for (size_t i = 0; i < RING_N_ORDERS; i++) {
		to->folios_engine[i] += more->folios_engine[i];
		to->folios_cpu[i] += more->folios_cpu[i];
	}
	to->n_batches += more->batches;
	to->n_expired += more->expired;
}

_Static_assert(ACCOUNT_N_REASONS == RING_N_REASONS && (int)_REASON_MAX <= RING_N_REASONS,
	       "a reason has one place in the accounts");
_Static_assert(ACCOUNT_N_CAUSES == RING_N_CAUSES && ACCOUNT_N_ORDERS == RING_N_ORDERS &&
		       (int)MIGOFF_CAUSE_NR <= RING_N_CAUSES,
	       "a cause of the hook has one place in the accounts and in the result");

static void batch_count(const struct batch *b, const struct migoff_batch_info *info,
			struct account_values *more)
{
	if (info->n_taken == 0)
		return;
	more->batches = 1;
	more->expired = info->end == MIGOFF_END_DEADLINE || info->end == MIGOFF_END_SYSTEM;
	more->bytes_again = b->bytes_moved_on;
	memcpy(more->fallback_bytes, b->fallback_bytes, sizeof(more->fallback_bytes));
	memcpy(more->engine_errors, b->engine_errors, sizeof(more->engine_errors));
}

static void report_extent(struct request *rq, const struct migoff_extent *e, const struct fate *fate)
{
	bool same = e->flags & MIGOFF_EXTENT_SAME, by_cpu = e->flags & MIGOFF_EXTENT_BY_CPU;
	struct ring_extent extent = {
		.va = e->va,
		.len = e->len,
		.status = fate->status,
		.cause = fate->moved ? MIGOFF_CAUSE_NONE : fate->cause,
		.order = e->order,
		.flags = (fate->moved ? RING_EXTENT_MOVED : 0) |
			 (fate->moved && by_cpu ? RING_EXTENT_BY_CPU : 0) |
			 (same ? RING_EXTENT_SAME : 0),
	};

	request_add_extent(rq, &extent);
}

/* What the hook found of an engine's copy. */
static void judge_extent(struct batch *b, const struct migoff_extent *e, uint32_t i,
			 const struct fate *fate)
{
	if (b->verdicts[i] != MIGOFF_VERDICT_COPIED)
		return;
	if (fate->cause == MIGOFF_CAUSE_VERIFY)
		b->lied |= 1u << b->marks[i];
	else if (fate->moved && !(e->flags & MIGOFF_EXTENT_BY_CPU))
		b->worked |= 1u << b->marks[i];
}

void batch_collect(struct batch *b, const struct migoff_batch_info *info,
		   const struct migoff_extent *extents, bool over, struct account_values *more)
{
	struct fate fate = { .cause = MIGOFF_CAUSE_LEFT, .status = -ECANCELED };
	uint64_t page = b->part.page;

	b->worked = b->lied = 0;
	for (uint32_t i = 0; i < info->n_extents; i++) {
		const struct migoff_extent *e = &extents[i];
		uint64_t pages = e->len / REQUEST_PAGE_SIZE;

		if (!(e->flags & MIGOFF_EXTENT_SAME))
			fate = extent_fate(e, over);
		if (fate.moved && extent_is_taken(e))
			count_folio(e, b->request->plan.reason, more);
		if (extent_is_taken(e))
			judge_extent(b, e, i, &fate);
		more->pages_asked += pages;
		if (fate.moved)
			more->pages_moved += pages;
		else
			more->pages_by_cause[fate.cause] += pages;
		request_set_status(b->request, page, pages, fate.status);
		report_extent(b->request, e, &fate);
		page += pages;
	}
	batch_count(b, info, more);
	result_add(&b->request->result, more);
}
