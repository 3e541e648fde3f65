/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The interface of /dev/migoff, between the migoff module and the one daemon that opens it.
 *
 * A batch is a set of folios that the module has locked, isolated, unmapped and mapped into the
 * window of a DMA engine's IOMMU domain. It lives in a slot:
 *
 *	IDLE --PREPARE--> OUT --COMMIT|ABORT--> IDLE
 *	                   \--deadline--> EXPIRED --COMMIT|ABORT, answered -ETIME--> IDLE
 *
 * From PREPARE to the end of the batch, a task that touches one of its pages waits. The end never
 * depends on the daemon: at the deadline, and when the file is closed, the module ends the batch
 * itself. Until the commit the source folio is the truth, so every end but a commit loses nothing.
 *
 * SETUP is an ioctl, PREPARE, COMMIT and ABORT are io_uring commands (IORING_OP_URING_CMD): sqe->cmd
 * holds a struct migoff_cmd, sqe->cmd_op one of MIGOFF_CMD_*. The arguments are read when the command
 * is issued (PREPARE: when a worker takes it up) and must stay unchanged until its completion.
 *
 * All structures are in the byte order of the machine and have the same layout for 32 and 64 bits.
 * Reserved fields and unknown flags must be zero, else -EINVAL.
 */
#ifndef MIGOFF_UAPI_H
#define MIGOFF_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MIGOFF_ABI_VERSION	1

#define MIGOFF_MAX_DEVICES	8
#define MIGOFF_MAX_SLOTS	64
#define MIGOFF_DEFAULT_WORKERS	4
#define MIGOFF_NODE_WORDS	16	/* node masks have 1024 bits, bit n of word n / 64 */

/* One engine: an open VFIO device file, and the PCI function that it must prove to be. */
struct migoff_device {
	__s32 fd;
	__u16 segment;
	__u8 bus;
	__u8 devfn;
};

/* flags of struct migoff_setup */
#define MIGOFF_SETUP_EXPIRE_COPY	(1 << 0) /* a batch that expires is copied by the CPU and moved; without it, left */
#define MIGOFF_SETUP_VERIFY_SAMPLED	(1 << 1) /* compare parts of each engine-copied folio before the commit */
#define MIGOFF_SETUP_VERIFY_FULL	(1 << 2) /* compare all of it */
#define MIGOFF_SETUP_POOL_SHARED	(1 << 3) /* a pooled folio may serve another owner without being zeroed */

/**
 * struct migoff_setup - argument of MIGOFF_IOC_SETUP, once per open file
 * @size: sizeof(struct migoff_setup) as the caller knows it.
 * @abi: MIGOFF_ABI_VERSION; another one is refused with -EPROTONOSUPPORT, and ours stored here.
 * @flags: MIGOFF_SETUP_*.
 * @n_devices: how many of @devices are used; 0: no engine, folios can only be copied by the CPU.
 * @devices: the engines. The window is mapped in the domain of each.
 * @window_iova: where the window begins; a multiple of 4 MiB.
 * @window_len: its size. Each slot has a @n_slots-th of it, half for sources, half for
 *	destinations; a half must be a multiple of 2 MiB. It has to be empty, inside the aperture
 *	and the devices' masks and outside of reserved regions, and the caller promises never to
 *	map anything there. 0 without devices.
 * @n_slots: how many batches may be out at once, 1 to MIGOFF_MAX_SLOTS.
 * @n_extents: how many struct migoff_extent a slot's area holds, 16 to 65536.
 * @deadline_ns: the default and upper bound of a batch's deadline; at most 10 s.
 * @pool_bytes: how much free memory of each node may be held as destinations of batches to come, in
 *	which the sources of moved folios end up. Half of the node's memory is the most in any
 *	case. 0: none is held.
 * @pool_age_ns: what the pool was not asked for in this time is given back; 1 ms to 1 hour, 0 without
 *	a pool.
 * @n_workers: how many commits that copy by the CPU run at once (on the processors of one node), at
 *	most MIGOFF_MAX_SLOTS; 0: as many as there are processors, but no more than
 *	MIGOFF_DEFAULT_WORKERS. All others never wait for those.
 * @reserved0: zero.
 * @reserved: zero.
 * @ret_area_len: out: size of one slot's area. Slot i is mapped (read-only, MAP_SHARED) at file
 *	offset i * @ret_area_len; it begins with a struct migoff_batch_info, and struct
 *	migoff_extent[@n_extents] follow it.
 * @ret_max_batch: out: how many bytes of folios a batch can hold.
 */
struct migoff_setup {
	__u32 size;
	__u32 abi;
	__u32 flags;
	__u32 n_devices;
	struct migoff_device devices[MIGOFF_MAX_DEVICES];
	__u64 window_iova;
	__u64 window_len;
	__u32 n_slots;
	__u32 n_extents;
	__u64 deadline_ns;
	__u64 pool_bytes;
	__u64 pool_age_ns;
	__u32 n_workers;
	__u32 reserved0;
	__u64 reserved[1];
	__u64 ret_area_len;
	__u64 ret_max_batch;
};

