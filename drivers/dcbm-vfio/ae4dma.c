/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD's AE4DMA: up to 16 queues, each with a short ring of descriptors.
 *
 * Copies go to one queue until it has a portion of them, then to the one with the fewest bytes to
 * do: a doorbell and a look cost as much as a small copy. How far a queue is tells READ_IDX. The
 * device also writes a status into each descriptor, which costs nothing to look at, but may come
 * late or not at all: it is a hint where to look, and it tells which of those that are done have
 * failed.
 *
 * That a queue has halted is looked for where there was an interrupt without progress, or an error,
 * and now and then when polling is in vain.
 */
#include "ae4dma.h"

#include <endian.h>
#include <errno.h>

/* Without a hint a register is read this seldom. */
#define VAIN_POLLS_MAX 64
/* As many bytes as the device copies while a doorbell is rung. */
#define PORTION (64 << 10)

/* --- to copy ---------------------------------------------------------------------------------- */

/* One always has room, for no more are in flight than all rings hold. */
static bool ae4dma_has_room(const struct ae4dma_queue *q)
{
	return q->ring.tail - q->ring.reaped < AE4DMA_RING - 1;
}

static struct ae4dma_queue *ae4dma_choose(struct ae4dma *ae)
{
	struct ae4dma_queue *best = NULL;

	if (ae->portion > 0 && ae4dma_has_room(ae->current))
		return ae->current;
	for (unsigned int i = 0; i < ae->n_queues; i++) {
		struct ae4dma_queue *q = &ae->queues[i];

		if (ae4dma_has_room(q) && (!best || q->load < best->load))
			best = q;
	}
	ae->current = best;
	ae->portion = PORTION;
	return best;
}

static void ae4dma_enqueue(struct engine *e, const struct engine_copy *copies, uint32_t n,
			   uint64_t item)
{
	struct ae4dma *ae = to_ae4dma(e);

	for (uint32_t i = 0; i < n; i++) {
		struct ae4dma_queue *q = ae4dma_choose(ae);
		uint32_t place = amd_place(&q->ring, q->ring.tail++), len = (uint32_t)copies[i].len;

		q->slots[place] = (struct ae4dma_slot) { .item = item + i, .len = len };
		q->load += len;
		ae->portion -= len;
		q->descriptors[place] = (struct ae4dma_descriptor) {
			/* Two bytes more are the one thing that is wrong with it. */
			.length = htole32(e->poison ? len + 2 : len),
			.source_low = htole32((uint32_t)copies[i].src),
			.source_high = htole32((uint32_t)(copies[i].src >> 32)),
			.destination_low = htole32((uint32_t)copies[i].dst),
			.destination_high = htole32((uint32_t)(copies[i].dst >> 32)),
		};
	}
}

const char ae4dma_senseless[] = "a queue is at an index of no meaning";

int ae4dma_disbelieve(struct ae4dma *ae, const char *complaint)
{
	ae->stuck = true;
	return engine_complain(&ae->engine, -EIO, complaint);
}

/* Ask how many more are done. Return: 0, or -EIO if what is said cannot be. */
static int ae4dma_look(struct ae4dma *ae, const struct ae4dma_queue *q, uint32_t *ret)
{
	uint32_t place = ae4dma_read(ae, q, AE4DMA_READ_IDX);

	if (place == UINT32_MAX)
		return engine_complain(&ae->engine, -EIO, amd_gone);
	if (place >= AE4DMA_RING)
		return ae4dma_disbelieve(ae, ae4dma_senseless);
	if (!amd_progress(&q->ring, place, ret))
		return ae4dma_disbelieve(ae, amd_not_given);
	return 0;
}

static int ae4dma_flush_queue(struct ae4dma *ae, struct ae4dma_queue *q)
{
	uint32_t n, last = amd_place(&q->ring, q->ring.tail - 1);
	int r;

	/* What it claims to have done now it has not been given yet. */
	r = ae4dma_look(ae, q, &n);
	if (r < 0)
		return r;
	if (ae->interrupts && ae->engine.events) {
		q->descriptors[last].control = AE4DMA_DESC_INTERRUPT;
		/* One that came too late to be taken must not keep this one back. */
		ae4dma_write(ae, q, AE4DMA_INT_STATUS, AE4DMA_INT_STATUS_NONE);
	}
	q->ring.flushed = q->ring.tail;
	ae4dma_write(ae, q, AE4DMA_WRITE_IDX, amd_place(&q->ring, q->ring.tail));
	return 0;
}

