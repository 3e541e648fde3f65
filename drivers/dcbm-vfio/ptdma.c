/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD's PTDMA ("passthrough DMA"): a queue of descriptors in a ring.
 *
 * The device writes nothing to memory but the copies. How far it is tells its head: the address
 * of the first descriptor that is not done. To run is a state that it leaves when there is
 * nothing to do, so it is told to with every doorbell. Only the last descriptor of a flush
 * interrupts.
 *
 * An error stops the queue with its head at the descriptor that failed, and a code in a register.
 * What is behind that in the ring must not be done any more when it runs again: so at every stop
 * the head is set to the tail. Nobody has published whether the device notices each error of the
 * bus.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amd.h"
#include "cleanup.h"
#include "macros.h"
#include "ptdma_regs.h"

/* Others have 32 (Linux) to 8192 (DPDK). */
#define RING_LOG2 10
#define RING (1u << RING_LOG2)
#define RING_SIZE (RING * sizeof(struct ptdma_descriptor))
/* The largest folio that is usual. */
#define MAX_LEN (UINT64_C(2) << 20)

/**
 * struct ptdma - A device.
 * @engine: what all engines have.
 * @t: what is below.
 * @memory: in it lies the ring.
 * @descriptors: the ring.
 * @iova: where the device finds it.
 * @ring: how far it is.
 * @control: what the queue is told to be, but for PTDMA_CONTROL_RUN.
 * @interrupts: it has one.
 * @stuck: it did not start: only a reset of the whole function can help.
 */
struct ptdma {
	struct engine engine;
	struct transport *t;
	struct dma_area memory;
	struct ptdma_descriptor *descriptors;
	uint64_t iova;
	struct amd_ring ring;
	uint32_t control;
	bool interrupts;
	bool stuck;
};

static struct ptdma *to_ptdma(struct engine *e)
{
	return container_of(e, struct ptdma, engine);
}

static uint32_t read32(struct ptdma *pt, uint64_t offset)
{
	return transport_read32(pt->t, PTDMA_BAR, offset);
}

static void write32(struct ptdma *pt, uint64_t offset, uint32_t value)
{
	transport_write32(pt->t, PTDMA_BAR, offset, value);
}

/* --- to copy ---------------------------------------------------------------------------------- */

static void ptdma_queue(struct engine *e, const struct engine_copy *copies, uint32_t n,
			uint64_t item)
{
	struct ptdma *pt = to_ptdma(e);
	/* That none of its engines has this number is the one thing that is wrong with it. */
	uint32_t control = PTDMA_DESC_END |
			   PTDMA_DESC_ENGINE(e->poison ? PTDMA_ENGINE_NONE : PTDMA_ENGINE_COPY);

	while (n > 0) {
		uint32_t place = amd_place(&pt->ring, pt->ring.tail), part = MIN(n, RING - place);
		struct ptdma_descriptor *d = &pt->descriptors[place];

#pragma GCC unroll 4
		for (uint32_t i = 0; i < part; i++) {
			d[i].control = htole32(control);
			d[i].length = htole32((uint32_t)copies[i].len);
			d[i].source_low = htole32((uint32_t)copies[i].src);
			d[i].source_high = htole32((uint32_t)(copies[i].src >> 32));
			d[i].destination_low = htole32((uint32_t)copies[i].dst);
			d[i].destination_high = htole32((uint32_t)(copies[i].dst >> 32));
		}
		pt->ring.tail += part;
		copies += part;
		n -= part;
	}
}

/*
 * Ask how many more descriptors are done. It is believed only if the head is at one that the
 * device has been given, or behind the last of them.
 */
static int ptdma_look(struct ptdma *pt, uint32_t *ret)
{
	uint32_t head = read32(pt, PTDMA_HEAD), offset = head - (uint32_t)pt->iova;

	if (head == UINT32_MAX)
		return engine_complain(&pt->engine, -EIO, amd_gone);
	if (offset >= RING_SIZE || offset % sizeof(*pt->descriptors) != 0)
		return engine_complain(&pt->engine, -EIO, "its head is at a place of no meaning");
	if (!amd_progress(&pt->ring, offset / sizeof(*pt->descriptors), ret))
		return engine_complain(&pt->engine, -EIO, amd_not_given);
	return 0;
}

