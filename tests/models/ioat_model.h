/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel I/OAT (also CBDMA, "QuickData") as hardware: versions 3.2, 3.3 and 3.4.
 *
 * The numbers are written down here a second time on purpose: the driver's header is part of what
 * is tested. Sources: (L) Linux 6.12, drivers/dma/ioat/registers.h and hw.h, for where things are;
 * (K) what its ioatdma module does and expects; (D) DPDK's drivers/dma/ioat; (S) SPDK's lib/ioat; (M) a
 * choice of this model where no source says, always the one that forgives software less.
 */
#ifndef MIGOFF_TESTS_MODELS_IOAT_MODEL_H
#define MIGOFF_TESTS_MODELS_IOAT_MODEL_H

#include "model.h"

#define IOAT_CHANNELS_MAX 8	/* M; CHANCNT has 5 bits (K) */

/* Registers of the device. (L) */
enum {
	IOAT_CHANCNT = 0x00,		/* 8 bits */
	IOAT_XFERCAP = 0x01,		/* 8 bits: log2 of the most bytes; 0: 4 GiB */
	IOAT_GENCTRL = 0x02,		/* 8 bits */
	IOAT_INTRCTRL = 0x03,		/* 8 bits */
	IOAT_ATTNSTATUS = 0x04,		/* 32 bits, one a channel; reading clears (K) */
	IOAT_CBVER = 0x08,		/* 8 bits */
	IOAT_PERPORTOFFSET = 0x0a,	/* 16 bits */
	IOAT_INTRDELAY = 0x0c,		/* 16 bits */
	IOAT_DEVICE_STATUS = 0x0e,	/* 16 bits */
	IOAT_DMACAPABILITY = 0x10,	/* 32 bits */
	IOAT_DCAOFFSET = 0x14,		/* 16 bits; 0: none (K) */
	IOAT_PREFETCH_LIMIT = 0x4c,	/* 8 bits; 3.4 (K) */

	IOAT_INTRCTRL_MASTER = 0x01,
	IOAT_INTRCTRL_STATUS = 0x02,	/* ATTNSTATUS is not 0 */
	IOAT_INTRCTRL_INT = 0x04,	/* the same, and MASTER */
	IOAT_INTRCTRL_MSIX = 0x08,	/* a vector for each channel */

	IOAT_CAP_XOR = 0x100,
	IOAT_CAP_DPS = 0x800000,	/* there are DRSCTL and PREFETCH_LIMIT */
};

/* Registers of a channel, from 0x80 * (n + 1) on. (L) */
enum {
	IOAT_CHAN_SIZE = 0x80,
	IOAT_CHANCTRL = 0x00,		/* 16 bits */
	IOAT_CHANCMD = 0x04,		/* 8 bits */
	IOAT_DMACOUNT = 0x06,		/* 16 bits */
	IOAT_CHANSTS = 0x08,		/* 64 bits */
	IOAT_CHAINADDR = 0x10,		/* 64 bits */
	IOAT_CHANCMP = 0x18,		/* 64 bits */
	IOAT_CDAR = 0x20,		/* 64 bits */
	IOAT_CHANERR = 0x28,		/* 32 bits, write 1 to clear */
	IOAT_CHANERR_MASK = 0x2c,	/* 32 bits */
	IOAT_DCACTRL = 0x30,		/* 32 bits */

	/* 3.4. Linux writes them from the channel's base on, behind its 0x80 bytes. (K) */
	IOAT_DRSCTL = 0xb6,		/* 16 bits */
	IOAT_LTR_SWSEL = 0xbc,		/* 8 bits */
	IOAT_LTR_ACTIVE = 0xc0,		/* 32 bits */
	IOAT_LTR_IDLE = 0xc4,		/* 32 bits */

	IOAT_CHANCTRL_REARM = 0x0001,	/* read: no further interrupt until 1 is written here (K) */
	IOAT_CHANCTRL_ERR_COMPLETION = 0x0004,
	IOAT_CHANCTRL_ANY_ERR_ABORT = 0x0008,
	IOAT_CHANCTRL_ERR_INT = 0x0010,
	IOAT_CHANCTRL_KNOWN = 0xf33d,	/* with snoop control, in use, completion DCA, priority */

	IOAT_CHANCMD_SUSPEND = 0x04,
	IOAT_CHANCMD_ABORT = 0x08,
	IOAT_CHANCMD_RESUME = 0x10,
	IOAT_CHANCMD_RESET = 0x20,
};

/* CHANSTS and what is written to CHANCMP: the state, and the address of the last one done. (L) */
enum {
	IOAT_ACTIVE = 0,
	IOAT_IDLE = 1,
	IOAT_SUSPENDED = 2,
	IOAT_HALTED = 3,
	IOAT_ARMED = 4,			/* D */
	IOAT_SENSELESS = 7,
};

/* CHANERR (L) */
enum {
	IOAT_ERR_NEXT_ADDR = 1 << 2,
	IOAT_ERR_ALIGNMENT = 1 << 3,
	IOAT_ERR_CHAIN_ADDR = 1 << 4,
	IOAT_ERR_CHANCMD = 1 << 5,
	IOAT_ERR_READ_DATA = 1 << 8,
	IOAT_ERR_WRITE_DATA = 1 << 9,
	IOAT_ERR_CONTROL = 1 << 10,
	IOAT_ERR_LENGTH = 1 << 11,
	IOAT_ERR_COMPLETION_ADDR = 1 << 12,
	IOAT_ERR_XOR_P = 1 << 16,
	IOAT_ERR_COUNT = 1 << 18,
	IOAT_ERR_ALL = 0x0fffffff,	/* bits above 18 are named only in Linux' messages (K) */
};

