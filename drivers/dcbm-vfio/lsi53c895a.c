/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LSI 53C895A SCSI controller as a copy engine: its SCRIPTS processor has an instruction that
 * moves memory to memory, and QEMU's model of it, which any QEMU has, executes it. Nothing is
 * connected to its SCSI bus.
 *
 * Copies wait in a ring in our memory. When the device is idle, up to LIST_MAX of them become a
 * script: a move for each, then an INT whose code tells this script from all others. One script
 * runs at a time; the two buffers take turns, so that the one written next is never the one that
 * the device may still be fetching from.
 *
 * It reports no DMA errors: a source that is not mapped reads as zeros.
 */
#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "engine_driver.h"
#include "lsi53c895a_regs.h"
#include "macros.h"
#include "patience.h"

#define RING_SIZE 256
/* Moves in a script: with the INT they are executed at one stretch. */
#define LIST_MAX (LSI_MAX_INSNS - 1)
#define LIST_WORDS (LIST_MAX * LSI_MOVE_WORDS + LSI_INT_WORDS)
#define LIST_STRIDE 2048
#define N_LISTS 2
#define RESET_TIMEOUT_NS (100 * NSEC_PER_MSEC)

_Static_assert(LIST_WORDS * sizeof(uint32_t) <= LIST_STRIDE, "a script fits its buffer");

/*
 * Descriptors [n_reaped, n_kicked) are in the script that runs, [n_kicked, n_flushed) wait for the
 * device, [n_flushed, n_queued) for engine_submit(). @code is that of the script that runs or ran
 * last; its lowest bit tells which buffer it is in.
 */
struct lsi {
	struct engine engine;
	struct transport *t;
	struct dma_area lists;
	struct engine_desc ring[RING_SIZE];
	uint64_t n_queued;
	uint64_t n_flushed;
	uint64_t n_kicked;
	uint64_t n_reaped;
	uint32_t code;
};

static struct lsi *to_lsi(struct engine *e)
{
	return container_of(e, struct lsi, engine);
}

static size_t lsi_list_offset(const struct lsi *lsi)
{
	return lsi->code % N_LISTS * LIST_STRIDE;
}

/* SRST forgets everything, also a script parked in the middle, which ABRT would not stop. */
static int lsi_software_reset(struct lsi *lsi)
{
	struct patience patience = patience_for(RESET_TIMEOUT_NS);

	transport_write8(lsi->t, LSI_BAR, LSI_ISTAT0, LSI_ISTAT0_SRST);
	transport_write8(lsi->t, LSI_BAR, LSI_ISTAT0, 0);
	while (transport_read8(lsi->t, LSI_BAR, LSI_ISTAT1) & LSI_ISTAT1_SRUN ||
	       transport_read8(lsi->t, LSI_BAR, LSI_ISTAT0)) {
		if (!patience_left(&patience))
			return -EIO;
	}
	return 0;
}

static int lsi_stop(struct engine *e)
{
	struct lsi *lsi = to_lsi(e);
	int r, r_reset;

	r = lsi->t->ops->bus_master(lsi->t, false);
	r_reset = lsi_software_reset(lsi);
	lsi->n_reaped = lsi->n_kicked = lsi->n_flushed = lsi->n_queued;
	if (e->event_fd >= 0)
		lsi->t->ops->irq_rearm(lsi->t);
	return r < 0 ? r : r_reset;
}

static int lsi_start(struct engine *e)
{
	struct lsi *lsi = to_lsi(e);
	int r;

	/* Whatever it was doing for its last owner, it must not go on with it. */
	r = lsi_stop(e);
	if (r < 0)
		return r;
	transport_write8(lsi->t, LSI_BAR, LSI_DMODE, 0);
	transport_write8(lsi->t, LSI_BAR, LSI_SIEN0, 0);
	transport_write8(lsi->t, LSI_BAR, LSI_SIEN1, 0);
	transport_write32(lsi->t, LSI_BAR, LSI_MMRS, 0);
	transport_write32(lsi->t, LSI_BAR, LSI_MMWS, 0);
	transport_write8(lsi->t, LSI_BAR, LSI_DIEN, e->event_fd >= 0 ? LSI_DIEN_ALL : 0);
	return lsi->t->ops->bus_master(lsi->t, true);
}

