/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ae4dma_stand.h"

#include "test.h"

static uint64_t offset(unsigned int q, uint64_t reg)
{
	return (q + 1) * AE4DMA_QUEUE_SIZE + reg;
}

void ae4dma_put(struct stand *b, unsigned int q, uint64_t reg, uint32_t value)
{
	model_bar_write(b->m, 0, offset(q, reg), 4, value);
}

uint32_t ae4dma_get(struct stand *b, unsigned int q, uint64_t reg)
{
	return (uint32_t)stand_read(b, 0, offset(q, reg), 4);
}

struct ae4dma_desc *ae4dma_desc(struct stand *b, unsigned int q, unsigned int i)
{
	return (struct ae4dma_desc *)(b->mem + AE4DMA_RING_AT(q) +
				      i % AE4DMA_RING * AE4DMA_DESC_SIZE);
}

uint8_t ae4dma_desc_status(struct stand *b, unsigned int q, unsigned int i)
{
	return __atomic_load_n(&ae4dma_desc(b, q, i)->status, __ATOMIC_ACQUIRE);
}

void ae4dma_fill(struct stand *b, unsigned int q, unsigned int i, unsigned int page)
{
	uint64_t src = STAND_AT(AE4DMA_SRC + page * 4096), dst = STAND_AT(AE4DMA_DST + page * 4096);

	*ae4dma_desc(b, q, i) = (struct ae4dma_desc) {
		.id = (uint16_t)(0x100 * q + i), .length = 4096,
		.src_lo = (uint32_t)src, .src_hi = (uint32_t)(src >> 32),
		.dst_lo = (uint32_t)dst, .dst_hi = (uint32_t)(dst >> 32),
	};
}

uint32_t ae4dma_stop(struct stand *b, unsigned int q)
{
	uint32_t idx;

	ae4dma_put(b, q, AE4DMA_CONTROL, 0);
	ae4dma_wait_status(b, q, AE4DMA_STOPPED);
	idx = ae4dma_get(b, q, AE4DMA_READ_IDX);
	ae4dma_put(b, q, AE4DMA_WRITE_IDX, idx);
	return idx;
}

void ae4dma_set_up(struct stand *b, unsigned int n)
{
	model_bar_write(b->m, 0, AE4DMA_N_QUEUES, 4, n);
	EXPECT_EQ(stand_read(b, 0, AE4DMA_N_QUEUES, 4), n);
	for (unsigned int q = 0; q < n; q++) {
		ae4dma_stop(b, q);
		ae4dma_put(b, q, AE4DMA_MAX_IDX, AE4DMA_RING);
		ae4dma_put(b, q, AE4DMA_BASE_LO, (uint32_t)STAND_AT(AE4DMA_RING_AT(q)));
		ae4dma_put(b, q, AE4DMA_BASE_HI, (uint32_t)(STAND_AT(AE4DMA_RING_AT(q)) >> 32));
		ae4dma_put(b, q, AE4DMA_INTR_STATUS, 0);
		ae4dma_put(b, q, AE4DMA_CONTROL, AE4DMA_CONTROL_ON);
	}
	for (unsigned int i = 0; i < AE4DMA_RING; i++)
		ae4dma_fill(b, 0, i, i);
}

void ae4dma_open(struct stand *b, const char *spec)
{
	stand_open(b, spec);
	ae4dma_set_up(b, 1);
	stand_fill(b, AE4DMA_SRC, AE4DMA_RING * 4096, 7);
}

void ae4dma_kick(struct stand *b, unsigned int q, unsigned int end)
{
	ae4dma_put(b, q, AE4DMA_WRITE_IDX, end % AE4DMA_RING);
}

void ae4dma_wait_read(struct stand *b, unsigned int q, unsigned int i)
{
	stand_poll(b, 0, offset(q, AE4DMA_READ_IDX), 4, ~0u, i % AE4DMA_RING);
}

void ae4dma_wait_status(struct stand *b, unsigned int q, unsigned int status)
{
	stand_poll(b, 0, offset(q, AE4DMA_STATUS), 4, ~0u, status << AE4DMA_STATUS_SHIFT);
}
