// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: free folios of each node that become the destinations of batches to come.
 *
 * A destination is written twice, by the allocator that zeroes it and by the copy, and the first is half
 * of what a migration costs the CPU. So the source of a finished migration is kept for the next one that
 * goes to its node. Where that is not enough, memory is allocated ahead, in the background, but only
 * as long as it is likely to be asked for: while a request goes on, or when two in a row came here and
 * had to wait for memory.
 *
 * Pooled folios are referenced and on no LRU list: the kernel cannot move them. So they are given back
 * when memory is short, when a node's memory goes offline, when the system is about to sleep, and when
 * they are not asked for. They are not locked, for whoever handles a memory error may wait for the lock.
 *
 * A folio still has the content of the program that it came from. It is marked with its owner, and no
 * other gets it before it is zeroed: else an engine that says it has copied and has not would show one
 * program the data of another.
 */
#include <linux/shrinker.h>

#include "migoff.h"

/* Folios of different owners lie in different lists, mostly; the first list is of nobody's. */
#define N_LISTS 9

/* A size that none of so many requests in a row wanted is not in use. */
#define LATELY 2

/**
 * struct pool_order - the folios of one size in a node
 * @lists: folios, the oldest first: so neighbours in memory stay neighbours.
 * @n: how many.
 * @least: how few there were since the pool was aged last: so many are not needed.
 * @wanted: up to so many are allocated ahead now.
 * @steady: as many when no request is under way: so many were missing at the end of two in a row.
 * @missed: how many were missing at the end of the last request.
 * @asked_at: &pool_node.n_asked when it was asked for some last.
 * @asked: it was asked for some since the pool was aged last.
 */
struct pool_order {
	struct list_head lists[N_LISTS];
	u32 n;
	u32 least;
	u32 wanted;
	u32 steady;
	u32 missed;
	u32 asked_at;
	bool asked;
};

/**
 * struct pool_node - the folios of a node
 * @lock: protects all of it; nothing is locked, allocated or freed under it.
 * @bytes: how much is there.
 * @stopped: POOL_STOP_*: why nothing is taken in.
 * @n_asked: how many requests have asked for memory here.
 * @orders: by order.
 */
struct pool_node {
	spinlock_t lock;
	u64 bytes;
	u32 stopped;
	u32 n_asked;
	struct pool_order orders[MAX_PAGE_ORDER + 1];
};

/**
 * struct pool - the pool of a session
 * @max_bytes: of each node.
 * @age: jiffies after which what was not asked for goes.
 * @shared: whoever asks for it gets a folio as it is.
 * @shrinker: gives back.
 * @wq: for the works, which do not run while the system goes to sleep.
 * @fill_work: allocates ahead.
 * @age_work: gives back what was not asked for; pending as long as there is something.
 * @nodes: by node.
 */
struct pool {
	u64 max_bytes;
	unsigned long age;
	bool shared;
	struct shrinker *shrinker;
	struct workqueue_struct *wq;
	struct work_struct fill_work;
	struct delayed_work age_work;
	struct pool_node nodes[];
};

static struct list_head *list_of(struct pool_order *o, u64 owner)
{
	return &o->lists[owner == NOBODY ? 0 : 1 + owner % (N_LISTS - 1)];
}

static u64 folio_owner(struct folio *folio)
{
	return (unsigned long)folio->private;
}

/* For sure only under the node's lock. */
static bool has_room(struct pool *pool, int nid, u64 size)
{
	struct pool_node *n = &pool->nodes[nid];
	u64 half = PFN_PHYS(node_present_pages(nid)) / 2;

	return !READ_ONCE(n->stopped) &&
	       READ_ONCE(n->bytes) + size <= min(pool->max_bytes, half);
}

/* The last reference on a folio that is in no list. */
static void let_go(struct folio *folio)
{
	bool poisoned = folio_poisoned(folio);

	count(pool_poisoned, poisoned);
	/* The allocator notices poison in single pages only: it is never to get this one. */
	if (poisoned && folio_test_large(folio))
		count(leaked_folios, 1);
	else
		folio_put(folio);
}

static void let_go_all(struct list_head *list, enum counter counter)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, list, lru) {
		list_del(&folio->lru);
		let_go(folio);
		atomic64_inc(&migoff_counters[counter]);
		cond_resched();
	}
}

