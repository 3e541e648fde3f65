// SPDX-License-Identifier: GPL-2.0-only
/*
 * The take: what the look has found is given destinations, locked, taken off the LRU lists, unmapped
 * and put where the engines can reach it.
 *
 * Everything that can wait for memory comes before the first lock; from then on tasks may be waiting
 * for us, so nothing is waited for: what is not to be had at once is left. The deadline counts from
 * the first lock.
 */
#include <linux/ktime.h>

#include "migoff.h"

static struct folio *allocate(unsigned int order, int node)
{
	gfp_t gfp = __GFP_THISNODE | __GFP_NOWARN | __GFP_NOMEMALLOC;

	/* For a large one reclaim and compaction have one try, as in move_pages(2). */
	gfp |= order ? GFP_TRANSHUGE : GFP_HIGHUSER_MOVABLE | __GFP_NORETRY;
	return __folio_alloc_node(gfp, order, node);
}

static struct folio *destination(struct slot *slot, unsigned int order, int node, bool *ret_hit)
{
	struct pool *pool = slot->session->pool;
	struct folio *folio;

	folio = pool_take(pool, node, order, slot->owner);
	*ret_hit = folio;
	if (!folio)
		folio = allocate(order, node);
	/* What the pool has of other sizes is nothing to keep when memory is short. */
	if (!folio && pool_drain(pool, node))
		folio = allocate(order, node);
	if (!folio)
		return NULL;
	/* It is ours alone; whoever looks at it by its frame number in passing, does not wait. */
	if (!folio_trylock(folio)) {
		folio_put(folio);
		return NULL;
	}
	count(live_destinations, 1);
	return folio;
}

/* @more: this is not the last batch of the request. */
static void find_destinations(struct slot *slot, int node, bool more)
{
	u32 hits[MAX_PAGE_ORDER + 1] = { }, misses[MAX_PAGE_ORDER + 1] = { };
	bool none[MAX_PAGE_ORDER + 1] = { };
	bool hit;
	u32 i;

	for (i = 0; i < slot->n_folios; i++) {
		struct batch_folio *f = &slot->folios[i];
		unsigned int order = slot->extents[f->extent].order;

		if (!f->src)
			continue;
		if (!none[order])
			f->dst = destination(slot, order, node, &hit);
		if (!f->dst) {
			none[order] = true;
			folio_give_up(slot, f, MIGOFF_CAUSE_NOMEM);
		} else if (hit) {
			hits[order]++;
		} else {
			misses[order]++;
		}
		cond_resched();
	}
	pool_asked(slot->session->pool, node, hits, misses, more);
}

/*
 * The kernel's folio_get_anon_vma(). What is mapped has a living anon_vma; if it still is mapped once
 * we have the reference, then we have it of the right one.
 */
static struct anon_vma *get_anon_vma(struct folio *folio)
{
	struct anon_vma *anon_vma = NULL;
	unsigned long mapping;

	rcu_read_lock();
	mapping = (unsigned long)READ_ONCE(folio->mapping);
	if ((mapping & FOLIO_MAPPING_FLAGS) == FOLIO_MAPPING_ANON && folio_mapped(folio)) {
		anon_vma = (struct anon_vma *)(mapping - FOLIO_MAPPING_ANON);
		if (!atomic_inc_not_zero(&anon_vma->refcount))
			anon_vma = NULL;
	}
	rcu_read_unlock();
	if (anon_vma && !folio_mapped(folio)) {
		resolved_put_anon_vma(anon_vma);
		return NULL;
	}
	return anon_vma;
}

/**
 * folio_unreferenced() - Does nobody but us hold an unmapped, isolated folio?
 * @folio: locked. A reference in passing is given a moment to go.
 *
 * Return: whether nobody does: what is referenced may be read or written behind our back.
 */
bool folio_unreferenced(struct folio *folio)
{
	int i;

	for (i = 0; i < 100; i++) {
		if (folio_ref_count(folio) == folio_expected_ref_count(folio) + 1)
			return true;
		cpu_relax();
	}
	return false;
}

