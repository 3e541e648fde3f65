/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DSA: commands. One begins when it is written, and ends in a unit of its own when what it waits
 * for has come to rest, so that software sees it active.
 */
#include "dsa_model.h"

#include <string.h>

#include "macros.h"

#define OPERAND(cmd) ((cmd) & 0xfffff)
#define COMMAND(cmd) ((cmd) >> 20 & 0x1f)

/* --- which queues ----------------------------------------------------------------------------- */

/* Those that a command is about, one bit each. (L: 16 of them, from a multiple of 16 on) */
static uint32_t queues_of(const struct dsa *s)
{
	unsigned int cmd = COMMAND(s->cmd), first = (OPERAND(s->cmd) >> 16) * 16;

	if (cmd >= DSA_CMD_DISABLE_WQ && cmd <= DSA_CMD_RESET_WQ)
		return first >= 32 ? 0 : (OPERAND(s->cmd) & 0xffff) << first;
	return (1u << s->n_wqs) - 1;
}

static bool at_rest(const struct dsa *s, uint32_t queues)
{
	for (unsigned int i = 0; i < s->n_wqs; i++) {
		if (queues & 1u << i && dsa_outstanding(&s->wq[i]) > 0)
			return false;
	}
	for (unsigned int i = 0; i < s->n_engines; i++) {
		if (s->executing[i] && queues & 1u << s->executing_wq[i])
			return false;
	}
	return true;
}

/* --- enabling --------------------------------------------------------------------------------- */

/* Traffic classes of version 1 and 2 (K), limit of read buffers, how many are reserved, allowed. */
static bool flags_are_right(const struct dsa_group *g)
{
	uint64_t known = 0x3f | 0x80 | 0xff00 | 0xff00000;

	return (g->flags & 0x3f) == 0x9 && !(g->flags & ~known) &&
	       (g->flags >> 8 & 0xff) <= DSA_READ_BUFFERS &&
	       (g->flags >> 20 & 0xff) <= DSA_READ_BUFFERS;
}

static uint8_t check_groups(const struct dsa *s)
{
	uint64_t queues = 0, engines = 0;

	for (unsigned int i = 0; i < s->n_groups; i++) {
		const struct dsa_group *g = &s->group[i];

		if (g->wqs[0] & queues || g->wqs[0] >> s->n_wqs ||
		    g->wqs[1] | g->wqs[2] | g->wqs[3])
			return DSA_ERR_GROUP_WQS;
		if (g->engines & engines || g->engines >> s->n_engines)
			return DSA_ERR_GROUP_ENGINES;
		if (!g->wqs[0] != !g->engines)
			return DSA_ERR_GROUP_HALF;
		if (g->wqs[0] && !flags_are_right(g))
			return DSA_ERR_GROUP_FLAGS;
		queues |= g->wqs[0];
		engines |= g->engines;
	}
	return 0;
}

static uint8_t enable_device(struct model *m, struct dsa *s)
{
	unsigned int entries = 0;
	uint8_t error;

	if (s->state != DSA_DISABLED)
		return DSA_ERR_IS_ENABLED;
	if (!model_bus_master(m))
		return DSA_ERR_BUS_MASTER;
	for (unsigned int i = 0; i < s->n_wqs; i++)
		entries += s->wq[i].cfg[0];
	if (entries > DSA_WQ_ENTRIES)
		return DSA_ERR_SIZES;
	error = check_groups(s);
	if (!error)
		s->state = DSA_ENABLED;
	return error;
}

static uint8_t check_queue(const struct dsa *s, unsigned int n)
{
	const uint32_t *cfg = s->wq[n].cfg;
	bool in_group = false;

	for (unsigned int i = 0; i < s->n_groups; i++)
		in_group |= s->group[i].wqs[0] >> n & 1;
	if (!cfg[0] || !in_group)
		return DSA_ERR_WQ_SIZE;
	if (!(cfg[2] >> 4 & 0xf))
		return DSA_ERR_WQ_PRIORITY;
	if (!(cfg[2] & DSA_WQ_DEDICATED) || cfg[1])
		return DSA_ERR_WQ_MODE;
	if (cfg[2] & 0x2)
		return DSA_ERR_WQ_BOF;
	if (cfg[2] >> 8)
		return DSA_ERR_WQ_PASID;
	if ((cfg[3] >> 5 & 0xf) > DSA_MAX_BATCH)
		return DSA_ERR_WQ_BATCH;
	if ((cfg[3] & 0x1f) > DSA_MAX_TRANSFER)
		return DSA_ERR_WQ_TRANSFER;
	return 0;
}

