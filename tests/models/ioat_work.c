/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/OAT: descriptors, and what becomes of them. A channel takes them one after the other, so that
 * "late" cannot be ordered from it.
 */
#include "ioat_model.h"

#include <string.h>

#include "macros.h"

#define XOR_CHUNK 4096
#define XOR_SOURCES_MAX 8

bool ioat_ready(struct model *m, unsigned int unit)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];

	if (ch->resetting)
		return !model_never_resets(m);
	if (ch->suspending)
		return true;
	return ch->run == IOAT_RUN_RUNNING && ioat_ahead(ch) > 0 && model_bus_master(m);
}

/* Errors outlast it, and CHANCTRL does, which Linux does not write again in its error path (K). */
static void end_reset(struct ioat *s, struct ioat_chan *ch)
{
	ch->resetting = ch->suspending = false;
	ch->run = IOAT_RUN_HALTED;
	ch->irq_pending = false;
	ch->chainaddr = (struct ioat_wide) { 0 };
	ch->has_chain = false;
	ch->current = ch->next = ch->last_done = 0;
	ch->count = ch->done = 0;
	ch->n_chain = ch->ring = ch->most_ahead = 0;
	ch->again = 0;
	/* On 3.3 the address of the completions is lost (K), and what has half been written is. */
	if (s->version == 0x33)
		ch->chancmp = (struct ioat_wide) { 0 };
	if (s->loses_msix)
		memset(s->msix, 0, sizeof(s->msix));
	ch->chancmp.halves = 0;
	ch->has_chancmp = ch->chancmp.value != 0;
}

void ioat_hurry_reset(struct model *m, unsigned int unit)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];

	if (ch->seen_resetting && ch->resetting && !model_working(m, unit) &&
	    !model_never_resets(m))
		end_reset(s, ch);
	ch->seen_resetting = ch->resetting;
}

/* --- rules ------------------------------------------------------------------------------------ */

/* What is wrong with it, as CHANERR says it; 0 if nothing is. */
static uint32_t check_desc(struct model *m, uint64_t addr, const struct ioat_desc *d)
{
	struct ioat *s = model_state(m);
	unsigned int op = d->ctl >> 24, known = IOAT_CTL_COPY_KNOWN;

	if ((op == IOAT_OP_XOR || op == IOAT_OP_XOR_VAL) && s->version == 0x33) {
		known = IOAT_CTL_XOR_KNOWN;
	} else if (op != IOAT_OP_COPY) {
		model_broken(m, "operation", "%#x, in %#lx", op, (unsigned long)addr);
		return IOAT_ERR_CONTROL;
	}
	if (d->ctl & 0xffffff & ~known) {
		model_broken(m, "reserved bits of a descriptor's control", "%#x, in %#lx", d->ctl,
			     (unsigned long)addr);
		return IOAT_ERR_CONTROL;
	}
	if (d->size == 0 || d->size > 1ull << s->xfercap) {
		model_broken(m, "length", "%u bytes, in %#lx", d->size, (unsigned long)addr);
		return IOAT_ERR_LENGTH;
	}
	return 0;
}

/* --- operations ------------------------------------------------------------------------------- */

static uint32_t copy(struct model *m, unsigned int unit, const struct ioat_desc *d,
		     bool *ret_stopped)
{
	switch (model_copy(m, unit, d->src, d->dst, d->size, NULL)) {
	case MODEL_DONE:
		break;
	case MODEL_READ_FAULT:
		return IOAT_ERR_READ_DATA;
	case MODEL_WRITE_FAULT:
		return IOAT_ERR_WRITE_DATA;
	case MODEL_STOPPED:
		*ret_stopped = true;
		break;
	}
	return 0;
}

/*
 * XOR writes the sum of its sources to @dst; XOR_VAL wants it to be what is there. (K) Of more than
 * five sources the others are in an extended descriptor, with the address of what follows both.
 */
struct xor {
	unsigned int n;
	uint64_t src[XOR_SOURCES_MAX];
};

