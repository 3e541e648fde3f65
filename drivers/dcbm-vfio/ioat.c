/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel's I/OAT engines (QuickData, CBDMA): a device with one or more channels, each with a ring of
 * descriptors of its own, linked in a circle.
 *
 * A copy goes to the channel that has the fewest bytes to do. Each descriptor, when it is done, has
 * the channel write its address to a word of our memory, so a single read of that word tells how
 * far a channel is, and one write too few does no harm. Only the last descriptor of a flush
 * interrupts.
 *
 * An error halts its channel, which then is to be started anew: that is what recovery is for. The
 * word says that it halted, the descriptor after the last one that is done is to blame, and CHANERR
 * says for what.
 *
 * What cannot be seen in memory - that the device is gone, that a channel halted and could not
 * write so - is looked for in CHANSTS when there was an interrupt without progress, and now and
 * then when polling is in vain.
 */
#include "ioat.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>

#include "macros.h"

/* Reading a register takes as long as a small copy. */
#define VAIN_POLLS_MAX 1024

static const char complaint_gone[] = "the device is gone: its registers read all ones";
static const char complaint_not_given[] = "the device completed what it was not given";

/* The channel with the least to do. */
static struct ioat_channel *ioat_choose(struct ioat *ioat)
{
	struct ioat_channel *best = &ioat->channels[0];

	for (unsigned int i = 1; i < ioat->n_channels; i++)
		if (ioat->channels[i].load < best->load)
			best = &ioat->channels[i];
	return best;
}

static void ioat_write(struct ioat_channel *ch, const struct engine_copy *copies, uint32_t n)
{
	while (n > 0) {
		uint32_t place = ch->tail % IOAT_RING, part = MIN(n, IOAT_RING - place);
		struct ioat_descriptor *d = &ch->ring[place];

#pragma GCC unroll 4
		for (uint32_t i = 0; i < part; i++) {
			d[i].size = htole32((uint32_t)copies[i].len);
			d[i].control = htole32(IOAT_CONTROL_COMPLETION);
			d[i].source = htole64(copies[i].src);
			d[i].destination = htole64(copies[i].dst);
		}
		ch->tail += part;
		copies += part;
		n -= part;
	}
}

static void ioat_spread(struct ioat *ioat, const struct engine_copy *copies, uint32_t n,
			uint64_t item)
{
	for (uint32_t i = 0; i < n; i++) {
		struct ioat_channel *ch = ioat_choose(ioat);

		ch->slots[ch->tail % IOAT_RING] = (struct ioat_slot) {
			.item = item + i,
			.len = (uint32_t)copies[i].len,
		};
		ch->load += copies[i].len;
		ioat_write(ch, &copies[i], 1);
	}
}

static void ioat_queue(struct engine *e, const struct engine_copy *copies, uint32_t n, uint64_t item)
{
	/* A length of nothing is an error of the descriptor, and no other length would be safe. */
	static const struct engine_copy poison;
	struct ioat *ioat = to_ioat(e);

	if (e->poison)
		copies = &poison;
	if (ioat->n_channels == 1)
		ioat_write(&ioat->channels[0], copies, n);
	else
		ioat_spread(ioat, copies, n, item);
}

void ioat_ring_bell(struct ioat_channel *ch)
{
	ch->flushed = ch->tail;
	transport_write16(ch->t, IOAT_BAR, ch->regs + IOAT_DMACOUNT, (uint16_t)ch->tail);
}

/* Of how many more descriptors than was seen a channel says that they are done, in its ring. */
static uint32_t ioat_progress(const struct ioat_channel *ch, uint64_t status)
{
	uint64_t offset = (status & IOAT_CHANSTS_DONE) - ch->ring_iova;

	if (offset >= IOAT_RING * sizeof(*ch->ring))
		return UINT32_MAX;
	return ((uint32_t)(offset / sizeof(*ch->ring)) + 1 - ch->reaped) % IOAT_RING;
}

static uint64_t ioat_status(const struct ioat_channel *ch)
{
	return le64toh(__atomic_load_n(ch->status, __ATOMIC_ACQUIRE));
}

/* Whether it says so of one that it has not been given, but is about to be. */
static bool ioat_is_ahead(const struct ioat_channel *ch)
{
	uint64_t status = ioat_status(ch);

	return status != ch->seen && ioat_progress(ch, status) > ch->flushed - ch->reaped;
}

static int ioat_flush(struct engine *e)
{
	struct ioat *ioat = to_ioat(e);

	for (unsigned int i = 0; i < ioat->n_channels; i++) {
		struct ioat_channel *ch = &ioat->channels[i];
		uint32_t last = (ch->tail - 1) % IOAT_RING;

		if (ch->tail == ch->flushed)
			continue;
		if (ioat_is_ahead(ch))
			return engine_complain(e, -EIO, complaint_not_given);
		if (ioat->interrupts && e->events) {
			ch->ring[last].control |= htole32(IOAT_CONTROL_INTERRUPT);
			ch->interrupts[last] = true;
			ch->n_interrupts++;
		}
		ioat_ring_bell(ch);
	}
	return 0;
}

