// SPDX-License-Identifier: GPL-2.0-only
/*
 * The look: which folios a request is about, in the order of addresses, and why the others are not taken.
 *
 * A snapshot of hmm_range_fault() tells the page frames; it takes no reference, faults nothing in and
 * marks nothing accessed. A frame number alone is not an identity: by the time it is used it can
 * stand for anything. So each folio that is wanted gets a reference first, and then the snapshot is
 * taken again: what is still mapped there now is what we hold, and it stays that as long as we do.
 */
#include <linux/delay.h>
#include <linux/hmm.h>
#include <linux/hugetlb.h>
#include <linux/ksm.h>
#include <linux/memory_hotplug.h>
#include <linux/mmu_notifier.h>
#include <linux/uaccess.h>

#include "migoff.h"

/* The lock of a busy address space is tried this often, with a short sleep in between. */
#define MMAP_TRIES	50
/* One PREPARE goes through so many addresses at most, so that it ends, and others get their turn. */
#define LOOK_MAX_PAGES	(SZ_4G >> PAGE_SHIFT)

/**
 * struct look - one look
 * @slot: where the result goes.
 * @p: the request.
 * @mm: the target.
 * @max_bytes: how much may be taken.
 * @n_pages: how many addresses were gone through.
 * @first_range: index of the first range in slot->ranges.
 * @n_ranges: how many ranges are there.
 * @full: the batch, or the area, is full, or it is time to return.
 */
struct look {
	struct slot *slot;
	const struct migoff_prepare *p;
	struct mm_struct *mm;
	u64 max_bytes;
	u64 n_pages;
	u64 first_range;
	u32 n_ranges;
	bool full;
};

/**
 * folio_cause() - Is this a folio that can be taken?
 * @folio: referenced. Asked again when it is locked, because all of it can change until then.
 * @p: the request.
 *
 * Return: MIGOFF_CAUSE_NONE, or why not.
 */
enum migoff_cause folio_cause(struct folio *folio, const struct migoff_prepare *p)
{
	int node = folio_nid(folio);

	if (folio_test_hugetlb(folio))
		return MIGOFF_CAUSE_HUGETLB;
	if (folio_contain_hwpoisoned_page(folio))
		return MIGOFF_CAUSE_POISON;
	if (folio_test_ksm(folio))
		return MIGOFF_CAUSE_KSM;
	if (!folio_test_anon(folio))
		return MIGOFF_CAUSE_FILE;
	if (node == p->to_node)
		return MIGOFF_CAUSE_ALREADY;
	if (!bitmap_empty((const unsigned long *)p->from_nodes, 64 * MIGOFF_NODE_WORDS) &&
	    !test_bit(node, (const unsigned long *)p->from_nodes))
		return MIGOFF_CAUSE_NODE;
	if (folio_maybe_mapped_shared(folio) && !(p->flags & MIGOFF_PREPARE_MOVE_ALL))
		return MIGOFF_CAUSE_SHARED;
	if (folio_order(folio) < p->min_order)
		return MIGOFF_CAUSE_SMALL;
	if (folio_test_mlocked(folio))
		return MIGOFF_CAUSE_MLOCKED;
	if (folio_test_large(folio) && folio_test_partially_mapped(folio))
		return MIGOFF_CAUSE_PARTIAL;
	if (folio_test_writeback(folio))
		return MIGOFF_CAUSE_WRITEBACK;
	if (folio_test_large(folio) && folio_test_swapcache(folio))
		return MIGOFF_CAUSE_SWAPCACHE;
	if (folio_maybe_dma_pinned(folio))
		return MIGOFF_CAUSE_PINNED;
	if (!folio_test_lru(folio) || !folio_mapped(folio))
		return MIGOFF_CAUSE_BUSY;
	return MIGOFF_CAUSE_NONE;
}

static bool extents_left(struct slot *slot)
{
	return slot->info.n_extents < slot->session->n_extents;
}

/* Two neighbours that are left for the same reason are one extent. */
static bool extent_grows(const struct migoff_extent *e, u64 va, enum migoff_cause cause, int node,
			 unsigned int order)
{
	return !e->flags && e->va + e->len == va && e->cause == cause && e->from_node == node &&
	       e->order == order;
}

