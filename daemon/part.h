/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request cut into parts, one for each PREPARE, so that the next can begin before the one before it
 * has told how far it got. What a PREPARE leaves of its part is a part again.
 *
 * No folio lies in two parts, as long as it is mapped where folios are by themselves, at a multiple of
 * its size: cuts are made at multiples of the largest.
 */
#ifndef MIGOFF_DAEMON_PART_H
#define MIGOFF_DAEMON_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "migoff_uapi.h"
#include "request.h"

/* No anonymous folio is larger. */
#define PART_ALIGN	(2ull << 20)

/* Ranges that a part may have more than was asked for, to end at a multiple of PART_ALIGN. */
#define PART_MORE_RANGES (PART_ALIGN / REQUEST_PAGE_SIZE)

/**
 * struct part - Consecutive pages of a request.
 * @range: index of the range that it begins in.
 * @va: its first address; 0: where that range begins.
 * @page: its first page, counted over all ranges of the request.
 * @n_pages: how many. Of a whole process: 1 until its end is reached, for the number is not known.
 */
struct part {
	uint64_t range;
	uint64_t va;
	uint64_t page;
	uint64_t n_pages;
};

/**
 * part_all() - All of a request.
 * @plan: the request.
 */
struct part part_all(const struct request_plan *plan);

/**
 * part_cut() - Cut off the beginning.
 * @plan: the request, not of a whole process.
 * @rest: what is cut; what is left of it afterwards, perhaps without pages.
 * @bytes: how much to cut off at least, if there is as much.
 * @max_ranges: and of how many ranges at most, but for PART_MORE_RANGES.
 *
 * Return: the beginning.
 */
struct part part_cut(const struct request_plan *plan, struct part *rest, uint64_t bytes,
		     uint32_t max_ranges);

/**
 * part_ranges() - The ranges of a part, for the hook.
 * @plan: the request, not of a whole process.
 * @part: made by part_cut(), or left over by part_advance().
 * @ret: has room for as many ranges as part_cut() allowed.
 *
 * Return: how many there are.
 */
uint32_t part_ranges(const struct request_plan *plan, const struct part *part,
		     struct migoff_range *ret);

/**
 * part_advance() - Take off what a PREPARE went through.
 * @plan: the request.
 * @part: what the PREPARE was for; what it left afterwards, perhaps without pages.
 * @n_ranges: how many ranges it had.
 * @info: how far it got.
 * @bytes: how many bytes it reported on.
 *
 * Return: 0; -EIO when it got nowhere, or its words do not agree: then @part is as it was.
 */
int part_advance(const struct request_plan *plan, struct part *part, uint32_t n_ranges,
		 const struct migoff_batch_info *info, uint64_t bytes);

#endif
