/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system calls that the drop-in calls stand for, made directly: the symbols of libnuma may be
 * interposed by ourselves. -1 and errno, as the kernel has it.
 */
#ifndef MIGOFF_LIBMIGOFF_KERNEL_H
#define MIGOFF_LIBMIGOFF_KERNEL_H

#include <sys/syscall.h>
#include <unistd.h>

static inline long kernel_move_pages(int pid, unsigned long count, const void *pages,
				     const int *nodes, int *status, int flags)
{
	return syscall(SYS_move_pages, pid, count, pages, nodes, status, flags);
}

static inline long kernel_migrate_pages(int pid, unsigned long maxnode,
					const unsigned long *old_nodes,
					const unsigned long *new_nodes)
{
	return syscall(SYS_migrate_pages, pid, maxnode, old_nodes, new_nodes);
}

#endif