static uint8_t enable_queue(struct dsa *s, unsigned int n)
{
	uint8_t error;

	if (s->state != DSA_ENABLED)
		return DSA_ERR_DEVICE_OFF;
	if (n >= s->n_wqs)
		return DSA_ERR_WQ;
	if (s->wq[n].enabled)
		return DSA_ERR_WQ_IS_ENABLED;
	error = check_queue(s, n);
	s->wq[n].enabled = !error;
	s->wq[n].closing = false;
	return error;
}

/* --- disabling -------------------------------------------------------------------------------- */

/* The size outlasts it, for it cannot be set while the device is enabled. (M) */
static void reset_queue(const struct dsa *s, struct dsa_wq *wq)
{
	if (s->fixed)
		return;
	memset(&wq->cfg[1], 0, sizeof(wq->cfg) - sizeof(wq->cfg[0]));
}

static void close_queues(struct dsa *s, uint32_t queues, bool reset)
{
	for (unsigned int i = 0; i < s->n_wqs; i++) {
		if (!(queues & 1u << i))
			continue;
		s->wq[i].enabled = s->wq[i].closing = false;
		if (reset)
			reset_queue(s, &s->wq[i]);
	}
}

static void abort_queues(struct model *m, struct dsa *s, uint32_t queues)
{
	for (unsigned int i = 0; i < s->n_wqs; i++) {
		if (queues & 1u << i)
			s->wq[i].n_queued = 0;
	}
	for (unsigned int i = 0; i < s->n_engines; i++) {
		struct dsa_batch *b = &s->batch[i];

		if (b->active && queues & 1u << b->outer.wq) {
			b->count = b->next;
			if (b->n_done == b->next) {
				/* Nothing of it is at work that would close it. */
				b->active = false;
				s->wq[b->outer.wq].n_running--;
			}
		}
		if (s->executing[i] && queues & 1u << s->executing_wq[i])
			model_stop(m, i);
	}
}

/* --- handles ---------------------------------------------------------------------------------- */

static uint8_t request_handle(struct dsa *s, uint16_t *ret)
{
	uint32_t vector = OPERAND(s->cmd);

	if (vector >= dsa_n_vectors(s))
		return DSA_ERR_HANDLE;
	s->handle[vector] = true;
	*ret = (uint16_t)(0x100 | vector);
	return 0;
}

static uint8_t release_handle(struct dsa *s)
{
	uint32_t vector = OPERAND(s->cmd) ^ 0x100;

	if (vector >= dsa_n_vectors(s) || !s->handle[vector])
		return DSA_ERR_HANDLE;
	s->handle[vector] = false;
	return 0;
}

/* --- the beginning and the end ---------------------------------------------------------------- */

/* Why it cannot begin; 0 if it can. */
static uint8_t refuse(const struct dsa *s)
{
	unsigned int cmd = COMMAND(s->cmd);

	if (cmd < DSA_CMD_ENABLE || cmd > DSA_CMD_RELEASE_HANDLE || cmd == DSA_CMD_DRAIN_PASID ||
	    cmd == DSA_CMD_ABORT_PASID || (cmd >= DSA_CMD_REQUEST_HANDLE && !dsa_has_handles(s)))
		return DSA_ERR_CMD;
	if (s->state == DSA_HALTED && (cmd != DSA_CMD_RESET || s->reset_type != DSA_RESET_SOFTWARE))
		return DSA_ERR_HARDWARE;
	if (cmd == DSA_CMD_DISABLE && s->state != DSA_ENABLED)
		return DSA_ERR_DISABLE;
	if ((cmd == DSA_CMD_DRAIN_ALL || cmd == DSA_CMD_ABORT_ALL ||
	     (cmd >= DSA_CMD_DISABLE_WQ && cmd <= DSA_CMD_RESET_WQ)) && s->state != DSA_ENABLED)
		return DSA_ERR_NOT_ENABLED;
	if (cmd >= DSA_CMD_DISABLE_WQ && cmd <= DSA_CMD_RESET_WQ && queues_of(s) >> s->n_wqs)
		return DSA_ERR_WQ;
	return 0;
}

