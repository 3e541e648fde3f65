/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DSA: engines, and the descriptors that they take from the queues and batches of their group. An
 * engine that takes a batch up only opens it; what is in it is for all engines of the group.
 */
#include "dsa_model.h"

#include <string.h>

#include "macros.h"

/* --- queues ----------------------------------------------------------------------------------- */

static struct dsa_group *group_of_engine(struct dsa *s, unsigned int engine)
{
	for (unsigned int i = 0; i < s->n_groups; i++) {
		if (s->group[i].engines >> engine & 1)
			return &s->group[i];
	}
	return NULL;
}

/* Software counts what is outstanding; what is too much is lost. A halt it cannot foresee. */
void dsa_submit(struct model *m, unsigned int n, const struct dsa_desc *d)
{
	struct dsa *s = model_state(m);
	struct dsa_wq *wq = &s->wq[n];

	if (s->state == DSA_HALTED)
		return;
	if (s->state != DSA_ENABLED || !wq->enabled || wq->closing) {
		model_broken(m, "descriptor for a queue that is not enabled", "queue %u", n);
		return;
	}
	if (dsa_outstanding(wq) >= wq->cfg[0]) {
		model_broken(m, "more descriptors than the queue has entries", "queue %u has %u", n,
			     wq->cfg[0]);
		return;
	}
	wq->queue[(wq->head + wq->n_queued++) % DSA_WQ_ENTRIES] = *d;
	model_kick(m);
}

/* A drain waits for what came before it in its queue. */
static bool may_be_taken(const struct dsa_wq *wq)
{
	const struct dsa_desc *d = &wq->queue[wq->head];

	return wq->n_queued > 0 && (d->op_flags >> 24 != DSA_OP_DRAIN || wq->n_running == 0);
}

/* The queue of the group that comes first: by priority, and in turn among equals. */
static struct dsa_wq *next_queue(struct dsa *s, const struct dsa_group *g)
{
	struct dsa_wq *best = NULL;

	for (unsigned int i = 1; i <= s->n_wqs; i++) {
		unsigned int n = (s->last_wq + i) % s->n_wqs;
		struct dsa_wq *wq = &s->wq[n];

		if (!(g->wqs[0] >> n & 1) || !may_be_taken(wq))
			continue;
		if (!best || (wq->cfg[2] >> 4 & 0xf) > (best->cfg[2] >> 4 & 0xf))
			best = wq;
	}
	return best;
}

/* A batch of the group with a descriptor that can be taken: a fence waits for those before it. */
static struct dsa_batch *next_batch(struct model *m, struct dsa *s, const struct dsa_group *g)
{
	for (unsigned int i = 0; i < s->n_engines; i++) {
		struct dsa_batch *b = &s->batch[i];
		uint64_t at = b->outer.d.src + b->next * sizeof(struct dsa_desc);
		struct dsa_desc d;

		if (!b->active || !(g->wqs[0] >> b->outer.wq & 1) || b->next >= b->count)
			continue;
		if (b->n_done == b->next || model_dma_read(m, at, &d, sizeof(d)) != MODEL_DONE ||
		    !(d.op_flags & DSA_FLAG_FENCE))
			return b;
	}
	return NULL;
}

static bool anybody_executes(const struct dsa *s)
{
	for (unsigned int i = 0; i < s->n_engines; i++) {
		if (s->executing[i])
			return true;
	}
	return false;
}

static bool has_work(struct model *m, struct dsa *s, unsigned int engine)
{
	struct dsa_group *g = group_of_engine(s, engine);

	if (!g || s->resetting || s->state == DSA_DISABLED || s->state == DSA_HALTED ||
	    !model_bus_master(m))
		return false;
	return next_batch(m, s, g) || (!s->batch[engine].active && next_queue(s, g));
}

/* What is held back for being late is completed at the latest when nothing else is to be done. */
bool dsa_engine_ready(struct model *m, unsigned int engine)
{
	struct dsa *s = model_state(m);

	if (s->executing[engine])
		return false;
	return has_work(m, s, engine) || (engine == 0 && s->has_held && !anybody_executes(s));
}

/* --- rules ------------------------------------------------------------------------------------ */

static const char reserved_field[] = "reserved field of a descriptor";

static uint8_t bad(struct model *m, const struct dsa_item *it, const char *rule, uint8_t code)
{
	model_broken(m, rule, "operation %u, flags %#x, queue %u, code %#x", it->d.op_flags >> 24,
		     it->d.op_flags & 0xffffff, it->wq, code);
	return code;
}

