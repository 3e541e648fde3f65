/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PTDMA: commands, and what becomes of them. They are taken one after the other, so that "late"
 * cannot be ordered. Nothing is written to memory when one is done; "lose-completion", "twice",
 * "unsubmitted" and "senseless" are about what HEAD_LO reads as until the next one is.
 */
#include "ptdma_model.h"

bool ptdma_ready(struct model *m, unsigned int unit)
{
	struct ptdma *s = model_state(m);

	(void)unit;
	if (s->stopping)
		return !model_never_resets(m);
	return s->run && model_bus_master(m);
}

/* The queue comes to rest before the command. */
static void fail(struct model *m, uint32_t error)
{
	struct ptdma *s = model_state(m);

	s->error = error & PTDMA_ERR_MASK;
	s->run = false;
	ptdma_set_int(m, s->int_enable, s->int_status | PTDMA_INT_ERROR);
}

/* --- rules ------------------------------------------------------------------------------------ */

static uint32_t check_hi(struct model *m, const char *side, uint32_t hi, uint32_t reserved)
{
	if (hi & reserved) {
		model_broken(m, "reserved bits of an address", "%#x of the %s", hi, side);
		return PTDMA_ERR_MEM_ADDR;
	}
	if (hi & PTDMA_HI_MEM) {
		model_broken(m, "memory that is not the system's", "%#x of the %s", hi, side);
		return PTDMA_ERR_MEM_SELECT;
	}
	if (hi & (uint32_t)PTDMA_HI_FIXED) {
		model_broken(m, "fixed address", "%#x of the %s", hi, side);
		return PTDMA_ERR_MEM_ADDR;
	}
	return 0;
}

static uint32_t check_dw0(struct model *m, uint32_t dw0)
{
	if ((dw0 & PTDMA_DW0_ENGINE) != PTDMA_DW0_COPY) {
		model_broken(m, "engine", "%#x", dw0);
		return PTDMA_ERR_ENGINE;
	}
	if (dw0 & ((uint32_t)PTDMA_DW0_RESERVED | PTDMA_DW0_FUNCTION_RESERVED)) {
		model_broken(m, "reserved bits of a command", "%#x", dw0);
		return PTDMA_ERR_FUNCTION_RESERVED;
	}
	if (dw0 & PTDMA_DW0_FUNCTION) {
		model_broken(m, "function that is not a plain copy", "%#x", dw0);
		return PTDMA_ERR_FUNCTION_MODE;
	}
	return 0;
}

/* What is wrong with it; 0 if nothing is. */
static uint32_t check_desc(struct model *m, const struct ptdma_desc *d)
{
	uint32_t error = check_dw0(m, d->dw0);

	if (error)
		return error;
	if (d->length == 0) {
		model_broken(m, "length", "%u bytes", d->length);
		return PTDMA_ERR_LENGTH;
	}
	if (d->src_hi & PTDMA_HI_CONTEXT) {
		model_broken(m, "context of a copy", "%#x", d->src_hi);
		return PTDMA_ERR_CONTEXT_ID;
	}
	if (d->reserved[0] || d->reserved[1]) {
		model_broken(m, "reserved words of a command", "%#x, %#x", d->reserved[0],
			     d->reserved[1]);
		return PTDMA_ERR_FUNCTION_RESERVED;
	}
	error = check_hi(m, "source", d->src_hi, PTDMA_HI_RESERVED);
	if (!error)
		error = check_hi(m, "destination", d->dst_hi, PTDMA_HI_RESERVED | PTDMA_HI_CONTEXT);
	return error;
}

/* --- a command -------------------------------------------------------------------------------- */

static uint64_t address(uint32_t hi, uint32_t lo)
{
	return (uint64_t)(hi & PTDMA_HI_ADDR) << 32 | lo;
}

/* Return: what STATUS says of it; *ret_stopped is set if it was given up. */
static uint32_t execute(struct model *m, unsigned int unit, const struct ptdma_desc *d,
			const struct model_order *order, bool *ret_stopped)
{
	uint32_t error = check_desc(m, d);

	if (error)
		return error;
	if (order->fail)
		return order->code ? order->code : PTDMA_ERR_READ_SLAVE;
	switch (model_copy(m, unit, address(d->src_hi, d->src_lo), address(d->dst_hi, d->dst_lo),
			   d->length, NULL)) {
	case MODEL_DONE:
		break;
	case MODEL_READ_FAULT:
		return PTDMA_ERR_READ_DECODE;
	case MODEL_WRITE_FAULT:
		return PTDMA_ERR_WRITE_DECODE;
	case MODEL_STOPPED:
		*ret_stopped = true;
		break;
	}
	return 0;
}

/* What HEAD_LO reads as when the command at @done has been done. */
static void lie(struct ptdma *s, uint32_t done, const struct model_order *order)
{
	s->lies = s->goes_back || order->lose || order->never || order->senseless;
	s->lie = s->goes_back ? s->back : order->lose ? done :
		 order->never ? ptdma_behind(s, s->told, 1) : s->head + 4;
	s->goes_back = order->twice;
	s->back = done;
}

static void complete(struct model *m, const struct ptdma_desc *d, const struct model_order *order)
{
	struct ptdma *s = model_state(m);
	uint32_t done = s->head, status = s->int_status;

	s->head = ptdma_behind(s, s->head, 1);
	lie(s, done, order);
	if (d->dw0 & PTDMA_DW0_IOC)
		status |= PTDMA_INT_COMPLETION;
	if (s->head == s->told) {
		status |= PTDMA_INT_EMPTY;
		s->run = false;
	}
	if (d->dw0 & PTDMA_DW0_SOC && s->run) {
		status |= PTDMA_INT_STOPPED;
		s->run = false;
	}
	ptdma_set_int(m, s->int_enable, status);
}

void ptdma_work(struct model *m, unsigned int unit)
{
	struct ptdma *s = model_state(m);
	struct model_order order;
	bool stopped = false;
	struct ptdma_desc d;
	uint32_t error;

	if (s->stopping) {
		s->stopping = false;
		ptdma_set_int(m, s->int_enable, s->int_status | PTDMA_INT_STOPPED);
		return;
	}
	switch (model_dma_read(m, ptdma_addr(s, s->head), &d, sizeof(d))) {
	case MODEL_DONE:
		break;
	case MODEL_STOPPED:
		return;
	default:
		model_broken(m, "command is not mapped", "%#lx",
			     (unsigned long)ptdma_addr(s, s->head));
		fail(m, PTDMA_ERR_MEM_ADDR);
		return;
	}
	if (model_begin(m, unit, &order) == MODEL_STOPPED)
		return;
	error = execute(m, unit, &d, &order, &stopped);
	if (stopped)
		return;
	if (error)
		fail(m, error);
	else
		complete(m, &d, &order);
}