static bool skip(struct look *l, u64 va, u64 len, enum migoff_cause cause, int node,
		 unsigned int order)
{
	struct slot *slot = l->slot;
	struct migoff_extent *e = &slot->extents[slot->info.n_extents];

	if (l->p->flags & MIGOFF_PREPARE_WHOLE &&
	    (cause == MIGOFF_CAUSE_HOLE || cause == MIGOFF_CAUSE_UNMAPPED))
		return true;
	if (slot->info.n_extents && extent_grows(e - 1, va, cause, node, order)) {
		e[-1].len += len;
		return true;
	}
	if (!extents_left(slot))
		return false;
	*e = (struct migoff_extent){
		.va = va, .len = len, .order = order, .from_node = node,
	};
	e->cause = cause;
	e->status = cause_status(cause, node);
	slot->info.n_extents++;
	return true;
}

/* More of the folio that was found last: the same extent, or one that shares its fate. */
static bool extend(struct look *l, u64 va)
{
	struct slot *slot = l->slot;
	struct migoff_extent *e = &slot->extents[slot->info.n_extents];

	if (e[-1].va + e[-1].len == va) {
		e[-1].len += PAGE_SIZE;
		return true;
	}
	if (!extents_left(slot))
		return false;
	*e = (struct migoff_extent){
		.va = va, .len = PAGE_SIZE, .flags = MIGOFF_EXTENT_SAME,
		.order = e[-1].order, .from_node = e[-1].from_node,
	};
	slot->info.n_extents++;
	return true;
}

static bool want(struct look *l, struct folio *folio, u64 va)
{
	struct slot *slot = l->slot;
	struct migoff_extent *e = &slot->extents[slot->info.n_extents];
	u64 taken = slot->info.bytes_taken;

	if (!extents_left(slot) || (taken && taken + folio_size(folio) > l->max_bytes))
		return false;
	*e = (struct migoff_extent){
		.va = va, .len = PAGE_SIZE, .folio_len = folio_size(folio),
		.order = folio_order(folio), .flags = MIGOFF_EXTENT_TAKEN,
		.from_node = folio_nid(folio),
	};
	slot->folios[slot->n_folios] = (struct batch_folio){
		.src = folio, .extent = slot->info.n_extents,
	};
	slot->info.bytes_taken += folio_size(folio);
	slot->info.n_extents++;
	slot->n_folios++;
	folio_get(folio);
	count(live_folios, 1);
	return true;
}

static bool look_folio(struct look *l, struct vm_area_struct *vma, struct folio *folio, u64 va)
{
	enum migoff_cause cause = folio_cause(folio, l->p);

	if (cause == MIGOFF_CAUSE_NONE && vma->vm_flags & VM_LOCKED)
		cause = MIGOFF_CAUSE_MLOCKED;
	if (cause == MIGOFF_CAUSE_NONE)
		return want(l, folio, va);
	return skip(l, va, PAGE_SIZE, cause, folio_nid(folio), folio_order(folio));
}

static bool wanted_last(struct slot *slot, struct folio *folio)
{
	const struct batch_folio *f;
	u32 i;

	if (!slot->n_folios)
		return false;
	f = &slot->folios[slot->n_folios - 1];
	if (f->src != folio)
		return false;
	/* Nothing but more of the same may follow it, or SAME would name another folio. */
	for (i = f->extent + 1; i < slot->info.n_extents; i++)
		if (!(slot->extents[i].flags & MIGOFF_EXTENT_SAME))
			return false;
	return true;
}

/* Return: false when there is no room for it. */
static bool look_page(struct look *l, struct vm_area_struct *vma, u64 va, unsigned long hmm_pfn)
{
	struct page *page;
	struct folio *folio;
	bool done;

	if (!(hmm_pfn & HMM_PFN_VALID))
		return skip(l, va, PAGE_SIZE, hmm_pfn & HMM_PFN_ERROR ? MIGOFF_CAUSE_SPECIAL :
			    MIGOFF_CAUSE_HOLE, NUMA_NO_NODE, 0);
	if (is_zero_pfn(hmm_pfn & ~HMM_PFN_FLAGS))
		return skip(l, va, PAGE_SIZE, MIGOFF_CAUSE_ZERO, NUMA_NO_NODE, 0);
	page = pfn_to_online_page(hmm_pfn & ~HMM_PFN_FLAGS);
	if (!page)
		return skip(l, va, PAGE_SIZE, MIGOFF_CAUSE_SPECIAL, NUMA_NO_NODE, 0);
	folio = page_folio(page);
	if (wanted_last(l->slot, folio))
		return extend(l, va);
	if (!folio_try_get(folio))
		return skip(l, va, PAGE_SIZE, MIGOFF_CAUSE_BUSY, NUMA_NO_NODE, 0);
	if (page_folio(page) != folio)
		done = skip(l, va, PAGE_SIZE, MIGOFF_CAUSE_CHANGED, NUMA_NO_NODE, 0);
	else if (vma_is_anonymous(vma) && !folio_test_anon(folio))
		/* Nothing but the huge zero page is mapped there without being anonymous. */
		done = skip(l, va, PAGE_SIZE, MIGOFF_CAUSE_ZERO, NUMA_NO_NODE, 0);
	else
		done = look_folio(l, vma, folio, va);
	folio_put(folio);
	return done;
}

