/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDXI: engines, which take descriptors from the rings of all contexts but 0 in turn, and complete
 * them in the order in which they are done with them.
 */
#include "sdxi_model.h"

#include "macros.h"

#define SENSELESS 0x6e00	/* flags of a completion that have no meaning (M) */

/* --- which descriptor ------------------------------------------------------------------------- */

/* The next context that has one, in turn; 0: none. */
static unsigned int next_cxt(struct model *m)
{
	const struct sdxi *s = model_state(m);

	for (unsigned int i = 1; i <= s->n_contexts; i++) {
		unsigned int n = 1 + (s->last_cxt + i - 1) % s->n_contexts;

		if (sdxi_may_fetch(m, n))
			return n;
	}
	return 0;
}

static bool anybody_executes(const struct sdxi *s)
{
	for (unsigned int i = 0; i < s->n_engines; i++) {
		if (s->item[i].active)
			return true;
	}
	return false;
}

/* What is held back for being late is completed at the latest when nothing else is to be done. */
bool sdxi_engine_ready(struct model *m, unsigned int engine)
{
	const struct sdxi *s = model_state(m);

	if (s->item[engine].active)
		return false;
	return next_cxt(m) || (engine == 0 && s->held.active && !anybody_executes(s));
}

/* --- rules ------------------------------------------------------------------------------------ */

static bool check_csb(struct model *m, struct sdxi_item *it)
{
	struct sdxi_cst cst;
	uint32_t zeros = 0;

	if (it->d.csb & 0x1e || (it->d.csb & SDXI_DSC_NP && it->d.csb != SDXI_DSC_NP))
		return sdxi_wrong(m, it, CSB, SDXI_E_DSC_CSB, SDXI_E_DVF);
	if (it->d.csb & SDXI_DSC_NP)
		return true;
	if (model_dma_read(m, it->d.csb, &cst, sizeof(cst)) != MODEL_DONE)
		return sdxi_wrong(m, it, CST_MAPPED, SDXI_E_DSC_CSB, SDXI_E_ATF);
	for (size_t i = 0; i < ARRAY_SIZE(cst.zeros); i++)
		zeros |= cst.zeros[i];
	/* Several may share one, of which one has failed: the error bit may be there. */
	if (cst.flags & ~SDXI_CST_ER || zeros)
		return sdxi_wrong(m, it, CST_BITS, SDXI_E_DSC_CSB, SDXI_E_DVF);
	if (cst.signal == 0)
		return sdxi_wrong(m, it, CST_SIGNAL, SDXI_E_DSC_CSB, SDXI_E_DVF);
	return true;
}

bool sdxi_check_generic(struct model *m, struct sdxi_item *it)
{
	uint32_t known = SDXI_DSC_VL | SDXI_DSC_SE | SDXI_DSC_FE | SDXI_OP_MASK;

	if (it->d.opcode & ~known)
		return sdxi_wrong(m, it, DSC_BITS, SDXI_E_DSC_GEN, SDXI_E_DVF);
	return check_csb(m, it);
}

static const struct sdxi_cxt *cxt_of(struct model *m, const struct sdxi_item *it)
{
	return &((struct sdxi *)model_state(m))->cxt[it->cxt];
}

/* Changes of an AKey are seen at once here; that DSC_AKEY_UPD is missing is not noticed. */
static bool get_akey(struct model *m, struct sdxi_item *it, unsigned int n, struct sdxi_akey *ret)
{
	const struct sdxi_cxt *c = cxt_of(m, it);

	if (n >= sdxi_n_akeys(c))
		return sdxi_wrong(m, it, AKEY_INDEX, SDXI_E_DSC_AKEY, SDXI_E_DVF);
	if (model_dma_read(m, sdxi_akey_base(c) + n * sizeof(*ret), ret, sizeof(*ret)))
		return sdxi_wrong(m, it, AKEY_TABLE, SDXI_E_DSC_AKEY, SDXI_E_ATF);
	if (!(ret->intr & 1))
		return sdxi_wrong(m, it, AKEY_VL, SDXI_E_DSC_AKEY, SDXI_E_DVF);
	if (ret->intr & 4 || ret->pasid)
		return sdxi_wrong(m, it, PASID, SDXI_E_DSC_AKEY, SDXI_E_DVF);
	if (ret->intr & 0x8008 || ret->sfunc || ret->stag || ret->zero || ret->rkey || ret->zero2)
		return sdxi_wrong(m, it, AKEY_BITS, SDXI_E_DSC_AKEY, SDXI_E_DVF);
	return true;
}

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a <= b + (b_len - 1) && b <= a + (a_len - 1);
}

