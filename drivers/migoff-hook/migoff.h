/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the migoff module: one session (the open file), its slots, and the batch in each.
 *
 * Lock order, outermost first:
 *
 *	session_lock		who has the device open; taken by open, release and the notifiers
 *	slot->lock		everything about a slot; whoever ends a batch holds it, so that a
 *				batch has one end
 *	mmap_lock		of the target, read, trylock only; never across an access to the
 *				daemon's memory
 *	folio locks		trylock only; a batch keeps them from the take to its end
 *	anon_vma, IOMMU		taken by the kernel below us
 *
 * mmap() of the device runs under the daemon's mmap_lock, which nests inside slot->lock (commands
 * read the daemon's memory); so it takes none of these locks.
 */
#ifndef MIGOFF_HOOK_MIGOFF_H
#define MIGOFF_HOOK_MIGOFF_H

#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/io_uring/cmd.h>
#include <linux/iommu.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagewalk.h>
#include <linux/rmap.h>
#include <linux/siphash.h>
#include <linux/static_call.h>
#include <linux/workqueue.h>

#include "migoff_uapi.h"

/* How many ranges are read from the daemon at a time. */
#define LOOK_RANGES	256
/* What a batch can hold when there is no window that limits it. */
#define BATCH_MAX_BYTES	SZ_256M

/**
 * struct batch_folio - a folio that a batch has, or wants
 * @src: the folio, with a reference: of the look until it is taken, then the isolation's.
 * @dst: what it will become; NULL without one, or when it has become it.
 * @anon_vma: its reverse map, with a reference, from the take to the end.
 * @extent: index of its extent.
 * @by_iova: of the folio with this index: which one comes at that place of the window's order.
 * @offset: where it lies in the slot's half of the window, for source and destination alike.
 * @taken: locked, isolated, unmapped.
 * @mapped: [false]: the engine can read @src; [true]: it can write @dst.
 * @stuck: could not be taken out of the engine's reach: neither may ever be used again.
 * @spare: what is left at the end, and may be used again: a destination that was not needed, or the
 *	source that was moved.
 */
struct batch_folio {
	struct folio *src;
	struct folio *dst;
	struct anon_vma *anon_vma;
	struct folio *spare;
	u64 offset;
	u32 extent;
	u32 by_iova;
	bool taken;
	bool mapped[2];
	bool stuck;
};

enum slot_state { SLOT_IDLE, SLOT_OUT, SLOT_EXPIRED };

/**
 * struct finish_request - a COMMIT or ABORT on its way to the workqueue
 * @cmd: to complete.
 * @batch: which batch is meant.
 * @n_verdicts: how many bytes of the slot's verdicts were given.
 * @commit: COMMIT, else ABORT.
 */
struct finish_request {
	struct io_uring_cmd *cmd;
	u64 batch;
	u32 n_verdicts;
	bool commit;
};

/**
 * struct slot - place for one batch
 * @lock: protects all but the constants and @finish.
 * @session: its owner, constant.
 * @index: which slot it is, constant.
 * @state: SLOT_*.
 * @info: the head of the area, the truth of it.
 * @extents: the extents, the truth of them: what the daemon maps is a copy that is never read.
 * @folios: n_folios of them, in the order of addresses.
 * @n_planned: how many of @folios have a place in the window.
 * @owner: of the target's memory, from target_get_mm().
 * @area: the copy that the daemon maps.
 * @ranges: LOOK_RANGES ranges of the request.
 * @verdicts: of the COMMIT on its way; belongs to whoever set @finishing.
 * @finishing: bit 0: a COMMIT or ABORT is on its way.
 * @finish: that one.
 * @finish_work: carries it out.
 * @deadline: fires when the batch has to end.
 * @expire_work: ends it.
 */
struct slot {
	struct mutex lock;
	struct session *session;
	u32 index;
	enum slot_state state;
	struct migoff_batch_info info;
	struct migoff_extent *extents;
	struct batch_folio *folios;
	u32 n_folios;
	u32 n_planned;
	u64 owner;
	void *area;
	struct migoff_range ranges[LOOK_RANGES];

	u8 *verdicts;
	unsigned long finishing;
	struct finish_request finish;
	struct work_struct finish_work;

