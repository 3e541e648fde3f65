/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decisions: engine or CPU, how much at once, which engine, when an engine is out of service.
 *
 * Structs in, a decision out; no I/O, no clock, no state but what is passed in.
 */
#ifndef MIGOFF_DAEMON_POLICY_H
#define MIGOFF_DAEMON_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More would wait for each other's locks rather than for the engine. */
#define POLICY_MAX_PREPARES 4

/* How often the time is doubled after which an engine is tried again. */
#define POLICY_MAX_DOUBLINGS 4

/* Words of a set of nodes: bit n of word n / 64. */
#define POLICY_NODE_WORDS 16

/**
 * struct policy_config - What the operator decides.
 * @min_folio: bytes; smaller folios are left to the system call. 4096 leaves none.
 * @min_request: bytes; smaller requests are copied by the CPU.
 * @max_batch: bytes that are unavailable at once, at most (a folio that is larger goes alone).
 * @max_page_blocked_ns: how long a page may be unavailable in the ordinary course of things; the
 *	size of batches follows from it and from what was measured. 0: no such bound.
 * @max_errors: consecutive errors after which an engine is out of service; 0: never.
 * @retry_after_ns: how long it stays so the first time.
 */
struct policy_config {
	uint64_t min_folio;
	uint64_t min_request;
	uint64_t max_batch;
	uint64_t max_page_blocked_ns;
	uint32_t max_errors;
	uint64_t retry_after_ns;
};

/**
 * struct policy_line_sums - What a line through batches needs to know of them: points (MiB that had to be
 *	copied until a batch was through, ns that its pages were unavailable), in which older ones count
 *	less and less.
 * @w: sum of the weights.
 * @x: weighted sum of the MiB.
 * @y: of the ns.
 * @xx: of the squares of the MiB.
 * @xy: of the products.
 */
struct policy_line_sums {
	double w;
	double x;
	double y;
	double xx;
	double xy;
};

/**
 * struct policy_pace - How long an engine's batches take, learned from those that went before. All
 *	zero: nothing is known.
 * @known: what is expected follows from it.
 * @quick: of the last batches in a row that took much less than expected.
 * @n_quick: how many.
 * @limit: bytes that batches have at most: it doubles from the first on, until one takes too long.
 * @careful: one did; from then on it grows slowly.
 */
struct policy_pace {
	struct policy_line_sums known;
	struct policy_line_sums quick;
	uint32_t n_quick;
	uint64_t limit;
	bool careful;
};

/**
 * struct policy_flow - How long the two ends of a batch's life take, for what is done side by side.
 * @prepare_ns: a PREPARE, per MiB taken.
 * @copy_ns: the copy, per MiB. 0: nothing is known.
 */
struct policy_flow {
	uint64_t prepare_ns;
	uint64_t copy_ns;
};

/**
 * struct policy_batch - A batch that is over.
 * @bytes: bytes of folios in it.
 * @bytes_ahead: bytes that its engine had to copy before it.
 * @n_folios: folios in it.
 * @blocked_ns: how long they were unavailable.
 */
struct policy_batch {
	uint64_t bytes;
	uint64_t bytes_ahead;
	uint32_t n_folios;
	uint64_t blocked_ns;
};

/**
 * struct policy_health - How an engine has behaved.
 * @n_errors: errors without a success in between.
 * @n_outs: times that it went out of service, without having worked in between for as long as it had
 *	been out.
 * @out_ns: how long it was to stay out the last time.
 * @back_at_ns: since when it has been in service again.
 * @retry_at_ns: when it may be tried again; 0: it is in service.
 */
struct policy_health {
	uint32_t n_errors;
	uint32_t n_outs;
	uint64_t out_ns;
	uint64_t back_at_ns;
	uint64_t retry_at_ns;
};

/**
 * struct policy_line - What is in line for an engine.
 * @n_preparing: batches that are being prepared for it.
 * @n_ready: batches that it copies, or could.
 * @batch_bytes: in the one that was prepared last.
 */
struct policy_line {
	uint32_t n_preparing;
	uint32_t n_ready;
	uint64_t batch_bytes;
};

/**
 * struct policy_engine - What the choice of an engine depends on.
 * @usable: it can be given a batch.
 * @node: where it is, or -1.
 * @n_batches: batches in line for it.
 * @in_flight: bytes that it has to copy already.
 * @turn: when it was given something last: larger is later.
 */
struct policy_engine {
	bool usable;
	int node;
	uint32_t n_batches;
	uint64_t in_flight;
	uint64_t turn;
};

/**
 * struct policy_route - Which way a batch goes.
 * @to_node: its destination; -1: not known.
 * @from_nodes: the nodes that it may come from; none of them: all but the destination. NULL: as none.
 */
struct policy_route {
	int to_node;
	const uint64_t *from_nodes;
};

/**
 * policy_min_order() - The smallest folio for the hook to take.
 * @c: the configuration.
 *
 * Return: an order.
 */
unsigned int policy_min_order(const struct policy_config *c);

/**
 * policy_wants_engine() - Whether a request is for the engine.
 * @c: the configuration.
 * @bytes: what it asks for; UINT64_MAX when that is not known (a whole process).
 */
