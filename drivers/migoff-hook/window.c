// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the engines can reach: the slot's part of the window, half of it sources, half destinations.
 *
 * The folios lie in it in the order of their sizes, largest first: so there are no holes, and each
 * is aligned to its size, as far as a large page of the IOMMU goes. A folio lies at the same offset
 * in both halves.
 *
 * Nothing here may be freed, given back, or copied over by the CPU before window_revoke() has
 * returned: what it has revoked, no late DMA reaches.
 */
#include "migoff.h"

static u64 half_iova(const struct slot *slot, bool dst)
{
	return slot->session->window_iova + (2 * slot->index + dst) * slot->session->half;
}

static struct batch_folio *planned(struct slot *slot, u32 i)
{
	return &slot->folios[slot->folios[i].by_iova];
}

static struct folio *folio_of(const struct batch_folio *f, bool dst)
{
	return dst ? f->dst : f->src;
}

/**
 * window_plan() - Give each folio that has a destination its place in the window.
 * @slot: the slot.
 */
void window_plan(struct slot *slot)
{
	u32 n[MAX_PAGE_ORDER + 1] = { }, first[MAX_PAGE_ORDER + 1];
	u64 at[MAX_PAGE_ORDER + 1], offset = 0;
	int order;
	u32 i;

	slot->n_planned = 0;
	for (i = 0; i < slot->n_folios; i++)
		if (slot->folios[i].dst)
			n[folio_order(slot->folios[i].dst)]++;
	for (order = MAX_PAGE_ORDER; order >= 0; order--) {
		first[order] = slot->n_planned;
		at[order] = offset;
		slot->n_planned += n[order];
		offset += (u64)n[order] << (PAGE_SHIFT + order);
	}
	for (i = 0; i < slot->n_folios; i++) {
		struct batch_folio *f = &slot->folios[i];

		if (!f->dst)
			continue;
		order = folio_order(f->dst);
		f->offset = at[order];
		at[order] += folio_size(f->dst);
		slot->folios[first[order]++].by_iova = i;
	}
}

/* In all domains or in none; -ENOTRECOVERABLE: it is in some, and cannot be taken out again. */
static int map_run(struct session *s, u64 iova, phys_addr_t phys, u64 len, int prot, gfp_t gfp)
{
	u32 i;
	int r;

	for (i = 0; i < s->n_domains; i++) {
		r = iommu_map(s->domains[i], iova, phys, len, prot, gfp);
		if (!r)
			continue;
		while (i--)
			if (iommu_unmap(s->domains[i], iova, len) != len)
				r = -ENOTRECOVERABLE;
		return r;
	}
	return 0;
}

static bool is_wanted(const struct batch_folio *f, bool dst)
{
	return dst ? f->dst != NULL : f->taken && f->mapped[true];
}

/* How many from @i on are wanted and neighbours in memory: their places in the window are, too. */
static u32 run_length(struct slot *slot, u32 i, bool dst, u64 *ret_len)
{
	struct folio *last = folio_of(planned(slot, i), dst);
	u32 n = 1;

	*ret_len = folio_size(last);
	for (; i + n < slot->n_planned; n++) {
		const struct batch_folio *f = planned(slot, i + n);
		struct folio *folio = folio_of(f, dst);

		if (!is_wanted(f, dst) || folio_pfn(folio) != folio_pfn(last) + folio_nr_pages(last))
			break;
		*ret_len += folio_size(folio);
		last = folio;
	}
	return n;
}

static void lose_engine(struct slot *slot)
{
	WRITE_ONCE(slot->session->engine_lost, true);
	count(unmap_mismatches, 1);
	pr_err("slot %u: an IOMMU unmap stopped early; the engines are given nothing more\n",
	       slot->index);
}

static void map_half(struct slot *slot, bool dst, int prot, gfp_t gfp)
{
	struct session *s = slot->session;
	u32 i = 0, j, n;
	u64 len;
	int r;

	if (!s->n_domains || READ_ONCE(s->engine_lost))
		return;
	for (; i < slot->n_planned; i += n) {
		struct batch_folio *f = planned(slot, i);

		n = 1;
		if (!is_wanted(f, dst))
			continue;
		n = run_length(slot, i, dst, &len);
		r = map_run(s, half_iova(slot, dst) + f->offset,
			    PFN_PHYS(folio_pfn(folio_of(f, dst))), len, prot, gfp);
		if (r == -ENOTRECOVERABLE)
			lose_engine(slot);
		for (j = i; j < i + n; j++) {
			planned(slot, j)->mapped[dst] = !r;
			planned(slot, j)->stuck |= r == -ENOTRECOVERABLE;
		}
		count(live_iova_bytes, r ? 0 : len);
	}
}