static uint32_t xor_sources(struct model *m, struct ioat_desc *d, struct xor *ret)
{
	uint64_t ext[IOAT_DESC_SIZE / sizeof(uint64_t)];

	ret->n = (d->ctl >> 5 & 7) + 2;
	ret->src[0] = d->src;
	memcpy(&ret->src[1], d->more, sizeof(d->more));
	if (ret->n <= 5)
		return 0;
	if (d->next % IOAT_DESC_SIZE) {
		model_broken(m, "next descriptor is not aligned", "%#lx", (unsigned long)d->next);
		return IOAT_ERR_ALIGNMENT;
	}
	if (model_dma_read(m, d->next, ext, sizeof(ext)) != MODEL_DONE)
		return IOAT_ERR_NEXT_ADDR;
	memcpy(&ret->src[5], ext, 3 * sizeof(ext[0]));
	d->next = ext[3];
	return 0;
}

static uint32_t xor_chunk(struct model *m, const struct xor *x, uint64_t offset, size_t len,
			  uint64_t dst, bool validate)
{
	uint8_t sum[XOR_CHUNK] = { 0 }, bytes[XOR_CHUNK];

	for (unsigned int i = 0; i < x->n; i++) {
		if (model_dma_read(m, x->src[i] + offset, bytes, len) != MODEL_DONE)
			return IOAT_ERR_READ_DATA;
		for (size_t j = 0; j < len; j++)
			sum[j] ^= bytes[j];
	}
	if (!validate)
		return model_dma_write(m, dst + offset, sum, len) == MODEL_DONE ? 0 :
		       IOAT_ERR_WRITE_DATA;
	if (model_dma_read(m, dst + offset, bytes, len) != MODEL_DONE)
		return IOAT_ERR_READ_DATA;
	return memcmp(sum, bytes, len) ? IOAT_ERR_XOR_P : 0;
}

static uint32_t do_xor(struct model *m, struct ioat_desc *d)
{
	bool validate = d->ctl >> 24 == IOAT_OP_XOR_VAL;
	uint32_t error;
	struct xor x;

	error = xor_sources(m, d, &x);
	for (uint64_t offset = 0; offset < d->size && !error; offset += XOR_CHUNK)
		error = xor_chunk(m, &x, offset, MIN(d->size - offset, (uint64_t)XOR_CHUNK), d->dst,
				  validate);
	return error;
}

/* --- completion ------------------------------------------------------------------------------- */

static bool write_completion(struct model *m, unsigned int unit, uint64_t status)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];

	switch (model_dma_write(m, ch->chancmp.value, &status, sizeof(status))) {
	case MODEL_DONE:
		return true;
	case MODEL_STOPPED:
		return false;
	default:
		break;
	}
	/* Software may take bus mastership away at any time. */
	if (model_bus_master(m))
		model_broken(m, "CHANCMP is not mapped", "%#lx",
			     (unsigned long)ch->chancmp.value);
	ioat_fail(m, unit, IOAT_ERR_COMPLETION_ADDR);
	return false;
}

/* The address of the first descriptor that the channel was not told of. */
static uint64_t beyond_tail(struct model *m, const struct ioat_chan *ch)
{
	uint64_t addr = ch->next;
	struct ioat_desc d;

	for (uint16_t i = 0; i < ioat_ahead(ch); i++) {
		if (model_dma_read(m, addr, &d, sizeof(d)) != MODEL_DONE)
			break;
		addr = d.next;
	}
	return addr;
}

/* What is completed twice is so once more after the next one was: the address goes back. */
static void complete(struct model *m, unsigned int unit, const struct ioat_desc *d,
		     const struct model_order *order)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];
	uint64_t status = ioat_chansts(ch), again = ch->again;

	ch->again = 0;
	if (d->ctl & IOAT_CTL_COMPLETION && !order->lose) {
		if (order->senseless)
			status |= IOAT_SENSELESS;
		if (!write_completion(m, unit, status))
			return;
		if (again && !write_completion(m, unit, again))
			return;
		if (order->never && !write_completion(m, unit, beyond_tail(m, ch)))
			return;
		if (order->twice)
			ch->again = ch->last_done;
	}
	if (d->ctl & IOAT_CTL_INT)
		ioat_interrupt(m, unit);
}

