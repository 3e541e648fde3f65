/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LSI 53C895A as far as it moves memory: the SCRIPTS processor, and of the registers those that it
 * takes. It is strict where the chip, or QEMU's model of it, is merely unpleasant: a script that is
 * started while another one runs or while status is unread, or runs into the limit of instructions;
 * registers that no copy engine needs. What is ordered for a descriptor is for a script.
 *
 * The numbers are those of the chip's manual, written down here a second time on purpose: the driver's
 * header is part of what is tested.
 */
#include "model.h"

#include <endian.h>
#include <string.h>

#include "macros.h"

enum {
	LSI_DSTAT = 0x0c, LSI_ISTAT0 = 0x14, LSI_ISTAT1 = 0x15, LSI_DSP = 0x2c, LSI_DSPS = 0x30,
	LSI_DMODE = 0x38, LSI_DIEN = 0x39, LSI_SIEN0 = 0x40, LSI_SIEN1 = 0x41, LSI_MMRS = 0xa0,
	LSI_MMWS = 0xa4, LSI_N_REGS = 0x100,
	LSI_IID = 0x01, LSI_SIR = 0x04, LSI_DFE = 0x80,
	LSI_DIP = 0x01, LSI_INTF = 0x04, LSI_SRST = 0x40, LSI_SRUN = 0x02,

	LSI_MAX_INSNS = 100,
	LSI_PAGE = 4096,
};

/**
 * struct lsi - The chip.
 * @regs: its registers.
 * @n_insns: executed of the script that runs.
 * @order: for it.
 * @again: the code of one whose end is to be told of once more; 0 for none.
 */
struct lsi {
	uint8_t regs[LSI_N_REGS];
	unsigned int n_insns;
	struct model_order order;
	uint32_t again;
};

static uint32_t get32(const struct lsi *s, unsigned int reg)
{
	uint32_t value;

	memcpy(&value, &s->regs[reg], sizeof(value));
	return le32toh(value);
}

static void set32(struct lsi *s, unsigned int reg, uint32_t value)
{
	value = htole32(value);
	memcpy(&s->regs[reg], &value, sizeof(value));
}

static void update_line(struct model *m)
{
	const struct lsi *s = model_state(m);

	model_line(m, s->regs[LSI_ISTAT0] & LSI_DIP && s->regs[LSI_DSTAT] & s->regs[LSI_DIEN]);
}

/* --- scripts ---------------------------------------------------------------------------------- */

/* What cannot be read reads as zeros, and the chip says nothing of it. */
static uint32_t fetch(struct model *m)
{
	struct lsi *s = model_state(m);
	uint32_t word = 0, dsp = get32(s, LSI_DSP);

	if (model_dma_read(m, dsp, &word, sizeof(word)) == MODEL_READ_FAULT)
		model_broken(m, "script is not mapped", "%#x", dsp);
	set32(s, LSI_DSP, dsp + 4);
	return le32toh(word);
}

/* Over what is not mapped: zeros from there, and nothing to there. Return: how many bytes. */
static uint32_t move_nothing(struct model *m, uint32_t src, uint32_t dst, uint32_t len, bool read)
{
	static const uint8_t zeros[LSI_PAGE];
	uint32_t n = MIN(len, LSI_PAGE - (read ? src : dst) % LSI_PAGE);

	model_broken(m, "memory that is not mapped", "%s at %#x", read ? "source" : "destination",
		     read ? src : dst);
	if (read)
		model_dma_write(m, dst, zeros, n);
	return n;
}

/* Return: false if it was stopped. */
static bool move(struct model *m, uint32_t src, uint32_t dst, uint32_t len)
{
	if ((src ^ dst) & 3)
		model_broken(m, "move that is not congruent", "from %#x to %#x", src, dst);
	while (len > 0) {
		uint64_t done = 0;
		enum model_access access = model_copy(m, 0, src, dst, len, &done);

		if (access == MODEL_STOPPED)
			return false;
		if (access != MODEL_DONE && model_bus_master(m))
			done += move_nothing(m, src + (uint32_t)done, dst + (uint32_t)done,
					     len - (uint32_t)done, access == MODEL_READ_FAULT);
		src += (uint32_t)done;
		dst += (uint32_t)done;
		len -= (uint32_t)done;
	}
	return true;
}

static void tell(struct model *m, uint32_t code, uint8_t cause)
{
	struct lsi *s = model_state(m);

	set32(s, LSI_DSPS, code);
	s->regs[LSI_DSTAT] |= cause;
	s->regs[LSI_ISTAT0] |= LSI_DIP;
	update_line(m);
}

static void execute(struct model *m)
{
	struct lsi *s = model_state(m);
	uint32_t insn = fetch(m), second, third;

	/* An empty word is skipped alone: a script that is not there is one without an end. */
	if (insn == 0)
		return;
	second = fetch(m);
	set32(s, LSI_DSPS, second);
	if (insn >> 24 == 0xc0) {
		third = fetch(m);
		move(m, second, third, insn & 0xffffff);
		return;
	}
	if (insn != 0x98080000)
		model_broken(m, "illegal instruction", "%#x", insn);
	s->regs[LSI_ISTAT1] &= (uint8_t)~LSI_SRUN;
	if (s->order.twice)
		s->again = second;
	tell(m, second, insn == 0x98080000 ? LSI_SIR : LSI_IID);
}

