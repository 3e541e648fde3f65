/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDXI: contexts. Their structures in memory (chapter 3) are read and checked when a context
 * starts, and cached until it has come to rest; its ring is followed from Read_Index to the
 * doorbell.
 */
#include "sdxi_model.h"

#include <string.h>

#include "macros.h"

#define PER_L1 128	/* entries of a level 1 table */

/* --- structures in memory --------------------------------------------------------------------- */

#define sdxi_bad(m, rule, n, err, step_, sub_)                                                 \
	({                                                                                     \
		if (sdxi_told(m, sub_))                                                        \
			sdxi_broken(m, rule, "context %u, step %d.%d", n, step_, sub_);        \
		*(err) = (struct sdxi_error) { .step = step_, .sub = sub_ };                   \
		false;                                                                         \
	})

static bool get(struct model *m, uint64_t at, void *to, size_t len)
{
	return model_dma_read(m, at, to, len) == MODEL_DONE;
}

/* Whether the first and the last of @n things of @size bytes can be read. */
static bool reachable(struct model *m, uint64_t at, uint64_t n, size_t size)
{
	uint8_t byte;

	return get(m, at, &byte, 1) && get(m, at + n * size - 1, &byte, 1);
}

static bool load_l1(struct model *m, unsigned int n, struct sdxi_cxt *c, struct sdxi_error *err)
{
	const struct sdxi *s = model_state(m);
	uint64_t l2;

	if (!get(m, sdxi_l2_base(s) + n / PER_L1 * sizeof(l2), &l2, sizeof(l2)))
		return sdxi_bad(m, L2, n, err, SDXI_E_CXT_L2, SDXI_E_ATF);
	if (!(l2 & 1) || l2 & 0xffe)
		return sdxi_bad(m, L2, n, err, SDXI_E_CXT_L2, SDXI_E_DVF);
	c->l1_at = (l2 & ~UINT64_C(0xfff)) + n % PER_L1 * sizeof(c->l1);
	if (!get(m, c->l1_at, &c->l1, sizeof(c->l1)))
		return sdxi_bad(m, L1, n, err, SDXI_E_CXT_L1, SDXI_E_ATF);
	if (!(c->l1.ctl & 1) || c->l1.ctl & 0x38 || c->l1.akeys & 0xff0 || c->l1.misc >> 24 ||
	    c->l1.zero)
		return sdxi_bad(m, L1, n, err, SDXI_E_CXT_L1, SDXI_E_DVF);
	if (c->l1.ctl & 4 || c->l1.misc & 0xfffff)
		return sdxi_bad(m, PASID, n, err, SDXI_E_CXT_L1, SDXI_E_DVF);
	if ((c->l1.akeys & 0xf) > (s->ctl2 >> 12 & 0xf) || !c->l1.groups ||
	    c->l1.groups & ~(s->ctl2 >> 32))
		return sdxi_bad(m, L1_LIMITS, n, err, SDXI_E_CXT_L1, SDXI_E_DVF);
	if (!reachable(m, sdxi_akey_base(c), sdxi_n_akeys(c), sizeof(struct sdxi_akey)))
		return sdxi_bad(m, AKEY_TABLE, n, err, SDXI_E_CXT_L1, SDXI_E_DAF);
	return true;
}

static bool load_ctl(struct model *m, unsigned int n, struct sdxi_cxt *c, struct sdxi_error *err)
{
	uint64_t most = (uint64_t)SDXI_RING_MIN << (sdxi_cap0(m) >> 24 & 0x1f);
	const uint64_t *zeros = c->ctl.zeros;

	if (!get(m, c->l1.ctl & ~UINT64_C(0x3f), &c->ctl, sizeof(c->ctl)))
		return sdxi_bad(m, CXT_CTL, n, err, SDXI_E_CXT_CTL, SDXI_E_ATF);
	if (!(c->ctl.ring & 1) || c->ctl.ring & 2 || c->ctl.zero || c->ctl.sts & 0xf ||
	    c->ctl.write_index & 7 || zeros[0] | zeros[1] | zeros[2] | zeros[3])
		return sdxi_bad(m, CXT_CTL, n, err, SDXI_E_CXT_CTL, SDXI_E_DVF);
	if (c->ctl.entries < SDXI_RING_MIN || c->ctl.entries > most)
		return sdxi_bad(m, RING_SIZE, n, err, SDXI_E_CXT_CTL, SDXI_E_DVF);
	if (!reachable(m, sdxi_ring_base(c), c->ctl.entries, sizeof(union sdxi_desc)))
		return sdxi_bad(m, RING, n, err, SDXI_E_CXT_CTL, SDXI_E_DAF);
	return true;
}

