// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions of the kernel that modules cannot link to, found once, by a kprobe that is registered and
 * taken away again, and called by static_call: that is a direct call, which CPUs with indirect branch
 * tracking demand, for the kernel seals what it does not expect to be called through a pointer. The
 * module does not load when one is missing.
 *
 *	folio_walk_start	what move_pages(2) finds pages with. hmm_range_fault() is exported, but
 *				tells page frames only, not in all kernels, and takes pages marked for
 *				NUMA hinting for holes
 *	folio_isolate_lru	migrate_device_pfns(), which is exported, takes whatever folio a number
 *				stands for by now, with no reference of the caller's in between;
 *				migrate_vma_setup() splits large folios that are mapped by PTEs
 *	try_to_migrate		likewise
 *	try_to_unmap_flush	one round of TLB flushes a batch, not one a page
 *	deferred_split_folio	a large folio on the list of those that may be split for being mostly empty
 *				is on it after the move, too
 *	__put_anon_vma		a batch outlives the target's mmap_lock, so each folio's reverse map is
 *				held; the last reference has to free it
 */
#include <linux/kprobes.h>
#include <linux/pagewalk.h>
#include <linux/static_call.h>

#include "migoff.h"

/* mm/internal.h has the prototypes of those that no public header declares. */
bool folio_isolate_lru(struct folio *folio);
void try_to_unmap_flush(void);
void __put_anon_vma(struct anon_vma *anon_vma);

DEFINE_STATIC_CALL_RET0(call_folio_walk_start, folio_walk_start);
DEFINE_STATIC_CALL_RET0(call_folio_isolate_lru, folio_isolate_lru);
DEFINE_STATIC_CALL_NULL(call_try_to_migrate, try_to_migrate);
DEFINE_STATIC_CALL_NULL(call_try_to_unmap_flush, try_to_unmap_flush);
DEFINE_STATIC_CALL_NULL(call_deferred_split_folio, deferred_split_folio);
DEFINE_STATIC_CALL_NULL(call_put_anon_vma, __put_anon_vma);

static void *resolve(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	void *addr;

	if (register_kprobe(&kp)) {
		pr_err("this kernel has no %s()\n", name);
		return NULL;
	}
	addr = kp.addr;
	unregister_kprobe(&kp);
	return addr;
}

#define RESOLVE(call, function)							\
	({									\
		typeof(&function) _f = resolve(#function);			\
		if (_f)								\
			static_call_update(call, _f);				\
		_f ? 0 : -ENOENT;						\
	})

/**
 * resolve_symbols() - Find all of them; before anything else is called.
 *
 * Return: 0, or -ENOENT.
 */
int resolve_symbols(void)
{
	int r;

	r = RESOLVE(call_folio_walk_start, folio_walk_start);
	if (r)
		return r;
	r = RESOLVE(call_folio_isolate_lru, folio_isolate_lru);
	if (r)
		return r;
	r = RESOLVE(call_try_to_migrate, try_to_migrate);
	if (r)
		return r;
	r = RESOLVE(call_try_to_unmap_flush, try_to_unmap_flush);
	if (r)
		return r;
	r = RESOLVE(call_deferred_split_folio, deferred_split_folio);
	if (r)
		return r;
	return RESOLVE(call_put_anon_vma, __put_anon_vma);
}

/**
 * resolved_folio_walk_start() - Find the folio at an address, and lock its page table entry.
 * @fw: what was found.
 * @vma: the mapping, not hugetlb; the mmap_lock is held.
 * @va: the address.
 *
 * Return: the folio, with @fw->page NULL for a zero page; NULL when nothing is present.
 */
struct folio *resolved_folio_walk_start(struct folio_walk *fw, struct vm_area_struct *vma,
					unsigned long va)
{
	return static_call(call_folio_walk_start)(fw, vma, va, FW_ZEROPAGE);
}

/**
 * resolved_folio_isolate_lru() - Take a folio off its LRU list.
 * @folio: referenced.
 *
 * Return: whether it was on one; then the list's place is taken by a reference of the caller's.
 */
bool resolved_folio_isolate_lru(struct folio *folio)
{
	return static_call(call_folio_isolate_lru)(folio);
}

/**
 * resolved_try_to_migrate() - Replace a folio's mappings by migration entries.
 * @folio: locked, referenced.
 * @flags: TTU_BATCH_FLUSH or 0.
 */
void resolved_try_to_migrate(struct folio *folio, enum ttu_flags flags)
{
	static_call(call_try_to_migrate)(folio, flags);
}

/**
 * resolved_try_to_unmap_flush() - Carry out the TLB flushes that TTU_BATCH_FLUSH put off.
 */
void resolved_try_to_unmap_flush(void)
{
	static_call(call_try_to_unmap_flush)();
}

/**
 * resolved_deferred_split_folio() - Put a large folio on the list of those that may be mostly empty.
 * @folio: locked.
 */
void resolved_deferred_split_folio(struct folio *folio)
{
	static_call(call_deferred_split_folio)(folio, false);
}

/**
 * resolved_put_anon_vma() - Drop a reference on a reverse map.
 * @anon_vma: the map. May sleep.
 */
void resolved_put_anon_vma(struct anon_vma *anon_vma)
{
	if (atomic_dec_and_test(&anon_vma->refcount))
		static_call(call_put_anon_vma)(anon_vma);
}