/* An interrupt that told of what is known must not keep back the next one. */
static void ptdma_acknowledge(struct ptdma *pt)
{
	if (pt->interrupts && pt->engine.events)
		write32(pt, PTDMA_INT_STATUS, PTDMA_INT_DONE);
}

static int ptdma_flush(struct engine *e)
{
	struct ptdma *pt = to_ptdma(e);
	uint32_t n, last = amd_place(&pt->ring, pt->ring.tail - 1);
	int r;

	/* What it claims to have done now it has not been given yet. */
	r = ptdma_look(pt, &n);
	if (r < 0)
		return r;
	if (pt->interrupts && e->events)
		pt->descriptors[last].control |= htole32(PTDMA_DESC_INTERRUPT);
	pt->ring.flushed = pt->ring.tail;
	write32(pt, PTDMA_TAIL, (uint32_t)pt->iova + amd_place(&pt->ring, pt->ring.tail) *
						     (uint32_t)sizeof(*pt->descriptors));
	/* Even if it runs: it may be about to find that there is nothing to do. */
	write32(pt, PTDMA_CONTROL, pt->control | PTDMA_CONTROL_RUN);
	return 0;
}

/* Let in what is done. Return: how many descriptors, or -EIO. */
static int ptdma_take(struct ptdma *pt)
{
	uint32_t n;
	int r;

	r = ptdma_look(pt, &n);
	if (r < 0)
		return r;
	engine_oldest_done(&pt->engine, n, ENGINE_COPIED);
	pt->ring.reaped += n;
	return (int)n;
}

/* Return: false for a code that has no meaning. */
static bool ptdma_blame(uint32_t code, enum engine_status *ret)
{
	static const struct {
		uint8_t code;
		enum engine_status status;
	} others[] = {
		{ PTDMA_CODE_TIMEOUT, ENGINE_DEVICE_ERROR },
		{ PTDMA_CODE_PARITY, ENGINE_DEVICE_ERROR },
		{ PTDMA_CODE_READ0_SLAVE, ENGINE_READ_ERROR },
		{ PTDMA_CODE_READ0_DECODE, ENGINE_READ_ERROR },
		{ PTDMA_CODE_READ1_SLAVE, ENGINE_READ_ERROR },
		{ PTDMA_CODE_READ1_DECODE, ENGINE_READ_ERROR },
		{ PTDMA_CODE_WRITE0_SLAVE, ENGINE_WRITE_ERROR },
		{ PTDMA_CODE_WRITE0_DECODE, ENGINE_WRITE_ERROR },
		{ PTDMA_CODE_WRITE1_SLAVE, ENGINE_WRITE_ERROR },
		{ PTDMA_CODE_WRITE1_DECODE, ENGINE_WRITE_ERROR },
	};

	*ret = code >= PTDMA_CODE_ENGINE && code <= PTDMA_CODE_CONTEXT ? ENGINE_REFUSED :
									  ENGINE_DEVICE_ERROR;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].code == code) {
			*ret = others[i].status;
			return true;
		}
	return *ret == ENGINE_REFUSED;
}

/* What stopped it is what its head is at, once it has stopped. */
static int ptdma_report_halt(struct ptdma *pt)
{
	static const char *const complaints[] = {
		[ENGINE_READ_ERROR] = "the queue halted: it could not read a source",
		[ENGINE_WRITE_ERROR] = "the queue halted: it could not write a destination",
		[ENGINE_REFUSED] = "the queue halted: it refused a descriptor",
		[ENGINE_DEVICE_ERROR] = "the queue halted: it could not go on",
	};
	uint32_t code = PTDMA_STATUS_CODE(read32(pt, PTDMA_STATUS));
	enum engine_status status;
	bool known = ptdma_blame(code, &status);
	int r;

	r = ptdma_take(pt);
	if (r < 0)
		return r;
	if (pt->ring.reaped != pt->ring.flushed) {
		engine_oldest_done(&pt->engine, 1, status);
		pt->ring.reaped++;
	}
	return engine_complain(&pt->engine, -EIO, known ? complaints[status] :
			       "the queue halted with a code of no meaning");
}