static bool load_sts(struct model *m, unsigned int n, struct sdxi_cxt *c, uint8_t state,
		     struct sdxi_error *err)
{
	static const uint8_t zero[6];

	if (!get(m, c->ctl.sts, &c->sts, sizeof(c->sts)))
		return sdxi_bad(m, CXT_STS, n, err, SDXI_E_CXT_STS, SDXI_E_ATF);
	if (c->sts.state >> 4 || c->sts.misc || memcmp(c->sts.zero, zero, sizeof(zero)))
		return sdxi_bad(m, CXT_STS, n, err, SDXI_E_CXT_STS, SDXI_E_DVF);
	if (c->sts.state == state)
		return true;
	if (state == SDXI_CXT_RUN)
		return sdxi_bad(m, ADMIN_RUN, n, err, SDXI_E_CXT_STS, SDXI_E_DVF);
	return sdxi_bad(m, START, n, err, SDXI_E_CXT_STS, SDXI_E_DVF);
}

/* Where software is; it must be between Read_Index and a ring further. */
static bool load_index(struct model *m, unsigned int n, const struct sdxi_cxt *c, uint64_t *ret,
		       struct sdxi_error *err)
{
	if (!get(m, c->ctl.write_index, ret, sizeof(*ret)))
		return sdxi_bad(m, WRITE_INDEX, n, err, SDXI_E_WRT_IDX, SDXI_E_ATF);
	if (*ret < c->sts.read_index)
		return sdxi_bad(m, INDICES, n, err, SDXI_E_WRT_IDX, SDXI_E_DVF);
	if (*ret - c->sts.read_index > c->ctl.entries)
		return sdxi_bad(m, OVERRUN, n, err, SDXI_E_WRT_IDX, SDXI_E_DVF);
	return true;
}

/* --- status ----------------------------------------------------------------------------------- */

static uint64_t first_active(const struct sdxi *s, unsigned int n)
{
	uint64_t first = s->cxt[n].next;

	for (unsigned int i = 0; i <= s->n_engines; i++) {
		if (s->item[i].active && s->item[i].cxt == n)
			first = MIN(first, s->item[i].index);
	}
	return s->held.active && s->held.cxt == n ? MIN(first, s->held.index) : first;
}

static void put_sts(struct model *m, unsigned int n, uint8_t state)
{
	struct sdxi *s = model_state(m);
	struct sdxi_cxt *c = &s->cxt[n];
	struct sdxi_sts now, new = c->sts;

	new.state = state;
	new.read_index = s->early_read ? c->next : first_active(s, n);
	if (s->gsv == SDXI_ERROR || !memcmp(&new, &c->sts, sizeof(new)))
		return;
	if (c->run == SDXI_RUNNING && get(m, c->ctl.sts, &now, sizeof(now)) &&
	    memcmp(&now, &c->sts, sizeof(now)))
		sdxi_broken(m, STS_CHANGED, "context %u: state %u, Read_Index %lu", n, now.state,
			    (unsigned long)now.read_index);
	c->sts = new;
	if (model_dma_write(m, c->ctl.sts, &new, sizeof(new)) == MODEL_DONE || !model_bus_master(m))
		return;
	if (!c->failed) {
		const struct sdxi_error error = { .step = SDXI_E_CXT_STS, .sub = SDXI_E_ATF };

		c->failed = true;
		sdxi_broken(m, CXT_STS, "context %u: %#lx is not mapped", n,
			    (unsigned long)c->ctl.sts);
		sdxi_fail_cxt(m, n, &error, SDXI_RE_CXT, 0);
	}
}

/* Nothing of it goes on any more. */
static void settle(struct model *m, unsigned int n)
{
	struct sdxi *s = model_state(m);
	struct sdxi_cxt *c = &s->cxt[n];

	if (c->run != SDXI_STOPPING || c->n_out > 0)
		return;
	c->run = SDXI_AT_REST;
	put_sts(m, n, c->last_state);
	model_kick(m);
}

/* --- start and stop --------------------------------------------------------------------------- */

bool sdxi_start_cxt(struct model *m, unsigned int n, uint8_t state, struct sdxi_error *ret)
{
	struct sdxi *s = model_state(m);
	struct sdxi_cxt new = { .run = SDXI_RUNNING };
	uint64_t index;

	if (!load_l1(m, n, &new, ret) || !load_ctl(m, n, &new, ret) ||
	    !load_sts(m, n, &new, state, ret) || !load_index(m, n, &new, &index, ret))
		return false;
	new.next = new.limit = new.bell = new.sts.read_index;
	s->cxt[n] = new;
	put_sts(m, n, SDXI_CXT_RUN);
	return true;
}

