/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose turn it is: clients in turn, and each client's requests in turn.
 */
#ifndef MIGOFF_DAEMON_SCHEDULE_H
#define MIGOFF_DAEMON_SCHEDULE_H

#include <stdint.h>

#include "client.h"
#include "mover.h"

/**
 * schedule_batches() - Begin as many batches as are good now.
 * @m: the mover.
 * @clients: all clients.
 * @n: how many.
 * @now_ns: the time.
 */
void schedule_batches(struct mover *m, struct client *const *clients, uint32_t n, uint64_t now_ns);

/**
 * schedule_end_cancelled() - End the requests that are not wanted any more.
 * @m: the mover.
 * @clients: all clients.
 * @n: how many.
 */
void schedule_end_cancelled(struct mover *m, struct client *const *clients, uint32_t n);

/**
 * schedule_next_retry() - When a request that has to wait is due.
 * @clients: all clients.
 * @n: how many.
 * @now_ns: the time.
 *
 * Return: CLOCK_MONOTONIC in nanoseconds, or UINT64_MAX.
 */
uint64_t schedule_next_retry(struct client *const *clients, uint32_t n, uint64_t now_ns);

#endif
