/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDXI: the state of the function (4.1), and its error log (3.4). A transition begins when it is
 * asked for, and ends in a unit of its own when all has come to rest, so that software sees it.
 */
#include "sdxi_model.h"

#include <string.h>

#include "macros.h"

/* --- the error log ---------------------------------------------------------------------------- */

static void set_status(struct model *m, struct sdxi *s, uint64_t more)
{
	bool rises = !(s->err_sts & SDXI_ERR_STS_STS);

	s->err_sts |= SDXI_ERR_STS_STS | more;
	/* Always vector 0. (3.4) */
	if (rises && s->err_ctl & 1)
		model_interrupt(m, 0);
}

/* Without a log nothing is logged, nor told by MMIO_ERR_STS. (M) */
static void put_entry(struct model *m, struct sdxi *s, const struct sdxi_log_entry *e)
{
	uint64_t n = sdxi_log_size(s) / sizeof(*e);
	uint64_t at = (s->err_cfg & ~UINT64_C(0xfff)) + s->err_wrt % n * sizeof(*e);

	if (s->err_wrt - s->err_rd >= n) {
		set_status(m, s, SDXI_ERR_STS_OVF);
	} else if (model_dma_write(m, at, e, sizeof(*e)) != MODEL_DONE) {
		if (model_bus_master(m))
			sdxi_broken(m, LOG_MAPPED, "%#lx", (unsigned long)at);
		set_status(m, s, SDXI_ERR_STS_ERR);
	} else {
		s->err_wrt++;
		set_status(m, s, 0);
	}
}

void sdxi_log(struct model *m, const struct sdxi_error *error, enum sdxi_reaction reaction, int cxt,
	      uint64_t index)
{
	struct sdxi *s = model_state(m);
	bool has_index = cxt >= 0 && error->step >= SDXI_E_DSC_GEN;
	struct sdxi_log_entry e = {
		.head = 1 | (uint32_t)error->step << 8 | 0x7f7 << 16,
		.misc = (uint16_t)((cxt >= 0) | has_index << 1 | (error->buf > 0) << 2 |
				   (error->buf > 0 ? error->buf - 1 : 0) << 4 |
				   (unsigned int)error->sub << 8 | (unsigned int)reaction << 12),
		.cxt = cxt >= 0 ? (uint16_t)cxt : 0,
		.index = has_index ? index : 0,
	};

	if (s->err_cfg & 1)
		put_entry(m, s, &e);
}

static void write_cfg(struct model *m, struct sdxi *s, uint64_t value)
{
	uint64_t size = value >> 1 & 0x1f;

	if (s->err_cfg & 1 && value) {
		sdxi_broken(m, LOG_ENABLED, "MMIO_ERR_CFG %#lx", (unsigned long)value);
		return;
	}
	if (value & 1 && (size == 0 || size > (sdxi_cap1(m) >> 8 & 0xf))) {
		sdxi_broken(m, LOG_SIZE, "MMIO_ERR_CFG %#lx", (unsigned long)value);
		value = 0;
	}
	s->err_cfg = value;
}

static void write_index(struct model *m, struct sdxi *s, unsigned int offset, uint64_t value)
{
	if (offset == SDXI_ERR_WRT) {
		if (s->err_cfg & 1)
			sdxi_broken(m, LOG_ENABLED, "MMIO_ERR_WRT %#lx", (unsigned long)value);
		else
			s->err_wrt = value;
	} else if (s->err_cfg & 1 && (value < s->err_rd || value > s->err_wrt)) {
		sdxi_broken(m, LOG_INDEX, "%#lx, from %#lx to %#lx", (unsigned long)value,
			    (unsigned long)s->err_rd, (unsigned long)s->err_wrt);
	} else {
		s->err_rd = value;
	}
}

void sdxi_write_log(struct model *m, unsigned int offset, uint64_t value)
{
	struct sdxi *s = model_state(m);

	switch (offset) {
	case SDXI_ERR_CTL:
		s->err_ctl = value;
		break;
	case SDXI_ERR_STS:
		s->err_sts &= ~value;
		break;
	case SDXI_ERR_CFG:
		write_cfg(m, s, value);
		break;
	default:
		write_index(m, s, offset, value);
	}
}

/* --- transitions begin ------------------------------------------------------------------------ */

/* A soft stop waits for all writes; after a hard one what was on its way may arrive. (M) */
static void stop_contexts(struct model *m, struct sdxi *s, bool hard)
{
	for (unsigned int i = 0; hard && i <= s->n_engines; i++)
		model_stop(m, i);
	for (unsigned int i = 0; i <= s->n_contexts; i++)
		sdxi_stop_cxt(m, i, true, hard);
}

static bool goes_on(const struct sdxi *s)
{
	for (unsigned int i = 0; i <= s->n_engines; i++) {
		if (s->item[i].active)
			return true;
	}
	return s->held.active;
}

