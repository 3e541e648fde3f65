/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vfio.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "vfio_internal.h"

#define HUGE_PAGE_SIZE (UINT64_C(2) << 20)
#define WINDOW_ALIGN_MAX (UINT64_C(1) << 30)

/* The description of the IOMMU, with as many capabilities as it has. */
static int vfio_iommu_info(struct vfio_device *dev, struct vfio_iommu_type1_info **ret)
{
	_cleanup_free_ struct vfio_iommu_type1_info *info = NULL;
	uint32_t argsz = sizeof(*info);

	for (;;) {
		free(info);
		info = calloc(1, argsz);
		if (!info)
			return -ENOMEM;
		info->argsz = argsz;
		if (ioctl(dev->container_fd, VFIO_IOMMU_GET_INFO, info) < 0)
			return -errno;
		if (info->argsz <= argsz)
			break;
		argsz = info->argsz;
	}
	*ret = TAKE_PTR(info);
	return 0;
}

static const struct vfio_iommu_type1_info_cap_iova_range *
vfio_find_ranges(const struct vfio_iommu_type1_info *info)
{
	uint32_t at = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;

	while (at != 0 && at + sizeof(struct vfio_info_cap_header) <= info->argsz) {
		const struct vfio_info_cap_header *header =
			(const void *)((const char *)info + at);

		if (header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			return (const void *)header;
		at = header->next;
	}
	return NULL;
}

int vfio_dma_init(struct vfio_device *dev, uint64_t dma_mask, struct why *why)
{
	const struct vfio_iommu_type1_info_cap_iova_range *cap;
	_cleanup_free_ struct vfio_iommu_type1_info *info = NULL;
	_cleanup_free_ struct iova_range *ranges = NULL;
	int r;

	r = vfio_iommu_info(dev, &info);
	if (r < 0)
		return why_fail(why, r, "the IOMMU does not describe itself: %s", strerror(-r));
	cap = vfio_find_ranges(info);
	if (!cap)
		return why_fail(why, -EOPNOTSUPP, "the IOMMU does not say which addresses it has");
	ranges = calloc(cap->nr_iovas, sizeof(*ranges));
	if (!ranges)
		return why_fail(why, -ENOMEM, "no memory");
	for (uint32_t i = 0; i < cap->nr_iovas; i++)
		ranges[i] = (struct iova_range) {
			.first = cap->iova_ranges[i].start,
			.last = cap->iova_ranges[i].end,
		};
	dev->address_bits = 64 - (unsigned int)__builtin_clzll(dma_mask | 1);
	r = iova_init(&dev->iova, ranges, cap->nr_iovas, dma_mask);
	if (r < 0)
		return why_fail(why, r, "no memory");
	return 0;
}

static uint64_t power_of_two_within(uint64_t size)
{
	uint64_t p = HUGE_PAGE_SIZE;

	while (p < WINDOW_ALIGN_MAX && p * 2 <= size)
		p *= 2;
	return p;
}

int vfio_window_reserve(struct vfio_device *dev, uint64_t size, uint64_t *ret_iova,
			struct why *why)
{
	uint64_t align = power_of_two_within(size);
	int r;

	assert(dev->window_size == 0);
	if (size == 0 || !IS_ALIGNED(size, HUGE_PAGE_SIZE))
		return why_fail(why, -EINVAL, "a window of %llu bytes is no multiple of 2 MiB",
				(unsigned long long)size);
	/*
	 * Rings and scripts come from the other end. Where a device of 32 bits has it, if possible: all
	 * devices of a hook have theirs at the same address.
	 */
	r = iova_alloc_within(&dev->iova, size, align, IOVA_HIGHEST, UINT32_MAX, ret_iova);
	if (r == -ENOSPC)
		r = iova_alloc(&dev->iova, size, align, IOVA_HIGHEST, ret_iova);
	if (r == -ENOSPC) {
		why_fail(why, r, "%s has addresses of %u bits, and its IOMMU no free range of %llu MiB "
			 "of them for the batches", dev->bdf, dev->address_bits,
			 (unsigned long long)size >> 20);
		return why_remedy(why, r, "make that smaller: lower max-batch= or max-batches=; or use "
				  "an engine with wider addresses");
	}
	if (r < 0)
		return why_fail(why, r, "no memory");
	dev->window_size = size;
	return 0;
}

static uint64_t locked_now(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmLck: %llu kB", &kib) == 1)
			break;
	return kib << 10;
}

/* VFIO charges what it pins to the limit of locked memory. */
static int vfio_explain_map(const struct vfio_device *dev, int r, size_t size, struct why *why)
{
	uint64_t need = locked_now() + size;
	struct rlimit limit;

	if (r == -ENOMEM && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < need) {
		why_fail(why, r, "the limit of locked memory is %llu KiB, and %llu KiB are needed "
			 "for %s", (unsigned long long)limit.rlim_cur >> 10,
			 (unsigned long long)need >> 10, dev->bdf);
		return why_remedy(why, r, "raise it: LimitMEMLOCK=infinity in the unit, ulimit -l "
				  "in a shell");
	}
	return why_fail(why, r, "%zu bytes cannot be mapped for %s: %s", size, dev->bdf,
			strerror(-r));
}

/* Memory aligned so that huge pages can stand behind it, and behind its mapping in the IOMMU. */
static void *memory_alloc(size_t size, size_t align)
{
	char *all, *va;
	size_t before, after;

	all = mmap(NULL, size + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	va = (char *)ALIGN_UP((uintptr_t)all, align);
	before = (size_t)(va - all);
	after = align - before;
	if (before > 0)
		munmap(all, before);
	if (after > 0)
		munmap(va + size, after);
	/* A child that wrote to it would make its parent's copy another than the device's. */
	madvise(va, size, MADV_DONTFORK);
	madvise(va, size, MADV_DONTDUMP);
	if (align >= HUGE_PAGE_SIZE)
		madvise(va, size, MADV_HUGEPAGE);
	return va;
}

static int vfio_map(struct vfio_device *dev, struct dma_area *area, size_t align, struct why *why)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)area->va,
		.size = area->size,
	};
	int r;

	r = iova_alloc(&dev->iova, area->size, align, IOVA_LOWEST, &area->iova);
	if (r == -ENOSPC)
		return why_fail(why, r, "%s has no %zu bytes of addresses left", dev->bdf,
				area->size);
	if (r < 0)
		return why_fail(why, r, "no memory");
	map.iova = area->iova;
	if (ioctl(dev->container_fd, VFIO_IOMMU_MAP_DMA, &map) < 0) {
		r = -errno;
		iova_free(&dev->iova, area->iova, area->size);
		return vfio_explain_map(dev, r, area->size, why);
	}
	return 0;
}