static void shut_queues(struct dsa *s, uint32_t queues)
{
	for (unsigned int i = 0; i < s->n_wqs; i++)
		s->wq[i].closing |= queues >> i & 1;
}

static void begin(struct model *m, struct dsa *s)
{
	uint32_t queues = queues_of(s);

	switch (COMMAND(s->cmd)) {
	case DSA_CMD_DISABLE:
		s->state = DSA_DRAINING;
		shut_queues(s, queues);
		break;
	case DSA_CMD_DISABLE_WQ:
		shut_queues(s, queues);
		break;
	case DSA_CMD_RESET:
		dsa_clear(m);
		s->resetting = true;
		break;
	case DSA_CMD_RESET_WQ:
		shut_queues(s, queues);
		abort_queues(m, s, queues);
		break;
	case DSA_CMD_ABORT_ALL:
	case DSA_CMD_ABORT_WQ:
		abort_queues(m, s, queues);
		break;
	}
}

/* What is left to do when all that is concerned is at rest. */
static uint8_t end(struct model *m, struct dsa *s, uint16_t *ret)
{
	switch (COMMAND(s->cmd)) {
	case DSA_CMD_ENABLE:
		return enable_device(m, s);
	case DSA_CMD_DISABLE:
		close_queues(s, queues_of(s), false);
		s->state = DSA_DISABLED;
		break;
	case DSA_CMD_RESET:
		s->resetting = false;
		break;
	case DSA_CMD_ENABLE_WQ:
		return enable_queue(s, OPERAND(s->cmd));
	case DSA_CMD_DISABLE_WQ:
		close_queues(s, queues_of(s), false);
		break;
	case DSA_CMD_RESET_WQ:
		close_queues(s, queues_of(s), true);
		break;
	case DSA_CMD_REQUEST_HANDLE:
		return request_handle(s, ret);
	case DSA_CMD_RELEASE_HANDLE:
		return release_handle(s);
	}
	return 0;
}

void dsa_command(struct model *m, uint32_t value)
{
	struct dsa *s = model_state(m);

	if (s->cmdsts & DSA_CMDSTS_ACTIVE) {
		model_broken(m, "CMD while a command is active", "%#x", value);
		return;
	}
	if (value & 0x7e000000)
		model_broken(m, "reserved bits of CMD", "%#x", value);
	s->cmd = value;
	s->seen_active = false;
	s->cmdsts = DSA_CMDSTS_ACTIVE | refuse(s);
	if (s->cmdsts == DSA_CMDSTS_ACTIVE)
		begin(m, s);
	model_kick(m);
}

bool dsa_command_ready(struct model *m)
{
	struct dsa *s = model_state(m);

	if (!(s->cmdsts & DSA_CMDSTS_ACTIVE))
		return false;
	if (s->cmdsts != DSA_CMDSTS_ACTIVE)
		return true;
	switch (COMMAND(s->cmd)) {
	case DSA_CMD_RESET:
		return at_rest(s, queues_of(s)) && !model_never_resets(m);
	case DSA_CMD_DISABLE ... DSA_CMD_ABORT_ALL:
	case DSA_CMD_DISABLE_WQ ... DSA_CMD_RESET_WQ:
		return at_rest(s, queues_of(s));
	}
	return true;
}

/* Software is told on for errors that it could have known of. */
void dsa_command_end(struct model *m)
{
	struct dsa *s = model_state(m);
	uint32_t error = s->cmdsts & 0xff;
	uint16_t result = 0;

	if (!error)
		error = end(m, s, &result);
	if (error && error != DSA_ERR_HARDWARE)
		model_broken(m, "refused command", "%#x: error %#x", s->cmd, error);
	s->cmdsts = error | (uint32_t)result << 8;
	if (s->cmd & DSA_CMD_INT)
		dsa_cause(m, DSA_INTC_CMD);
}

void dsa_hurry_command(struct model *m)
{
	struct dsa *s = model_state(m);

	if (s->seen_active && dsa_command_ready(m))
		dsa_command_end(m);
	s->seen_active = s->cmdsts & DSA_CMDSTS_ACTIVE;
}