/* Return: whether there was room for it. */
static bool insert(struct pool *pool, struct folio *folio, u64 owner)
{
	struct pool_node *n = &pool->nodes[folio_nid(folio)];
	struct pool_order *o = &n->orders[folio_order(folio)];
	bool first, room;

	spin_lock(&n->lock);
	first = !n->bytes;
	room = has_room(pool, folio_nid(folio), folio_size(folio));
	if (room) {
		folio->private = (void *)(unsigned long)owner;
		list_add_tail(&folio->lru, list_of(o, owner));
		o->n++;
		n->bytes += folio_size(folio);
		count(live_pooled_bytes, folio_size(folio));
	}
	spin_unlock(&n->lock);
	if (room && first)
		queue_delayed_work(pool->wq, &pool->age_work, pool->age);
	return room;
}

/* Under the node's lock. Return: the owner. */
static u64 take_out(struct pool_node *n, struct pool_order *o, struct folio *folio)
{
	u64 owner = folio_owner(folio);

	list_del(&folio->lru);
	folio->private = NULL;
	o->n--;
	o->least = min(o->least, o->n);
	n->bytes -= folio_size(folio);
	count(live_pooled_bytes, -(s64)folio_size(folio));
	return owner;
}

/* The best there is for an owner: of its own, of nobody's, of another's. */
static struct folio *pick(struct pool_order *o, u64 owner)
{
	struct folio *folio = list_first_entry_or_null(list_of(o, owner), struct folio, lru);
	u32 i;

	if (folio && folio_owner(folio) == owner)
		return folio;
	for (i = 0, folio = NULL; i < N_LISTS && !folio; i++)
		folio = list_first_entry_or_null(&o->lists[i], struct folio, lru);
	return folio;
}

/**
 * pool_take() - Take a folio out of the pool.
 * @pool: the pool, or NULL.
 * @node: of this node.
 * @order: of this size.
 * @owner: for whom; from target_get_mm().
 *
 * Return: a folio with one reference, or NULL. May take the time to zero it.
 */
struct folio *pool_take(struct pool *pool, int node, unsigned int order, u64 owner)
{
	struct pool_node *n = pool ? &pool->nodes[node] : NULL;
	struct folio *folio = NULL;
	u64 of = NOBODY;

	might_sleep();
	while (n && READ_ONCE(n->orders[order].n)) {
		spin_lock(&n->lock);
		folio = pick(&n->orders[order], owner);
		if (folio)
			of = take_out(n, &n->orders[order], folio);
		spin_unlock(&n->lock);
		if (!folio || !folio_poisoned(folio))
			break;
		let_go(folio);
		folio = NULL;
	}
	if (of != NOBODY && of != owner && folio && !pool->shared)
		folio_scrub(folio);
	return folio;
}

/* Under the node's lock. Return: how many. */
static u32 take_many(struct pool_node *n, struct pool_order *o, u32 max, struct list_head *ret)
{
	struct folio *folio, *next;
	u32 i, taken = 0;

	for (i = 0; i < N_LISTS; i++)
		list_for_each_entry_safe(folio, next, &o->lists[i], lru) {
			if (taken++ == max)
				return max;
			take_out(n, o, folio);
			list_add(&folio->lru, ret);
		}
	return taken;
}

/* In a full pool folios of a size that is not in use give way to those of one that is. */
static void make_room(struct pool *pool, struct folio *folio)
{
	int nid = folio_nid(folio), order;
	struct pool_node *n = &pool->nodes[nid];
	LIST_HEAD(list);

	if (has_room(pool, nid, folio_size(folio)) || READ_ONCE(n->stopped))
		return;
	spin_lock(&n->lock);
	for (order = MAX_PAGE_ORDER; order >= 0; order--) {
		struct pool_order *o = &n->orders[order];

		if (order == folio_order(folio) || n->n_asked - o->asked_at < LATELY)
			continue;
		if (has_room(pool, nid, folio_size(folio)))
			break;
		take_many(n, o, DIV_ROUND_UP(folio_size(folio), PAGE_SIZE << order), &list);
	}
	spin_unlock(&n->lock);
	let_go_all(&list, COUNTER_pool_aged);
}

/**
 * pool_give() - Give a folio to the pool, or free it.
 * @pool: the pool, or NULL.
 * @folio: with the caller's reference, which is used up; unlocked, out of the engines' reach.
 * @owner: whose content it has.
 */