static int ae4dma_flush(struct engine *e)
{
	struct ae4dma *ae = to_ae4dma(e);
	int r = 0;

	for (unsigned int i = 0; i < ae->n_queues && r == 0; i++)
		if (ae->queues[i].ring.tail != ae->queues[i].ring.flushed)
			r = ae4dma_flush_queue(ae, &ae->queues[i]);
	/* What comes next need not wait for what is under way. */
	ae->portion = 0;
	return r;
}

/* --- what became of it ------------------------------------------------------------------------ */

/* An error in a page table may be of either address. */
static enum engine_status ae4dma_blame(uint8_t code)
{
	return code > 0 && code <= AE4DMA_CODE_REFUSED_MAX ? ENGINE_REFUSED : ENGINE_DEVICE_ERROR;
}

/* What stands in the next descriptor to be reaped. */
static uint8_t ae4dma_next_status(const struct ae4dma_queue *q, uint8_t *ret_code)
{
	const struct ae4dma_descriptor *d = &q->descriptors[amd_place(&q->ring, q->ring.reaped)];
	uint8_t status = __atomic_load_n(&d->status, __ATOMIC_ACQUIRE);

	*ret_code = __atomic_load_n(&d->code, __ATOMIC_RELAXED);
	return status;
}

static void ae4dma_report(struct ae4dma *ae, struct ae4dma_queue *q, enum engine_status status)
{
	const struct ae4dma_slot *slot = &q->slots[amd_place(&q->ring, q->ring.reaped++)];

	q->load -= slot->len;
	engine_desc_done(&ae->engine, slot->item, status);
}

/*
 * Report the next one, which is done. One without a status is, too: that may come late. Return: 1
 * if it has failed, 0 if not, or -EIO.
 */
static int ae4dma_report_next(struct ae4dma *ae, struct ae4dma_queue *q)
{
	uint8_t code, status = ae4dma_next_status(q, &code);
	bool failed = status == AE4DMA_DONE_ERROR || code != 0;

	if (status > AE4DMA_DONE_ERROR)
		return engine_complain(&ae->engine, -EIO,
				       "the device completed with a status of no meaning");
	ae4dma_report(ae, q, failed ? ae4dma_blame(code) : ENGINE_COPIED);
	return failed;
}

/*
 * Let in what is done. Return: how many descriptors, with whether one of them has failed; or
 * -EIO.
 */
static int ae4dma_take(struct ae4dma *ae, struct ae4dma_queue *q, bool *ret_failed)
{
	bool failed = false;
	uint32_t n;
	int r;

	r = ae4dma_look(ae, q, &n);
	for (uint32_t i = 0; i < n && r >= 0; i++) {
		r = ae4dma_report_next(ae, q);
		failed |= r > 0;
	}
	*ret_failed = failed;
	return r < 0 ? r : (int)n;
}

static bool ae4dma_is_idle(const struct ae4dma_queue *q)
{
	return q->ring.reaped == q->ring.flushed;
}

/* Whether a queue that is silent, or has failed at something, has halted, or is gone. */
static int ae4dma_look_closer(struct ae4dma *ae, struct ae4dma_queue *q)
{
	uint32_t status;
	uint8_t code;
	bool failed;
	int n, r;

	/* In this order: it halts when it has failed. */
	n = ae4dma_take(ae, q, &failed);
	if (n < 0)
		return n;
	status = ae4dma_read(ae, q, AE4DMA_STATUS);
	if (status == UINT32_MAX)
		return engine_complain(&ae->engine, -EIO, amd_gone);
	if (AE4DMA_STATUS_OF(status) != AE4DMA_STATUS_ERROR)
		return n;
	r = ae4dma_take(ae, q, &failed);
	if (r < 0)
		return r;
	/* It may stand at the one that is to blame, or behind it. */
	if (!ae4dma_is_idle(q) && ae4dma_next_status(q, &code) == AE4DMA_DONE_ERROR)
		ae4dma_report(ae, q, ae4dma_blame(code));
	return engine_complain(&ae->engine, -EIO, "a queue halted: it could not go on");
}

