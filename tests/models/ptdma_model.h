/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD PTDMA as hardware: one queue of commands, of which it knows only the copy.
 *
 * The numbers are written down here a second time on purpose: the driver's header is part of what
 * is tested. Sources: (L) Linux, drivers/dma/amd/ptdma/ptdma.h, for where things are; (K) what its
 * ptdma module does and expects; (R) what the raw driver posted to DPDK does; (C) FreeBSD's
 * sys/crypto/ccp, for the crypto processor that the queue is from; (M) a choice of this model where
 * no source says, always the one that forgives software less.
 */
#ifndef MIGOFF_TESTS_MODELS_PTDMA_MODEL_H
#define MIGOFF_TESTS_MODELS_PTDMA_MODEL_H

#include "model.h"

#define PTDMA_BAR 2

/* Registers of the device, each of 32 bits. (L) */
enum {
	PTDMA_QUEUE_PRIO = 0x00,
	PTDMA_REQID_CONFIG = 0x04,
	PTDMA_TIMEOUT = 0x08,		/* Linux writes 0: off. Nothing times out here. */
	PTDMA_TIMEOUT_GRANULARITY = 0x0c, /* R */
	PTDMA_VERSION = 0x10,		/* 5:0 version, 18:15 queues */
	PTDMA_IRQ_MASK = 0x40,
	PTDMA_IRQ_STATUS = 0x200,
	PTDMA_CONFIG = 0x1120,
	PTDMA_CLK_GATE_CTL = 0x6004,

	PTDMA_CONFIG_VHB_EN = 0x1,
	PTDMA_VERSION_QUEUES_SHIFT = 15,
};

/* Registers of the queue. (L) */
enum {
	PTDMA_CONTROL = 0x1000,
	PTDMA_TAIL_LO = 0x1004,		/* behind the last command; counts from the next RUN on (M) */
	PTDMA_HEAD_LO = 0x1008,		/* the first one that is not done (C) */
	PTDMA_INT_ENABLE = 0x100c,
	PTDMA_INT_STATUS = 0x1010,	/* write 1 to clear */
	PTDMA_STATUS = 0x1100,		/* 5:0 error */
	PTDMA_Q_INT_STATUS = 0x1104,
	PTDMA_DMA_STATUS = 0x1108,
	PTDMA_DMA_READ_STATUS = 0x110c,
	PTDMA_DMA_WRITE_STATUS = 0x1110,

	PTDMA_CONTROL_RUN = 0x1,	/* cleared by the device when there is nothing to do */
	PTDMA_CONTROL_HALT = 0x2,	/* read-only: the queue is at rest (R, C) */
	PTDMA_CONTROL_MEM_LOCATION = 0x4,
	PTDMA_CONTROL_SIZE = 0xf8,	/* log2 of the commands, less 1 */
	PTDMA_CONTROL_SIZE_SHIFT = 3,
	PTDMA_SIZE_MIN = 4,		/* 32 commands (K) */
	PTDMA_SIZE_MAX = 12,		/* 8192 (R) */
	PTDMA_CONTROL_RESERVED = 0xff00,
	PTDMA_CONTROL_ADDR_SHIFT = 16,	/* 47:32 of HEAD_LO and TAIL_LO */

	PTDMA_INT_COMPLETION = 0x1,
	PTDMA_INT_ERROR = 0x2,
	PTDMA_INT_STOPPED = 0x4,	/* because software cleared RUN, or a command says so (C) */
	PTDMA_INT_EMPTY = 0x8,
	PTDMA_INT_ALL = 0xf,
};

/* Errors in PTDMA_STATUS. (L, C) */
enum {
	PTDMA_ERR_ENGINE = 1,
	PTDMA_ERR_FUNCTION_MODE = 4,
	PTDMA_ERR_FUNCTION_RESERVED = 8,
	PTDMA_ERR_LENGTH = 9,
	PTDMA_ERR_MEM_ADDR = 11,
	PTDMA_ERR_MEM_SELECT = 12,
	PTDMA_ERR_CONTEXT_ID = 13,
	PTDMA_ERR_READ_SLAVE = 19,
	PTDMA_ERR_READ_DECODE = 20,
	PTDMA_ERR_WRITE_DECODE = 39,
	PTDMA_ERR_MASK = 0x3f,
};

