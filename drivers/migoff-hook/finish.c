// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a batch: one way for commit, abort, deadline, close and system events.
 *
 * First everything is taken from the engines and their IOTLBs are flushed; only then the CPU copies,
 * compares, and maps folios. Until a folio's mapping entries are replaced, the source is the truth.
 */
#include <linux/ktime.h>
#include <linux/migrate.h>
#include <linux/random.h>
#include <linux/vmstat.h>

#include "migoff.h"

/* A copy is compared by cache lines: the first, the last, and one in each piece of this size. */
#define SAMPLE_PIECE	((size_t)SZ_64K)
#define SAMPLE_LINE	64

/**
 * cause_status() - The status that move_pages(2) has for a cause.
 * @cause: the cause.
 * @node: where the page is.
 *
 * Return: @node when nothing is wrong, or a negative errno.
 */
int cause_status(enum migoff_cause cause, int node)
{
	static const s16 statuses[MIGOFF_CAUSE_NR] = {
		[MIGOFF_CAUSE_HOLE] = -ENOENT,
		[MIGOFF_CAUSE_ZERO] = -EFAULT,
		[MIGOFF_CAUSE_SPECIAL] = -EFAULT,
		[MIGOFF_CAUSE_UNMAPPED] = -EFAULT,
		[MIGOFF_CAUSE_SHARED] = -EACCES,
		[MIGOFF_CAUSE_POISON] = -EHWPOISON,
		[MIGOFF_CAUSE_CHANGED] = -EAGAIN,
		[MIGOFF_CAUSE_NOMEM] = -ENOMEM,
		[MIGOFF_CAUSE_LEFT] = -ECANCELED,
		[MIGOFF_CAUSE_VERIFY] = -EIO,
	};

	if (cause <= MIGOFF_CAUSE_NODE)
		return node;
	return statuses[cause] ?: -EBUSY;
}

/**
 * folio_settle() - Say what became of a folio, in its extent and those that share its fate.
 * @slot: the slot.
 * @f: the folio.
 * @cause: MIGOFF_CAUSE_NONE: moved.
 * @node: where it is now.
 */
void folio_settle(struct slot *slot, struct batch_folio *f, enum migoff_cause cause, int node)
{
	u8 flags = slot->extents[f->extent].flags & (MIGOFF_EXTENT_MOVED | MIGOFF_EXTENT_BY_CPU);
	u32 i = f->extent;

	do {
		struct migoff_extent *e = &slot->extents[i];

		e->cause = cause;
		e->status = cause_status(cause, node);
		e->flags |= flags;
		i++;
	} while (i < slot->info.n_extents && slot->extents[i].flags & MIGOFF_EXTENT_SAME);
}

/**
 * folio_give_up() - A folio that was wanted is not taken.
 * @slot: the slot.
 * @f: the folio; with the look's reference, or none any more. It may keep its destination.
 * @cause: why.
 */
void folio_give_up(struct slot *slot, struct batch_folio *f, enum migoff_cause cause)
{
	struct migoff_extent *e = &slot->extents[f->extent];
	u32 i;

	if (f->src && !f->taken)
		folio_put(f->src);
	if (f->src)
		count(live_folios, -1);
	f->src = NULL;
	f->taken = false;
	if (f->anon_vma) {
		resolved_put_anon_vma(f->anon_vma);
		f->anon_vma = NULL;
		count(live_anon_vmas, -1);
	}
	folio_settle(slot, f, cause, e->from_node);
	e->flags &= ~MIGOFF_EXTENT_TAKEN;
	e->folio_len = 0;
	for (i = f->extent + 1; i < slot->info.n_extents; i++) {
		if (!(slot->extents[i].flags & MIGOFF_EXTENT_SAME))
			break;
		slot->extents[i].flags &= ~MIGOFF_EXTENT_SAME;
	}
}

/**
 * folio_drop_destination() - A destination is not used.
 * @f: its folio; the destination is out of the engines' reach.
 */
void folio_drop_destination(struct batch_folio *f)
{
	if (!f->dst)
		return;
	folio_unlock(f->dst);
	f->spare = f->dst;
	f->dst = NULL;
	count(live_destinations, -1);
}

