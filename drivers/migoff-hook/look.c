// SPDX-License-Identifier: GPL-2.0-only
/*
 * The look: which folios a request is about, in the order of addresses, and why the others are not taken.
 *
 * It goes from one page table entry to the next, as move_pages(2) does: nothing is faulted in or marked
 * accessed. What is wanted gets a reference while its entry is locked: so it is certain which folio
 * that is, and it stays that one until it is locked.
 */
#include <linux/delay.h>
#include <linux/hugetlb.h>
#include <linux/uaccess.h>

#include "migoff.h"

/* The lock of a busy address space is tried this often, with a short sleep in between. */
#define MMAP_TRIES	50
/* So many entries are looked at, and those left in a page table, before the lock is let go for a moment. */
#define LOOK_BURST	1024
/* And so many in one PREPARE, so that it ends, and others get their turn. */
#define LOOK_MAX	(1 << 20)

/**
 * struct look - one look
 * @slot: where the result goes.
 * @p: the request.
 * @mm: the target.
 * @max_bytes: how much may be taken.
 * @n_entries: how many entries were looked at.
 * @first_range: index of the first range in slot->ranges.
 * @n_ranges: how many ranges are there.
 * @full: the batch, or the area, is full, or it is time to return.
 */
struct look {
	struct slot *slot;
	const struct migoff_prepare *p;
	struct mm_struct *mm;
	u64 max_bytes;
	u64 n_entries;
	u64 first_range;
	u32 n_ranges;
	bool full;
};

/*
 * The kernel's mark alone does not tell: small entries are taken away one by one, and a folio that is mapped
 * back, after an abort or a migration of the kernel's that came to nothing, keeps the mark. With several
 * processes the count may be full all the same; moving such a folio does no harm.
 */
static bool is_partial(const struct folio *folio)
{
	return folio_test_large(folio) && folio_test_partially_mapped(folio) &&
	       !folio_entire_mapcount(folio) &&
	       folio_large_mapcount(folio) < folio_nr_pages(folio);
}

/**
 * folio_cause() - Is this a folio that can be taken?
 * @folio: referenced. Asked again when it is locked, because all of it can change until then.
 * @p: the request; its from_nodes name every node when any will do.
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
	if (!test_bit(node, (const unsigned long *)p->from_nodes))
		return MIGOFF_CAUSE_NODE;
	if (folio_maybe_mapped_shared(folio) && !(p->flags & MIGOFF_PREPARE_MOVE_ALL))
		return MIGOFF_CAUSE_SHARED;
	if (folio_order(folio) < p->min_order)
		return MIGOFF_CAUSE_SMALL;
	if (folio_test_mlocked(folio))
		return MIGOFF_CAUSE_MLOCKED;
	if (is_partial(folio))
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

/* Return: false when there is no room for it. */
static bool add_extent(struct slot *slot, struct migoff_extent e)
{
	if (slot->info.n_extents == slot->session->n_extents)
		return false;
	slot->extents[slot->info.n_extents++] = e;
	return true;
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
	return add_extent(slot, (struct migoff_extent){
		.va = va, .len = len, .order = order, .from_node = node,
		.cause = cause, .status = cause_status(cause, node),
	});
}

/* More of the folio that was found last: the same extent, or one that shares its fate. */
static bool extend(struct look *l, u64 va, u64 len)
{
	struct slot *slot = l->slot;
	struct migoff_extent *e = &slot->extents[slot->info.n_extents];

	if (e[-1].va + e[-1].len == va) {
		e[-1].len += len;
		return true;
	}
	return add_extent(slot, (struct migoff_extent){
		.va = va, .len = len, .flags = MIGOFF_EXTENT_SAME,
		.order = e[-1].order, .from_node = e[-1].from_node,
	});
}