static int ptdma_reap(struct engine *e)
{
	struct ptdma *pt = to_ptdma(e);
	int r, n_interrupts = 0;
	uint32_t causes;

	/* First of all, so that whatever is not seen below makes it readable again. */
	if (pt->interrupts && e->events) {
		n_interrupts = pt->t->ops->irq_rearm(pt->t);
		if (n_interrupts < 0)
			return n_interrupts;
	}
	if (pt->ring.reaped == pt->ring.flushed && n_interrupts == 0)
		return 0;
	ptdma_acknowledge(pt);
	r = ptdma_take(pt);
	if (r < 0)
		return r;
	/* An error is announced, too; who polls asks when there is nothing else. */
	if (pt->ring.reaped == pt->ring.flushed || (r > 0 && n_interrupts == 0))
		return 0;
	causes = read32(pt, PTDMA_INT_STATUS);
	if (causes == UINT32_MAX)
		return engine_complain(e, -EIO, amd_gone);
	return causes & PTDMA_INT_ERROR ? ptdma_report_halt(pt) : 0;
}

/* --- to start and to stop --------------------------------------------------------------------- */

static int ptdma_let_stop(struct engine *e)
{
	struct ptdma *pt = to_ptdma(e);
	uint32_t control = read32(pt, PTDMA_CONTROL);

	if (control == UINT32_MAX)
		return -ENODEV;
	write32(pt, PTDMA_INT_ENABLE, 0);
	/* Its ring must stay where it is until it is done with it. */
	write32(pt, PTDMA_CONTROL, control & ~(uint32_t)(PTDMA_CONTROL_RUN | PTDMA_CONTROL_HALTED));
	return 0;
}

static bool ptdma_has_nothing(struct engine *e)
{
	struct ptdma *pt = to_ptdma(e);

	return !(read32(pt, PTDMA_CONTROL) & PTDMA_CONTROL_RUN) &&
	       read32(pt, PTDMA_HEAD) == read32(pt, PTDMA_TAIL);
}

static bool ptdma_at_rest(struct engine *e)
{
	uint32_t control = read32(to_ptdma(e), PTDMA_CONTROL);

	return (control & PTDMA_CONTROL_HALTED && !(control & PTDMA_CONTROL_RUN)) ||
	       ptdma_has_nothing(e);
}

static int ptdma_quiesce(struct engine *e)
{
	static const struct amd_queues queues = {
		.let_stop = ptdma_let_stop,
		.at_rest = ptdma_at_rest,
		.have_nothing = ptdma_has_nothing,
	};
	struct ptdma *pt = to_ptdma(e);
	int r;

	r = amd_come_to_rest(e, &queues);
	if (r < 0)
		return r;
	/* Forget what is left, and what went wrong. */
	write32(pt, PTDMA_HEAD, read32(pt, PTDMA_TAIL));
	read32(pt, PTDMA_STATUS_2);
	read32(pt, PTDMA_STATUS);
	write32(pt, PTDMA_INT_STATUS, PTDMA_INT_ALL);
	return 0;
}

static int ptdma_stop(struct engine *e)
{
	struct ptdma *pt = to_ptdma(e);
	int r;

	r = ptdma_quiesce(e);
	if (pt->interrupts)
		pt->t->ops->irq_rearm(pt->t);
	return r;
}

static int ptdma_reset(struct engine *e)
{
	return to_ptdma(e)->stuck ? amd_reset(e) : 0;
}

static int ptdma_set_up(struct ptdma *pt)
{
	uint32_t low = (uint32_t)pt->iova;

	write32(pt, PTDMA_CONFIG, PTDMA_CONFIG_VHB);
	write32(pt, PTDMA_QUEUE_PRIO, PTDMA_QUEUE_PRIO_USUAL);
	write32(pt, PTDMA_TIMEOUT, 0);
	write32(pt, PTDMA_CLOCK_GATES, PTDMA_CLOCK_GATES_USUAL);
	write32(pt, PTDMA_REQID, 0);

	write32(pt, PTDMA_CONTROL, 0);
	write32(pt, PTDMA_TAIL, low);
	write32(pt, PTDMA_HEAD, low);
	write32(pt, PTDMA_CONTROL, pt->control);
	write32(pt, PTDMA_INT_ENABLE, pt->interrupts ? PTDMA_INT_DONE | PTDMA_INT_ERROR : 0);
	if (read32(pt, PTDMA_HEAD) != low || read32(pt, PTDMA_TAIL) != low)
		return engine_complain(&pt->engine, -EIO, "the queue does not take its ring");
	return 0;
}

