/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel's Data Streaming Accelerator as a copy engine: one dedicated queue, and all engines of the
 * device in the group that serves it.
 *
 * What is flushed at once is submitted as one batch for each engine: a list of descriptors in our
 * ring, which a batch descriptor points to, written to the queue's portal as 64 bytes at once. A
 * batch of one is not allowed: that descriptor is written itself. The queue drops silently what it
 * has no room for, so nothing is submitted that there is no room for; the rest waits for
 * completions.
 *
 * A submission is done when its record is written. The record of a batch says whether all of it
 * was copied; only the failures in it have records of their own, at a place that goes with the
 * descriptor, and the device goes on behind them. Nothing in a record tells whose it is, so a place
 * is used again late, and has an empty one beside it: a record that is written twice, or astray, is
 * found there.
 *
 * What cannot be seen in memory - that the device is gone, has halted, or could not even write a
 * record - is looked for in its registers when there was an interrupt without progress, and now and
 * then when polling is in vain.
 */
#include "idxd.h"

#include <endian.h>
#include <errno.h>

/* Reading a register takes as long as a small copy. */
#define VAIN_POLLS_MAX 1024

static const char complaint_gone[] = "the device is gone: its registers read all ones";
static const char complaint_not_given[] = "the device completed what it was not given";
static const char complaint_senseless[] = "the device completed with a code of no meaning";

/* What never changes, the address of its record, is in the ring since the start. */
static void idxd_queue(struct engine *e, const struct engine_copy *copies, uint32_t n, uint64_t item)
{
	struct idxd *idxd = to_idxd(e);
	uint32_t operation = e->poison ? IDXD_OP_NONE : IDXD_OP_MOVE;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = idxd->queued++ % IDXD_RING;
		struct idxd_descriptor *d = &idxd->ring[place];

		d->flags = htole32(IDXD_FLAG_RECORD_VALID | operation << IDXD_OP_SHIFT);
		d->source = htole64(copies[i].src);
		d->destination = htole64(copies[i].dst);
		d->size = htole32((uint32_t)copies[i].len);
		/* Of one that does not interrupt, the handle is reserved. */
		d->interrupt = 0;
		idxd->items[place] = item + i;
	}
}

static void idxd_write_portal(struct idxd *idxd, const struct idxd_descriptor *d)
{
	idxd->t->ops->post64(idxd->t, IDXD_PORTAL_BAR, idxd->portal, d);
	idxd->portal = (idxd->portal + sizeof(*d)) % IDXD_PORTAL_SIZE;
}

static void idxd_submit_one(struct idxd *idxd, struct idxd_submission *s, uint32_t flags)
{
	struct idxd_descriptor *d = &idxd->ring[s->first % IDXD_RING];

	d->flags |= htole32(flags);
	d->record = htole64(idxd_iova(idxd, s->record));
	if (flags & IDXD_FLAG_INTERRUPT)
		d->interrupt = htole16(idxd->interrupt);
	idxd_write_portal(idxd, d);
}

static void idxd_submit_batch(struct idxd *idxd, struct idxd_submission *s, uint32_t flags)
{
	_Alignas(64) struct idxd_descriptor d = {
		.flags = htole32(flags | IDXD_FLAG_RECORD_VALID |
				 IDXD_OP_BATCH << IDXD_OP_SHIFT),
		.record = htole64(idxd_iova(idxd, s->record)),
		.source = htole64(idxd_iova(idxd, &idxd->ring[s->first % IDXD_RING])),
		.size = htole32(s->n),
		.interrupt = flags & IDXD_FLAG_INTERRUPT ? htole16(idxd->interrupt) : 0,
	};

	idxd_write_portal(idxd, &d);
}

static bool idxd_record_written(const struct idxd_record *record)
{
	return __atomic_load_n(&record->status, __ATOMIC_RELAXED) != 0;
}

/* Fill the queue with what waits. */
static int idxd_submit(struct idxd *idxd)
{
	uint32_t flags = IDXD_FLAG_RECORD;

	if (idxd->interrupts && idxd->engine.events)
		flags |= IDXD_FLAG_INTERRUPT;
	while (idxd->posted < idxd->flushed && idxd->n_submitted < idxd->room &&
	       idxd->newest - idxd->oldest < IDXD_SUBMISSIONS) {
		uint32_t place = idxd->newest % IDXD_SUBMISSIONS;
		struct idxd_submission *s = &idxd->submissions[place];
		uint64_t n = MIN(idxd->flushed - idxd->posted, idxd->batch);

		/* Written by somebody who had no business to, after it was done with last time. */
		if (idxd_record_written(idxd->records[place]))
			return engine_complain(&idxd->engine, -EIO, complaint_not_given);

		/* A list does not go round the end of the ring. */
		n = MIN(n, IDXD_RING - idxd->posted % IDXD_RING);
		*s = (struct idxd_submission) {
			.record = idxd->records[place],
			.first = idxd->posted,
			.n = (uint32_t)n,
		};
		idxd->newest++;
		idxd->n_submitted++;
		idxd->posted += n;
		if (n == 1)
			idxd_submit_one(idxd, s, flags);
		else
			idxd_submit_batch(idxd, s, flags);
	}
	return 0;
}