static bool want(struct look *l, struct folio *folio, u64 va, u64 len)
{
	struct slot *slot = l->slot;
	u64 taken = slot->info.bytes_taken, size = folio_size(folio);
	struct batch_folio *f = &slot->folios[slot->n_folios];

	if (taken && taken + size > l->max_bytes)
		return false;
	if (!add_extent(slot, (struct migoff_extent){
		.va = va, .len = len, .folio_len = size, .order = folio_order(folio),
		.flags = MIGOFF_EXTENT_TAKEN, .from_node = folio_nid(folio),
	}))
		return false;
	*f = (struct batch_folio){ .src = folio, .extent = slot->info.n_extents - 1 };
	slot->info.bytes_taken += size;
	slot->n_folios++;
	folio_get(folio);
	return true;
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
static bool look_folio(struct look *l, struct vm_area_struct *vma, struct folio *folio, u64 va,
		       u64 len)
{
	enum migoff_cause cause;

	if (wanted_last(l->slot, folio))
		return extend(l, va, len);
	cause = folio_cause(folio, l->p);
	if (cause == MIGOFF_CAUSE_NONE && vma->vm_flags & VM_LOCKED)
		cause = MIGOFF_CAUSE_MLOCKED;
	if (cause == MIGOFF_CAUSE_NONE)
		return want(l, folio, va, len);
	return skip(l, va, len, cause, folio_nid(folio), folio_order(folio));
}

/* From @va on, how far nothing is present for sure. Page tables above the last level stay. */
static u64 absent_until(struct mm_struct *mm, u64 va, u64 end)
{
	pgd_t *pgd = pgd_offset(mm, va);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (pgd_none(*pgd))
		return pgd_addr_end(va, end);
	p4d = p4d_offset(pgd, va);
	if (p4d_none(*p4d))
		return p4d_addr_end(va, end);
	pud = pud_offset(p4d, va);
	if (!pud_present(pudp_get(pud)))
		return pud_addr_end(va, end);
	if (pud_leaf(pudp_get(pud)))
		return va + PAGE_SIZE;
	pmd = pmd_offset(pud, va);
	return pmd_none(pmdp_get_lockless(pmd)) ? pmd_addr_end(va, end) : va + PAGE_SIZE;
}

/* How far an entry goes, and those behind it that map the pages that follow in the same folio. */
static u64 mapped_until(const struct folio_walk *fw, struct folio *folio, u64 va, u64 end)
{
	unsigned long n, pfn, max;

	if (fw->level == FW_LEVEL_PUD)
		return pud_addr_end(va, end);
	if (fw->level == FW_LEVEL_PMD)
		return pmd_addr_end(va, end);
	if (!fw->page)
		return va + PAGE_SIZE;
	pfn = page_to_pfn(fw->page);
	max = min(folio_pfn(folio) + folio_nr_pages(folio) - pfn,
		  (pmd_addr_end(va, end) - va) >> PAGE_SHIFT);
	for (n = 1; n < max; n++) {
		pte_t pte = ptep_get(fw->ptep + n);

		if (!pte_present(pte) || pte_pfn(pte) != pfn + n)
			break;
	}
	return va + (n << PAGE_SHIFT);
}

static void look_skip(struct look *l, u64 start, u64 end, enum migoff_cause cause, u64 *ret_next)
{
	if (skip(l, start, end - start, cause, NUMA_NO_NODE, 0))
		*ret_next = end;
	else
		l->full = true;
}

/* folio_walk_end(), which for hugetlb alone needs what is not exported; that is never walked. */
static void unlock_entry(struct folio_walk *fw)
{
	spin_unlock(fw->ptl);
	if (fw->level == FW_LEVEL_PTE)
		pte_unmap(fw->ptep);
}

/*
 * The entry behind the one that was found, in the same page table, whose lock is still held. What is
 * special about an entry is left to folio_walk_start(), in the next step.
 */
static bool next_entry(struct folio_walk *fw, u64 n)
{
	pte_t pte = ptep_get(fw->ptep + n);

	if (!pte_present(pte) || pte_special(pte))
		return false;
	fw->ptep += n;
	fw->page = pte_page(pte);
	return true;
}

/* One entry, and those that follow it in the page table. */
static void look_entries(struct look *l, struct vm_area_struct *vma, u64 va, u64 end, u64 *ret_next)
{
	struct folio_walk fw;
	struct folio *folio = static_call(resolved_folio_walk_start)(&fw, vma, va, FW_ZEROPAGE);
	u64 next;
	bool more;

	if (!folio) {
		next = absent_until(l->mm, va, end);
		look_skip(l, va, next, MIGOFF_CAUSE_HOLE, ret_next);
		return;
	}
	do {
		next = mapped_until(&fw, folio, va, end);
		if (!fw.page)
			look_skip(l, va, next, MIGOFF_CAUSE_ZERO, ret_next);
		else if (look_folio(l, vma, folio, va, next - va))
			*ret_next = next;
		else
			l->full = true;
		more = !l->full && fw.page && fw.level == FW_LEVEL_PTE &&
		       next < pmd_addr_end(va, end) &&
		       next_entry(&fw, (next - va) >> PAGE_SHIFT);
		if (more) {
			folio = page_folio(fw.page);
			va = next;
			l->n_entries++;
		}
	} while (more);
	unlock_entry(&fw);
}

/* One step: an area of which nothing is taken, or one page table. @ret_next stays when there is no room. */
static void look_step(struct look *l, u64 start, u64 end, u64 *ret_next)
{
	struct vm_area_struct *vma = find_vma(l->mm, start);

	if (!vma || start < vma->vm_start) {
		if (vma)
			end = min_t(u64, end, vma->vm_start);
		look_skip(l, start, end, MIGOFF_CAUSE_UNMAPPED, ret_next);
		return;
	}
	end = min_t(u64, end, vma->vm_end);
	if (is_vm_hugetlb_page(vma))
		look_skip(l, start, end, MIGOFF_CAUSE_HUGETLB, ret_next);
	else if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		look_skip(l, start, end, MIGOFF_CAUSE_SPECIAL, ret_next);
	else
		look_entries(l, vma, start, end, ret_next);
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

/* Go on in the range at the cursor. */
static void look_on(struct look *l)
{
	struct migoff_batch_info *info = &l->slot->info;
	const struct migoff_range *range = &l->slot->ranges[info->cursor_range - l->first_range];
	u64 end = range->start + range->len;

	if (!info->cursor_va)
		info->cursor_va = range->start;
	look_step(l, info->cursor_va, end, &info->cursor_va);
	l->n_entries++;
	if (info->cursor_va == end) {
		info->cursor_range++;
		info->cursor_va = 0;
	}
	if (l->n_entries >= LOOK_MAX)
		l->full = true;
}

/* Go through the ranges that were read, as far as there is room. The cursor says how far. */
static int look_ranges(struct look *l)
{
	const struct migoff_batch_info *info = &l->slot->info;
	u64 end = l->first_range + l->n_ranges;
	u64 burst;
	int r;

	while (info->cursor_range < end && !l->full) {
		r = look_lock(l->mm);
		if (r)
			return r;
		burst = l->n_entries + LOOK_BURST;
		while (l->n_entries < burst && info->cursor_range < end && !l->full)
			look_on(l);
		mmap_read_unlock(l->mm);
		cond_resched();
	}
	return 0;
}

static int range_check(const struct migoff_range *range, u64 *end_of_last)
{
	u64 end;

	if (!range->len || !PAGE_ALIGNED(range->start) || !PAGE_ALIGNED(range->len) ||
	    check_add_overflow(range->start, range->len, &end) || end > TASK_SIZE_MAX ||
	    range->start < *end_of_last)
		return -EINVAL;
	*end_of_last = end;
	return 0;
}

static int read_ranges(struct look *l, u64 *end_of_last)
{
	struct slot *slot = l->slot;
	int r = 0;
	u32 i;

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
	for (i = 0; i < l->n_ranges && !r; i++)
		r = range_check(&slot->ranges[i], end_of_last);
	return r;
}

/* The cursor lies in its range, or is 0: then it is where that begins. */
static int check_cursor(const struct look *l)
{
	const struct migoff_range *range = &l->slot->ranges[0];
	u64 va = l->p->cursor_va;

	return va && (!PAGE_ALIGNED(va) || va - range->start >= range->len) ? -EINVAL : 0;
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
			r = look_ranges(&l);
		if (r)
			break;
		l.first_range = slot->info.cursor_range;
	}
	count(live_folios, slot->n_folios);
	if (r == -EAGAIN && slot->info.n_extents)
		r = 0;
	if (r)
		look_undo(slot);
	return r;
}
