/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDXI: registers, doorbells. Its units are the engines, which do the descriptors of all contexts
 * but 0, one for context 0, and one that ends transitions of the function's state.
 */
#include "sdxi_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "macros.h"

#define BAR0_SIZE 0x40000
#define MSIX_TABLE 0x30000		/* (M) */
#define MSIX_PBA 0x38000
#define STRIDE_MIN 0x1000
#define MAX_BUFFER 11			/* 2^(n + 21) bytes: 4 GiB */
#define MAX_ERRLOG 4			/* in units of 64 entries (M) */
#define MAX_AKEYS 2			/* log2 of how many, less 8 */
#define GROUPS 0x16			/* a bit a type of operation (M); software need not know */

#define SDXI_RULE_TEXT(id, name, source) [SDXI_RULE_##id] = { name, source },

const struct sdxi_rule_text sdxi_rules[SDXI_N_RULES] = { SDXI_RULES(SDXI_RULE_TEXT) };

/* --- capabilities ----------------------------------------------------------------------------- */

uint64_t sdxi_cap0(struct model *m)
{
	uint64_t stride = 0, ring = 6, all;

	model_absurd(m, "stride", &stride);
	model_absurd(m, "ring", &ring);
	if (model_absurd(m, "cap0", &all))
		return all;
	return SDXI_SFUNC | (stride & 7) << 20 | (ring & 0x1f) << 24;
}

/* From one doorbell to the next. */
static uint64_t stride(struct model *m)
{
	return (uint64_t)STRIDE_MIN << (sdxi_cap0(m) >> 20 & 7);
}

uint64_t sdxi_cap1(struct model *m)
{
	const struct sdxi *s = model_state(m);
	uint64_t buffer = MAX_BUFFER, errlog = MAX_ERRLOG, akeys = MAX_AKEYS, groups = GROUPS;
	uint64_t contexts = s->n_contexts, all;

	model_absurd(m, "transfer", &buffer);
	model_absurd(m, "errlog", &errlog);
	model_absurd(m, "akeys", &akeys);
	model_absurd(m, "contexts", &contexts);
	model_absurd(m, "groups", &groups);
	if (model_absurd(m, "cap1", &all))
		return all;
	/* No RKeys; registers of 64 bits. */
	return (buffer & 0xf) | 1 << 6 | (errlog & 0xf) << 8 | (akeys & 0xf) << 12 |
	       (contexts & 0xffff) << 16 | (groups & 0xffffffff) << 32;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum { READ_ONLY = 1 };

/* By offset; the bits that software may write. (Tables 9-2 to 9-13) */
static const struct reg {
	unsigned int offset;
	unsigned int flags;
	uint64_t known;
} regs[] = {
	{ SDXI_CTL0, 0, 0xffffffff0fffff17 },
	{ SDXI_CTL2, 0, 0xfffffffffffff00f },
	{ SDXI_STS0, READ_ONLY, 0 },
	{ SDXI_CAP0, READ_ONLY, 0 },
	{ SDXI_CAP1, READ_ONLY, 0 },
	{ SDXI_VERSION, READ_ONLY, 0 },
	{ SDXI_CXT_L2, 0, 0xfffffffffffff000 },
	{ SDXI_RKEY, 0, 0xfffffffffffff01f },
	{ SDXI_ERR_CTL, 0, 0x1 },
	{ SDXI_ERR_STS, 0, 0xb },
	{ SDXI_ERR_CFG, 0, 0xfffffffffffff03f },
	{ SDXI_ERR_WRT, 0, UINT64_MAX },
	{ SDXI_ERR_RD, 0, UINT64_MAX },
};

static const struct reg *find_reg(struct model *m, const char *what, uint64_t offset,
				  unsigned int width)
{
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		if (offset - regs[i].offset >= 8)
			continue;
		if (width == 8)
			return &regs[i];
		sdxi_broken(m, WIDTH, "%s of %u bytes at %#lx", what, width, (unsigned long)offset);
		return NULL;
	}
	sdxi_broken(m, REGISTER, "%s of %u bytes at %#lx", what, width, (unsigned long)offset);
	return NULL;
}