/**
 * folio_restore() - Map a taken folio back, unlock it, and put it on its LRU list.
 * @f: the folio. The isolation's reference is dropped; its anon_vma is still held.
 */
void folio_restore(struct batch_folio *f)
{
	unsigned long src = migrate_pfn(folio_pfn(f->src)), dst = 0;

	/* With a destination in its hands the kernel would take that for the successor. */
	migrate_device_finalize(&src, &dst, 1);
}

static bool same(struct folio *a, struct folio *b, size_t offset, size_t len)
{
	return !memcmp(folio_address(a) + offset, folio_address(b) + offset, len);
}

/* All of it, page by page; or a line in each piece, and the first and the last line. */
static bool verify(const struct batch_folio *f, bool full)
{
	size_t size = folio_size(f->src), piece = full ? PAGE_SIZE : min(SAMPLE_PIECE, size);
	size_t len = full ? PAGE_SIZE : SAMPLE_LINE, at;

	for (at = 0; at < size; at += piece) {
		size_t offset = full ? 0 : get_random_u32_below(piece / len) * len;

		if (!same(f->src, f->dst, at + offset, len))
			return false;
		cond_resched();
	}
	return same(f->src, f->dst, 0, len) && same(f->src, f->dst, size - len, len);
}

/* @f->dst has the content of @f->src, or the cause why it is not to be used. */
static enum migoff_cause copied(struct slot *slot, struct batch_folio *f, u8 verdict)
{
	bool full = slot->session->flags & MIGOFF_SETUP_VERIFY_FULL;
	bool sampled = slot->session->flags & MIGOFF_SETUP_VERIFY_SAMPLED;

	if (f->stuck || verdict == MIGOFF_VERDICT_LEAVE)
		return MIGOFF_CAUSE_LEFT;
	/* Memory errors reported meanwhile: comparing would be fatal. */
	if (folio_poisoned(f->src) || folio_poisoned(f->dst))
		return MIGOFF_CAUSE_POISON;
	if (verdict == MIGOFF_VERDICT_CPU) {
		if (!folio_mc_copy(f->dst, f->src))
			return MIGOFF_CAUSE_NONE;
		count(copy_failures, 1);
		return MIGOFF_CAUSE_POISON;
	}
	if (!(full || sampled) || verify(f, full))
		return MIGOFF_CAUSE_NONE;
	count(verify_failures, 1);
	return MIGOFF_CAUSE_VERIFY;
}

/* An engine may still reach these two: never to be freed, so never anything else. */
static void leak(struct batch_folio *f)
{
	if (f->src) {
		folio_get(f->src);
		count(leaked_folios, 1);
	}
	f->dst = NULL;
	count(live_destinations, -1);
	count(leaked_folios, 1);
}

/* The destination becomes the folio. Both are used up, moved or not, but for a spare one. */
static bool replace(struct batch_folio *f, bool pooled)
{
	unsigned long large = folio_test_large(f->src) ? MIGRATE_PFN_COMPOUND : 0;
	unsigned long src = migrate_pfn(folio_pfn(f->src)) | MIGRATE_PFN_MIGRATE | large;
	unsigned long dst = migrate_pfn(folio_pfn(f->dst)) | large;
	bool deferred = folio_order(f->src) > 1 && !data_race(list_empty(&f->src->_deferred_list));
	bool moved;

	folio_unreferenced(f->src);
	migrate_device_pages(&src, &dst, 1);
	moved = src & MIGRATE_PFN_MIGRATE;
	/* The kernel has taken the source off that list; it does the same for its own migrations. */
	if (moved && deferred)
		static_call(resolved_deferred_split_folio)(f->dst, false);
	if (moved && pooled) {
		folio_get(f->src);
		f->spare = f->src;
	}
	migrate_device_finalize(&src, &dst, 1);
	f->dst = NULL;
	count(live_destinations, -1);
	return moved;
}

