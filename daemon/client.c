/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "clock.h"
#include "macros.h"

static void client_arm_kick(struct client *c)
{
	loop_arm_poll(c->loop, &c->kick, c->spec.kick_fd, POLLIN);
}

void client_leave(struct client *c)
{
	c->leaving = true;
	loop_cancel(c->loop, &c->kick);
	loop_cancel(c->loop, &c->done);
}

void client_cut(struct client *c, const char *why)
{
	if (!c->cut)
		c->cut = why;
	loop_cancel(c->loop, &c->kick);
}

bool client_is_idle(const struct client *c)
{
	return c->n_active == 0 && !c->kick.armed && !c->done.armed;
}

static struct ring_slot *request_slot(const struct request *rq)
{
	struct client *c = rq->client;

	return &c->spec.ring->slots[rq - c->requests];
}

/* Its time runs from here on, whenever its turn comes. */
static void request_seen(struct request *rq)
{
	uint64_t left_ns = __atomic_load_n(&request_slot(rq)->request.deadline_ns, __ATOMIC_RELAXED);
	uint64_t now_ns = clock_now_ns();

	rq->state = REQUEST_WAITING;
	rq->seen_ns = now_ns;
	rq->expires_ns = left_ns && left_ns < UINT64_MAX - now_ns ? now_ns + left_ns : UINT64_MAX;
}

/* One number out of the submit queue. The entry is the client's and may be anything. */
static void client_take_slot(struct client *c, uint32_t slot)
{
	struct request *rq;

	if (slot >= RING_N_SLOTS) {
		client_cut(c, "a slot was submitted that does not exist");
		return;
	}
	rq = &c->requests[slot];
	if (rq->state != REQUEST_FREE) {
		client_cut(c, "a slot was submitted that had not ended");
		return;
	}
	request_seen(rq);
	c->waiting[c->n_waiting++] = slot;
}

static void client_read_queue(struct client *c)
{
	struct ring_queue *q = &c->spec.ring->submit;
	/* Pairs with the client's release when it submits: the slots are written before. */
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);
	uint32_t n = tail - c->submit_head;

	if (n > RING_N_SLOTS) {
		client_cut(c, "the indices of the submit queue make no sense");
		return;
	}
	for (; n > 0 && !c->cut; n--) {
		uint32_t entry = c->submit_head++ % RING_N_SLOTS;

		client_take_slot(c, atomic_load_explicit(&q->entries[entry], memory_order_relaxed));
	}
	atomic_store_explicit(&q->head, c->submit_head, memory_order_release);
}

/*
 * The client shares the eventfd's open file and with it O_NONBLOCK, which it may have cleared: the
 * read says by itself that it must not wait.
 */
static void client_kicked(struct loop_op *op, int res)
{
	struct client *c = container_of(op, struct client, kick);
	uint64_t n;
	struct iovec iov = { .iov_base = &n, .iov_len = sizeof(n) };

	if (c->leaving || c->cut || res < 0)
		return;
	if (preadv2(c->spec.kick_fd, &iov, 1, -1, RWF_NOWAIT) < 0 && errno != EAGAIN) {
		client_cut(c, "its eventfd cannot be read");
		return;
	}
	client_read_queue(c);
	if (!c->cut)
		client_arm_kick(c);
}

static void client_arm_done(struct client *c)
{
	static const uint64_t one = 1;

	c->done_again = false;
	loop_arm_write(c->loop, &c->done, c->spec.done_fd, &one, sizeof(one));
}

static void client_told(struct loop_op *op, int res)
{
	struct client *c = container_of(op, struct client, done);

	if (c->done_again && !c->leaving)
		client_arm_done(c);
}

/*
 * Written by the loop, for the client may have filled the eventfd and cleared its O_NONBLOCK: then a
 * worker of the kernel waits, and nobody else. Where it is full the client has been told anyway.
 */
static void client_tell(struct client *c)
{
	if (c->leaving)
		return;
	if (c->done.armed)
		c->done_again = true;
	else
		client_arm_done(c);
}

