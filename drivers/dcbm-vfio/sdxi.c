/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SNIA's Smart Data Accelerator Interface (SDXI) as a copy engine: one function, with one context
 * of ours and its ring of descriptors.
 *
 * A ring is told of by two indices without end: we write how many descriptors there are, the
 * function how many it has read. What it has read it does at the same time and in any order, so
 * each copy has a completion status block of its own, at its place in the ring. A place is free
 * when the function has read what was there, and that and all before it are done; until then
 * copies wait.
 *
 * An interrupt is a descriptor as well, behind what it announces. A last place is kept for it, so
 * that what waits is waited for by somebody.
 *
 * A block counts down from 1 to 0, which is believed only of a copy that the function was given.
 * Those that are not in use are at 1, too, and have one beside them that nobody ever uses: what
 * is written twice, or astray, is found there, at the latest when the place is used again.
 *
 * What cannot be seen in memory - that the device is gone, has failed, or could not write a block -
 * is looked for in its registers when there was an interrupt without progress, and now and then
 * when polling is in vain.
 */
#include "sdxi.h"

#include <errno.h>

/* Reading a register takes as long as a small copy. */
#define VAIN_POLLS_MAX 1024

static const char complaint_not_given[] = "the device completed what it was not given";
static const char complaint_senseless[] = "the device completed with a code of no meaning";

/* Copies that there are places for. */
static uint32_t sdxi_room(const struct sdxi *sdxi)
{
	uint64_t used = sdxi->tail - MIN(sdxi->oldest, sdxi->read);

	return used < SDXI_RING - 1 ? (uint32_t)(SDXI_RING - 1 - used) : 0;
}

static void sdxi_write_copies(struct sdxi *sdxi, const struct engine_copy *copies, uint32_t n,
			      uint64_t item, uint32_t operation)
{
	struct sdxi_context *c = &sdxi->life->client;
	bool astray = false;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = sdxi->tail++ % SDXI_RING;
		struct sdxi_completion *completion = &c->completions[place];
		struct sdxi_descriptor *d = &c->ring[place];

		/* By somebody who had no business to, since it was done with last time. */
		astray |= sdxi_signal(&completion->block) != SDXI_SIGNAL_PENDING;
		d->size = htole32((uint32_t)copies[i].len - 1);
		d->attributes = 0;
		d->source_akey = htole16(SDXI_AKEY_MEMORY);
		d->destination_akey = htole16(SDXI_AKEY_MEMORY);
		d->source = htole64(copies[i].src);
		d->destination = htole64(copies[i].dst);
		d->completion = htole64(sdxi_iova(sdxi, &completion->block));
		sdxi->slots[place] = (struct sdxi_slot) {
			.item = item + i,
			.place = SDXI_PLACE_COPY,
		};
		/* The last, for the function may look at any time. (L) */
		__atomic_store_n(&d->opcode, htole32(operation | SDXI_OPCODE_VALID),
				 __ATOMIC_RELEASE);
	}
	sdxi->n_unannounced += n;
	sdxi->astray |= astray;
}

static void sdxi_write_interrupt(struct sdxi *sdxi)
{
	uint32_t place = sdxi->tail++ % SDXI_RING;
	struct sdxi_descriptor *d = &sdxi->life->client.ring[place];

	d->size = 0;
	d->attributes = 0;
	d->source_akey = htole16(SDXI_AKEY_EVENT);
	d->destination_akey = 0;
	d->source = d->destination = 0;
	d->completion = htole64(SDXI_COMPLETION_NONE);
	sdxi->slots[place] = (struct sdxi_slot) { .place = SDXI_PLACE_INTERRUPT };
	sdxi->n_unannounced = 0;
	__atomic_store_n(&d->opcode, htole32(SDXI_OPCODE_INTERRUPT | SDXI_OPCODE_FENCE |
					     SDXI_OPCODE_VALID), __ATOMIC_RELEASE);
}