/* What of it is at work is given up: a unit that is, when it notices. */
static void give_up_all(struct model *m, unsigned int n)
{
	struct sdxi *s = model_state(m);

	if (s->held.active && s->held.cxt == n)
		sdxi_unfetch(m, &s->held);
	if (n == 0 && s->waiting) {
		s->waiting = false;
		sdxi_unfetch(m, &s->item[s->n_engines]);
	}
	for (unsigned int i = 0; i <= s->n_engines; i++) {
		if (s->item[i].active && s->item[i].cxt == n)
			model_stop(m, i);
	}
}

static void come_to_rest(struct model *m, unsigned int n, uint8_t stopping, uint8_t last, bool hard)
{
	struct sdxi *s = model_state(m);
	struct sdxi_cxt *c = &s->cxt[n];

	if (c->run == SDXI_AT_REST)
		return;
	if (c->run == SDXI_RUNNING || last == SDXI_CXT_ERR_FN)
		c->last_state = last;
	c->limit = c->next;
	if (c->run == SDXI_RUNNING) {
		c->run = SDXI_STOPPING;
		put_sts(m, n, stopping);
	}
	if (hard)
		give_up_all(m, n);
	settle(m, n);
}

void sdxi_stop_cxt(struct model *m, unsigned int n, bool by_function, bool hard)
{
	come_to_rest(m, n, by_function ? SDXI_CXT_STOPG_FN : SDXI_CXT_STOPG_SW,
		     by_function ? SDXI_CXT_STOP_FN : SDXI_CXT_STOP_SW, hard);
}

void sdxi_fail_cxt(struct model *m, unsigned int n, const struct sdxi_error *error,
		   enum sdxi_reaction reaction, uint64_t index)
{
	struct sdxi *s = model_state(m);

	sdxi_log(m, error, reaction, (int)n, index);
	if (reaction == SDXI_RE_FN) {
		sdxi_fail_function(m);
	} else if (reaction == SDXI_RE_CXT) {
		s->cxt[n].failed = true;
		come_to_rest(m, n, SDXI_CXT_STOPG_FN, SDXI_CXT_ERR_FN, false);
	}
}

void sdxi_update_cxt(struct model *m, unsigned int n)
{
	struct sdxi *s = model_state(m);
	struct sdxi_cxt *c = &s->cxt[n], new = *c;
	struct sdxi_error error;

	if (c->run != SDXI_RUNNING)
		return;
	if (load_l1(m, n, &new, &error) && load_ctl(m, n, &new, &error)) {
		new.told = false;
		*c = new;
	} else {
		sdxi_fail_cxt(m, n, &error, SDXI_RE_CXT, 0);
	}
}

/* --- the ring --------------------------------------------------------------------------------- */

/* Software starts a context by its state and a doorbell: "Jump Start 1". (4.3.4) */
static bool jump_start(struct model *m, unsigned int n)
{
	const struct sdxi *s = model_state(m);
	uint64_t l2, l1, sts_at;
	struct sdxi_error error;
	struct sdxi_sts sts;

	if (!get(m, sdxi_l2_base(s) + n / PER_L1 * 8, &l2, 8) || !(l2 & 1) ||
	    !get(m, (l2 & ~UINT64_C(0xfff)) + n % PER_L1 * sizeof(struct sdxi_l1), &l1, 8) ||
	    !(l1 & 1) ||
	    !get(m, (l1 & ~UINT64_C(0x3f)) + offsetof(struct sdxi_ctl, sts), &sts_at, 8) ||
	    !get(m, sts_at & ~UINT64_C(0xf), &sts, sizeof(sts)) || sts.state != SDXI_CXT_RUN)
		return false;
	if (!sdxi_start_cxt(m, n, SDXI_CXT_RUN, &error))
		sdxi_log(m, &error, SDXI_RE_CXT, (int)n, 0);
	return true;
}

static void ring(struct model *m, unsigned int n, uint64_t value)
{
	const struct sdxi *s = model_state(m);
	struct sdxi_cxt *c = &((struct sdxi *)model_state(m))->cxt[n];
	struct sdxi_error error;
	uint64_t index;

	if (!load_index(m, n, c, &index, &error)) {
		sdxi_fail_cxt(m, n, &error, SDXI_RE_CXT, 0);
		return;
	}
	if (value > index)
		sdxi_broken(m, DOORBELL_AHEAD, "context %u: %lu, Write_Index is %lu", n,
			    (unsigned long)value, (unsigned long)index);
	/* They may come out of order. (P) */
	c->bell = MAX(c->bell, MIN(value, index));
	c->limit = s->eager ? index : c->bell;
	model_kick(m);
}

