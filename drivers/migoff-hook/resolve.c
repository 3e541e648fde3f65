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
 *	kallsyms_lookup_name	finds mthp_stats, where the kernel counts large folios up when they are
 *				migrated and down when they are freed, which recycled ones are not
 *	__put_anon_vma		a batch outlives the target's mmap_lock, so each folio's reverse map is
 *				held; the last reference has to free it
 */
#include <linux/kprobes.h>

#include "migoff.h"

#define RESOLVED_DEFINE(function) DEFINE_STATIC_CALL_NULL(resolved_##function, function);
RESOLVED(RESOLVED_DEFINE)

/* The kernel's own, or NULL in one that does not list the names of its data. */
static struct mthp_stat __percpu *mthp_stats_found;

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

#define RESOLVED_FIND(function)							\
	do {									\
		typeof(&function) _f = resolve(#function);			\
		if (!_f)							\
			return -ENOENT;						\
		static_call_update(resolved_##function, _f);			\
	} while (0);

/**
 * resolve_symbols() - Find all of them; before anything else is called.
 *
 * Return: 0, or -ENOENT.
 */
int resolve_symbols(void)
{
	RESOLVED(RESOLVED_FIND)
	mthp_stats_found = (struct mthp_stat __percpu *)
		static_call(resolved_kallsyms_lookup_name)("mthp_stats");
	return 0;
}

/**
 * resolved_put_anon_vma() - Drop a reference on a reverse map, as put_anon_vma() does.
 * @anon_vma: the map. May sleep.
 */
void resolved_put_anon_vma(struct anon_vma *anon_vma)
{
	if (atomic_dec_and_test(&anon_vma->refcount))
		static_call(resolved___put_anon_vma)(anon_vma);
}

/**
 * resolved_uncount_anon() - Count a large anonymous folio off, as the kernel does when it is freed.
 * @order: its order.
 *
 * Return: whether it could.
 */
bool resolved_uncount_anon(unsigned int order)
{
	if (mthp_stats_found && order <= PMD_ORDER)
		this_cpu_dec(mthp_stats_found->stats[order][MTHP_STAT_NR_ANON]);
	return mthp_stats_found;
}
