/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "patience.h"
#include "sdxi.h"

/*
 * What has begun may come to an end first, but not at the cost of a page that is away; all together
 * twice within ENGINE_STOP_MS.
 */
#define STOP_SOFT_NS (20 * NSEC_PER_MSEC)
#define STOP_HARD_NS (200 * NSEC_PER_MSEC)
#define RESET_NS (200 * NSEC_PER_MSEC)
#define ACTIVE_NS (400 * NSEC_PER_MSEC)
#define FIRST_DESCRIPTOR_NS (400 * NSEC_PER_MSEC)

#define N_LIVES 2
#define N_INTERRUPTS (SDXI_VECTOR_CLIENT + 1)

static const char gone[] = "the device is gone: its registers read all ones";

static unsigned int function_state(struct sdxi *sdxi)
{
	return (unsigned int)(sdxi_read(sdxi, SDXI_STS0) & SDXI_STS0_STATE);
}

static void function_request(struct sdxi *sdxi, uint64_t state)
{
	uint64_t ctl0 = sdxi_read(sdxi, SDXI_CTL0);

	sdxi_write(sdxi, SDXI_CTL0, (ctl0 & ~SDXI_CTL0_REQUEST) | state);
}

/* Return: whether it came to rest, in good order or in its error state. */
static bool function_rests(struct sdxi *sdxi, uint64_t ns, unsigned int *ret_state)
{
	struct patience patience = patience_for(ns);

	for (;;) {
		*ret_state = function_state(sdxi);
		if (*ret_state == SDXI_STATE_STOPPED || *ret_state == SDXI_STATE_ERROR)
			return true;
		if (!patience_left(&patience))
			return false;
	}
}

/*
 * The function stopped, whatever it was doing: gently, or else hard. Only one that fails at that
 * is asked for its reset: of one that is stopped already it would seem to have ended before it
 * began, and of others it is not said that it is allowed. (4.1, reviews of L)
 */
static int sdxi_quiesce(struct sdxi *sdxi)
{
	struct patience patience;
	unsigned int state;

	sdxi->stuck = true;
	if (sdxi_read(sdxi, SDXI_STS0) == UINT64_MAX)
		return engine_complain(&sdxi->engine, -ENODEV, gone);
	state = function_state(sdxi);
	if (state == SDXI_STATE_ACTIVE || state == SDXI_STATE_INIT)
		function_request(sdxi, SDXI_REQUEST_STOP_SOFT);
	if (!function_rests(sdxi, STOP_SOFT_NS, &state)) {
		if (state == SDXI_STATE_STOPPING_SOFT)
			function_request(sdxi, SDXI_REQUEST_STOP_HARD);
		if (!function_rests(sdxi, STOP_HARD_NS, &state))
			return engine_complain(&sdxi->engine, -EIO, "the device never stops");
	}
	if (state == SDXI_STATE_ERROR)
		function_request(sdxi, SDXI_REQUEST_RESET);
	patience = patience_for(RESET_NS);
	while (function_state(sdxi) != SDXI_STATE_STOPPED)
		if (!patience_left(&patience))
			return engine_complain(&sdxi->engine, -EIO,
					       "the device never leaves its reset");
	sdxi->stuck = false;
	return 0;
}

int sdxi_stop(struct engine *e)
{
	struct sdxi *sdxi = to_sdxi(e);
	int r, r_quiesce;

	/* While it may still write of what it ends. */
	r_quiesce = sdxi_quiesce(sdxi);
	r = sdxi->t->ops->bus_master(sdxi->t, false);
	sdxi->oldest = sdxi->rung = sdxi->tail;
	sdxi->wait_head = sdxi->wait_flushed = sdxi->wait_tail;
	if (sdxi->interrupts)
		sdxi->t->ops->irq_rearm(sdxi->t);
	return r < 0 ? r : r_quiesce;
}

int sdxi_reset(struct engine *e)
{
	struct sdxi *sdxi = to_sdxi(e);
	int r;

	if (!sdxi->stuck)
		return 0;
	r = sdxi->t->ops->reset(sdxi->t);
	return r == -EOPNOTSUPP ? 0 : r;
}

/* Where the function finds a context; it is in force when the first word says so. (3-3, 3-4) */
static void context_lay_out(struct sdxi *sdxi, struct sdxi_context *c, unsigned int number)
{
	c->akeys[SDXI_AKEY_MEMORY].interrupt = htole16(SDXI_AKEY_VALID);
	for (uint32_t i = 0; i < SDXI_RING; i++) {
		sdxi_arm(&c->completions[i].block);
		sdxi_arm(&c->completions[i].guard);
	}
	c->control = (struct sdxi_control) {
		.ring = htole64(sdxi_iova(sdxi, c->ring) | SDXI_CONTROL_VALID | SDXI_CONTROL_SE |
				SDXI_CONTROL_CSA),
		.n_entries = htole32(SDXI_RING),
		.status = htole64(sdxi_iova(sdxi, &c->status)),
		.write_index = htole64(sdxi_iova(sdxi, &c->write_index)),
	};
	sdxi->life->level1[number] = (struct sdxi_level1) {
		.control = htole64(sdxi_iova(sdxi, &c->control) | SDXI_LEVEL1_VALID |
				   SDXI_LEVEL1_KA),
		.akeys = htole64(sdxi_iova(sdxi, c->akeys)),
		.limits = htole32(SDXI_LEVEL1_MAX_BUFFER(0)),
		.operations = htole32(sdxi->facts.operations),
	};
}

