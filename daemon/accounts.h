/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was moved, by whom, how, and what it cost.
 *
 * One thread, the data plane, writes; any thread reads at any time without a lock. Each number is
 * right by itself; two numbers of one reading may be a batch apart.
 */
#ifndef MIGOFF_DAEMON_ACCOUNTS_H
#define MIGOFF_DAEMON_ACCOUNTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_N_CAUSES	32	/* enum migoff_cause of the hook */
#define ACCOUNT_N_ORDERS	16
#define ACCOUNT_N_ENGINE_ERRORS	8	/* enum engine_status */
#define ACCOUNT_N_REASONS	8	/* enum reason */
#define ACCOUNT_N_BUCKETS	32	/* bucket b holds times in [2^(b-1), 2^b) us; 0: below 1 us */

/* Why the CPU copied what the engine could have copied. */
enum account_fallback {
	FALLBACK_NO_ENGINE,	/* none is open, or all are out of service */
	FALLBACK_SMALL,		/* the request was below min_request */
	FALLBACK_BUSY,		/* the engine's ring had no room */
	FALLBACK_NO_IOVA,	/* the hook could not map it for the engine */
	FALLBACK_ERROR,		/* the engine failed at it */
	FALLBACK_TIMEOUT,	/* the engine did not finish it in time */
	FALLBACK_WITHDRAWN,	/* the device was given back meanwhile */
	_FALLBACK_MAX,
};

/**
 * struct account_values - One reading. All fields are uint64_t.
 * @requests: requests that ended, whether well or not.
 * @requests_failed: of these, those that ended with an error.
 * @batches: batches that were out.
 * @expired: batches that the hook ended at their deadline.
 * @budget_misses: batches that were out for longer than max-page-blocked=.
 * @budget_misses_alone: of these, single folios, which cannot be made smaller.
 * @pages_asked: pages gone through.
 * @pages_moved: of these, pages moved.
 * @pages_by_cause: the others, by enum migoff_cause.
 * @bytes_engine: bytes copied by engines and moved.
 * @bytes_cpu: bytes copied by the CPU and moved.
 * @folios_engine: folios of the former, by order.
 * @folios_cpu: of the latter.
 * @engine_errors: items that engines reported, by enum engine_status.
 * @fallback_bytes: bytes given to the CPU, by enum account_fallback.
 * @bytes_again: bytes given to another engine, because the one before failed at them.
 * @bytes_by_reason: bytes moved, by enum reason.
 * @cpu_ns: CPU time of the daemon's threads.
 * @engine_ns: time that at least one engine was at work.
 * @blocked: batches by how long their pages were unavailable, in log2 buckets of microseconds.
 * @blocked_ns: sum of those times.
 * @blocked_max_ns: the longest.
 */
struct account_values {
	uint64_t requests;
	uint64_t requests_failed;
	uint64_t batches;
	uint64_t expired;
	uint64_t budget_misses;
	uint64_t budget_misses_alone;
	uint64_t pages_asked;
	uint64_t pages_moved;
	uint64_t pages_by_cause[ACCOUNT_N_CAUSES];
	uint64_t bytes_engine;
	uint64_t bytes_cpu;
	uint64_t folios_engine[ACCOUNT_N_ORDERS];
	uint64_t folios_cpu[ACCOUNT_N_ORDERS];
	uint64_t engine_errors[ACCOUNT_N_ENGINE_ERRORS];
	uint64_t fallback_bytes[_FALLBACK_MAX];
	uint64_t bytes_again;
	uint64_t bytes_by_reason[ACCOUNT_N_REASONS];
	uint64_t cpu_ns;
	uint64_t engine_ns;
	uint64_t blocked[ACCOUNT_N_BUCKETS];
	uint64_t blocked_ns;
	uint64_t blocked_max_ns;
};

/* Since when something is at work, as long as at least one is; all zero to begin with. */
struct busy {
	uint32_t n;
	uint64_t since_ns;
};

/*
 * The live numbers; all zero to begin with. @busy, and the work done since CPU time was last shared out,
 * are the writing thread's own.
 */
struct account {
	struct busy busy;
	uint64_t work;
	_Atomic uint64_t words[sizeof(struct account_values) / sizeof(uint64_t)];
};

/* Index of a field of struct account_values in struct account. */
#define ACCOUNT_WORD(field) (offsetof(struct account_values, field) / sizeof(uint64_t))

/**
 * account_add() - Count. Only the writing thread.
 * @a: the account.
 * @word: ACCOUNT_WORD(field), for an array plus the index in it.
 * @n: by how much.
 */
void account_add(struct account *a, size_t word, uint64_t n);

/**
 * account_merge() - Count many things at once. Only the writing thread.
 * @a: the account.
 * @more: what to add; its blocked times are left out, they have account_add_blocked().
 */
void account_merge(struct account *a, const struct account_values *more);

/**
 * account_add_blocked() - Count a batch into the histogram of blocked times.
 * @a: the account.
 * @ns: how long its pages were unavailable.
 */
void account_add_blocked(struct account *a, uint64_t ns);

/**
 * account_read() - Read all numbers. Any thread.
 * @a: the account.
 * @ret: the numbers.
 */
void account_read(const struct account *a, struct account_values *ret);

/**
 * account_share_cpu() - Count CPU time for one of those who caused it.
 * @a: the account; its work is forgotten.
 * @ns: the time that is shared out.
 * @work: the work of all.
 */
void account_share_cpu(struct account *a, uint64_t ns, uint64_t work);

/**
 * busy_begin() - One more is at work.
 * @b: the record.
 * @now_ns: the time.
 */
void busy_begin(struct busy *b, uint64_t now_ns);

/**
 * busy_end() - One less is.
 * @b: the record.
 * @now_ns: the time.
 *
 * Return: how long at least one was, if this was the last; else 0.
 */
uint64_t busy_end(struct busy *b, uint64_t now_ns);

/**
 * account_blocked_quantile() - Estimate a quantile of the blocked times.
 * @v: a reading.
 * @per_mille: 500 for the median, 999 for p99.9.
 *
 * Return: an upper bound in nanoseconds: the end of the bucket that holds it, or the maximum where
 * that is less; 0 when nothing was counted.
 */
uint64_t account_blocked_quantile(const struct account_values *v, unsigned int per_mille);

/**
 * account_fallback_name() - A word for status and logs.
 * @fallback: which.
 *
 * Return: a static string such as "no-engine"; NULL for a number without meaning.
 */
const char *account_fallback_name(unsigned int fallback);

#endif
