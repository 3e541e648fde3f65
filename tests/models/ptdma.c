/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PTDMA: registers. What is done with commands is in ptdma_work.c.
 */
#include "ptdma_model.h"

#include <string.h>

#include "macros.h"

#define BAR_SIZE 0x10000
#define MSIX_BAR 4			/* as the crypto processor has it, which has 5 (C) */
#define VERSION 5

enum { READ_ONLY = 1 };

struct reg {
	unsigned int offset;
	unsigned int flags;
};

static const struct reg regs[] = {
	{ PTDMA_QUEUE_PRIO, 0 },
	{ PTDMA_REQID_CONFIG, 0 },
	{ PTDMA_TIMEOUT, 0 },
	{ PTDMA_TIMEOUT_GRANULARITY, 0 },
	{ PTDMA_VERSION, READ_ONLY },
	{ PTDMA_IRQ_MASK, 0 },
	{ PTDMA_IRQ_STATUS, READ_ONLY },
	{ PTDMA_CONTROL, 0 },
	{ PTDMA_TAIL_LO, 0 },
	{ PTDMA_HEAD_LO, 0 },
	{ PTDMA_INT_ENABLE, 0 },
	{ PTDMA_INT_STATUS, 0 },
	{ PTDMA_STATUS, READ_ONLY },
	{ PTDMA_Q_INT_STATUS, READ_ONLY },
	{ PTDMA_DMA_STATUS, READ_ONLY },
	{ PTDMA_DMA_READ_STATUS, READ_ONLY },
	{ PTDMA_DMA_WRITE_STATUS, READ_ONLY },
	{ PTDMA_CONFIG, 0 },
	{ PTDMA_CLK_GATE_CTL, 0 },
};

/* Which register an access is to, if it is one that the register takes. */
static const struct reg *check_access(struct model *m, const char *what, unsigned int bar,
				      uint64_t offset, unsigned int width)
{
	const struct reg *reg = regs;

	while (reg < regs + ARRAY_SIZE(regs) && (bar != PTDMA_BAR || offset - reg->offset >= 4))
		reg++;
	if (reg == regs + ARRAY_SIZE(regs)) {
		model_broken(m, "reserved register", "%s of %u bytes at BAR %u + %#lx", what,
			     width, bar, (unsigned long)offset);
		return NULL;
	}
	if (width != 4) {
		model_broken(m, "width of a register", "%s of %u bytes at %#lx", what, width,
			     (unsigned long)offset);
		return NULL;
	}
	return reg;
}

/* Where a register without effect is kept. */
static uint32_t *plain(struct ptdma *s, unsigned int offset)
{
	return &s->plain[offset == PTDMA_CLK_GATE_CTL ? 6 : offset == PTDMA_IRQ_MASK ? 5 :
			 offset / 4];
}

/*
 * It interrupts when something comes to be pending and enabled, and then not again before nothing
 * was. (M) Linux switches all off before it looks, and on again after it. (K)
 */