/* Commands (L) */
enum {
	PTDMA_DESC_SIZE = 32,

	PTDMA_DW0_SOC = 1 << 0,		/* stop on completion */
	PTDMA_DW0_IOC = 1 << 1,		/* interrupt on completion */
	PTDMA_DW0_INIT = 1 << 3,
	PTDMA_DW0_EOM = 1 << 4,		/* K sets it, R does not */
	PTDMA_DW0_FUNCTION = 0x7f << 5,	/* byteswap, bitwise, reflect; 0: as it is */
	PTDMA_DW0_FUNCTION_RESERVED = 0xff << 12,
	PTDMA_DW0_ENGINE_SHIFT = 20,
	PTDMA_DW0_ENGINE = 0xf << 20,
	PTDMA_DW0_RESERVED = (int)0xff000004, /* with PROT, of which nobody says what it does (M) */
	PTDMA_ENGINE_PASSTHROUGH = 5,
	PTDMA_DW0_COPY = PTDMA_ENGINE_PASSTHROUGH << PTDMA_DW0_ENGINE_SHIFT,

	/* The words with the upper half of an address. */
	PTDMA_HI_ADDR = 0xffff,
	PTDMA_HI_MEM = 0x3 << 16,	/* 0: system */
	PTDMA_HI_CONTEXT = 0xff << 18,	/* of the source only */
	PTDMA_HI_RESERVED = 0x1f << 26,
	PTDMA_HI_FIXED = (int)(1u << 31),
};

struct ptdma_desc {
	uint32_t dw0;
	uint32_t length;
	uint32_t src_lo;
	uint32_t src_hi;
	uint32_t dst_lo;
	uint32_t dst_hi;
	uint32_t reserved[2];
};

struct ptdma {
	uint32_t plain[7];		/* registers without effect here */
	uint32_t config;

	uint32_t control;		/* without RUN and HALT */
	uint32_t active;		/* the same when RUN was written last: the ring at work */
	bool run;
	bool stopping;			/* RUN was cleared, and the queue is not at rest yet */
	uint32_t tail;
	uint32_t told;			/* TAIL_LO when RUN was written last */
	uint32_t head;
	uint32_t int_enable;
	uint32_t int_status;
	uint32_t error;

	/* Ordered: what HEAD_LO reads as until the next one is done, if @lies; and that it shall. */
	bool lies;
	uint32_t lie;
	bool goes_back;
	uint32_t back;
};

/* The address in the ring at work of what HEAD_LO or TAIL_LO says. */
static inline uint64_t ptdma_addr(const struct ptdma *s, uint32_t low)
{
	return (uint64_t)(s->active >> PTDMA_CONTROL_ADDR_SHIFT) << 32 | low;
}

/* Its bytes. */
static inline uint32_t ptdma_ring(const struct ptdma *s)
{
	unsigned int size = (s->active & PTDMA_CONTROL_SIZE) >> PTDMA_CONTROL_SIZE_SHIFT;

	return (uint32_t)PTDMA_DESC_SIZE << (size + 1);
}

/* What comes @n commands behind @low; the ring is aligned to its size. */
static inline uint32_t ptdma_behind(const struct ptdma *s, uint32_t low, uint32_t n)
{
	uint32_t mask = ptdma_ring(s) - 1;

	return (low & ~mask) | ((low + n * PTDMA_DESC_SIZE) & mask);
}

/* How many commands lie before @low, from the head on. */
static inline uint32_t ptdma_ahead(const struct ptdma *s, uint32_t low)
{
	return ((low - s->head) & (ptdma_ring(s) - 1)) / PTDMA_DESC_SIZE;
}

/* Set bits of INT_STATUS or INT_ENABLE: whatever is both there and enabled interrupts. */
void ptdma_set_int(struct model *m, uint32_t enable, uint32_t status);

/* --- ptdma_work.c: struct model_ops ----------------------------------------------------------- */

bool ptdma_ready(struct model *m, unsigned int unit);
void ptdma_work(struct model *m, unsigned int unit);

#endif
