/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "ioat.h"
#include "patience.h"

/* At least as long as others grant it (SPDK 20, Linux 200 ms), for all channels together. */
#define SUSPEND_NS (20 * NSEC_PER_MSEC)
#define RESET_NS (400 * NSEC_PER_MSEC)
#define FIRST_DESCRIPTOR_NS (800 * NSEC_PER_MSEC)

#define RING_SIZE (IOAT_RING * sizeof(struct ioat_descriptor))
/* The words that channels write have cache lines of their own. */
#define WORD_STRIDE 64
#define N_LIVES 4

#define GONE "the device is gone: its registers read all ones"

static const char not_ioat[] = "its registers are not those of an I/OAT engine";

static uint64_t channel_status(struct ioat_channel *ch)
{
	return transport_read64(ch->t, IOAT_BAR, ch->regs + IOAT_CHANSTS);
}

static bool channel_works(struct ioat_channel *ch)
{
	uint64_t state = channel_status(ch) & IOAT_CHANSTS_STATE;

	return state == IOAT_CHANSTS_ACTIVE || state == IOAT_CHANSTS_IDLE;
}

static bool channel_resets(struct ioat_channel *ch)
{
	return transport_read8(ch->t, IOAT_BAR, ch->regs + IOAT_CHANCMD) & IOAT_CHANCMD_RESET;
}

static bool channel_lacks_first(struct ioat_channel *ch)
{
	uint64_t status = le64toh(__atomic_load_n(ch->status, __ATOMIC_ACQUIRE));

	return (status & IOAT_CHANSTS_DONE) != ch->ring_iova;
}

/* Wait until that can be said of no channel. Return: whether it came to that. */
static bool ioat_wait(struct ioat *ioat, bool (*still)(struct ioat_channel *ch), uint64_t ns)
{
	struct patience patience = patience_for(ns);

	for (unsigned int i = 0; i < ioat->n_channels; i++)
		while (still(&ioat->channels[i]))
			if (!patience_left(&patience))
				return false;
	return true;
}

/* Not to one that is busy with a reset, a former owner's perhaps: that takes no command. */
static void channel_command(struct ioat_channel *ch, uint8_t command)
{
	if (!channel_resets(ch))
		transport_write8(ch->t, IOAT_BAR, ch->regs + IOAT_CHANCMD, command);
}

/* Errors of the past would be taken for those of the future, and may keep it from starting. */
static void ioat_clear_errors(struct ioat *ioat)
{
	const struct transport_ops *ops = ioat->t->ops;
	uint32_t error;

	for (unsigned int i = 0; i < ioat->n_channels; i++) {
		uint64_t regs = ioat->channels[i].regs;

		error = transport_read32(ioat->t, IOAT_BAR, regs + IOAT_CHANERR);
		transport_write32(ioat->t, IOAT_BAR, regs + IOAT_CHANERR, error);
	}
	if (ioat->version >= IOAT_CBVER_3_3)
		return;
	/* Where it does not exist, it reads as all zeros or all ones. */
	error = ops->config_read(ioat->t, IOAT_PCI_CHANERR_INT, sizeof(error));
	if (error != 0 && error != UINT32_MAX)
		ops->config_write(ioat->t, IOAT_PCI_CHANERR_INT, sizeof(error), error);
}

static const uint64_t bwd_msix[IOAT_BWD_MSIX_WORDS] = {
	IOAT_BWD_MSIX_ADDRESS, IOAT_BWD_MSIX_DATA, IOAT_BWD_MSIX_PENDING,
};

static void ioat_save_msix(struct ioat *ioat)
{
	if (!ioat->loses_msix || !ioat->interrupts || ioat->msix_lost)
		return;
	for (size_t i = 0; i < IOAT_BWD_MSIX_WORDS; i++)
		ioat->msix[i] = transport_read64(ioat->t, IOAT_BAR, bwd_msix[i]);
	ioat->msix_lost = true;
}

static void ioat_restore_msix(struct ioat *ioat)
{
	if (!ioat->msix_lost)
		return;
	for (size_t i = 0; i < IOAT_BWD_MSIX_WORDS; i++)
		transport_write64(ioat->t, IOAT_BAR, bwd_msix[i], ioat->msix[i]);
	ioat->msix_lost = false;
}

