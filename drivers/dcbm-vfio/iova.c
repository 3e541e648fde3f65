/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iova.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "macros.h"

static int range_compare(const void *a, const void *b)
{
	const struct iova_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void range_insert(struct iova_space *space, size_t at, struct iova_range range)
{
	assert(space->n_free < space->n_max);
	memmove(&space->free[at + 1], &space->free[at],
		(space->n_free - at) * sizeof(*space->free));
	space->free[at] = range;
	space->n_free++;
}

static void range_remove(struct iova_space *space, size_t at)
{
	space->n_free--;
	memmove(&space->free[at], &space->free[at + 1],
		(space->n_free - at) * sizeof(*space->free));
}

/* Cutting splits a range in two at most, and there is room for one more than that. */
static int iova_make_room(struct iova_space *space)
{
	size_t need = space->n_free + space->n_allocated + 2;
	struct iova_range *bigger;

	if (need <= space->n_max)
		return 0;
	bigger = reallocarray(space->free, need, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	space->free = bigger;
	space->n_max = need;
	return 0;
}

/* Make [@first, @last] not free, as far as it is. */
static int iova_cut(struct iova_space *space, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < space->n_free; i++) {
		struct iova_range *range = &space->free[i], old = *range;
		int r;

		if (old.last < first || old.first > last)
			continue;
		if (old.first < first && old.last > last) {
			r = iova_make_room(space);
			if (r < 0)
				return r;
			space->free[i].last = first - 1;
			range_insert(space, i + 1, (struct iova_range) { last + 1, old.last });
			return 0;
		}
		if (old.first < first)
			range->last = first - 1;
		else if (old.last > last)
			range->first = last + 1;
		else
			range_remove(space, i--);
	}
	return 0;
}

int iova_init(struct iova_space *space, const struct iova_range *ranges, size_t n, uint64_t mask)
{
	int r;

	*space = (struct iova_space) { .n_max = n + 2 };
	space->free = calloc(space->n_max, sizeof(*space->free));
	if (!space->free)
		return -ENOMEM;
	memcpy(space->free, ranges, n * sizeof(*ranges));
	space->n_free = n;
	qsort(space->free, n, sizeof(*space->free), range_compare);

	r = iova_cut(space, 0, 0xfff);
	if (r == 0)
		r = iova_cut(space, 0xfee00000, 0xfeefffff);
	if (r == 0 && mask < UINT64_MAX)
		r = iova_cut(space, mask + 1, UINT64_MAX);
	if (r < 0)
		iova_done(space);
	return r;
}

void iova_done(struct iova_space *space)
{
	free(space->free);
	*space = (struct iova_space) {};
}

static bool range_fit(struct iova_range range, uint64_t size, uint64_t align,
		      enum iova_side side, uint64_t *ret)
{
	uint64_t at;

	if (range.last < range.first || range.last - range.first < size - 1)
		return false;
	if (side == IOVA_HIGHEST) {
		at = ALIGN_DOWN(range.last - (size - 1), align);
		if (at < range.first)
			return false;
	} else {
		at = ALIGN_UP(range.first, align);
		if (at < range.first || at > range.last || range.last - at < size - 1)
			return false;
	}
	*ret = at;
	return true;
}

int iova_alloc(struct iova_space *space, uint64_t size, uint64_t align, enum iova_side side,
	       uint64_t *ret)
{
	return iova_alloc_within(space, size, align, side, UINT64_MAX, ret);
}

int iova_alloc_within(struct iova_space *space, uint64_t size, uint64_t align, enum iova_side side,
		      uint64_t last, uint64_t *ret)
{
	size_t n = space->n_free;
	int r;

	assert(size > 0 && align > 0 && IS_ALIGNED(align, align));
	for (size_t i = 0; i < n; i++) {
		struct iova_range range = space->free[side == IOVA_LOWEST ? i : n - 1 - i];
		uint64_t at;

		range.last = MIN(range.last, last);
		if (!range_fit(range, size, align, side, &at))
			continue;
		r = iova_make_room(space);
		if (r < 0)
			return r;
		r = iova_cut(space, at, at + (size - 1));
		assert(r == 0);
		space->n_allocated++;
		*ret = at;
		return 0;
	}
	return -ENOSPC;
}

void iova_free(struct iova_space *space, uint64_t iova, uint64_t size)
{
	uint64_t last = iova + (size - 1);
	size_t at = 0;

	assert(space->n_allocated > 0);
	space->n_allocated--;
	while (at < space->n_free && space->free[at].first < iova)
		at++;
	assert(at == 0 || space->free[at - 1].last < iova);
	assert(at == space->n_free || space->free[at].first > last);

	range_insert(space, at, (struct iova_range) { iova, last });
	if (at + 1 < space->n_free && space->free[at + 1].first == last + 1) {
		space->free[at].last = space->free[at + 1].last;
		range_remove(space, at + 1);
	}
	if (at > 0 && space->free[at - 1].last == iova - 1) {
		space->free[at - 1].last = space->free[at].last;
		range_remove(space, at);
	}
}