static bool check_copy(struct model *m, struct sdxi_item *it)
{
	const struct sdxi *s = model_state(m);
	const struct sdxi_cxt *c = cxt_of(m, it);
	const uint64_t *at = it->d.copy.addr;
	uint64_t len = (uint64_t)it->d.copy.size + 1, cst = sizeof(struct sdxi_cst);
	struct sdxi_akey akey;

	/* What attributes other than 0 mean could not be found out. */
	if (it->d.copy.attr || it->d.copy.zeros[0] | it->d.copy.zeros[1] | it->d.copy.zeros[2])
		return sdxi_wrong(m, it, DSC_BITS, SDXI_E_DSC_GEN, SDXI_E_DVF);
	if (len > UINT64_C(1) << (21 + MIN(c->l1.misc >> 20 & 0xf, s->ctl2 & 0xf)))
		return sdxi_wrong(m, it, COPY_SIZE, SDXI_E_DSC_GEN, SDXI_E_DVF);
	if (overlap(at[0], len, at[1], len) ||
	    (!(it->d.csb & SDXI_DSC_NP) &&
	     (overlap(at[0], len, it->d.csb, cst) || overlap(at[1], len, it->d.csb, cst))))
		return sdxi_wrong(m, it, OVERLAP, SDXI_E_DSC_GEN, SDXI_E_DVF);
	return get_akey(m, it, it->d.copy.akey[0], &akey) &&
	       get_akey(m, it, it->d.copy.akey[1], &akey);
}

static bool is_zero(const uint32_t *words, size_t n)
{
	while (n > 0) {
		if (words[--n])
			return false;
	}
	return true;
}

/* --- what they do ----------------------------------------------------------------------------- */

static bool interrupt(struct model *m, struct sdxi_item *it)
{
	const struct sdxi *s = model_state(m);
	struct sdxi_akey akey;

	if (it->d.body[0] | it->d.body[1] | it->d.intr.zero2 || !is_zero(it->d.body + 3, 10))
		return sdxi_wrong(m, it, DSC_BITS, SDXI_E_DSC_GEN, SDXI_E_DVF);
	if (!get_akey(m, it, it->d.intr.akey, &akey))
		return false;
	if (!(akey.intr & 2))
		return sdxi_wrong(m, it, AKEY_IV, SDXI_E_DSC_AKEY, SDXI_E_DVF);
	if ((akey.intr >> 4 & 0x7ff) >= sdxi_n_vectors(s))
		return sdxi_wrong(m, it, VECTOR, SDXI_E_DSC_AKEY, SDXI_E_DVF);
	model_interrupt(m, akey.intr >> 4 & 0x7ff);
	return true;
}

/* Return: whether it was given up. */
static bool copy(struct model *m, unsigned int engine, struct sdxi_item *it)
{
	const uint64_t *at = it->d.copy.addr;

	if (!check_copy(m, it))
		return false;
	switch (model_copy(m, engine, at[0], at[1], (uint64_t)it->d.copy.size + 1, NULL)) {
	case MODEL_DONE:
		break;
	case MODEL_READ_FAULT:
		it->error = (struct sdxi_error) { SDXI_E_DSC_BUF, SDXI_E_ATF, 1 };
		break;
	case MODEL_WRITE_FAULT:
		it->error = (struct sdxi_error) { SDXI_E_DSC_BUF, SDXI_E_ATF, 2 };
		break;
	case MODEL_STOPPED:
		return true;
	}
	return false;
}

/*
 * A code says which step it is at (0: a data buffer); one from 0x100 on also how the function
 * reacts: 0x100 to go on, 0x200 to stop the context, 0x300 to stop itself.
 */
void sdxi_order_error(struct sdxi_item *it)
{
	uint32_t code = it->order.code;

	it->error = (struct sdxi_error) { SDXI_E_DSC_BUF, SDXI_E_DAF, 1 };
	if (code & 0x3f)
		it->error = (struct sdxi_error) { code & 0x3f, SDXI_E_OTHER, 0 };
	if (code >> 8)
		it->reaction = MIN((code >> 8) - 1, (uint32_t)SDXI_RE_FN);
}

