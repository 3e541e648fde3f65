/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the model of AE4DMA share: the recipe, by its registers.
 */
#ifndef MIGOFF_TESTS_MODELS_AE4DMA_STAND_H
#define MIGOFF_TESTS_MODELS_AE4DMA_STAND_H

#include "ae4dma_model.h"
#include "stand.h"

#define AE4DMA_RING_AT(q) (0x1000 * (q))	/* offsets in memory */
#define AE4DMA_SRC 0x20000
#define AE4DMA_DST 0x200000

/* Registers of a queue, and beyond. */
void ae4dma_put(struct stand *b, unsigned int q, uint64_t reg, uint32_t value);
uint32_t ae4dma_get(struct stand *b, unsigned int q, uint64_t reg);

struct ae4dma_desc *ae4dma_desc(struct stand *b, unsigned int q, unsigned int i);

/* What the device has written of it. */
uint8_t ae4dma_desc_status(struct stand *b, unsigned int q, unsigned int i);

/* A copy of page @page in slot @i. */
void ae4dma_fill(struct stand *b, unsigned int q, unsigned int i, unsigned int page);

/* Switch a queue off, wait until it has stopped, let both indices agree; return them. */
uint32_t ae4dma_stop(struct stand *b, unsigned int q);

/* Steps 1 and 2 of the recipe for the first @n queues, the first one with copies in all slots. */
void ae4dma_set_up(struct stand *b, unsigned int n);

/* Power on, set up the first queue, with something to copy. */
void ae4dma_open(struct stand *b, const char *spec);

/* Ring for what is before slot @end of a queue. */
void ae4dma_kick(struct stand *b, unsigned int q, unsigned int end);

/* Until READ_IDX is that. */
void ae4dma_wait_read(struct stand *b, unsigned int q, unsigned int i);

/* Until the status of a queue is that. */
void ae4dma_wait_status(struct stand *b, unsigned int q, unsigned int status);

#endif
