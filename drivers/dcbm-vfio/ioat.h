/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two halves of the I/OAT driver share: ioat.c copies, ioat_device.c opens, starts and
 * stops.
 */
#ifndef MIGOFF_DCBM_IOAT_H
#define MIGOFF_DCBM_IOAT_H

#include "engine_driver.h"
#include "ioat_regs.h"
#include "macros.h"

/* Descriptors in the ring of a channel; a power of two that DMACOUNT can count. */
#define IOAT_RING 1024u
/* More than this no device is known to have. */
#define IOAT_CHANNELS_MAX 16u
/* The largest folio that is usual; with n channels a descriptor takes an n-th of it. */
#define IOAT_MAX_LEN (UINT64_C(2) << 20)

#define IOAT_CHANCTRL_RUN                                                                      \
	(IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERROR_COMPLETION | IOAT_CHANCTRL_ERROR_ABORT |    \
	 IOAT_CHANCTRL_ERROR_INTERRUPT)

/* Those whose channels lose their MSI-X at a reset. */
#define IOAT_BWD_IDS(first)                                                                    \
	{ IOAT_PCI_VENDOR, (first) }, { IOAT_PCI_VENDOR, (first) + 1 },                        \
	{ IOAT_PCI_VENDOR, (first) + 2 }, { IOAT_PCI_VENDOR, (first) + 3 }

/* What is behind a descriptor of one channel of several: its item, and its bytes. */
struct ioat_slot {
	uint64_t item;
	uint32_t len;
};

/**
 * struct ioat_channel - A channel.
 * @t: where its registers are, from @regs on.
 * @regs: see there.
 * @ring: its descriptors.
 * @ring_iova: where the device finds them.
 * @status: the word that tells how far it is, as CHANSTS does.
 * @seen: what was in it last.
 * @tail: descriptors written since it was started; a free-running counter, as are the next two.
 * @flushed: of those, how many it may see.
 * @reaped: of those, how many are done and reported.
 * @load: bytes in [@reaped, @tail), if there are other channels.
 * @slots: what is behind each descriptor of the ring, in that case.
 * @interrupts: which of them interrupt, from @reaped on.
 * @n_interrupts: how many of them do.
 */
struct ioat_channel {
	struct transport *t;
	uint64_t regs;
	struct ioat_descriptor *ring;
	uint64_t ring_iova;
	uint64_t *status;
	uint64_t seen;
	uint32_t tail;
	uint32_t flushed;
	uint32_t reaped;
	uint64_t load;
	struct ioat_slot slots[IOAT_RING];
	bool interrupts[IOAT_RING];
	uint32_t n_interrupts;
};

/**
 * struct ioat - A device.
 * @engine: what all engines have.
 * @t: what is below.
 * @memory: the rings of all channels, and then the words that they write.
 * @life: how often it was started; each life has words of its own, for one that is written late by
 *	the one before must not be taken for its own.
 * @version: as CBVER has it.
 * @fetches_ahead: DRSCTL is there.
 * @loses_msix: a reset of a channel is one of its interrupts, too.
 * @msix: what was there before; kept while @msix_lost, for a reset may be given up in the middle.
 * @msix_lost: see there.
 * @interrupts: it has some.
 * @stuck: it did not come to rest: only a reset of the whole function can help.
 * @n_vain: how often nothing was found since something was found.
 * @n_owed: interrupts that were not seen yet, of descriptors that are done.
 * @interrupted: there was an interrupt since channels were looked at last.
 * @n_channels: how many.
 * @channels: themselves.
 */
struct ioat {
	struct engine engine;
	struct transport *t;
	struct dma_area memory;
	unsigned int life;
	uint8_t version;
	bool fetches_ahead;
	bool loses_msix;
	uint64_t msix[IOAT_BWD_MSIX_WORDS];
	bool msix_lost;
	bool interrupts;
	bool stuck;
	unsigned int n_vain;
	int n_owed;
	bool interrupted;
	unsigned int n_channels;
	struct ioat_channel channels[];
};

static inline struct ioat *to_ioat(struct engine *e)
{
	return container_of(e, struct ioat, engine);
}

/* Let the channel see all descriptors that were written. */
void ioat_ring_bell(struct ioat_channel *ch);

/* See struct engine_ops. */
int ioat_open(struct transport *t, struct engine **ret, struct why *why);
int ioat_start(struct engine *e);
int ioat_stop(struct engine *e);
int ioat_reset(struct engine *e);
void ioat_close(struct engine *e);

#endif
