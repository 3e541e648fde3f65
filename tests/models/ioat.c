/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/OAT: registers. What writing those of a channel does is in ioat_channel.c, what is done with
 * descriptors in ioat_work.c.
 */
#include "ioat_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "macros.h"

#define BAR_SIZE 0x4000
#define XFERCAP 20			/* 1 MiB */

enum { READ_ONLY = 1 };

/* Both tables are sorted; of 64 bits each half may be accessed by itself. (K, D) */
struct reg {
	unsigned int offset;
	unsigned int width;
	unsigned int flags;
	uint8_t since;			/* CBVER */
};

static const struct reg device_regs[] = {
	{ IOAT_CHANCNT, 1, READ_ONLY, 0 },
	{ IOAT_XFERCAP, 1, READ_ONLY, 0 },
	{ IOAT_GENCTRL, 1, 0, 0 },
	{ IOAT_INTRCTRL, 1, 0, 0 },
	{ IOAT_ATTNSTATUS, 4, READ_ONLY, 0 },
	{ IOAT_CBVER, 1, READ_ONLY, 0 },
	{ IOAT_PERPORTOFFSET, 2, READ_ONLY, 0 },
	{ IOAT_INTRDELAY, 2, 0, 0 },
	{ IOAT_DEVICE_STATUS, 2, READ_ONLY, 0 },
	{ IOAT_DMACAPABILITY, 4, READ_ONLY, 0 },
	{ IOAT_DCAOFFSET, 2, READ_ONLY, 0 },
	{ IOAT_PREFETCH_LIMIT, 1, 0, 0x34 },
	{ IOAT_MSIX_ADDRESS, 8, 0, 0x33 },
	{ IOAT_MSIX_DATA, 8, 0, 0x33 },
	{ IOAT_MSIX_PENDING, 8, 0, 0x33 },
};

static const struct reg channel_regs[] = {
	{ IOAT_CHANCTRL, 2, 0, 0 },
	{ IOAT_CHANCMD, 1, 0, 0 },
	{ IOAT_DMACOUNT, 2, 0, 0 },
	{ IOAT_CHANSTS, 8, READ_ONLY, 0 },
	{ IOAT_CHAINADDR, 8, 0, 0 },
	{ IOAT_CHANCMP, 8, 0, 0 },
	{ IOAT_CDAR, 8, READ_ONLY, 0 },
	{ IOAT_CHANERR, 4, 0, 0 },
	{ IOAT_CHANERR_MASK, 4, 0, 0 },
	{ IOAT_DCACTRL, 4, 0, 0 },
	{ IOAT_DRSCTL, 2, 0, 0x34 },
	{ IOAT_LTR_SWSEL, 1, 0, 0x34 },
	{ IOAT_LTR_ACTIVE, 4, 0, 0x34 },
	{ IOAT_LTR_IDLE, 4, 0, 0x34 },
};

static const struct reg *find(const struct ioat *s, const struct reg *regs, size_t n,
			      uint64_t offset)
{
	for (size_t i = 0; i < n; i++) {
		if (offset - regs[i].offset < regs[i].width && s->version >= regs[i].since &&
		    (regs[i].offset < IOAT_MSIX_ADDRESS || s->loses_msix))
			return &regs[i];
	}
	return NULL;
}

/* Which register is there, and of which channel; -1 for the device itself. */
static const struct reg *find_reg(const struct ioat *s, uint64_t offset, int *ret_unit,
				  unsigned int *ret_inside)
{
	const struct reg *reg = find(s, device_regs, ARRAY_SIZE(device_regs), offset);
	int unit = -1;

	if (!reg && offset >= IOAT_CHAN_SIZE) {
		unit = (int)(offset / IOAT_CHAN_SIZE) - 1;
		offset %= IOAT_CHAN_SIZE;
		reg = find(s, channel_regs, ARRAY_SIZE(channel_regs), offset);
		if (!reg && unit > 0) {
			offset += IOAT_CHAN_SIZE;
			reg = find(s, channel_regs, ARRAY_SIZE(channel_regs), offset);
			unit--;
		}
	}
	if (!reg || unit >= (int)s->n_channels)
		return NULL;
	*ret_unit = unit;
	*ret_inside = (unsigned int)(offset - reg->offset);
	return reg;
}

