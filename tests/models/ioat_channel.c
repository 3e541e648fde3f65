/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/OAT: a channel's registers, what writing them does, and how the channel tells of errors.
 */
#include "ioat_model.h"

#include <string.h>

#include "macros.h"

uint64_t ioat_chansts(const struct ioat_chan *ch)
{
	unsigned int state = IOAT_HALTED;

	switch (ch->run) {
	case IOAT_RUN_HALTED:
		break;
	case IOAT_RUN_ARMED:
		state = IOAT_ARMED;
		break;
	case IOAT_RUN_RUNNING:
		state = ioat_ahead(ch) > 0 ? IOAT_ACTIVE : IOAT_IDLE;
		break;
	case IOAT_RUN_SUSPENDED:
		state = IOAT_SUSPENDED;
		break;
	}
	return ch->last_done | state;
}

void ioat_interrupt(struct model *m, unsigned int unit)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];
	unsigned int on = IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX;

	s->attnstatus |= 1u << unit;
	if ((s->intrctrl & on) != on)
		return;
	ch->irq_pending = ch->irq_off;
	if (!ch->irq_off) {
		ch->irq_off = true;
		if (!memcmp(s->msix, ioat_msix, sizeof(s->msix)))
			model_interrupt(m, unit);
	}
}

void ioat_tell(struct ioat *s, unsigned int unit)
{
	struct ioat_chan *ch = &s->chan[unit];

	if (!ch->chanerr)
		return;
	ch->told = true;
	s->told_int |= s->chanerr_int != 0;
}

/* A masked error stops the channel, too, but says nothing. (M) */
void ioat_fail(struct model *m, unsigned int unit, uint32_t chanerr)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];
	uint64_t status;

	ch->told &= ch->chanerr != 0;
	s->told_int &= s->chanerr_int != 0;
	ch->chanerr |= chanerr;
	ioat_set_chanerr_int(m, s->chanerr_int | chanerr);
	ch->run = IOAT_RUN_HALTED;
	if (!(chanerr & ~ch->chanerr_mask))
		return;
	status = ioat_chansts(ch);
	if (ch->chanctrl & IOAT_CHANCTRL_ERR_COMPLETION && ch->has_chancmp &&
	    !(chanerr & IOAT_ERR_COMPLETION_ADDR) &&
	    model_dma_write(m, ch->chancmp.value, &status, sizeof(status)) != MODEL_DONE)
		ch->chanerr |= IOAT_ERR_COMPLETION_ADDR;
	if (ch->chanctrl & IOAT_CHANCTRL_ERR_INT)
		ioat_interrupt(m, unit);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Whether all of the register is there. */
static bool wide_write(struct ioat_wide *w, unsigned int inside, unsigned int width, uint64_t value)
{
	if (width == 8) {
		w->value = value;
		w->halves = 3;
	} else {
		w->value &= ~(0xffffffffull << (8 * inside));
		w->value |= (value & 0xffffffff) << (8 * inside);
		w->halves |= inside ? 2 : 1;
	}
	if (w->halves != 3)
		return false;
	w->halves = 0;
	return true;
}

void ioat_write_chanctrl(struct model *m, unsigned int unit, uint16_t value)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];

	if (value & ~IOAT_CHANCTRL_KNOWN)
		model_broken(m, "reserved bits of CHANCTRL", "%#x", value);
	ch->chanctrl = value & IOAT_CHANCTRL_KNOWN & ~IOAT_CHANCTRL_REARM;
	if (!(value & IOAT_CHANCTRL_REARM))
		return;
	ch->irq_off = false;
	if (ch->irq_pending)
		ioat_interrupt(m, unit);
}

/* SUSPEND lets the descriptor at work be finished, RESET and ABORT do not. */
void ioat_write_chancmd(struct model *m, unsigned int unit, uint8_t value)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];

	if (ch->resetting) {
		model_broken(m, "CHANCMD during a reset", "%#x", value);
		return;
	}
	switch (value) {
	case IOAT_CHANCMD_RESET:
		ioat_tell(s, unit);
		if (ch->run == IOAT_RUN_RUNNING && !ch->suspending)
			model_broken(m, "reset without suspend", "channel %u", unit);
		ch->resetting = true;
		ch->seen_resetting = false;
		model_stop(m, unit);
		break;
	case IOAT_CHANCMD_SUSPEND:
		ch->suspending = ch->run == IOAT_RUN_RUNNING;
		if (ch->run == IOAT_RUN_ARMED)
			ch->run = IOAT_RUN_SUSPENDED;
		break;
	case IOAT_CHANCMD_RESUME:
		if (ch->run != IOAT_RUN_SUSPENDED) {
			model_broken(m, "resume of what is not suspended", "channel %u", unit);
			break;
		}
		ch->run = ch->has_chain ? IOAT_RUN_RUNNING : IOAT_RUN_HALTED;
		break;
	case IOAT_CHANCMD_ABORT:
		ch->run = IOAT_RUN_HALTED;
		model_stop(m, unit);
		break;
	default:
		/* Several at once, or those that version 1 was started by. (M) */
		model_broken(m, "CHANCMD is no command", "%#x", value);
		model_stop(m, unit);
		ioat_fail(m, unit, IOAT_ERR_CHANCMD);
	}
	model_kick(m);
}

