/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI device in user space, through a VFIO group and a type1v2 container of its own.
 *
 * Opening gives the device, its address space and its request and error events; from there on the
 * order is the caller's: quiesce the device with bus mastership off, map memory, bus mastership on,
 * work; and the reverse. vfio_close() does what is left of the reverse by itself.
 *
 * One container per device, always: devices that share one share an IOMMU domain, and each could
 * reach what the kernel hook maps for the other.
 *
 * Not thread-safe: one thread owns the device.
 */
#ifndef MIGOFF_DCBM_VFIO_H
#define MIGOFF_DCBM_VFIO_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "why.h"

struct vfio_device;

/* Of one device, at most so many are used. */
#define VFIO_IRQ_VECTORS_MAX 32u

/**
 * vfio_open() - Take a device over from the kernel.
 * @bdf: "0000:00:05.0".
 * @dma_mask: the highest address that the device can emit (2^n - 1); nothing is mapped above it.
 * @ret: the device: bus mastership off, no interrupts, memory decoding on, reset if it can be.
 * @why: the reason of a failure, and what to do; may be NULL.
 *
 * Return: 0, or a negative errno: see engine_open_pci().
 */
int vfio_open(const char *bdf, uint64_t dma_mask, struct vfio_device **ret, struct why *why);

/**
 * vfio_close() - Give the device back.
 * @dev: the device; NULL is allowed. Its engine must be at rest.
 *
 * In this order: bus mastership off, interrupts off, BARs unmapped, device closed, remaining DMA
 * mappings removed and their memory freed, group closed, container closed.
 *
 * Return: NULL.
 */
struct vfio_device *vfio_close(struct vfio_device *dev);

static inline void vfio_closep(struct vfio_device **dev)
{
	*dev = vfio_close(*dev);
}

/* Facts about an open device. The descriptor belongs to the device. */
int vfio_device_fd(const struct vfio_device *dev);
int vfio_device_group(const struct vfio_device *dev);
int vfio_device_node(const struct vfio_device *dev);

/**
 * vfio_config_read() - Read from the (virtualised) configuration space.
 * @dev: the device.
 * @offset: where.
 * @ret: the bytes.
 * @size: how many.
 *
 * Return: 0, or a negative errno.
 */
int vfio_config_read(struct vfio_device *dev, unsigned int offset, void *ret, size_t size);

/**
 * vfio_config_write() - Write to the (virtualised) configuration space.
 * @dev: the device.
 * @offset: where.
 * @data: the bytes.
 * @size: how many.
 *
 * Return: 0, or a negative errno.
 */
int vfio_config_write(struct vfio_device *dev, unsigned int offset, const void *data, size_t size);

/**
 * vfio_bus_master() - Allow or forbid the device to do DMA.
 * @dev: the device.
 * @on: whether it may.
 *
 * Guarantees: once turned off successfully, no DMA of the device begins any more; the register is
 * read back, which pushes what was under way before it.
 *
 * Return: 0, or a negative errno.
 */
int vfio_bus_master(struct vfio_device *dev, bool on);

/**
 * vfio_reset() - Reset the function. All registers of the device are lost.
 * @dev: the device, bus mastership off.
 *
 * Return: 0, -EOPNOTSUPP when the device offers no reset, -ENODEV when it is gone, or another
 * negative errno.
 */
int vfio_reset(struct vfio_device *dev);

/**
 * vfio_bar_open() - Make the registers in a BAR accessible.
 * @dev: the device.
 * @bar: 0 to 5.
 * @ret_size: bytes in it; may be NULL.
 *
 * The BAR is mapped if it may be mapped as a whole (with the table of MSI-X that may be in it) and
 * in whole pages, else each access is a system call.
 *
 * Return: 0, -ENOENT if the device has no such BAR, or another negative errno.
 */
int vfio_bar_open(struct vfio_device *dev, unsigned int bar, uint64_t *ret_size);

/*
 * Access to a BAR opened before, little endian, naturally aligned, inside of it. A read from a
 * device that is gone gives all ones, as the bus does.
 */
