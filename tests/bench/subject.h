/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process with memory on node 0, to be moved, and the moves: by the library, or by the system call
 * in whose place it stands, in calls of the same arguments.
 */
#ifndef MIGOFF_TESTS_BENCH_SUBJECT_H
#define MIGOFF_TESTS_BENCH_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SUBJECT_HUGE (UINT64_C(2) << 20)
#define SUBJECT_PAGE UINT64_C(4096)

enum mover {
	MOVER_MIGOFF,
	MOVER_KERNEL,
};

/**
 * struct subject - the process, and what a call about it takes
 * @pid: the process.
 * @n: folios that it has.
 * @pages: the address of each.
 * @nodes: for each node, that node @n times.
 * @status: receives what became of each.
 */
struct subject {
	pid_t pid;
	size_t n;
	void **pages;
	int *nodes[2];
	int *status;
};

/**
 * subject_start() - Start the process, and wait until its memory is there.
 * @ret: the subject.
 * @n: how many folios.
 * @size: of each: SUBJECT_HUGE or SUBJECT_PAGE.
 * @n_threads: threads of it that write to random pages, now and then; 0: it waits.
 */
void subject_start(struct subject *ret, size_t n, uint64_t size, unsigned int n_threads);

/* End it; safe twice. */
void subject_stop(struct subject *s);

/**
 * subject_move() - Move all its memory.
 * @s: the subject.
 * @mover: by whom.
 * @node: where to: 0 or 1.
 * @per_call: folios in a call.
 *
 * Return: folios that are on another node by what the calls said.
 */
size_t subject_move(struct subject *s, enum mover mover, int node, size_t per_call);

/* Folios that are not on a node, by what the kernel says. */
size_t subject_elsewhere(struct subject *s, int node);

#endif