void pool_give(struct pool *pool, struct folio *folio, u64 owner)
{
	int why = COUNTER_pool_no_room;

	if (!pool) {
		folio_put(folio);
		return;
	}
	make_room(pool, folio);
	/* Without the lock, only to save the effort. */
	if (has_room(pool, folio_nid(folio), folio_size(folio)))
		why = folio_recycle(folio);
	if (!why && !insert(pool, folio, owner))
		why = COUNTER_pool_no_room;
	if (why) {
		atomic64_inc(&migoff_counters[why]);
		count(pool_unfit, why != COUNTER_pool_no_room);
		let_go(folio);
	} else {
		count(pool_recycled, 1);
	}
}

/* While a request goes on its next batch will want as many as the last. Return: whether to allocate. */
static bool learn(struct pool_order *o, u32 hits, u32 misses, bool more)
{
	if (!more) {
		o->steady = max(o->steady, min(o->missed, misses));
		o->missed = misses;
	}
	o->wanted = more ? max(o->steady, hits + misses) : o->steady;
	o->asked = true;
	return o->n < o->wanted;
}

/**
 * pool_asked() - Learn from what a batch has taken, and allocate ahead.
 * @pool: the pool, or NULL.
 * @node: where it took it.
 * @hits: how many folios came out of the pool, by order.
 * @misses: how many had to be allocated, by order.
 * @more: another batch of the same request will follow.
 */
void pool_asked(struct pool *pool, int node, const u32 *hits, const u32 *misses, bool more)
{
	struct pool_node *n = pool ? &pool->nodes[node] : NULL;
	bool fill = false;
	u32 order;

	if (!pool)
		return;
	spin_lock(&n->lock);
	n->n_asked += !more;
	for (order = 0; order <= MAX_PAGE_ORDER; order++) {
		if (!hits[order] && !misses[order])
			continue;
		n->orders[order].asked_at = n->n_asked;
		fill |= learn(&n->orders[order], hits[order], misses[order], more);
		count(pool_hits, hits[order]);
		count(pool_misses, misses[order]);
	}
	spin_unlock(&n->lock);
	if (fill)
		queue_work(pool->wq, &pool->fill_work);
}

/* Free at least so many pages, large folios first, and allocate no more ahead. */
static u64 shed(struct pool_node *n, u64 max_pages, enum counter counter)
{
	u64 pages = 0;
	LIST_HEAD(list);
	int order;

	spin_lock(&n->lock);
	for (order = MAX_PAGE_ORDER; order >= 0; order--) {
		struct pool_order *o = &n->orders[order];
		u64 max = DIV_ROUND_UP(max_pages - min(pages, max_pages), 1UL << order);

		pages += (u64)take_many(n, o, min(max, U32_MAX), &list) << order;
		o->wanted = o->steady = o->missed = 0;
	}
	spin_unlock(&n->lock);
	let_go_all(&list, counter);
	return pages;
}

/**
 * pool_drain() - Give all of a node back.
 * @pool: the pool, or NULL.
 * @node: the node.
 *
 * Return: whether there was anything.
 */
bool pool_drain(struct pool *pool, int node)
{
	return pool && shed(&pool->nodes[node], U32_MAX, COUNTER_pool_drained);
}

/**
 * pool_stop() - Keep a node's memory out of the pool, or allow it again.
 * @pool: the pool, or NULL.
 * @node: the node, or NUMA_NO_NODE for all.
 * @why: POOL_STOP_*.
 * @stop: whether to stop. When this returns then nothing of the node is in the pool, nor will be.
 */
void pool_stop(struct pool *pool, int node, u32 why, bool stop)
{
	int nid;

	for (nid = 0; pool && nid < nr_node_ids; nid++) {
		struct pool_node *n = &pool->nodes[nid];

		if (node != NUMA_NO_NODE && node != nid)
			continue;
		spin_lock(&n->lock);
		WRITE_ONCE(n->stopped, stop ? n->stopped | why : n->stopped & ~why);
		spin_unlock(&n->lock);
		if (stop)
			pool_drain(pool, nid);
	}
}

/* Nothing is reclaimed, moved or woken for it. */
static bool fill_one(struct pool *pool, int nid, unsigned int order)
{
	struct folio *folio = NULL;

	if (has_room(pool, nid, PAGE_SIZE << order))
		folio = __folio_alloc_node(GFP_TRANSHUGE_LIGHT | __GFP_THISNODE, order, nid);
	if (folio && insert(pool, folio, NOBODY)) {
		count(pool_filled, 1);
		return true;
	}
	if (folio)
		folio_put(folio);
	return false;
}