static int ptdma_start(struct engine *e)
{
	struct ptdma *pt = to_ptdma(e);
	int r;

	/* Whatever it was doing for its last owner, it must not go on with it. */
	r = ptdma_stop(e);
	if (r < 0)
		return r;
	memset(pt->descriptors, 0, RING_SIZE);
	pt->ring = (struct amd_ring) { .size = RING };
	r = ptdma_set_up(pt);
	pt->stuck = r < 0;
	if (r == 0)
		r = pt->t->ops->bus_master(pt->t, true);
	/* One that does not start is as quiet as one that was stopped. */
	if (r < 0)
		pt->t->ops->bus_master(pt->t, false);
	return r;
}

/* --- to open and to close --------------------------------------------------------------------- */

static void ptdma_close(struct engine *e)
{
	struct ptdma *pt = to_ptdma(e);

	pt->t->ops->irq_disable(pt->t);
	pt->t->ops->dma_free(pt->t, &pt->memory);
	transport_close(pt->t);
	engine_done(e);
	free(pt);
}

static int ptdma_read_version(struct transport *t, uint32_t *ret, struct why *why)
{
	uint32_t version = transport_read32(t, PTDMA_BAR, PTDMA_VERSION);
	int r = 0;

	if (version == UINT32_MAX)
		r = why_fail(why, -ENODEV, "%s", amd_gone);
	else if (PTDMA_VERSION_QUEUES(version) == 0)
		r = why_fail(why, -ENODEV, "it claims to have 0 queues");
	if (r < 0)
		return amd_refuse(why, r);
	*ret = version;
	return 0;
}

/* Twice the memory, so that a ring that is aligned to its size is in it. */
static int ptdma_init_engine(struct ptdma *pt, uint32_t version, struct why *why)
{
	struct engine *e = &pt->engine;
	uint64_t skip;
	int r;

	r = engine_init(e, &ptdma_ops, &ptdma_ops.caps);
	if (r < 0)
		return why_fail(why, r, "no memory");
	e->transport = pt->t;
	snprintf(e->identity.version, sizeof(e->identity.version), "%u",
		 PTDMA_VERSION_NUMBER(version));
	r = pt->t->ops->dma_alloc(pt->t, 2 * RING_SIZE, &pt->memory, why);
	if (r < 0) {
		engine_done(e);
		return r;
	}
	pt->iova = ALIGN_UP(pt->memory.iova, RING_SIZE);
	skip = pt->iova - pt->memory.iova;
	pt->descriptors = (struct ptdma_descriptor *)((char *)pt->memory.va + skip);
	pt->control = PTDMA_CONTROL_SIZE(RING_LOG2) | PTDMA_CONTROL_HIGH(pt->iova);
	return 0;
}

static int ptdma_open(struct transport *t, struct engine **ret, struct why *why)
{
	_cleanup_free_ struct ptdma *pt = calloc(1, sizeof(*pt));
	uint32_t version = 0;
	int r;

	if (!pt)
		return why_fail(why, -ENOMEM, "no memory");
	pt->t = t;
	r = amd_open_bar(t, PTDMA_BAR, PTDMA_BAR_MIN, "a PTDMA", why);
	if (r == 0)
		r = ptdma_read_version(t, &version, why);
	if (r == 0)
		r = ptdma_init_engine(pt, version, why);
	if (r < 0)
		return r;
	/* Without an interrupt it can still be polled. */
	pt->interrupts = t->ops->irq_enable(t, 1, &pt->engine.event_fd) == 0;
	if (!pt->interrupts)
		pt->engine.event_fd = -1;
	*ret = &TAKE_PTR(pt)->engine;
	return 0;
}

static const struct engine_id ptdma_ids[] = {
	{ PTDMA_PCI_VENDOR, PTDMA_PCI_DEVICE },
};

const struct engine_ops ptdma_ops = {
	.name = "ptdma",
	.ids = ptdma_ids,
	.n_ids = ARRAY_SIZE(ptdma_ids),
	.caps = {
		.address_mask = (UINT64_C(1) << 48) - 1,
		.max_len = MAX_LEN,
		.ring_size = RING - 1,
		.align = 1,
		.congruence = 1,
		.in_order = true,
		.reports_dma_errors = false,
		.can_inject = true,
	},
	.open = ptdma_open,
	.start = ptdma_start,
	.stop = ptdma_stop,
	.reset = ptdma_reset,
	.queue = ptdma_queue,
	.flush = ptdma_flush,
	.reap = ptdma_reap,
	.close = ptdma_close,
};