static uint64_t get_reg(struct model *m, struct sdxi *s, unsigned int offset)
{
	uint64_t version = 1 << 16;

	switch (offset) {
	case SDXI_CTL0:
		return s->ctl0;
	case SDXI_CTL2:
		return s->ctl2;
	case SDXI_STS0:
		sdxi_hurry_function(m);
		return s->gsv;
	case SDXI_CAP0:
		return sdxi_cap0(m);
	case SDXI_CAP1:
		return sdxi_cap1(m);
	case SDXI_VERSION:
		model_absurd(m, "version", &version);
		return version;
	case SDXI_CXT_L2:
		return s->cxt_l2;
	case SDXI_ERR_CTL:
		return s->err_ctl;
	case SDXI_ERR_STS:
		return s->err_sts;
	case SDXI_ERR_CFG:
		return s->err_cfg;
	case SDXI_ERR_WRT:
		return s->err_wrt;
	case SDXI_ERR_RD:
		return s->err_rd;
	}
	return 0;
}

static uint64_t sdxi_read(struct model *m, unsigned int bar, uint64_t offset, unsigned int width)
{
	if (bar != 0) {
		sdxi_broken(m, DOORBELL_READ, "%#lx", (unsigned long)offset);
		return 0;
	}
	return find_reg(m, "read", offset, width) ?
		get_reg(m, model_state(m), (unsigned int)offset) : 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What is set up once, before the function is activated. (4.1.8) */
static bool may_configure(struct model *m, const struct sdxi *s, unsigned int offset)
{
	if (s->gsv == SDXI_STOP)
		return true;
	sdxi_broken(m, CONFIG_BUSY, "%#x in state %d", offset, s->gsv);
	return false;
}

/* Each limit by itself; operations are a set. What is too much is not taken. */
static void write_ctl2(struct model *m, struct sdxi *s, uint64_t value)
{
	static const uint64_t limits[] = { 0xf, 0xf000, 0xffff0000 };
	uint64_t cap = sdxi_cap1(m), over = value & ~cap & 0xffffffff00000000;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if ((value & limits[i]) > (cap & limits[i]))
			over |= value & limits[i];
	}
	if (over)
		sdxi_broken(m, CTL2, "%#lx, MMIO_CAP1 is %#lx", (unsigned long)value,
			    (unsigned long)cap);
	s->ctl2 = value & ~over;
}

static void put_reg(struct model *m, struct sdxi *s, unsigned int offset, uint64_t value)
{
	switch (offset) {
	case SDXI_CTL0:
		sdxi_write_ctl0(m, value);
		break;
	case SDXI_CTL2:
		if (may_configure(m, s, offset))
			write_ctl2(m, s, value);
		break;
	case SDXI_CXT_L2:
		if (may_configure(m, s, offset))
			s->cxt_l2 = value;
		break;
	case SDXI_RKEY:
		if (may_configure(m, s, offset) && value)
			sdxi_broken(m, RKEY, "%#lx", (unsigned long)value);
		break;
	default:
		sdxi_write_log(m, offset, value);
	}
}

static void write_bell(struct model *m, uint64_t offset, unsigned int width, uint64_t value)
{
	const struct sdxi *s = model_state(m);
	uint64_t n = offset / stride(m);

	if (width != 8 || offset % stride(m) || n > s->n_contexts || n > (s->ctl2 >> 16 & 0xffff))
		sdxi_broken(m, DOORBELL, "%u bytes at %#lx", width, (unsigned long)offset);
	else
		sdxi_doorbell(m, (unsigned int)n, value);
}

static void sdxi_write(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
		       uint64_t value)
{
	const struct reg *reg;

	if (bar == 2) {
		write_bell(m, offset, width, value);
		return;
	}
	reg = find_reg(m, "write", offset, width);
	if (!reg)
		return;
	if (reg->flags & READ_ONLY) {
		sdxi_broken(m, READ_ONLY, "%#lx", (unsigned long)offset);
		return;
	}
	if (value & ~reg->known)
		sdxi_broken(m, REGISTER_BITS, "%#lx in %#x", (unsigned long)value, reg->offset);
	put_reg(m, model_state(m), reg->offset, value & reg->known);
}

