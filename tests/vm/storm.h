/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A storm: processes whose threads do all that a program can do to its memory, and check it all the time
 * (storm-worker.c), while others have it moved (storm-mover.c). storm.c keeps them going.
 */
#ifndef MIGOFF_TESTS_STORM_H
#define MIGOFF_TESTS_STORM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STORM_PAGE	4096ul
#define STORM_BLOCK	(2ul << 20)
#define STORM_THREADS	3
#define STORM_WORKERS	4
/* Each thread's memory is in the same place in all workers, with as much free beside it. */
#define STORM_LEN	(4 * STORM_BLOCK)
#define STORM_AT(thread) ((char *)0x100000000000 + (size_t)(thread) * 4 * STORM_LEN)

/**
 * struct storm - what all processes of a storm share
 * @stop: it is over.
 * @workers: who they are.
 * @n_ops: what workers did, by kind; storm_op_name() tells them apart.
 * @n_requests: of movers, that have ended.
 * @n_refused: of these, because the process was not what it had been.
 * @n_lost: of these, because the daemon went away.
 * @n_calls: drop-in calls.
 * @pages: that requests were about.
 * @pages_moved: of these, moved.
 * @bytes_engine: that an engine has copied.
 */
struct storm {
	_Atomic bool stop;
	_Atomic pid_t workers[STORM_WORKERS];
	_Atomic uint64_t n_ops[16];
	_Atomic uint64_t n_requests, n_refused, n_lost, n_calls;
	_Atomic uint64_t pages, pages_moved, bytes_engine;
};

/* The name of an operation of workers; NULL after the last. */
const char *storm_op_name(unsigned int op);

/* A number for a thread of its own; the same sequence for the same seed. */
uint32_t storm_random(uint64_t *state);

/* A worker, until the storm is over or it ends by itself; what it does depends on @seed. */
void storm_worker(struct storm *s, int storm_fd, uint64_t seed) __attribute__((noreturn));

/* Threads that move until the storm is over. Argument: struct storm_mover. */
struct storm_mover {
	struct storm *storm;
	uint64_t seed;
};

void *storm_mover(void *arg);
void *storm_caller(void *arg);

#endif