#define MIGOFF_IOC_SETUP	_IOWR('M', 0x60, struct migoff_setup)

#define MIGOFF_CMD_PREPARE	0x01
#define MIGOFF_CMD_COMMIT	0x02
#define MIGOFF_CMD_ABORT	0x03

/**
 * struct migoff_cmd - what sqe->cmd holds
 * @arg: address of the command's structure.
 * @reserved: zero.
 */
struct migoff_cmd {
	__u64 arg;
	__u64 reserved;
};

/* Page-aligned addresses of the target. */
struct migoff_range {
	__u64 start;
	__u64 len;
};

/* flags of struct migoff_prepare */
#define MIGOFF_PREPARE_MOVE_ALL	(1 << 0) /* also folios that other processes map */
#define MIGOFF_PREPARE_WHOLE	(1 << 1) /* the whole address space from @cursor_va on; no ranges; holes are not reported */

/**
 * struct migoff_prepare - argument of MIGOFF_CMD_PREPARE
 * @size: sizeof(struct migoff_prepare).
 * @flags: MIGOFF_PREPARE_*.
 * @slot: an idle slot.
 * @pidfd: the target.
 * @pagemap_fd: /proc/PID/pagemap of the target, opened by whoever asks for the move: the proof that
 *	it may (PTRACE_MODE_READ, as for move_pages(2)). It must name the address space that the
 *	target has now, else -EPERM (so an exec in between voids it).
 * @to_node: destination.
 * @min_order: folios of a smaller order are left (MIGOFF_CAUSE_SMALL).
 * @from_nodes: folios elsewhere are left (MIGOFF_CAUSE_NODE); all zero: any node but @to_node.
 * @ranges: address of struct migoff_range[@n_ranges], ascending, not overlapping. A folio of which
 *	any page is asked for is moved whole, as move_pages(2) does.
 * @cursor_range: in: where to go on.
 * @cursor_va: in: and at which address in that range; 0: at its beginning.
 * @max_bytes: stop before more than this is taken (one folio is always allowed).
 * @deadline_ns: after which the module ends the batch, counted from the first lock; 0: setup's.
 * @reserved: zero.
 *
 * Completes with the number of extents that carry MIGOFF_EXTENT_TAKEN, or a negative errno: -EBUSY
 * when the slot is not idle; -ESRCH when the target is gone; -EPERM as above, also for kernel threads
 * and init; -ENODEV when @to_node has no memory; -EAGAIN when the target's memory map stayed locked.
 * With an errno no batch is out. With 0 none is out either, but the area tells what was found.
 */
struct migoff_prepare {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__s32 pidfd;
	__s32 pagemap_fd;
	__s32 to_node;
	__u32 min_order;
	__u32 n_ranges;
	__u64 from_nodes[MIGOFF_NODE_WORDS];
	__u64 ranges;
	__u64 cursor_range;
	__u64 cursor_va;
	__u64 max_bytes;
	__u64 deadline_ns;
	__u64 reserved[4];
};

/* Verdicts, one byte an extent. */
#define MIGOFF_VERDICT_LEAVE	0	/* map the source back */
#define MIGOFF_VERDICT_COPIED	1	/* the engine has copied it */
#define MIGOFF_VERDICT_CPU	2	/* let the CPU copy it, then move it */

/**
 * struct migoff_finish - argument of MIGOFF_CMD_COMMIT and MIGOFF_CMD_ABORT
 * @size: sizeof(struct migoff_finish).
 * @slot: the batch's slot.
 * @batch: the batch's number, from struct migoff_batch_info.
 * @verdicts: address of MIGOFF_VERDICT_* bytes, one for each extent in the area, taken or not (those
 *	of the others are ignored). ABORT: 0.
 * @n_verdicts: struct migoff_batch_info.n_extents. ABORT: 0.
 * @reserved: zero.
 *
 * Completes with the number of extents moved; -ETIME when the deadline had ended the batch (what
 * became of it is in the area); -ENOENT when that batch is not in that slot. When it completes the
 * area holds the final status of each extent and the slot is idle.
 */
struct migoff_finish {
	__u32 size;
	__u32 slot;
	__u64 batch;
	__u64 verdicts;
	__u32 n_verdicts;
	__u32 reserved0;
	__u64 reserved[2];
};

/* Who ended a batch. */
#define MIGOFF_END_NONE		0
#define MIGOFF_END_COMMIT	1
#define MIGOFF_END_ABORT	2
#define MIGOFF_END_DEADLINE	3
#define MIGOFF_END_SYSTEM	4	/* suspend, or the node goes offline */

