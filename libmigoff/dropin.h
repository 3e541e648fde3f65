/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two drop-in calls have in common.
 */
#ifndef MIGOFF_LIBMIGOFF_DROPIN_H
#define MIGOFF_LIBMIGOFF_DROPIN_H

#include <stdbool.h>

#include "pool.h"

/* What a drop-in call must put back: it looks like a system call, which is no cancellation point. */
struct dropin {
	int saved_errno;
	int cancel_state;
	struct pool_conn *conn;
};

/**
 * dropin_begin() - Get the daemon, if it is of use at the moment.
 * @d: to be ended with dropin_end().
 * @pid: the process; 0 is the caller.
 * @min_bytes: less than this the call cannot be about.
 * @max_bytes: more than this it cannot be about.
 *
 * Return: 1 with d->conn; 0 to make the system call; -ENOTCONN when that is forbidden.
 */
int dropin_begin(struct dropin *d, int pid, uint64_t min_bytes, uint64_t max_bytes);

/**
 * dropin_end() - Put everything back.
 * @d: from dropin_begin().
 * @ret: of the call; errno stays as it is when this is -1.
 *
 * Return: @ret.
 */
long dropin_end(struct dropin *d, long ret);

/**
 * dropin_run() - Carry a request out.
 * @c: the connection.
 * @t: the target; forgotten when the daemon finds it void.
 * @q: the request.
 *
 * A daemon that makes no progress is given up after a bounded time. Before this returns, no page is
 * away any more because of the request, so that a system call finds what is there.
 *
 * Return: 0 when its statuses are valid; else a negative errno: -EHOSTDOWN when the connection is lost.
 */
int dropin_run(struct pool_conn *c, struct migoff_target *t, const struct migoff_request *q);

/**
 * dropin_min_request() - What is smaller is not for the daemon.
 * @c: the connection.
 *
 * Return: bytes.
 */
uint64_t dropin_min_request(const struct pool_conn *c);

/**
 * dropin_block() - The size of the largest folio of anonymous memory.
 *
 * Return: bytes, a power of two.
 */
uint64_t dropin_block(void);

#endif
