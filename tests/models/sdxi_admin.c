/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDXI: context 0, whose descriptors start, stop and synchronize with the others. (3.5)
 */
#include "sdxi_model.h"

#include "macros.h"

/* --- rules ------------------------------------------------------------------------------------ */

/* The number of virtual functions is 0, and context 0 is not started or stopped by itself. (P) */
static bool check_range(struct model *m, struct sdxi_item *it, unsigned int lowest)
{
	const struct sdxi *s = model_state(m);

	if (it->d.admin.vflags & SDXI_V_VF || it->d.admin.vf)
		return sdxi_wrong(m, it, VF, SDXI_E_DSC_GEN, SDXI_E_DVF);
	if (it->d.admin.first > it->d.admin.last || it->d.admin.first < lowest ||
	    it->d.admin.last > (s->ctl2 >> 16 & 0xffff) || it->d.admin.last > s->n_contexts)
		return sdxi_wrong(m, it, RANGE, SDXI_E_DSC_GEN, SDXI_E_DVF);
	return true;
}

/* Which of the fields may be other than 0. */
static bool check_fields(struct model *m, struct sdxi_item *it, uint8_t cflags, uint8_t vflags,
			 bool keys)
{
	uint64_t more = it->d.admin.zeros[0] | it->d.admin.zeros[1] | it->d.admin.zeros[2] |
			it->d.admin.zeros[3];

	if (!(it->d.admin.vflags & vflags & SDXI_V_HS) ||
	    (it->d.opcode & SDXI_OP_MASK) != SDXI_OP_CXT_START)
		more |= it->d.admin.doorbell;
	if (!keys)
		more |= it->d.admin.key_first | it->d.admin.key_last;
	if (it->d.admin.cflags & ~cflags || it->d.admin.vflags & ~(vflags | SDXI_V_VF) || more)
		return sdxi_wrong(m, it, DSC_BITS, SDXI_E_DSC_GEN, SDXI_E_DVF);
	return true;
}

static bool check_fence(struct model *m, struct sdxi_item *it)
{
	if (it->d.opcode & SDXI_DSC_FE && !(it->d.opcode & SDXI_DSC_SE))
		return true;
	return sdxi_wrong(m, it, FENCE, SDXI_E_DSC_GEN, SDXI_E_DVF);
}

/* --- what they do ----------------------------------------------------------------------------- */

/*
 * Each by itself: of one that cannot start it is logged what is wrong with it, and the descriptor
 * has an error, but context 0 goes on. (M)
 */
static void start(struct model *m, struct sdxi_item *it)
{
	struct sdxi *s = model_state(m);
	struct sdxi_error error;

	if (!check_fields(m, it, 0, SDXI_V_HS, false) || !check_fence(m, it) ||
	    !check_range(m, it, 1))
		return;
	for (unsigned int n = it->d.admin.first; n <= it->d.admin.last; n++) {
		if (s->cxt[n].run != SDXI_AT_REST) {
			sdxi_broken(m, START, "context %u runs", n);
			error = (struct sdxi_error) { SDXI_E_CXT_STS, SDXI_E_DVF, 0 };
		} else if (sdxi_start_cxt(m, n, SDXI_CXT_STOP_SW, &error)) {
			if (it->d.admin.vflags & SDXI_V_HS)
				sdxi_doorbell(m, n, it->d.admin.doorbell);
			continue;
		}
		sdxi_log(m, &error, SDXI_RE_CXT, (int)n, 0);
		it->error = error;
		it->reaction = SDXI_RE_LOGGED;
	}
}

/* It only begins here: DSC_SYNC tells of the end. */
static void stop(struct model *m, struct sdxi_item *it)
{
	if (!check_fields(m, it, 0, SDXI_V_HS, false) || !check_fence(m, it) ||
	    !check_range(m, it, 1))
		return;
	for (unsigned int n = it->d.admin.first; n <= it->d.admin.last; n++)
		sdxi_stop_cxt(m, n, false, it->d.admin.vflags & SDXI_V_HS);
}

static void update(struct model *m, struct sdxi_item *it)
{
	uint32_t op = it->d.opcode & SDXI_OP_MASK;

	/* Which structures of a context: 3 bits, of which no source says more for 1.0. */
	if (!check_fields(m, it, op == SDXI_OP_CXT_UPD ? 7 : 0, 0, op == SDXI_OP_AKEY_UPD) ||
	    !check_range(m, it, 0))
		return;
	if (op != SDXI_OP_CXT_UPD)
		return;
	for (unsigned int n = it->d.admin.first; n <= it->d.admin.last; n++)
		sdxi_update_cxt(m, n);
}

/* What it waits for: contexts that are stopping are at rest. Nothing else takes time here. */
static bool synchronized(const struct sdxi *s, const struct sdxi_item *it)
{
	for (unsigned int n = it->d.admin.first; n <= it->d.admin.last; n++) {
		if (s->cxt[n].run == SDXI_STOPPING && n > 0)
			return false;
	}
	return true;
}

static void synchronize(struct model *m, struct sdxi_item *it)
{
	struct sdxi *s = model_state(m);
	unsigned int filter = it->d.admin.cflags & 7;

	if (!check_fields(m, it, 7, 0, filter == SDXI_FLT_AKEY || filter == SDXI_FLT_RKEY) ||
	    !check_range(m, it, 0))
		return;
	if (filter >= SDXI_N_FLT)
		sdxi_wrong(m, it, SYNC, SDXI_E_DSC_GEN, SDXI_E_DVF);
	else
		s->waiting = !synchronized(s, it);
}

static void execute(struct model *m, struct sdxi_item *it)
{
	if (!sdxi_check_generic(m, it))
		return;
	if (it->order.fail) {
		sdxi_order_error(it);
		return;
	}
	switch (it->d.opcode & SDXI_OP_MASK) {
	case SDXI_OP_FN_UPD:
	case SDXI_OP_CXT_UPD:
	case SDXI_OP_AKEY_UPD:
		update(m, it);
		break;
	case SDXI_OP_CXT_START:
		start(m, it);
		break;
	case SDXI_OP_CXT_STOP:
		stop(m, it);
		break;
	case SDXI_OP_SYNC:
		synchronize(m, it);
		break;
	case SDXI_OP_NOP:
	case SDXI_OP_COPY:
	case SDXI_OP_INTR:
		sdxi_wrong(m, it, OPERATION_CXT, SDXI_E_DSC_GEN, SDXI_E_DVF);
		break;
	default:
		sdxi_wrong(m, it, OPERATION, SDXI_E_DSC_GEN, SDXI_E_DVF);
	}
}

/* --- the unit --------------------------------------------------------------------------------- */

bool sdxi_admin_ready(struct model *m)
{
	const struct sdxi *s = model_state(m);

	return s->waiting ? synchronized(s, &s->item[s->n_engines]) : sdxi_may_fetch(m, 0);
}

void sdxi_admin_work(struct model *m)
{
	struct sdxi *s = model_state(m);
	struct sdxi_item *it = &s->item[s->n_engines];

	if (s->waiting) {
		s->waiting = false;
		sdxi_finish(m, it);
		return;
	}
	if (!sdxi_fetch(m, 0, it))
		return;
	if (s->all_faults && model_begin(m, s->n_engines, &it->order) == MODEL_STOPPED) {
		sdxi_unfetch(m, it);
		return;
	}
	execute(m, it);
	if (!s->waiting)
		sdxi_finish(m, it);
}