static void pool_fill(struct work_struct *work)
{
	struct pool *pool = container_of(work, struct pool, fill_work);
	unsigned int order;
	int nid;

	for_each_node_state(nid, N_MEMORY)
		for (order = 0; order <= MAX_PAGE_ORDER; order++) {
			struct pool_order *o = &pool->nodes[nid].orders[order];

			while (READ_ONCE(o->n) < READ_ONCE(o->wanted) && fill_one(pool, nid, order))
				cond_resched();
		}
}

/* Under the node's lock. */
static void age_order(struct pool_node *n, struct pool_order *o, struct list_head *ret)
{
	take_many(n, o, o->least, ret);
	o->least = o->n;
	if (!o->asked)
		o->wanted = o->steady = o->missed = 0;
	o->asked = false;
}

static void pool_age(struct work_struct *work)
{
	struct pool *pool = container_of(to_delayed_work(work), struct pool, age_work);
	bool left = false;
	int nid, order;

	for (nid = 0; nid < nr_node_ids; nid++) {
		struct pool_node *n = &pool->nodes[nid];
		LIST_HEAD(list);

		spin_lock(&n->lock);
		for (order = MAX_PAGE_ORDER; order >= 0; order--)
			age_order(n, &n->orders[order], &list);
		left |= n->bytes;
		spin_unlock(&n->lock);
		let_go_all(&list, COUNTER_pool_aged);
	}
	if (left)
		queue_delayed_work(pool->wq, &pool->age_work, pool->age);
}

static unsigned long shrinker_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct pool *pool = shrinker->private_data;

	return READ_ONCE(pool->nodes[sc->nid].bytes) >> PAGE_SHIFT ?: SHRINK_EMPTY;
}

static unsigned long shrinker_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct pool *pool = shrinker->private_data;

	sc->nr_scanned = shed(&pool->nodes[sc->nid], sc->nr_to_scan, COUNTER_pool_shrunk);
	return sc->nr_scanned ?: SHRINK_STOP;
}

static int make_shrinker(struct pool *pool)
{
	pool->shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "migoff-pool");
	if (!pool->shrinker)
		return -ENOMEM;
	pool->shrinker->count_objects = shrinker_count;
	pool->shrinker->scan_objects = shrinker_scan;
	/* To make it anew costs no I/O, so it is the first to go. */
	pool->shrinker->seeks = 0;
	pool->shrinker->private_data = pool;
	shrinker_register(pool->shrinker);
	return 0;
}

static void init_nodes(struct pool *pool)
{
	u32 nid, order, i;

	for (nid = 0; nid < nr_node_ids; nid++) {
		spin_lock_init(&pool->nodes[nid].lock);
		for (order = 0; order <= MAX_PAGE_ORDER; order++)
			for (i = 0; i < N_LISTS; i++)
				INIT_LIST_HEAD(&pool->nodes[nid].orders[order].lists[i]);
	}
}

/**
 * pool_new() - Make the pool of a session.
 * @arg: has its bounds.
 * @ret: the pool; untouched when none is wanted.
 *
 * Return: 0 or -ENOMEM.
 */
int pool_new(const struct migoff_setup *arg, struct pool **ret)
{
	struct pool *pool;

	if (!arg->pool_bytes)
		return 0;
	pool = kvzalloc(struct_size(pool, nodes, nr_node_ids), GFP_KERNEL_ACCOUNT);
	if (!pool)
		return -ENOMEM;
	init_nodes(pool);
	pool->max_bytes = arg->pool_bytes;
	pool->age = max(nsecs_to_jiffies(arg->pool_age_ns), 1UL);
	pool->shared = arg->flags & MIGOFF_SETUP_POOL_SHARED;
	INIT_WORK(&pool->fill_work, pool_fill);
	INIT_DELAYED_WORK(&pool->age_work, pool_age);
	pool->wq = alloc_workqueue("migoff-pool", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!pool->wq || make_shrinker(pool)) {
		pool_free(pool);
		return -ENOMEM;
	}
	*ret = pool;
	return 0;
}

/**
 * pool_free() - Give all back, and free the pool.
 * @pool: the pool, half made, or NULL; nobody takes or gives any more.
 */
void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	shrinker_free(pool->shrinker);
	disable_work_sync(&pool->fill_work);
	disable_delayed_work_sync(&pool->age_work);
	pool_stop(pool, NUMA_NO_NODE, POOL_STOP_END, true);
	if (pool->wq)
		destroy_workqueue(pool->wq);
	kvfree(pool);
}
