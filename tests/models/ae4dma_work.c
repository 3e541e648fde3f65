/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AE4DMA: descriptors, and what becomes of them. A queue takes them one after the other, so that
 * "late" cannot be ordered. What is written to memory when one is done is its status byte, which
 * "lose-completion" and "senseless" are about (real ones lose it, too: D); "twice" and "unsubmitted"
 * are about what READ_IDX reads as until the next one is done.
 */
#include "ae4dma_model.h"

#include "macros.h"

bool ae4dma_ready(struct model *m, unsigned int unit)
{
	struct ae4dma *s = model_state(m);
	struct ae4dma_queue *q = &s->queue[unit];

	if (q->stopping)
		return !model_never_resets(m);
	return q->on && !q->error && ae4dma_ahead(q, q->write_idx) > 0 && model_bus_master(m);
}

/* --- rules ------------------------------------------------------------------------------------ */

static uint8_t check_addresses(struct model *m, const struct ae4dma_desc *d)
{
	if (d->src_hi >> 16 || d->dst_hi >> 16) {
		model_broken(m, "address beyond 48 bits", "%#x, %#x", d->src_hi, d->dst_hi);
		return AE4DMA_ERR_DESC;
	}
	if (d->src_lo % 4) {
		model_broken(m, "alignment of the source", "%#x", d->src_lo);
		return AE4DMA_ERR_SRC_ALIGN;
	}
	if (d->dst_lo % 4) {
		model_broken(m, "alignment of the destination", "%#x", d->dst_lo);
		return AE4DMA_ERR_DST_ALIGN;
	}
	return 0;
}

/* What is wrong with it; 0 if nothing is. */
static uint8_t check_desc(struct model *m, const struct ae4dma_desc *d)
{
	if (d->ctl & ~AE4DMA_CTL_KNOWN || d->reserved0) {
		model_broken(m, "reserved bits of a descriptor's control", "%#x, %#x", d->ctl,
			     d->reserved0);
		return AE4DMA_ERR_HEADER;
	}
	if (d->status || d->error) {
		model_broken(m, "status of a descriptor is not cleared", "%#x, %#x", d->status,
			     d->error);
		return AE4DMA_ERR_STATUS;
	}
	if (d->reserved1) {
		model_broken(m, "reserved word of a descriptor", "%#x", d->reserved1);
		return AE4DMA_ERR_DESC;
	}
	if (d->length == 0 || d->length % 4) {
		model_broken(m, "length", "%u bytes", d->length);
		return AE4DMA_ERR_LENGTH;
	}
	return check_addresses(m, d);
}

/* --- a descriptor ----------------------------------------------------------------------------- */

static uint64_t desc_addr(const struct ae4dma_queue *q)
{
	return q->base + q->read_idx * AE4DMA_DESC_SIZE;
}

/* The ring cannot be reached: nothing can be said of a descriptor. */
static void fail_ring(struct model *m, unsigned int unit)
{
	struct ae4dma *s = model_state(m);
	struct ae4dma_queue *q = &s->queue[unit];

	/* Software may take bus mastership away at any time. */
	if (model_bus_master(m))
		model_broken(m, "ring is not mapped", "queue %u, %#lx", unit,
			     (unsigned long)desc_addr(q));
	q->error = true;
	ae4dma_interrupt(m, unit);
}

/* Return: whether the device can go on. */
static bool write_status(struct model *m, unsigned int unit, struct ae4dma_desc *d, uint8_t status,
			 uint8_t error)
{
	struct ae4dma *s = model_state(m);
	uint64_t addr = desc_addr(&s->queue[unit]);

	d->status = status;
	d->error = error;
	switch (model_dma_write(m, addr + AE4DMA_DESC_STATUS, (uint8_t *)d + AE4DMA_DESC_STATUS, 4)) {
	case MODEL_DONE:
		return true;
	case MODEL_STOPPED:
		return false;
	default:
		fail_ring(m, unit);
		return false;
	}
}

/* Return: what the error byte says of it; *ret_stopped is set if it was given up. */
static uint8_t execute(struct model *m, unsigned int unit, struct ae4dma_desc *d,
		       const struct model_order *order, bool *ret_stopped)
{
	uint8_t error = check_desc(m, d);

	if (error)
		return error;
	if (order->fail)
		return order->code ? (uint8_t)order->code : AE4DMA_ERR_READ_FAULT;
	if (!order->lose && !write_status(m, unit, d, AE4DMA_DESC_VALIDATED, 0)) {
		*ret_stopped = true;
		return 0;
	}
	switch (model_copy(m, unit, (uint64_t)d->src_hi << 32 | d->src_lo,
			   (uint64_t)d->dst_hi << 32 | d->dst_lo, d->length, NULL)) {
	case MODEL_DONE:
		break;
	case MODEL_READ_FAULT:
		return AE4DMA_ERR_READ_FAULT;
	case MODEL_WRITE_FAULT:
		return AE4DMA_ERR_WRITE_FAULT;
	case MODEL_STOPPED:
		*ret_stopped = true;
		break;
	}
	return 0;
}

/* What READ_IDX reads as when the descriptor at @done has been done. */
static void lie(struct ae4dma_queue *q, uint32_t done, const struct model_order *order)
{
	q->lies = q->goes_back || order->never;
	q->lie = q->goes_back ? q->back : (q->write_idx + 1) % AE4DMA_RING;
	q->goes_back = order->twice;
	q->back = done;
}

/* One that has failed is behind READ_IDX, too: Linux looks for it there. (K) */
static void complete(struct model *m, unsigned int unit, struct ae4dma_desc *d, uint8_t error,
		     const struct model_order *order)
{
	struct ae4dma *s = model_state(m);
	struct ae4dma_queue *q = &s->queue[unit];
	uint32_t done = q->read_idx;
	uint8_t status = error ? AE4DMA_DESC_ERROR :
			 order->senseless ? AE4DMA_DESC_SENSELESS : AE4DMA_DESC_COMPLETED;

	if (!order->lose && !write_status(m, unit, d, status, error))
		return;
	q->read_idx = (done + 1) % AE4DMA_RING;
	lie(q, done, order);
	q->error = error && !s->goes_on;
	if (d->ctl & AE4DMA_CTL_SOC && q->on) {
		q->on = false;
		q->stopping = true;
	}
	if (error || d->ctl & AE4DMA_CTL_IOC)
		ae4dma_interrupt(m, unit);
}

void ae4dma_work(struct model *m, unsigned int unit)
{
	struct ae4dma *s = model_state(m);
	struct ae4dma_queue *q = &s->queue[unit];
	struct model_order order;
	struct ae4dma_desc d;
	bool stopped = false;
	uint8_t error;

	if (q->stopping) {
		q->stopping = q->error = false;
		return;
	}
	switch (model_dma_read(m, desc_addr(q), &d, sizeof(d))) {
	case MODEL_DONE:
		break;
	case MODEL_STOPPED:
		return;
	default:
		fail_ring(m, unit);
		return;
	}
	if (model_begin(m, unit, &order) == MODEL_STOPPED)
		return;
	error = execute(m, unit, &d, &order, &stopped);
	if (!stopped)
		complete(m, unit, &d, error, &order);
}
