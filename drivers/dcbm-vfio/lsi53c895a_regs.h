/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers and instructions of the Symbios/LSI SYM53C895A PCI-to-SCSI controller, as far as its
 * SCRIPTS processor is used here to copy memory.
 *
 * Sources: (M) "SYM53C895A PCI to Ultra2 SCSI Controller", LSI Logic technical manual, chapters 4
 * (registers) and 5 (SCRIPTS instruction set); (Q) seen on QEMU's model of it, lsi53c895a.
 */
#ifndef MIGOFF_DCBM_LSI53C895A_REGS_H
#define MIGOFF_DCBM_LSI53C895A_REGS_H

#define LSI_PCI_VENDOR 0x1000	/* M: configuration space, 0x00 */
#define LSI_PCI_DEVICE 0x0012	/* M: configuration space, 0x02 */

/* The operating registers, as memory. (M: configuration space, 0x14) */
#define LSI_BAR 1
#define LSI_BAR_SIZE 0x100

#define LSI_DSTAT 0x0c		/* DMA status; reading clears it (M), unless INTF is set (Q) */
#define LSI_DSTAT_IID 0x01	/* illegal instruction (M) */
#define LSI_DSTAT_SIR 0x04	/* an INT instruction was executed (M) */
#define LSI_DSTAT_SSI 0x08	/* single step (M) */
#define LSI_DSTAT_ABRT 0x10	/* aborted (M) */
#define LSI_DSTAT_BF 0x20	/* bus fault (M) */
#define LSI_DSTAT_MDPE 0x40	/* master data parity error (M) */
#define LSI_DSTAT_DFE 0x80	/* DMA FIFO empty (M); always set (Q) */

#define LSI_ISTAT0 0x14		/* interrupt status (M) */
#define LSI_ISTAT0_DIP 0x01	/* something in DSTAT (M) */
#define LSI_ISTAT0_SIP 0x02	/* something in SIST0 or SIST1 (M) */
#define LSI_ISTAT0_INTF 0x04	/* INTFLY executed; write 1 to clear (M) */
#define LSI_ISTAT0_SRST 0x40	/* software reset; to be written back to 0 (M), clears itself (Q) */
#define LSI_ISTAT0_ABRT 0x80	/* abort (M); a parked script runs on regardless (Q) */

#define LSI_ISTAT1 0x15		/* (M) */
#define LSI_ISTAT1_SRUN 0x02	/* SCRIPTS running (M) */

#define LSI_DSP 0x2c		/* address of the next instruction; writing it starts (M) */
#define LSI_DSPS 0x30		/* second word of the last instruction: the code of an INT (M) */
#define LSI_DMODE 0x38		/* DMA mode; 0: memory to memory, starting with the write to DSP (M) */
#define LSI_DIEN 0x39		/* which bits of DSTAT raise an interrupt (M) */
#define LSI_DIEN_ALL 0x7d	/* (M) */
#define LSI_SIEN0 0x40		/* which SCSI events raise an interrupt (M) */
#define LSI_SIEN1 0x41		/* (M) */
#define LSI_MMRS 0xa0		/* upper half of a Memory Move's source (M); ignored (Q) */
#define LSI_MMWS 0xa4		/* upper half of its destination (M); ignored (Q) */

/* Instructions, in little-endian words of 32 bits. */
#define LSI_INSN_MOVE 0xc0000000u	/* | bytes, source, destination (M) */
#define LSI_INSN_MOVE_MAX 0xffffffu	/* bytes that one moves (M) */
#define LSI_INSN_INT 0x98080000u	/* code: stop and interrupt (M) */
#define LSI_INSN_ILLEGAL 0xb8080000u	/* a transfer control that does not exist (M, Q) */

#define LSI_MOVE_WORDS 3
#define LSI_INT_WORDS 2

/* After so many instructions at a stretch the script is parked for 500 microseconds. (Q) */
#define LSI_MAX_INSNS 100

#endif
