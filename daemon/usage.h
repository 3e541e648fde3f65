/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processors spend on the work of the daemon, and what they would have spent without it.
 *
 * The threads of this process, those of its io_uring (PREPARE runs there) included, are counted by the
 * processor's own counters where there are some and the kernel lets us, and by their CPU time in any
 * case. What the module does on workers of the kernel it counts by itself.
 */
#ifndef MIGOFF_DAEMON_USAGE_H
#define MIGOFF_DAEMON_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "why.h"

/**
 * struct usage_counters - The counters, while they are open.
 * @cycles_fd: -1 when it is not counted.
 * @instructions_fd: the same.
 * @user_only: the kernel lets us count only what is done outside of it.
 * @why: why nothing is counted, or not all.
 */
struct usage_counters {
	int cycles_fd;
	int instructions_fd;
	bool user_only;
	struct why why;
};

/**
 * struct usage_count - One reading of a counter.
 * @value: an estimate if the counter was shared with others, @share is below 100 then.
 * @share: percentage of the time that it really counted; 0: it never did, @value is 0.
 */
struct usage_count {
	uint64_t value;
	unsigned int share;
};

/**
 * usage_open() - Begin to count the calling thread and all threads that it makes from now on.
 * @ret: the counters; without any there is a reason in @why.
 */
void usage_open(struct usage_counters *ret);

/**
 * usage_close() - Count no more. Safe twice.
 * @u: the counters.
 */
void usage_close(struct usage_counters *u);

/**
 * usage_read() - Read a counter.
 * @fd: one of struct usage_counters.
 * @ret: the reading.
 *
 * Return: 0, or a negative errno.
 */
int usage_read(int fd, struct usage_count *ret);

/**
 * usage_scale() - What a counter would have counted, had it had the processor's all the time.
 * @value: what it counted.
 * @enabled_ns: time that there was something to count.
 * @running_ns: of this, time that it did count.
 */
struct usage_count usage_scale(uint64_t value, uint64_t enabled_ns, uint64_t running_ns);

/**
 * usage_explain() - Why a counter cannot be had.
 * @error: of perf_event_open(2).
 * @why: receives reason and remedy.
 */
void usage_explain(int error, struct why *why);

/**
 * usage_cpu_ns() - CPU time of all threads of this process so far.
 */
uint64_t usage_cpu_ns(void);

/**
 * usage_hook_ns() - Time that the module has worked on behalf of this daemon outside of its threads.
 * @path: the module's counter of it.
 * @ret: the time.
 *
 * Return: 0, or a negative errno.
 */
int usage_hook_ns(const char *path, uint64_t *ret);

/**
 * usage_copy_rate() - How fast one of this machine's processors copies memory.
 *
 * Takes some milliseconds.
 *
 * Return: GB/s; 0 without memory for it.
 */
double usage_copy_rate(void);

/**
 * usage_kernel_ns() - What the kernel's own move of some folios costs.
 * @folios: how many there are of each order.
 * @n_orders: of how many orders.
 * @copy_rate: usage_copy_rate(); 0: that of the machine which the figures are from.
 *
 * The published cost of move_pages(2) on a Zen 3 processor without zeroing, times how much faster that
 * one copies than this one.
 *
 * Return: CPU time in nanoseconds.
 */
uint64_t usage_kernel_ns(const uint64_t *folios, size_t n_orders, double copy_rate);

/**
 * usage_given_back_ns() - CPU time that was saved.
 * @folios_engine: folios that engines have copied, by order.
 * @folios_cpu: those that the CPU has copied.
 * @n_orders: of how many orders.
 * @copy_rate: as for usage_kernel_ns().
 * @used_ns: what all that cost.
 *
 * Return: what the kernel would have needed for all of them, less what was needed. Below 0 it cost more.
 */
int64_t usage_given_back_ns(const uint64_t *folios_engine, const uint64_t *folios_cpu,
			    size_t n_orders, double copy_rate, uint64_t used_ns);

#endif
