/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers, tables and descriptors of SNIA's Smart Data Accelerator Interface (SDXI), version 1,
 * as far as they are used here to copy memory.
 *
 * Sources: "3-4", "4.1.8" and the like are tables and sections of the "SDXI Specification",
 * version 1.0a, as (L) quotes them; (L) Linux's posted driver, drivers/dma/sdxi/{hw.h,mmio.h,
 * device.c,context.c,ring.c,completion.c,descriptor.c,error.c,pci.c} of the series "dmaengine:
 * Smart Data Accelerator Interface (SDXI)", 2025 and 2026. All numbers are little endian. What is
 * not named here is reserved, and 0.
 */
#ifndef MIGOFF_DCBM_SDXI_REGS_H
#define MIGOFF_DCBM_SDXI_REGS_H

#include <stdint.h>

/* No list of devices exists: any with that class is one. (L, "PCI Code and ID Assignment", 1.19) */
#define SDXI_PCI_CLASS 0x120100

/* --- the function: 64 bits each, in one BAR (9.1 to 9.3) -------------------------------------- */

#define SDXI_BAR 0
#define SDXI_BAR_MIN 0x20030		/* up to and with ERR_RD */

#define SDXI_CTL0 0x00000		/* 9-2 */
#define SDXI_CTL0_REQUEST UINT64_C(0x3)	/* what state it shall go to: FN_GSR (9-2) */
#define SDXI_REQUEST_RESET 0		/* (L) */
#define SDXI_REQUEST_STOP_SOFT 1	/* what has begun comes to an end (L) */
#define SDXI_REQUEST_STOP_HARD 2	/* (L) */
#define SDXI_REQUEST_ACTIVE 3		/* (L) */
#define SDXI_CTL0_ERROR_INTERRUPT (UINT64_C(1) << 4)	/* if it goes to the error state (9-2) */
#define SDXI_CTL0_GROUP (UINT64_C(0xffffffff) << 32)	/* not ours to change (9-2, L) */

#define SDXI_CTL2 0x00010		/* what is used of CAP1, in the same units (9-4) */
#define SDXI_CTL2_MAX_BUFFER(log2) ((uint64_t)(log2))	/* (9-4) */
#define SDXI_CTL2_MAX_CONTEXT(n) ((uint64_t)(n) << 16)	/* the highest number of one (9-4) */
#define SDXI_CTL2_OPERATIONS (UINT64_C(0xffffffff) << 32)	/* groups (9-4) */

#define SDXI_STS0 0x00100		/* 9-5 */
#define SDXI_STS0_STATE UINT64_C(0x7)	/* FN_GSV (9-5); the states: (L) */
#define SDXI_STATE_STOPPED 0
#define SDXI_STATE_INIT 1
#define SDXI_STATE_ACTIVE 2
#define SDXI_STATE_STOPPING_SOFT 3
#define SDXI_STATE_STOPPING_HARD 4
#define SDXI_STATE_ERROR 5

#define SDXI_CAP0 0x00200		/* 9-6 */
#define SDXI_CAP0_STRIDE(v) (UINT64_C(4096) << ((v) >> 20 & 0x7))	/* of doorbells (9-6) */

#define SDXI_CAP1 0x00208		/* 9-7 */
#define SDXI_CAP1_MAX_BUFFER(v) ((unsigned int)((v) & 0xf))	/* 2^(21 + n) bytes (9-7) */
#define SDXI_MAX_BUFFER_LOG2 21		/* (9-7) */
#define SDXI_MAX_BUFFER_MOST 11		/* 4 GiB: a descriptor says no more (L, 6-8) */
#define SDXI_CAP1_MAX_CONTEXT(v) ((unsigned int)((v) >> 16 & 0xffff))	/* highest number (9-7) */
#define SDXI_CAP1_OPERATIONS(v) ((uint32_t)((v) >> 32))	/* groups, OPB_000 (9-7) */

#define SDXI_VERSION 0x00210		/* 9-8 */
#define SDXI_VERSION_MINOR(v) ((unsigned int)((v) & 0xff))	/* (9-8) */
#define SDXI_VERSION_MAJOR(v) ((unsigned int)((v) >> 16 & 0xff))	/* (9-8) */

#define SDXI_CXT_L2 0x10000		/* address of the level-2 table (9-9) */
#define SDXI_RKEY 0x10100		/* 0: nobody else's function reaches our memory (9-10) */