static int idxd_flush(struct engine *e)
{
	struct idxd *idxd = to_idxd(e);
	uint64_t n = idxd->queued - idxd->flushed, share;

	/* Each engine its part, of at least one, and no more than a batch may have. */
	share = (n + (UINT64_C(1) << idxd->share_log2) - 1) >> idxd->share_log2;
	idxd->batch = MIN(share, idxd->max_batch);
	idxd->flushed = idxd->queued;
	return idxd_submit(idxd);
}

/* Return: what the code stands for, or _ENGINE_STATUS_MAX for nothing. */
static enum engine_status idxd_status(uint8_t status)
{
	uint8_t code = status & IDXD_STATUS_CODE;

	switch (code) {
	case IDXD_STATUS_SUCCESS:
		return status & IDXD_STATUS_WRITE ? _ENGINE_STATUS_MAX : ENGINE_COPIED;
	case IDXD_STATUS_PAGE_FAULT:
	case IDXD_STATUS_PAGE_FAULT_BLOCKED:
	case IDXD_STATUS_TRANSLATION:
		return status & IDXD_STATUS_WRITE ? ENGINE_WRITE_ERROR : ENGINE_READ_ERROR;
	case IDXD_STATUS_READBACK_FAULT:
		return ENGINE_WRITE_ERROR;
	case IDXD_STATUS_HARDWARE:
	case IDXD_STATUS_HARDWARE_READBACK:
		return ENGINE_DEVICE_ERROR;
	}
	if (code >= IDXD_STATUS_OPCODE && code <= IDXD_STATUS_CLASSES)
		return ENGINE_REFUSED;
	return _ENGINE_STATUS_MAX;
}

static int idxd_report(struct engine *e, uint64_t number, uint8_t status)
{
	enum engine_status meaning = idxd_status(status);

	if (meaning == _ENGINE_STATUS_MAX)
		return engine_complain(e, -EIO, complaint_senseless);
	engine_desc_done(e, to_idxd(e)->items[number % IDXD_RING], meaning);
	return 0;
}

/* What of a batch was copied and what was not: those without a record were. */
static int idxd_report_failed_batch(struct engine *e, const struct idxd_submission *s,
				    uint32_t completed)
{
	struct idxd *idxd = to_idxd(e);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < completed; i++) {
		struct idxd_record *record = &idxd->failures[(s->first + i) % IDXD_RING];
		uint8_t status = __atomic_load_n(&record->status, __ATOMIC_ACQUIRE);

		__atomic_store_n(&record->status, 0, __ATOMIC_RELAXED);
		r = idxd_report(e, s->first + i, status ? status : IDXD_STATUS_SUCCESS);
	}
	return r;
}

/* The device has not done what is in a batch, or not all of it. */
static int idxd_complain_of_batch(struct engine *e, uint8_t status)
{
	switch (idxd_status(status)) {
	case ENGINE_READ_ERROR:
	case ENGINE_WRITE_ERROR:
		return engine_complain(e, -EIO, "the device could not read a batch");
	case ENGINE_REFUSED:
		return engine_complain(e, -EIO, "the device refused a batch");
	case ENGINE_DEVICE_ERROR:
		return engine_complain(e, -EIO, "the device failed with a batch");
	default:
		return engine_complain(e, -EIO, complaint_senseless);
	}
}

static int idxd_report_batch(struct engine *e, const struct idxd_submission *s, uint8_t status,
			     uint32_t completed)
{
	uint8_t code = status & IDXD_STATUS_CODE;
	int r;

	if (status == IDXD_STATUS_SUCCESS) {
		for (uint32_t i = 0; i < s->n; i++)
			engine_desc_done(e, to_idxd(e)->items[s->first % IDXD_RING + i],
					 ENGINE_COPIED);
		return 0;
	}
	if (code != IDXD_STATUS_BATCH_FAILED && code != IDXD_STATUS_BATCH_FAULT)
		return idxd_complain_of_batch(e, status);
	if (completed > s->n)
		return engine_complain(e, -EIO, complaint_not_given);
	r = idxd_report_failed_batch(e, s, completed);
	if (r < 0 || completed == s->n)
		return r;
	return engine_complain(e, -EIO, "the device gave up in the middle of a batch");
}

