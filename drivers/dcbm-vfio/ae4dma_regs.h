/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers and descriptors of AMD's AE4DMA, as far as they are used here to copy memory.
 *
 * Sources: (L) Linux, drivers/dma/amd/ae4dma/{ae4dma.h,ae4dma-dev.c,ae4dma-pci.c} and
 * drivers/dma/amd/ptdma/ptdma-dmaengine.c; (S) SPDK, lib/ae4dma/{ae4dma_spec.h,ae4dma.c}; (D)
 * "dma/ae4dma", a driver for DPDK that AMD sent to dev@dpdk.org in 2026, ae4dma_hw_defs.h and
 * ae4dma_dmadev.c.
 */
#ifndef MIGOFF_DCBM_AE4DMA_REGS_H
#define MIGOFF_DCBM_AE4DMA_REGS_H

#include <stdint.h>

#define AE4DMA_PCI_VENDOR 0x1022
#define AE4DMA_PCI_DEVICE 0x149b	/* (L, S, D) */

/* --- the device, all in one BAR, all of 32 bits (L, S, D) ------------------------------------- */

#define AE4DMA_BAR 0			/* (L, S, D) */
#define AE4DMA_QUEUES 0x00		/* how many work; says how many it made of it (S, D) */
#define AE4DMA_QUEUES_MAX 16u		/* (L, S, D) */

/* --- a queue (L, S, D) ------------------------------------------------------------------------ */

#define AE4DMA_QUEUE(n) (0x20u * ((n) + 1))

#define AE4DMA_CONTROL 0x00		/* (S, D) */
#define AE4DMA_CONTROL_ENABLE 0x1	/* (S, D) */
#define AE4DMA_STATUS 0x04		/* (S, D) */
#define AE4DMA_STATUS_OF(v) ((v) >> 1 & 0x3)	/* (S, D) */
#define AE4DMA_STATUS_STOPPED 2		/* (S, D) */
#define AE4DMA_STATUS_ERROR 3		/* (S, D) */
#define AE4DMA_MAX_IDX 0x08		/* descriptors in the ring (L, S, D) */
#define AE4DMA_READ_IDX 0x0c		/* the first that is not done; the device's (L, D) */
#define AE4DMA_WRITE_IDX 0x10		/* behind the last (L, S, D) */
/*
 * One is waiting to be taken, and until then there is no other. Written back without the bit by those
 * who take interrupts (L), once with it by those who want none (S, D).
 */
#define AE4DMA_INT_STATUS 0x14
#define AE4DMA_INT_STATUS_NONE 0x0
#define AE4DMA_BASE_LOW 0x18		/* (L, S, D) */
#define AE4DMA_BASE_HIGH 0x1c		/* (L, S, D) */

#define AE4DMA_RING 32u			/* of each queue, one place of it free (L, S, D) */

/* --- descriptors: 32 bytes (L, S, D) ---------------------------------------------------------- */

struct ae4dma_descriptor {
	uint8_t control;
	uint8_t reserved;
	uint16_t timestamp;
	uint8_t status;			/* the device's; not reliable when READ_IDX has passed it (D) */
	uint8_t code;			/* what was wrong (L, S, D) */
	uint16_t id;
	uint32_t length;		/* bytes, a multiple of 4 (L: error 3) */
	uint32_t reserved_2;
	uint32_t source_low;		/* a multiple of 4 (L: error 4); what is low and what high: (S, D) */
	uint32_t source_high;
	uint32_t destination_low;	/* a multiple of 4 (L: error 5) */
	uint32_t destination_high;
};

#define AE4DMA_ALIGN 4			/* (L) */

#define AE4DMA_DESC_INTERRUPT 0x02	/* when it is done (L, S) */

#define AE4DMA_DONE_SUBMITTED 0		/* (S, D) */
#define AE4DMA_DONE_COMPLETED 3		/* (L, S, D) */
#define AE4DMA_DONE_ERROR 4		/* (S, D); no other is known beyond it */

#define AE4DMA_CODE_REFUSED_MAX 15	/* from 1: of the descriptor (L) */

#endif
