/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "idxd.h"
#include "patience.h"

/* A reset lets what is under way come to an end; the other commands take no time. */
#define COMMAND_NS (400 * NSEC_PER_MSEC)

#define N_LIVES 2
#define RING_SIZE (IDXD_RING * sizeof(struct idxd_descriptor))
#define RECORDS_SIZE ((2 * IDXD_SUBMISSIONS + IDXD_RING) * sizeof(struct idxd_record))

/* The interrupts: errors, then completions. */
#define N_INTERRUPTS 2
#define COMPLETION_INTERRUPT 1

static const char gone[] = "the device is gone: its registers read all ones";

static uint32_t read32(struct idxd *idxd, uint64_t offset)
{
	return transport_read32(idxd->t, IDXD_BAR, offset);
}

static void write32(struct idxd *idxd, uint64_t offset, uint32_t value)
{
	transport_write32(idxd->t, IDXD_BAR, offset, value);
}

static void write64(struct idxd *idxd, uint64_t offset, uint64_t value)
{
	transport_write64(idxd->t, IDXD_BAR, offset, value);
}

/* Wait for the command that runs, if any. Return: 0 with CMDSTS, or a negative errno. */
static int idxd_wait_command(struct idxd *idxd, uint32_t *ret_status)
{
	struct patience patience = patience_for(COMMAND_NS);
	uint32_t status;

	while ((status = read32(idxd, IDXD_CMDSTS)) & IDXD_CMDSTS_ACTIVE) {
		if (status == UINT32_MAX)
			return engine_complain(&idxd->engine, -ENODEV, gone);
		if (!patience_left(&patience))
			return engine_complain(&idxd->engine, -EIO,
					       "the device never ends a command");
	}
	*ret_status = status;
	return 0;
}

static int idxd_command(struct idxd *idxd, uint32_t command, uint32_t operand, uint16_t *ret)
{
	uint32_t status = 0;
	int r;

	write32(idxd, IDXD_CMD, command << IDXD_CMD_SHIFT | operand);
	r = idxd_wait_command(idxd, &status);
	if (r < 0)
		return r;
	if (IDXD_CMDSTS_ERROR(status))
		return -EIO;
	if (ret)
		*ret = IDXD_CMDSTS_RESULT(status);
	return 0;
}

/* A halt that a command does not end takes a reset of the function. */
static int idxd_end_halt(struct idxd *idxd)
{
	uint32_t state = read32(idxd, IDXD_GENSTS);

	if (state == UINT32_MAX)
		return engine_complain(&idxd->engine, -ENODEV, gone);
	if ((state & IDXD_GENSTS_STATE) != IDXD_GENSTS_HALT ||
	    IDXD_GENSTS_RESET(state) == IDXD_RESET_SOFTWARE)
		return 0;
	if (IDXD_GENSTS_RESET(state) != IDXD_RESET_FLR)
		return engine_complain(&idxd->engine, -EIO,
				       "the device halted, and only a reset of the computer helps");
	if (idxd->t->ops->reset(idxd->t) < 0)
		return engine_complain(&idxd->engine, -EIO,
				       "the device halted, and its function cannot be reset");
	return 0;
}

/* The device switched off, its set-up forgotten, whatever it was doing. */
static int idxd_quiesce(struct idxd *idxd)
{
	uint32_t status;
	int r;

	idxd->stuck = true;
	r = idxd_end_halt(idxd);
	/* A former owner's may still run. */
	if (r == 0)
		r = idxd_wait_command(idxd, &status);
	if (r == 0)
		r = idxd_command(idxd, IDXD_CMD_RESET_DEVICE, 0, NULL);
	if (r < 0)
		return r;
	if ((read32(idxd, IDXD_GENSTS) & IDXD_GENSTS_STATE) != IDXD_GENSTS_DISABLED)
		return engine_complain(&idxd->engine, -EIO, "the device never leaves its reset");
	idxd->stuck = false;
	return 0;
}

int idxd_stop(struct engine *e)
{
	struct idxd *idxd = to_idxd(e);
	int r, r_quiesce;

	r = idxd->t->ops->bus_master(idxd->t, false);
	r_quiesce = idxd_quiesce(idxd);
	idxd->flushed = idxd->posted = idxd->queued;
	idxd->oldest = idxd->newest;
	idxd->n_submitted = 0;
	if (idxd->interrupts)
		idxd->t->ops->irq_rearm(idxd->t);
	return r < 0 ? r : r_quiesce;
}

