/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory that a client and the daemon share, as both see it.
 *
 * The daemon makes it (a memfd sealed against resizing, so that neither side can make the other fault)
 * and hands it out with two eventfds in the reply to io.migoff.Attach: one that the client writes after
 * submitting, one that the daemon writes after finishing.
 *
 *	ring_head | submit queue | done queue | slots | data
 *
 * Both queues carry slot numbers. A slot belongs to the client until its number is in the submit queue,
 * then to the daemon until it is in the done queue. The client manages the data area: it holds the ranges
 * and, where wanted, one int32_t of status a page.
 *
 * The daemon believes nothing that it reads here: it reads each field once, checks it, and works on its
 * copy. It never reads back what it wrote itself. The memory is shmem, which the kernel hook does not
 * move, so that a client that moves its whole address space cannot make the daemon wait for itself.
 */
#ifndef MIGOFF_COMMON_RING_H
#define MIGOFF_COMMON_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define RING_MAGIC	0x66666f67696d0001ull
#define RING_VERSION	2
#define RING_N_SLOTS	64
#define RING_DATA_LEN	(1u << 20)
#define RING_N_NODE_WORDS 16
#define RING_N_CAUSES	32
#define RING_N_ORDERS	16
#define RING_N_REASONS	8	/* enum reason */
#define RING_MAX_RANGES	65536	/* of one request; more is answered -E2BIG */

/* One direction: @tail is the producer's, @head the consumer's; both run freely, modulo RING_N_SLOTS. */
struct ring_queue {
	_Alignas(64) _Atomic uint32_t tail;
	_Alignas(64) _Atomic uint32_t head;
	_Alignas(64) _Atomic uint32_t entries[RING_N_SLOTS];
};

/* flags of struct ring_request */
#define RING_MOVE_ALL	(1u << 0)
#define RING_WHOLE	(1u << 1)	/* the whole process: no ranges, no status */

/*
 * Written by the client before it submits. Offsets count from the start of the data area and are
 * multiples of 8.
 */
struct ring_request {
	uint32_t flags;
	uint32_t target;		/* from io.migoff.OpenTarget */
	int32_t to_node;
	uint32_t reason;		/* enum reason */
	uint64_t from_nodes[RING_N_NODE_WORDS];	/* all zero: any but to_node */
	uint64_t ranges;		/* offset of struct ring_range[n_ranges] */
	uint64_t n_ranges;
	uint64_t status;		/* offset of int32_t[n_status] */
	uint64_t n_status;		/* pages of all ranges, or 0: not wanted */
	uint64_t extents;		/* offset of struct ring_extent[n_extents] */
	uint64_t n_extents;		/* how many there is room for, or 0: not wanted */
	uint64_t deadline_ns;		/* how long it may take once the daemon has seen it; 0: any time */
	uint64_t reserved[4];
};

struct ring_range {
	uint64_t start;
	uint64_t len;
};

/* flags of struct ring_extent */
#define RING_EXTENT_MOVED	(1u << 0)
#define RING_EXTENT_BY_CPU	(1u << 1)	/* the CPU copied it */
#define RING_EXTENT_SAME	(1u << 2)	/* more pages of the folio of the extent before */

/*
 * What became of a folio, or of a run of pages that have the same fate. Written by the daemon batch by
 * batch, as they end: ascending within a batch, in no order between them. Pages that no batch came to have none.
 */
struct ring_extent {
	uint64_t va;			/* the first page that was asked for */
	uint64_t len;			/* bytes that were asked for */
	int32_t status;			/* as a page's */
	uint16_t cause;			/* enum migoff_cause */
	uint8_t order;			/* of the folio */
	uint8_t flags;
};

/*
 * Written by the daemon; the meaning of each is in migoff.h at struct migoff_result. @error is
 * -ECANCELED when the request was cancelled, -ETIME when its deadline had passed.
 */
struct ring_result {
	int32_t error;
	uint32_t reserved;
	uint64_t n_extents;		/* that there were; those beyond the request's room are lost */
	uint64_t pages_asked;
	uint64_t pages_moved;
	uint64_t pages_by_cause[RING_N_CAUSES];
	uint64_t bytes_engine;
	uint64_t bytes_cpu;
	uint64_t folios_engine[RING_N_ORDERS];
	uint64_t folios_cpu[RING_N_ORDERS];
	uint64_t n_batches;
	uint64_t n_expired;
	uint64_t elapsed_ns;
	uint64_t engine_ns;
	uint64_t blocked_max_ns;
};

struct ring_slot {
	struct ring_request request;
	_Alignas(64) _Atomic uint64_t progress;	/* bytes gone through; the daemon's */
	_Atomic uint32_t cancel;		/* not 0: end it soon; the client's */
	_Alignas(64) struct ring_result result;
};

/* The daemon's, but for the queues' client side. */
struct ring_head {
	uint64_t magic;
	uint32_t version;
	uint32_t n_slots;
	uint64_t data_off;
	uint64_t data_len;
	_Atomic uint64_t min_request;	/* bytes; what is smaller is quicker by the system call */
	_Atomic uint64_t deadline_ns;	/* a page that is away is back after this, even if the daemon is gone */
	_Atomic uint32_t ready;		/* 0: there is no engine or no hook at the moment */
	struct ring_queue submit;
	struct ring_queue done;
	struct ring_slot slots[RING_N_SLOTS];
};

#endif
