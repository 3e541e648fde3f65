/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the arrays of move_pages(2) to requests: by destination, sorted, runs of pages as ranges.
 *
 * Pure: it looks at nothing but its arguments.
 */
#ifndef MIGOFF_LIBMIGOFF_PLAN_H
#define MIGOFF_LIBMIGOFF_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "migoff.h"

/* One entry of the arrays that the daemon may be asked for. */
struct plan_item {
	uint64_t va;	/* of the page */
	int32_t node;
	uint32_t index;	/* in the arrays */
};

struct plan {
	struct plan_item *items;
	size_t n_items;
	uint64_t page_size;
};

/* What one request takes of a plan. */
struct plan_part {
	size_t first;		/* items */
	size_t n_items;
	int node;
	struct migoff_range *ranges;
	size_t n_ranges;
	size_t n_pages;
};

/**
 * plan_init() - Sort the pages by destination and address.
 * @p: the plan.
 * @pages: addresses, not necessarily of the beginning of a page.
 * @nodes: destinations, valid nodes.
 * @n: how many of both.
 * @page_size: of the machine.
 * @block: size of the largest folio, a power of two.
 *
 * Left out, since their outcome depends on the order in which the kernel goes through them: addresses
 * with a tag or beyond user space, and blocks of which parts are to go to different nodes.
 *
 * Return: 0 or -ENOMEM.
 */
int plan_init(struct plan *p, const uint64_t *pages, const int *nodes, size_t n,
	      uint64_t page_size, uint64_t block);

void plan_done(struct plan *p);

/**
 * plan_group() - How many items from one on have its destination.
 * @p: the plan.
 * @first: the item.
 *
 * Return: the number, 0 at the end.
 */
size_t plan_group(const struct plan *p, size_t first);

/**
 * plan_part() - Make ranges of as many items as fit into a request.
 * @p: the plan.
 * @first: where to begin; below @end.
 * @end: items from here on are not taken; of the same group as @first.
 * @max_ranges: size of @part->ranges, at least 1.
 * @max_pages: most pages, at least 1.
 * @part: its ranges point to room for @max_ranges; the rest is filled.
 */
void plan_part(const struct plan *p, size_t first, size_t end, size_t max_ranges, size_t max_pages,
	       struct plan_part *part);

/**
 * plan_apply() - Say which entries of the arrays a request has settled.
 * @p: the plan.
 * @part: what was asked for.
 * @status: the result for each page of the ranges.
 * @settled: by index of the arrays; set for each page that is on its destination.
 */
void plan_apply(const struct plan *p, const struct plan_part *part, const int *status,
		bool *settled);

#endif