static bool ring_has_shape(const struct dataplane_client *spec, uint64_t data_off, uint64_t data_len)
{
	return spec->ring && spec->account && data_off >= sizeof(struct ring_head) &&
	       IS_ALIGNED(data_off, 8) && data_off <= spec->ring_len &&
	       data_len <= spec->ring_len - data_off;
}

int client_new(const struct dataplane_client *spec, struct loop *loop, struct client **ret)
{
	struct client *c;
	uint64_t data_off, data_len;

	if (!spec->ring || spec->ring_len < sizeof(struct ring_head))
		return -EINVAL;
	data_off = spec->ring->data_off;
	data_len = spec->ring->data_len;
	if (!ring_has_shape(spec, data_off, data_len))
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->spec = *spec;
	c->loop = loop;
	c->data = (uint8_t *)spec->ring + data_off;
	c->data_len = data_len;
	c->kick.done = client_kicked;
	c->done.done = client_told;
	for (size_t i = 0; i < RING_N_SLOTS; i++)
		c->requests[i].client = c;
	client_arm_kick(c);
	*ret = c;
	return 0;
}

struct client *client_free(struct client *c)
{
	if (!c)
		return NULL;
	assert(client_is_idle(c));
	free(c);
	return NULL;
}

void client_publish(struct client *c, bool ready, const struct dataplane_config *config)
{
	struct ring_head *ring = c->spec.ring;

	atomic_store_explicit(&ring->min_request, config->policy.min_request, memory_order_relaxed);
	atomic_store_explicit(&ring->deadline_ns, config->deadline_ns, memory_order_relaxed);
	atomic_store_explicit(&ring->ready, ready, memory_order_release);
}

static struct target *client_target(struct client *c, uint32_t id)
{
	for (size_t i = 0; i < DATAPLANE_MAX_TARGETS; i++) {
		struct target *t = &c->targets[i];

		if (t->used && !t->removal && t->spec.id == id)
			return t;
	}
	return NULL;
}

int client_target_add(struct client *c, const struct dataplane_target *spec)
{
	if (client_target(c, spec->id))
		return -EEXIST;
	for (size_t i = 0; i < DATAPLANE_MAX_TARGETS; i++) {
		struct target *t = &c->targets[i];

		if (!t->used) {
			*t = (struct target){ .spec = *spec, .used = true };
			return 0;
		}
	}
	return -ENOSPC;
}

int client_target_remove(struct client *c, uint32_t id, struct dataplane_msg *msg)
{
	struct target *t = client_target(c, id);

	if (!t)
		return -ENOENT;
	if (t->n_requests == 0) {
		t->used = false;
		return 1;
	}
	t->removal = msg;
	return 0;
}

/* Last step of each request, well or not. */
static void request_give_back(struct request *rq)
{
	struct client *c = rq->client;
	struct ring_queue *q = &c->spec.ring->done;
	uint32_t slot = (uint32_t)(rq - c->requests);

	request_slot(rq)->result = rq->result;
	rq->state = REQUEST_FREE;
	atomic_store_explicit(&q->entries[c->done_tail++ % RING_N_SLOTS], slot, memory_order_relaxed);
	/* Pairs with the client's acquire when it reaps: result and statuses are written before. */
	atomic_store_explicit(&q->tail, c->done_tail, memory_order_release);
	client_tell(c);
}

static int request_authorise(struct request *rq)
{
	const struct client *c = rq->client;
	int node = rq->plan.to_node;

	if (rq->plan.flags & RING_MOVE_ALL && !c->spec.may_move_all)
		return -EPERM;
	rq->target = client_target(rq->client, rq->plan.target);
	if (!rq->target)
		return -ENOENT;
	if (!(rq->target->spec.nodes[node / 64] >> (node % 64) & 1))
		return -EACCES;
	return 0;
}

static int request_begin(struct request *rq)
{
	struct client *c = rq->client;
	int r;

	*rq = (struct request){
		.client = c,
		.state = REQUEST_WAITING,
		.seen_ns = rq->seen_ns,
		.expires_ns = rq->expires_ns,
	};
	atomic_store_explicit(&request_slot(rq)->progress, 0, memory_order_relaxed);
	r = request_parse(&request_slot(rq)->request, c->data, c->data_len, &rq->plan);
	if (r < 0)
		return r;
	r = request_authorise(rq);
	if (r < 0)
		request_plan_fini(&rq->plan);
	return r;
}

