/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions to /proc/PID/pagemap about the pages of a process.
 */
#ifndef MIGOFF_LIBMIGOFF_PAGEMAP_H
#define MIGOFF_LIBMIGOFF_PAGEMAP_H

#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define PAGEMAP_AWAY	PAGE_IS_SWAPPED	/* swapped out, or under migration */
#define PAGEMAP_HUGE	PAGE_IS_HUGE	/* mapped by a PMD */

/* As far as a process maps memory without asking for more. */
#define PAGEMAP_END	((UINT64_C(1) << 47) - 65536)

/**
 * pagemap_scan() - The first run of pages of a category.
 * @fd: /proc/PID/pagemap.
 * @start: page-aligned.
 * @end: page-aligned.
 * @category: one of PAGE_IS_*.
 * @max_pages: where the run may be cut off.
 * @ret: receives the run.
 *
 * Return: 1; 0 when there is none; -1 when the kernel cannot say.
 */
static inline int pagemap_scan(int fd, uint64_t start, uint64_t end, uint64_t category,
			       uint64_t max_pages, struct page_region *ret)
{
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = start,
		.end = end,
		.vec = (uint64_t)(uintptr_t)ret,
		.vec_len = 1,
		.max_pages = max_pages,
		.category_mask = category,
		.return_mask = category,
	};

	return ioctl(fd, PAGEMAP_SCAN, &arg);
}

/**
 * pagemap_find() - Whether any page of a range is of a category.
 * @fd: /proc/PID/pagemap.
 * @start: page-aligned.
 * @len: page-aligned.
 * @category: PAGEMAP_AWAY or PAGEMAP_HUGE.
 *
 * Return: false also when the kernel cannot say.
 */
static inline bool pagemap_find(int fd, uint64_t start, uint64_t len, uint64_t category)
{
	struct page_region region;

	return pagemap_scan(fd, start, start + len, category, 1, &region) > 0;
}

#endif
