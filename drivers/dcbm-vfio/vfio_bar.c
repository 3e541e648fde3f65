/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vfio.h"

#include <assert.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "macros.h"
#include "vfio_internal.h"

/* A region's description with its capabilities, of which there are few. */
union vfio_region {
	struct vfio_region_info info;
	char space[512];
};

/*
 * Whether the whole BAR may be mapped. It need not be: one that may be mapped in parts only says
 * so in a capability, other than the one that allows the MSI-X table to be mapped with the rest.
 */
static bool vfio_region_mappable(const union vfio_region *region)
{
	struct vfio_info_cap_header header;
	uint32_t at = region->info.cap_offset;

	if (!(region->info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return false;
	if (!(region->info.flags & VFIO_REGION_INFO_FLAG_CAPS))
		return true;
	if (region->info.argsz > sizeof(*region))
		return false;
	while (at > 0 && at <= sizeof(*region) - sizeof(header)) {
		memcpy(&header, region->space + at, sizeof(header));
		if (header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			return false;
		if (header.next == 0)
			return true;
		if (header.next <= at)
			return false;
		at = header.next;
	}
	return false;
}

int vfio_bar_open(struct vfio_device *dev, unsigned int bar, uint64_t *ret_size)
{
	union vfio_region region = { .info = { .argsz = sizeof(region), .index = bar } };
	struct vfio_bar *b;
	void *map;

	assert(bar < VFIO_N_BARS);
	b = &dev->bars[bar];
	if (b->size == 0) {
		if (ioctl(dev->device_fd, VFIO_DEVICE_GET_REGION_INFO, &region) < 0)
			return -errno;
		if (region.info.size == 0)
			return -ENOENT;
		b->offset = region.info.offset;
		b->size = region.info.size;
	}
	/* What shares a page with other devices cannot be mapped: system calls, as for the rest. */
	if (vfio_region_mappable(&region) && IS_ALIGNED(b->size, (uint64_t)getpagesize())) {
		map = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->device_fd,
			   (off_t)b->offset);
		if (map != MAP_FAILED)
			b->map = map;
	}
	if (ret_size)
		*ret_size = b->size;
	return 0;
}

void vfio_bars_done(struct vfio_device *dev)
{
	for (unsigned int i = 0; i < VFIO_N_BARS; i++) {
		struct vfio_bar *b = &dev->bars[i];

		if (b->map)
			munmap(b->map, b->size);
		*b = (struct vfio_bar) {};
	}
}

static const struct vfio_bar *vfio_bar(const struct vfio_device *dev, unsigned int bar,
				       uint64_t offset, unsigned int width)
{
	const struct vfio_bar *b = &dev->bars[bar];

	assert(bar < VFIO_N_BARS && offset < b->size && b->size - offset >= width &&
	       IS_ALIGNED(offset, (uint64_t)width));
	return b;
}

/*
 * This processor keeps the order of writes, and the compiler is told to. Not by a fence, of which
 * the thread sanitizer knows nothing.
 */
static inline void barrier_before_register(void)
{
#ifdef __x86_64__
	asm volatile("" : : : "memory");
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Registers are little endian, and so is what pread() and pwrite() transfer. */
#define VFIO_ACCESSORS(bits, from_le, to_le)                                                  \
	uint##bits##_t vfio_read##bits(struct vfio_device *dev, unsigned int bar,              \
				       uint64_t offset)                                        \
	{                                                                                      \
		const struct vfio_bar *b = vfio_bar(dev, bar, offset, bits / 8);               \
		uint##bits##_t value = UINT##bits##_MAX;                                       \
                                                                                               \
		if (b->map)                                                                    \
			value = *(volatile uint##bits##_t *)(b->map + offset);                 \
		else if (pread(dev->device_fd, &value, sizeof(value),                          \
			       (off_t)(b->offset + offset)) != (ssize_t)sizeof(value))         \
			value = UINT##bits##_MAX;                                              \
		return from_le(value);                                                         \
	}                                                                                      \
                                                                                               \
	void vfio_write##bits(struct vfio_device *dev, unsigned int bar, uint64_t offset,      \
			      uint##bits##_t value)                                            \
	{                                                                                      \
		const struct vfio_bar *b = vfio_bar(dev, bar, offset, bits / 8);               \
		ssize_t n;                                                                     \
                                                                                               \
		value = to_le(value);                                                          \
		/* Before the device is told of something, that is in memory. */               \
		barrier_before_register();                                                     \
		if (b->map) {                                                                  \
			*(volatile uint##bits##_t *)(b->map + offset) = value;                 \
			return;                                                                \
		}                                                                              \
		/* A device that is gone takes writes as the bus does: without a word. */      \
		n = pwrite(dev->device_fd, &value, sizeof(value), (off_t)(b->offset + offset)); \
		(void)n;                                                                       \
	}

VFIO_ACCESSORS(8, , )
VFIO_ACCESSORS(16, le16toh, htole16)
VFIO_ACCESSORS(32, le32toh, htole32)
VFIO_ACCESSORS(64, le64toh, htole64)

/* PCI's identity of what QEMU emulates: pci.ids, "QEMU Virtual Machine". */
#define QEMU_SUBSYSTEM 0x11001af4u

static bool cpu_has_movdir64b(void)
{
#ifdef __x86_64__
	unsigned int eax, ebx, ecx, edx;

	/* Intel's manual, volume 2, CPUID: leaf 7, subleaf 0, ECX bit 28. */
	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ecx & 1u << 28;
#else
	return false;
#endif
}

int vfio_can_post64(struct vfio_device *dev, unsigned int bar)
{
	uint32_t subsystem;

	/* Asked for once: in a virtual machine the question takes longer than a copy. */
	dev->bars[bar].movdir64b = vfio_bar(dev, bar, 0, 64)->map && cpu_has_movdir64b();
	if (dev->bars[bar].movdir64b)
		return 0;
	if (vfio_config_read(dev, PCI_SUBSYSTEM_VENDOR_ID, &subsystem, sizeof(subsystem)) == 0 &&
	    le32toh(subsystem) == QEMU_SUBSYSTEM)
		return 0;
	return -EOPNOTSUPP;
}

void vfio_post64(struct vfio_device *dev, unsigned int bar, uint64_t offset, const void *from)
{
	const struct vfio_bar *b = vfio_bar(dev, bar, offset, 64);

#ifdef __x86_64__
	if (b->movdir64b) {
		/* It waits for no other write by itself, those to memory included. */
		asm volatile("sfence\n\tmovdir64b (%0), %1"
			     : : "r" (from), "r" (b->map + offset) : "memory");
		return;
	}
#endif
	for (const uint64_t *word = from; word < (const uint64_t *)from + 8; word++, offset += 8)
		vfio_write64(dev, bar, offset, le64toh(*word));
}
