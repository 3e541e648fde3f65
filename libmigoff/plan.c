/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "macros.h"

/* Tags of any architecture live above this; so does the kernel. */
#define ADDRESS_BITS 56

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_address(const void *a, const void *b)
{
	const struct plan_item *x = a, *y = b;

	return compare_u64(x->va, y->va);
}

static int by_node(const void *a, const void *b)
{
	const struct plan_item *x = a, *y = b;

	return x->node != y->node ? (x->node < y->node ? -1 : 1) : compare_u64(x->va, y->va);
}

/* The usual caller has sorted already. */
static void sort(struct plan_item *items, size_t n, int (*compare)(const void *, const void *))
{
	for (size_t i = 1; i < n; i++)
		if (compare(&items[i - 1], &items[i]) > 0) {
			qsort(items, n, sizeof(*items), compare);
			return;
		}
}

/* @items are sorted by address. Returns how many are left. */
static size_t drop_torn_blocks(struct plan_item *items, size_t n, uint64_t block)
{
	size_t kept = 0, end;

	for (size_t i = 0; i < n; i = end) {
		uint64_t base = ALIGN_DOWN(items[i].va, block);
		bool torn = false;

		for (end = i; end < n && ALIGN_DOWN(items[end].va, block) == base; end++)
			torn |= items[end].node != items[i].node;
		for (size_t j = i; !torn && j < end; j++)
			items[kept++] = items[j];
	}
	return kept;
}

int plan_init(struct plan *p, const uint64_t *pages, const int *nodes, size_t n,
	      uint64_t page_size, uint64_t block)
{
	assert(n <= UINT32_MAX);

	*p = (struct plan){
		.items = malloc(MAX(n, (size_t)1) * sizeof(*p->items)),
		.page_size = page_size,
	};
	if (!p->items)
		return -ENOMEM;

	for (size_t i = 0; i < n; i++)
		if (!(pages[i] >> ADDRESS_BITS))
			p->items[p->n_items++] = (struct plan_item){
				.va = ALIGN_DOWN(pages[i], page_size),
				.node = nodes[i],
				.index = (uint32_t)i,
			};

	sort(p->items, p->n_items, by_address);
	p->n_items = drop_torn_blocks(p->items, p->n_items, block);
	sort(p->items, p->n_items, by_node);
	return 0;
}

void plan_done(struct plan *p)
{
	free(p->items);
	*p = (struct plan){};
}

size_t plan_group(const struct plan *p, size_t first)
{
	size_t end = first;

	while (end < p->n_items && p->items[end].node == p->items[first].node)
		end++;
	return end - first;
}

void plan_part(const struct plan *p, size_t first, size_t end, size_t max_ranges, size_t max_pages,
	       struct plan_part *part)
{
	struct migoff_range *last = NULL;
	size_t i;

	assert(first < end && end <= p->n_items && max_ranges && max_pages);

	part->first = first;
	part->node = p->items[first].node;
	part->n_ranges = part->n_pages = 0;
	for (i = first; i < end; i++) {
		uint64_t va = p->items[i].va;

		if (i > first && va == p->items[i - 1].va)
			continue;
		if (part->n_pages == max_pages)
			break;
		if (last && last->start + last->len == va) {
			last->len += p->page_size;
		} else {
			if (part->n_ranges == max_ranges)
				break;
			last = &part->ranges[part->n_ranges++];
			*last = (struct migoff_range){ .start = va, .len = p->page_size };
		}
		part->n_pages++;
	}
	part->n_items = i - first;
}

void plan_apply(const struct plan *p, const struct plan_part *part, const int *status,
		bool *settled)
{
	const struct plan_item *items = &p->items[part->first];
	size_t page = 0;

	/* The pages of the ranges are the distinct addresses of the items, in order. */
	for (size_t i = 0; i < part->n_items; i++) {
		if (i && items[i].va != items[i - 1].va)
			page++;
		settled[items[i].index] = status[page] == part->node;
	}
}
