/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "macros.h"
#include "reason.h"

_Static_assert(sizeof(struct ring_range) == sizeof(struct migoff_range) &&
		       offsetof(struct ring_range, len) == offsetof(struct migoff_range, len),
	       "ranges are copied from the ring to the hook as they are");

/* By atomic loads, or the compiler could read the shared memory again instead of the copy. */
static void copy_once(void *to, const void *shared, size_t len)
{
	const uint64_t *from = shared;

	assert(len % sizeof(*from) == 0);
	for (size_t i = 0; i < len / sizeof(*from); i++) {
		uint64_t word = __atomic_load_n(&from[i], __ATOMIC_RELAXED);

		memcpy((uint8_t *)to + i * sizeof(word), &word, sizeof(word));
	}
}

/* Whether @n elements of @size bytes from @offset on lie in an area of @len bytes. */
static bool array_fits(uint64_t offset, uint64_t n, size_t size, uint64_t len)
{
	return offset <= len && n <= (len - offset) / size;
}

static int check_head(const struct ring_request *q)
{
	if (q->flags & ~(RING_MOVE_ALL | RING_WHOLE) || q->reason >= _REASON_MAX)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(q->reserved); i++)
		if (q->reserved[i])
			return -EINVAL;
	if (q->to_node < 0 || q->to_node >= RING_N_NODE_WORDS * 64)
		return -ENODEV;
	if (q->flags & RING_WHOLE)
		return q->n_ranges || q->n_status ? -EINVAL : 0;
	return q->n_ranges ? 0 : -EINVAL;
}

static int check_arrays(const struct ring_request *q, uint64_t data_len)
{
	if (q->n_ranges > RING_MAX_RANGES)
		return -E2BIG;
	if (!IS_ALIGNED(q->ranges | q->status | q->extents, 8))
		return -EINVAL;
	if (!array_fits(q->ranges, q->n_ranges, sizeof(struct ring_range), data_len))
		return -EFAULT;
	if (!array_fits(q->status, q->n_status, sizeof(int32_t), data_len))
		return -EFAULT;
	if (!array_fits(q->extents, q->n_extents, sizeof(struct ring_extent), data_len))
		return -EFAULT;
	return 0;
}

static int check_ranges(const struct migoff_range *ranges, uint64_t n, uint64_t *ret_pages)
{
	uint64_t end = 0, pages = 0;

	for (uint64_t i = 0; i < n; i++) {
		const struct migoff_range *range = &ranges[i];

		if (!IS_ALIGNED(range->start | range->len, REQUEST_PAGE_SIZE) || !range->len)
			return -EINVAL;
		if (range->start >= REQUEST_MAX_ADDRESS ||
		    range->len > REQUEST_MAX_ADDRESS - range->start)
			return -EFAULT;
		if (range->start < end)
			return -EINVAL;
		end = range->start + range->len;
		pages += range->len / REQUEST_PAGE_SIZE;
	}
	*ret_pages = pages;
	return 0;
}

static int take_ranges(const struct ring_request *q, const void *data, struct request_plan *plan)
{
	size_t size = q->n_ranges * sizeof(*plan->ranges);
	int r;

	plan->ranges = malloc(size);
	if (!plan->ranges)
		return -ENOMEM;
	copy_once(plan->ranges, (const uint8_t *)data + q->ranges, size);
	r = check_ranges(plan->ranges, q->n_ranges, &plan->pages);
	if (r == 0 && q->n_status && q->n_status != plan->pages)
		r = -EINVAL;
	if (r < 0)
		request_plan_fini(plan);
	return r;
}

int request_parse(const struct ring_request *shared, const void *data, uint64_t data_len,
		  struct request_plan *ret)
{
	struct request_plan plan;
	struct ring_request q;
	int r;

	copy_once(&q, shared, sizeof(q));
	r = check_head(&q);
	if (r < 0)
		return r;
	r = check_arrays(&q, data_len);
	if (r < 0)
		return r;
	plan = (struct request_plan){
		.flags = q.flags,
		.target = q.target,
		.to_node = q.to_node,
		.reason = q.reason,
		.n_ranges = q.n_ranges,
		.status = q.status,
		.n_status = q.n_status,
		.extents = q.extents,
		.n_extents = q.n_extents,
	};
	memcpy(plan.from_nodes, q.from_nodes, sizeof(plan.from_nodes));
	if (q.n_ranges) {
		r = take_ranges(&q, data, &plan);
		if (r < 0)
			return r;
	}
	*ret = plan;
	return 0;
}

void request_plan_fini(struct request_plan *plan)
{
	free(plan->ranges);
	plan->ranges = NULL;
}