struct request *client_admit(struct client *c, uint32_t i)
{
	struct request *rq = &c->requests[c->waiting[i]];
	int r;

	c->n_waiting--;
	memmove(&c->waiting[i], &c->waiting[i + 1], (c->n_waiting - i) * sizeof(c->waiting[0]));
	r = request_begin(rq);
	if (r < 0) {
		rq->result.error = r;
		request_give_back(rq);
		return NULL;
	}
	rq->state = REQUEST_ACTIVE;
	if (rq->plan.flags & RING_WHOLE)
		rq->left[rq->n_left++] = part_all(&rq->plan);
	else
		rq->rest = part_all(&rq->plan);
	rq->target->n_requests++;
	c->n_active++;
	return rq;
}

int request_unwanted(const struct request *rq, uint64_t now_ns)
{
	if (rq->client->leaving || rq->client->cut ||
	    atomic_load_explicit(&request_slot(rq)->cancel, memory_order_relaxed))
		return -ECANCELED;
	return now_ns >= rq->expires_ns ? -ETIME : 0;
}

void request_progress(struct request *rq, uint64_t bytes)
{
	rq->progress += bytes;
	atomic_store_explicit(&request_slot(rq)->progress, rq->progress, memory_order_relaxed);
}

void request_set_status(struct request *rq, uint64_t page, uint64_t n, int32_t status)
{
	int32_t *to = (int32_t *)(rq->client->data + rq->plan.status);

	if (!rq->plan.n_status)
		return;
	assert(page <= rq->plan.n_status && n <= rq->plan.n_status - page);
	for (uint64_t i = 0; i < n; i++)
		to[page + i] = status;
}

void request_add_extent(struct request *rq, const struct ring_extent *extent)
{
	struct ring_extent *to = (struct ring_extent *)(rq->client->data + rq->plan.extents);
	uint64_t i = rq->result.n_extents++;

	if (i < rq->plan.n_extents)
		to[i] = *extent;
}

void request_charge(const struct request *rq, struct account *total,
		    const struct account_values *more)
{
	const struct dataplane_client *spec = &rq->client->spec;

	account_merge(total, more);
	account_merge(spec->account, more);
	if (spec->uid_account)
		account_merge(spec->uid_account, more);
}

void request_charge_blocked(const struct request *rq, struct account *total, uint64_t ns)
{
	const struct dataplane_client *spec = &rq->client->spec;

	account_add_blocked(total, ns);
	account_add_blocked(spec->account, ns);
	if (spec->uid_account)
		account_add_blocked(spec->uid_account, ns);
}

void request_busy_begin(struct request *rq, struct account *total, uint64_t now_ns)
{
	const struct dataplane_client *spec = &rq->client->spec;

	busy_begin(&rq->busy, now_ns);
	busy_begin(&total->busy, now_ns);
	busy_begin(&spec->account->busy, now_ns);
	if (spec->uid_account)
		busy_begin(&spec->uid_account->busy, now_ns);
}

static void account_busy_end(struct account *a, uint64_t now_ns)
{
	account_add(a, ACCOUNT_WORD(engine_ns), busy_end(&a->busy, now_ns));
}

void request_busy_end(struct request *rq, struct account *total, uint64_t now_ns)
{
	const struct dataplane_client *spec = &rq->client->spec;

	rq->result.engine_ns += busy_end(&rq->busy, now_ns);
	account_busy_end(total, now_ns);
	account_busy_end(spec->account, now_ns);
	if (spec->uid_account)
		account_busy_end(spec->uid_account, now_ns);
}

struct dataplane_msg *request_end(struct request *rq)
{
	struct target *t = rq->target;
	struct dataplane_msg *removal = NULL;

	assert(rq->state == REQUEST_ACTIVE && rq->n_batches == 0);
	request_plan_fini(&rq->plan);
	if (--t->n_requests == 0 && t->removal) {
		removal = t->removal;
		*t = (struct target){ .used = false };
	}
	rq->client->n_active--;
	request_give_back(rq);
	return removal;
}