	struct hrtimer deadline;
	struct work_struct expire_work;
};

/**
 * struct session - the open device
 * @ready: set up; all below is constant from then on, but @engine_lost and @suspended.
 * @setup_lock: one SETUP at a time.
 * @mm: the opener's address space, which is never moved; referenced as a structure only.
 * @pagemap_fops: what a file under /proc/PID/pagemap has.
 * @owner_key: makes owners of programs.
 * @flags: MIGOFF_SETUP_*.
 * @deadline_ns: default and upper bound.
 * @n_slots: how many @slots.
 * @n_extents: how many extents a slot has.
 * @area_len: size of one slot's area.
 * @window_iova: the window, 0 without engines.
 * @half: bytes of a slot's half of it.
 * @max_batch: bytes that a batch can hold.
 * @vfio: the engines' device files: they keep the domains alive.
 * @n_vfio: how many.
 * @domains: the distinct domains behind them.
 * @n_domains: how many.
 * @slots: the slots.
 * @pool: where destinations come from, or NULL.
 * @copy_wq: for commits in which the CPU copies: they wait for each other, and nothing for them.
 * @engine_lost: an unmap failed: nothing is mapped for the engines any more.
 * @suspended: the system is about to sleep: no new batches.
 */
struct session {
	bool ready;
	struct mutex setup_lock;
	struct mm_struct *mm;
	const struct file_operations *pagemap_fops;
	siphash_key_t owner_key;
	u32 flags;
	u64 deadline_ns;
	u32 n_slots;
	u32 n_extents;
	size_t area_len;
	u64 window_iova;
	u64 half;
	u64 max_batch;
	struct file *vfio[MIGOFF_MAX_DEVICES];
	u32 n_vfio;
	struct iommu_domain *domains[MIGOFF_MAX_DEVICES];
	u32 n_domains;
	struct slot *slots;
	struct pool *pool;
	struct workqueue_struct *copy_wq;
	bool engine_lost;
	bool suspended;
};

/* main.c */
/* Deadlines, and commits that copy nothing: no work on it waits for another. */
extern struct workqueue_struct *migoff_wq;
extern struct miscdevice migoff_misc;

/* setup.c: from an open file to a session. */
int setup_session(struct session *s, struct migoff_setup __user *arg);
void setup_done(struct session *s);

/* target.c: whose memory it is, and whether it may be moved. */
#define NOBODY 0 /* the owner of what has nobody's content */
int target_get_mm(struct session *s, const struct migoff_prepare *p, struct mm_struct **ret_mm,
		  u64 *ret_owner);

/* look.c: which folios, and why not the others. */
int look(struct slot *slot, const struct migoff_prepare *p, struct mm_struct *mm);
enum migoff_cause folio_cause(struct folio *folio, const struct migoff_prepare *p);

/* take.c: from the plan of the look to a batch that is out. */
void take(struct slot *slot, const struct migoff_prepare *p);
bool folio_unreferenced(struct folio *folio);

/* window.c: what the engines can reach. */
void window_plan(struct slot *slot);
void window_map_destinations(struct slot *slot);
void window_map_sources(struct slot *slot);
void window_revoke(struct slot *slot);

/* finish.c: the one way in which batches end. */
int cause_status(enum migoff_cause cause, int node);
void folio_settle(struct slot *slot, struct batch_folio *f, enum migoff_cause cause, int node);
void folio_give_up(struct slot *slot, struct batch_folio *f, enum migoff_cause cause);
void folio_drop_destination(struct batch_folio *f);
void folio_restore(struct batch_folio *f);
void finish_batch(struct slot *slot, u32 end, const u8 *verdicts, u8 otherwise);
void finish_nothing(struct slot *slot);
int finish_by_daemon(struct slot *slot);
void finish_all(struct session *s, u32 end);
void finish_publish(struct slot *slot);
void finish_expire(struct work_struct *work);
enum hrtimer_restart finish_deadline(struct hrtimer *timer);

/* recycle.c: from the source of a migration to a free folio. */
int folio_recycle(struct folio *folio);
bool folio_poisoned(struct folio *folio);
void folio_scrub(struct folio *folio);

