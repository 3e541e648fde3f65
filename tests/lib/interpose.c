/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LD_PRELOAD: the calls by which programs reach move_pages(2) and migrate_pages(2) go to libmigoff, so
 * that programs written for the kernel can judge it.
 *
 * libnuma calls its own functions through their exported names but for the last step, so that those
 * which wrap the system calls are taken over as well.
 */
#include <sys/types.h>

#include "migoff.h"

struct bitmask {
	unsigned long size;
	unsigned long *maskp;
};

long move_pages(int pid, unsigned long count, void **pages, const int *nodes, int *status,
		int flags);
long migrate_pages(int pid, unsigned long maxnode, const unsigned long *from,
		   const unsigned long *to);
int numa_move_pages(int pid, unsigned long count, void **pages, const int *nodes, int *status,
		    int flags);
int numa_migrate_pages(int pid, struct bitmask *from, struct bitmask *to);

long move_pages(int pid, unsigned long count, void **pages, const int *nodes, int *status,
		int flags)
{
	return migoff_move_pages(pid, count, pages, nodes, status, flags);
}

long migrate_pages(int pid, unsigned long maxnode, const unsigned long *from,
		   const unsigned long *to)
{
	return migoff_migrate_pages(pid, maxnode, from, to);
}

int numa_move_pages(int pid, unsigned long count, void **pages, const int *nodes, int *status,
		    int flags)
{
	return (int)migoff_move_pages(pid, count, pages, nodes, status, flags);
}

int numa_migrate_pages(int pid, struct bitmask *from, struct bitmask *to)
{
	return (int)migoff_migrate_pages(pid, from->size + 1, from->maskp, to->maskp);
}