int idxd_reset(struct engine *e)
{
	struct idxd *idxd = to_idxd(e);
	int r;

	if (!idxd->stuck)
		return 0;
	/* There are halts for which it says that this is not enough. */
	r = idxd_end_halt(idxd);
	if (r < 0)
		return r;
	r = idxd->t->ops->reset(idxd->t);
	return r == -EOPNOTSUPP ? 0 : r;
}

/* One group with all engines and the first queue; nothing in the others. */
static void idxd_set_up_groups(struct idxd *idxd)
{
	const struct idxd_facts *f = &idxd->facts;

	for (unsigned int i = 0; i < f->n_groups; i++) {
		uint64_t group = f->groups + i * IDXD_GROUP_STRIDE;
		uint64_t all = f->n_engines < 64 ? (UINT64_C(1) << f->n_engines) - 1 : UINT64_MAX;

		for (unsigned int j = 0; j < 4; j++)
			write64(idxd, group + IDXD_GROUP_QUEUES + j * sizeof(uint64_t),
				i == 0 && j == 0);
		write64(idxd, group + IDXD_GROUP_ENGINES, i == 0 ? all : 0);
		write64(idxd, group + IDXD_GROUP_FLAGS,
			i == 0 && f->version <= IDXD_VERSION_2 ? IDXD_GROUP_CLASSES_1_1 : 0);
	}
}

static void idxd_set_up_queues(struct idxd *idxd)
{
	const struct idxd_facts *f = &idxd->facts;

	for (unsigned int i = 0; i < f->n_queues; i++) {
		uint64_t queue = f->queues + i * f->queue_stride;

		write32(idxd, queue + IDXD_QUEUE_SIZE, i == 0 ? f->queue_size : 0);
		write32(idxd, queue + IDXD_QUEUE_THRESHOLD, 0);
		write32(idxd, queue + IDXD_QUEUE_MODE,
			i == 0 ? IDXD_QUEUE_DEDICATED | IDXD_QUEUE_PRIORITY_1 : 0);
		write32(idxd, queue + IDXD_QUEUE_LIMITS,
			i == 0 ? IDXD_QUEUE_MAX_XFER(f->max_xfer_log2) |
				 IDXD_QUEUE_MAX_BATCH(f->max_batch_log2) : 0);
	}
	if (f->operations)
		write32(idxd, f->queues + IDXD_QUEUE_OPERATIONS,
			1u << IDXD_OP_BATCH | 1u << IDXD_OP_MOVE);
}

static int idxd_set_up_interrupts(struct idxd *idxd)
{
	const struct idxd_facts *f = &idxd->facts;

	/* Without PASID, also if a former owner had one. */
	for (unsigned int i = 0; i < N_INTERRUPTS; i++)
		write32(idxd, f->msix + i * IDXD_MSIX_STRIDE, 0);
	write32(idxd, IDXD_GENCTRL, idxd->interrupts ? IDXD_GENCTRL_ERROR | IDXD_GENCTRL_HALT : 0);
	idxd->interrupt = idxd->interrupts ? COMPLETION_INTERRUPT : 0;
	if (!idxd->interrupts || !f->handles)
		return 0;
	if (idxd_command(idxd, IDXD_CMD_REQUEST_HANDLE, COMPLETION_INTERRUPT, &idxd->interrupt) < 0)
		return engine_complain(&idxd->engine, -EIO, "the device has no interrupt to give");
	return 0;
}

/* Every descriptor knows the record for its failure; no record was written. */
static void idxd_lay_out(struct idxd *idxd)
{
	void *records = (char *)idxd->memory.va + RING_SIZE + idxd->life % N_LIVES * RECORDS_SIZE;

	memset(records, 0, RECORDS_SIZE);
	idxd->records = records;
	idxd->failures = (struct idxd_record *)records + 2 * IDXD_SUBMISSIONS;
	memset(idxd->ring, 0, RING_SIZE);
	for (uint32_t i = 0; i < IDXD_RING; i++)
		idxd->ring[i].record = htole64(idxd_iova(idxd, &idxd->failures[i]));
}