/*
 * MSI-X of a device whose channels lose it by a reset, each 64 bits: Linux saves and restores these
 * of Atom and Broadwell-DE. (K)
 */
enum {
	IOAT_MSIX_ADDRESS = 0x1000,
	IOAT_MSIX_DATA = 0x1008,
	IOAT_MSIX_PENDING = 0x1800,
};

/* Configuration space (L); there is none of it from 3.3 on (K). */
enum {
	IOAT_CFG_CHANERR_INT = 0x180,	/* write 1 to clear */
	IOAT_CFG_CHANERRMASK_INT = 0x184,
};

/* Descriptors (L) */
enum {
	IOAT_DESC_SIZE = 64,
	IOAT_CTL_INT = 0x01,
	IOAT_CTL_COMPLETION = 0x08,
	IOAT_CTL_NULL = 0x20,
	IOAT_CTL_COPY_KNOWN = 0x3f,	/* with no-snoop of both sides, and fence */
	IOAT_CTL_XOR_KNOWN = 0xff,
	IOAT_OP_COPY = 0x00,
	IOAT_OP_XOR = 0x87,
	IOAT_OP_XOR_VAL = 0x88,
};

struct ioat_desc {
	uint32_t size;
	uint32_t ctl;
	uint64_t src;
	uint64_t dst;
	uint64_t next;
	uint64_t more[4];		/* further sources of an XOR; else nobody's */
};

enum ioat_run {
	IOAT_RUN_HALTED,
	IOAT_RUN_ARMED,			/* has a chain, and waits for DMACOUNT */
	IOAT_RUN_RUNNING,
	IOAT_RUN_SUSPENDED,
};

/* A register of 64 bits that may be written by halves; it counts when both have been written. */
struct ioat_wide {
	uint64_t value;
	unsigned int halves;		/* 1: the lower one was written, 2: the upper one */
};

struct ioat_chan {
	enum ioat_run run;
	bool resetting;
	bool seen_resetting;
	bool suspending;

	uint16_t chanctrl;
	bool irq_off;			/* CHANCTRL bit 0 */
	bool irq_pending;
	uint32_t chanerr;
	bool told;			/* software knows of it */
	uint32_t chanerr_mask;
	uint32_t extra[4];		/* registers without effect here: DCACTRL, DRSCTL, LTR */

	struct ioat_wide chainaddr;
	struct ioat_wide chancmp;
	bool has_chain;
	bool has_chancmp;

	uint64_t current;		/* descriptor at work, or the last one */
	uint64_t next;			/* the one to be fetched next */
	uint64_t last_done;
	uint16_t count;			/* DMACOUNT */
	uint16_t done;			/* of these */
	uint32_t n_chain;		/* done since CHAINADDR was written, until the ring's end */
	uint32_t ring;			/* descriptors in the ring; 0: its end was not seen yet */
	uint32_t most_ahead;		/* of DMACOUNT, since CHAINADDR was written */
	uint64_t again;			/* completion to be written once more; 0: none */
};

struct ioat {
	uint16_t id;			/* 0: the usual one of the version */
	uint8_t version;		/* CBVER */
	unsigned int n_channels;
	uint8_t xfercap;

	uint8_t genctrl;
	uint8_t intrctrl;
	uint8_t prefetch_limit;
	uint16_t intrdelay;
	uint32_t attnstatus;
	uint32_t chanerr_int;		/* as in configuration space */
	bool told_int;			/* software knows of it */
	bool loses_msix;
	uint64_t msix[2];		/* address, data and mask, if it loses them */
	struct ioat_chan chan[IOAT_CHANNELS_MAX];
};

/* How many descriptors the channel was told of and has not done. */
static inline uint16_t ioat_ahead(const struct ioat_chan *ch)
{
	return (uint16_t)(ch->count - ch->done);
}

/* What the host has put into MSI-X. */
static const uint64_t ioat_msix[2] = { 0xfee01004, 0x4021 };

/* CHANERR_INT, up to 3.2. */
void ioat_set_chanerr_int(struct model *m, uint32_t value);

/* --- ioat_channel.c --------------------------------------------------------------------------- */

/* What CHANSTS says. */
uint64_t ioat_chansts(const struct ioat_chan *ch);

/* Errors of a channel: it halts, and tells as it is set up to. */
void ioat_fail(struct model *m, unsigned int unit, uint32_t chanerr);

/*
 * Software knows of the errors of a channel: it has read of them, or starts over. Before that a doorbell of
 * its may cross them on the way, which is no fault of anybody.
 */
void ioat_tell(struct ioat *s, unsigned int unit);

/* Let the channel interrupt, now or when it is re-armed. */
void ioat_interrupt(struct model *m, unsigned int unit);

void ioat_write_chanctrl(struct model *m, unsigned int unit, uint16_t value);
void ioat_write_chancmd(struct model *m, unsigned int unit, uint8_t value);
void ioat_write_chainaddr(struct model *m, unsigned int unit, unsigned int inside,
			  unsigned int width, uint64_t value);
void ioat_write_chancmp(struct model *m, unsigned int unit, unsigned int inside,
			unsigned int width, uint64_t value);
void ioat_write_dmacount(struct model *m, unsigned int unit, uint16_t value);

/* --- ioat_work.c: struct model_ops ------------------------------------------------------------ */

bool ioat_ready(struct model *m, unsigned int unit);
void ioat_work(struct model *m, unsigned int unit);

/*
 * A reset has been seen to take time: if it can end it does so now, at the latest. However busy the
 * computer, a unit that is not let run is not taken for a device that hangs.
 */
void ioat_hurry_reset(struct model *m, unsigned int unit);

#endif