static uint8_t check_flags(struct model *m, struct dsa_item *it)
{
	uint32_t flags = it->d.op_flags & 0xffffff;
	uint32_t known = DSA_FLAG_RECORD_VALID | DSA_FLAG_RECORD | DSA_FLAG_INTERRUPT;

	if (it->batch >= 0)
		known |= DSA_FLAG_FENCE;
	if (it->d.op_flags >> 24 == DSA_OP_MEMMOVE)
		known |= DSA_FLAG_CACHE;
	it->r.invalid_flags = flags & ~known;
	if (flags & DSA_FLAG_RECORD && !(flags & DSA_FLAG_RECORD_VALID))
		it->r.invalid_flags |= DSA_FLAG_RECORD;
	return it->r.invalid_flags ? bad(m, it, "flags of a descriptor", DSA_BAD_FLAGS) : 0;
}

static uint8_t check_handle(struct model *m, struct dsa_item *it)
{
	struct dsa *s = model_state(m);
	unsigned int vector = it->d.handle ^ (dsa_has_handles(s) ? 0x100 : 0);

	if (!(it->d.op_flags & DSA_FLAG_INTERRUPT))
		return it->d.handle ? bad(m, it, reserved_field, DSA_NOT_ZERO) : 0;
	if (vector >= dsa_n_vectors(s) || (dsa_has_handles(s) && !s->handle[vector]) ||
	    s->msixperm[vector])
		return bad(m, it, "interrupt handle", DSA_BAD_HANDLE);
	return 0;
}

static uint8_t check_memmove(struct model *m, struct dsa_item *it)
{
	const struct dsa *s = model_state(m);
	uint64_t size = it->d.size;

	if (size == 0 || size > 1ull << (s->wq[it->wq].cfg[3] & 0x1f))
		return bad(m, it, "size of a transfer", DSA_BAD_SIZE);
	if (it->d.src < it->d.dst + size && it->d.dst < it->d.src + size)
		return bad(m, it, "overlapping transfer", DSA_OVERLAP);
	return 0;
}

static uint8_t check_batch(struct model *m, struct dsa_item *it)
{
	const struct dsa *s = model_state(m);

	if (it->d.dst)
		return bad(m, it, reserved_field, DSA_NOT_ZERO);
	if (it->d.src % 64)
		return bad(m, it, "alignment of a batch", DSA_LIST_ALIGNMENT);
	if (it->d.size < 2 || it->d.size > 1u << (s->wq[it->wq].cfg[3] >> 5 & 0xf))
		return bad(m, it, "size of a batch", DSA_BAD_COUNT);
	return 0;
}

static uint8_t check_operation(struct model *m, struct dsa_item *it)
{
	const struct dsa *s = model_state(m);
	unsigned int op = it->d.op_flags >> 24;

	if (op > DSA_OP_MEMMOVE || (it->batch >= 0 && (op == DSA_OP_BATCH || op == DSA_OP_DRAIN)) ||
	    (s->id == 0x11fb && !(s->wq[it->wq].cfg[8] >> op & 1)))
		return bad(m, it, "operation", DSA_BAD_OPCODE);
	if (it->d.zero || it->d.more[0] | it->d.more[1] | it->d.more[2] ||
	    it->d.pasid_priv & 0x7ff00000)
		return bad(m, it, reserved_field, DSA_NOT_ZERO);
	switch (op) {
	case DSA_OP_MEMMOVE:
		return check_memmove(m, it);
	case DSA_OP_BATCH:
		return check_batch(m, it);
	}
	if (it->d.src | it->d.dst | it->d.size)
		return bad(m, it, reserved_field, DSA_NOT_ZERO);
	return 0;
}

/* The record where it will be told, ahead of all else. */
static uint8_t check_record(struct model *m, struct dsa_item *it)
{
	struct dsa_record r;

	if (!(it->d.op_flags & DSA_FLAG_RECORD_VALID))
		return 0;
	if (it->d.record % sizeof(r))
		return bad(m, it, "alignment of a completion record", DSA_RECORD_ALIGNMENT);
	if (model_dma_read(m, it->d.record, &r, sizeof(r)) == MODEL_DONE && r.status)
		model_broken(m, "completion record is not zero", "%#x at %#lx", r.status,
			     (unsigned long)it->d.record);
	return 0;
}

static uint8_t check(struct model *m, struct dsa_item *it)
{
	uint8_t error = check_record(m, it);

	if (!error)
		error = check_flags(m, it);
	if (!error)
		error = check_handle(m, it);
	return error ? error : check_operation(m, it);
}