/* --- memory ----------------------------------------------------------------------------------- */

struct range {
	uint64_t first, last;
};

static bool overlaps(struct range r, uint64_t at, uint64_t len)
{
	return len > 0 && at <= r.last && r.first <= at + (len - 1);
}

static bool reaches_by_item(struct range r, const struct sdxi_item *it)
{
	return it->active && !(it->d.csb & SDXI_DSC_NP) &&
	       overlaps(r, it->d.csb, sizeof(struct sdxi_cst));
}

static bool reaches_by_cxt(struct range r, const struct sdxi_cxt *c)
{
	return overlaps(r, c->l1_at, sizeof(c->l1)) ||
	       overlaps(r, c->l1.ctl & ~UINT64_C(0x3f), sizeof(c->ctl)) ||
	       overlaps(r, sdxi_akey_base(c), sdxi_n_akeys(c) * sizeof(struct sdxi_akey)) ||
	       overlaps(r, sdxi_ring_base(c), (uint64_t)c->ctl.entries * 64) ||
	       overlaps(r, c->ctl.sts, sizeof(c->sts)) || overlaps(r, c->ctl.write_index, 8);
}

/* Whether the function may go there on its own. */
static bool reaches(struct range r, const struct sdxi *s)
{
	for (unsigned int i = 0; i <= s->n_engines; i++) {
		if (reaches_by_item(r, &s->item[i]))
			return true;
	}
	if (reaches_by_item(r, &s->held))
		return true;
	if (s->gsv == SDXI_STOP || s->gsv == SDXI_ERROR)
		return false;
	for (unsigned int i = 0; i <= s->n_contexts; i++) {
		if (s->cxt[i].run != SDXI_AT_REST && reaches_by_cxt(r, &s->cxt[i]))
			return true;
	}
	return overlaps(r, sdxi_l2_base(s), 4096) ||
	       (s->err_cfg & 1 && overlaps(r, s->err_cfg & ~UINT64_C(0xfff), sdxi_log_size(s)));
}

/*
 * What is the function's may be released only after a proven stop; without bus mastership nothing
 * can happen. Data may be taken away at any time: that is a fault like others.
 */
static void sdxi_unmapped(struct model *m, uint64_t iova, uint64_t last)
{
	const struct sdxi *s = model_state(m);

	if (model_bus_master(m) && reaches((struct range) { iova, last }, s))
		sdxi_broken(m, UNMAPPED, "%#lx to %#lx in state %d", (unsigned long)iova,
			    (unsigned long)last, s->gsv);
}

/* --- the rest --------------------------------------------------------------------------------- */

static int number(const char *value, unsigned int max, unsigned int *ret)
{
	*ret = value ? (unsigned int)strtoul(value, NULL, 10) : 0;
	return *ret > 0 && *ret <= max ? 0 : -EINVAL;
}

static int sdxi_option(struct model *m, const char *key, const char *value)
{
	struct sdxi *s = model_state(m);
	const struct {
		const char *key;
		bool *flag;
	} flags[] = {
		/* It takes up what is valid, before the doorbell. */
		{ "eager", &s->eager },
		/* Read_Index is of what was taken up, not of what was done. */
		{ "early-read", &s->early_read },
		/* The bit vl of what was taken up stays as it was. */
		{ "keeps-vl", &s->keeps_vl },
		/* Faults are ordered for all descriptors: of context 0 and interrupts, too. */
		{ "all-faults", &s->all_faults },
		/* A context goes on after the error of a descriptor. */
		{ "lives", &s->lives },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(key, flags[i].key))
			continue;
		*flags[i].flag = true;
		return value ? -EINVAL : 0;
	}
	if (!strcmp(key, "engines"))
		return number(value, SDXI_ENGINES_MAX, &s->n_engines);
	if (!strcmp(key, "contexts"))
		return number(value, SDXI_CONTEXTS_MAX - 1, &s->n_contexts);
	return -EINVAL;
}

