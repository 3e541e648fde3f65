/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AE4DMA: registers. What is done with descriptors is in ae4dma_work.c.
 */
#include "ae4dma_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "macros.h"

#define BAR_SIZE 0x80000
#define MSIX_BAR 2
#define ADDRESS_BITS 48
#define RING_BYTES (AE4DMA_RING * AE4DMA_DESC_SIZE)

void ae4dma_interrupt(struct model *m, unsigned int unit)
{
	struct ae4dma *s = model_state(m);

	if (!s->queue[unit].intr)
		model_interrupt(m, unit);
	s->queue[unit].intr = true;
}

/*
 * Whether the device takes such an access. On success *ret_unit is the queue, -1 for the device, and
 * *ret_reg what of it.
 */
static bool check_access(struct model *m, const char *what, unsigned int bar, uint64_t offset,
			 unsigned int width, int *ret_unit, unsigned int *ret_reg)
{
	int unit = (int)(offset / AE4DMA_QUEUE_SIZE) - 1;
	unsigned int reg = ALIGN_DOWN((unsigned int)(offset % AE4DMA_QUEUE_SIZE), 4);

	if (bar != 0 || unit >= AE4DMA_QUEUES_MAX || (unit < 0 && reg != AE4DMA_N_QUEUES)) {
		model_broken(m, "reserved register", "%s of %u bytes at BAR %u + %#lx", what,
			     width, bar, (unsigned long)offset);
		return false;
	}
	if (width != 4) {
		model_broken(m, "width of a register", "%s of %u bytes at %#lx", what, width,
			     (unsigned long)offset);
		return false;
	}
	*ret_unit = unit;
	*ret_reg = reg;
	return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint32_t get_status(const struct ae4dma_queue *q)
{
	uint32_t n = ae4dma_ahead(q, q->write_idx);

	if (!q->on && !q->stopping)
		return AE4DMA_STOPPED;
	if (q->error)
		return AE4DMA_ERROR;
	return n == 0 ? AE4DMA_EMPTY : n == AE4DMA_RING - 1 ? AE4DMA_FULL : AE4DMA_NOT_EMPTY;
}

static uint32_t get(struct model *m, struct ae4dma_queue *q, unsigned int reg)
{
	uint64_t absurd;

	switch (reg) {
	case AE4DMA_CONTROL:
		return q->on ? AE4DMA_CONTROL_ON : 0;
	case AE4DMA_STATUS:
		return get_status(q) << AE4DMA_STATUS_SHIFT;
	case AE4DMA_MAX_IDX:
		return q->max_idx;
	case AE4DMA_READ_IDX:
		if (model_absurd(m, "index", &absurd))
			return (uint32_t)absurd;
		return q->lies ? q->lie : q->read_idx;
	case AE4DMA_WRITE_IDX:
		return q->write_idx;
	case AE4DMA_INTR_STATUS:
		return q->intr;
	case AE4DMA_BASE_LO:
		return (uint32_t)q->base;
	}
	return (uint32_t)(q->base >> 32);
}

static uint64_t ae4dma_read(struct model *m, unsigned int bar, uint64_t offset, unsigned int width)
{
	struct ae4dma *s = model_state(m);
	unsigned int reg;
	uint64_t absurd;
	int unit;

	if (!check_access(m, "read", bar, offset, width, &unit, &reg))
		return 0;
	if (unit >= 0)
		return get(m, &s->queue[unit], reg);
	return model_absurd(m, "queues", &absurd) ? (uint32_t)absurd : s->n_on;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Why the queue cannot take up what is ahead of it; NULL if it can, or nothing is. */
static const char *not_startable(const struct model *m, const struct ae4dma_queue *q)
{
	if (ae4dma_ahead(q, q->write_idx) == 0)
		return NULL;
	if (!q->max_idx)
		return "descriptors without max_idx";
	if (!q->base || !IS_ALIGNED(q->base, RING_BYTES))
		return "base of the ring is not aligned";
	if (!model_bus_master(m))
		return "descriptors without bus mastership";
	return NULL;
}

/* What it is doing when it is switched off it does to the end. */
static void switch_queue(struct model *m, unsigned int unit, bool on)
{
	struct ae4dma *s = model_state(m);
	struct ae4dma_queue *q = &s->queue[unit];
	const char *rule;

	if (on && unit >= s->n_on) {
		model_broken(m, "queue switched on that is not counted", "queue %u of %u", unit,
			     s->n_on);
		return;
	}
	if (on && q->stopping) {
		model_broken(m, "queue switched on before it has stopped", "queue %u", unit);
		return;
	}
	if (!on && q->on)
		q->stopping = true;
	rule = on && !q->on ? not_startable(m, q) : NULL;
	if (rule) {
		model_broken(m, rule, "queue %u, base %#lx", unit, (unsigned long)q->base);
		return;
	}
	q->on = on;
	model_kick(m);
}

/* Who asks for more than there are finds by reading how many there are. (S) */
static void put_n_queues(struct model *m, uint32_t value)
{
	struct ae4dma *s = model_state(m);

	if (value > AE4DMA_QUEUES_MAX)
		model_broken(m, "more queues than any device has", "%u", value);
	value = MIN(value, s->n_queues);
	s->n_on = value;
	for (unsigned int i = 0; i < s->n_queues; i++)
		if (i < value || s->queue[i].on)
			switch_queue(m, i, i < value);
}

static void put_write_idx(struct model *m, unsigned int unit, uint32_t value)
{
	struct ae4dma *s = model_state(m);
	struct ae4dma_queue *q = &s->queue[unit];
	uint32_t was = q->write_idx;
	const char *rule = NULL;

	if (value >= AE4DMA_RING)
		rule = "write_idx beyond the ring";
	else if (q->stopping)
		rule = "write_idx before the queue has stopped";
	/* A ring that is filled up is taken for an empty one. */
	else if (q->on && ae4dma_ahead(q, value) < ae4dma_ahead(q, q->write_idx))
		rule = "write_idx moves backwards";
	if (!rule) {
		q->write_idx = value;
		rule = q->on ? not_startable(m, q) : NULL;
	}
	if (rule) {
		model_broken(m, rule, "queue %u: %u, was %u; read_idx %u", unit, value, was,
			     q->read_idx);
		q->write_idx = was;
	}
	model_kick(m);
}

/* SPDK switches it on first. (S) */
static void put_ring(struct model *m, unsigned int unit, unsigned int reg, uint32_t value)
{
	struct ae4dma *s = model_state(m);
	struct ae4dma_queue *q = &s->queue[unit];

	if (q->stopping || (q->on && ae4dma_ahead(q, q->write_idx) > 0)) {
		model_broken(m, "another ring while the queue works", "queue %u", unit);
		return;
	}
	if (reg == AE4DMA_MAX_IDX && value != AE4DMA_RING)
		model_broken(m, "max_idx", "%u", value);
	else if (reg == AE4DMA_MAX_IDX)
		q->max_idx = value;
	else if (reg == AE4DMA_BASE_LO)
		q->base = (q->base & ~UINT64_C(0xffffffff)) | value;
	else if (value >> (ADDRESS_BITS - 32))
		model_broken(m, "ring beyond 48 bits", "%#x", value);
	else
		q->base = (uint32_t)q->base | (uint64_t)value << 32;
}

static void put(struct model *m, unsigned int unit, unsigned int reg, uint32_t value)
{
	struct ae4dma *s = model_state(m);

	switch (reg) {
	case AE4DMA_CONTROL:
		if (value & ~(uint32_t)AE4DMA_CONTROL_ON)
			model_broken(m, "reserved bits of the control", "%#x", value);
		else
			switch_queue(m, unit, value);
		break;
	case AE4DMA_WRITE_IDX:
		put_write_idx(m, unit, value);
		break;
	case AE4DMA_INTR_STATUS:
		if (value > 1)
			model_broken(m, "reserved bits of the interrupt's status", "%#x", value);
		else
			s->queue[unit].intr = value;
		break;
	case AE4DMA_STATUS:
	case AE4DMA_READ_IDX:
		model_broken(m, "write to a read-only register", "queue %u, %#x", unit, reg);
		break;
	default:
		put_ring(m, unit, reg, value);
	}
}

static void ae4dma_write(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
			 uint64_t value)
{
	unsigned int reg;
	int unit;

	if (!check_access(m, "write", bar, offset, width, &unit, &reg))
		return;
	if (unit < 0)
		put_n_queues(m, (uint32_t)value);
	else
		put(m, (unsigned int)unit, reg, (uint32_t)value);
}

/* --- the rest --------------------------------------------------------------------------------- */

static int ae4dma_option(struct model *m, const char *key, const char *value)
{
	struct ae4dma *s = model_state(m);

	if (!strcmp(key, "queues") && value) {
		s->n_queues = (unsigned int)strtoul(value, NULL, 10);
		return s->n_queues > 0 && s->n_queues <= AE4DMA_QUEUES_MAX ? 0 : -EINVAL;
	}
	if (!strcmp(key, "id") && value) {
		s->id = (uint16_t)strtoul(value, NULL, 16);
		return s->id ? 0 : -EINVAL;
	}
	if (!strcmp(key, "goes-on") && !value) {
		s->goes_on = true;
		return 0;
	}
	return -EINVAL;
}

/* Linux wants all the vectors, however few queues it uses. (K) */
static void ae4dma_pci(struct model *m, struct model_pci *ret, unsigned int *ret_n_units)
{
	struct ae4dma *s = model_state(m);
	uint64_t bar_size = BAR_SIZE;

	if (!s->id)
		s->id = 0x149b;
	if (!s->n_queues)
		s->n_queues = AE4DMA_QUEUES_MAX;
	model_absurd(m, "bar", &bar_size);
	*ret = (struct model_pci) {
		.vendor = 0x1022,
		.device = s->id,
		.class_code = 0x088000,
		.bar_size[0] = bar_size,
		.bar_size[MSIX_BAR] = 0x1000,
		.n_vectors = AE4DMA_QUEUES_MAX,
		.msix_bar = MSIX_BAR,
		.msix_table = 0,
		.msix_pba = 0x800,
	};
	*ret_n_units = s->n_queues;
}

static void ae4dma_reset(struct model *m)
{
	struct ae4dma *s = model_state(m);

	s->n_on = 0;
	memset(s->queue, 0, sizeof(s->queue));
}

/* Even queues are at work as soon as they may do DMA; odd ones have failed. */
static void ae4dma_stale(struct model *m)
{
	struct ae4dma *s = model_state(m);

	s->n_on = s->n_queues;
	for (unsigned int i = 0; i < s->n_queues; i++)
		s->queue[i] = (struct ae4dma_queue) {
			.on = true,
			.error = i % 2,
			.intr = true,
			.max_idx = AE4DMA_RING,
			.read_idx = 7 + i,
			.write_idx = 10 + i,
			.base = 0x7eadbeef000,
		};
}

static const char *const ae4dma_absurd[] = { "bar", "index", "queues", NULL };

const struct model_ops model_ae4dma_ops = {
	.name = "ae4dma",
	.state_size = sizeof(struct ae4dma),
	.absurd = ae4dma_absurd,
	.option = ae4dma_option,
	.pci = ae4dma_pci,
	.reset = ae4dma_reset,
	.stale = ae4dma_stale,
	.read = ae4dma_read,
	.write = ae4dma_write,
	.ready = ae4dma_ready,
	.work = ae4dma_work,
};
