/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers and descriptors of AMD's PTDMA, as far as they are used here to copy memory.
 *
 * Sources: (L) Linux, drivers/dma/amd/ptdma/{ptdma.h,ptdma-dev.c,ptdma-pci.c,ptdma-debugfs.c}; (R)
 * "raw/ptdma", a driver for DPDK that AMD sent to dev@dpdk.org and that was not taken,
 * ptdma_rawdev_spec.h and ptdma_dev.c; (F) FreeBSD, sys/dev/ccp/ccp_hardware.{h,c}, for the
 * coprocessor that has the same queues, by its specification: Linux says that PTDMA's driver is
 * "based on the CCP driver".
 */
#ifndef MIGOFF_DCBM_PTDMA_REGS_H
#define MIGOFF_DCBM_PTDMA_REGS_H

#include <stdint.h>

#define PTDMA_PCI_VENDOR 0x1022
#define PTDMA_PCI_DEVICE 0x1498		/* (L) */

/* --- the device, all in one BAR, all of 32 bits (L) ------------------------------------------- */

#define PTDMA_BAR 2			/* (L, R) */
#define PTDMA_BAR_MIN 0x6008

#define PTDMA_QUEUE_PRIO 0x0000		/* (L) */
#define PTDMA_QUEUE_PRIO_USUAL 0x6	/* (L) */
#define PTDMA_REQID 0x0004		/* (L) */
#define PTDMA_TIMEOUT 0x0008		/* 0: none (L) */
#define PTDMA_VERSION 0x0010		/* (L) */
#define PTDMA_VERSION_NUMBER(v) ((v) & 0x3f)		/* (L: debugfs, F) */
#define PTDMA_VERSION_QUEUES(v) ((v) >> 15 & 0xf)	/* (L: debugfs, F) */
#define PTDMA_CONFIG 0x1120		/* (L) */
#define PTDMA_CONFIG_VHB 0x1		/* (L) */
#define PTDMA_CLOCK_GATES 0x6004	/* (L) */
#define PTDMA_CLOCK_GATES_USUAL 0x1001	/* (L) */

/* --- its queue (L) ---------------------------------------------------------------------------- */

#define PTDMA_QUEUE 0x1000		/* the first one; others are not used by anybody (L) */

#define PTDMA_CONTROL (PTDMA_QUEUE + 0x00)
#define PTDMA_CONTROL_RUN 0x1		/* off again when the queue is empty, or failed (L) */
#define PTDMA_CONTROL_HALTED 0x2	/* (L); the device's (F) */
#define PTDMA_CONTROL_SIZE(log2) (((uint32_t)(log2) - 1) << 3)	/* of the ring (L, F) */
#define PTDMA_CONTROL_HIGH(iova) ((uint32_t)((iova) >> 32) << 16)	/* of the ring (L, F) */

/*
 * Lower halves of addresses. The ring lies where it is a multiple of its size (F: 5 + log2 bits).
 */
#define PTDMA_TAIL (PTDMA_QUEUE + 0x04)	/* behind the last descriptor (L) */
/*
 * The first that is not done; behind one that fails it does not go by itself (F). Can be written
 * (L).
 */
#define PTDMA_HEAD (PTDMA_QUEUE + 0x08)

#define PTDMA_INT_ENABLE (PTDMA_QUEUE + 0x0c)	/* bits as below (L) */
#define PTDMA_INT_STATUS (PTDMA_QUEUE + 0x10)	/* write 1 to clear (L, F) */
#define PTDMA_INT_DONE 0x1		/* of a descriptor that asks for it (L, F) */
#define PTDMA_INT_ERROR 0x2		/* (L) */
#define PTDMA_INT_STOPPED 0x4		/* (L) */
#define PTDMA_INT_EMPTY 0x8		/* (L) */
#define PTDMA_INT_ALL 0xf

#define PTDMA_STATUS (PTDMA_QUEUE + 0x100)	/* (L) */
#define PTDMA_STATUS_CODE(v) ((v) & 0x3f)	/* (L, F) */
#define PTDMA_STATUS_2 (PTDMA_QUEUE + 0x104)	/* read with the other one (L) */

/*
 * Codes; those that Linux calls reserved have no meaning. Its table of texts has no gaps, though the
 * codes have some.
 */
#define PTDMA_CODE_ENGINE 1		/* (L, F) */
#define PTDMA_CODE_CONTEXT 13		/* until here: it refused the descriptor (L, F) */
#define PTDMA_CODE_TIMEOUT 18		/* (L, F) */
#define PTDMA_CODE_READ0_SLAVE 19	/* input DMA: the bus said that it failed (L, F) */
#define PTDMA_CODE_READ0_DECODE 20	/* (L, F) */
#define PTDMA_CODE_READ1_SLAVE 22	/* (L, F) */
#define PTDMA_CODE_READ1_DECODE 23	/* (L, F) */
#define PTDMA_CODE_WRITE0_SLAVE 38	/* output DMA (L, F) */
#define PTDMA_CODE_WRITE0_DECODE 39	/* (L, F) */
#define PTDMA_CODE_WRITE1_SLAVE 41	/* (L, F) */
#define PTDMA_CODE_WRITE1_DECODE 42	/* (L, F) */
#define PTDMA_CODE_PARITY 43		/* (L, F) */

/* --- descriptors: 32 bytes (L) ---------------------------------------------------------------- */

struct ptdma_descriptor {
	uint32_t control;
	uint32_t length;		/* bytes (L) */
	uint32_t source_low;
	uint32_t source_high;		/* 16 bits; the rest is 0: memory of the system (L, R) */
	uint32_t destination_low;
	uint32_t destination_high;	/* the same (L, R) */
	uint32_t reserved[2];
};

#define PTDMA_DESC_INTERRUPT 0x00000002	/* when it is done (L, R: IOC) */
#define PTDMA_DESC_END 0x00000010	/* of a message (L, R: EOM) */
#define PTDMA_DESC_ENGINE(n) ((uint32_t)(n) << 20)	/* (L, R) */
#define PTDMA_ENGINE_COPY 5		/* "passthrough" (L, R) */
#define PTDMA_ENGINE_NONE 15		/* 0 to 7 are known (F) */

#endif