#define SDXI_ERR_CTL 0x20000		/* 9-11 */
#define SDXI_ERR_CTL_INTERRUPT UINT64_C(0x1)	/* vector 0, with each entry (9-11, 3.4) */
#define SDXI_ERR_STS 0x20008		/* write 1 to clear (9-12) */
#define SDXI_ERR_STS_OVERFLOW UINT64_C(0x2)	/* there was no room for an entry (9-12) */
#define SDXI_ERR_STS_FAILED UINT64_C(0x8)	/* one could not be written (9-12) */
#define SDXI_ERR_STS_ALL UINT64_C(0xb)	/* and that there is something (9-12) */
#define SDXI_ERR_CFG 0x20010		/* address of the log, and: (9-13) */
#define SDXI_ERR_CFG_ENABLE UINT64_C(0x1)	/* (9-13) */
#define SDXI_ERR_CFG_SIZE(entries) ((uint64_t)(entries) / 64 << 1)	/* (9-13) */
#define SDXI_ERR_WRT 0x20020		/* entries written, without end (L) */
#define SDXI_ERR_RD 0x20028		/* entries read, of those (L) */

/* One doorbell a context, in the other BAR: descriptors there are, without end. (L) */
#define SDXI_DOORBELL_BAR 2

#define SDXI_VECTOR_ERROR 0		/* the log's; always that one (3.4) */
#define SDXI_VECTOR_CLIENT 1		/* the one after it (L) */

/* --- contexts ------------------------------------------------------------------------------- */

#define SDXI_CONTEXT_ADMIN 0		/* it starts the others (3.5) */

/* Level-2 table: 4 KiB of 64 bits each, the address of a level-1 table, and: (3-2, 3.2.1) */
#define SDXI_LEVEL2_ENTRIES 512
#define SDXI_LEVEL2_VALID UINT64_C(0x1)	/* (3-2) */

/* Level-1 table: 4 KiB. (3.2.2) */
#define SDXI_LEVEL1_ENTRIES 128

/* A context in it. (3-3) */
struct sdxi_level1 {
	uint64_t control;	/* address of a struct sdxi_control, aligned to 64, and: */
	uint64_t akeys;		/* address of the keys, aligned to 4 KiB; 0 in [3:0]: 256 of them */
	uint32_t limits;	/* PASID, and the largest buffer << 20 as in CAP1 */
	uint32_t operations;	/* groups, as in CAP1 */
	uint64_t reserved;
};

#define SDXI_LEVEL1_VALID UINT64_C(0x1)	/* (3-3) */
#define SDXI_LEVEL1_KA UINT64_C(0x2)	/* always set by (L) (3-3) */
#define SDXI_LEVEL1_MAX_BUFFER(log2) ((uint32_t)(log2) << 20)	/* (3-3) */

/* How a context is fed; aligned to 64. (3-4) */
struct sdxi_control {
	uint64_t ring;		/* address, aligned to 64, and: */
	uint32_t n_entries;	/* descriptors in it, 1024 at least (3-1) */
	uint32_t reserved;
	uint64_t status;	/* address of a struct sdxi_status, aligned to 16 */
	uint64_t write_index;	/* address of 64 bits, aligned to 8: descriptors there are */
	uint64_t more[4];
};

#define SDXI_CONTROL_VALID UINT64_C(0x01)	/* (3-4) */
#define SDXI_CONTROL_SE UINT64_C(0x10)	/* always set by (L) (3-4) */
#define SDXI_CONTROL_CSA UINT64_C(0x20)	/* always set by (L) (3-4) */

/* How far it is; written by the function, aligned to 16. (3-5) */
struct sdxi_status {
	uint8_t state;
	uint8_t reserved[7];
	uint64_t read_index;	/* descriptors read, without end: their places are free (L) */
};

#define SDXI_CONTEXT_STATE 0xf		/* (3-5) */
#define SDXI_CONTEXT_STOPPED 0x0	/* by software (3-6) */
#define SDXI_CONTEXT_RUNNING 0x1	/* (3-6) */

/* What a descriptor refers to by number: an address space, or an interrupt. (3-7) */
struct sdxi_akey {
	uint16_t interrupt;	/* its vector << 4, and: */
	uint16_t function;	/* 0: this one (3-7) */
	uint32_t pasid;
	uint16_t tag;
	uint16_t reserved;
	uint16_t rkey;
	uint16_t reserved2;
};

