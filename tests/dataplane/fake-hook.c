/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake-hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "hook.h"
#include "macros.h"
#include "test.h"

#define PAGE 4096ull

enum fake_state { FAKE_IDLE, FAKE_BUSY, FAKE_OUT };

struct fake_slot {
	struct loop_timer timer;	/* ends the command */
	struct loop_op *op;
	struct hook *hook;
	uint32_t command;
	const void *arg;
	enum fake_state state;
	struct migoff_batch_info info;
	struct migoff_extent *extents;
	unsigned int *folios;		/* of each extent */
};

struct hook {
	struct hook_limits limits;
	uint64_t deadline_ns;
	uint32_t flags;
	struct fake_slot slots[MIGOFF_MAX_SLOTS];
};

struct fake_hook fake;

static uint64_t fake_size(void)
{
	return PAGE << fake.order;
}

static uint64_t fake_word(unsigned int folio, uint64_t i)
{
	return (folio + 1) * 0x9e3779b97f4a7c15ull + i;
}

void fake_init(unsigned int order, unsigned int n_folios)
{
	free(fake.memory[0]);
	free(fake.memory[1]);
	memset(&fake, 0, sizeof(fake));
	fake.present = true;
	fake.order = order;
	fake.n_folios = n_folios;
	for (int node = 0; node < 2; node++)
		EXPECT_TRUE(fake.memory[node] = calloc(n_folios, fake_size()));
	for (unsigned int f = 0; f < n_folios; f++) {
		uint64_t *words = (uint64_t *)(fake.memory[0] + f * fake_size());

		for (uint64_t i = 0; i < fake_size() / sizeof(*words); i++)
			words[i] = fake_word(f, i);
	}
}

static bool fake_folio_ok(unsigned int f)
{
	const uint64_t *words = (uint64_t *)(fake.memory[fake.folios[f].node] + f * fake_size());

	for (uint64_t i = 0; i < fake_size() / sizeof(*words); i++)
		if (words[i] != fake_word(f, i))
			return false;
	return true;
}

bool fake_content_ok(void)
{
	for (unsigned int f = 0; f < fake.n_folios; f++)
		if (!fake_folio_ok(f))
			return false;
	return true;
}

bool fake_all_on(int node)
{
	for (unsigned int f = 0; f < fake.n_folios; f++)
		if (fake.folios[f].node != node)
			return false;
	return fake_content_ok();
}

bool hook_accepts(const struct engine_identity *identity, struct why *why)
{
	return true;
}

void hook_add_device(struct migoff_setup *setup, const struct engine_identity *identity)
{
	setup->n_devices++;
}

struct hook *hook_close(struct hook *h)
{
	for (size_t i = 0; h && i < MIGOFF_MAX_SLOTS; i++) {
		struct fake_slot *s = &h->slots[i];

		fake.n_out -= s->state == FAKE_OUT;
		for (unsigned int j = 0; s->state == FAKE_OUT && j < s->info.n_extents; j++)
			fake.folios[s->folios[j]].out = false;
	}
	free(h ? h->slots[0].extents : NULL);
	free(h ? h->slots[0].folios : NULL);
	free(h);
	return NULL;
}

int hook_open(const char *path, struct migoff_setup *setup, struct hook **ret, struct why *why)
{
	struct hook *h;

	if (!fake.present)
		return why_fail(why, -ENOENT, "%s does not exist", path);
	h = calloc(1, sizeof(*h));
	if (!h)
		return why_fail(why, -ENOMEM, "no memory");
	h->limits = (struct hook_limits){ setup->n_slots, setup->n_extents, 64ull << 20 };
	h->deadline_ns = setup->deadline_ns;
	h->flags = fake.flags = setup->flags;
	h->slots[0].extents = calloc(MIGOFF_MAX_SLOTS * setup->n_extents, sizeof(struct migoff_extent));
	h->slots[0].folios = calloc(MIGOFF_MAX_SLOTS * setup->n_extents, sizeof(unsigned int));
	if (!h->slots[0].extents || !h->slots[0].folios) {
		hook_close(h);
		return why_fail(why, -ENOMEM, "no memory");
	}
	for (size_t i = 0; i < MIGOFF_MAX_SLOTS; i++) {
		h->slots[i].hook = h;
		h->slots[i].extents = h->slots[0].extents + i * setup->n_extents;
		h->slots[i].folios = h->slots[0].folios + i * setup->n_extents;
	}
	fake.n_devices = setup->n_devices;
	fake.n_open++;
	*ret = h;
	return 0;
}

const struct hook_limits *hook_limits(const struct hook *h)
{
	return &h->limits;
}

const struct migoff_batch_info *hook_batch(const struct hook *h, uint32_t slot)
{
	return &h->slots[slot].info;
}