/* Also the events that the kernel counts in its own migration, as far as a module can. */
static void count_folio(struct migoff_extent *e, bool moved)
{
	bool by_cpu = e->flags & MIGOFF_EXTENT_BY_CPU;

	count_vm_events(moved ? PGMIGRATE_SUCCESS : PGMIGRATE_FAIL, 1 << e->order);
	if (e->order == HPAGE_PMD_ORDER)
		count_vm_event(moved ? THP_MIGRATION_SUCCESS : THP_MIGRATION_FAIL);
	count(folios_taken, 1);
	if (!moved) {
		count(folios_left, 1);
		return;
	}
	count(folios_moved, 1);
	atomic64_add(e->folio_len, &migoff_counters[by_cpu ? COUNTER_bytes_by_cpu :
							     COUNTER_bytes_by_engine]);
}

static void finish_folio(struct slot *slot, struct batch_folio *f, u8 verdict)
{
	struct migoff_extent *e = &slot->extents[f->extent];
	int node = folio_nid(f->src), to = folio_nid(f->dst);
	enum migoff_cause cause = copied(slot, f, verdict);

	if (f->stuck)
		leak(f);
	if (cause != MIGOFF_CAUSE_NONE) {
		folio_drop_destination(f);
		folio_restore(f);
	} else if (replace(f, slot->session->pool)) {
		e->flags |= MIGOFF_EXTENT_MOVED;
		if (verdict == MIGOFF_VERDICT_CPU)
			e->flags |= MIGOFF_EXTENT_BY_CPU;
		slot->info.n_moved++;
		node = to;
	} else {
		cause = MIGOFF_CAUSE_PINNED;
	}
	count_folio(e, cause == MIGOFF_CAUSE_NONE);
	folio_settle(slot, f, cause, node);
	resolved_put_anon_vma(f->anon_vma);
	f->anon_vma = NULL;
	f->src = NULL;
	f->taken = false;
	count(live_anon_vmas, -1);
	count(live_folios, -1);
}

static void count_end(const struct slot *slot)
{
	static const enum counter ends[] = {
		[MIGOFF_END_NONE] = COUNTER_ended_by_release,
		[MIGOFF_END_COMMIT] = COUNTER_committed,
		[MIGOFF_END_ABORT] = COUNTER_aborted,
		[MIGOFF_END_DEADLINE] = COUNTER_expired,
		[MIGOFF_END_SYSTEM] = COUNTER_ended_by_system,
	};

	atomic64_inc(&migoff_counters[ends[slot->info.end]]);
	count(blocked_ns_total, slot->info.blocked_ns);
	count(live_batches, -1);
}

/**
 * finish_nothing() - Take down a batch of which no folio was taken, or is any more.
 * @slot: the slot, locked; its extents say what became of them.
 */
void finish_nothing(struct slot *slot)
{
	u32 i;

	might_sleep();
	hrtimer_cancel(&slot->deadline);
	window_revoke(slot);
	for (i = 0; i < slot->n_folios; i++) {
		struct batch_folio *f = &slot->folios[i];

		if (f->stuck && f->dst)
			leak(f);
		folio_drop_destination(f);
		if (f->spare)
			pool_give(slot->session->pool, f->spare, slot->owner);
		cond_resched();
	}
	slot->n_folios = 0;
	for (i = 0; i < slot->info.n_extents; i++)
		count_cause(slot->extents[i].cause, slot->extents[i].len >> PAGE_SHIFT);
}

/**
 * finish_batch() - End a batch, and tell in its area what became of it.
 * @slot: the slot, locked; a batch is out.
 * @end: MIGOFF_END_*, NONE when the device is closed.
 * @verdicts: a MIGOFF_VERDICT_* for each extent; or NULL:
 * @otherwise: this for all.
 */
void finish_batch(struct slot *slot, u32 end, const u8 *verdicts, u8 otherwise)
{
	u32 i;

	might_sleep();
	lockdep_assert_held(&slot->lock);
	window_revoke(slot);
	slot->info.end = end;
	for (i = 0; i < slot->n_folios; i++) {
		struct batch_folio *f = &slot->folios[i];

		if (f->taken)
			finish_folio(slot, f, verdicts ? verdicts[f->extent] : otherwise);
		cond_resched();
	}
	slot->info.blocked_ns = ktime_get_ns() - slot->info.locked_ns;
	finish_nothing(slot);
	count_end(slot);
	finish_publish(slot);
}

