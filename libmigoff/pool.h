/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connections behind the drop-in calls.
 *
 * A call takes a connection for itself and gives it back: threads meet only for as long as that takes.
 * A child after fork() begins with none. A daemon that is not there, or does not answer, is tried again
 * at intervals that grow.
 */
#ifndef MIGOFF_LIBMIGOFF_POOL_H
#define MIGOFF_LIBMIGOFF_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"

/* Targets that a connection remembers: a manager comes back to the same processes. */
#define POOL_TARGETS 8

#define POOL_MAX_UNASKED 7u

/* @n_small: questions about it in a row whose answer was no; @n_unasked: calls to come without one. */
struct pool_target {
	struct migoff_target *t;
	unsigned int n_small;
	unsigned int n_unasked;
};

struct pool_conn {
	struct migoff *m;
	struct pool_target targets[POOL_TARGETS];
	unsigned int next_target;	/* to be replaced */
	bool busy;
};

/**
 * pool_get() - Take a connection.
 * @ret: receives it, for pool_put(). The daemon may have gone meanwhile: see pool_check().
 *
 * Return: 0; -ENOTCONN when there is no daemon; -EBUSY when too many calls are under way.
 */
int pool_get(struct pool_conn **ret);

/**
 * pool_check() - Whether the daemon is still there; if not, connect to another.
 * @c: the connection.
 *
 * Return: 0; -ENOTCONN when there is none: then @c is only good for pool_put().
 */
int pool_check(struct pool_conn *c);

/**
 * pool_put() - Give a connection back; one that is lost is closed.
 * @c: the connection or NULL.
 */
void pool_put(struct pool_conn *c);

static inline void pool_putp(struct pool_conn **c)
{
	pool_put(*c);
}

/**
 * pool_target() - The target for a process, opened if need be.
 * @c: the connection.
 * @pid: the process; 0 is the caller.
 * @ret: receives it; the connection keeps owning it.
 *
 * Return: 0 or a negative errno.
 */
int pool_target(struct pool_conn *c, int pid, struct migoff_target **ret);

/**
 * pool_asks() - Whether to ask about a small call; the questions cost as much as a good part of it.
 * @c: the connection.
 * @pid: the process; 0 is the caller.
 *
 * Where the answer has been no a few times in a row, up to POOL_MAX_UNASKED calls are not asked about.
 */
bool pool_asks(struct pool_conn *c, int pid);

/**
 * pool_answered() - Remember the answer.
 * @c: the connection.
 * @t: the target, one of its.
 * @yes: the call is for the daemon.
 */
void pool_answered(struct pool_conn *c, const struct migoff_target *t, bool yes);

/**
 * pool_forget() - Open a target anew the next time, since the daemon finds it void.
 * @c: the connection.
 * @t: the target; closed.
 */
void pool_forget(struct pool_conn *c, struct migoff_target *t);

#endif