/* All channels at rest, whatever they were doing. All are suspended before the first is reset. */
static int ioat_quiesce(struct ioat *ioat)
{
	ioat->stuck = true;
	if (channel_status(&ioat->channels[0]) == UINT64_MAX)
		return engine_complain(&ioat->engine, -ENODEV, GONE);
	for (unsigned int i = 0; i < ioat->n_channels; i++)
		if (channel_works(&ioat->channels[i]))
			channel_command(&ioat->channels[i], IOAT_CHANCMD_SUSPEND);
	/* One that hangs is not suspended, but may still be reset. */
	ioat_wait(ioat, channel_works, SUSPEND_NS);
	ioat_clear_errors(ioat);

	ioat_save_msix(ioat);
	for (unsigned int i = 0; i < ioat->n_channels; i++)
		channel_command(&ioat->channels[i], IOAT_CHANCMD_RESET);
	if (!ioat_wait(ioat, channel_resets, RESET_NS))
		return engine_complain(&ioat->engine, -EIO, "a channel never leaves its reset");
	ioat_restore_msix(ioat);
	ioat->stuck = false;
	return 0;
}

int ioat_stop(struct engine *e)
{
	struct ioat *ioat = to_ioat(e);
	int r, r_quiesce;

	r = ioat->t->ops->bus_master(ioat->t, false);
	r_quiesce = ioat_quiesce(ioat);
	if (ioat->interrupts)
		ioat->t->ops->irq_rearm(ioat->t);
	return r < 0 ? r : r_quiesce;
}

int ioat_reset(struct engine *e)
{
	struct ioat *ioat = to_ioat(e);
	int r;

	if (!ioat->stuck)
		return 0;
	r = ioat->t->ops->reset(ioat->t);
	return r == -EOPNOTSUPP ? 0 : r;
}

/* A circle of descriptors of which none is done; the first one does nothing. */
static void channel_lay_out(struct ioat *ioat, struct ioat_channel *ch)
{
	unsigned int n = (unsigned int)(ch - ioat->channels) * N_LIVES + ioat->life % N_LIVES;
	uint64_t last_iova = ch->ring_iova + (IOAT_RING - 1) * sizeof(*ch->ring);

	memset(ch->ring, 0, RING_SIZE);
	for (uint32_t i = 0; i < IOAT_RING; i++)
		ch->ring[i].next = htole64(ch->ring_iova +
					   (i + 1) % IOAT_RING * sizeof(*ch->ring));
	ch->ring[0].size = htole32(1);
	ch->ring[0].control = htole32(IOAT_CONTROL_NULL | IOAT_CONTROL_COMPLETION);
	ch->tail = 1;
	ch->flushed = ch->reaped = 0;
	ch->load = 0;
	memset(ch->interrupts, 0, sizeof(ch->interrupts));
	ch->n_interrupts = 0;
	ch->status = (uint64_t *)((char *)ioat->memory.va + ioat->n_channels * RING_SIZE +
				  n * WORD_STRIDE);
	ch->seen = last_iova | IOAT_CHANSTS_IDLE;
	__atomic_store_n(ch->status, htole64(ch->seen), __ATOMIC_RELEASE);
}

/* Once it is done, for a word that says "all of the ring" must not look like one for "none". */
static void channel_take_first(struct ioat_channel *ch)
{
	ch->seen = le64toh(__atomic_load_n(ch->status, __ATOMIC_ACQUIRE));
	ch->reaped = 1;
}

static void channel_set_up(struct ioat *ioat, struct ioat_channel *ch)
{
	uint64_t word_iova = ioat->memory.iova +
			     (uint64_t)((char *)ch->status - (char *)ioat->memory.va);

	transport_write32(ch->t, IOAT_BAR, ch->regs + IOAT_CHANERR_MASK, 0);
	/* A former owner may have had a contiguous ring of some size fetched ahead. */
	if (ioat->fetches_ahead)
		transport_write16(ch->t, IOAT_BAR, ch->regs + IOAT_DRSCTL, 0);
	transport_write16(ch->t, IOAT_BAR, ch->regs + IOAT_CHANCTRL, IOAT_CHANCTRL_RUN);
	transport_write32(ch->t, IOAT_BAR, ch->regs + IOAT_CHANCMP_LOW, (uint32_t)word_iova);
	transport_write32(ch->t, IOAT_BAR, ch->regs + IOAT_CHANCMP_HIGH,
			  (uint32_t)(word_iova >> 32));
	transport_write32(ch->t, IOAT_BAR, ch->regs + IOAT_CHAINADDR_LOW, (uint32_t)ch->ring_iova);
	transport_write32(ch->t, IOAT_BAR, ch->regs + IOAT_CHAINADDR_HIGH,
			  (uint32_t)(ch->ring_iova >> 32));
}