/* It fetches nothing while it may do no DMA, and goes on if it is let again. */
static bool lsi_ready(struct model *m, unsigned int unit)
{
	const struct lsi *s = model_state(m);

	(void)unit;
	return s->regs[LSI_ISTAT1] & LSI_SRUN && model_bus_master(m);
}

static void lsi_work(struct model *m, unsigned int unit)
{
	struct lsi *s = model_state(m);

	if (s->n_insns == 0) {
		if (s->again)
			tell(m, s->again, LSI_SIR);
		s->again = 0;
		if (model_begin(m, unit, &s->order) == MODEL_STOPPED)
			return;
	}
	if (s->n_insns++ == LSI_MAX_INSNS)
		model_broken(m, "script of too many instructions", "more than %d", LSI_MAX_INSNS);
	execute(m);
}

/* --- registers -------------------------------------------------------------------------------- */

static void software_reset(struct model *m)
{
	struct lsi *s = model_state(m);

	if (model_never_resets(m) && s->regs[LSI_ISTAT1] & LSI_SRUN)
		return;
	memset(s, 0, sizeof(*s));
	model_stop(m, 0);
	update_line(m);
}

static void start_script(struct model *m)
{
	struct lsi *s = model_state(m);

	if (s->regs[LSI_ISTAT1] & LSI_SRUN || model_working(m, 0))
		model_broken(m, "script started while one runs", "%#x", get32(s, LSI_DSP));
	if (s->regs[LSI_ISTAT0] & LSI_DIP)
		model_broken(m, "script started with status unread", "%#x", get32(s, LSI_DSP));
	s->n_insns = 0;
	s->regs[LSI_ISTAT1] |= LSI_SRUN;
	model_kick(m);
}

static void write_byte(struct model *m, unsigned int reg, uint8_t value)
{
	struct lsi *s = model_state(m);

	switch (reg) {
	case LSI_ISTAT0:
		if (value & ~(LSI_SRST | LSI_INTF))
			model_broken(m, "reserved bits of ISTAT0", "%#x", value);
		if (value & LSI_SRST)
			software_reset(m);
		if (value & LSI_INTF)
			s->regs[LSI_ISTAT0] &= (uint8_t)~LSI_INTF;
		break;
	case LSI_DSP ... LSI_DSP + 3:
		s->regs[reg] = value;
		if (reg == LSI_DSP + 3)
			start_script(m);
		break;
	case LSI_DIEN:
		s->regs[reg] = value;
		update_line(m);
		break;
	case LSI_DMODE:
	case LSI_SIEN0:
	case LSI_SIEN1:
	case LSI_MMRS ... LSI_MMRS + 3:
	case LSI_MMWS ... LSI_MMWS + 3:
		if (value)
			model_broken(m, "register that has to be 0", "%#x at %#x", value, reg);
		break;
	default:
		model_broken(m, "register of no use", "write at %#x", reg);
	}
}

static uint8_t read_byte(struct model *m, unsigned int reg)
{
	struct lsi *s = model_state(m);
	uint8_t value = s->regs[reg];

	switch (reg) {
	case LSI_DSTAT:
		if (s->regs[LSI_ISTAT0] & LSI_INTF)
			return value | LSI_DFE;
		s->regs[LSI_DSTAT] = 0;
		s->regs[LSI_ISTAT0] &= (uint8_t)~LSI_DIP;
		update_line(m);
		return value | LSI_DFE;
	case LSI_ISTAT1:
		/* After a reset, too, until the instruction at hand has come to an end. */
		return value | (model_working(m, 0) ? LSI_SRUN : 0);
	case LSI_ISTAT0:
	case LSI_DSP ... LSI_DSP + 3:
	case LSI_DSPS ... LSI_DSPS + 3:
		return value;
	default:
		model_broken(m, "register of no use", "read at %#x", reg);
		return 0;
	}
}

static bool check_access(struct model *m, uint64_t offset, unsigned int width)
{
	bool valid = offset < LSI_N_REGS && (width == 1 || width == 4);

	if (!valid)
		model_broken(m, "width or place of a register", "%u bytes at %#lx", width,
			     (unsigned long)offset);
	return valid;
}

static uint64_t lsi_read(struct model *m, unsigned int bar, uint64_t offset, unsigned int width)
{
	uint64_t value = 0;

	(void)bar;
	for (unsigned int i = 0; check_access(m, offset, width) && i < width; i++)
		value |= (uint64_t)read_byte(m, (unsigned int)offset + i) << 8 * i;
	return value;
}

static void lsi_write(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
		      uint64_t value)
{
	(void)bar;
	for (unsigned int i = 0; check_access(m, offset, width) && i < width; i++)
		write_byte(m, (unsigned int)offset + i, (uint8_t)(value >> 8 * i));
}

static void lsi_pci(struct model *m, struct model_pci *ret, unsigned int *ret_n_units)
{
	(void)m;
	*ret = (struct model_pci) {
		.vendor = 0x1000,
		.device = 0x0012,
		.class_code = 0x010000,
		.bar_size[1] = 0x400,
		.has_line = true,
	};
	*ret_n_units = 1;
}

static void lsi_reset(struct model *m)
{
	memset(model_state(m), 0, sizeof(struct lsi));
	update_line(m);
}

const struct model_ops model_lsi_ops = {
	.name = "lsi",
	.state_size = sizeof(struct lsi),
	.pci = lsi_pci,
	.reset = lsi_reset,
	.read = lsi_read,
	.write = lsi_write,
	.ready = lsi_ready,
	.work = lsi_work,
};
