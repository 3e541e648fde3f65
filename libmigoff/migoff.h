/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmigoff: move the pages of processes between NUMA nodes, by a DMA engine where migoffd has one.
 *
 * Two ways in:
 *
 * - migoff_move_pages() and migoff_migrate_pages() stand in for the system calls of those names.
 *   They give the engine what it is right for and make the system call, as the caller, for the rest;
 *   without a daemon they are the system call.
 * - struct migoff is a connection to the daemon: submit requests, wait on one descriptor, reap
 *   results with counts by cause and, where wanted, the fate of each folio.
 *
 * Thread rules: the drop-in calls may be made from any thread at any time, also after fork(). A struct
 * migoff is used by one thread at a time. After fork() a child must not use a parent's struct migoff
 * but to migoff_close() it.
 *
 * The library does not print, exit, or install signal handlers. All descriptors are close-on-exec.
 */
#ifndef MIGOFF_H
#define MIGOFF_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

#define MIGOFF_VERSION_MAJOR 0
#define MIGOFF_VERSION_MINOR 1

/**
 * migoff_move_pages() - move_pages(2), with the copies made by an engine where that pays.
 * @pid: process whose pages are moved; 0 is the caller.
 * @count: number of @pages.
 * @pages: addresses in that process.
 * @nodes: the destination of each page, or NULL to only fill @status.
 * @status: receives a node or a negative errno for each page.
 * @flags: MPOL_MF_MOVE or MPOL_MF_MOVE_ALL of <numaif.h>.
 *
 * The environment variable MIGOFF_FALLBACK=no makes it fail with ENOTCONN instead of using the system
 * call when there is no daemon, MIGOFF_SOCKET names another socket. Fewer than 8 pages are the system
 * call's in any case.
 *
 * Return: what move_pages(2) returns: 0, a positive number of pages that were not moved, or -1 with
 * errno set. Entries of @status may be valid where move_pages(2) would not have set them.
 */
long migoff_move_pages(int pid, unsigned long count, void *const pages[], const int nodes[],
		       int status[], int flags);

/**
 * migoff_migrate_pages() - migrate_pages(2), with the copies made by an engine where that pays.
 * @pid: process whose pages are moved; 0 is the caller.
 * @maxnode: number of bits in the masks.
 * @old_nodes: where pages are taken from.
 * @new_nodes: where they go to.
 *
 * Environment as for migoff_move_pages().
 *
 * Return: what migrate_pages(2) returns: the number of pages that could not be moved, or -1 with
 * errno set.
 */
long migoff_migrate_pages(int pid, unsigned long maxnode, const unsigned long *old_nodes,
			  const unsigned long *new_nodes);

/* A connection to the daemon. */
struct migoff;

/* A process whose pages may be moved over a connection. */
struct migoff_target;

/**
 * migoff_open() - Connect to the daemon.
 * @ret: receives the connection.
 * @socket: path of its socket, or NULL: $MIGOFF_SOCKET, else /run/migoff/io.migoff.
 *
 * Return: 0; -ENOENT or -ECONNREFUSED when no daemon listens; -EACCES when the caller may not use it;
 * -EPROTONOSUPPORT when it is of another version; another negative errno.
 */
int migoff_open(struct migoff **ret, const char *socket);

/**
 * migoff_close() - End a connection; what it has in flight is cancelled.
 * @m: the connection or NULL. Its targets are closed with it.
 *
 * Return: NULL.
 */
struct migoff *migoff_close(struct migoff *m);

/**
 * migoff_fd() - The descriptor to poll for POLLIN: a request has ended, or the daemon has gone.
 * @m: the connection, which keeps owning the descriptor.
 *
 * Return: the descriptor.
 */
int migoff_fd(const struct migoff *m);

/**
 * migoff_target_open() - Name a process to the daemon, proving the right to move its pages.
 * @m: the connection.
 * @pid: the process; 0 is the caller.
 * @ret: receives the target.
 *
 * The proof is that the caller can open /proc/PID/pagemap, which is the kernel's own rule for
 * move_pages(2). A target names an address space: after an exec of the process it is void.
 *
 * Return: 0; -ESRCH; -EPERM when the caller may not read the process; -EHOSTDOWN when the daemon is
 * gone; another negative errno.
 */
int migoff_target_open(struct migoff *m, int pid, struct migoff_target **ret);

/**
 * migoff_target_close() - Forget a target; requests on it that are in flight go on.
 * @t: the target or NULL.
 *
 * Return: NULL.
 */