/* --- completion ------------------------------------------------------------------------------- */

static void finish_or_hold(struct model *m, const struct dsa_item *it);

static bool write_record(struct model *m, struct dsa_item *it)
{
	uint32_t flags = it->d.op_flags;

	if (!(flags & DSA_FLAG_RECORD_VALID) || it->r.status == DSA_RECORD_ALIGNMENT) {
		if (it->r.status != DSA_OK)
			dsa_swerr(m, it, it->r.status);
		return true;
	}
	if (it->order.lose || (it->r.status == DSA_OK && !(flags & DSA_FLAG_RECORD)))
		return true;
	switch (model_dma_write(m, it->d.record, &it->r, sizeof(it->r))) {
	case MODEL_DONE:
		return true;
	case MODEL_STOPPED:
		return false;
	default:
		break;
	}
	/* Software may take bus mastership away at any time. */
	if (model_bus_master(m))
		model_broken(m, "completion record is not mapped", "%#lx",
			     (unsigned long)it->d.record);
	dsa_swerr(m, it, DSA_RECORD_FAULT | DSA_WAS_WRITE);
	return false;
}

/* What else was ordered: the record beside it, and this one again after the next one. */
static void write_more(struct model *m, const struct dsa_item *it)
{
	struct dsa *s = model_state(m);
	uint64_t again_at = s->again_at;

	s->again_at = 0;
	if (again_at)
		model_dma_write(m, again_at, &s->again, sizeof(s->again));
	if (it->order.never && it->d.op_flags & DSA_FLAG_RECORD_VALID)
		model_dma_write(m, it->d.record + sizeof(it->r), &it->r, sizeof(it->r));
	if (it->order.twice && it->d.op_flags & DSA_FLAG_RECORD_VALID) {
		s->again_at = it->d.record;
		s->again = it->r;
	}
}

static void count_in_batch(struct model *m, const struct dsa_item *it)
{
	struct dsa *s = model_state(m);
	struct dsa_batch *b = &s->batch[it->batch];

	b->n_done++;
	b->failed |= it->r.status != DSA_OK;
	if (b->next < b->count || b->n_done < b->next)
		return;
	b->active = false;
	b->outer.r.status = b->fault ? DSA_BATCH_FAULT : b->failed ? DSA_BATCH_FAILED : DSA_OK;
	b->outer.r.done = b->n_done;
	finish_or_hold(m, &b->outer);
}

/* A descriptor is done, with @r set: the record, then the interrupt, then nothing of it is left. */
static void finish(struct model *m, struct dsa_item *it)
{
	struct dsa *s = model_state(m);

	if (it->order.senseless)
		it->r.status = DSA_SENSELESS;
	if (write_record(m, it))
		write_more(m, it);
	if (it->batch < 0)
		s->wq[it->wq].n_running--;
	if (it->d.op_flags & DSA_FLAG_INTERRUPT && it->r.status != DSA_BAD_HANDLE)
		model_interrupt(m, it->d.handle & 0xff);
	if (it->batch >= 0)
		count_in_batch(m, it);
}

static void finish_held(struct model *m)
{
	struct dsa *s = model_state(m);
	struct dsa_item it = s->held;

	if (!s->has_held)
		return;
	s->has_held = false;
	it.order.late = false;
	finish(m, &it);
}

/* What is late waits for the next one to be completed. */
static void finish_or_hold(struct model *m, const struct dsa_item *done)
{
	struct dsa *s = model_state(m);
	struct dsa_item it = *done;

	if (it.order.late && !s->has_held) {
		s->held = it;
		s->has_held = true;
		return;
	}
	finish(m, &it);
}

/* --- work ------------------------------------------------------------------------------------- */

/* The list cannot be read, or a fence finds that something before it failed: no more of it. */
static bool fetch_from_batch(struct model *m, struct dsa_batch *b, struct dsa_item *ret)
{
	struct dsa *s = model_state(m);
	uint64_t at = b->outer.d.src + b->next * sizeof(ret->d);

	*ret = (struct dsa_item) {
		.wq = b->outer.wq, .batch = (int)(b - s->batch), .index = b->next,
	};
	if (model_dma_read(m, at, &ret->d, sizeof(ret->d)) != MODEL_DONE) {
		b->fault = true;
		b->outer.r.fault_addr = at;
	} else if (!(ret->d.op_flags & DSA_FLAG_FENCE) || !b->failed) {
		b->next++;
		return true;
	}
	b->count = b->next;
	if (b->n_done == b->next) {
		/* Nothing is left that would count itself and close the batch. */
		b->n_done--;
		ret->r.status = DSA_OK;
		count_in_batch(m, ret);
	}
	return false;
}

