/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest kind of device: no hardware has it, and no driver. It shows how a kind is written,
 * and the core and its hosts are tested with it.
 *
 * Unit N has its registers at N * 0x40 of BAR 0:
 *
 *	0x00 u64 source		0x08 u64 destination	0x10 u64 length
 *	0x18 u64 where to write the number of copies made, as an u64; 0: nowhere
 *	0x20 u32 command: 1 copy, 2 stop
 *	0x24 u32 status: 0 at rest, 1 at work; bit 8 and up: how the last copy ended, enum model_access
 *
 * Vector N is signalled when a copy has ended.
 */
#include <errno.h>
#include <stdlib.h>

#include "model.h"

#define N_UNITS 2
#define STRIDE 0x40

enum {
	REG_SRC = 0x00, REG_DST = 0x08, REG_LEN = 0x10, REG_DONE = 0x18, REG_COMMAND = 0x20,
	REG_STATUS = 0x24,
	COMMAND_COPY = 1, COMMAND_STOP = 2,
};

struct toy_unit {
	uint64_t regs[4];
	uint64_t n_copies;
	enum model_access access;
	bool busy;
};

struct toy {
	struct toy_unit units[N_UNITS];
};

static const char *const toy_absurd[] = { "length", NULL };

static void toy_pci(struct model *m, struct model_pci *ret, unsigned int *ret_n_units)
{
	*ret = (struct model_pci) {
		.vendor = 0x1234,
		.device = 0x0d0a,
		.class_code = 0x088000,
		.bar_size[0] = 0x4000,
		.n_vectors = N_UNITS,
		.msix_table = 0x2000,
		.msix_pba = 0x3000,
	};
	*ret_n_units = N_UNITS;
}

static void toy_reset(struct model *m)
{
	*(struct toy *)model_state(m) = (struct toy) {};
}

static void toy_stale(struct model *m)
{
	struct toy *toy = model_state(m);

	toy->units[0] = (struct toy_unit) {
		.regs = { 0xdead0000, 0xdead1000, 4096, 0xdead2000 }, .busy = true,
	};
}

static struct toy_unit *find_unit(struct model *m, uint64_t offset, unsigned int *ret)
{
	struct toy *toy = model_state(m);

	*ret = (unsigned int)(offset / STRIDE);
	if (offset / STRIDE < N_UNITS)
		return &toy->units[*ret];
	model_broken(m, "reserved register", "%#llx", (unsigned long long)offset);
	return NULL;
}

static uint64_t toy_read(struct model *m, unsigned int bar, uint64_t offset, unsigned int width)
{
	unsigned int unit;
	struct toy_unit *u = find_unit(m, offset, &unit);
	uint64_t absurd;

	if (!u)
		return 0;
	offset %= STRIDE;
	if (offset == REG_LEN && model_absurd(m, "length", &absurd))
		return absurd;
	if (offset <= REG_DONE)
		return u->regs[offset / 8];
	if (offset != REG_STATUS)
		return 0;
	return (u->busy || model_working(m, unit)) | (unsigned int)u->access << 8;
}

static void toy_command(struct model *m, unsigned int unit, struct toy_unit *u, uint64_t command)
{
	if (command == COMMAND_STOP) {
		model_stop(m, unit);
		u->busy = false;
	} else if (u->busy || model_working(m, unit)) {
		model_broken(m, "command while at work", "unit %u", unit);
	} else {
		u->busy = true;
		model_kick(m);
	}
}

static void toy_write(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
		      uint64_t value)
{
	unsigned int unit;
	struct toy_unit *u = find_unit(m, offset, &unit);

	if (!u)
		return;
	offset %= STRIDE;
	if (offset <= REG_DONE)
		u->regs[offset / 8] = value;
	else if (offset == REG_COMMAND)
		toy_command(m, unit, u, value);
}

static bool toy_ready(struct model *m, unsigned int unit)
{
	struct toy *toy = model_state(m);

	return toy->units[unit].busy;
}

static void toy_work(struct model *m, unsigned int unit)
{
	struct toy_unit *u = &((struct toy *)model_state(m))->units[unit];
	struct model_order order;
	enum model_access access;

	access = model_begin(m, unit, &order);
	if (access == MODEL_DONE)
		access = order.fail ? MODEL_READ_FAULT :
			model_copy(m, unit, u->regs[0], u->regs[1], u->regs[2], NULL);
	if (access == MODEL_STOPPED)
		return;
	u->access = access;
	u->busy = false;
	u->n_copies++;
	if (u->regs[3] && !order.lose)
		model_dma_write(m, u->regs[3], &u->n_copies, sizeof(u->n_copies));
	model_interrupt(m, unit);
}

const struct model_ops model_toy_ops = {
	.name = "toy",
	.state_size = sizeof(struct toy),
	.absurd = toy_absurd,
	.pci = toy_pci,
	.reset = toy_reset,
	.stale = toy_stale,
	.read = toy_read,
	.write = toy_write,
	.ready = toy_ready,
	.work = toy_work,
};
