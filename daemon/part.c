/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "part.h"

#include <errno.h>

#include "macros.h"

struct part part_all(const struct request_plan *plan)
{
	return (struct part){ .n_pages = plan->flags & RING_WHOLE ? 1 : plan->pages };
}

static uint64_t range_end(const struct migoff_range *range)
{
	return range->start + range->len;
}

struct part part_cut(const struct request_plan *plan, struct part *rest, uint64_t bytes,
		     uint32_t max_ranges)
{
	struct part part = *rest;
	uint64_t limit = UINT64_MAX, taken = 0, last = 0;

	bytes = MIN(MAX(bytes, REQUEST_PAGE_SIZE), REQUEST_MAX_ADDRESS);
	while (rest->range < plan->n_ranges) {
		const struct migoff_range *range = &plan->ranges[rest->range];
		uint64_t va = rest->va ?: range->start, end;

		/* When there is enough, what begins where the last piece ends belongs to it. */
		if (taken < bytes && rest->range - part.range < max_ranges)
			limit = ALIGN_UP(va + (bytes - taken), PART_ALIGN);
		else
			limit = ALIGN_UP(last, PART_ALIGN);
		if (va >= limit)
			break;
		last = end = MIN(range_end(range), limit);
		taken += end - va;
		rest->va = end;
		if (end < range_end(range))
			break;
		rest->range++;
		rest->va = 0;
	}
	part.n_pages = taken / REQUEST_PAGE_SIZE;
	rest->page += part.n_pages;
	rest->n_pages -= part.n_pages;
	return part;
}

uint32_t part_ranges(const struct request_plan *plan, const struct part *part,
		     struct migoff_range *ret)
{
	uint64_t left = part->n_pages * REQUEST_PAGE_SIZE, va = part->va;
	uint32_t n = 0;

	for (uint64_t i = part->range; left; i++, va = 0) {
		uint64_t start = va ?: plan->ranges[i].start;
		uint64_t len = MIN(range_end(&plan->ranges[i]) - start, left);

		ret[n++] = (struct migoff_range){ .start = start, .len = len };
		left -= len;
	}
	return n;
}

static int advance_whole(struct part *part, const struct migoff_batch_info *info)
{
	if (info->cursor_range == 0 && info->cursor_va <= part->va)
		return -EIO;
	part->va = info->cursor_va;
	part->n_pages = info->cursor_range == 0;
	return 0;
}

int part_advance(const struct request_plan *plan, struct part *part, uint32_t n_ranges,
		 const struct migoff_batch_info *info, uint64_t bytes)
{
	uint64_t pages = bytes / REQUEST_PAGE_SIZE;
	bool at_end = info->cursor_range >= n_ranges;

	if (plan->flags & RING_WHOLE)
		return advance_whole(part, info);
	if (pages == 0 || pages > part->n_pages || at_end != (pages == part->n_pages))
		return -EIO;
	part->page += pages;
	part->n_pages -= pages;
	part->range += info->cursor_range;
	part->va = info->cursor_va;
	return 0;
}
