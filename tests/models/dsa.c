/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DSA: registers, portals, errors. The tables are in dsa_table.c. Its units are the engines, and
 * one that does the commands.
 */
#include "dsa_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "macros.h"

#define BAR0_SIZE 0x10000
#define MSIX_TABLE 0x2000
#define MSIX_PBA 0x3000

/* --- capabilities ----------------------------------------------------------------------------- */

static uint64_t gencap(struct model *m, const struct dsa *s)
{
	uint64_t transfer = DSA_MAX_TRANSFER, batch = DSA_MAX_BATCH, all;

	model_absurd(m, "transfer", &transfer);
	model_absurd(m, "batch", &batch);
	if (model_absurd(m, "gencap", &all))
		return all;
	/* Cache control, CMDCAP, configurable. */
	return 0x1c | (transfer & 0x1f) << 16 | (batch & 0xf) << 21 |
	       (s->fixed ? 0 : 1ull << 31);
}

static uint64_t wqcap(struct model *m, const struct dsa *s)
{
	uint64_t entries = DSA_WQ_ENTRIES, n = s->n_wqs;

	model_absurd(m, "ring", &entries);
	model_absurd(m, "queues", &n);
	/* Dedicated queues, priorities; version 2: which operations are allowed. */
	return (entries & 0xffff) | (n & 0xff) << 16 | (dsa_wqcfg_size(s) == 64 ? 1ull << 24 : 0) |
	       1ull << 49 | 1ull << 51 | (dsa_wqcfg_size(s) == 64 ? 1ull << 54 : 0);
}