/* Return: 1 if it is done, 0 if not, or -EIO. */
static int idxd_reap_submission(struct engine *e, struct idxd_submission *s)
{
	uint8_t status = __atomic_load_n(&s->record->status, __ATOMIC_ACQUIRE);
	struct idxd *idxd = to_idxd(e);
	uint32_t place = s->first % IDXD_RING, completed;
	int r;

	if (status == 0)
		return 0;
	completed = le32toh(__atomic_load_n(&s->record->completed, __ATOMIC_RELAXED));
	/* So that another one there will be noticed; beside it there is never one. */
	__atomic_store_n(&s->record->status, 0, __ATOMIC_RELAXED);
	if (idxd_record_written(s->record + 1))
		return engine_complain(e, -EIO, complaint_not_given);
	s->done = true;
	idxd->n_submitted--;
	if (s->n > 1) {
		r = idxd_report_batch(e, s, status, completed);
	} else {
		idxd->ring[place].record = htole64(idxd_iova(idxd, &idxd->failures[place]));
		r = idxd_report(e, s->first, status);
	}
	return r < 0 ? r : 1;
}

/* Return: as idxd_reap_submission(), for all. */
static int idxd_reap_all(struct engine *e)
{
	struct idxd *idxd = to_idxd(e);
	int r, progress = 0, error = 0;

	for (uint32_t i = idxd->oldest; i != idxd->newest; i++) {
		struct idxd_submission *s = &idxd->submissions[i % IDXD_SUBMISSIONS];

		if (s->done)
			continue;
		r = idxd_reap_submission(e, s);
		error = r < 0 ? r : error;
		progress |= r > 0;
	}
	while (idxd->oldest != idxd->newest &&
	       idxd->submissions[idxd->oldest % IDXD_SUBMISSIONS].done)
		idxd->oldest++;
	return error < 0 ? error : progress;
}

/* Whether the device, which is silent, can still be expected to speak. */
static int idxd_look_closer(struct idxd *idxd)
{
	uint32_t cause = transport_read32(idxd->t, IDXD_BAR, IDXD_INTCAUSE);
	uint32_t state = transport_read32(idxd->t, IDXD_BAR, IDXD_GENSTS);

	if (state == UINT32_MAX)
		return engine_complain(&idxd->engine, -EIO, complaint_gone);
	if (cause)
		transport_write32(idxd->t, IDXD_BAR, IDXD_INTCAUSE, cause);
	if ((state & IDXD_GENSTS_STATE) == IDXD_GENSTS_HALT)
		return engine_complain(&idxd->engine, -EIO, "the device halted");
	if ((state & IDXD_GENSTS_STATE) != IDXD_GENSTS_ENABLED)
		return engine_complain(&idxd->engine, -EIO, "the device switched itself off");
	if (transport_read64(idxd->t, IDXD_BAR, IDXD_SWERR) & IDXD_SWERR_VALID) {
		transport_write64(idxd->t, IDXD_BAR, IDXD_SWERR, IDXD_SWERR_ACK);
		return engine_complain(&idxd->engine, -EIO,
				       "the device failed, and could not say with what");
	}
	if (cause & IDXD_INTCAUSE_REVOKED)
		return engine_complain(&idxd->engine, -EIO, "the device revoked its interrupts");
	return 0;
}

static int idxd_reap(struct engine *e)
{
	struct idxd *idxd = to_idxd(e);
	uint32_t n_before = idxd->n_submitted;
	int r, n_interrupts = 0;

	/* First of all, so that whatever is not seen below makes it readable again. */
	if (idxd->interrupts && e->events) {
		n_interrupts = idxd->t->ops->irq_rearm(idxd->t);
		if (n_interrupts < 0)
			return n_interrupts;
	}
	r = idxd_reap_all(e);
	if (r < 0)
		return r;
	/* An interrupt that no submission accounts for, done now or before, is an error's. */
	idxd->n_owed += (int)(n_before - idxd->n_submitted) - n_interrupts;
	if (r > 0)
		idxd->n_vain = 0;
	else if (idxd->n_submitted > 0)
		idxd->n_vain++;
	if (idxd->n_owed < 0 || idxd->n_vain >= VAIN_POLLS_MAX) {
		idxd->n_owed = MAX(idxd->n_owed, 0);
		idxd->n_vain = 0;
		r = idxd_look_closer(idxd);
		if (r < 0)
			return r;
	}
	return idxd_submit(idxd);
}

static const struct engine_id idxd_ids[] = {
	{ IDXD_PCI_VENDOR, IDXD_DEVICE_SPR },
	{ IDXD_PCI_VENDOR, IDXD_DEVICE_GNRD },
	{ IDXD_PCI_VENDOR, IDXD_DEVICE_DMR },
};

const struct engine_ops idxd_ops = {
	.name = "idxd",
	.ids = idxd_ids,
	.n_ids = ARRAY_SIZE(idxd_ids),
	.caps = {
		.address_mask = UINT64_MAX,
		.max_len = IDXD_MAX_LEN,
		.ring_size = IDXD_RING,
		.align = 1,
		.congruence = 1,
		.reports_dma_errors = true,
		.can_inject = true,
	},
	.open = idxd_open,
	.start = idxd_start,
	.stop = idxd_stop,
	.reset = idxd_reset,
	.queue = idxd_queue,
	.flush = idxd_flush,
	.reap = idxd_reap,
	.close = idxd_close,
};