static bool fetch(struct model *m, unsigned int engine, struct dsa_item *ret)
{
	struct dsa *s = model_state(m);
	struct dsa_group *g = group_of_engine(s, engine);
	struct dsa_batch *b = next_batch(m, s, g);
	struct dsa_wq *wq;

	if (b)
		return fetch_from_batch(m, b, ret);
	wq = next_queue(s, g);
	*ret = (struct dsa_item) {
		.d = wq->queue[wq->head], .wq = (unsigned int)(wq - s->wq), .batch = -1,
	};
	s->last_wq = ret->wq;
	wq->head = (wq->head + 1) % DSA_WQ_ENTRIES;
	wq->n_queued--;
	wq->n_running++;
	return true;
}

static uint8_t memmove_or_fault(struct model *m, unsigned int engine, struct dsa_item *it,
				bool *ret_stopped)
{
	uint64_t done = 0;

	switch (model_copy(m, engine, it->d.src, it->d.dst, it->d.size, &done)) {
	case MODEL_DONE:
		return DSA_OK;
	case MODEL_READ_FAULT:
		it->r.fault_addr = it->d.src + done;
		it->r.done = (uint32_t)done;
		return DSA_PAGE_FAULT;
	case MODEL_WRITE_FAULT:
		it->r.fault_addr = it->d.dst + done;
		it->r.done = (uint32_t)done;
		return DSA_PAGE_FAULT | DSA_WAS_WRITE;
	case MODEL_STOPPED:
		*ret_stopped = true;
	}
	return DSA_OK;
}

/*
 * What was ordered; a code from 0x100 on halts the device, and says which reset it then wants. One from
 * 0x10000 on is that of a record that says, above it, how much was done.
 */
static uint8_t execute(struct model *m, unsigned int engine, struct dsa_item *it, bool *ret_stopped)
{
	uint8_t error = check(m, it);

	if (error)
		return error;
	it->r.done = it->order.fail ? it->order.code >> 16 : 0;
	if (it->order.fail && it->order.code & 0xff00) {
		dsa_halt(m, it->order.code & 3);
		*ret_stopped = true;
		return 0;
	}
	if (it->order.fail)
		return it->order.code ? (uint8_t)it->order.code : DSA_HARDWARE;
	if (it->d.op_flags >> 24 == DSA_OP_MEMMOVE)
		return memmove_or_fault(m, engine, it, ret_stopped);
	return DSA_OK;
}

/* It was aborted: nothing is written, but it does not count any more. */
static void give_up(struct model *m, struct dsa_item *it)
{
	it->order = (struct model_order) { 0 };
	it->d.op_flags = 0;
	it->r.status = DSA_OK;
	if (it->batch >= 0) {
		struct dsa *s = model_state(m);
		struct dsa_batch *b = &s->batch[it->batch];

		b->outer.order = (struct model_order) { 0 };
		b->outer.d.op_flags = 0;
	}
	finish(m, it);
}

static void open_batch(struct dsa *s, unsigned int engine, const struct dsa_item *it)
{
	s->batch[engine] = (struct dsa_batch) { .active = true, .outer = *it, .count = it->d.size };
}

static void do_item(struct model *m, unsigned int engine, struct dsa_item *it)
{
	struct dsa *s = model_state(m);
	bool stopped, others_held;
	uint64_t epoch = s->epoch;

	stopped = model_begin(m, engine, &it->order) == MODEL_STOPPED;
	if (!stopped && s->epoch == epoch)
		it->r.status = execute(m, engine, it, &stopped);
	if (s->epoch != epoch)
		return;
	others_held = s->has_held;
	if (stopped)
		give_up(m, it);
	else if (it->r.status == DSA_OK && it->d.op_flags >> 24 == DSA_OP_BATCH)
		open_batch(s, engine, it);
	else {
		finish_or_hold(m, it);
		if (others_held)
			finish_held(m);
	}
}

void dsa_engine_work(struct model *m, unsigned int engine)
{
	struct dsa *s = model_state(m);
	struct dsa_item it;

	if (!has_work(m, s, engine)) {
		finish_held(m);
	} else if (fetch(m, engine, &it)) {
		s->executing[engine] = true;
		s->executing_wq[engine] = it.wq;
		do_item(m, engine, &it);
		s->executing[engine] = false;
	}
	model_kick(m);
}