/* The same for an access, if it is one that the register takes. */
static const struct reg *check_access(struct model *m, const char *what, uint64_t offset,
				      unsigned int width, int *ret_unit, unsigned int *ret_inside)
{
	const struct reg *reg = find_reg(model_state(m), offset, ret_unit, ret_inside);

	if (!reg) {
		model_broken(m, "reserved register", "%s of %u bytes at %#lx", what, width,
			     (unsigned long)offset);
		return NULL;
	}
	if (width != reg->width && !(reg->width == 8 && width == 4)) {
		model_broken(m, "width of a register", "%s of %u bytes at %#lx, which has %u", what,
			     width, (unsigned long)offset, reg->width);
		return NULL;
	}
	return reg;
}

void ioat_set_chanerr_int(struct model *m, uint32_t value)
{
	struct ioat *s = model_state(m);

	if (s->version >= 0x33)
		return;
	s->chanerr_int = value;
	model_config_set(m, IOAT_CFG_CHANERR_INT, 4, value);
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint64_t get_device(struct model *m, struct ioat *s, unsigned int offset)
{
	uint64_t absurd;
	uint32_t attn = s->attnstatus;
	uint8_t value = s->intrctrl;

	switch (offset) {
	case IOAT_CHANCNT:
		return model_absurd(m, "channels", &absurd) ? absurd : s->n_channels;
	case IOAT_XFERCAP:
		return model_absurd(m, "transfer", &absurd) ? absurd : s->xfercap;
	case IOAT_GENCTRL:
		return s->genctrl;
	case IOAT_INTRCTRL:
		if (attn)
			value |= IOAT_INTRCTRL_STATUS;
		if (attn && value & IOAT_INTRCTRL_MASTER)
			value |= IOAT_INTRCTRL_INT;
		return value;
	case IOAT_ATTNSTATUS:
		s->attnstatus = 0;
		return attn;
	case IOAT_CBVER:
		return model_absurd(m, "version", &absurd) ? absurd : s->version;
	case IOAT_INTRDELAY:
		return s->intrdelay;
	case IOAT_DMACAPABILITY:
		return s->version == 0x33 ? IOAT_CAP_XOR : s->version == 0x34 ? IOAT_CAP_DPS : 0;
	case IOAT_PREFETCH_LIMIT:
		return s->prefetch_limit;
	case IOAT_MSIX_ADDRESS:
	case IOAT_MSIX_DATA:
		return s->msix[(offset - IOAT_MSIX_ADDRESS) / 8];
	}
	return 0;
}

/* Where a register without effect is kept. */
static uint32_t *extra(struct ioat_chan *ch, unsigned int offset)
{
	return &ch->extra[offset == IOAT_DRSCTL ? 1 : offset == IOAT_LTR_ACTIVE ? 2 :
			  offset == IOAT_LTR_IDLE ? 3 : 0];
}

static uint64_t get_channel(struct ioat_chan *ch, unsigned int offset)
{
	switch (offset) {
	case IOAT_CHANCTRL:
		return ch->chanctrl | (ch->irq_off ? IOAT_CHANCTRL_REARM : 0);
	case IOAT_CHANCMD:
		return (ch->resetting ? IOAT_CHANCMD_RESET : 0) |
		       (ch->suspending ? IOAT_CHANCMD_SUSPEND : 0);
	case IOAT_DMACOUNT:
		return ch->count;
	case IOAT_CHANSTS:
		return ioat_chansts(ch);
	case IOAT_CHAINADDR:
		return ch->chainaddr.value;
	case IOAT_CHANCMP:
		return ch->chancmp.value;
	case IOAT_CDAR:
		return ch->current;
	case IOAT_CHANERR:
		return ch->chanerr;
	case IOAT_CHANERR_MASK:
		return ch->chanerr_mask;
	}
	return *extra(ch, offset);
}

static uint64_t ioat_read(struct model *m, unsigned int bar, uint64_t offset, unsigned int width)
{
	struct ioat *s = model_state(m);
	unsigned int inside;
	const struct reg *reg;
	uint64_t value;
	int unit;

	(void)bar;
	reg = check_access(m, "read", offset, width, &unit, &inside);
	if (!reg)
		return 0;
	if (unit >= 0)
		ioat_hurry_reset(m, (unsigned int)unit);
	if (unit >= 0 && (reg->offset == IOAT_CHANSTS || reg->offset == IOAT_CHANERR))
		ioat_tell(s, (unsigned int)unit);
	value = unit < 0 ? get_device(m, s, reg->offset) : get_channel(&s->chan[unit], reg->offset);
	return value >> (8 * inside);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_msix(struct model *m, struct ioat *s, unsigned int word, uint64_t value)
{
	if (value != ioat_msix[word])
		model_broken(m, "MSI-X as the host has not set it up", "%#lx in word %u",
			     (unsigned long)value, word);
	s->msix[word] = value;
}

static void put_device(struct model *m, struct ioat *s, unsigned int offset, uint64_t value)
{
	switch (offset) {
	case IOAT_GENCTRL:
		s->genctrl = (uint8_t)value;
		break;
	case IOAT_INTRCTRL:
		/* Status and pending are read-only; Linux writes them back as it read them. (K) */
		if (value & ~0x0full)
			model_broken(m, "reserved bits of INTRCTRL", "%#lx", (unsigned long)value);
		s->intrctrl = value & (IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX);
		break;
	case IOAT_INTRDELAY:
		if (value & 0x4000)
			model_broken(m, "reserved bits of INTRDELAY", "%#lx", (unsigned long)value);
		s->intrdelay = value & 0x3fff;
		break;
	case IOAT_PREFETCH_LIMIT:
		s->prefetch_limit = (uint8_t)value;
		break;
	case IOAT_MSIX_ADDRESS:
	case IOAT_MSIX_DATA:
		put_msix(m, s, (offset - IOAT_MSIX_ADDRESS) / 8, value);
		break;
	}
}

static void put_channel(struct model *m, unsigned int unit, const struct reg *reg,
			unsigned int inside, unsigned int width, uint64_t value)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];

	switch (reg->offset) {
	case IOAT_CHANCTRL:
		ioat_write_chanctrl(m, unit, (uint16_t)value);
		break;
	case IOAT_CHANCMD:
		ioat_write_chancmd(m, unit, (uint8_t)value);
		break;
	case IOAT_DMACOUNT:
		ioat_write_dmacount(m, unit, (uint16_t)value);
		break;
	case IOAT_CHAINADDR:
		ioat_write_chainaddr(m, unit, inside, width, value);
		break;
	case IOAT_CHANCMP:
		ioat_write_chancmp(m, unit, inside, width, value);
		break;
	case IOAT_CHANERR:
		ch->chanerr &= ~(uint32_t)value;
		break;
	case IOAT_CHANERR_MASK:
		ch->chanerr_mask = value & IOAT_ERR_ALL;
		break;
	default:
		*extra(ch, reg->offset) = (uint32_t)value;
	}
}