const struct migoff_extent *hook_extents(const struct hook *h, uint32_t slot)
{
	return h->slots[slot].extents;
}

static void fake_take(struct fake_slot *s, const struct migoff_prepare *p, unsigned int f,
		      struct migoff_extent *e)
{
	e->flags = MIGOFF_EXTENT_TAKEN | (fake.folios[f].no_iova ? MIGOFF_EXTENT_NO_IOVA : 0);
	e->folio_len = fake_size();
	e->src_iova = (uintptr_t)fake.memory[fake.folios[f].node] + f * fake_size();
	e->dst_iova = (uintptr_t)fake.memory[p->to_node] + f * fake_size();
	fake.folios[f].out = true;
	s->info.n_taken++;
	s->info.bytes_taken += fake_size();
}

/* One extent from @va on, inside of a folio. Return: how much of it, 0: the batch is full. */
static uint64_t fake_look(struct fake_slot *s, const struct migoff_prepare *p, uint64_t va,
			  uint64_t end)
{
	unsigned int f = (unsigned int)((va - FAKE_VA) / fake_size()), last = s->info.n_extents;
	uint64_t next = FAKE_VA + (f + 1ull) * fake_size();
	struct migoff_extent *e = &s->extents[s->info.n_extents];

	if (s->info.n_extents == s->hook->limits.n_extents)
		return 0;
	*e = (struct migoff_extent){ .va = va, .len = MIN(next, end) - va, .order = fake.order };
	if (va < FAKE_VA || f >= fake.n_folios) {
		e->len = PAGE;
		e->cause = MIGOFF_CAUSE_HOLE;
		e->status = -ENOENT;
	} else if (last && (s->extents[last - 1].flags) && s->folios[last - 1] == f) {
		e->flags = MIGOFF_EXTENT_SAME;
	} else if (fake.folios[f].node == p->to_node) {
		e->cause = MIGOFF_CAUSE_ALREADY;
		e->status = p->to_node;
	} else if (fake.folios[f].out) {
		e->cause = MIGOFF_CAUSE_BUSY;
		e->status = -EBUSY;
	} else if (fake.order < p->min_order) {
		e->cause = MIGOFF_CAUSE_SMALL;
		e->status = -EBUSY;
	} else if (fake.folios[f].cause) {
		e->cause = (uint16_t)fake.folios[f].cause;
		e->status = fake.folios[f].status;
	} else if (s->info.n_taken && s->info.bytes_taken + fake_size() > p->max_bytes) {
		return 0;
	} else {
		fake_take(s, p, f, e);
	}
	s->folios[last] = f;
	s->info.n_extents++;
	return e->len;
}

static void fake_walk(struct fake_slot *s, const struct migoff_prepare *p)
{
	static const struct migoff_range whole = { .start = FAKE_VA };
	const struct migoff_range *ranges = (const void *)(uintptr_t)p->ranges;
	struct migoff_range all = { whole.start, fake.n_folios * fake_size() };
	uint64_t n = p->n_ranges, va, len;

	if (p->flags & MIGOFF_PREPARE_WHOLE) {
		ranges = &all;
		n = 1;
	}
	for (uint64_t i = s->info.cursor_range; i < n; i++) {
		uint64_t end = ranges[i].start + ranges[i].len;

		s->info.cursor_range = i;
		for (va = s->info.cursor_va ?: ranges[i].start; va < end; va += len) {
			len = fake_look(s, p, va, end);
			s->info.cursor_va = va;
			if (!len)
				return;
		}
		s->info.cursor_range = i + 1;
		s->info.cursor_va = 0;
	}
}

static int fake_prepare(struct fake_slot *s, const struct migoff_prepare *p)
{
	static uint64_t batch;

	fake.n_prepares++;
	s->state = FAKE_IDLE;
	if (fake.prepare_errors > 0) {
		fake.prepare_errors--;
		return fake.prepare_error;
	}
	s->info = (struct migoff_batch_info){
		.batch = ++batch,
		.cursor_range = p->cursor_range,
		.cursor_va = p->cursor_va,
		.locked_ns = clock_now_ns(),
	};
	s->info.deadline_ns = s->info.locked_ns + s->hook->deadline_ns;
	fake_walk(s, p);
	if (s->info.n_taken) {
		s->state = FAKE_OUT;
		fake.n_out++;
		fake.max_out = MAX(fake.max_out, (unsigned int)fake.n_out);
	}
	return (int)s->info.n_taken;
}