/**
 * window_map_destinations() - Let the engines write the destinations.
 * @slot: the slot; none of its folios is locked yet, so this may wait for memory.
 */
void window_map_destinations(struct slot *slot)
{
	might_sleep();
	map_half(slot, true, IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE, GFP_KERNEL);
}

/**
 * window_map_sources() - Let the engines read the folios that were taken.
 * @slot: the slot; its folios are locked, so this does not wait for memory. What cannot be mapped
 *	is left to the CPU.
 */
void window_map_sources(struct slot *slot)
{
	u32 i;

	map_half(slot, false, IOMMU_READ | IOMMU_CACHE, GFP_NOWAIT | __GFP_NOWARN);
	for (i = 0; i < slot->n_folios; i++) {
		struct batch_folio *f = &slot->folios[i];
		struct migoff_extent *e = &slot->extents[f->extent];

		if (!f->taken)
			continue;
		if (f->mapped[false]) {
			e->src_iova = half_iova(slot, false) + f->offset;
			e->dst_iova = half_iova(slot, true) + f->offset;
		} else {
			e->flags |= MIGOFF_EXTENT_NO_IOVA;
		}
	}
}

/*
 * An unmap stopped early. Take each folio out on its own; one that is still there must never be used
 * again.
 */
static void unmap_one_by_one(struct slot *slot, bool dst)
{
	struct session *s = slot->session;
	u64 iova, len, at;
	u32 i, d;

	for (i = 0; i < slot->n_planned; i++) {
		struct batch_folio *f = planned(slot, i);

		iova = half_iova(slot, dst) + f->offset;
		len = f->mapped[dst] ? folio_size(folio_of(f, dst)) : 0;
		for (d = 0; d < s->n_domains && len; d++) {
			iommu_unmap(s->domains[d], iova, len);
			for (at = 0; at < len; at += PAGE_SIZE)
				f->stuck |= iommu_iova_to_phys(s->domains[d], iova + at) != 0;
		}
	}
}

/* Return: whether all of it was unmapped. The IOTLB is still to be flushed. */
static bool unmap_half(struct slot *slot, bool dst, struct iommu_domain *domain,
		       struct iommu_iotlb_gather *gather)
{
	bool whole = true;
	u32 i = 0, n;
	u64 iova, len;

	for (; i < slot->n_planned; i += n) {
		n = 1;
		if (!planned(slot, i)->mapped[dst])
			continue;
		iova = half_iova(slot, dst) + planned(slot, i)->offset;
		len = folio_size(folio_of(planned(slot, i), dst));
		for (; i + n < slot->n_planned && planned(slot, i + n)->mapped[dst]; n++)
			len += folio_size(folio_of(planned(slot, i + n), dst));
		whole &= iommu_unmap_fast(domain, iova, len, gather) == len;
	}
	return whole;
}

/* Both halves, which lie side by side, with one flush. */
static bool unmap_all(struct slot *slot, struct iommu_domain *domain)
{
	struct iommu_iotlb_gather gather;
	bool whole;

	iommu_iotlb_gather_init(&gather);
	whole = unmap_half(slot, false, domain, &gather);
	whole &= unmap_half(slot, true, domain, &gather);
	iommu_iotlb_sync(domain, &gather);
	return whole;
}

/**
 * window_revoke() - Take everything in the slot's window from the engines.
 * @slot: the slot. No folio of it has a place in the window any more.
 *
 * On return the IOTLBs are flushed, and DMA that was under way has arrived or never will. An unmap
 * stops at holes, so it is done for runs without one, and has to say that it did all of each. If one did
 * not, the engines get nothing more from us.
 */
void window_revoke(struct slot *slot)
{
	struct session *s = slot->session;
	bool whole = true;
	s64 bytes = 0;
	u32 i;

	might_sleep();
	for (i = 0; i < s->n_domains; i++)
		whole &= unmap_all(slot, s->domains[i]);
	if (!whole) {
		lose_engine(slot);
		unmap_one_by_one(slot, false);
		unmap_one_by_one(slot, true);
	}
	for (i = 0; i < slot->n_planned; i++) {
		struct batch_folio *f = planned(slot, i);

		bytes += (f->mapped[false] + f->mapped[true]) * folio_size(f->dst);
		f->mapped[false] = f->mapped[true] = false;
	}
	count(live_iova_bytes, -bytes);
	slot->n_planned = 0;
}
