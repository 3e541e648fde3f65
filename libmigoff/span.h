/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who has which part of the ring's data area: first fit over a sorted list of what is free.
 *
 * A request holds one part, so that there are never more free parts than requests plus one: the list
 * is an array, and freeing cannot fail.
 */
#ifndef MIGOFF_LIBMIGOFF_SPAN_H
#define MIGOFF_LIBMIGOFF_SPAN_H

#include <stdint.h>

#include "ring.h"

#define SPAN_ALIGN 64

struct span {
	uint64_t off;
	uint64_t len;
};

struct span_pool {
	struct span free[RING_N_SLOTS + 1];
	unsigned int n_free;
};

/**
 * span_pool_init() - Begin with everything free.
 * @p: the pool.
 * @len: bytes of the area.
 */
void span_pool_init(struct span_pool *p, uint64_t len);

/**
 * span_alloc() - Take a part of the area.
 * @p: the pool, of which fewer than RING_N_SLOTS parts are taken.
 * @len: bytes; rounded up to SPAN_ALIGN.
 * @ret: receives the part; an empty one for @len 0.
 *
 * Return: 0, or -ENOSPC.
 */
int span_alloc(struct span_pool *p, uint64_t len, struct span *ret);

/**
 * span_free() - Give a part back.
 * @p: the pool.
 * @s: what span_alloc() gave.
 */
void span_free(struct span_pool *p, struct span s);

#endif