void sdxi_fail_function(struct model *m)
{
	struct sdxi *s = model_state(m);

	s->gsv = SDXI_ERROR;
	s->resetting = s->seen = false;
	stop_contexts(m, s, true);
	if (s->ctl0 & SDXI_CTL0_ERR_INTR)
		model_interrupt(m, 0);
}

static void begin_stop(struct model *m, struct sdxi *s, bool hard)
{
	s->gsv = hard ? SDXI_STOPG_HD : SDXI_STOPG_SF;
	stop_contexts(m, s, hard);
}

/* Whether that state goes on from there by that. (Figure 4-1, as far as it is known) */
static bool ask(struct model *m, struct sdxi *s, enum sdxi_gsr gsr)
{
	switch (s->gsv) {
	case SDXI_STOP:
		/* All others are ignored here. (R) */
		if (gsr == SDXI_GSR_ACTIVE)
			s->gsv = SDXI_INIT;
		return true;
	case SDXI_INIT:
	case SDXI_ACTIVE:
		if (gsr != SDXI_GSR_STOP_SF && gsr != SDXI_GSR_STOP_HD)
			return false;
		begin_stop(m, s, gsr == SDXI_GSR_STOP_HD);
		return true;
	case SDXI_STOPG_SF:
		if (gsr != SDXI_GSR_STOP_HD)
			return false;
		begin_stop(m, s, true);
		return true;
	case SDXI_ERROR:
		/* Who asks for something else may not know yet. */
		s->resetting |= gsr == SDXI_GSR_RESET;
		return true;
	default:
		return false;
	}
}

/* As long as fn_gsr stays what it was nothing is asked for. (M) */
void sdxi_write_ctl0(struct model *m, uint64_t value)
{
	struct sdxi *s = model_state(m);
	uint64_t change = value ^ s->ctl0;

	if (change >> 32) {
		sdxi_broken(m, GROUP_ID, "%#lx", (unsigned long)(value >> 32));
		value ^= change >> 32 << 32;
	}
	if (value & (SDXI_CTL0_PASID_VL | 0xfffff00)) {
		sdxi_broken(m, PASID, "MMIO_CTL0 %#lx", (unsigned long)value);
		value &= ~(uint64_t)(SDXI_CTL0_PASID_VL | 0xfffff00);
	}
	if (change & SDXI_CTL0_ERR_INTR && s->gsv != SDXI_STOP) {
		sdxi_broken(m, CTL0_BUSY, "%#lx in state %d", (unsigned long)value, s->gsv);
		value ^= SDXI_CTL0_ERR_INTR;
	}
	s->ctl0 = value;
	if (!(change & 3))
		return;
	s->seen = false;
	if (!ask(m, s, value & 3))
		sdxi_broken(m, GSR, "%u in state %d", (unsigned int)value & 3, s->gsv);
	model_kick(m);
}

/* --- and end ---------------------------------------------------------------------------------- */

/* Context 0 is looked at in this transition, and runs after it. (4.1.8.4) */
static void end_init(struct model *m, struct sdxi *s)
{
	struct sdxi_error error;

	if (!model_bus_master(m)) {
		sdxi_broken(m, BUS_MASTER, "%s", "GSRV_ACTIVE");
	} else if (sdxi_start_cxt(m, 0, SDXI_CXT_RUN, &error)) {
		s->gsv = SDXI_ACTIVE;
		return;
	} else {
		sdxi_log(m, &error, SDXI_RE_FN, 0, 0);
	}
	sdxi_fail_function(m);
}

/* What was ordered never to end does not: neither stop nor reset. */
bool sdxi_function_ready(struct model *m)
{
	const struct sdxi *s = model_state(m);

	switch (s->gsv) {
	case SDXI_INIT:
		return true;
	case SDXI_STOPG_SF:
	case SDXI_STOPG_HD:
		return !goes_on(s) && !model_never_resets(m);
	case SDXI_ERROR:
		return s->resetting && !goes_on(s) && !model_never_resets(m);
	default:
		return false;
	}
}

void sdxi_function_end(struct model *m)
{
	struct sdxi *s = model_state(m);

	switch (s->gsv) {
	case SDXI_INIT:
		end_init(m, s);
		break;
	case SDXI_ERROR:
		/* All registers are as after power-on. (M) */
		sdxi_forget(s);
		break;
	default:
		s->gsv = SDXI_STOP;
	}
	s->seen = false;
}

void sdxi_hurry_function(struct model *m)
{
	struct sdxi *s = model_state(m);

	if (s->seen && sdxi_function_ready(m)) {
		sdxi_function_end(m);
		model_kick(m);
	}
	s->seen = s->resetting || s->gsv == SDXI_INIT || s->gsv == SDXI_STOPG_SF ||
		  s->gsv == SDXI_STOPG_HD;
}
