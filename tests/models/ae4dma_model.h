/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD AE4DMA as hardware: 16 queues of copies, each with a ring of 32 descriptors.
 *
 * The numbers are written down here a second time on purpose: the driver's header is part of what
 * is tested. Sources: (L) Linux, drivers/dma/amd/ae4dma/ae4dma.h, for where things are; (K) what its
 * ae4dma module does and expects; (S) SPDK's lib/ae4dma; (D) what the author of DPDK's driver says
 * of the hardware; (M) a choice of this model where no source says, always the one that forgives
 * software less.
 */
#ifndef MIGOFF_TESTS_MODELS_AE4DMA_MODEL_H
#define MIGOFF_TESTS_MODELS_AE4DMA_MODEL_H

#include "model.h"

#define AE4DMA_QUEUES_MAX 16
#define AE4DMA_RING 32

/*
 * Registers in BAR 0, each of 32 bits. The first one is the number of queues; it switches on those
 * that it counts, for Linux does no more than write it, and off the others. (K, M)
 */
enum {
	AE4DMA_N_QUEUES = 0x00,
	AE4DMA_QUEUE_SIZE = 0x20,	/* registers of queue i are from 0x20 * (i + 1) on (L) */

	AE4DMA_CONTROL = 0x00,		/* bit 0: it is on (S) */
	AE4DMA_STATUS = 0x04,		/* 3:1 (S) */
	AE4DMA_MAX_IDX = 0x08,		/* descriptors; 32 is all that anybody writes (L, S) */
	AE4DMA_READ_IDX = 0x0c,		/* read-only; outlasts being switched off (S) */
	AE4DMA_WRITE_IDX = 0x10,
	AE4DMA_INTR_STATUS = 0x14,	/* bit 0, see ae4dma_interrupt() */
	AE4DMA_BASE_LO = 0x18,
	AE4DMA_BASE_HI = 0x1c,

	AE4DMA_CONTROL_ON = 0x1,

	AE4DMA_STATUS_SHIFT = 1,
	AE4DMA_EMPTY = 0,
	AE4DMA_FULL = 1,
	AE4DMA_STOPPED = 2,		/* it is off, and at rest */
	AE4DMA_ERROR = 3,		/* a descriptor has failed; until it is switched off (M) */
	AE4DMA_NOT_EMPTY = 4,		/* and not full; whoever reads two bits sees EMPTY (S) */
};

/* Errors of a descriptor. (L) */
enum {
	AE4DMA_ERR_HEADER = 1,
	AE4DMA_ERR_STATUS = 2,
	AE4DMA_ERR_LENGTH = 3,
	AE4DMA_ERR_SRC_ALIGN = 4,
	AE4DMA_ERR_DST_ALIGN = 5,
	AE4DMA_ERR_DESC = 7,
	AE4DMA_ERR_READ_FAULT = 64,	/* 64 to 255 are of page tables; which is which: M */
	AE4DMA_ERR_WRITE_FAULT = 65,
};

/* Descriptors (L) */
enum {
	AE4DMA_DESC_SIZE = 32,
	AE4DMA_DESC_STATUS = 4,		/* offset of what the device writes: status, error, id */

	AE4DMA_CTL_SOC = 0x1,		/* stop on completion */
	AE4DMA_CTL_IOC = 0x2,		/* interrupt on completion */
	AE4DMA_CTL_KNOWN = 0x3,		/* nobody sets more for memory to memory (K, S) */

	AE4DMA_DESC_SUBMITTED = 0,
	AE4DMA_DESC_VALIDATED = 1,
	AE4DMA_DESC_COMPLETED = 3,
	AE4DMA_DESC_ERROR = 4,
	AE4DMA_DESC_SENSELESS = 0x5a,
};

struct ae4dma_desc {
	uint8_t ctl;
	uint8_t reserved0;
	uint16_t timestamp;
	uint8_t status;
	uint8_t error;
	uint16_t id;
	uint32_t length;
	uint32_t reserved1;
	uint32_t src_lo;
	uint32_t src_hi;
	uint32_t dst_lo;
	uint32_t dst_hi;
};

struct ae4dma_queue {
	bool on;
	bool stopping;			/* it was switched off, and is not at rest yet */
	bool error;
	bool intr;			/* INTR_STATUS */
	uint32_t max_idx;
	uint32_t read_idx;
	uint32_t write_idx;
	uint64_t base;

	/* Ordered: what READ_IDX reads as until the next one is done, if @lies; and that it shall. */
	bool lies;
	uint32_t lie;
	bool goes_back;
	uint32_t back;
};

struct ae4dma {
	uint16_t id;			/* of the PCI device */
	unsigned int n_queues;		/* that can be counted; there are registers for all */
	uint32_t n_on;			/* AE4DMA_N_QUEUES */
	bool goes_on;			/* a descriptor that fails does not stop its queue */
	struct ae4dma_queue queue[AE4DMA_QUEUES_MAX];
};

static inline uint32_t ae4dma_ahead(const struct ae4dma_queue *q, uint32_t write_idx)
{
	return (write_idx - q->read_idx) % AE4DMA_RING;
}

/*
 * It interrupts when INTR_STATUS comes to be 1. As long as it is, no other one does: Linux writes 0
 * after each (K), and SPDK a 1 once and for all, to have none (S).
 */
void ae4dma_interrupt(struct model *m, unsigned int unit);

/* --- ae4dma_work.c: struct model_ops ---------------------------------------------------------- */

bool ae4dma_ready(struct model *m, unsigned int unit);
void ae4dma_work(struct model *m, unsigned int unit);

#endif