int vfio_dma_alloc(struct vfio_device *dev, size_t size, struct dma_area *ret, struct why *why)
{
	size_t align = size < HUGE_PAGE_SIZE ? (size_t)getpagesize() : HUGE_PAGE_SIZE;
	_cleanup_free_ struct vfio_mapping *mapping = calloc(1, sizeof(*mapping));
	struct dma_area *area;
	int r;

	if (!mapping)
		return why_fail(why, -ENOMEM, "no memory");
	area = &mapping->area;
	area->size = ALIGN_UP(size, align);
	area->va = memory_alloc(area->size, align);
	if (!area->va)
		return why_fail(why, -ENOMEM, "no memory (%zu bytes)", area->size);
	r = vfio_map(dev, area, align, why);
	if (r < 0) {
		munmap(area->va, area->size);
		return r;
	}
	*ret = *area;
	mapping->next = dev->mappings;
	dev->mappings = TAKE_PTR(mapping);
	return 0;
}

/* If the IOMMU cannot be told, the memory is lost rather than left to the device while in use. */
static void vfio_unmap(struct vfio_device *dev, const struct dma_area *area)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = area->iova,
		.size = area->size,
	};

	if (ioctl(dev->container_fd, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0 || unmap.size != area->size)
		return;
	iova_free(&dev->iova, area->iova, area->size);
	munmap(area->va, area->size);
}

void vfio_dma_free(struct vfio_device *dev, struct dma_area *area)
{
	struct vfio_mapping **link = &dev->mappings;

	if (area->size == 0)
		return;
	while (*link && (*link)->area.iova != area->iova)
		link = &(*link)->next;
	if (*link) {
		struct vfio_mapping *mapping = *link;

		*link = mapping->next;
		vfio_unmap(dev, &mapping->area);
		free(mapping);
	}
	*area = (struct dma_area) {};
}

void vfio_dma_done(struct vfio_device *dev)
{
	while (dev->mappings) {
		struct dma_area area = dev->mappings->area;

		vfio_dma_free(dev, &area);
	}
	iova_done(&dev->iova);
}