static void fake_move(struct fake_slot *s, unsigned int i, uint8_t verdict)
{
	struct migoff_extent *e = &s->extents[i];
	void *src = (void *)(uintptr_t)e->src_iova, *dst = (void *)(uintptr_t)e->dst_iova;

	fake.folios[s->folios[i]].out = false;
	e->status = -ECANCELED;
	e->cause = MIGOFF_CAUSE_LEFT;
	if (verdict == MIGOFF_VERDICT_LEAVE)
		return;
	if (verdict == MIGOFF_VERDICT_CPU) {
		e->flags |= MIGOFF_EXTENT_BY_CPU;
		memcpy(dst, src, e->folio_len);
	} else if (s->hook->flags & MIGOFF_SETUP_VERIFY_FULL && memcmp(dst, src, e->folio_len)) {
		e->status = -EIO;
		e->cause = MIGOFF_CAUSE_VERIFY;
		return;
	}
	e->flags |= MIGOFF_EXTENT_MOVED;
	e->cause = MIGOFF_CAUSE_NONE;
	fake.folios[s->folios[i]].node = e->status = !fake.folios[s->folios[i]].node;
	/* What is not used any more is not what it was: a copy that comes too late is seen. */
	memset(src, 0xee, e->folio_len);
	s->info.n_moved++;
}

static uint8_t fake_verdict(const struct fake_slot *s, const struct migoff_finish *f, unsigned int i)
{
	const uint8_t *verdicts = (const uint8_t *)(uintptr_t)f->verdicts;

	if (s->info.end == MIGOFF_END_COMMIT)
		return verdicts[i];
	if (s->info.end == MIGOFF_END_DEADLINE && s->hook->flags & MIGOFF_SETUP_EXPIRE_COPY)
		return MIGOFF_VERDICT_CPU;
	return MIGOFF_VERDICT_LEAVE;
}

static int fake_finish(struct fake_slot *s, const struct migoff_finish *f)
{
	bool commit = s->command == MIGOFF_CMD_COMMIT;

	EXPECT_EQ(f->batch, s->info.batch);
	EXPECT_EQ(f->n_verdicts, commit ? s->info.n_extents : 0);
	if (commit ? fake.commit_errors > 0 : fake.abort_errors > 0) {
		(commit ? fake.commit_errors-- : fake.abort_errors--);
		s->state = FAKE_OUT;
		return -EIO;
	}
	fake.n_aborts += !commit;
	s->info.end = commit ? MIGOFF_END_COMMIT : MIGOFF_END_ABORT;
	if (clock_now_ns() > s->info.deadline_ns)
		s->info.end = MIGOFF_END_DEADLINE;
	for (unsigned int i = 0; i < s->info.n_extents; i++)
		if (s->extents[i].flags & MIGOFF_EXTENT_TAKEN)
			fake_move(s, i, fake_verdict(s, f, i));
	s->info.blocked_ns = clock_now_ns() - s->info.locked_ns;
	s->state = FAKE_IDLE;
	fake.n_out--;
	return s->info.end == MIGOFF_END_DEADLINE ? -ETIME : (int)s->info.n_moved;
}

static void fake_done(struct loop_op *op, int res)
{
	struct fake_slot *s = container_of(op, struct fake_slot, timer.op);
	struct loop_op *real = s->op;

	EXPECT_EQ(res, -ETIME);
	if (s->command == MIGOFF_CMD_PREPARE) {
		fake.n_preparing--;
		res = fake_prepare(s, s->arg);
	} else {
		fake.n_finishing--;
		res = fake_finish(s, s->arg);
	}
	real->armed = false;
	real->done(real, res);
}

static void fake_command(struct fake_slot *s, struct loop *loop, struct loop_op *op,
			 uint32_t command, const void *arg, uint64_t delay_ns)
{
	EXPECT_TRUE(!op->armed);
	op->armed = true;
	s->op = op;
	s->command = command;
	s->arg = arg;
	s->timer.op.done = fake_done;
	loop_arm_timer(loop, &s->timer, clock_now_ns() + delay_ns);
}

void hook_prepare(struct hook *h, struct loop *loop, struct loop_op *op,
		  const struct migoff_prepare *arg)
{
	EXPECT_EQ(h->slots[arg->slot].state, FAKE_IDLE);
	h->slots[arg->slot].state = FAKE_BUSY;
	fake.max_preparing = MAX(fake.max_preparing, ++fake.n_preparing);
	fake_command(&h->slots[arg->slot], loop, op, MIGOFF_CMD_PREPARE, arg, fake.prepare_delay_ns);
}

void hook_finish(struct hook *h, struct loop *loop, struct loop_op *op, uint32_t command,
		 const struct migoff_finish *arg)
{
	EXPECT_EQ(h->slots[arg->slot].state, FAKE_OUT);
	fake.n_finishes++;
	fake.max_finishing = MAX(fake.max_finishing, ++fake.n_finishing);
	fake_command(&h->slots[arg->slot], loop, op, command, arg, fake.finish_delay_ns);
}