static void lsi_queue(struct engine *e, const struct engine_copy *copies, uint32_t n, uint64_t item)
{
	struct lsi *lsi = to_lsi(e);

	for (uint32_t i = 0; i < n; i++)
		lsi->ring[lsi->n_queued++ % RING_SIZE] = (struct engine_desc) {
			.copy = copies[i],
			.poison = e->poison,
		};
}

static void lsi_write_move(uint32_t *words, const struct engine_desc *desc)
{
	uint32_t insn = desc->poison ? LSI_INSN_ILLEGAL : LSI_INSN_MOVE | (uint32_t)desc->copy.len;

	words[0] = htole32(insn);
	words[1] = htole32((uint32_t)desc->copy.src);
	words[2] = htole32((uint32_t)desc->copy.dst);
}

/* Give the device the next script, if it is idle and there is something to do. */
static void lsi_kick(struct lsi *lsi)
{
	uint64_t n = MIN(lsi->n_flushed - lsi->n_kicked, (uint64_t)LIST_MAX);
	uint32_t *words;

	if (n == 0 || lsi->n_kicked != lsi->n_reaped)
		return;
	lsi->code++;
	words = (uint32_t *)((char *)lsi->lists.va + lsi_list_offset(lsi));
	for (uint64_t i = 0; i < n; i++, words += LSI_MOVE_WORDS)
		lsi_write_move(words, &lsi->ring[lsi->n_kicked++ % RING_SIZE]);
	words[0] = htole32(LSI_INSN_INT);
	words[1] = htole32(lsi->code);
	/* Before the device is told of it, the script is in memory. */
	atomic_thread_fence(memory_order_release);
	transport_write32(lsi->t, LSI_BAR, LSI_DSP,
			  (uint32_t)(lsi->lists.iova + lsi_list_offset(lsi)));
}

static int lsi_flush(struct engine *e)
{
	struct lsi *lsi = to_lsi(e);

	lsi->n_flushed = lsi->n_queued;
	lsi_kick(lsi);
	return 0;
}

static void lsi_report_until(struct lsi *lsi, uint64_t until)
{
	engine_oldest_done(&lsi->engine, (uint32_t)(until - lsi->n_reaped), ENGINE_COPIED);
	lsi->n_reaped = until;
}

/* The device stopped in the middle of a script: what DSP points behind is to blame. */
static int lsi_report_failure(struct lsi *lsi, uint8_t dstat)
{
	uint32_t dsp = transport_read32(lsi->t, LSI_BAR, LSI_DSP);
	uint64_t begin = lsi->lists.iova + lsi_list_offset(lsi);
	uint64_t at = (dsp - begin - 1) / (LSI_MOVE_WORDS * sizeof(uint32_t));

	if (dsp > begin && at < lsi->n_kicked - lsi->n_reaped) {
		lsi_report_until(lsi, lsi->n_reaped + at);
		lsi->n_reaped++;
		engine_oldest_done(&lsi->engine, 1,
				   dstat & LSI_DSTAT_IID ? ENGINE_REFUSED : ENGINE_DEVICE_ERROR);
	}
	return -EIO;
}