/* pool.c: free folios of each node, kept for batches to come. */
#define POOL_STOP_OFFLINE	1 /* memory of the node is going offline */
#define POOL_STOP_SLEEP		2 /* the system is about to sleep */
#define POOL_STOP_END		4
struct pool;
int pool_new(const struct migoff_setup *arg, struct pool **ret);
void pool_free(struct pool *pool);
struct folio *pool_take(struct pool *pool, int node, unsigned int order, u64 owner);
void pool_give(struct pool *pool, struct folio *folio, u64 owner);
void pool_asked(struct pool *pool, int node, const u32 *hits, const u32 *misses, bool more);
bool pool_drain(struct pool *pool, int node);
void pool_stop(struct pool *pool, int node, u32 why, bool stop);

/* uring.c: the commands. */
int uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);
void uring_finish(struct work_struct *work);

/* resolve.c: functions of the kernel that are not exported; these no public header declares. */
bool folio_isolate_lru(struct folio *folio);
void try_to_unmap_flush(void);
void __put_anon_vma(struct anon_vma *anon_vma);

#define RESOLVED(R)							\
	R(folio_walk_start) R(folio_isolate_lru) R(try_to_migrate) R(try_to_unmap_flush) \
	R(deferred_split_folio) R(kallsyms_lookup_name) R(__put_anon_vma)
/* static_call(resolved_FUNCTION)(...) calls one of them. */
#define RESOLVED_DECLARE(function) DECLARE_STATIC_CALL(resolved_##function, function);
RESOLVED(RESOLVED_DECLARE)
#undef RESOLVED_DECLARE

int resolve_symbols(void);
void resolved_put_anon_vma(struct anon_vma *anon_vma);
bool resolved_uncount_anon(unsigned int order);

/* counters.c: /sys/class/misc/migoff/counters/ */
#define COUNTERS(C)							\
	/* objects that exist now: all 0 when no batch is out and the device is closed */ \
	C(live_sessions) C(live_batches) C(live_folios) C(live_destinations)	\
	C(live_iova_bytes) C(live_anon_vmas) C(live_vfio_files) C(live_mms)	\
	C(live_pooled_bytes)						\
	/* totals */							\
	C(prepared) C(committed) C(aborted) C(expired) C(ended_by_release)	\
	C(ended_by_system) C(folios_taken) C(folios_moved) C(folios_left)	\
	C(bytes_by_engine) C(bytes_by_cpu) C(verify_failures)		\
	C(copy_failures) C(unmap_mismatches) C(leaked_folios)		\
	C(blocked_ns_total) C(finish_ns)				\
	/* folios: those that batches took from the pool or had to allocate, those that came and went */ \
	C(pool_hits) C(pool_misses) C(pool_scrubbed) C(pool_recycled) C(pool_filled) \
	C(pool_aged) C(pool_shrunk) C(pool_drained) C(pool_poisoned) C(pool_unfit) \
	/* folios that were not recycled, by cause; pool_unfit is the sum of all but the last */ \
	C(pool_unfit_init_on_free) C(pool_unfit_referenced) C(pool_unfit_poisoned) \
	C(pool_unfit_mapped) C(pool_unfit_charged) C(pool_unfit_state) C(pool_no_room) \
	/* pages not taken or not moved, by cause */			\
	C(cause_already) C(cause_node) C(cause_hole) C(cause_zero) C(cause_small) \
	C(cause_shared) C(cause_file) C(cause_hugetlb) C(cause_ksm) C(cause_mlocked) \
	C(cause_pinned) C(cause_writeback) C(cause_swapcache) C(cause_partial)	\
	C(cause_poison) C(cause_special) C(cause_busy) C(cause_changed)	\
	C(cause_nomem) C(cause_left) C(cause_verify) C(cause_unmapped)

enum counter {
#define COUNTER_ENUM(name) COUNTER_##name,
	COUNTERS(COUNTER_ENUM)
#undef COUNTER_ENUM
	COUNTER_NR
};

extern atomic64_t migoff_counters[COUNTER_NR];
extern const struct attribute_group *migoff_counter_groups[];

#define count(name, n) atomic64_add((n), &migoff_counters[COUNTER_##name])
void count_cause(enum migoff_cause cause, u64 pages);

#endif
