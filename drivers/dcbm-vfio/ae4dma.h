/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two halves of the AE4DMA driver share: ae4dma.c copies, ae4dma_device.c opens, starts
 * and stops.
 */
#ifndef MIGOFF_DCBM_AE4DMA_H
#define MIGOFF_DCBM_AE4DMA_H

#include "ae4dma_regs.h"
#include "amd.h"
#include "macros.h"

/* The largest folio that is usual; with n queues a descriptor takes an n-th of it. */
#define AE4DMA_MAX_LEN (UINT64_C(2) << 20)

/* What is behind a descriptor: its item, and its bytes. */
struct ae4dma_slot {
	uint64_t item;
	uint32_t len;
};

/**
 * struct ae4dma_queue - A queue.
 * @regs: where its registers are.
 * @descriptors: its ring.
 * @iova: where the device finds it.
 * @ring: how far it is.
 * @stops: it had something to do, or had halted, and was told to stop.
 * @load: bytes in [reaped, tail) of it.
 * @slots: what is behind each descriptor.
 */
struct ae4dma_queue {
	uint64_t regs;
	struct ae4dma_descriptor *descriptors;
	uint64_t iova;
	struct amd_ring ring;
	bool stops;
	uint64_t load;
	struct ae4dma_slot slots[AE4DMA_RING];
};

/**
 * struct ae4dma - A device.
 * @engine: what all engines have.
 * @t: what is below.
 * @memory: the rings of all queues, those of each life.
 * @life: how often it was started; each life has rings of its own, for a status that is written late
 *	by the one before must not be taken for one of its own descriptors.
 * @interrupts: it has some.
 * @stuck: it did not start, or its indices are not to be believed: only a reset of the whole
 *	function can help.
 * @n_vain: how often nothing was found since something was found.
 * @current: the queue that copies go to...
 * @portion: ...until it has taken so many bytes.
 * @n_queues: how many.
 * @queues: themselves.
 */
struct ae4dma {
	struct engine engine;
	struct transport *t;
	struct dma_area memory;
	unsigned int life;
	bool interrupts;
	bool stuck;
	unsigned int n_vain;
	struct ae4dma_queue *current;
	int64_t portion;
	unsigned int n_queues;
	struct ae4dma_queue queues[AE4DMA_QUEUES_MAX];
};

static inline struct ae4dma *to_ae4dma(struct engine *e)
{
	return container_of(e, struct ae4dma, engine);
}

static inline uint32_t ae4dma_read(struct ae4dma *ae, const struct ae4dma_queue *q, uint64_t offset)
{
	return transport_read32(ae->t, AE4DMA_BAR, q->regs + offset);
}

static inline void ae4dma_write(struct ae4dma *ae, const struct ae4dma_queue *q, uint64_t offset,
				uint32_t value)
{
	transport_write32(ae->t, AE4DMA_BAR, q->regs + offset, value);
}

/* An index is where a queue cannot be, so that it cannot be begun at either. Return: -EIO. */
int ae4dma_disbelieve(struct ae4dma *ae, const char *complaint);

extern const char ae4dma_senseless[];

/* See struct engine_ops. */
int ae4dma_open(struct transport *t, struct engine **ret, struct why *why);
int ae4dma_start(struct engine *e);
int ae4dma_stop(struct engine *e);
int ae4dma_reset(struct engine *e);
void ae4dma_close(struct engine *e);

#endif