struct migoff_target *migoff_target_close(struct migoff_target *t);

/* flags of struct migoff_request */
#define MIGOFF_MOVE_ALL	0x1 /* also pages that other processes map; wants CAP_SYS_NICE */

/* Page-aligned. */
struct migoff_range {
	uint64_t start;
	uint64_t len;
};

/* Why a request is made. The daemon keeps accounts by it; how pages are moved does not depend on it. */
enum migoff_reason {
	MIGOFF_REASON_NONE,	  /* not said */
	MIGOFF_REASON_PROMOTION,  /* to faster memory, for it is used much */
	MIGOFF_REASON_DEMOTION,	  /* to slower memory, for it is used little */
	MIGOFF_REASON_BALANCING,  /* to where its tasks run */
	MIGOFF_REASON_EVACUATION, /* away from a node that is to be emptied */
	MIGOFF_REASON_OPERATOR,	  /* a person wants it */
};

/* flags of struct migoff_extent */
#define MIGOFF_EXTENT_MOVED	0x1 /* is on the destination because of this request */
#define MIGOFF_EXTENT_BY_CPU	0x2 /* moved, and the CPU copied it */
#define MIGOFF_EXTENT_SAME	0x4 /* more pages of the folio of the extent before */

/**
 * struct migoff_extent - what became of a folio, or of a run of pages that have the same fate
 * @va: its first page that was asked for.
 * @len: bytes that were asked for.
 * @status: as in the array of struct migoff_request.status.
 * @cause: why it was not moved; a name by migoff_cause_name().
 * @order: of the folio; 9 is 2 MiB.
 * @flags: MIGOFF_EXTENT_*.
 */
struct migoff_extent {
	uint64_t va;
	uint64_t len;
	int32_t status;
	uint16_t cause;
	uint8_t order;
	uint8_t flags;
};

/**
 * struct migoff_request - what to move
 * @size: sizeof(struct migoff_request), so that later versions can add fields.
 * @flags: MIGOFF_MOVE_ALL.
 * @to_node: destination.
 * @n_from_words: number of 64-bit words at @from_nodes; 0: from any other node.
 * @from_nodes: mask of the nodes to move from.
 * @ranges: ascending, not overlapping; NULL: the whole process. A folio of which one page is asked
 *	for is moved whole.
 * @n_ranges: how many; at most migoff_limit_ranges().
 * @status: NULL, or one int for each page of @ranges in turn, filled when the request is reaped; has to
 *	stay until then. A node, or a negative errno as in move_pages(2).
 * @extents: NULL, or room for @n_extents of them, filled when the request is reaped; has to stay until
 *	then. They ascend within each batch and are in no order between batches. Pages that the request
 *	did not come to have none.
 * @n_extents: how many there is room for; at most migoff_limit_extents().
 * @deadline_ns: how long it may take, from when the daemon sees it; what is not done by then is left and
 *	its error is -ETIME. 0: any time. How long one page is away does not depend on it.
 * @cookie: given back with the result.
 * @reason: enum migoff_reason.
 * @reserved0: zero.
 * @reserved: zero.
 */
struct migoff_request {
	uint32_t size;
	uint32_t flags;
	int32_t to_node;
	uint32_t n_from_words;
	const uint64_t *from_nodes;
	const struct migoff_range *ranges;
	uint64_t n_ranges;
	int *status;
	struct migoff_extent *extents;
	uint64_t n_extents;
	uint64_t deadline_ns;
	uint64_t cookie;
	uint32_t reason;
	uint32_t reserved0;
	uint64_t reserved[4];
};

/* Why pages were not moved by the daemon; names by migoff_cause_name(). */
#define MIGOFF_N_CAUSES 32

#define MIGOFF_N_ORDERS 16

/**
 * struct migoff_result - what became of a request
 * @size: in: sizeof(struct migoff_result) as the caller knows it; so much is filled.
 * @error: 0, or why the request ended early, a negative errno: -ECANCELED, -ETIME for its deadline, or
 *	another. Pages may have been moved all the same.
 * @cookie: of the request.
 * @n_extents: how many extents there were; those beyond the request's room are not told.
 * @pages_asked: pages of the ranges (whole process: pages found).
 * @pages_moved: of these, pages that are on the destination because of this request.
 * @pages_by_cause: the others; the sum with @pages_moved is @pages_asked.
 * @bytes_engine: bytes that the engine copied; whole folios, so it can exceed what was asked for.
 * @bytes_cpu: bytes that the CPU copied on the daemon's behalf.
 * @folios_engine: moved, by order (order 9 is 2 MiB).
 * @folios_cpu: the same for the CPU.
 * @n_batches: batches made.
 * @n_expired: of these, batches that their deadline ended.
 * @elapsed_ns: from taking the request up to its end.
 * @engine_ns: time that the engine was at work for it.
 * @blocked_max_ns: the longest time that a page of it was unavailable.
 */