/**
 * struct migoff_batch_info - the head of a slot's area, written by the module only
 * @batch: number of the batch; never used twice.
 * @cursor_range: where the next PREPARE of this request goes on; n_ranges (WHOLE: 1) at the end.
 * @cursor_va: the address to go on from.
 * @bytes_taken: bytes of folios in the batch.
 * @locked_ns: CLOCK_MONOTONIC when the first folio was locked.
 * @deadline_ns: CLOCK_MONOTONIC at which the module ends the batch.
 * @blocked_ns: after the end: from the first lock to the last page usable again.
 * @n_extents: how many extents follow.
 * @n_taken: how many of them are in the batch.
 * @end: MIGOFF_END_*.
 * @n_moved: after the end: how many were moved.
 */
struct migoff_batch_info {
	__u64 batch;
	__u64 cursor_range;
	__u64 cursor_va;
	__u64 bytes_taken;
	__u64 locked_ns;
	__u64 deadline_ns;
	__u64 blocked_ns;
	__u32 n_extents;
	__u32 n_taken;
	__u32 end;
	__u32 n_moved;
	__u64 reserved[7];
};

/*
 * Why an extent is as it is, and its status: -EBUSY where nothing else is said. New causes are added
 * at the end.
 */
enum migoff_cause {
	MIGOFF_CAUSE_NONE,	/* taken, or moved */
	MIGOFF_CAUSE_ALREADY,	/* is on the destination: status is the node */
	MIGOFF_CAUSE_NODE,	/* is on a node that was not asked for: status is the node */
	MIGOFF_CAUSE_HOLE,	/* nothing present (never touched, swapped out, under migration): -ENOENT */
	MIGOFF_CAUSE_ZERO,	/* the shared zero page: -EFAULT */
	MIGOFF_CAUSE_SMALL,	/* order below min_order */
	MIGOFF_CAUSE_SHARED,	/* other processes map it: -EACCES */
	MIGOFF_CAUSE_FILE,	/* page cache or shared memory */
	MIGOFF_CAUSE_HUGETLB,
	MIGOFF_CAUSE_KSM,
	MIGOFF_CAUSE_MLOCKED,
	MIGOFF_CAUSE_PINNED,	/* references that are not mappings */
	MIGOFF_CAUSE_WRITEBACK,
	MIGOFF_CAUSE_SWAPCACHE,	/* a large folio in the swap cache */
	MIGOFF_CAUSE_PARTIAL,	/* mapped in part */
	MIGOFF_CAUSE_POISON,	/* a memory error was found: -EHWPOISON */
	MIGOFF_CAUSE_SPECIAL,	/* device memory, PFN mappings, anything without a folio: -EFAULT */
	MIGOFF_CAUSE_BUSY,	/* isolated by somebody else, or locked */
	MIGOFF_CAUSE_CHANGED,	/* unmapped or split before it was locked: -EAGAIN */
	MIGOFF_CAUSE_NOMEM,	/* no destination: -ENOMEM */
	MIGOFF_CAUSE_LEFT,	/* the verdict, an abort or the deadline left it: -ECANCELED */
	MIGOFF_CAUSE_VERIFY,	/* the copy differed from the source: -EIO */
	MIGOFF_CAUSE_UNMAPPED,	/* no mapping there: -EFAULT */
	MIGOFF_CAUSE_NR
};

/* flags of struct migoff_extent */
#define MIGOFF_EXTENT_TAKEN	(1 << 0) /* in the batch: wants a verdict */
#define MIGOFF_EXTENT_SAME	(1 << 1) /* lies in the folio of the nearest taken extent before, and shares its fate */
#define MIGOFF_EXTENT_NO_IOVA	(1 << 2) /* taken, but the engine cannot reach it: only CPU or LEAVE */
#define MIGOFF_EXTENT_MOVED	(1 << 3) /* after the end: it is on the destination now */
#define MIGOFF_EXTENT_BY_CPU	(1 << 4) /* after the end: the CPU copied it */

/**
 * struct migoff_extent - one folio of a batch, or a run of pages that are not in it
 * @va: first page that was asked for, in the target.
 * @len: bytes that were asked for. The sum over all extents is what the PREPARE went through.
 * @src_iova: where the engine reads the folio, all of it, from its first byte.
 * @dst_iova: where it writes it.
 * @folio_len: bytes of the folio; 0 when not taken. Extents of a batch that follow each other in
 *	both IOVAs may be copied as one.
 * @status: as move_pages(2) reports it: a node, or a negative errno. Of a taken extent, valid
 *	after the end of the batch.
 * @cause: enum migoff_cause.
 * @order: of the folio.
 * @flags: MIGOFF_EXTENT_*.
 * @from_node: where the folio is (was), or -1.
 */
struct migoff_extent {
	__u64 va;
	__u64 len;
	__u64 src_iova;
	__u64 dst_iova;
	__u64 folio_len;
	__s32 status;
	__u16 cause;
	__u8 order;
	__u8 flags;
	__s32 from_node;
	__u32 reserved;
};

#endif