/* Take one interrupt's worth of status. Return: 1 if there was some, 0 if not, or -errno. */
static int lsi_reap_one(struct lsi *lsi)
{
	uint8_t istat, dstat;
	uint32_t code;

	istat = transport_read8(lsi->t, LSI_BAR, LSI_ISTAT0);
	if (istat & LSI_ISTAT0_INTF)
		transport_write8(lsi->t, LSI_BAR, LSI_ISTAT0, LSI_ISTAT0_INTF);
	if (!(istat & LSI_ISTAT0_DIP))
		return 0;

	code = transport_read32(lsi->t, LSI_BAR, LSI_DSPS);
	dstat = transport_read8(lsi->t, LSI_BAR, LSI_DSTAT) & (uint8_t)~LSI_DSTAT_DFE;
	/* Also if the device is gone: then all ones are read from it. */
	if (dstat & ~LSI_DSTAT_SIR)
		return lsi_report_failure(lsi, dstat);
	/* Of a script that was given up? Then nothing of what runs is finished. */
	if (code == lsi->code && lsi->n_kicked != lsi->n_reaped)
		lsi_report_until(lsi, lsi->n_kicked);
	return 1;
}

static int lsi_reap(struct engine *e)
{
	struct lsi *lsi = to_lsi(e);
	int r;

	/* At most the scripts that a ring makes: a model may have finished each when kicked. */
	while ((r = lsi_reap_one(lsi)) > 0)
		lsi_kick(lsi);
	if (r < 0)
		return r;
	/*
	 * Even if there was nothing: an interrupt whose cause was taken before it was delivered is
	 * masked like any other. None is lost, for the line is level-triggered.
	 */
	return e->event_fd >= 0 ? lsi->t->ops->irq_rearm(lsi->t) : 0;
}

static void lsi_close(struct engine *e)
{
	struct lsi *lsi = to_lsi(e);

	lsi->t->ops->irq_disable(lsi->t);
	lsi->t->ops->dma_free(lsi->t, &lsi->lists);
	transport_close(lsi->t);
	engine_done(e);
	free(lsi);
}

static int lsi_open(struct transport *t, struct engine **ret, struct why *why)
{
	_cleanup_free_ struct lsi *lsi = calloc(1, sizeof(*lsi));
	uint64_t size;
	int r;

	if (!lsi)
		return why_fail(why, -ENOMEM, "no memory");
	r = t->ops->bar_open(t, LSI_BAR, &size);
	if (r < 0)
		return why_fail(why, r, "its registers cannot be reached: %s", strerror(-r));
	if (size < LSI_BAR_SIZE)
		return why_fail(why, -ENODEV, "its registers are not those of a 53C895A");
	r = engine_init(&lsi->engine, &lsi53c895a_ops, &lsi53c895a_ops.caps);
	if (r < 0)
		return why_fail(why, r, "no memory");
	lsi->t = t;
	lsi->engine.transport = t;
	r = t->ops->dma_alloc(t, N_LISTS * LIST_STRIDE, &lsi->lists, why);
	if (r < 0) {
		engine_done(&lsi->engine);
		return r;
	}
	/* Without an interrupt it can still be polled. */
	if (t->ops->irq_enable(t, 1, &lsi->engine.event_fd) < 0)
		lsi->engine.event_fd = -1;
	*ret = &TAKE_PTR(lsi)->engine;
	return 0;
}

static const struct engine_id lsi_ids[] = {
	{ LSI_PCI_VENDOR, LSI_PCI_DEVICE },
};

const struct engine_ops lsi53c895a_ops = {
	.name = "lsi53c895a",
	.ids = lsi_ids,
	.n_ids = ARRAY_SIZE(lsi_ids),
	.caps = {
		.address_mask = UINT32_MAX,
		/* The largest power of two that a move takes: what is split stays congruent. */
		.max_len = UINT64_C(8) << 20,
		.ring_size = RING_SIZE,
		.align = 1,
		.congruence = 4,
		.in_order = true,
		.reports_dma_errors = false,
		.can_inject = true,
	},
	.open = lsi_open,
	.start = lsi_start,
	.stop = lsi_stop,
	.queue = lsi_queue,
	.flush = lsi_flush,
	.reap = lsi_reap,
	.close = lsi_close,
};