static int idxd_enable(struct idxd *idxd)
{
	uint32_t state;

	if (idxd_command(idxd, IDXD_CMD_ENABLE_DEVICE, 0, NULL) < 0)
		return engine_complain(&idxd->engine, -EIO, "the device cannot be enabled");
	if (idxd_command(idxd, IDXD_CMD_ENABLE_QUEUE, 0, NULL) < 0)
		return engine_complain(&idxd->engine, -EIO, "its queue cannot be enabled");
	state = read32(idxd, idxd->facts.queues + IDXD_QUEUE_STATE);
	if (IDXD_QUEUE_STATE_OF(state) != IDXD_QUEUE_ENABLED)
		return engine_complain(&idxd->engine, -EIO, "its queue was not enabled");
	return 0;
}

int idxd_start(struct engine *e)
{
	struct idxd *idxd = to_idxd(e);
	int r;

	/* Whatever it was doing for its last owner, it must not go on with it. */
	r = idxd_stop(e);
	if (r < 0)
		return r;
	idxd->life++;
	idxd->n_vain = 0;
	idxd->n_owed = 0;
	write32(idxd, IDXD_INTCAUSE, read32(idxd, IDXD_INTCAUSE));
	write64(idxd, IDXD_SWERR, IDXD_SWERR_ACK);
	r = idxd_set_up_interrupts(idxd);
	if (r < 0)
		return r;
	idxd_lay_out(idxd);
	if (idxd->facts.configurable) {
		idxd_set_up_groups(idxd);
		idxd_set_up_queues(idxd);
	}
	r = idxd->t->ops->bus_master(idxd->t, true);
	/* The device refuses to be enabled without it. */
	if (r == 0)
		r = idxd_enable(idxd);
	/* One that does not start is as quiet as one that was stopped. */
	if (r < 0)
		idxd->t->ops->bus_master(idxd->t, false);
	return r;
}

void idxd_close(struct engine *e)
{
	struct idxd *idxd = to_idxd(e);

	idxd->t->ops->irq_disable(idxd->t);
	idxd->t->ops->dma_free(idxd->t, &idxd->memory);
	transport_close(idxd->t);
	engine_done(e);
	free(idxd);
}

static int idxd_init_engine(struct idxd *idxd, struct why *why)
{
	const struct idxd_facts *f = &idxd->facts;
	struct engine_caps caps = idxd_ops.caps;
	int r;

	while (idxd->share_log2 < 3 && 2u << idxd->share_log2 <= f->n_engines)
		idxd->share_log2++;
	/* So that a single folio is spread over the engines. */
	caps.max_len = MIN(UINT64_C(1) << f->max_xfer_log2, IDXD_MAX_LEN >> idxd->share_log2);
	caps.n_channels = f->n_engines;
	idxd->max_batch = MIN(1u << f->max_batch_log2, IDXD_RING);
	idxd->room = MIN(f->queue_size, IDXD_SUBMISSIONS / 2);
	r = engine_init(&idxd->engine, &idxd_ops, &caps);
	if (r < 0)
		return why_fail(why, r, "no memory");
	idxd->engine.transport = idxd->t;
	snprintf(idxd->engine.identity.version, sizeof(idxd->engine.identity.version), "%u.%u",
		 (uint8_t)(f->version >> 8), (uint8_t)f->version);
	r = idxd->t->ops->dma_alloc(idxd->t, RING_SIZE + N_LIVES * RECORDS_SIZE, &idxd->memory,
				    why);
	if (r < 0)
		engine_done(&idxd->engine);
	else
		idxd->ring = idxd->memory.va;
	return r;
}

int idxd_open(struct transport *t, struct engine **ret, struct why *why)
{
	_cleanup_free_ struct idxd *idxd = calloc(1, sizeof(*idxd));
	int r;

	if (!idxd)
		return why_fail(why, -ENOMEM, "no memory");
	idxd->t = t;
	r = idxd_read_facts(t, &idxd->facts, why);
	if (r == 0)
		r = idxd_init_engine(idxd, why);
	if (r < 0)
		return r;
	/* Without an interrupt it can still be polled. */
	idxd->interrupts = t->ops->irq_enable(t, N_INTERRUPTS, &idxd->engine.event_fd) == 0;
	if (!idxd->interrupts)
		idxd->engine.event_fd = -1;
	*ret = &TAKE_PTR(idxd)->engine;
	return 0;
}