/* Its class alone says what it is: no numbers of devices are public. */
static void sdxi_pci(struct model *m, struct model_pci *ret, unsigned int *ret_n_units)
{
	struct sdxi *s = model_state(m);

	s->n_engines = s->n_engines ? s->n_engines : 4;
	s->n_contexts = s->n_contexts ? s->n_contexts : 4;
	*ret = (struct model_pci) {
		.vendor = 0x1022,
		.device = 0xfffe,
		.class_code = 0x120100,
		.bar_size[0] = BAR0_SIZE,
		.bar_size[2] = STRIDE_MIN,
		.n_vectors = sdxi_n_vectors(s),
		.msix_bar = 0,
		.msix_table = MSIX_TABLE,
		.msix_pba = MSIX_PBA,
	};
	while (ret->bar_size[2] < (s->n_contexts + 1) * stride(m))
		ret->bar_size[2] *= 2;
	model_absurd(m, "bar", &ret->bar_size[0]);
	model_absurd(m, "doorbells", &ret->bar_size[2]);
	*ret_n_units = s->n_engines + 2;
}

void sdxi_forget(struct sdxi *s)
{
	memset((char *)s + offsetof(struct sdxi, gsv), 0, sizeof(*s) - offsetof(struct sdxi, gsv));
	s->ctl0 = (uint64_t)SDXI_GROUP_ID << 32;
}

static void sdxi_reset(struct model *m)
{
	sdxi_forget(model_state(m));
}

/* Active, with a context that has work as soon as the device may do DMA, and errors logged. */
static void sdxi_stale(struct model *m)
{
	struct sdxi *s = model_state(m);
	struct sdxi_cxt *c = &s->cxt[1];

	s->gsv = SDXI_ACTIVE;
	s->ctl0 |= SDXI_GSR_ACTIVE | SDXI_CTL0_ERR_INTR;
	s->ctl2 = sdxi_cap1(m) & 0xfffffffffffff00f;
	s->cxt_l2 = 0x7eadbeef000;
	s->err_ctl = 1;
	s->err_cfg = 0x7eadbe00000 | 1 << 1 | 1;
	s->err_sts = SDXI_ERR_STS_STS | SDXI_ERR_STS_OVF;
	s->err_wrt = 70;
	s->err_rd = 30;
	*c = (struct sdxi_cxt) {
		.run = SDXI_RUNNING,
		.l1_at = 0x7eadbee0020,
		.l1 = { .ctl = 0x7eadbee1000 | 1, .akeys = 0x7eadbee2000 },
		.ctl = { .ring = 0x7eadbed0000 | 1, .entries = SDXI_RING_MIN,
			 .sts = 0x7eadbee1040, .write_index = 0x7eadbee1080 },
		.sts = { .state = SDXI_CXT_RUN, .read_index = 5 },
		.next = 5, .limit = 9, .bell = 9,
	};
	s->cxt[0] = *c;
	s->cxt[0].l1_at = 0x7eadbee0000;
	s->cxt[0].limit = 5;
}

static bool sdxi_ready(struct model *m, unsigned int unit)
{
	const struct sdxi *s = model_state(m);

	if (unit < s->n_engines)
		return sdxi_engine_ready(m, unit);
	return unit == s->n_engines ? sdxi_admin_ready(m) : sdxi_function_ready(m);
}

static void sdxi_work(struct model *m, unsigned int unit)
{
	const struct sdxi *s = model_state(m);

	if (unit < s->n_engines)
		sdxi_engine_work(m, unit);
	else if (unit == s->n_engines)
		sdxi_admin_work(m);
	else
		sdxi_function_end(m);
	model_kick(m);
}

static const char *const sdxi_absurd[] = {
	"akeys", "bar", "cap0", "cap1", "contexts", "doorbells", "errlog", "groups", "ring",
	"stride", "transfer", "version", NULL
};

const struct model_ops model_sdxi_ops = {
	.name = "sdxi",
	.state_size = sizeof(struct sdxi),
	.absurd = sdxi_absurd,
	.option = sdxi_option,
	.pci = sdxi_pci,
	.reset = sdxi_reset,
	.stale = sdxi_stale,
	.read = sdxi_read,
	.write = sdxi_write,
	.unmapped = sdxi_unmapped,
	.ready = sdxi_ready,
	.work = sdxi_work,
};