static void sdxi_queue(struct engine *e, const struct engine_copy *copies, uint32_t n,
		       uint64_t item)
{
	struct sdxi *sdxi = to_sdxi(e);
	uint32_t written = 0;

	/* Nothing overtakes what waits: it may have to be shown before. */
	if (sdxi->wait_head == sdxi->wait_tail) {
		written = MIN(n, sdxi_room(sdxi));
		sdxi_write_copies(sdxi, copies, written, item,
				  e->poison ? SDXI_OPCODE_NONE : SDXI_OPCODE_COPY);
	}
	for (uint32_t i = written; i < n; i++)
		sdxi->waiting[sdxi->wait_tail++ % SDXI_RING] = (struct sdxi_waiting) {
			.item = item + i,
			.desc = { .copy = copies[i], .poison = e->poison },
		};
}

void sdxi_ring_bell(struct sdxi *sdxi, unsigned int number, struct sdxi_context *c, uint64_t n)
{
	__atomic_store_n(&c->write_index, htole64(n), __ATOMIC_RELEASE);
	transport_write64(sdxi->t, SDXI_DOORBELL_BAR, number * sdxi->facts.stride, n);
}

/* Show the function all that may be shown, as far as there are places for it. */
static int sdxi_show(struct sdxi *sdxi)
{
	while (sdxi->wait_head != sdxi->wait_flushed && sdxi_room(sdxi) > 0) {
		const struct sdxi_waiting *w = &sdxi->waiting[sdxi->wait_head++ % SDXI_RING];

		sdxi_write_copies(sdxi, &w->desc.copy, 1, w->item,
				  w->desc.poison ? SDXI_OPCODE_NONE : SDXI_OPCODE_COPY);
	}
	if (sdxi->astray)
		return engine_complain(&sdxi->engine, -EIO, complaint_not_given);
	if (sdxi->n_unannounced > 0 && sdxi->interrupts && sdxi->engine.events)
		sdxi_write_interrupt(sdxi);
	if (sdxi->tail == sdxi->rung)
		return 0;
	sdxi->rung = sdxi->tail;
	sdxi_ring_bell(sdxi, SDXI_CLIENT, &sdxi->life->client, sdxi->rung);
	return 0;
}

/* How many descriptors the function has read; of those that it was given. */
static int sdxi_see_read_index(struct sdxi *sdxi)
{
	const uint64_t *word = &sdxi->life->client.status.read_index;
	uint64_t read = le64toh(__atomic_load_n(word, __ATOMIC_ACQUIRE));

	if (read - sdxi->read > sdxi->rung - sdxi->read)
		return engine_complain(&sdxi->engine, -EIO, complaint_not_given);
	sdxi->read = read;
	return 0;
}

static int sdxi_flush(struct engine *e)
{
	struct sdxi *sdxi = to_sdxi(e);
	int r;

	sdxi->wait_flushed = sdxi->wait_tail;
	r = sdxi_see_read_index(sdxi);
	return r < 0 ? r : sdxi_show(sdxi);
}

/* Return: 1 if it is done, or has failed, 0 if not, or -EIO. */
static int sdxi_reap_copy(struct engine *e, struct sdxi_slot *slot, struct sdxi_completion *c)
{
	uint64_t signal = sdxi_signal(&c->block);
	uint32_t flags;

	if (signal == SDXI_SIGNAL_PENDING)
		return 0;
	flags = le32toh(__atomic_load_n(&c->block.flags, __ATOMIC_RELAXED));
	/* So that another one there will be noticed; beside it there is never one. */
	sdxi_arm(&c->block);
	if (signal == UINT64_MAX || sdxi_signal(&c->guard) != SDXI_SIGNAL_PENDING)
		return engine_complain(e, -EIO, complaint_not_given);
	if (signal != 0 || flags & ~SDXI_FLAG_ERROR)
		return engine_complain(e, -EIO, complaint_senseless);
	if (flags & SDXI_FLAG_ERROR) {
		slot->place = SDXI_PLACE_FAILED;
		return 1;
	}
	slot->place = SDXI_PLACE_DONE;
	engine_desc_done(e, slot->item, ENGINE_COPIED);
	return 1;
}

