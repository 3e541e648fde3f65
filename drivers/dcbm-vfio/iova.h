/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address space of a device: which IOVAs can be used, and which are in use.
 */
#ifndef MIGOFF_DCBM_IOVA_H
#define MIGOFF_DCBM_IOVA_H

#include <stddef.h>
#include <stdint.h>

/* Both ends included: the last address there is can be in a range. */
struct iova_range {
	uint64_t first;
	uint64_t last;
};

/**
 * struct iova_space - What is free, sorted, with gaps between.
 * @free: the ranges.
 * @n_free: how many.
 * @n_max: how many there is room for: always enough for giving back all that is allocated.
 * @n_allocated: allocations not given back.
 */
struct iova_space {
	struct iova_range *free;
	size_t n_free;
	size_t n_max;
	size_t n_allocated;
};

enum iova_side {
	IOVA_LOWEST,
	IOVA_HIGHEST,
};

/**
 * iova_init() - Begin with what the IOMMU offers and the device can emit.
 * @space: the address space.
 * @ranges: what the IOMMU offers; neither overlapping nor touching, in any order.
 * @n: how many.
 * @mask: the highest address that the device can emit.
 *
 * Address 0, which drivers and devices take for "none", and the interrupt addresses of x86, where
 * a write is no write to memory, are left out whatever the IOMMU says.
 *
 * Return: 0 or -ENOMEM.
 */
int iova_init(struct iova_space *space, const struct iova_range *ranges, size_t n, uint64_t mask);

/**
 * iova_done() - Free the book-keeping. All zero is allowed.
 * @space: the address space.
 */
void iova_done(struct iova_space *space);

/**
 * iova_alloc() - Take a piece.
 * @space: the address space.
 * @size: bytes, a multiple of the page size, not 0.
 * @align: a power of two.
 * @side: from which end to look.
 * @ret: where the piece begins.
 *
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int iova_alloc(struct iova_space *space, uint64_t size, uint64_t align, enum iova_side side,
	       uint64_t *ret);

/**
 * iova_alloc_within() - Take a piece of the lower part of the address space.
 * @space: the address space.
 * @size: bytes, a multiple of the page size, not 0.
 * @align: a power of two.
 * @side: from which end to look.
 * @last: the last address that the piece may have.
 * @ret: where the piece begins.
 *
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int iova_alloc_within(struct iova_space *space, uint64_t size, uint64_t align, enum iova_side side,
		      uint64_t last, uint64_t *ret);

/**
 * iova_free() - Give a piece back. Cannot fail.
 * @space: the address space.
 * @iova: as returned by iova_alloc().
 * @size: as given to it.
 */
void iova_free(struct iova_space *space, uint64_t iova, uint64_t size);

#endif
