// SPDX-License-Identifier: GPL-2.0-only
/*
 * The take: what the look has found is given destinations, locked, taken off the LRU lists, unmapped
 * and put where the engines can reach it.
 *
 * Everything that can wait for memory comes before the first lock; from then on tasks may be waiting
 * for us, so nothing is waited for: what is not to be had at once is left. The deadline counts from
 * the first lock.
 */
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/swap.h>

#include "migoff.h"

static struct folio *destination(unsigned int order, int node)
{
	gfp_t gfp = __GFP_THISNODE | __GFP_NOWARN | __GFP_NOMEMALLOC;
	struct folio *folio;

	/* For a large one reclaim and compaction have one try, as in move_pages(2). */
	gfp |= order ? GFP_TRANSHUGE : GFP_HIGHUSER_MOVABLE | __GFP_NORETRY;
	folio = __folio_alloc_node(gfp, order, node);
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

static void find_destinations(struct slot *slot, int node)
{
	bool none[MAX_PAGE_ORDER + 1] = { };
	u32 i;

	for (i = 0; i < slot->n_folios; i++) {
		struct batch_folio *f = &slot->folios[i];
		unsigned int order = slot->extents[f->extent].order;

		if (!f->src)
			continue;
		if (!none[order])
			f->dst = destination(order, node);
		if (!f->dst) {
			none[order] = true;
			folio_give_up(slot, f, MIGOFF_CAUSE_NOMEM);
		}
		cond_resched();
	}
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
	if (!resolved_folio_isolate_lru(f->src))
		return MIGOFF_CAUSE_BUSY;
	/* The isolation has a reference; the look's would count as somebody else's. */
	folio_put(f->src);
	f->taken = true;
	resolved_try_to_migrate(f->src, TTU_BATCH_FLUSH);
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
	u64 time = slot->info.deadline_ns - slot->info.locked_ns;

	return ktime_get_ns() > slot->info.locked_ns + time / 2;
}

static void take_folios(struct slot *slot, const struct migoff_prepare *p)
{
	u32 i;

	start_clock(slot, p);
	for (i = 0; i < slot->n_folios; i++) {
		struct batch_folio *f = &slot->folios[i];
		enum migoff_cause cause;

		if (!f->src)
			continue;
		cause = too_late(slot) ? MIGOFF_CAUSE_BUSY : take_folio(f, p);
		if (cause != MIGOFF_CAUSE_NONE)
			folio_give_up(slot, f, cause);
		else
			slot->info.n_taken++;
		cond_resched();
	}
	/* Until here a CPU may still write through a stale TLB entry. */
	resolved_try_to_unmap_flush();
}

static void recount(struct slot *slot)
{
	u32 i;

	slot->info.bytes_taken = 0;
	for (i = 0; i < slot->n_folios; i++)
		if (slot->folios[i].taken)
			slot->info.bytes_taken += folio_size(slot->folios[i].src);
}

/**
 * take() - Take the folios that the look has found.
 * @slot: the slot. Afterwards info.n_taken of its folios are in the batch; destinations of the others
 *	stay in the window until the end of the batch, so that it is unmapped without holes.
 * @p: the request.
 */
void take(struct slot *slot, const struct migoff_prepare *p)
{
	might_sleep();
	find_destinations(slot, p->to_node);
	window_plan(slot);
	window_map_destinations(slot);
	take_folios(slot, p);
	window_map_sources(slot);
	recount(slot);
}