/* Let the channels do what they were set up for: the first descriptor of each. */
static int ioat_set_going(struct ioat *ioat)
{
	int r;

	r = ioat->t->ops->bus_master(ioat->t, true);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < ioat->n_channels; i++) {
		channel_set_up(ioat, &ioat->channels[i]);
		ioat_ring_bell(&ioat->channels[i]);
	}
	/* It shows that the device reaches its ring, and the word to write. */
	if (!ioat_wait(ioat, channel_lacks_first, FIRST_DESCRIPTOR_NS))
		return engine_complain(&ioat->engine, -EIO,
				       "a channel did not do its first descriptor");
	for (unsigned int i = 0; i < ioat->n_channels; i++)
		channel_take_first(&ioat->channels[i]);
	return 0;
}

int ioat_start(struct engine *e)
{
	struct ioat *ioat = to_ioat(e);
	int r;

	/* Whatever it was doing for its last owner, it must not go on with it. */
	r = ioat_stop(e);
	if (r < 0)
		return r;
	ioat->life++;
	ioat->n_vain = 0;
	ioat->n_owed = 0;
	for (unsigned int i = 0; i < ioat->n_channels; i++)
		channel_lay_out(ioat, &ioat->channels[i]);
	transport_write8(ioat->t, IOAT_BAR, IOAT_INTRCTRL,
			 ioat->interrupts ? IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX : 0);
	r = ioat_set_going(ioat);
	/* One that does not start is as quiet as one that was stopped. */
	if (r < 0)
		ioat->t->ops->bus_master(ioat->t, false);
	return r;
}

void ioat_close(struct engine *e)
{
	struct ioat *ioat = to_ioat(e);

	ioat->t->ops->irq_disable(ioat->t);
	ioat->t->ops->dma_free(ioat->t, &ioat->memory);
	transport_close(ioat->t);
	engine_done(e);
	free(ioat);
}

static int refuse(struct why *why, const char *what)
{
	why_fail(why, -ENODEV, "%s", what);
	return why_remedy(why, -ENODEV, "reset the device (echo 1 > .../reset in sysfs), or the "
			  "computer; if it stays so, the device is broken");
}

/* What the registers say of a device. */
struct ioat_facts {
	uint8_t version;
	unsigned int n_channels;
	uint64_t max_len;
};

static int ioat_read_facts(struct transport *t, uint64_t bar_size, struct ioat_facts *ret,
			   struct why *why)
{
	uint8_t version = transport_read8(t, IOAT_BAR, IOAT_CBVER);
	uint8_t n = transport_read8(t, IOAT_BAR, IOAT_CHANCNT);
	uint8_t xfercap = transport_read8(t, IOAT_BAR, IOAT_XFERCAP);

	if (version == UINT8_MAX && n == UINT8_MAX)
		return refuse(why, GONE);
	if (version >> 4 != IOAT_CBVER_3_0 >> 4) {
		why_fail(why, -EOPNOTSUPP, "it is of I/OAT version %u.%u", version >> 4,
			 version & 0xf);
		return why_remedy(why, -EOPNOTSUPP, "use an engine of version 3");
	}
	if (n == 0 || n > IOAT_CHANNELS_MAX || bar_size < IOAT_CHANNEL(n)) {
		why_fail(why, -ENODEV, "it claims to have %u channels", n);
		return why_remedy(why, -ENODEV, "use another engine: this one is broken, or off in "
				  "the firmware");
	}
	if (xfercap & ~IOAT_XFERCAP_LOG2 || (xfercap != 0 && xfercap < IOAT_XFERCAP_MIN)) {
		why_fail(why, -ENODEV, "it claims to copy 2^%u bytes at once", xfercap);
		return why_remedy(why, -ENODEV, "use another engine: this one is broken");
	}
	*ret = (struct ioat_facts) {
		.version = version,
		.n_channels = n,
		.max_len = UINT64_C(1) << (xfercap ? xfercap : 32),
	};
	return 0;
}