bool policy_wants_engine(const struct policy_config *c, uint64_t bytes);

/**
 * policy_batch_bytes() - How much to take at once.
 * @c: the configuration.
 * @pace: of the engine that is likely to copy it.
 * @hook_max: what the hook's window holds.
 * @depth: batches that may be in line for the engine, the one that it copies included.
 *
 * While a batch is copied those that are ready wait for it. So the time that a page may be unavailable,
 * less a fifth for what varies, has to do for all that are in line.
 *
 * Return: bytes, at least one page (the hook always allows one folio).
 */
uint64_t policy_batch_bytes(const struct policy_config *c, const struct policy_pace *pace,
			    uint64_t hook_max, unsigned int depth);

/**
 * policy_blocked_ns() - How long the pages of a batch are expected to be unavailable.
 * @pace: of the engine.
 * @bytes: bytes in the batch and ahead of it.
 */
uint64_t policy_blocked_ns(const struct policy_pace *pace, uint64_t bytes);

/**
 * policy_may_queue() - Whether a batch may be made ready while its engine copies another.
 * @c: the configuration.
 * @pace: of the engine.
 * @bytes: in a batch, as they are at the moment.
 *
 * Not where the two together take longer than pages may be unavailable: a folio that is too large by
 * itself goes alone. Nor before it is known how long one takes.
 */
bool policy_may_queue(const struct policy_config *c, const struct policy_pace *pace, uint64_t bytes);

/**
 * policy_pace_learn() - Take a finished batch into account.
 * @c: the configuration.
 * @pace: of the engine that copied it; updated.
 * @batch: the batch.
 *
 * After a row of batches of which none took nearly as long as was expected nothing is left of what was
 * learned before them: a slow spell is over.
 *
 * Return: true when it took longer than allowed. Then the next ones are at most half as large, and grow
 * again by an eighth with each that does not.
 */
bool policy_pace_learn(const struct policy_config *c, struct policy_pace *pace,
		       const struct policy_batch *batch);

/**
 * policy_flow_prepared() - Take a PREPARE into account.
 * @flow: what is known; updated.
 * @bytes: bytes that it took.
 * @ns: how long it took.
 */
void policy_flow_prepared(struct policy_flow *flow, uint64_t bytes, uint64_t ns);

/**
 * policy_flow_copied() - Take an engine's time for a batch into account.
 * @flow: what is known; updated.
 * @bytes: bytes that it copied.
 * @ns: how long it took.
 */
void policy_flow_copied(struct policy_flow *flow, uint64_t bytes, uint64_t ns);

/**
 * policy_n_prepares() - How many PREPAREs at once keep an engine at work.
 * @flow: what is known.
 *
 * Return: at least 1, and no more than POLICY_MAX_PREPARES.
 */
unsigned int policy_n_prepares(const struct policy_flow *flow);

/**
 * policy_has_room() - Whether another batch is to be prepared for an engine.
 * @c: the configuration.
 * @pace: of the engine.
 * @flow: of the engine.
 * @line: what is in line for it.
 *
 * Pages of a batch are unavailable while it waits for its engine. So in line are the batch that the
 * engine copies and as many on their way as their PREPAREs take longer than a copy, and no more; and only
 * one as long as two would take too long, see policy_may_queue().
 */
bool policy_has_room(const struct policy_config *c, const struct policy_pace *pace,
		     const struct policy_flow *flow, const struct policy_line *line);

/**
 * policy_choose_engine() - Which engine copies a batch.
 * @engines: all of them.
 * @n: how many.
 * @route: which way the batch goes.
 *
 * Those on the destination's node come first, then those on a node that the batch comes from, then the others,
 * for which all of it crosses from node to node twice. Of those that are as near it is the one with the
 * fewest batches in line, then the one with the least to copy, then the one whose last turn is longest
 * ago.
 *
 * Return: an index, or -1 when none is usable.
 */
int policy_choose_engine(const struct policy_engine *engines, size_t n,
			 const struct policy_route *route);

/**
 * policy_engine_worked() - An engine copied something.
 * @h: its record.
 * @now_ns: the time.
 */
void policy_engine_worked(struct policy_health *h, uint64_t now_ns);

/**
 * policy_engine_failed() - An engine failed.
 * @c: the configuration.
 * @h: its record.
 *
 * Return: true when it is to go out of service for that.
 */
bool policy_engine_failed(const struct policy_config *c, struct policy_health *h);

/**
 * policy_engine_out() - An engine goes out of service.
 * @c: the configuration.
 * @h: its record.
 * @now_ns: the time.
 *
 * One that does not do better when it is tried again stays out for twice as long as the last time, and
 * for 2^POLICY_MAX_DOUBLINGS times &policy_config.retry_after_ns at most.
 */
void policy_engine_out(const struct policy_config *c, struct policy_health *h, uint64_t now_ns);

/**
 * policy_engine_retry() - Whether an engine that is out of service is due for another try.
 * @h: its record. When it is due it is in service again, but a single error ends that.
 * @c: the configuration.
 * @now_ns: the time.
 */
bool policy_engine_retry(const struct policy_config *c, struct policy_health *h, uint64_t now_ns);

#endif