/* All tables of a new life: what stands there at its activation needs no update. (4.3.1.1) */
static void sdxi_lay_out(struct sdxi *sdxi)
{
	struct sdxi_life *lives = sdxi->memory.va;
	struct sdxi_life *life = &lives[sdxi->n_lives++ % N_LIVES];

	memset(life, 0, sizeof(*life));
	sdxi->life = life;
	life->level2[0] = htole64(sdxi_iova(sdxi, life->level1) | SDXI_LEVEL2_VALID);
	context_lay_out(sdxi, &life->admin, SDXI_CONTEXT_ADMIN);
	context_lay_out(sdxi, &life->client, SDXI_CLIENT);
	life->client.akeys[SDXI_AKEY_EVENT].interrupt =
		htole16(SDXI_AKEY_VALID | SDXI_AKEY_INTERRUPT |
			SDXI_AKEY_VECTOR(SDXI_VECTOR_CLIENT));
	/* Nobody starts the one that starts the others. (4.1.8.4) */
	life->admin.status.state = SDXI_CONTEXT_RUNNING;

	sdxi->tail = sdxi->rung = sdxi->oldest = sdxi->read = 0;
	sdxi->wait_head = sdxi->wait_flushed = sdxi->wait_tail = 0;
	sdxi->log_read = 0;
	sdxi->n_unannounced = 0;
	sdxi->n_vain = 0;
	sdxi->n_owed = 0;
	sdxi->astray = false;
}

/* The log in force, empty; in the order of "Error Log Initialization". (L) */
static void sdxi_set_up_log(struct sdxi *sdxi)
{
	sdxi_write(sdxi, SDXI_ERR_CFG, 0);
	sdxi_write(sdxi, SDXI_ERR_STS, SDXI_ERR_STS_ALL);
	sdxi_write(sdxi, SDXI_ERR_CTL, sdxi->interrupts ? SDXI_ERR_CTL_INTERRUPT : 0);
	sdxi_write(sdxi, SDXI_ERR_WRT, 0);
	sdxi_write(sdxi, SDXI_ERR_RD, 0);
	sdxi_write(sdxi, SDXI_ERR_CFG, sdxi_iova(sdxi, sdxi->life->log) |
		   SDXI_ERR_CFG_SIZE(SDXI_LOG_ENTRIES) | SDXI_ERR_CFG_ENABLE);
}

/* No more than is used, and nothing of what a former owner wanted, such as address spaces. */
static void sdxi_set_up(struct sdxi *sdxi)
{
	uint64_t ctl0 = sdxi_read(sdxi, SDXI_CTL0);

	sdxi_write(sdxi, SDXI_CTL0, ctl0 & (SDXI_CTL0_GROUP | SDXI_CTL0_REQUEST));
	sdxi_write(sdxi, SDXI_CTL2, SDXI_CTL2_MAX_BUFFER(0) | SDXI_CTL2_MAX_CONTEXT(SDXI_CLIENT) |
		   ((uint64_t)sdxi->facts.operations << 32 & SDXI_CTL2_OPERATIONS));
	sdxi_write(sdxi, SDXI_CXT_L2, sdxi_iova(sdxi, sdxi->life->level2));
	sdxi_write(sdxi, SDXI_RKEY, 0);
	sdxi_set_up_log(sdxi);
}

static int sdxi_activate(struct sdxi *sdxi)
{
	struct patience patience = patience_for(ACTIVE_NS);
	uint64_t ctl0 = sdxi_read(sdxi, SDXI_CTL0) & SDXI_CTL0_GROUP;
	unsigned int state;

	if (sdxi->interrupts)
		ctl0 |= SDXI_CTL0_ERROR_INTERRUPT;
	sdxi_write(sdxi, SDXI_CTL0, ctl0 | SDXI_REQUEST_ACTIVE);
	/* Stopped it may seem for a while. */
	while ((state = function_state(sdxi)) != SDXI_STATE_ACTIVE)
		if ((state != SDXI_STATE_STOPPED && state != SDXI_STATE_INIT) ||
		    !patience_left(&patience))
			return engine_complain(&sdxi->engine, -EIO,
					       "the device cannot be activated");
	return 0;
}

