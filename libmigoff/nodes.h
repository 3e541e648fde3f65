/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets of NUMA nodes, as the kernel prints them and as it pairs them in migrate_pages(2).
 */
#ifndef MIGOFF_LIBMIGOFF_NODES_H
#define MIGOFF_LIBMIGOFF_NODES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ring.h"

#define NODES_MAX (RING_N_NODE_WORDS * 64)

struct nodes {
	uint64_t w[RING_N_NODE_WORDS];
};

static inline bool nodes_test(const struct nodes *n, unsigned int i)
{
	return i < NODES_MAX && (n->w[i / 64] >> (i % 64) & 1);
}

static inline void nodes_set(struct nodes *n, unsigned int i)
{
	n->w[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void nodes_clear(struct nodes *n, unsigned int i)
{
	n->w[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static inline void nodes_and(struct nodes *n, const struct nodes *with)
{
	for (unsigned int i = 0; i < RING_N_NODE_WORDS; i++)
		n->w[i] &= with->w[i];
}

static inline bool nodes_subset(const struct nodes *n, const struct nodes *of)
{
	uint64_t extra = 0;

	for (unsigned int i = 0; i < RING_N_NODE_WORDS; i++)
		extra |= n->w[i] & ~of->w[i];
	return !extra;
}

static inline unsigned int nodes_weight(const struct nodes *n)
{
	unsigned int weight = 0;

	for (unsigned int i = 0; i < RING_N_NODE_WORDS; i++)
		weight += (unsigned int)__builtin_popcountll(n->w[i]);
	return weight;
}

/**
 * nodes_parse() - Read a list such as "0-1,4".
 * @s: the list, up to its end or a line feed; may be empty.
 * @ret: receives the set.
 *
 * Return: 0; -EINVAL; -ERANGE for a node of NODES_MAX or more.
 */
int nodes_parse(const char *s, struct nodes *ret);

/**
 * nodes_read_sysfs() - Read one of the sets below /sys/devices/system/node.
 * @name: "has_memory" or "possible".
 * @ret: receives the set.
 *
 * Return: 0 or a negative errno.
 */
int nodes_read_sysfs(const char *name, struct nodes *ret);

/**
 * nodes_read_allowed() - The nodes that a process may have memory on.
 * @pid: the process; 0 is the calling thread.
 * @ret: receives the set.
 *
 * Return: 0 or a negative errno.
 */
int nodes_read_allowed(pid_t pid, struct nodes *ret);

/**
 * nodes_remap() - Where migrate_pages(2) puts the pages of a node.
 * @node: the n-th of @from.
 * @from: the old nodes.
 * @to: the new nodes.
 *
 * Return: the n-th of @to, counting round; @node when it is not in @from or @to is empty.
 */
unsigned int nodes_remap(unsigned int node, const struct nodes *from, const struct nodes *to);

/**
 * nodes_next_pair() - The next step of migrate_pages(2).
 * @left: those of @from that are still to be done; in the beginning @from itself.
 * @from: the old nodes.
 * @to: the new nodes.
 * @ret_source: receives the node to empty.
 * @ret_dest: receives the node to fill, another one.
 *
 * The kernel prefers a destination that is not itself still to be emptied; statuses and the total of
 * unmoved pages depend on this order, so it is the kernel's.
 *
 * Return: false when nothing is left.
 */
bool nodes_next_pair(struct nodes *left, const struct nodes *from, const struct nodes *to,
		     unsigned int *ret_source, unsigned int *ret_dest);

#endif
