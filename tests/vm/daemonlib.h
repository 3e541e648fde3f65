/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migoffd for tests in the machine, by libmigoff. It stands apart from hooklib.h because the library's
 * header and the module's both have a struct migoff_range.
 *
 * All calls end the program with a message when something fails that no test is about.
 */
#ifndef MIGOFF_TESTS_DAEMONLIB_H
#define MIGOFF_TESTS_DAEMONLIB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct migoff;
struct migoff_target;

/* A connection to the daemon, with one target. */
struct link {
	struct migoff *m;
	struct migoff_target *t;
};

/**
 * struct outcome - what became of a request: see struct migoff_result.
 * @error: also -EHOSTDOWN when the daemon is gone.
 */
struct outcome {
	int error;
	uint64_t asked;
	uint64_t moved;
	uint64_t by_cause[32];
	uint64_t bytes_engine;
	uint64_t bytes_cpu;
	uint64_t n_expired;
	uint64_t blocked_max_ns;
};

/* Connect to the daemon at $MIGOFF_SOCKET. */
void link_open(struct link *l, pid_t pid);
void link_close(struct link *l);
/* @status: an int for each page, or NULL; stays until the end. */
void link_submit(struct link *l, uint64_t start, uint64_t len, int to_node, int *status);
/* The end of one request, within a minute. */
struct outcome link_wait(struct link *l);
struct outcome link_move(struct link *l, uint64_t start, uint64_t len, int to_node, int *status);

#endif