/* Have a context do its first descriptor, and wait for it. */
static int sdxi_do_first(struct sdxi *sdxi, struct sdxi_context *c, unsigned int number,
			 struct sdxi_descriptor d)
{
	struct patience patience = patience_for(FIRST_DESCRIPTOR_NS);
	struct sdxi_block *block = &c->completions[0].block;
	uint64_t signal;

	d.completion = htole64(sdxi_iova(sdxi, block));
	c->ring[0] = d;
	sdxi_ring_bell(sdxi, number, c, 1);
	while ((signal = sdxi_signal(block)) == SDXI_SIGNAL_PENDING)
		if (!patience_left(&patience))
			return -ETIMEDOUT;
	if (signal != 0 || block->flags != 0)
		return -EIO;
	sdxi_arm(block);
	return 0;
}

/* That our context starts shows that the other one works; then, that it works itself. */
static int sdxi_start_contexts(struct sdxi *sdxi)
{
	struct sdxi_life *life = sdxi->life;
	const struct sdxi_descriptor start = {
		.opcode = htole32(SDXI_OPCODE_START | SDXI_OPCODE_FENCE | SDXI_OPCODE_VALID),
		.attributes = htole32(SDXI_CLIENT | SDXI_CLIENT << 16),
	};
	const struct sdxi_descriptor nothing = {
		.opcode = htole32(SDXI_OPCODE_NOTHING | SDXI_OPCODE_VALID),
	};

	/* It does not look for descriptors before it is told of some, be it none. (4.1.8.10) */
	sdxi_ring_bell(sdxi, SDXI_CONTEXT_ADMIN, &life->admin, 0);
	if (sdxi_do_first(sdxi, &life->admin, SDXI_CONTEXT_ADMIN, start) < 0)
		return engine_complain(&sdxi->engine, -EIO, "its context cannot be started");
	if (sdxi_context_state(&life->client) != SDXI_CONTEXT_RUNNING)
		return engine_complain(&sdxi->engine, -EIO, "its context was not started");
	if (sdxi_do_first(sdxi, &life->client, SDXI_CLIENT, nothing) < 0)
		return engine_complain(&sdxi->engine, -EIO,
				       "its context did not do its first descriptor");
	sdxi->tail = sdxi->rung = sdxi->oldest = 1;
	return 0;
}

int sdxi_start(struct engine *e)
{
	struct sdxi *sdxi = to_sdxi(e);
	const char *complaint;
	int r;

	/* Whatever it was doing for its last owner, it must not go on with it. */
	r = sdxi_stop(e);
	if (r < 0)
		return r;
	sdxi_lay_out(sdxi);
	sdxi_set_up(sdxi);
	r = sdxi->t->ops->bus_master(sdxi->t, true);
	if (r == 0)
		r = sdxi_activate(sdxi);
	if (r == 0)
		r = sdxi_start_contexts(sdxi);
	if (r == 0)
		return 0;
	/* One that does not start is as quiet as one that was stopped, and does not start later. */
	complaint = e->complaint;
	sdxi_stop(e);
	return engine_complain(e, r, complaint);
}

void sdxi_close(struct engine *e)
{
	struct sdxi *sdxi = to_sdxi(e);

	sdxi->t->ops->irq_disable(sdxi->t);
	/*
	 * Of one that was not seen to come to rest, memory is not freed before it is reset; if it
	 * cannot be, the transport does both when it gives the device back, in that order.
	 */
	if (!sdxi->stuck || sdxi->t->ops->reset(sdxi->t) == 0)
		sdxi->t->ops->dma_free(sdxi->t, &sdxi->memory);
	transport_close(sdxi->t);
	engine_done(e);
	free(sdxi);
}

int sdxi_open(struct transport *t, struct engine **ret, struct why *why)
{
	_cleanup_free_ struct sdxi *sdxi = calloc(1, sizeof(*sdxi));
	int r;

	if (!sdxi)
		return why_fail(why, -ENOMEM, "no memory");
	sdxi->t = t;
	r = sdxi_read_facts(t, &sdxi->facts, why);
	if (r < 0)
		return r;
	r = engine_init(&sdxi->engine, &sdxi_ops, &sdxi_ops.caps);
	if (r < 0)
		return why_fail(why, r, "no memory");
	r = t->ops->dma_alloc(t, N_LIVES * sizeof(*sdxi->life), &sdxi->memory, why);
	if (r < 0) {
		engine_done(&sdxi->engine);
		return r;
	}
	sdxi->engine.transport = t;
	snprintf(sdxi->engine.identity.version, sizeof(sdxi->engine.identity.version), "%u.%u",
		 (uint8_t)sdxi->facts.major, (uint8_t)sdxi->facts.minor);
	/* Without an interrupt it can still be polled. */
	sdxi->interrupts = t->ops->irq_enable(t, N_INTERRUPTS, &sdxi->engine.event_fd) == 0;
	if (!sdxi->interrupts)
		sdxi->engine.event_fd = -1;
	*ret = &TAKE_PTR(sdxi)->engine;
	return 0;
}