void ptdma_set_int(struct model *m, uint32_t enable, uint32_t status)
{
	struct ptdma *s = model_state(m);
	bool was = s->int_enable & s->int_status;

	s->int_enable = enable;
	s->int_status = status;
	if (!was && enable & status)
		model_interrupt(m, 0);
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint32_t get_version(const struct model *m)
{
	uint64_t version = VERSION, queues = 1;

	model_absurd(m, "version", &version);
	model_absurd(m, "queues", &queues);
	return (uint32_t)(version | queues << PTDMA_VERSION_QUEUES_SHIFT);
}

static uint64_t get(struct model *m, unsigned int offset)
{
	struct ptdma *s = model_state(m);

	switch (offset) {
	case PTDMA_VERSION:
		return get_version(m);
	case PTDMA_CONTROL:
		return s->control | (s->run ? PTDMA_CONTROL_RUN : 0) |
		       (s->run || s->stopping ? 0 : PTDMA_CONTROL_HALT);
	case PTDMA_TAIL_LO:
		return s->tail;
	case PTDMA_HEAD_LO:
		return s->lies ? s->lie : s->head;
	case PTDMA_INT_ENABLE:
		return s->int_enable;
	case PTDMA_INT_STATUS:
	case PTDMA_Q_INT_STATUS:
		return s->int_status;
	case PTDMA_STATUS:
		return s->error;
	case PTDMA_IRQ_STATUS:
	case PTDMA_DMA_STATUS:
	case PTDMA_DMA_READ_STATUS:
	case PTDMA_DMA_WRITE_STATUS:
		return 0;
	case PTDMA_CONFIG:
		return s->config;
	}
	return *plain(s, offset);
}

static uint64_t ptdma_read(struct model *m, unsigned int bar, uint64_t offset, unsigned int width)
{
	const struct reg *reg;

	reg = check_access(m, "read", bar, offset, width);
	return reg ? get(m, reg->offset) : 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Why the queue cannot run from HEAD_LO to TAIL_LO; NULL if it can. */
static const char *not_startable(const struct model *m, const struct ptdma *s)
{
	unsigned int size = (s->active & PTDMA_CONTROL_SIZE) >> PTDMA_CONTROL_SIZE_SHIFT;

	if (!(s->config & PTDMA_CONFIG_VHB_EN))
		return "RUN without VHB_EN";
	if (size < PTDMA_SIZE_MIN || size > PTDMA_SIZE_MAX)
		return "size of the ring";
	if (!IS_ALIGNED(s->head, PTDMA_DESC_SIZE))
		return "HEAD_LO is not aligned";
	if (!IS_ALIGNED(s->tail, PTDMA_DESC_SIZE))
		return "TAIL_LO is not aligned";
	if ((s->head ^ s->tail) & ~(ptdma_ring(s) - 1))
		return "TAIL_LO is outside of the ring";
	if (!model_bus_master(m))
		return "RUN without bus mastership";
	/* A ring that is filled up is taken for an empty one. */
	if ((s->run || s->stopping) && ptdma_ahead(s, s->tail) < ptdma_ahead(s, s->told))
		return "TAIL_LO moves backwards";
	return NULL;
}

static void start(struct model *m)
{
	struct ptdma *s = model_state(m);
	const char *rule;

	s->active = s->control;
	rule = not_startable(m, s);
	if (rule) {
		model_broken(m, rule, "CONTROL %#x, HEAD_LO %#x, TAIL_LO %#x", s->control, s->head,
			     s->tail);
		return;
	}
	/* Who kicks may not know of the error yet. It is in the way until it is acknowledged. (M) */
	if (s->int_status & PTDMA_INT_ERROR)
		return;
	s->told = s->tail;
	s->stopping = false;
	s->error = 0;
	s->run = s->head != s->told;
	if (!s->run)
		ptdma_set_int(m, s->int_enable, s->int_status | PTDMA_INT_EMPTY);
}

/* What it is doing when RUN is cleared it does to the end, of the ring that it is from. (K: 0) */
static void put_control(struct model *m, uint32_t value)
{
	struct ptdma *s = model_state(m);
	uint32_t geometry = value & ~(uint32_t)PTDMA_CONTROL_RUN;

	if (value & (PTDMA_CONTROL_RESERVED | PTDMA_CONTROL_HALT | PTDMA_CONTROL_MEM_LOCATION)) {
		model_broken(m, "reserved bits of CONTROL", "%#x", value);
		return;
	}
	if (value & PTDMA_CONTROL_RUN && (s->run || s->stopping) && geometry != s->active) {
		model_broken(m, "another ring while the queue runs", "CONTROL %#x, was %#x", value,
			     s->active);
		return;
	}
	if (!(value & PTDMA_CONTROL_RUN) && s->run) {
		s->run = false;
		s->stopping = true;
	}
	s->control = geometry;
	if (value & PTDMA_CONTROL_RUN)
		start(m);
	model_kick(m);
}

static void put_head(struct model *m, uint32_t value)
{
	struct ptdma *s = model_state(m);

	if (s->run || s->stopping) {
		model_broken(m, "HEAD_LO while the queue runs", "%#x", value);
		return;
	}
	s->head = value;
	s->lies = s->goes_back = false;
}

static void put_int(struct model *m, unsigned int offset, uint32_t value)
{
	struct ptdma *s = model_state(m);

	if (value & ~(uint32_t)PTDMA_INT_ALL)
		model_broken(m, "reserved bits of INT_ENABLE or INT_STATUS", "%#x at %#x", value,
			     offset);
	else if (offset == PTDMA_INT_ENABLE)
		ptdma_set_int(m, value, s->int_status);
	else
		ptdma_set_int(m, s->int_enable, s->int_status & ~value);
}

static void put(struct model *m, unsigned int offset, uint32_t value)
{
	struct ptdma *s = model_state(m);

	switch (offset) {
	case PTDMA_CONTROL:
		put_control(m, value);
		break;
	case PTDMA_TAIL_LO:
		s->tail = value;
		break;
	case PTDMA_HEAD_LO:
		put_head(m, value);
		break;
	case PTDMA_INT_ENABLE:
	case PTDMA_INT_STATUS:
		put_int(m, offset, value);
		break;
	case PTDMA_CONFIG:
		if (value & ~(uint32_t)PTDMA_CONFIG_VHB_EN)
			model_broken(m, "reserved bits of CONFIG", "%#x", value);
		s->config = value & PTDMA_CONFIG_VHB_EN;
		break;
	default:
		*plain(s, offset) = value;
	}
}

static void ptdma_write(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
			uint64_t value)
{
	const struct reg *reg;

	reg = check_access(m, "write", bar, offset, width);
	if (!reg)
		return;
	if (reg->flags & READ_ONLY)
		model_broken(m, "write to a read-only register", "%#lx", (unsigned long)offset);
	else
		put(m, reg->offset, (uint32_t)value);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void ptdma_pci(struct model *m, struct model_pci *ret, unsigned int *ret_n_units)
{
	uint64_t bar_size = BAR_SIZE;

	model_absurd(m, "bar", &bar_size);
	*ret = (struct model_pci) {
		.vendor = 0x1022,
		.device = 0x1498,
		.class_code = 0x108000,
		.bar_size[PTDMA_BAR] = bar_size,
		.bar_size[MSIX_BAR] = 0x1000,
		.n_vectors = 1,
		.msix_bar = MSIX_BAR,
		.msix_table = 0,
		.msix_pba = 0x800,
	};
	*ret_n_units = 1;
}

static void ptdma_reset(struct model *m)
{
	*(struct ptdma *)model_state(m) = (struct ptdma) {};
}

/* At work as soon as it may do DMA, with an error and an interrupt of before standing. */
static void ptdma_stale(struct model *m)
{
	struct ptdma *s = model_state(m);

	s->config = PTDMA_CONFIG_VHB_EN;
	s->control = s->active = UINT32_C(0x7ea) << PTDMA_CONTROL_ADDR_SHIFT |
				 PTDMA_SIZE_MIN << PTDMA_CONTROL_SIZE_SHIFT;
	s->head = 0xdbeef040;
	s->tail = s->told = 0xdbeef0c0;
	s->run = true;
	s->int_enable = PTDMA_INT_COMPLETION | PTDMA_INT_ERROR;
	s->int_status = PTDMA_INT_ALL;
	s->error = PTDMA_ERR_READ_SLAVE;
}

static const char *const ptdma_absurd[] = { "bar", "queues", "version", NULL };

const struct model_ops model_ptdma_ops = {
	.name = "ptdma",
	.state_size = sizeof(struct ptdma),
	.absurd = ptdma_absurd,
	.pci = ptdma_pci,
	.reset = ptdma_reset,
	.stale = ptdma_stale,
	.read = ptdma_read,
	.write = ptdma_write,
	.ready = ptdma_ready,
	.work = ptdma_work,
};