#define SDXI_AKEYS 256			/* the smallest table: 4 KiB (L) */
#define SDXI_AKEY_VALID 0x1		/* (3-7) */
#define SDXI_AKEY_INTERRUPT 0x2		/* it has a vector (3-7) */
#define SDXI_AKEY_VECTOR(n) ((uint16_t)((n) << 4))	/* (3-7) */

/* --- descriptors: 64 bytes, aligned to 64 (6-3) --------------------------------------------- */

struct sdxi_descriptor {
	uint32_t opcode;
	uint32_t size;			/* bytes less 1 (6-8) */
	uint32_t attributes;		/* (6-8); to start: first context, last << 16 (6-14) */
	uint16_t source_akey;		/* (6-8); of an interrupt: its only one (6-12) */
	uint16_t destination_akey;	/* (6-8) */
	uint64_t source;		/* (6-8); to start: what their doorbell says (6-14) */
	uint64_t destination;		/* (6-8) */
	uint64_t reserved[3];
	uint64_t completion;		/* address of a struct sdxi_block, or (6-3) */
};

#define SDXI_COMPLETION_NONE UINT64_C(0x1)	/* NP (6-3) */

#define SDXI_OPCODE_VALID 0x01u		/* taken back when it is read (6-3, L) */
#define SDXI_OPCODE_FENCE 0x04u		/* after all those before it are done (6-3, L) */
#define SDXI_OPCODE(type, subtype) ((uint32_t)(type) << 16 | (uint32_t)(subtype) << 8)	/* (6-3) */
#define SDXI_OPCODE_NOTHING SDXI_OPCODE(0x001, 0x01)	/* (6-2, 6-6) */
#define SDXI_OPCODE_COPY SDXI_OPCODE(0x001, 0x03)	/* (6-2, 6-8) */
#define SDXI_OPCODE_START SDXI_OPCODE(0x002, 0x03)	/* in context 0 only (6-2, 6-14) */
#define SDXI_OPCODE_INTERRUPT SDXI_OPCODE(0x004, 0x00)	/* (6-2, 6-12) */
#define SDXI_OPCODE_NONE SDXI_OPCODE(0x7ff, 0xff)	/* no operation has that number (6-2) */

/* A completion status block: 32 bytes, aligned to 32. (6-4) */
struct sdxi_block {
	uint64_t signal;	/* one less for each that is done: from 1 to 0 (6-4) */
	uint32_t flags;		/* final when the signal is 0 (5.6) */
	uint32_t reserved[5];
};

#define SDXI_SIGNAL_PENDING 1		/* what software writes (L) */
#define SDXI_FLAG_ERROR 0x80000000u	/* (6-4) */

/* --- the error log: entries of 64 bytes (3.4, "Error Log Header Entry") --------------------- */

#define SDXI_LOG_ENTRIES 64u		/* the fewest (L) */

struct sdxi_log_entry {
	uint32_t opcode;
	uint16_t flags;
	uint16_t context;	/* with SDXI_LOG_HAS_CONTEXT */
	uint64_t index;		/* of the descriptor, without end, with SDXI_LOG_HAS_INDEX */
	uint32_t reserved[7];
	uint16_t class;
	uint16_t reserved2;
	uint32_t vendor[4];
};

#define SDXI_LOG_VALID 0x1u		/* in the opcode (L) */
#define SDXI_LOG_TYPE(opcode) ((opcode) >> 16 & 0x7ff)	/* (L) */
#define SDXI_LOG_TYPE_ERROR 0x7f7	/* (L) */
#define SDXI_LOG_STEP(opcode) ((opcode) >> 8 & 0x3f)	/* what it was doing (L) */
#define SDXI_STEP_DESCRIPTOR 7		/* reading the descriptor, and checking it (L) */
#define SDXI_STEP_BUFFER 10		/* reading or writing data (L) */
#define SDXI_STEP_AKEY 11		/* looking up a key (L) */
#define SDXI_STEP_RKEY 12		/* the other side's (L) */
#define SDXI_LOG_HAS_CONTEXT 0x1	/* (L) */
#define SDXI_LOG_HAS_INDEX 0x2		/* (L) */
#define SDXI_LOG_HAS_BUFFER 0x4		/* (L) */
#define SDXI_LOG_BUFFER(flags) ((flags) >> 4 & 0x7)	/* which one, as in the descriptor (L) */
#define SDXI_BUFFER_SOURCE 0		/* the descriptor's first address (6-8) */
#define SDXI_BUFFER_DESTINATION 1	/* its second one (6-8) */

#endif