/* Return: whether it was given up. */
static bool execute(struct model *m, unsigned int engine, struct sdxi_item *it)
{
	if (!sdxi_check_generic(m, it))
		return false;
	if (it->order.fail) {
		sdxi_order_error(it);
		return false;
	}
	switch (it->d.opcode & SDXI_OP_MASK) {
	case SDXI_OP_NOP:
		if (!is_zero(it->d.body, ARRAY_SIZE(it->d.body)))
			sdxi_wrong(m, it, DSC_BITS, SDXI_E_DSC_GEN, SDXI_E_DVF);
		break;
	case SDXI_OP_COPY:
		return copy(m, engine, it);
	case SDXI_OP_INTR:
		interrupt(m, it);
		break;
	default:
		if ((it->d.opcode & 0x7ff0000) == SDXI_OP_TYPE_ADMIN)
			sdxi_wrong(m, it, OPERATION_CXT, SDXI_E_DSC_GEN, SDXI_E_DVF);
		else
			sdxi_wrong(m, it, OPERATION, SDXI_E_DSC_GEN, SDXI_E_DVF);
	}
	return false;
}

/* --- completion ------------------------------------------------------------------------------- */

/* Who sees the signal at 0 sees all that was done before, and the error. (5.6) */
static bool signal_cst(struct model *m, uint64_t at, uint32_t flags)
{
	struct {
		uint64_t signal;
		uint32_t flags, zero;
	} cst;

	if (model_dma_read(m, at, &cst, sizeof(cst)) != MODEL_DONE)
		return false;
	cst.signal--;
	cst.flags |= flags;
	return model_dma_write(m, at, &cst, sizeof(cst)) == MODEL_DONE;
}

static void complete(struct model *m, struct sdxi_item *it)
{
	struct sdxi *s = model_state(m);
	uint32_t flags = it->error.step ? SDXI_CST_ER : 0;
	uint64_t again_at = s->again_at;

	s->again_at = 0;
	if (again_at)
		signal_cst(m, again_at, 0);
	/* It would be written where it is wrong. */
	if (it->d.csb & (SDXI_DSC_NP | 0x1e) || it->order.lose)
		return;
	if (it->order.senseless)
		flags = SENSELESS;
	if (!signal_cst(m, it->d.csb, flags) && !it->error.step)
		sdxi_wrong(m, it, CST_MAPPED, SDXI_E_DSC_CSB, SDXI_E_ATF);
	if (it->order.never)
		signal_cst(m, it->d.csb + sizeof(struct sdxi_cst), 0);
	if (it->order.twice)
		s->again_at = it->d.csb;
}

void sdxi_finish(struct model *m, struct sdxi_item *it)
{
	complete(m, it);
	it->active = false;
	sdxi_release(m, it->cxt);
	if (it->error.step && it->reaction != SDXI_RE_LOGGED)
		sdxi_fail_cxt(m, it->cxt, &it->error, it->reaction, it->index);
}

/* What is late waits for the next one to be completed. */
static void finish_or_hold(struct model *m, struct sdxi_item *it)
{
	struct sdxi *s = model_state(m);
	bool others_held = s->held.active;

	if (it->order.late && !others_held) {
		s->held = *it;
		it->active = false;
		return;
	}
	sdxi_finish(m, it);
	if (others_held && s->held.active)
		sdxi_finish(m, &s->held);
}

/* A test orders faults of copies, whether or not there is an interrupt for each. */
static enum model_access begin(struct model *m, unsigned int engine, struct sdxi_item *it)
{
	const struct sdxi *s = model_state(m);

	if ((it->d.opcode & SDXI_OP_MASK) == SDXI_OP_INTR && !s->all_faults)
		return MODEL_DONE;
	return model_begin(m, engine, &it->order);
}

void sdxi_engine_work(struct model *m, unsigned int engine)
{
	struct sdxi *s = model_state(m);
	struct sdxi_item *it = &s->item[engine];
	unsigned int n = next_cxt(m);

	if (n == 0) {
		if (s->held.active)
			sdxi_finish(m, &s->held);
		return;
	}
	s->last_cxt = n;
	if (!sdxi_fetch(m, n, it))
		return;
	/* Another engine may have something to do, too. */
	model_kick(m);
	if (begin(m, engine, it) == MODEL_STOPPED || execute(m, engine, it))
		sdxi_unfetch(m, it);
	else
		finish_or_hold(m, it);
}
