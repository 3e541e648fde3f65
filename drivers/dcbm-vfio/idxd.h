/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two halves of the DSA driver share: idxd.c copies, idxd_device.c opens, starts and
 * stops.
 */
#ifndef MIGOFF_DCBM_IDXD_H
#define MIGOFF_DCBM_IDXD_H

#include "engine_driver.h"
#include "idxd_regs.h"
#include "macros.h"

/* Copies that can be in flight; a power of two. */
#define IDXD_RING 1024u
/*
 * Places for what is in the queue; a power of two. Half of them are used at once, so that a record
 * that the device writes a second time is found before its place is needed again.
 */
#define IDXD_SUBMISSIONS 256u
/* The largest folio that is usual; with n engines a descriptor takes an n-th of it. */
#define IDXD_MAX_LEN (UINT64_C(2) << 20)
#define IDXD_ENGINES_MAX 64u

/**
 * struct idxd_submission - What was written to the portal at once: a batch, or a single copy.
 * @record: what the device writes when it is done.
 * @first: number of its first descriptor.
 * @n: how many.
 * @done: it is.
 */
struct idxd_submission {
	struct idxd_record *record;
	uint64_t first;
	uint32_t n;
	bool done;
};

/**
 * struct idxd_facts - What the registers say of a device.
 * @version: 0x100 is 1.0.
 * @configurable: groups and queues are for us to set up.
 * @handles: interrupts are asked for by a handle, which is a number of its own.
 * @operations: those are allowed by queue.
 * @queue_size: entries of the queue that is used.
 * @n_queues: all there are.
 * @n_groups: all there are.
 * @n_engines: that work for that queue.
 * @max_xfer_log2: bytes of a descriptor.
 * @max_batch_log2: descriptors of a batch.
 * @groups: where in the BAR they are set up.
 * @queues: where queues are.
 * @queue_stride: bytes from one queue to the next.
 * @msix: where the permissions of interrupts are.
 */
struct idxd_facts {
	uint32_t version;
	bool configurable;
	bool handles;
	bool operations;
	unsigned int queue_size;
	unsigned int n_queues;
	unsigned int n_groups;
	unsigned int n_engines;
	unsigned int max_xfer_log2;
	unsigned int max_batch_log2;
	uint64_t groups;
	uint64_t queues;
	uint64_t queue_stride;
	uint64_t msix;
};

/**
 * struct idxd - A device.
 * @engine: what all engines have.
 * @t: what is below.
 * @facts: what it is.
 * @memory: @ring, then the records of each life.
 * @life: how often it was started; each life has records of its own, for one that is written late
 *	by the one before must not be taken for its own.
 * @interrupts: it has some.
 * @interrupt: the handle of the one for completions.
 * @stuck: it did not come to rest: only a reset of the whole function can help.
 * @n_vain: how often nothing was found since something was found.
 * @n_owed: interrupts that were not seen yet, of submissions that are done.
 * @room: submissions that may be in the queue.
 * @max_batch: copies in one.
 * @share_log2: logarithm of the number of submissions that a flush makes, if it can.
 * @ring: descriptors, each at its number's place.
 * @records: of each submission the first; the second is never asked for.
 * @failures: of each descriptor, for what becomes of it in a batch if that is a failure.
 * @items: of each descriptor, the item that it is a part of.
 * @queued: number of the next descriptor; from there down: not flushed yet;
 * @flushed: from there down: flushed, but without room in the queue yet;
 * @posted: from there down: with the device, or done.
 * @batch: descriptors of one submission, of what was flushed last.
 * @submissions: those that are with the device, in [@oldest, @newest).
 * @n_submitted: of those, how many are not done.
 * @portal: where in the portal the next one goes.
 */
struct idxd {
	struct engine engine;
	struct transport *t;
	struct idxd_facts facts;
	struct dma_area memory;
	unsigned int life;
	bool interrupts;
	uint16_t interrupt;
	bool stuck;
	unsigned int n_vain;
	int n_owed;
	uint32_t room;
	uint32_t max_batch;
	unsigned int share_log2;
	struct idxd_descriptor *ring;
	struct idxd_record (*records)[2];
	struct idxd_record *failures;
	uint64_t items[IDXD_RING];
	uint64_t queued;
	uint64_t flushed;
	uint64_t posted;
	uint64_t batch;
	uint32_t oldest;
	uint32_t newest;
	uint32_t n_submitted;
	uint32_t portal;
	struct idxd_submission submissions[IDXD_SUBMISSIONS];
};

static inline struct idxd *to_idxd(struct engine *e)
{
	return container_of(e, struct idxd, engine);
}

/* Where the device finds what is in our memory. */
static inline uint64_t idxd_iova(const struct idxd *idxd, const void *p)
{
	return idxd->memory.iova + (uint64_t)((const char *)p - (const char *)idxd->memory.va);
}

/**
 * idxd_read_facts() - Find out what a device is.
 * @t: what is below; its BARs are opened.
 * @ret: the facts.
 * @why: the reason of a failure; may be NULL.
 *
 * Return: 0, -ENODEV for a device that is gone, or claims what cannot be, -EOPNOTSUPP for one, or
 * for a processor, that cannot do what is needed, or another negative errno.
 */
int idxd_read_facts(struct transport *t, struct idxd_facts *ret, struct why *why);

/* See struct engine_ops. */
int idxd_open(struct transport *t, struct engine **ret, struct why *why);
int idxd_start(struct engine *e);
int idxd_stop(struct engine *e);
int idxd_reset(struct engine *e);
void idxd_close(struct engine *e);

#endif
