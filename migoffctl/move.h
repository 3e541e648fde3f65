/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migoffctl move, in four parts: what is asked for (move-args.c), the daemon's part and the whole
 * (cmd-move.c), the kernel's part (move-kernel.c), what came of it (move-report.c).
 */
#ifndef MIGOFF_MIGOFFCTL_MOVE_H
#define MIGOFF_MIGOFFCTL_MOVE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ctl.h"
#include "migoff.h"
#include "nodes.h"

#define MOVE_MAX_ERRNO 256

struct move_args {
	pid_t pid;
	char comm[32];
	int to_node;		/* -1: not given */
	struct nodes from;	/* never with @to_node */
	bool from_any;		/* @from is all others */
	bool move_all;
	bool engine_only;
	struct migoff_range *ranges;	/* ascending, apart; NULL: the whole process */
	size_t n_ranges;
};

/* What the caller's own system calls did. */
struct move_kernel {
	uint64_t pages_moved;
	uint64_t pages_by_errno[MOVE_MAX_ERRNO];
	uint64_t elapsed_ns;
};

struct move_outcome {
	struct migoff_result daemon;	/* summed over requests */
	struct move_kernel kernel;
	char *degraded;			/* why the daemon was not asked, or NULL */
	bool kernel_done;		/* the kernel's part was made */
	bool interrupted;
	int error;			/* 0, or what ended the move early */
	uint64_t elapsed_ns;
};

/**
 * move_parse() - Read the command line and check it against what there is. Changes nothing.
 * @ctl: how to report.
 * @argc: of the command.
 * @argv: of the command.
 * @a: filled; to be released with move_args_done().
 *
 * Return: -1 to go on, or an exit status.
 */
int move_parse(const struct ctl *ctl, int argc, char **argv, struct move_args *a);

void move_args_done(struct move_args *a);

/**
 * move_mapped() - What of the ranges is mapped at the moment.
 * @a: the process and the ranges.
 * @ret: receives the mapped parts, ascending, to be freed.
 * @ret_n: their number, may be 0.
 *
 * Return: 0 or a negative errno.
 */
int move_mapped(const struct move_args *a, struct migoff_range **ret, size_t *ret_n);

/**
 * move_by_kernel() - Move what is not on the destination by move_pages(2).
 * @a: what to move.
 * @stop: when it becomes true, the rest is left.
 * @step: called with the pages gone through now and then.
 * @ret: filled, also on failure.
 *
 * Return: 0; -ESRCH; another negative errno.
 */
int move_by_kernel(const struct move_args *a, const volatile sig_atomic_t *stop, void (*step)(uint64_t pages),
		   struct move_kernel *ret);

/**
 * move_report() - Say what came of it.
 * @ctl: how.
 * @a: what was asked for.
 * @o: what was done.
 *
 * Return: the exit status.
 */
int move_report(const struct ctl *ctl, const struct move_args *a, const struct move_outcome *o);

#endif
