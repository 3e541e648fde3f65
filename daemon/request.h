/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client wrote into a slot, read once, checked and copied: from here on nothing that the client
 * does to the shared memory changes the request.
 */
#ifndef MIGOFF_DAEMON_REQUEST_H
#define MIGOFF_DAEMON_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "migoff_uapi.h"
#include "ring.h"

/* Above this no process has memory, with five levels of page tables. */
#define REQUEST_MAX_ADDRESS (1ull << 56)

#define REQUEST_PAGE_SIZE 4096ull

/**
 * struct request_plan - A request that can be worked on.
 * @flags: RING_MOVE_ALL, RING_WHOLE.
 * @target: the client's name of the target.
 * @to_node: destination; below 1024.
 * @reason: enum reason.
 * @from_nodes: as in struct ring_request.
 * @ranges: a copy; NULL for a whole process.
 * @n_ranges: how many.
 * @pages: in all ranges.
 * @status: offset of the status array in the data area.
 * @n_status: @pages, or 0: not wanted.
 * @extents: offset of the array of extents in the data area.
 * @n_extents: how many there is room for.
 */
struct request_plan {
	uint32_t flags;
	uint32_t target;
	int32_t to_node;
	uint32_t reason;
	uint64_t from_nodes[RING_N_NODE_WORDS];
	struct migoff_range *ranges;
	uint64_t n_ranges;
	uint64_t pages;
	uint64_t status;
	uint64_t n_status;
	uint64_t extents;
	uint64_t n_extents;
};

/**
 * request_parse() - Read and check a request.
 * @shared: the slot; may change at any time.
 * @data: the data area; may change at any time.
 * @data_len: its size.
 * @ret: the request, to be freed by request_plan_fini().
 *
 * Its deadline counts from before and is not looked at here.
 *
 * Return: 0; -EINVAL malformed: unknown flags or reason, reserved fields, unaligned, empty, descending or
 * overlapping ranges, a status array of another length than the ranges; -EFAULT the arrays are not
 * inside the data area, or an address is none of a process; -E2BIG more than RING_MAX_RANGES; -ENODEV
 * a node beyond 1023; -ENOMEM.
 */
int request_parse(const struct ring_request *shared, const void *data, uint64_t data_len,
		  struct request_plan *ret);

/**
 * request_plan_fini() - Free what a plan holds. Safe twice.
 * @plan: the plan.
 */
void request_plan_fini(struct request_plan *plan);

#endif