/* Return: as sdxi_reap_copy(), for all. */
static int sdxi_reap_all(struct engine *e, bool *ret_failed)
{
	struct sdxi *sdxi = to_sdxi(e);
	struct sdxi_completion *completions = sdxi->life->client.completions;
	int r, progress = 0, error = 0;

	for (uint64_t i = sdxi->oldest; i != sdxi->rung; i++) {
		struct sdxi_slot *slot = &sdxi->slots[i % SDXI_RING];

		if (slot->place != SDXI_PLACE_COPY)
			continue;
		r = sdxi_reap_copy(e, slot, &completions[i % SDXI_RING]);
		error = r < 0 ? r : error;
		progress |= r > 0;
		*ret_failed |= slot->place == SDXI_PLACE_FAILED;
	}
	return error < 0 ? error : progress;
}

/* Report what has failed; if all has @stopped, so has what the log blames and was not completed. */
static void sdxi_report_failed(struct engine *e, bool stopped)
{
	struct sdxi *sdxi = to_sdxi(e);

	for (uint64_t i = sdxi->oldest; i != sdxi->rung; i++) {
		struct sdxi_slot *slot = &sdxi->slots[i % SDXI_RING];

		if (slot->place != SDXI_PLACE_FAILED &&
		    !(stopped && slot->place == SDXI_PLACE_COPY && slot->blame != ENGINE_COPIED))
			continue;
		slot->place = SDXI_PLACE_DONE;
		engine_desc_done(e, slot->item, slot->blame != ENGINE_COPIED ? slot->blame :
				 ENGINE_DEVICE_ERROR);
	}
}

/* Find out what has failed, or whether the device, which is silent, can be expected to speak. */
static int sdxi_look_closer(struct engine *e)
{
	int r;

	r = sdxi_read_log(e);
	sdxi_report_failed(e, r < 0);
	return r;
}

/* Each interrupt behind what is done has come, or is about to. */
static void sdxi_advance(struct sdxi *sdxi)
{
	while (sdxi->oldest != sdxi->rung) {
		struct sdxi_slot *slot = &sdxi->slots[sdxi->oldest % SDXI_RING];

		if (slot->place != SDXI_PLACE_DONE && slot->place != SDXI_PLACE_INTERRUPT)
			break;
		sdxi->n_owed += slot->place == SDXI_PLACE_INTERRUPT;
		sdxi->oldest++;
	}
}

static int sdxi_reap(struct engine *e)
{
	struct sdxi *sdxi = to_sdxi(e);
	int r, n_interrupts = 0;
	bool failed = false;

	/* First of all, so that whatever is not seen below makes it readable again. */
	if (sdxi->interrupts && e->events) {
		n_interrupts = sdxi->t->ops->irq_rearm(sdxi->t);
		if (n_interrupts < 0)
			return n_interrupts;
	}
	r = sdxi_reap_all(e, &failed);
	if (r < 0)
		return r;
	sdxi_advance(sdxi);
	/* An interrupt that no descriptor accounts for, done now or before, is the log's. */
	sdxi->n_owed -= n_interrupts;
	if (r > 0)
		sdxi->n_vain = 0;
	else if (sdxi->oldest != sdxi->rung)
		sdxi->n_vain++;
	if (failed || sdxi->n_owed < 0 || sdxi->n_vain >= VAIN_POLLS_MAX) {
		sdxi->n_owed = MAX(sdxi->n_owed, 0);
		sdxi->n_vain = 0;
		r = sdxi_look_closer(e);
		if (r < 0)
			return r;
		sdxi_advance(sdxi);
	}
	r = sdxi_see_read_index(sdxi);
	/* Copies that are not flushed may be in the ring, but not while others wait. */
	if (r < 0 || sdxi->wait_head == sdxi->wait_flushed)
		return r;
	return sdxi_show(sdxi);
}

const struct engine_ops sdxi_ops = {
	.name = "sdxi",
	.class_code = SDXI_PCI_CLASS,
	.caps = {
		.address_mask = UINT64_MAX,
		.max_len = SDXI_MAX_LEN,
		.ring_size = SDXI_RING,
		.align = 1,
		.congruence = 1,
		.reports_dma_errors = true,
		.can_inject = true,
	},
	.open = sdxi_open,
	.start = sdxi_start,
	.stop = sdxi_stop,
	.reset = sdxi_reset,
	.queue = sdxi_queue,
	.flush = sdxi_flush,
	.reap = sdxi_reap,
	.close = sdxi_close,
};
