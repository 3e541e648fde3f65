/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an engine's driver stands on: registers, memory that the device reaches, interrupts, and
 * the switch of its DMA. Behind it is a device through VFIO, or a model of one in this process, so
 * that a driver is tested against a model and runs unchanged on the device.
 */
#ifndef MIGOFF_DCBM_TRANSPORT_H
#define MIGOFF_DCBM_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "why.h"

struct transport;

/**
 * struct transport_ops - One kind of transport. Outputs are written only on success.
 * @read: read @width bytes (1, 2, 4, 8) from a BAR opened before, little endian.
 * @write: write them. The device sees all that was written to memory before, if it then looks.
 * @post64: write 64 bytes to a BAR at once, so that the device sees all or nothing of them, and
 *	all that was written to memory before them; only after @can_post64 has said yes.
 *	@offset and @from are aligned to 64 bytes.
 * @can_post64: 0; or -EOPNOTSUPP, the processor cannot (no MOVDIR64B).
 * @config_read: read @width bytes (1, 2, 4) from configuration space; all ones if that fails.
 * @config_write: write them.
 * @bar_open: make a BAR accessible.
 * @bus_master: allow or forbid DMA. Guarantees: after it was forbidden none begins any more.
 * @reset: reset the function; -EOPNOTSUPP when there is no such reset.
 * @dma_alloc: as engine_dma_alloc().
 * @dma_free: as engine_dma_free().
 * @irq_enable: signal the device's first @n interrupts, or as many as it has, by one eventfd that
 *	the transport owns.
 * @irq_rearm: empty the eventfd; let a level-triggered interrupt come again. The cause in the
 *	device was cleared before. Return: how many interrupts there were.
 * @irq_disable: no more interrupts; safe twice.
 * @close: bus mastership off and everything given back.
 */
struct transport_ops {
	uint64_t (*read)(struct transport *t, unsigned int bar, uint64_t offset,
			 unsigned int width);
	void (*write)(struct transport *t, unsigned int bar, uint64_t offset, unsigned int width,
		      uint64_t value);
	void (*post64)(struct transport *t, unsigned int bar, uint64_t offset, const void *from);
	int (*can_post64)(struct transport *t, unsigned int bar);
	uint32_t (*config_read)(struct transport *t, unsigned int offset, unsigned int width);
	void (*config_write)(struct transport *t, unsigned int offset, unsigned int width,
			     uint32_t value);
	int (*bar_open)(struct transport *t, unsigned int bar, uint64_t *ret_size);
	int (*bus_master)(struct transport *t, bool on);
	int (*reset)(struct transport *t);
	int (*dma_alloc)(struct transport *t, size_t size, struct dma_area *ret, struct why *why);
	void (*dma_free)(struct transport *t, struct dma_area *area);
	int (*irq_enable)(struct transport *t, unsigned int n, int *ret_fd);
	int (*irq_rearm)(struct transport *t);
	void (*irq_disable)(struct transport *t);
	void (*close)(struct transport *t);
};

/* Embedded in what implements it. */
struct transport {
	const struct transport_ops *ops;
};

struct vfio_device;

/**
 * transport_new_vfio() - A transport over a VFIO device.
 * @dev: the device; on success it belongs to the transport.
 * @ret: the transport.
 *
 * Return: 0 or -ENOMEM.
 */
int transport_new_vfio(struct vfio_device *dev, struct transport **ret);

/**
 * transport_close() - Give everything back.
 * @t: the transport; NULL is allowed.
 *
 * Return: NULL.
 */
static inline struct transport *transport_close(struct transport *t)
{
	if (t)
		t->ops->close(t);
	return NULL;
}

static inline void transport_closep(struct transport **t)
{
	*t = transport_close(*t);
}

/* Access to a BAR opened before, little endian. */
static inline uint8_t transport_read8(struct transport *t, unsigned int bar, uint64_t offset)
{
	return (uint8_t)t->ops->read(t, bar, offset, 1);
}

static inline void transport_write8(struct transport *t, unsigned int bar, uint64_t offset,
				    uint8_t value)
{
	t->ops->write(t, bar, offset, 1, value);
}

static inline uint16_t transport_read16(struct transport *t, unsigned int bar, uint64_t offset)
{
	return (uint16_t)t->ops->read(t, bar, offset, 2);
}

static inline void transport_write16(struct transport *t, unsigned int bar, uint64_t offset,
				    uint16_t value)
{
	t->ops->write(t, bar, offset, 2, value);
}

static inline uint32_t transport_read32(struct transport *t, unsigned int bar, uint64_t offset)
{
	return (uint32_t)t->ops->read(t, bar, offset, 4);
}

static inline void transport_write32(struct transport *t, unsigned int bar, uint64_t offset,
				    uint32_t value)
{
	t->ops->write(t, bar, offset, 4, value);
}

static inline uint64_t transport_read64(struct transport *t, unsigned int bar, uint64_t offset)
{
	return (uint64_t)t->ops->read(t, bar, offset, 8);
}

static inline void transport_write64(struct transport *t, unsigned int bar, uint64_t offset,
				    uint64_t value)
{
	t->ops->write(t, bar, offset, 8, value);
}

#endif