uint8_t vfio_read8(struct vfio_device *dev, unsigned int bar, uint64_t offset);
uint16_t vfio_read16(struct vfio_device *dev, unsigned int bar, uint64_t offset);
uint32_t vfio_read32(struct vfio_device *dev, unsigned int bar, uint64_t offset);
uint64_t vfio_read64(struct vfio_device *dev, unsigned int bar, uint64_t offset);
void vfio_write8(struct vfio_device *dev, unsigned int bar, uint64_t offset, uint8_t value);
void vfio_write16(struct vfio_device *dev, unsigned int bar, uint64_t offset, uint16_t value);
void vfio_write32(struct vfio_device *dev, unsigned int bar, uint64_t offset, uint32_t value);
void vfio_write64(struct vfio_device *dev, unsigned int bar, uint64_t offset, uint64_t value);

/**
 * vfio_can_post64() - Whether 64 bytes can reach the device as one write.
 * @dev: the device.
 * @bar: the BAR, opened before.
 *
 * The instruction MOVDIR64B does it. A device that QEMU emulates, known by its subsystem, takes
 * eight writes of 8 bytes for one, as no real device would.
 *
 * Return: 0, or -EOPNOTSUPP.
 */
int vfio_can_post64(struct vfio_device *dev, unsigned int bar);

/**
 * vfio_post64() - Write 64 bytes at once.
 * @dev: the device; vfio_can_post64() said yes.
 * @bar: the BAR.
 * @offset: where in it, aligned to 64 bytes.
 * @from: the bytes, aligned to 64 bytes.
 */
void vfio_post64(struct vfio_device *dev, unsigned int bar, uint64_t offset, const void *from);

/**
 * vfio_irq_count() - How many interrupts of a kind the device has.
 * @dev: the device.
 * @index: VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX or VFIO_PCI_MSIX_IRQ_INDEX.
 */
unsigned int vfio_irq_count(struct vfio_device *dev, unsigned int index);

/**
 * vfio_irq_enable() - Signal interrupts by eventfds; another kind is switched off first.
 * @dev: the device.
 * @index: the kind.
 * @n: how many, from the first on; VFIO_IRQ_VECTORS_MAX at most.
 * @fds: an eventfd for each.
 *
 * Return: 0, or a negative errno.
 */
int vfio_irq_enable(struct vfio_device *dev, unsigned int index, unsigned int n, const int *fds);

/**
 * vfio_irq_unmask() - Let INTx come again, after its cause was cleared in the device.
 * @dev: the device.
 *
 * Nothing happens for MSI and MSI-X, which are not masked on delivery.
 *
 * Return: 0, or a negative errno.
 */
int vfio_irq_unmask(struct vfio_device *dev);

/**
 * vfio_irq_disable() - No more interrupts. Safe twice.
 * @dev: the device.
 */
void vfio_irq_disable(struct vfio_device *dev);

/* Become readable when the host wants the device back, and on an uncorrectable bus error; or -1. */
int vfio_request_fd(const struct vfio_device *dev);
int vfio_error_fd(const struct vfio_device *dev);

/**
 * vfio_window_reserve() - Keep address space free for mappings that the kernel hook makes.
 * @dev: the device; it has no window yet.
 * @size: bytes, a multiple of 2 MiB.
 * @ret_iova: where the window begins.
 * @why: the reason of a failure; may be NULL.
 *
 * Guarantees: nothing of this process is ever mapped in the window. It is below the DMA mask,
 * inside the ranges that the IOMMU offers, clear of the interrupt addresses, and aligned to the
 * largest power of two that fits into it, 1 GiB at most.
 *
 * Return: 0, -EINVAL, or -ENOSPC.
 */
int vfio_window_reserve(struct vfio_device *dev, uint64_t size, uint64_t *ret_iova,
			struct why *why);

/**
 * vfio_dma_alloc() - Get memory that the device reaches too.
 * @dev: the device.
 * @size: bytes; rounded up to pages, and to 2 MiB from there on.
 * @ret: the memory, zeroed, resident.
 * @why: the reason of a failure; may be NULL.
 *
 * Return: 0, -ENOMEM (also for the limit of locked memory), or -ENOSPC.
 */
int vfio_dma_alloc(struct vfio_device *dev, size_t size, struct dma_area *ret, struct why *why);

/**
 * vfio_dma_free() - Unmap exactly that memory, and free it.
 * @dev: the device; it does not use the memory any more.
 * @area: as filled by vfio_dma_alloc(); emptied, and an empty one is allowed.
 */
void vfio_dma_free(struct vfio_device *dev, struct dma_area *area);

#endif
