/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device reaches: memory of this process, by I/O virtual address. It is what an IOMMU is to
 * a device. The caller keeps threads apart.
 */
#ifndef MIGOFF_TESTS_MODELS_MEMORY_H
#define MIGOFF_TESTS_MODELS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_range {
	uint64_t iova;
	uint64_t len;
	uint8_t *va;
	bool writable;
};

/* Ranges that do not overlap, by rising address. All zero is an empty one. */
struct memory {
	struct memory_range *ranges;
	size_t n;
	size_t n_max;
};

void memory_done(struct memory *mem);

/* Return: 0, -EINVAL for a length of 0 or beyond the last address, -EEXIST, or -ENOMEM. */
int memory_map(struct memory *mem, uint64_t iova, void *va, uint64_t len, bool writable);

/*
 * Forget all ranges that have a byte from @first to @last, which become the ends of what was
 * forgotten. Return: how many there were.
 */
unsigned int memory_unmap(struct memory *mem, uint64_t *first, uint64_t *last);

/**
 * memory_at() - Where this process has an address.
 * @mem: what is mapped.
 * @iova: the address.
 * @write: whether it is to be written.
 * @len: bytes wanted; on success those that lie together, 1 or more.
 *
 * Return: NULL if it may not be accessed so.
 */
uint8_t *memory_at(const struct memory *mem, uint64_t iova, bool write, uint64_t *len);

#endif