/* What is known of a model beside its version. Return: whether all of its registers are there. */
static bool ioat_look_at_model(struct ioat *ioat, uint64_t bar_size)
{
	static const struct engine_id bwd[] = { IOAT_BWD_IDS(0x0c50), IOAT_BWD_IDS(0x6f50) };
	uint32_t device = ioat->t->ops->config_read(ioat->t, IOAT_PCI_DEVICE, 2);

	for (size_t i = 0; i < ARRAY_SIZE(bwd); i++)
		ioat->loses_msix |= device == bwd[i].device;
	if (device == IOAT_DEVICE_SKX)
		ioat->version = IOAT_CBVER_3_2;
	ioat->fetches_ahead = ioat->version >= IOAT_CBVER_3_4 &&
			      transport_read32(ioat->t, IOAT_BAR, IOAT_DMACAP) & IOAT_DMACAP_DPS;
	return (!ioat->loses_msix || bar_size >= IOAT_BWD_MSIX_PENDING + sizeof(uint64_t)) &&
	       (!ioat->fetches_ahead || bar_size >= IOAT_CHANNEL(ioat->n_channels - 1) +
						    IOAT_DRSCTL + sizeof(uint16_t));
}

static int ioat_init_engine(struct ioat *ioat, uint64_t max_len, struct why *why)
{
	struct engine_caps caps = ioat_ops.caps;
	int r;

	/* So that a single folio is spread over the channels. */
	for (unsigned int n = 1; n < ioat->n_channels; n *= 2)
		caps.max_len /= 2;
	caps.max_len = MIN(max_len, caps.max_len);
	caps.n_channels = ioat->n_channels;
	caps.in_order = ioat->n_channels == 1;
	/* Older ones are not known to notice each error of the bus (DPDK). */
	caps.reports_dma_errors = ioat->version >= IOAT_CBVER_3_4;
	r = engine_init(&ioat->engine, &ioat_ops, &caps);
	if (r < 0)
		return why_fail(why, r, "no memory");
	ioat->engine.transport = ioat->t;
	r = ioat->t->ops->dma_alloc(ioat->t, ioat->n_channels * (RING_SIZE + N_LIVES * WORD_STRIDE),
				    &ioat->memory, why);
	if (r < 0)
		engine_done(&ioat->engine);
	return r;
}

int ioat_open(struct transport *t, struct engine **ret, struct why *why)
{
	_cleanup_free_ struct ioat *ioat = NULL;
	struct ioat_facts facts = {};
	uint64_t bar_size;
	int r;

	r = t->ops->bar_open(t, IOAT_BAR, &bar_size);
	if (r < 0) {
		why_fail(why, r, "its registers cannot be reached: %s", strerror(-r));
		return why_remedy(why, r, "use another engine: this one is broken, or off in the "
				  "firmware");
	}
	if (bar_size < IOAT_CHANNEL(1))
		return refuse(why, not_ioat);
	r = ioat_read_facts(t, bar_size, &facts, why);
	if (r < 0)
		return r;
	ioat = calloc(1, sizeof(*ioat) + facts.n_channels * sizeof(ioat->channels[0]));
	if (!ioat)
		return why_fail(why, -ENOMEM, "no memory");
	ioat->t = t;
	ioat->version = facts.version;
	ioat->n_channels = facts.n_channels;
	if (!ioat_look_at_model(ioat, bar_size))
		return refuse(why, not_ioat);
	r = ioat_init_engine(ioat, facts.max_len, why);
	if (r < 0)
		return r;
	snprintf(ioat->engine.identity.version, sizeof(ioat->engine.identity.version), "%u.%u",
		 facts.version >> 4, facts.version & 0xf);
	for (unsigned int i = 0; i < facts.n_channels; i++) {
		struct ioat_channel *ch = &ioat->channels[i];

		ch->t = t;
		ch->regs = IOAT_CHANNEL(i);
		ch->ring = (struct ioat_descriptor *)((char *)ioat->memory.va + i * RING_SIZE);
		ch->ring_iova = ioat->memory.iova + i * RING_SIZE;
	}
	/* Without an interrupt it can still be polled. */
	ioat->interrupts = t->ops->irq_enable(t, facts.n_channels, &ioat->engine.event_fd) == 0;
	if (!ioat->interrupts)
		ioat->engine.event_fd = -1;
	*ret = &TAKE_PTR(ioat)->engine;
	return 0;
}
