/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory that the model of a device reaches, by addresses of its own: what an IOMMU is to a
 * device. The caller keeps threads apart.
 */
#ifndef MIGOFF_TESTS_ENGINE_MODEL_MEMORY_H
#define MIGOFF_TESTS_ENGINE_MODEL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"

#define MODEL_MEMORY_N 16

/**
 * struct model_memory - What is mapped.
 * @areas: each mapping; those of size 0 are free.
 * @next_iova: where the next one begins; set by the caller at first.
 * @n_bad: bytes asked for that are not mapped.
 */
struct model_memory {
	struct dma_area areas[MODEL_MEMORY_N];
	uint64_t next_iova;
	unsigned int n_bad;
};

/* As engine_dma_alloc() and engine_dma_free(). */
int model_memory_alloc(struct model_memory *mem, size_t size, struct dma_area *ret);
void model_memory_free(struct model_memory *mem, struct dma_area *area);

/* The device reads and writes: zeros from what is not mapped, and nothing to it. */
void model_memory_read(struct model_memory *mem, uint64_t iova, uint8_t *to, size_t len);
void model_memory_write(struct model_memory *mem, uint64_t iova, const uint8_t *from, size_t len);

/* Whether nothing is mapped. */
bool model_memory_empty(const struct model_memory *mem);

#endif