/* Let in what a queue has done, if there is reason to ask. Return: as ae4dma_take(). */
static int ae4dma_reap_queue(struct ae4dma *ae, struct ae4dma_queue *q, bool interrupted)
{
	uint8_t code, status = ae4dma_next_status(q, &code);
	bool failed;
	int n, r;

	if (!interrupted && status < AE4DMA_DONE_COMPLETED && code == 0)
		return 0;
	/* What ends after this is announced. */
	if (ae->interrupts && ae->engine.events)
		ae4dma_write(ae, q, AE4DMA_INT_STATUS, AE4DMA_INT_STATUS_NONE);
	n = ae4dma_take(ae, q, &failed);
	if (n < 0 || (!failed && (n > 0 || status < AE4DMA_DONE_ERROR)))
		return n;
	r = ae4dma_look_closer(ae, q);
	return r < 0 ? r : n + r;
}

/* Return: 1 if something new was there, 0 if not, or -EIO. */
static int ae4dma_reap_all(struct ae4dma *ae, bool interrupted, bool closer)
{
	int r, progress = 0, error = 0;

	/* What one queue has finished is not lost because another one halted. */
	for (unsigned int i = 0; i < ae->n_queues; i++) {
		struct ae4dma_queue *q = &ae->queues[i];

		if (ae4dma_is_idle(q))
			continue;
		r = closer ? ae4dma_look_closer(ae, q) : ae4dma_reap_queue(ae, q, interrupted);
		error = r < 0 ? r : error;
		progress |= r > 0;
	}
	return error < 0 ? error : progress;
}

static int ae4dma_reap(struct engine *e)
{
	struct ae4dma *ae = to_ae4dma(e);
	int r, n_interrupts = 0;

	/* First of all, so that whatever is not seen below makes it readable again. */
	if (ae->interrupts && e->events) {
		n_interrupts = ae->t->ops->irq_rearm(ae->t);
		if (n_interrupts < 0)
			return n_interrupts;
	}
	r = ae4dma_reap_all(ae, n_interrupts > 0, false);
	if (r < 0)
		return r;
	ae->n_vain = r > 0 ? 0 : ae->n_vain + 1;
	if (r > 0 || (n_interrupts == 0 && ae->n_vain < VAIN_POLLS_MAX))
		return 0;
	ae->n_vain = 0;
	r = ae4dma_reap_all(ae, false, true);
	return MIN(r, 0);
}

/*
 * Linux, drivers/dma/amd/ae4dma/ae4dma-pci.c, ae4_pci_table. It had 1022:14c8 and 1022:14dc, too,
 * for a while, and has not any more; SDXI is what those are called elsewhere.
 */
static const struct engine_id ae4dma_ids[] = {
	{ AE4DMA_PCI_VENDOR, AE4DMA_PCI_DEVICE },
};

const struct engine_ops ae4dma_ops = {
	.name = "ae4dma",
	.ids = ae4dma_ids,
	.n_ids = ARRAY_SIZE(ae4dma_ids),
	.caps = {
		.address_mask = (UINT64_C(1) << 48) - 1,
		.max_len = AE4DMA_MAX_LEN,
		.ring_size = AE4DMA_RING - 1,
		.align = AE4DMA_ALIGN,
		.congruence = 1,
		.in_order = false,
		.reports_dma_errors = false,
		.can_inject = true,
	},
	.open = ae4dma_open,
	.start = ae4dma_start,
	.stop = ae4dma_stop,
	.reset = ae4dma_reset,
	.queue = ae4dma_enqueue,
	.flush = ae4dma_flush,
	.reap = ae4dma_reap,
	.close = ae4dma_close,
};
