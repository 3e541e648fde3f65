/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an engine takes copies. What most are - one descriptor, with nothing to be said against it - costs
 * a few instructions each; engine_take() is for all others.
 */
#include <errno.h>

#include "engine_driver.h"
#include "macros.h"

uint32_t engine_capacity(const struct engine *e)
{
	/* Out of order, a finished item keeps its place until those before it are reported. */
	return e->caps.ring_size - (uint32_t)(e->item_tail - e->item_head) - e->n_extra;
}

uint32_t engine_in_flight(const struct engine *e)
{
	return (uint32_t)(e->item_tail - e->item_head);
}

static int engine_check(const struct engine *e, uint64_t src, uint64_t dst, uint64_t len)
{
	const struct engine_caps *caps = &e->caps;

	if (len == 0 || !IS_ALIGNED(src | dst | len, caps->align) ||
	    !IS_ALIGNED(src ^ dst, caps->congruence))
		return -EINVAL;
	if (len > caps->max_item)
		return -EMSGSIZE;
	if (src > caps->address_mask || len - 1 > caps->address_mask - src ||
	    dst > caps->address_mask || len - 1 > caps->address_mask - dst)
		return -ERANGE;
	/* As distances, for the last byte may be the last there is. */
	if ((src <= dst && dst - src < len) || (dst < src && src - dst < len))
		return -EINVAL;
	return 0;
}

/*
 * Take as many items from the first on as are ordinary: of one descriptor, and so that a glance shows
 * that nothing can be said against them. Addresses in the lower half of what the engine reaches cannot
 * run over its end; if one is not, none of them is ordinary. Places of the ring beyond item_tail are
 * free to be written. Return: how many.
 */
static uint32_t engine_take_plain(struct engine *e, const struct engine_copy *copies, uint32_t n)
{
	uint64_t place = e->item_tail & e->mask, max_len = e->caps.max_len;
	uint64_t bytes = e->bytes_taken, *bytes_before = &e->bytes_before[place];
	uint64_t sources = 0, destinations = 0;
	uint32_t i;

	if (!e->plain || e->poison)
		return 0;
	n = MIN(n, engine_capacity(e));
	n = MIN(n, (uint32_t)(e->mask + 1 - place));
	/* This loop, and the driver's that writes, is most of what a copy costs the processor. */
#pragma GCC unroll 4
	for (i = 0; i < n; i++) {
		uint64_t src = copies[i].src, dst = copies[i].dst, len = copies[i].len;

		/* With a length, for that has to be aligned as addresses are. */
		sources |= src | len;
		destinations |= dst;
		/* The last: whether the distance, whose sign is not known, is less than the length. */
		if (len - 1 >= max_len || src - dst + (len - 1) < len + (len - 1))
			break;
		bytes_before[i] = bytes;
		bytes += len;
	}
	n = i;
	if (n == 0 || (sources | destinations) & e->odd)
		return 0;
	e->bytes_taken = bytes;
	e->descs_queued += n;
	e->item_tail += n;
	e->ops->queue(e, copies, n, e->item_tail - n);
	return n;
}

/* Take an item of any kind. */
static int engine_take(struct engine *e, const struct engine_copy *copy)
{
	uint64_t max_len = e->caps.max_len;
	uint32_t n_descs;
	int r;

	r = engine_check(e, copy->src, copy->dst, copy->len);
	if (r < 0)
		return r;
	n_descs = copy->len <= max_len ? 1 : (uint32_t)((copy->len - 1) / max_len + 1);
	if (n_descs > engine_capacity(e))
		return -ENOSPC;

	e->bytes_before[e->item_tail & e->mask] = e->bytes_taken;
	e->items[e->item_tail++ & e->mask].n_more = n_descs - 1;
	e->bytes_taken += copy->len;
	e->n_extra += n_descs - 1;
	e->descs_queued += n_descs;
	for (uint64_t at = 0; at < copy->len; at += max_len) {
		struct engine_copy part = {
			.src = copy->src + at,
			.dst = copy->dst + at,
			.len = MIN(max_len, copy->len - at),
		};

		e->ops->queue(e, &part, 1, e->item_tail - 1);
		e->poison = false;
	}
	return 0;
}

int engine_enqueue_all(struct engine *e, const struct engine_copy *copies, uint32_t n,
		       uint64_t *ret_index)
{
	uint64_t index = e->item_tail;
	uint32_t taken = 0, plain;
	int r = 0;

	if (e->state != ENGINE_RUNNING)
		return -ENODEV;
	while (taken < n && r == 0) {
		plain = engine_take_plain(e, copies + taken, n - taken);
		if (plain == 0)
			r = engine_take(e, &copies[taken]);
		taken += plain ? plain : r == 0;
	}
	if (taken == 0)
		return r;
	*ret_index = index;
	return (int)taken;
}

int engine_inject_error(struct engine *e)
{
	if (!e->caps.can_inject)
		return -EOPNOTSUPP;
	e->poison = true;
	return 0;
}
