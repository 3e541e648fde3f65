/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ae4dma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* A ring lies where it is a multiple of its size; a page is a multiple of that. */
#define RING_SIZE (AE4DMA_RING * sizeof(struct ae4dma_descriptor))
#define N_LIVES 4

/* Whether it is through with all that it was given. */
static bool ae4dma_is_empty(struct ae4dma *ae, const struct ae4dma_queue *q)
{
	return ae4dma_read(ae, q, AE4DMA_READ_IDX) == ae4dma_read(ae, q, AE4DMA_WRITE_IDX);
}

static uint32_t ae4dma_status(struct ae4dma *ae, const struct ae4dma_queue *q)
{
	return AE4DMA_STATUS_OF(ae4dma_read(ae, q, AE4DMA_STATUS));
}

/* Those with nothing to do are at rest as they are; one that has halted is to forget it. */
static int ae4dma_let_stop(struct engine *e)
{
	struct ae4dma *ae = to_ae4dma(e);

	if (ae4dma_read(ae, &ae->queues[0], AE4DMA_STATUS) == UINT32_MAX)
		return -ENODEV;
	for (unsigned int i = 0; i < ae->n_queues; i++) {
		struct ae4dma_queue *q = &ae->queues[i];

		q->stops = !ae4dma_is_empty(ae, q) ||
			   ae4dma_status(ae, q) == AE4DMA_STATUS_ERROR;
		if (q->stops)
			ae4dma_write(ae, q, AE4DMA_CONTROL, 0);
	}
	return 0;
}

static bool ae4dma_at_rest(struct engine *e)
{
	struct ae4dma *ae = to_ae4dma(e);

	for (unsigned int i = 0; i < ae->n_queues; i++) {
		struct ae4dma_queue *q = &ae->queues[i];

		if (q->stops && ae4dma_status(ae, q) != AE4DMA_STATUS_STOPPED)
			return false;
	}
	return true;
}

/* A queue that has halted does nothing, whatever it has to do. */
static bool ae4dma_has_nothing(struct engine *e)
{
	struct ae4dma *ae = to_ae4dma(e);

	for (unsigned int i = 0; i < ae->n_queues; i++) {
		struct ae4dma_queue *q = &ae->queues[i];

		if (!ae4dma_is_empty(ae, q) && ae4dma_status(ae, q) != AE4DMA_STATUS_STOPPED &&
		    ae4dma_status(ae, q) != AE4DMA_STATUS_ERROR)
			return false;
	}
	return true;
}

/*
 * READ_IDX cannot be set, and stays where it is: so WRITE_IDX is set to it, and there is nothing
 * to do.
 */
static int ae4dma_forget(struct ae4dma *ae, const struct ae4dma_queue *q)
{
	uint32_t place = ae4dma_read(ae, q, AE4DMA_READ_IDX);

	if (place >= AE4DMA_RING)
		return ae4dma_disbelieve(ae, ae4dma_senseless);
	if (place != ae4dma_read(ae, q, AE4DMA_WRITE_IDX))
		ae4dma_write(ae, q, AE4DMA_WRITE_IDX, place);
	return 0;
}

static int ae4dma_quiesce(struct engine *e)
{
	static const struct amd_queues queues = {
		.let_stop = ae4dma_let_stop,
		.at_rest = ae4dma_at_rest,
		.have_nothing = ae4dma_has_nothing,
	};
	struct ae4dma *ae = to_ae4dma(e);
	int r;

	r = amd_come_to_rest(e, &queues);
	for (unsigned int i = 0; i < ae->n_queues && r == 0; i++)
		r = ae4dma_forget(ae, &ae->queues[i]);
	return r;
}

int ae4dma_stop(struct engine *e)
{
	struct ae4dma *ae = to_ae4dma(e);
	int r;

	r = ae4dma_quiesce(e);
	if (ae->interrupts)
		ae->t->ops->irq_rearm(ae->t);
	return r;
}

int ae4dma_reset(struct engine *e)
{
	return to_ae4dma(e)->stuck ? amd_reset(e) : 0;
}

/*
 * Begin where the last owner stopped; or where the queue is when it is enabled, if that sets it
 * back.
 */
static int ae4dma_enable(struct ae4dma *ae, struct ae4dma_queue *q)
{
	int r;

	ae4dma_write(ae, q, AE4DMA_CONTROL, AE4DMA_CONTROL_ENABLE);
	r = ae4dma_forget(ae, q);
	if (r < 0)
		return r;
	if (ae4dma_status(ae, q) == AE4DMA_STATUS_ERROR)
		return engine_complain(&ae->engine, -EIO, "a queue stays halted");
	q->ring = (struct amd_ring) {
		.size = AE4DMA_RING,
		.base = ae4dma_read(ae, q, AE4DMA_WRITE_IDX),
	};
	q->load = 0;
	return 0;
}

