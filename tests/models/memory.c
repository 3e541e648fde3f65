/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "macros.h"

void memory_done(struct memory *mem)
{
	free(mem->ranges);
	*mem = (struct memory) {};
}

static uint64_t range_last(const struct memory_range *range)
{
	return range->iova + (range->len - 1);
}

/* The first range that ends at or after @iova; mem->n if there is none. */
static size_t memory_search(const struct memory *mem, uint64_t iova)
{
	size_t low = 0, high = mem->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (range_last(&mem->ranges[middle]) < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int memory_grow(struct memory *mem)
{
	size_t n_max = mem->n_max ? 2 * mem->n_max : 64;
	struct memory_range *ranges;

	if (mem->n < mem->n_max)
		return 0;
	ranges = reallocarray(mem->ranges, n_max, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	mem->ranges = ranges;
	mem->n_max = n_max;
	return 0;
}

int memory_map(struct memory *mem, uint64_t iova, void *va, uint64_t len, bool writable)
{
	size_t at;

	if (len == 0 || len - 1 > UINT64_MAX - iova)
		return -EINVAL;
	at = memory_search(mem, iova);
	if (at < mem->n && mem->ranges[at].iova <= iova + (len - 1))
		return -EEXIST;
	if (memory_grow(mem) < 0)
		return -ENOMEM;
	memmove(mem->ranges + at + 1, mem->ranges + at, (mem->n - at) * sizeof(*mem->ranges));
	mem->ranges[at] = (struct memory_range) {
		.iova = iova, .len = len, .va = va, .writable = writable,
	};
	mem->n++;
	return 0;
}

unsigned int memory_unmap(struct memory *mem, uint64_t *first_iova, uint64_t *last_iova)
{
	size_t first, end;

	first = end = memory_search(mem, *first_iova);
	while (end < mem->n && mem->ranges[end].iova <= *last_iova)
		end++;
	if (end == first)
		return 0;
	*first_iova = mem->ranges[first].iova;
	*last_iova = range_last(&mem->ranges[end - 1]);
	memmove(mem->ranges + first, mem->ranges + end, (mem->n - end) * sizeof(*mem->ranges));
	mem->n -= end - first;
	return (unsigned int)(end - first);
}

uint8_t *memory_at(const struct memory *mem, uint64_t iova, bool write, uint64_t *len)
{
	size_t at = memory_search(mem, iova);
	const struct memory_range *range = &mem->ranges[at];

	if (at == mem->n || range->iova > iova || (write && !range->writable))
		return NULL;
	*len = MIN(*len, range->len - (iova - range->iova));
	return range->va + (iova - range->iova);
}
