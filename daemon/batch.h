/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One batch: its extents put together to copies, verdicts from what became of the copies, statuses and
 * counts from what became of the extents.
 */
#ifndef MIGOFF_DAEMON_BATCH_H
#define MIGOFF_DAEMON_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts.h"
#include "client.h"
#include "engines.h"
#include "loop.h"
#include "migoff_uapi.h"

struct mover;

enum batch_state {
	BATCH_IDLE,
	BATCH_PREPARING,
	BATCH_COPYING,
	BATCH_FINISHING,
};

/**
 * struct batch_item - One copy for an engine, beside &batch.copies.
 * @index: its number there, once enqueued.
 * @first: the first extent in it.
 * @end: behind the last extent in it.
 */
struct batch_item {
	uint64_t index;
	uint32_t first;
	uint32_t end;
};

/**
 * struct batch - One slot of the hook.
 * @op: its command.
 * @mover: whose.
 * @slot: which.
 * @state: what is going on.
 * @command: of the finish that is under way.
 * @request: for whom; NULL when IDLE.
 * @device: who copies, or is to when it is prepared; NULL: the CPU.
 * @part: of the request.
 * @ranges: the part's.
 * @n_ranges: how many; 0: a whole process.
 * @by_cpu: the CPU copies all of it, at its commit.
 * @prepare: argument of PREPARE.
 * @finish: argument of COMMIT or ABORT.
 * @verdicts: one for each extent.
 * @marks: one for each extent: the engine that copied it; of the first one of a copy, that and why it is
 *	to be made by another.
 * @copies: the copies, as engines take them; as many fit as there are extents.
 * @items: what else there is to know of each.
 * @n_planned: how many there are.
 * @n_items: how many of them are the engine's.
 * @n_enqueued: the engine has got so many of them, from the first on.
 * @n_ended: of so many the outcome is known.
 * @tried: the engines that were given some of it, each by its device_bit().
 * @again: it was given to more than one.
 * @bytes_again: bytes in the copies that are to be made by another.
 * @bytes_moved_on: bytes that were given to another so far.
 * @worked: the engines whose copies were moved to, each by its device_bit().
 * @lied: the engines whose copies were found to be none.
 * @busy: the engine has some of it.
 * @prepare_began_ns: when its PREPARE was given.
 * @copy_began_ns: when the engine got the first of it.
 * @bytes_ahead: what the engine had to copy before it.
 * @give_up_ns: when what is not copied is given to the CPU.
 * @fallback_bytes: bytes with the CPU's verdict, by reason.
 * @engine_errors: items by enum engine_status.
 */
struct batch {
	struct loop_op op;
	struct mover *mover;
	uint32_t slot;
	enum batch_state state;
	uint32_t command;
	struct request *request;
	struct device *device;
	struct part part;
	struct migoff_range *ranges;
	uint32_t n_ranges;
	bool by_cpu;
	struct migoff_prepare prepare;
	struct migoff_finish finish;
	uint8_t *verdicts;
	uint8_t *marks;
	struct engine_copy *copies;
	struct batch_item *items;
	uint32_t n_planned;
	uint32_t n_items;
	uint32_t n_enqueued;
	uint32_t n_ended;
	uint32_t tried;
	bool again;
	uint64_t bytes_again;
	uint64_t bytes_moved_on;
	uint32_t worked;
	uint32_t lied;
	bool busy;
	uint64_t prepare_began_ns;
	uint64_t copy_began_ns;
	uint64_t bytes_ahead;
	uint64_t give_up_ns;
	uint64_t fallback_bytes[_FALLBACK_MAX];
	uint64_t engine_errors[ACCOUNT_N_ENGINE_ERRORS];
};

/**
 * batches_new() - Make the batches of a hook.
 * @n: how many.
 * @n_extents: extents of each.
 * @ret: an array of them.
 *
 * Return: 0 or -ENOMEM.
 */
int batches_new(uint32_t n, uint32_t n_extents, struct batch **ret);

/**
 * batches_free() - Free them.
 * @batches: the array, or NULL.
 * @n: how many.
 *
 * Return: NULL.
 */
struct batch *batches_free(struct batch *batches, uint32_t n);

/**
 * batch_plan() - Decide who copies each extent, as far as it is known beforehand.
 * @b: the batch; verdicts, items and counts are filled in.
 * @extents: what the hook took.
 * @n: how many.
 * @max_item: bytes of one copy; 0: no engine.
 * @reason: why there is none.
 *
 * The verdict of what is to be copied by the engine is that of the CPU until batch_item_copied().
 */
void batch_plan(struct batch *b, const struct migoff_extent *extents, uint32_t n, uint64_t max_item,
		enum account_fallback reason);

/**
 * batch_find_item() - Which copy an engine reports.
 * @b: the batch.
 * @index: as reported.
 *
 * Return: the item, or NULL when it is not one of this batch.
 */
const struct batch_item *batch_find_item(const struct batch *b, uint64_t index);

/**
 * batch_item_len() - How much is copied.
 * @b: the batch.
 * @item: the copy.
 */
static inline uint64_t batch_item_len(const struct batch *b, const struct batch_item *item)
{
	return b->copies[item - b->items].len;
}

/**
 * batch_enqueued() - Note that the engine has taken the next copies.
 * @b: the batch.
 * @n: how many.
 * @index: the number of the first; the others follow it.
 */
void batch_enqueued(struct batch *b, uint32_t n, uint64_t index);

/**
 * batch_item_copied() - Note that a copy was made.
 * @b: the batch.
 * @item: the copy.
 * @extents: the batch's.
 */
void batch_item_copied(struct batch *b, const struct batch_item *item,
		       const struct migoff_extent *extents);

/**
 * batch_item_failed() - Note that a copy was not made.
 * @b: the batch.
 * @item: the copy.
 * @reason: why.
 * @elsewhere: another engine may succeed.
 */
void batch_item_failed(struct batch *b, const struct batch_item *item,
		       enum account_fallback reason, bool elsewhere);

/**
 * batch_drop_rest() - Take from the engine what it has not got yet; another may.
 * @b: the batch.
 * @reason: why.
 */
void batch_drop_rest(struct batch *b, enum account_fallback reason);

/**
 * batch_plan_again() - Let the copies be those that are to be made by another engine.
 * @b: the batch; of all that its engine got the outcome is known.
 */
void batch_plan_again(struct batch *b);

/**
 * batch_leave_rest() - Leave those to the CPU.
 * @b: the batch; of all that its engine got the outcome is known.
 */
void batch_leave_rest(struct batch *b);

/**
 * batch_collect() - Statuses and counts for the request, once the batch is over.
 * @b: the batch.
 * @info: what the hook says about it.
 * @extents: the same.
 * @over: the hook has ended it; false: that is not known, what was taken counts as left.
 * @more: receives what is to be added to the accounts.
 *
 * It also fills in who worked, and who lied.
 */
void batch_collect(struct batch *b, const struct migoff_batch_info *info,
		   const struct migoff_extent *extents, bool over, struct account_values *more);

#endif