void sdxi_doorbell(struct model *m, unsigned int n, uint64_t value)
{
	struct sdxi *s = model_state(m);
	struct sdxi_cxt *c = &s->cxt[n];

	if (s->gsv != SDXI_ACTIVE) {
		if (s->gsv != SDXI_ERROR)
			sdxi_broken(m, DOORBELL_FN, "context %u in state %d", n, s->gsv);
		return;
	}
	if (c->run == SDXI_AT_REST)
		jump_start(m, n);
	if (c->run == SDXI_RUNNING)
		ring(m, n, value);
	else if (!c->failed)
		sdxi_broken(m, DOORBELL_CXT, "context %u", n);
}

static uint64_t slot(const struct sdxi_cxt *c)
{
	return sdxi_ring_base(c) + c->next % c->ctl.entries * sizeof(union sdxi_desc);
}

bool sdxi_may_fetch(struct model *m, unsigned int n)
{
	const struct sdxi *s = model_state(m);
	const struct sdxi_cxt *c = &s->cxt[n];
	uint32_t opcode;

	if (s->gsv != SDXI_ACTIVE || c->run != SDXI_RUNNING || c->next >= c->limit ||
	    !model_bus_master(m))
		return false;
	/* What cannot be fetched is found out by trying. */
	if (c->n_out == 0 || !get(m, slot(c), &opcode, sizeof(opcode)) || !(opcode & SDXI_DSC_VL))
		return true;
	return !(opcode & (SDXI_DSC_FE | SDXI_DSC_SE));
}

/* What is cached is what is in memory, or software has not told us. */
static void check_cached(struct model *m, unsigned int n)
{
	struct sdxi_cxt *c = &((struct sdxi *)model_state(m))->cxt[n];
	struct sdxi_l1 l1;
	struct sdxi_ctl ctl;

	if (c->told || !get(m, c->l1_at, &l1, sizeof(l1)) ||
	    !get(m, c->l1.ctl & ~UINT64_C(0x3f), &ctl, sizeof(ctl)))
		return;
	if (!memcmp(&l1, &c->l1, sizeof(l1)) && !memcmp(&ctl, &c->ctl, sizeof(ctl)))
		return;
	sdxi_broken(m, CHANGED, "context %u", n);
	c->told = true;
}

/* It is not valid: nothing after it is looked at before the next doorbell. */
static void no_descriptor(struct model *m, unsigned int n)
{
	struct sdxi_cxt *c = &((struct sdxi *)model_state(m))->cxt[n];

	if (c->next < c->bell)
		sdxi_broken(m, DOORBELL_VL, "context %u, descriptor %lu", n,
			    (unsigned long)c->next);
	c->limit = c->bell = c->next;
}

bool sdxi_fetch(struct model *m, unsigned int n, struct sdxi_item *ret)
{
	struct sdxi *s = model_state(m);
	struct sdxi_cxt *c = &s->cxt[n];
	uint64_t at = slot(c), index;
	uint32_t opcode;

	check_cached(m, n);
	*ret = (struct sdxi_item) {
		.cxt = n, .index = c->next, .reaction = s->lives ? SDXI_RE_INFORM : SDXI_RE_CXT,
	};
	if (!get(m, at, &ret->d, sizeof(ret->d))) {
		sdxi_bad(m, RING, n, &ret->error, SDXI_E_DSC_GEN, SDXI_E_ATF);
		sdxi_fail_cxt(m, n, &ret->error, SDXI_RE_CXT, c->next);
		return false;
	}
	if (!(ret->d.opcode & SDXI_DSC_VL)) {
		no_descriptor(m, n);
		return false;
	}
	opcode = ret->d.opcode & ~(uint32_t)SDXI_DSC_VL;
	/* In (E) Write_Index goes ahead of descriptors, so a slot must come back without it. */
	if (!s->keeps_vl)
		model_dma_write(m, at, &opcode, sizeof(opcode));
	ret->active = true;
	c->next++;
	c->n_out++;
	if (s->early_read)
		put_sts(m, n, SDXI_CXT_RUN);
	if (s->eager && get(m, c->ctl.write_index, &index, sizeof(index)))
		c->limit = MAX(c->limit, index);
	return true;
}

void sdxi_release(struct model *m, unsigned int n)
{
	struct sdxi_cxt *c = &((struct sdxi *)model_state(m))->cxt[n];

	c->n_out--;
	if (c->run != SDXI_AT_REST)
		put_sts(m, n, c->sts.state);
	settle(m, n);
}

void sdxi_unfetch(struct model *m, struct sdxi_item *it)
{
	struct sdxi_cxt *c = &((struct sdxi *)model_state(m))->cxt[it->cxt];

	it->active = false;
	c->next = MIN(c->next, it->index);
	c->limit = MIN(c->limit, c->next);
	c->n_out--;
	settle(m, it->cxt);
}
