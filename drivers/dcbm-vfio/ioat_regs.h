/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers and descriptors of Intel's I/OAT (QuickData, CBDMA) engines, versions 3.2 to 3.4, as
 * far as they are used here to copy memory.
 *
 * Sources: (L) Linux, drivers/dma/ioat/{registers.h,hw.h,dma.c,init.c}; (D) DPDK, drivers/dma/ioat/
 * {ioat_spec.h,ioat_hw_defs.h,ioat_dmadev.c}; (S) SPDK, include/spdk/ioat_spec.h and
 * lib/ioat/ioat.c; (X) "Intel Xeon Processor E7-2800/4800/8800 v2 Product Family Datasheet, Volume
 * Two", 14.4 and 14.5, which has the registers of 3.2.
 */
#ifndef MIGOFF_DCBM_IOAT_REGS_H
#define MIGOFF_DCBM_IOAT_REGS_H

#include <stdint.h>

#define IOAT_PCI_VENDOR 0x8086
#define IOAT_PCI_DEVICE 0x02		/* in configuration space (PCI) */
#define IOAT_DEVICE_SKX 0x2021		/* says more than 3.2 of itself, is treated as 3.2 (L) */

/* CHANERR's other half, in configuration space, before 3.3; write 1 to clear. (L) */
#define IOAT_PCI_CHANERR_INT 0x180

/* --- the device, all in one BAR (L, X) -------------------------------------------------------- */

#define IOAT_BAR 0
#define IOAT_CHANCNT 0x00		/* 8 bits: channels (L) */
#define IOAT_CHANCNT_RESERVED 0xe0	/* (X) */
#define IOAT_XFERCAP 0x01		/* 8 bits: logarithm of the bytes of one descriptor (L) */
#define IOAT_XFERCAP_LOG2 0x1f		/* 0 stands for 32 (S) */
#define IOAT_XFERCAP_MIN 12		/* less than a page is no engine (S) */
#define IOAT_INTRCTRL 0x03		/* 8 bits (L) */
#define IOAT_INTRCTRL_MASTER 0x01	/* interrupts at all (L) */
#define IOAT_INTRCTRL_MSIX 0x08		/* by all vectors of MSI-X (L) */
#define IOAT_CBVER 0x08			/* 8 bits: 0x32 is version 3.2 (L) */
#define IOAT_CBVER_3_0 0x30		/* (L) */
#define IOAT_CBVER_3_2 0x32		/* (L) */
#define IOAT_CBVER_3_3 0x33		/* (L) */
#define IOAT_CBVER_3_4 0x34		/* (L) */
#define IOAT_DMACAP 0x10		/* 32 bits (L) */
#define IOAT_DMACAP_DPS 0x00800000	/* descriptors can be fetched ahead: DRSCTL is there (L) */

/* What a reset of a channel wipes out on Atom and Broadwell-DE, MSI-X and all. (L) */
#define IOAT_BWD_MSIX_ADDRESS 0x1000
#define IOAT_BWD_MSIX_DATA 0x1008
#define IOAT_BWD_MSIX_PENDING 0x1800
#define IOAT_BWD_MSIX_WORDS 3

/* --- a channel (L) ---------------------------------------------------------------------------- */

#define IOAT_CHANNEL(n) (0x80u * ((n) + 1))

#define IOAT_CHANCTRL 0x00		/* 16 bits (L) */
/*
 * An interrupt sets it, and while it is set there is no other; writing 1 clears it (L, X: 14.5.12).
 * An interrupt that would have come meanwhile is not said to come later.
 */
#define IOAT_CHANCTRL_REARM 0x0001
#define IOAT_CHANCTRL_ERROR_COMPLETION 0x0004	/* an error is written to CHANCMP, too (L) */
#define IOAT_CHANCTRL_ERROR_ABORT 0x0008	/* any error halts (L) */
#define IOAT_CHANCTRL_ERROR_INTERRUPT 0x0010	/* an error interrupts (L) */

#define IOAT_CHANCMD 0x04		/* 8 bits (L) */
#define IOAT_CHANCMD_SUSPEND 0x04	/* (L) */
#define IOAT_CHANCMD_RESET 0x20		/* stays set until it is done (L) */

#define IOAT_DMACOUNT 0x06		/* 16 bits: descriptors since CHAINADDR was set (L, D) */

#define IOAT_CHANSTS 0x08		/* 64 bits; what is written to CHANCMP's memory, too (L) */
#define IOAT_CHANSTS_STATE 0x07		/* (L) */
#define IOAT_CHANSTS_ACTIVE 0		/* (L) */
#define IOAT_CHANSTS_IDLE 1		/* (L) */
#define IOAT_CHANSTS_SUSPENDED 2	/* (L) */
#define IOAT_CHANSTS_HALTED 3		/* by an error, or since a reset (L) */
#define IOAT_CHANSTS_ARMED 4		/* (D) */
#define IOAT_CHANSTS_FLAGS 0x38		/* errors beside (L), and a reserved bit */
#define IOAT_CHANSTS_DONE (~UINT64_C(0x3f))	/* address of the last one that is done (L) */

#define IOAT_CHAINADDR_LOW 0x10		/* 32 bits: the first descriptor (L) */
#define IOAT_CHAINADDR_HIGH 0x14	/* 32 bits (L) */
#define IOAT_CHANCMP_LOW 0x18		/* 32 bits: where CHANSTS is written; 8 bytes aligned (L) */
#define IOAT_CHANCMP_HIGH 0x1c		/* 32 bits; to be written even if it is 0 (L) */

#define IOAT_CHANERR 0x28		/* 32 bits; write 1 to clear (L) */
#define IOAT_CHANERR_SOURCE 0x00001	/* (L) */
#define IOAT_CHANERR_DESTINATION 0x00002	/* (L) */
#define IOAT_CHANERR_ALIGNMENT 0x00008	/* of a descriptor (L) */
#define IOAT_CHANERR_READ 0x00100	/* of data (L) */
#define IOAT_CHANERR_WRITE 0x00200	/* of data (L) */
#define IOAT_CHANERR_CONTROL 0x00400	/* of a descriptor (L) */
#define IOAT_CHANERR_LENGTH 0x00800	/* of a descriptor (L) */
#define IOAT_CHANERR_MASK 0x2c		/* 32 bits: what is not an error (L) */

#define IOAT_DRSCTL 0xb6		/* 16 bits, with IOAT_DMACAP_DPS: fetching ahead (L) */

/* --- descriptors: 64 bytes, aligned to 64 (L) ------------------------------------------------- */

struct ioat_descriptor {
	uint32_t size;		/* bytes, 1 to 2^XFERCAP (L) */
	uint32_t control;
	uint64_t source;
	uint64_t destination;
	uint64_t next;		/* address of the next descriptor (L) */
	uint64_t reserved[4];
};

#define IOAT_CONTROL_INTERRUPT 0x01	/* when it is done (L) */
#define IOAT_CONTROL_COMPLETION 0x08	/* write CHANSTS when it is done (L) */
#define IOAT_CONTROL_NULL 0x20		/* do nothing (L); a size it must have (L, S) */

#endif