static int ae4dma_set_up_queue(struct ae4dma *ae, unsigned int i)
{
	struct ae4dma_queue *q = &ae->queues[i];
	uint64_t offset = (ae->life % N_LIVES * ae->n_queues + i) * RING_SIZE;

	q->descriptors = (struct ae4dma_descriptor *)((char *)ae->memory.va + offset);
	q->iova = ae->memory.iova + offset;
	memset(q->descriptors, 0, RING_SIZE);
	ae4dma_write(ae, q, AE4DMA_MAX_IDX, AE4DMA_RING);
	ae4dma_write(ae, q, AE4DMA_BASE_LOW, (uint32_t)q->iova);
	ae4dma_write(ae, q, AE4DMA_BASE_HIGH, (uint32_t)(q->iova >> 32));
	ae4dma_write(ae, q, AE4DMA_INT_STATUS, AE4DMA_INT_STATUS_NONE);
	if (ae4dma_read(ae, q, AE4DMA_MAX_IDX) != AE4DMA_RING)
		return engine_complain(&ae->engine, -EIO, "a queue does not take its ring");
	return ae4dma_enable(ae, q);
}

int ae4dma_start(struct engine *e)
{
	struct ae4dma *ae = to_ae4dma(e);
	int r;

	/* Whatever it was doing for its last owner, it must not go on with it. */
	r = ae4dma_stop(e);
	if (r < 0)
		return r;
	/* Not any more after a reset of the function. */
	transport_write32(ae->t, AE4DMA_BAR, AE4DMA_QUEUES, ae->n_queues);
	ae->life++;
	ae->n_vain = 0;
	ae->current = &ae->queues[0];
	ae->portion = 0;
	for (unsigned int i = 0; i < ae->n_queues && r == 0; i++)
		r = ae4dma_set_up_queue(ae, i);
	ae->stuck = r < 0;
	if (r == 0)
		r = ae->t->ops->bus_master(ae->t, true);
	/* One that does not start is as quiet as one that was stopped. */
	if (r < 0)
		ae->t->ops->bus_master(ae->t, false);
	return r;
}

void ae4dma_close(struct engine *e)
{
	struct ae4dma *ae = to_ae4dma(e);

	ae->t->ops->irq_disable(ae->t);
	ae->t->ops->dma_free(ae->t, &ae->memory);
	transport_close(ae->t);
	engine_done(e);
	free(ae);
}

/*
 * How many there are says no register but the one that is told how many shall work; and they do
 * from then on: what a former owner left is to be forgotten before.
 */
static int ae4dma_count_queues(struct ae4dma *ae, struct why *why)
{
	uint32_t n = 0;
	int r;

	ae->n_queues = AE4DMA_QUEUES_MAX;
	r = ae4dma_quiesce(&ae->engine);
	if (r == 0) {
		transport_write32(ae->t, AE4DMA_BAR, AE4DMA_QUEUES, AE4DMA_QUEUES_MAX);
		n = transport_read32(ae->t, AE4DMA_BAR, AE4DMA_QUEUES);
		if (n == 0 || n > AE4DMA_QUEUES_MAX)
			r = why_fail(why, -ENODEV, "it claims to have %u queues", n);
	} else {
		why_fail(why, r, "%s", ae->engine.complaint ?: strerror(-r));
	}
	ae->n_queues = n;
	return r < 0 ? amd_refuse(why, r) : 0;
}

static int ae4dma_init_engine(struct ae4dma *ae, struct why *why)
{
	struct engine_caps caps = ae4dma_ops.caps;
	int r;

	/* So that a single folio is spread over the queues. */
	for (unsigned int n = 1; n < ae->n_queues; n *= 2)
		caps.max_len /= 2;
	caps.ring_size *= ae->n_queues;
	caps.n_channels = ae->n_queues;
	r = engine_init(&ae->engine, &ae4dma_ops, &caps);
	if (r < 0)
		return why_fail(why, r, "no memory");
	r = ae->t->ops->dma_alloc(ae->t, N_LIVES * ae->n_queues * RING_SIZE, &ae->memory, why);
	if (r < 0)
		engine_done(&ae->engine);
	return r;
}

int ae4dma_open(struct transport *t, struct engine **ret, struct why *why)
{
	_cleanup_free_ struct ae4dma *ae = calloc(1, sizeof(*ae));
	int r;

	if (!ae)
		return why_fail(why, -ENOMEM, "no memory");
	ae->t = ae->engine.transport = t;
	for (unsigned int i = 0; i < AE4DMA_QUEUES_MAX; i++)
		ae->queues[i].regs = AE4DMA_QUEUE(i);
	r = amd_open_bar(t, AE4DMA_BAR, AE4DMA_QUEUE(AE4DMA_QUEUES_MAX), "an AE4DMA", why);
	if (r == 0)
		r = ae4dma_count_queues(ae, why);
	if (r == 0)
		r = ae4dma_init_engine(ae, why);
	if (r < 0)
		return r;
	/* Without an interrupt it can still be polled. */
	ae->interrupts = t->ops->irq_enable(t, ae->n_queues, &ae->engine.event_fd) == 0;
	if (!ae->interrupts)
		ae->engine.event_fd = -1;
	*ret = &TAKE_PTR(ae)->engine;
	return 0;
}