/* --- a descriptor ----------------------------------------------------------------------------- */

/* The next one, if it can be had. */
static bool fetch(struct model *m, unsigned int unit, struct ioat_desc *ret)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];
	bool first = ch->n_chain == 0;

	ch->current = ch->next;
	if (ch->next % IOAT_DESC_SIZE) {
		model_broken(m, "next descriptor is not aligned", "%#lx", (unsigned long)ch->next);
		ioat_fail(m, unit, IOAT_ERR_ALIGNMENT);
		return false;
	}
	switch (model_dma_read(m, ch->next, ret, sizeof(*ret))) {
	case MODEL_DONE:
		return true;
	case MODEL_STOPPED:
		return false;
	default:
		model_broken(m, "descriptor is not mapped", "%#lx", (unsigned long)ch->next);
		ioat_fail(m, unit, first ? IOAT_ERR_CHAIN_ADDR : IOAT_ERR_NEXT_ADDR);
		return false;
	}
}

/*
 * The chain goes on. Where it comes back to its beginning its length is known, and that DMACOUNT
 * has never been farther ahead than that.
 */
static bool advance(struct model *m, unsigned int unit, const struct ioat_desc *d,
		    unsigned int slots)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];

	ch->last_done = ch->current;
	ch->next = d->next;
	ch->done += slots;
	ch->n_chain += slots;
	if (ch->ring || d->next != ch->chainaddr.value)
		return true;
	ch->ring = ch->n_chain;
	if (ch->most_ahead <= ch->ring)
		return true;
	model_broken(m, "DMACOUNT moves past the ring", "%u of %u", ch->most_ahead, ch->ring);
	ioat_fail(m, unit, IOAT_ERR_COUNT);
	return false;
}

/* Return: what CHANERR says of it; *ret_stopped is set if it was given up. */
static uint32_t execute(struct model *m, unsigned int unit, struct ioat_desc *d, uint64_t addr,
			const struct model_order *order, bool *ret_stopped)
{
	uint32_t error = check_desc(m, addr, d);

	if (error)
		return error;
	if (order->fail)
		return order->code ? order->code : IOAT_ERR_READ_DATA;
	if (d->ctl >> 24 != IOAT_OP_COPY)
		return do_xor(m, d);
	return d->ctl & IOAT_CTL_NULL ? 0 : copy(m, unit, d, ret_stopped);
}

void ioat_work(struct model *m, unsigned int unit)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];
	struct model_order order;
	bool stopped = false;
	struct ioat_desc d;
	unsigned int slots;
	uint32_t error;

	if (ch->resetting) {
		end_reset(s, ch);
		return;
	}
	if (ch->suspending) {
		ch->suspending = false;
		if (ch->run == IOAT_RUN_RUNNING)
			ch->run = IOAT_RUN_SUSPENDED;
		return;
	}
	if (!fetch(m, unit, &d) || model_begin(m, unit, &order) == MODEL_STOPPED)
		return;
	slots = d.ctl >> 24 != IOAT_OP_COPY && (d.ctl >> 5 & 7) + 2 > 5 ? 2 : 1;
	if (slots > ioat_ahead(ch)) {
		model_broken(m, "extended descriptor beyond DMACOUNT", "%#lx",
			     (unsigned long)ch->current);
		ioat_fail(m, unit, IOAT_ERR_COUNT);
		return;
	}
	error = execute(m, unit, &d, ch->current, &order, &stopped);
	if (stopped)
		return;
	if (error)
		ioat_fail(m, unit, error);
	else if (advance(m, unit, &d, slots))
		complete(m, unit, &d, &order);
}