static enum engine_status ioat_blame(uint32_t chanerr)
{
	if (chanerr & (IOAT_CHANERR_ALIGNMENT | IOAT_CHANERR_CONTROL | IOAT_CHANERR_LENGTH))
		return ENGINE_REFUSED;
	if (chanerr & (IOAT_CHANERR_SOURCE | IOAT_CHANERR_READ))
		return ENGINE_READ_ERROR;
	if (chanerr & (IOAT_CHANERR_DESTINATION | IOAT_CHANERR_WRITE))
		return ENGINE_WRITE_ERROR;
	return ENGINE_DEVICE_ERROR;
}

/* Whether one of the next @n descriptors was to interrupt. */
static bool ioat_was_to_interrupt(struct ioat_channel *ch, uint32_t n)
{
	uint32_t n_before = ch->n_interrupts;

	for (uint32_t i = 0; i < n && ch->n_interrupts > 0; i++) {
		bool *interrupts = &ch->interrupts[(ch->reaped + i) % IOAT_RING];

		ch->n_interrupts -= *interrupts;
		*interrupts = false;
	}
	return ch->n_interrupts < n_before;
}

/* Report the next @n descriptors. Return: whether one of them was to interrupt. */
static bool ioat_report(struct engine *e, struct ioat_channel *ch, uint32_t n,
			enum engine_status status)
{
	bool interrupts = ioat_was_to_interrupt(ch, n);

	if (to_ioat(e)->n_channels == 1) {
		engine_oldest_done(e, n, status);
		ch->reaped += n;
		return interrupts;
	}
	for (; n > 0; n--) {
		const struct ioat_slot *slot = &ch->slots[ch->reaped++ % IOAT_RING];

		ch->load -= slot->len;
		engine_desc_done(e, slot->item, status);
	}
	return interrupts;
}

static int ioat_report_halt(struct engine *e, struct ioat_channel *ch)
{
	static const char *const complaints[] = {
		[ENGINE_READ_ERROR] = "a channel halted: it could not read a source",
		[ENGINE_WRITE_ERROR] = "a channel halted: it could not write a destination",
		[ENGINE_REFUSED] = "a channel halted: it refused a descriptor",
		[ENGINE_DEVICE_ERROR] = "a channel halted: it could not go on",
	};
	uint32_t chanerr = transport_read32(ch->t, IOAT_BAR, ch->regs + IOAT_CHANERR);
	enum engine_status status = ioat_blame(chanerr);

	if (chanerr == UINT32_MAX)
		return engine_complain(e, -EIO, complaint_gone);
	if (ch->reaped != ch->flushed)
		ioat_report(e, ch, 1, status);
	return engine_complain(e, -EIO, complaints[status]);
}

/*
 * Let in what a channel says: the address of the last descriptor that is done, and its state. It
 * is believed only if that descriptor is one that the channel has been given and has not reported.
 *
 * Return: 1 if one of those that are done was to interrupt, 0 if not, or -EIO.
 */
static int ioat_take(struct engine *e, struct ioat_channel *ch, uint64_t status)
{
	uint64_t state = status & IOAT_CHANSTS_STATE;
	uint32_t n = ioat_progress(ch, status);
	bool interrupts = false;

	if (n > ch->flushed - ch->reaped)
		return engine_complain(e, -EIO, complaint_not_given);
	if (status & IOAT_CHANSTS_FLAGS || (state != IOAT_CHANSTS_ACTIVE &&
	    state != IOAT_CHANSTS_IDLE && state != IOAT_CHANSTS_ARMED &&
	    state != IOAT_CHANSTS_HALTED))
		return engine_complain(e, -EIO, "the device completed with a state of no meaning");
	if (n > 0)
		interrupts = ioat_report(e, ch, n, ENGINE_COPIED);
	return state == IOAT_CHANSTS_HALTED ? ioat_report_halt(e, ch) : interrupts;
}

/*
 * Return: 1 if something new was there, 0 if not, or -EIO.
 *
 * An interrupt switches interrupts off: one that came, and one that is about to for what is done.
 * It may even tell of what was seen before, for the device keeps one back that it could not send.
 * What is done before the device has seen that they are on again need not be announced: so be sure
 * that it has, then look again.
 */
static int ioat_reap_channel(struct engine *e, struct ioat_channel *ch)
{
	struct ioat *ioat = to_ioat(e);
	bool off = ioat->interrupted, progress = false;
	uint64_t status;
	int r;

	/* Ends, for no more than a ring is there to be done. */
	for (;;) {
		status = ioat_status(ch);
		if (status != ch->seen) {
			ch->seen = status;
			progress = true;
			r = ioat_take(e, ch, status);
			if (r < 0)
				return r;
			ioat->n_owed += r;
			off |= r > 0;
		}
		if (!off)
			break;
		off = false;
		transport_write16(ch->t, IOAT_BAR, ch->regs + IOAT_CHANCTRL, IOAT_CHANCTRL_RUN);
		if (ch->reaped == ch->flushed)
			break;
		transport_read16(ch->t, IOAT_BAR, ch->regs + IOAT_CHANCTRL);
	}
	return progress;
}

