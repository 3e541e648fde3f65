/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "macros.h"

int model_memory_alloc(struct model_memory *mem, size_t size, struct dma_area *ret)
{
	struct dma_area *area = mem->areas;
	void *va;

	while (area < mem->areas + MODEL_MEMORY_N && area->size > 0)
		area++;
	if (area == mem->areas + MODEL_MEMORY_N)
		return -ENOSPC;
	size = ALIGN_UP(size, (size_t)getpagesize());
	va = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (va == MAP_FAILED)
		return -errno;
	*area = (struct dma_area) { .va = va, .iova = mem->next_iova, .size = size };
	*ret = *area;
	/* A page between, so that running over an end is noticed. */
	mem->next_iova += size + (size_t)getpagesize();
	return 0;
}

void model_memory_free(struct model_memory *mem, struct dma_area *area)
{
	for (size_t i = 0; i < MODEL_MEMORY_N; i++)
		if (mem->areas[i].size > 0 && mem->areas[i].iova == area->iova)
			mem->areas[i] = (struct dma_area) {};
	if (area->size > 0)
		munmap(area->va, area->size);
	*area = (struct dma_area) {};
}

/* Where @iova is, and how many bytes from there on are mapped together, @len at most. */
static uint8_t *model_memory_lookup(struct model_memory *mem, uint64_t iova, size_t *len)
{
	for (size_t i = 0; i < MODEL_MEMORY_N; i++) {
		const struct dma_area *area = &mem->areas[i];

		if (iova < area->iova || iova - area->iova >= area->size)
			continue;
		*len = MIN(*len, (size_t)(area->size - (iova - area->iova)));
		return (uint8_t *)area->va + (iova - area->iova);
	}
	mem->n_bad++;
	*len = 1;
	return NULL;
}

void model_memory_read(struct model_memory *mem, uint64_t iova, uint8_t *to, size_t len)
{
	while (len > 0) {
		size_t n = len;
		const uint8_t *from = model_memory_lookup(mem, iova, &n);

		if (from)
			memcpy(to, from, n);
		else
			memset(to, 0, n);
		iova += n;
		to += n;
		len -= n;
	}
}

void model_memory_write(struct model_memory *mem, uint64_t iova, const uint8_t *from, size_t len)
{
	while (len > 0) {
		size_t n = len;
		uint8_t *to = model_memory_lookup(mem, iova, &n);

		if (to)
			memcpy(to, from, n);
		iova += n;
		from += n;
		len -= n;
	}
}

bool model_memory_empty(const struct model_memory *mem)
{
	for (size_t i = 0; i < MODEL_MEMORY_N; i++)
		if (mem->areas[i].size > 0)
			return false;
	return true;
}