static uint64_t get_capability(struct model *m, const struct dsa *s, unsigned int offset)
{
	uint64_t engines = s->n_engines, groups = s->n_groups, tables = 0;

	switch (offset) {
	case DSA_GENCAP:
		return gencap(m, s);
	case DSA_WQCAP:
		return wqcap(m, s);
	case DSA_GRPCAP:
		model_absurd(m, "groups", &groups);
		return (groups & 0xff) | DSA_READ_BUFFERS << 8;
	case DSA_ENGCAP:
		model_absurd(m, "engines", &engines);
		return engines & 0xff;
	case DSA_OPCAP:
		return 1 << DSA_OP_NOOP | 1 << DSA_OP_BATCH | 1 << DSA_OP_DRAIN |
		       1 << DSA_OP_MEMMOVE;
	case DSA_OFFSETS:
		if (model_absurd(m, "tables", &tables))
			return tables;
		return DSA_GRPCFG / 0x100 | DSA_WQCFG / 0x100 << 16 |
		       (uint64_t)(DSA_MSIXPERM / 0x100) << 32;
	}
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Width of the register that is there, 0 for none; those of 64 bits may be read by halves. */
static unsigned int reg_width(struct dsa *s, uint64_t offset, unsigned int width)
{
	if (offset >= DSA_GRPCFG)
		return dsa_table_word(s, offset, width) ? width : 0;
	switch (offset & ~7ull) {
	case DSA_VERSION:
	case DSA_GENCFG:
	case DSA_GENCTRL:
	case DSA_GENSTS:
	case DSA_INTCAUSE:
	case DSA_CMD:
	case DSA_CMDSTS:
	case DSA_CMDCAP:
		return offset % 8 ? 0 : 4;
	case DSA_GENCAP:
	case DSA_WQCAP:
	case DSA_GRPCAP:
	case DSA_ENGCAP:
	case DSA_OPCAP ... DSA_OPCAP + 24:
	case DSA_OFFSETS ... DSA_OFFSETS + 8:
	case DSA_SWERR ... DSA_SWERR + 24:
		return 8;
	}
	return 0;
}

static bool check_access(struct model *m, const char *what, uint64_t offset, unsigned int width)
{
	unsigned int has = width < 4 ? 0 : reg_width(model_state(m), offset, width);

	if (has && (width == has || (has == 8 && width == 4)))
		return true;
	if (has || (width < 4 && reg_width(model_state(m), offset & ~7ull, 4)))
		model_broken(m, "width of a register", "%s of %u bytes at %#lx", what, width,
			     (unsigned long)offset);
	else
		model_broken(m, "reserved register", "%s of %u bytes at %#lx", what, width,
			     (unsigned long)offset);
	return false;
}

static uint64_t get_reg(struct model *m, struct dsa *s, unsigned int offset)
{
	uint64_t version;

	switch (offset) {
	case DSA_VERSION:
		if (model_absurd(m, "version", &version))
			return version;
		return s->id == 0x11fb ? 0x200 : 0x100;
	case DSA_GENCFG:
		return s->gencfg;
	case DSA_GENCTRL:
		return s->genctrl;
	case DSA_GENSTS:
		return s->state | (s->state == DSA_HALTED ? s->reset_type << 2 : 0);
	case DSA_INTCAUSE:
		return s->intcause;
	case DSA_CMD:
		return s->cmd;
	case DSA_CMDSTS:
		dsa_hurry_command(m);
		return s->cmdsts;
	case DSA_CMDCAP:
		return 0x7fe | (dsa_has_handles(s) ? 3 << DSA_CMD_REQUEST_HANDLE : 0);
	case DSA_SWERR ... DSA_SWERR + 24:
		return s->swerr[(offset - DSA_SWERR) / 8];
	}
	return get_capability(m, s, offset);
}

static uint64_t dsa_read(struct model *m, unsigned int bar, uint64_t offset, unsigned int width)
{
	struct dsa *s = model_state(m);

	if (bar != 0) {
		model_broken(m, "read of a portal", "%#lx", (unsigned long)offset);
		return 0;
	}
	if (!check_access(m, "read", offset, width))
		return 0;
	if (offset >= DSA_GRPCFG)
		return dsa_table_read(s, offset, width);
	return get_reg(m, s, (unsigned int)offset & ~7u) >> (8 * (offset % 8));
}

/* --- writing ---------------------------------------------------------------------------------- */

static void check_reserved(struct model *m, const char *rule, uint64_t value, uint64_t known)
{
	if (value & ~known)
		model_broken(m, rule, "%#lx", (unsigned long)value);
}

static void put_reg(struct model *m, struct dsa *s, uint64_t offset, uint64_t value)
{
	switch (offset) {
	case DSA_GENCFG:
		check_reserved(m, "reserved bits of GENCFG", value, DSA_GENCFG_KNOWN);
		s->gencfg = value & DSA_GENCFG_KNOWN;
		break;
	case DSA_GENCTRL:
		check_reserved(m, "reserved bits of GENCTRL", value, DSA_GENCTRL_KNOWN);
		s->genctrl = value & DSA_GENCTRL_KNOWN;
		break;
	case DSA_INTCAUSE:
		s->intcause &= ~(uint32_t)value;
		break;
	case DSA_CMD:
		dsa_command(m, (uint32_t)value);
		break;
	case DSA_SWERR:
		s->swerr[0] &= ~(value & (DSA_SWERR_VALID | DSA_SWERR_OVERFLOW));
		break;
	default:
		model_broken(m, "write to a read-only register", "%#lx", (unsigned long)offset);
	}
}

/*
 * A descriptor comes as 64 bytes at once, which some hosts can only hand on in words, upwards.
 * Those of several processors may be mixed, but not for the same 64 bytes.
 */
static void put_portal(struct model *m, uint64_t offset, unsigned int width, uint64_t value)
{
	struct dsa *s = model_state(m);
	unsigned int word = offset % 64 / 8, wq = (unsigned int)(offset / DSA_PORTAL_SIZE);
	uint64_t at = ALIGN_DOWN(offset, 64) + 1;
	struct dsa_slot *slot = NULL;
	struct dsa_desc d;

	if (offset % DSA_PORTAL_SIZE >= DSA_PORTAL_SIZE / 2 || wq >= s->n_wqs) {
		model_broken(m, "no portal", "write at %#lx", (unsigned long)offset);
		return;
	}
	for (size_t i = 0; i < DSA_SLOTS; i++) {
		if (s->slot[i].at == at || (!s->slot[i].at && !slot))
			slot = &s->slot[i];
		if (s->slot[i].at == at)
			break;
	}
	if (!slot || width != 8 || word != (slot->at ? slot->n : 0)) {
		model_broken(m, "descriptor in pieces", "%u bytes at %#lx", width,
			     (unsigned long)offset);
		if (slot)
			slot->at = 0;
		return;
	}
	slot->at = at;
	slot->n = word + 1;
	slot->words[word] = value;
	if (slot->n < ARRAY_SIZE(slot->words))
		return;
	slot->at = 0;
	memcpy(&d, slot->words, sizeof(d));
	dsa_submit(m, wq, &d);
}

static void dsa_write(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
		      uint64_t value)
{
	if (bar == 2)
		put_portal(m, offset, width, value);
	else if (!check_access(m, "write", offset, width))
		return;
	else if (offset >= DSA_GRPCFG)
		dsa_table_write(m, offset, width, value);
	else
		put_reg(m, model_state(m), offset, value);
}

/* --- errors, reset ---------------------------------------------------------------------------- */

void dsa_cause(struct model *m, uint32_t cause)
{
	struct dsa *s = model_state(m);

	s->intcause |= cause;
	if ((cause == DSA_INTC_ERR && !(s->genctrl & DSA_GENCTRL_SWERR)) ||
	    (cause == DSA_INTC_HALT && !(s->genctrl & DSA_GENCTRL_HALT)))
		return;
	model_interrupt(m, 0);
}

void dsa_swerr(struct model *m, const struct dsa_item *item, uint8_t error)
{
	struct dsa *s = model_state(m);

	if (s->swerr[0] & DSA_SWERR_VALID) {
		s->swerr[0] |= DSA_SWERR_OVERFLOW;
		return;
	}
	/* Descriptor and queue are valid. */
	s->swerr[0] = DSA_SWERR_VALID | 0xc | (item->batch >= 0 ? 0x10 : 0) |
		      (error & DSA_WAS_WRITE ? 0x20 : 0) | (uint64_t)(error & 0x7f) << 8 |
		      (uint64_t)item->wq << 16 | (uint64_t)(item->d.op_flags >> 24) << 32;
	s->swerr[1] = (item->index & 0xffff) | (uint64_t)item->r.invalid_flags << 32;
	s->swerr[2] = (error & 0x7f) == DSA_RECORD_FAULT ? item->d.record : item->r.fault_addr;
	s->swerr[3] = 0;
	dsa_cause(m, DSA_INTC_ERR);
}

static void stop_engines(struct model *m)
{
	struct dsa *s = model_state(m);

	s->epoch++;
	for (unsigned int i = 0; i < s->n_engines; i++)
		model_stop(m, i);
	memset(s->batch, 0, sizeof(s->batch));
	s->has_held = false;
	s->again_at = 0;
	for (unsigned int i = 0; i < s->n_wqs; i++) {
		s->wq[i].enabled = s->wq[i].closing = false;
		s->wq[i].n_queued = s->wq[i].n_running = 0;
	}
}

void dsa_halt(struct model *m, enum dsa_reset_type type)
{
	struct dsa *s = model_state(m);

	stop_engines(m);
	s->state = DSA_HALTED;
	s->reset_type = type;
	dsa_cause(m, DSA_INTC_HALT);
}

/* What no software set up, and no reset undoes. */
static void set_up_fixed(struct dsa *s)
{
	s->group[0] = (struct dsa_group) { .wqs[0] = 1, .flags = 0x9 };
	if (s->fixed != DSA_FIXED_IDLE)
		s->group[0].engines = (1 << s->n_engines) - 1;
	s->wq[0].cfg[0] = 32;
	s->wq[0].cfg[1] = s->fixed == DSA_FIXED_SHARED ? 16 : 0;
	s->wq[0].cfg[2] = 1 << 4 | (s->fixed == DSA_FIXED_SHARED ? 0 : DSA_WQ_DEDICATED);
	/* 256 KiB, batches of 8. */
	s->wq[0].cfg[3] = 18 | 3 << 5;
	s->wq[0].cfg[8] = 1 << DSA_OP_NOOP | 1 << DSA_OP_BATCH | 1 << DSA_OP_MEMMOVE;
}

void dsa_clear(struct model *m)
{
	struct dsa *s = model_state(m);

	stop_engines(m);
	s->state = DSA_DISABLED;
	s->resetting = false;
	s->gencfg = s->genctrl = s->intcause = 0;
	memset(s->swerr, 0, sizeof(s->swerr));
	memset(s->msixperm, 0, sizeof(s->msixperm));
	memset(s->handle, 0, sizeof(s->handle));
	memset(s->group, 0, sizeof(s->group));
	memset(s->wq, 0, sizeof(s->wq));
	memset(s->slot, 0, sizeof(s->slot));
	if (s->fixed)
		set_up_fixed(s);
}

/* --- the rest --------------------------------------------------------------------------------- */

static int number(const char *value, unsigned int max, unsigned int *ret)
{
	*ret = value ? (unsigned int)strtoul(value, NULL, 10) : 0;
	return *ret > 0 && *ret <= max ? 0 : -EINVAL;
}

static int dsa_option(struct model *m, const char *key, const char *value)
{
	struct dsa *s = model_state(m);

	if (!strcmp(key, "id") && value) {
		s->id = (uint16_t)strtoul(value, NULL, 16);
		return s->id == 0x0b25 || s->id == 0x11fb ? 0 : -EINVAL;
	}
	if (!strcmp(key, "wqs"))
		return number(value, DSA_WQS_MAX, &s->n_wqs);
	if (!strcmp(key, "engines"))
		return number(value, DSA_ENGINES_MAX, &s->n_engines);
	if (!strcmp(key, "groups"))
		return number(value, DSA_GROUPS_MAX, &s->n_groups);
	if (!strcmp(key, "fixed") && value) {
		s->fixed = !strcmp(value, "dedicated") ? DSA_FIXED_DEDICATED :
			   !strcmp(value, "shared") ? DSA_FIXED_SHARED :
			   !strcmp(value, "idle") ? DSA_FIXED_IDLE : DSA_CONFIGURABLE;
		return s->fixed ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static void dsa_pci(struct model *m, struct model_pci *ret, unsigned int *ret_n_units)
{
	struct dsa *s = model_state(m);

	s->id = s->id ? s->id : 0x0b25;
	s->n_wqs = s->n_wqs ? s->n_wqs : 8;
	s->n_engines = s->n_engines ? s->n_engines : 4;
	s->n_groups = s->n_groups ? s->n_groups : 4;
	*ret = (struct model_pci) {
		.vendor = 0x8086,
		.device = s->id,
		.class_code = 0x088000,
		.bar_size[0] = BAR0_SIZE,
		.bar_size[2] = s->n_wqs * DSA_PORTAL_SIZE,
		.n_vectors = dsa_n_vectors(s),
		.msix_bar = 0,
		.msix_table = MSIX_TABLE,
		.msix_pba = MSIX_PBA,
	};
	while (ret->bar_size[2] & (ret->bar_size[2] - 1))
		ret->bar_size[2] += ret->bar_size[2] & -ret->bar_size[2];
	model_absurd(m, "bar", &ret->bar_size[0]);
	model_absurd(m, "portals", &ret->bar_size[2]);
	*ret_n_units = s->n_engines + 1;
}

static void dsa_reset(struct model *m)
{
	struct dsa *s = model_state(m);

	dsa_clear(m);
	s->cmd = s->cmdsts = 0;
	memset(s->executing, 0, sizeof(s->executing));
}

/* Enabled, with a queue that has work as soon as the device may do DMA, and an error logged. */
static void dsa_stale(struct model *m)
{
	struct dsa *s = model_state(m);
	struct dsa_wq *wq = &s->wq[0];

	s->state = DSA_ENABLED;
	s->genctrl = DSA_GENCTRL_KNOWN;
	s->intcause = DSA_INTC_ERR | DSA_INTC_CMD;
	s->cmdsts = DSA_ERR_CMD;
	s->swerr[0] = DSA_SWERR_VALID | DSA_SWERR_OVERFLOW | DSA_HARDWARE << 8;
	s->group[0] = (struct dsa_group) { .wqs[0] = 1, .engines = 1, .flags = 0x9 };
	wq->cfg[0] = DSA_WQ_ENTRIES;
	wq->cfg[2] = DSA_WQ_DEDICATED | 1 << 4;
	wq->cfg[3] = DSA_MAX_TRANSFER | DSA_MAX_BATCH << 5;
	wq->enabled = true;
	for (unsigned int i = 0; i < 3; i++) {
		wq->queue[i] = (struct dsa_desc) {
			.op_flags = DSA_OP_MEMMOVE << 24 | DSA_FLAG_RECORD_VALID | DSA_FLAG_RECORD,
			.record = 0x7eadbee0000, .src = 0x7eadbeef000, .dst = 0x7eadbe00000,
			.size = 4096,
		};
	}
	wq->n_queued = 3;
}

static bool dsa_ready(struct model *m, unsigned int unit)
{
	const struct dsa *s = model_state(m);

	return unit == s->n_engines ? dsa_command_ready(m) : dsa_engine_ready(m, unit);
}

static void dsa_work(struct model *m, unsigned int unit)
{
	struct dsa *s = model_state(m);

	if (unit == s->n_engines)
		dsa_command_end(m);
	else
		dsa_engine_work(m, unit);
}

static const char *const dsa_absurd[] = {
	"bar", "batch", "engines", "gencap", "groups", "portals", "queues", "ring", "tables",
	"transfer", "version", NULL
};

const struct model_ops model_dsa_ops = {
	.name = "dsa",
	.state_size = sizeof(struct dsa),
	.absurd = dsa_absurd,
	.option = dsa_option,
	.pci = dsa_pci,
	.reset = dsa_reset,
	.stale = dsa_stale,
	.read = dsa_read,
	.write = dsa_write,
	.ready = dsa_ready,
	.work = dsa_work,
};