/**
 * finish_publish() - Write the slot's area anew.
 * @slot: the slot, locked.
 */
void finish_publish(struct slot *slot)
{
	memcpy(slot->area + sizeof(slot->info), slot->extents,
	       slot->info.n_extents * sizeof(*slot->extents));
	memcpy(slot->area, &slot->info, sizeof(slot->info));
}

/* End a batch without the daemon, whose COMMIT or ABORT is still to come and is told -ETIME. */
static void finish_without_daemon(struct slot *slot, u32 end)
{
	bool copy = slot->session->flags & MIGOFF_SETUP_EXPIRE_COPY && end == MIGOFF_END_DEADLINE;

	finish_batch(slot, end, NULL, copy ? MIGOFF_VERDICT_CPU : MIGOFF_VERDICT_LEAVE);
	slot->state = SLOT_EXPIRED;
}

/**
 * finish_expire() - The work of a deadline that has passed.
 * @work: slot->expire_work. The batch may have ended meanwhile, and the slot have another one.
 */
void finish_expire(struct work_struct *work)
{
	struct slot *slot = container_of(work, struct slot, expire_work);

	guard(mutex)(&slot->lock);
	if (slot->state == SLOT_OUT && ktime_get_ns() >= slot->info.deadline_ns)
		finish_without_daemon(slot, MIGOFF_END_DEADLINE);
}

/**
 * finish_deadline() - The timer of a batch's deadline.
 * @timer: slot->deadline.
 *
 * Return: HRTIMER_NORESTART.
 */
enum hrtimer_restart finish_deadline(struct hrtimer *timer)
{
	struct slot *slot = container_of(timer, struct slot, deadline);

	queue_work(migoff_wq, &slot->expire_work);
	return HRTIMER_NORESTART;
}

/**
 * finish_all() - End all batches of a session.
 * @s: the session, set up.
 * @end: MIGOFF_END_SYSTEM, or NONE when it is closed.
 */
void finish_all(struct session *s, u32 end)
{
	u32 i;

	for (i = 0; i < s->n_slots; i++) {
		struct slot *slot = &s->slots[i];

		guard(mutex)(&slot->lock);
		if (slot->state == SLOT_OUT)
			finish_without_daemon(slot, end);
	}
}

/* COPIED can only be true of what an engine could reach. */
static bool verdicts_valid(const struct slot *slot)
{
	u32 i;

	for (i = 0; i < slot->info.n_extents && slot->finish.n_verdicts == slot->info.n_extents; i++) {
		u8 flags = slot->extents[i].flags, verdict = slot->verdicts[i];

		if (flags & MIGOFF_EXTENT_TAKEN &&
		    (verdict > MIGOFF_VERDICT_CPU ||
		     (verdict == MIGOFF_VERDICT_COPIED && flags & MIGOFF_EXTENT_NO_IOVA)))
			return false;
	}
	return slot->finish.n_verdicts == slot->info.n_extents;
}

/**
 * finish_by_daemon() - Carry out a COMMIT or ABORT.
 * @slot: the slot, locked; its @finish is the command.
 *
 * Return: what the command completes with.
 */
int finish_by_daemon(struct slot *slot)
{
	if (slot->state == SLOT_IDLE || slot->info.batch != slot->finish.batch)
		return -ENOENT;
	if (slot->state == SLOT_EXPIRED) {
		slot->state = SLOT_IDLE;
		return -ETIME;
	}
	if (!slot->finish.commit)
		finish_batch(slot, MIGOFF_END_ABORT, NULL, MIGOFF_VERDICT_LEAVE);
	else if (verdicts_valid(slot))
		finish_batch(slot, MIGOFF_END_COMMIT, slot->verdicts, MIGOFF_VERDICT_LEAVE);
	else
		return -EINVAL;
	slot->state = SLOT_IDLE;
	return slot->info.n_moved;
}