struct migoff_result {
	uint32_t size;
	int32_t error;
	uint64_t cookie;
	uint64_t n_extents;
	uint64_t pages_asked;
	uint64_t pages_moved;
	uint64_t pages_by_cause[MIGOFF_N_CAUSES];
	uint64_t bytes_engine;
	uint64_t bytes_cpu;
	uint64_t folios_engine[MIGOFF_N_ORDERS];
	uint64_t folios_cpu[MIGOFF_N_ORDERS];
	uint64_t n_batches;
	uint64_t n_expired;
	uint64_t elapsed_ns;
	uint64_t engine_ns;
	uint64_t blocked_max_ns;
};

/**
 * migoff_submit() - Hand a request to the daemon.
 * @t: whose pages.
 * @req: the request; copied, but for the arrays @req->status and @req->extents.
 * @ret_id: receives its number, for migoff_progress() and migoff_cancel(); or NULL.
 *
 * Return: 0; -EINVAL for a malformed request; -EAGAIN when as many as the daemon allows are in flight:
 * reap first; -E2BIG when the ranges do not fit: split it; -EHOSTDOWN when the daemon is gone.
 */
int migoff_submit(struct migoff_target *t, const struct migoff_request *req, uint64_t *ret_id);

/**
 * migoff_reap() - Take one result.
 * @m: the connection.
 * @ret: receives it; its size field is set by the caller.
 *
 * When the daemon goes, each request in flight still has its result, with the error -EHOSTDOWN and
 * without counts. It ended at a page that is not known; none has lost data. Pages whose status is
 * -ECANCELED may have been moved: move_pages(2) without nodes tells.
 *
 * Return: 1; 0 when none is ready; -EHOSTDOWN when the daemon is gone and nothing is left to reap: see
 * migoff_reconnect(). The descriptor of migoff_fd() is not readable from then on.
 */
int migoff_reap(struct migoff *m, struct migoff_result *ret);

/**
 * migoff_reconnect() - Go on with a daemon that was restarted.
 * @m: the connection; its descriptor and its targets stay the same.
 *
 * Returns at once when the daemon never went. A target that the new daemon does not take, since its
 * process has ended, say, has each request on it refused with that error by migoff_submit().
 *
 * Return: 0; -EAGAIN when requests are still to be reaped; -ENOENT, -ECONNREFUSED or -EHOSTDOWN when
 * no daemon answers yet: try again later; or an error of migoff_open().
 */
int migoff_reconnect(struct migoff *m);

/**
 * migoff_progress() - How far a request has come.
 * @m: the connection.
 * @id: of the request.
 * @ret_done: receives the bytes gone through.
 *
 * Return: 0, or -ENOENT when it has been reaped.
 */
int migoff_progress(const struct migoff *m, uint64_t id, uint64_t *ret_done);

/**
 * migoff_cancel() - Ask the daemon to end a request after the batch that it is at.
 * @m: the connection.
 * @id: of the request, which is still to be reaped; its error will be -ECANCELED unless it was done.
 *
 * Return: 0, or -ENOENT when it has been reaped.
 */
int migoff_cancel(struct migoff *m, uint64_t id);

/**
 * migoff_limit_ranges() - How many ranges a request may have.
 * @m: the connection.
 *
 * Return: the number.
 */
uint64_t migoff_limit_ranges(const struct migoff *m);

/**
 * migoff_limit_pages() - How many pages a request with a status array may have.
 * @m: the connection.
 *
 * Return: the number.
 */
uint64_t migoff_limit_pages(const struct migoff *m);

/**
 * migoff_limit_extents() - How many extents a request can have room for.
 * @m: the connection.
 *
 * Return: the number.
 */
uint64_t migoff_limit_extents(const struct migoff *m);

/**
 * migoff_cause_name() - A word for an index of struct migoff_result.pages_by_cause.
 * @cause: the index, or the cause of a struct migoff_extent.
 *
 * Return: a static string such as "shared"; NULL for an index without meaning.
 */
const char *migoff_cause_name(unsigned int cause);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
