/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migoff_migrate_pages(): the pairs of nodes that the kernel would go through, in its order, each by
 * the daemon and then by the system call for what is left.
 *
 * One pair is finished before the next: in between a page may be on a node that is still to be emptied.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "dropin.h"
#include "kernel.h"
#include "macros.h"
#include "migoff.h"
#include "nodes.h"
#include "user.h"

#define MOVE_ALL	(1 << 2)	/* MPOL_MF_MOVE_ALL */
#define MAX_MAXNODE	32768		/* the kernel refuses more than a page of bits */

/* The kernel takes one bit less than it is told. False: the system call may know what to say. */
static bool read_mask(const unsigned long *mask, unsigned long maxnode, struct nodes *ret)
{
	_Static_assert(sizeof(unsigned long) == sizeof(uint64_t), "LP64");
	uint64_t words[MAX_MAXNODE / 64];
	unsigned long bits = maxnode - 1, n = (bits + 63) / 64;

	if (!mask || !bits || bits > MAX_MAXNODE || user_read(words, mask, n * 8) < 0)
		return false;
	if (bits % 64)
		words[n - 1] &= (UINT64_C(1) << bits % 64) - 1;
	*ret = (struct nodes){};
	for (unsigned long i = 0; i < n; i++) {
		if (i < RING_N_NODE_WORDS)
			ret->w[i] = words[i];
		else if (words[i])
			return false;
	}
	return true;
}

/* The sets that the kernel will work with. False: when in doubt. */
static bool effective_nodes(unsigned long maxnode, const unsigned long *old_nodes,
			    const unsigned long *new_nodes, struct nodes *ret_from,
			    struct nodes *ret_to)
{
	struct nodes possible, memory, allowed;

	if (!read_mask(old_nodes, maxnode, ret_from) || !read_mask(new_nodes, maxnode, ret_to))
		return false;
	if (nodes_read_sysfs("possible", &possible) < 0 || !nodes_subset(ret_from, &possible))
		return false;
	if (nodes_read_sysfs("has_memory", &memory) < 0 || nodes_read_allowed(0, &allowed) < 0)
		return false;
	nodes_and(ret_to, &memory);
	nodes_and(ret_to, &allowed);
	return nodes_weight(ret_to);
}

static uint64_t resident_bytes(int pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long size, resident;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/statm", pid ?: getpid());
	f = fopen(path, "re");
	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		return 0;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static long kernel_pair(int pid, unsigned int source, unsigned int dest)
{
	struct nodes from = {}, to = {};

	nodes_set(&from, source);
	nodes_set(&to, dest);
	/* The kernel ignores words beyond its own limit as long as they are zero. */
	return kernel_migrate_pages(pid, NODES_MAX + 1, (unsigned long *)from.w,
				    (unsigned long *)to.w);
}

static void daemon_pair(struct pool_conn *c, int pid, unsigned int source, unsigned int dest,
			bool all)
{
	struct nodes from = {};
	struct migoff_request q = {
		.size = sizeof(q),
		.flags = all ? MIGOFF_MOVE_ALL : 0,
		.to_node = (int32_t)dest,
		.n_from_words = RING_N_NODE_WORDS,
		.from_nodes = from.w,
	};
	struct migoff_target *t;

	nodes_set(&from, source);
	if (!client_lost(c->m) && pool_target(c, pid, &t) >= 0)
		(void)dropin_run(c, t, &q);
}

static long migrate(struct pool_conn *c, int pid, const struct nodes *from, const struct nodes *to)
{
	/* The kernel decides by the caller's capability; so it is asked. */
	bool all = kernel_move_pages(0, 0, NULL, NULL, NULL, MOVE_ALL) == 0;
	struct nodes left = *from;
	unsigned int source, dest;
	long failed = 0, r;

	while (nodes_next_pair(&left, from, to, &source, &dest)) {
		daemon_pair(c, pid, source, dest, all);
		r = kernel_pair(pid, source, dest);
		if (r < 0)
			return -1;
		failed += r;
	}
	return MIN(failed, (long)INT_MAX);
}

long migoff_migrate_pages(int pid, unsigned long maxnode, const unsigned long *old_nodes,
			  const unsigned long *new_nodes)
{
	struct nodes from, to;
	struct dropin d;
	long ret;
	int r;

	r = dropin_begin(&d, pid, UINT64_MAX, UINT64_MAX);
	if (r < 0) {
		errno = -r;
		return dropin_end(&d, -1);
	}
	if (!r || !effective_nodes(maxnode, old_nodes, new_nodes, &from, &to) ||
	    resident_bytes(pid) < dropin_min_request(d.conn))
		ret = kernel_migrate_pages(pid, maxnode, old_nodes, new_nodes);
	else if (kernel_migrate_pages(pid, maxnode, NULL, new_nodes) < 0)
		ret = -1; /* without old nodes it moves nothing, but says whether it would let us */
	else
		ret = migrate(d.conn, pid, &from, &to);
	return dropin_end(&d, ret);
}
