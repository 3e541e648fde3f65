// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the source of a finished migration to a folio as the page allocator gives it, without zeroing.
 *
 * What the kernel does when it frees a folio is done here, and what it would complain about then makes a
 * folio unfit: such a one is simply freed. All of it happens while the reference count is frozen at 0, so
 * that nobody who finds the folio by its frame number gets hold of it meanwhile.
 */
#include <linux/highmem.h>
#include <linux/page-flags.h>
#include <linux/page_ref.h>

#include "migoff.h"

/* What the allocator clears, or finds cleared. */
#define STALE_FLAGS	(PAGE_FLAGS_CHECK_AT_PREP & ~BIT(PG_head))
/* The second page has the order and what belongs to the folio as such; the rest of it is as in all. */
#define STALE_FLAGS_1	(PAGE_FLAGS_CHECK_AT_PREP & ~(0xffUL | BIT(PG_head) | BIT(PG_large_rmappable)))

/* Somebody may mark a page as poisoned at any time, without a reference. */
static void clear_flags(struct page *page, unsigned long flags)
{
	if (page->flags.f & flags)
		atomic_long_andnot(flags, (atomic_long_t *)&page->flags.f);
}

/* What page_expected_state() and free_tail_page_prepare() want to see in the first pages. */
static int head_unfit(struct folio *folio)
{
	if (folio->memcg_data)
		return COUNTER_pool_unfit_charged;
	/* Also the type of pages that have one: both must be as in a page that was never mapped. */
	if (atomic_read(&folio->_mapcount) != -1)
		return COUNTER_pool_unfit_mapped;
	if (folio->flags.f & PAGE_FLAGS_CHECK_AT_FREE || folio_test_swapcache(folio) ||
	    folio->private)
		return COUNTER_pool_unfit_state;
	return folio_test_anon(folio) || !folio->mapping ? 0 : COUNTER_pool_unfit_state;
}

static int large_unfit(struct folio *folio)
{
	if (folio_test_has_hwpoisoned(folio))
		return COUNTER_pool_unfit_poisoned;
	if (folio_large_mapcount(folio) || folio_entire_mapcount(folio) ||
	    folio->_mm_id_mapcount[0] != -1 || folio->_mm_id_mapcount[1] != -1)
		return COUNTER_pool_unfit_mapped;
#ifdef CONFIG_PAGE_MAPCOUNT
	if (atomic_read(&folio->_nr_pages_mapped))
		return COUNTER_pool_unfit_mapped;
#endif
	if (atomic_read(&folio->_pincount))
		return COUNTER_pool_unfit_referenced;
	if (folio_test_partially_mapped(folio) ||
	    (folio_order(folio) > 1 && !list_empty(&folio->_deferred_list)))
		return COUNTER_pool_unfit_state;
	return 0;
}

/* Of a folio that is freed after all it does no harm that the flags of some pages are clear. */
static int clean_pages(struct folio *folio)
{
	unsigned long i, n = folio_nr_pages(folio);

	for (i = 0; i < n; i++) {
		struct page *page = folio_page(folio, i);

		if (PageHWPoison(page))
			return COUNTER_pool_unfit_poisoned;
		if (i && page->private)
			return COUNTER_pool_unfit_state;
		if (i)
			clear_flags(page, i == 1 ? STALE_FLAGS_1 : STALE_FLAGS);
	}
	return 0;
}

/**
 * folio_recycle() - Make a folio like one that was just allocated, but for its content.
 * @folio: unmapped, unlocked, off the LRU lists, out of the engines' reach.
 *
 * Return: 0, or the counter of the reason why it can only be freed. The caller's reference is kept in either case.
 */
int folio_recycle(struct folio *folio)
{
	int why;

	/* Who asks for that wants no content to outlive its owner in free memory. */
	if (want_init_on_free())
		return COUNTER_pool_unfit_init_on_free;
	if (!folio_ref_freeze(folio, 1))
		return COUNTER_pool_unfit_referenced;
	why = head_unfit(folio);
	if (!why && folio_test_large(folio))
		why = large_unfit(folio);
	if (!why)
		why = clean_pages(folio);
	/* The migration has counted its successor; what would count this one off is its being freed. */
	if (!why && folio_test_large(folio) && folio_test_anon(folio) &&
	    !resolved_uncount_anon(folio_order(folio)))
		why = COUNTER_pool_unfit_state;
	if (!why) {
		folio->mapping = NULL;
		folio->index = 0;
		page_cpupid_reset_last(&folio->page);
		clear_flags(&folio->page, STALE_FLAGS);
	}
	folio_ref_unfreeze(folio, 1);
	return why;
}

/**
 * folio_poisoned() - Has a memory error been found in a folio?
 * @folio: of any size. When nobody has it mapped the kernel can only mark the page, and not all of it.
 */
bool folio_poisoned(struct folio *folio)
{
	unsigned long i, n = folio_nr_pages(folio);

	for (i = 0; i < n; i++)
		if (PageHWPoison(folio_page(folio, i)))
			return true;
	return false;
}

/**
 * folio_scrub() - Zero a folio.
 * @folio: nobody else has it. May sleep.
 */
void folio_scrub(struct folio *folio)
{
	unsigned long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		clear_highpage(folio_page(folio, i));
		cond_resched();
	}
	count(pool_scrubbed, 1);
}