static void ioat_write(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
		       uint64_t value)
{
	unsigned int inside;
	const struct reg *reg;
	int unit;

	(void)bar;
	reg = check_access(m, "write", offset, width, &unit, &inside);
	if (!reg)
		return;
	if (reg->flags & READ_ONLY)
		model_broken(m, "write to a read-only register", "%#lx", (unsigned long)offset);
	else if (unit < 0)
		put_device(m, model_state(m), reg->offset, value);
	else
		put_channel(m, (unsigned int)unit, reg, inside, width, value);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void ioat_config_write(struct model *m, unsigned int offset, unsigned int width,
			      uint32_t value)
{
	struct ioat *s = model_state(m);

	if (offset != IOAT_CFG_CHANERR_INT || width != 4)
		return;
	if (s->version < 0x33)
		ioat_set_chanerr_int(m, s->chanerr_int & ~value);
	else if (value)
		model_broken(m, "CHANERR_INT where there is none", "%#x", value);
}

static int ioat_option(struct model *m, const char *key, const char *value)
{
	struct ioat *s = model_state(m);

	if (!strcmp(key, "version") && value) {
		s->version = !strcmp(value, "3.2") ? 0x32 : !strcmp(value, "3.3") ? 0x33 :
			     !strcmp(value, "3.4") ? 0x34 : 0;
		return s->version ? 0 : -EINVAL;
	}
	if (!strcmp(key, "channels") && value) {
		s->n_channels = (unsigned int)strtoul(value, NULL, 10);
		return s->n_channels > 0 && s->n_channels <= IOAT_CHANNELS_MAX ? 0 : -EINVAL;
	}
	if (!strcmp(key, "id") && value) {
		s->id = (uint16_t)strtoul(value, NULL, 16);
		return s->id ? 0 : -EINVAL;
	}
	if (!strcmp(key, "loses-msix") && !value) {
		s->loses_msix = true;
		return 0;
	}
	return -EINVAL;
}

/* On 3.3 the vectors' table is among the registers; Linux saves it there across a reset. (K) */
static void ioat_pci(struct model *m, struct model_pci *ret, unsigned int *ret_n_units)
{
	struct ioat *s = model_state(m);
	uint64_t bar_size = BAR_SIZE;

	if (!s->version)
		s->version = 0x34;
	if (!s->id)
		s->id = s->version == 0x32 ? 0x0e20 : s->version == 0x33 ? 0x0c50 : 0x0b00;
	if (!s->n_channels)
		s->n_channels = 1;
	model_absurd(m, "bar", &bar_size);
	*ret = (struct model_pci) {
		.vendor = 0x8086,
		.device = s->id,
		.class_code = 0x088000,
		.bar_size[0] = bar_size,
		.n_vectors = s->n_channels,
		.msix_bar = 0,
		.msix_table = s->version == 0x33 ? 0x1000 : 0x2000,
		.msix_pba = s->version == 0x33 ? 0x1800 : 0x3000,
		.msix_own = s->loses_msix,
	};
	*ret_n_units = s->n_channels;
}

static void ioat_reset(struct model *m)
{
	struct ioat *s = model_state(m);

	s->xfercap = XFERCAP;
	s->genctrl = s->intrctrl = s->prefetch_limit = 0;
	s->intrdelay = 0;
	s->attnstatus = 0;
	memset(s->chan, 0, sizeof(s->chan));
	memcpy(s->msix, ioat_msix, sizeof(s->msix));
	for (unsigned int i = 0; i < s->n_channels; i++)
		s->chan[i].irq_off = true;
	ioat_set_chanerr_int(m, 0);
}

/* Even channels are at work as soon as they may do DMA; odd ones have halted. */
static void ioat_stale(struct model *m)
{
	struct ioat *s = model_state(m);

	s->intrctrl = IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX;
	for (unsigned int i = 0; i < s->n_channels; i++) {
		struct ioat_chan *ch = &s->chan[i];

		ch->chanctrl = IOAT_CHANCTRL_ERR_COMPLETION | IOAT_CHANCTRL_ANY_ERR_ABORT |
			       IOAT_CHANCTRL_ERR_INT;
		ch->chainaddr.value = ch->next = 0x7eadbeef000;
		ch->chancmp.value = 0x7eadbee0000;
		ch->last_done = 0x7eadbeefc0;
		ch->has_chain = ch->has_chancmp = true;
		ch->count = 0x1234;
		ch->done = 0x1230;
		ch->run = i % 2 ? IOAT_RUN_HALTED : IOAT_RUN_RUNNING;
		ch->chanerr = i % 2 ? IOAT_ERR_READ_DATA : 0;
		/* Who begins has to look. */
		ch->told = ch->chanerr != 0;
	}
	s->told_int = true;
	if (s->version < 0x33)
		ioat_set_chanerr_int(m, IOAT_ERR_READ_DATA);
	else
		/* Where it was is something else, which is nobody's business here. (M) */
		model_config_set(m, IOAT_CFG_CHANERR_INT, 4, 0x10001);
}

static const char *const ioat_absurd[] = { "bar", "channels", "transfer", "version", NULL };

const struct model_ops model_ioat_ops = {
	.name = "ioat",
	.state_size = sizeof(struct ioat),
	.absurd = ioat_absurd,
	.option = ioat_option,
	.pci = ioat_pci,
	.reset = ioat_reset,
	.stale = ioat_stale,
	.read = ioat_read,
	.write = ioat_write,
	.config_write = ioat_config_write,
	.ready = ioat_ready,
	.work = ioat_work,
};