/* The folio is locked, and now nothing about it changes but by those who have it mapped. */
static enum migoff_cause take_locked(struct batch_folio *f, const struct migoff_prepare *p)
{
	enum migoff_cause cause = folio_cause(f->src, p);

	if (cause != MIGOFF_CAUSE_NONE)
		return cause;
	if (folio_order(f->src) != folio_order(f->dst))
		return MIGOFF_CAUSE_CHANGED;
	f->anon_vma = get_anon_vma(f->src);
	if (!f->anon_vma)
		return MIGOFF_CAUSE_CHANGED;
	count(live_anon_vmas, 1);
	if (!static_call(resolved_folio_isolate_lru)(f->src))
		return MIGOFF_CAUSE_BUSY;
	/* The isolation has a reference; the look's would count as somebody else's. */
	folio_put(f->src);
	f->taken = true;
	static_call(resolved_try_to_migrate)(f->src, TTU_BATCH_FLUSH);
	if (folio_mapped(f->src))
		return MIGOFF_CAUSE_BUSY;
	return folio_unreferenced(f->src) ? MIGOFF_CAUSE_NONE : MIGOFF_CAUSE_PINNED;
}

static enum migoff_cause take_folio(struct batch_folio *f, const struct migoff_prepare *p)
{
	enum migoff_cause cause;

	if (!folio_trylock(f->src))
		return MIGOFF_CAUSE_BUSY;
	cause = take_locked(f, p);
	if (cause == MIGOFF_CAUSE_NONE)
		return cause;
	if (f->taken)
		folio_restore(f);
	else
		folio_unlock(f->src);
	return cause;
}

static void start_clock(struct slot *slot, const struct migoff_prepare *p)
{
	slot->info.locked_ns = ktime_get_ns();
	slot->info.deadline_ns = slot->info.locked_ns +
				 (p->deadline_ns ?: slot->session->deadline_ns);
	hrtimer_start(&slot->deadline, ns_to_ktime(slot->info.deadline_ns), HRTIMER_MODE_ABS);
}

/* Half of the time is for the copy: what is not unmapped by then is left. */
static bool too_late(const struct slot *slot)
{
	return ktime_get_ns() > (slot->info.locked_ns + slot->info.deadline_ns) / 2;
}

static void take_folios(struct slot *slot, const struct migoff_prepare *p)
{
	bool late = false;
	u32 i;

	start_clock(slot, p);
	slot->info.bytes_taken = 0;
	for (i = 0; i < slot->n_folios; i++) {
		struct batch_folio *f = &slot->folios[i];
		enum migoff_cause cause;

		if (!f->src)
			continue;
		/* The clock costs as much as a good part of a page. */
		late = late || (i % 16 == 0 && too_late(slot));
		cause = late ? MIGOFF_CAUSE_BUSY : take_folio(f, p);
		if (cause != MIGOFF_CAUSE_NONE) {
			folio_give_up(slot, f, cause);
		} else {
			slot->info.n_taken++;
			slot->info.bytes_taken += folio_size(f->src);
		}
		cond_resched();
	}
	/* Until here a CPU may still write through a stale TLB entry. */
	static_call(resolved_try_to_unmap_flush)();
}

/**
 * take() - Take the folios that the look has found.
 * @slot: the slot. Afterwards info.n_taken of its folios are in the batch; destinations of the others
 *	stay in the window until the end of the batch, so that it is unmapped without holes.
 * @p: the request.
 */
void take(struct slot *slot, const struct migoff_prepare *p)
{
	u32 n_ranges = p->flags & MIGOFF_PREPARE_WHOLE ? 1 : p->n_ranges;

	might_sleep();
	find_destinations(slot, p->to_node, slot->info.cursor_range < n_ranges);
	window_plan(slot);
	window_map_destinations(slot);
	take_folios(slot, p);
	window_map_sources(slot);
}