void ioat_write_chainaddr(struct model *m, unsigned int unit, unsigned int inside,
			    unsigned int width, uint64_t value)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];

	/* DPDK writes 0 while it waits. */
	if (ch->resetting) {
		if (value)
			model_broken(m, "CHAINADDR during a reset", "%#lx", (unsigned long)value);
		return;
	}
	if (ch->run == IOAT_RUN_RUNNING && (ioat_ahead(ch) > 0 || model_working(m, unit))) {
		model_broken(m, "CHAINADDR while active", "%#lx", (unsigned long)value);
		return;
	}
	if (!wide_write(&ch->chainaddr, inside, width, value))
		return;
	value = ch->chainaddr.value;
	ch->has_chain = false;
	ch->suspending = false;
	ch->run = IOAT_RUN_HALTED;
	ch->count = ch->done = 0;
	ch->n_chain = ch->ring = ch->most_ahead = 0;
	ch->again = 0;
	if (value % IOAT_DESC_SIZE) {
		model_broken(m, "CHAINADDR is not aligned", "%#lx", (unsigned long)value);
		ioat_fail(m, unit, IOAT_ERR_CHAIN_ADDR);
		return;
	}
	if (ch->chanerr) {
		model_broken(m, "CHAINADDR with errors standing", "CHANERR %#x", ch->chanerr);
		return;
	}
	ch->next = value;
	ch->has_chain = value != 0;
	if (value)
		ch->run = IOAT_RUN_ARMED;
}

void ioat_write_chancmp(struct model *m, unsigned int unit, unsigned int inside,
			  unsigned int width, uint64_t value)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];

	if (ch->run == IOAT_RUN_RUNNING && ioat_ahead(ch) > 0) {
		model_broken(m, "CHANCMP while active", "%#lx", (unsigned long)value);
		return;
	}
	if (!wide_write(&ch->chancmp, inside, width, value))
		return;
	ch->has_chancmp = ch->chancmp.value != 0;
	if (ch->chancmp.value % 8) {
		model_broken(m, "CHANCMP is not aligned", "%#lx", (unsigned long)ch->chancmp.value);
		ioat_fail(m, unit, IOAT_ERR_COMPLETION_ADDR);
	}
}

/* Why the channel cannot be told of descriptors; NULL if it can. */
static const char *not_startable(struct model *m, const struct ioat *s, const struct ioat_chan *ch)
{
	if (ch->resetting)
		return "DMACOUNT during a reset";
	if (ch->chainaddr.halves || ch->chancmp.halves)
		return "DMACOUNT with half an address";
	if (ch->chanerr && ch->told)
		return "DMACOUNT with errors standing";
	if (s->chanerr_int && s->told_int)
		return "DMACOUNT with errors in CHANERR_INT";
	if (!ch->has_chain)
		return "DMACOUNT before CHAINADDR";
	if (!ch->has_chancmp)
		return "DMACOUNT before CHANCMP";
	if (!model_bus_master(m))
		return "DMACOUNT without bus mastership";
	return NULL;
}

void ioat_write_dmacount(struct model *m, unsigned int unit, uint16_t value)
{
	struct ioat *s = model_state(m);
	struct ioat_chan *ch = &s->chan[unit];
	const char *rule = not_startable(m, s, ch);

	if (rule) {
		model_broken(m, rule, "channel %u, DMACOUNT %u", unit, value);
		if (!ch->resetting && !ch->has_chain)
			ioat_fail(m, unit, IOAT_ERR_CHAIN_ADDR);
		return;
	}
	/* A ring has 32768 descriptors in user space (S), and Linux rings for each eighth (K). */
	if (ch->run != IOAT_RUN_ARMED && (uint16_t)(value - ch->count) >= 0x8000) {
		model_broken(m, "DMACOUNT moves backwards", "from %u to %u", ch->count, value);
		return;
	}
	ch->count = value;
	/* It has halted, and does not hear it. */
	if (ch->chanerr)
		return;
	ch->most_ahead = MAX(ch->most_ahead, (uint32_t)ioat_ahead(ch));
	if (ch->ring && ioat_ahead(ch) > ch->ring) {
		model_broken(m, "DMACOUNT moves past the ring", "%u of %u",
			     ioat_ahead(ch), ch->ring);
		model_stop(m, unit);
		ioat_fail(m, unit, IOAT_ERR_COUNT);
		return;
	}
	if (ch->run == IOAT_RUN_ARMED && ioat_ahead(ch) > 0)
		ch->run = IOAT_RUN_RUNNING;
	model_kick(m);
}