/* The notifier is never registered: a snapshot needs no news of what happens after it. */
static int snapshot(struct mm_struct *mm, u64 start, u64 end, unsigned long *pfns)
{
	struct mmu_interval_notifier notifier = { .mm = mm };
	struct hmm_range range = {
		.notifier = &notifier,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
	};

	memset(pfns, 0, ((end - start) >> PAGE_SHIFT) * sizeof(*pfns));
	return hmm_range_fault(&range);
}

/* Of the folios wanted since number @first, give up those that were not what was mapped there. */
static int confirm(struct look *l, u64 start, u64 end, u32 first)
{
	struct slot *slot = l->slot;
	u32 i;
	int r;

	if (first == slot->n_folios)
		return 0;
	r = snapshot(l->mm, start, end, slot->pfns[1]);
	if (r)
		return r;
	for (i = first; i < slot->n_folios; i++) {
		struct batch_folio *f = &slot->folios[i];
		u64 at = (slot->extents[f->extent].va - start) >> PAGE_SHIFT;

		if ((slot->pfns[0][at] ^ slot->pfns[1][at]) & (HMM_PFN_VALID | ~HMM_PFN_FLAGS))
			folio_give_up(slot, f, MIGOFF_CAUSE_CHANGED);
	}
	return 0;
}

static int look_pages(struct look *l, struct vm_area_struct *vma, u64 start, u64 end, u64 *ret_next)
{
	u32 first = l->slot->n_folios;
	u64 va;
	int r;

	r = snapshot(l->mm, start, end, l->slot->pfns[0]);
	if (r)
		return r;
	for (va = start; va < end; va += PAGE_SIZE)
		if (!look_page(l, vma, va, l->slot->pfns[0][(va - start) >> PAGE_SHIFT])) {
			l->full = true;
			break;
		}
	r = confirm(l, start, end, first);
	if (r)
		return r;
	l->n_pages += (va - start) >> PAGE_SHIFT;
	*ret_next = va;
	return 0;
}

/* What no page of an area can be taken of. */
static enum migoff_cause vma_cause(const struct vm_area_struct *vma)
{
	if (is_vm_hugetlb_page(vma))
		return MIGOFF_CAUSE_HUGETLB;
	if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		return MIGOFF_CAUSE_SPECIAL;
	/* The snapshot does not tell what is there. */
	if (!(vma->vm_flags & VM_READ))
		return vma_is_anonymous(vma) && !vma->anon_vma ? MIGOFF_CAUSE_HOLE :
			MIGOFF_CAUSE_BUSY;
	return MIGOFF_CAUSE_NONE;
}

static void look_skip(struct look *l, u64 start, u64 end, enum migoff_cause cause, u64 *ret_next)
{
	*ret_next = start;
	if (!skip(l, start, end - start, cause, NUMA_NO_NODE, 0))
		l->full = true;
	else
		*ret_next = end;
}

/* One step: a hole, an area of which nothing is taken, or up to LOOK_PAGES pages. */
static int look_step(struct look *l, u64 start, u64 end, u64 *ret_next)
{
	struct vm_area_struct *vma = find_vma(l->mm, start);
	enum migoff_cause cause;

	if (!vma || vma->vm_start >= end) {
		look_skip(l, start, end, MIGOFF_CAUSE_UNMAPPED, ret_next);
		return 0;
	}
	if (start < vma->vm_start) {
		look_skip(l, start, vma->vm_start, MIGOFF_CAUSE_UNMAPPED, ret_next);
		return 0;
	}
	end = min_t(u64, end, vma->vm_end);
	cause = vma_cause(vma);
	if (cause != MIGOFF_CAUSE_NONE) {
		look_skip(l, start, end, cause, ret_next);
		return 0;
	}
	end = min_t(u64, end, ALIGN_DOWN(start, LOOK_PAGES * PAGE_SIZE) + LOOK_PAGES * PAGE_SIZE);
	return look_pages(l, vma, start, end, ret_next);
}

static int look_lock(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < MMAP_TRIES; i++) {
		if (mmap_read_trylock(mm))
			return 0;
		usleep_range(20, 100);
	}
	return -EAGAIN;
}