/* Whether a channel that is silent has halted, or is gone. */
static int ioat_look_closer(struct engine *e, struct ioat_channel *ch)
{
	uint64_t status;

	if (ch->reaped == ch->flushed)
		return 0;
	status = transport_read64(ch->t, IOAT_BAR, ch->regs + IOAT_CHANSTS);
	if (status == UINT64_MAX)
		return engine_complain(e, -EIO, complaint_gone);
	/* Of the others its memory will tell. */
	if ((status & IOAT_CHANSTS_STATE) != IOAT_CHANSTS_HALTED)
		return 0;
	return ioat_take(e, ch, status);
}

static int ioat_reap_all(struct engine *e, int (*reap)(struct engine *e, struct ioat_channel *ch))
{
	struct ioat *ioat = to_ioat(e);
	int r, progress = 0, error = 0;

	/* What one channel has finished is not lost because another one halted. */
	for (unsigned int i = 0; i < ioat->n_channels; i++) {
		r = reap(e, &ioat->channels[i]);
		error = r < 0 ? r : error;
		progress |= r > 0;
	}
	return error < 0 ? error : progress;
}

static int ioat_reap(struct engine *e)
{
	struct ioat *ioat = to_ioat(e);
	int r, n_interrupts = 0;

	/* First of all, so that whatever is not seen below makes it readable again. */
	if (ioat->interrupts && e->events) {
		n_interrupts = ioat->t->ops->irq_rearm(ioat->t);
		if (n_interrupts < 0)
			return n_interrupts;
	}
	ioat->interrupted = n_interrupts > 0;
	r = ioat_reap_all(e, ioat_reap_channel);
	if (r < 0)
		return r;
	/* An interrupt that no descriptor accounts for, done now or before, is an error's. */
	ioat->n_owed -= n_interrupts;
	ioat->n_vain = r > 0 ? 0 : ioat->n_vain + 1;
	if (ioat->n_owed >= 0 && ioat->n_vain < VAIN_POLLS_MAX)
		return 0;
	ioat->n_owed = MAX(ioat->n_owed, 0);
	ioat->n_vain = 0;
	return ioat_reap_all(e, ioat_look_closer);
}

#define IDS_OF_EIGHT(first)                                                                    \
	{ IOAT_PCI_VENDOR, (first) }, { IOAT_PCI_VENDOR, (first) + 1 },                        \
	{ IOAT_PCI_VENDOR, (first) + 2 }, { IOAT_PCI_VENDOR, (first) + 3 },                    \
	{ IOAT_PCI_VENDOR, (first) + 4 }, { IOAT_PCI_VENDOR, (first) + 5 },                    \
	{ IOAT_PCI_VENDOR, (first) + 6 }, { IOAT_PCI_VENDOR, (first) + 7 },                    \
	{ IOAT_PCI_VENDOR, (first) + 14 }, { IOAT_PCI_VENDOR, (first) + 15 }

/* Linux, drivers/dma/ioat/init.c, ioat_pci_tbl. */
static const struct engine_id ioat_ids[] = {
	IDS_OF_EIGHT(0x3c20),		/* Sandy Bridge */
	IDS_OF_EIGHT(0x0e20),		/* Ivy Bridge */
	IDS_OF_EIGHT(0x2f20),		/* Haswell */
	IDS_OF_EIGHT(0x6f20),		/* Broadwell */
	IOAT_BWD_IDS(0x0c50),		/* Atom */
	IOAT_BWD_IDS(0x6f50),		/* Broadwell-DE */
	{ IOAT_PCI_VENDOR, IOAT_DEVICE_SKX },	/* Skylake, Cascade Lake */
	{ IOAT_PCI_VENDOR, 0x0b00 },	/* Ice Lake */
};

const struct engine_ops ioat_ops = {
	.name = "ioat",
	.ids = ioat_ids,
	.n_ids = ARRAY_SIZE(ioat_ids),
	.caps = {
		.address_mask = UINT64_MAX,
		.max_len = IOAT_MAX_LEN,
		/* One place is left free, to tell none from all, in the ring of each channel. */
		.ring_size = IOAT_RING - 1,
		.align = 1,
		.congruence = 1,
		.can_inject = true,
	},
	.open = ioat_open,
	.start = ioat_start,
	.stop = ioat_stop,
	.reset = ioat_reset,
	.queue = ioat_queue,
	.flush = ioat_flush,
	.reap = ioat_reap,
	.close = ioat_close,
};
