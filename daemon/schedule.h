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
 * schedule_end_unwanted() - End the requests that were cancelled, or have no time left.
 * @m: the mover.
 * @clients: all clients.
 * @n: how many.
 * @now_ns: the time.
 */
void schedule_end_unwanted(struct mover *m, struct client *const *clients, uint32_t n,
			   uint64_t now_ns);

/**
 * schedule_next_time() - When a request that has to wait is due, or one has no time left.
 * @clients: all clients.
 * @n: how many.
 * @now_ns: the time.
 *
 * Return: CLOCK_MONOTONIC in nanoseconds, or UINT64_MAX.
 */
uint64_t schedule_next_time(struct client *const *clients, uint32_t n, uint64_t now_ns);

#endif