/* Go through the ranges that were read, as far as there is room. The cursor says how far. */
static int look_ranges(struct look *l)
{
	struct migoff_batch_info *info = &l->slot->info;
	u32 steps = 0;
	int r = 0;

	while (info->cursor_range < l->first_range + l->n_ranges && !l->full && !r) {
		const struct migoff_range *range =
			&l->slot->ranges[info->cursor_range - l->first_range];
		u64 end = range->start + range->len;

		if (!info->cursor_va)
			info->cursor_va = range->start;
		r = look_step(l, info->cursor_va, end, &info->cursor_va);
		if (!r && info->cursor_va == end) {
			info->cursor_range++;
			info->cursor_va = 0;
		}
		if (l->n_pages >= LOOK_MAX_PAGES)
			l->full = true;
		/* Let those in who want to change the mappings. */
		if (++steps % 64 == 0 && !l->full && !r) {
			mmap_read_unlock(l->mm);
			cond_resched();
			r = look_lock(l->mm);
			if (r)
				return r;
		}
	}
	mmap_read_unlock(l->mm);
	return r;
}

static int range_check(const struct migoff_range *range, u64 *end_of_last)
{
	u64 end;

	if (!range->len || !PAGE_ALIGNED(range->start) || !PAGE_ALIGNED(range->len))
		return -EINVAL;
	if (check_add_overflow(range->start, range->len, &end) || end > TASK_SIZE_MAX)
		return -EINVAL;
	if (range->start < *end_of_last)
		return -EINVAL;
	*end_of_last = end;
	return 0;
}

static int read_ranges(struct look *l, u64 *end_of_last)
{
	struct slot *slot = l->slot;
	u32 i;
	int r;

	if (l->p->flags & MIGOFF_PREPARE_WHOLE) {
		slot->ranges[0] = (struct migoff_range){ .len = TASK_SIZE_MAX };
		l->n_ranges = 1;
		return 0;
	}
	l->n_ranges = min_t(u64, LOOK_RANGES, l->p->n_ranges - l->first_range);
	if (copy_from_user(slot->ranges, u64_to_user_ptr(l->p->ranges) +
			   l->first_range * sizeof(*slot->ranges),
			   l->n_ranges * sizeof(*slot->ranges)))
		return -EFAULT;
	for (i = 0; i < l->n_ranges; i++) {
		r = range_check(&slot->ranges[i], end_of_last);
		if (r)
			return r;
	}
	return 0;
}

/* The cursor lies in its range, or is 0: then it is where that begins. */
static int check_cursor(const struct look *l)
{
	const struct migoff_range *range = &l->slot->ranges[0];
	u64 va = l->p->cursor_va;

	if (va && (!PAGE_ALIGNED(va) || va < range->start || va >= range->start + range->len))
		return -EINVAL;
	return 0;
}

static void look_undo(struct slot *slot)
{
	u32 i;

	for (i = 0; i < slot->n_folios; i++)
		folio_give_up(slot, &slot->folios[i], MIGOFF_CAUSE_LEFT);
	slot->n_folios = 0;
	slot->info.n_extents = 0;
	slot->info.bytes_taken = 0;
}

/**
 * look() - Find the folios of a request.
 * @slot: gets the extents, the wanted folios with a reference each, and the cursor.
 * @p: the request.
 * @mm: the target.
 *
 * Reads the daemon's memory, so the target's lock is taken and dropped in here.
 *
 * Return: 0, also when it ended early because the lock was taken: the cursor tells; or -EAGAIN when
 * that was at the beginning; -EINVAL or -EFAULT for the ranges. Then nothing is held.
 */
int look(struct slot *slot, const struct migoff_prepare *p, struct mm_struct *mm)
{
	u64 n_ranges = p->flags & MIGOFF_PREPARE_WHOLE ? 1 : p->n_ranges;
	struct look l = {
		.slot = slot, .p = p, .mm = mm, .first_range = p->cursor_range,
		.max_bytes = min(p->max_bytes, slot->session->max_batch),
	};
	u64 end_of_last = 0;
	int r = 0;

	slot->info.cursor_range = p->cursor_range;
	slot->info.cursor_va = p->cursor_va;
	while (!l.full && l.first_range < n_ranges) {
		r = read_ranges(&l, &end_of_last);
		if (!r && l.first_range == p->cursor_range)
			r = check_cursor(&l);
		if (!r)
			r = look_lock(mm);
		if (!r)
			r = look_ranges(&l);
		if (r)
			break;
		l.first_range = slot->info.cursor_range;
	}
	if (r == -EAGAIN && slot->info.n_extents)
		r = 0;
	if (r)
		look_undo(slot);
	return r;
}
