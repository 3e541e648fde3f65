/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "cleanup.h"
#include "clock.h"
#include "event.h"
#include "macros.h"
#include "plane-clients.h"
#include "plane.h"

/* First in, first out. */
struct msg_queue {
	struct dataplane_msg *first;
	struct dataplane_msg **end;
};

/* A client that was cut off. */
struct cut {
	uint64_t client;
	const char *why;
};

/* Many times what the thread needs: all of it is locked. */
#define STACK_BYTES (1u << 20)

#define STATUS_WORDS (sizeof(struct dataplane_status) / sizeof(uint64_t))
_Static_assert(sizeof(struct dataplane_status) % sizeof(uint64_t) == 0, "copied by words");

/*
 * @lock protects the two queues and @cuts. It is held for a few instructions, and never by a thread
 * that waits for anything.
 *
 * @sequence is odd while @words are written: a reader that saw it odd, or changed, reads again.
 */
struct dataplane {
	pthread_t thread;
	pthread_mutex_t lock;
	struct msg_queue todo;
	struct msg_queue done;
	struct cut cuts[PLANE_MAX_CLIENTS];
	uint32_t n_cuts;
	int todo_fd;
	int done_fd;
	sem_t started;
	sem_t ended;
	int start_result;
	_Atomic bool stop;
	_Atomic uint64_t heartbeat;
	_Atomic uint64_t sequence;
	_Atomic uint64_t words[STATUS_WORDS];
	struct account account;
	struct loop_op todo_op;
	/* The thread's own: what is armed ends, and nothing else is armed any more. */
	bool ending;
	struct plane plane;
};

static void msg_queue_init(struct msg_queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void msg_queue_put(struct msg_queue *q, struct dataplane_msg *msg)
{
	msg->next = NULL;
	*q->end = msg;
	q->end = &msg->next;
}

static struct dataplane_msg *msg_queue_get(struct msg_queue *q)
{
	struct dataplane_msg *msg = q->first;

	if (!msg)
		return NULL;
	q->first = msg->next;
	if (!q->first)
		q->end = &q->first;
	return msg;
}

/* The thread. */

static void dataplane_answer(void *user, struct dataplane_msg *msg)
{
	struct dataplane *dp = user;

	pthread_mutex_lock(&dp->lock);
	msg_queue_put(&dp->done, msg);
	pthread_mutex_unlock(&dp->lock);
	event_set(dp->done_fd);
}

static struct dataplane_msg *dataplane_next_todo(struct dataplane *dp)
{
	struct dataplane_msg *msg;

	pthread_mutex_lock(&dp->lock);
	msg = msg_queue_get(&dp->todo);
	pthread_mutex_unlock(&dp->lock);
	return msg;
}

static void dataplane_todo(struct loop_op *op, int res)
{
	struct dataplane *dp = container_of(op, struct dataplane, todo_op);
	struct dataplane_msg *msg;

	/* The poll may have been ready just when it was cancelled: then it is too late for messages. */
	if (res < 0 || dp->ending)
		return;
	event_clear(dp->todo_fd);
	while ((msg = dataplane_next_todo(dp)))
		plane_handle(&dp->plane, msg);
}

/* Not when it has been heard, for that may be at the end. */
static void dataplane_listen(struct dataplane *dp)
{
	if (!dp->todo_op.armed)
		loop_arm_poll(&dp->plane.loop, &dp->todo_op, dp->todo_fd, POLLIN);
}

static void dataplane_publish(struct dataplane *dp)
{
	uint64_t sequence = atomic_load_explicit(&dp->sequence, memory_order_relaxed);
	struct dataplane_status status;
	uint64_t words[STATUS_WORDS];

	plane_share_cpu(&dp->plane);
	plane_status(&dp->plane, &status);
	memcpy(words, &status, sizeof(words));
	atomic_store_explicit(&dp->sequence, sequence + 1, memory_order_relaxed);
	/* Pairs with the acquire fence of dataplane_snapshot(): who reads a new word sees it odd. */
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < STATUS_WORDS; i++)
		atomic_store_explicit(&dp->words[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&dp->sequence, sequence + 2, memory_order_release);
	if (dp->plane.changed)
		event_set(dp->done_fd);
	dp->plane.changed = dp->plane.stale = false;
}

/* When nobody has asked for so many, more are not missed: the clients are cut off all the same. */
static void dataplane_cut(void *user, uint64_t client, const char *why)
{
	struct dataplane *dp = user;

	pthread_mutex_lock(&dp->lock);
	if (dp->n_cuts < ARRAY_SIZE(dp->cuts))
		dp->cuts[dp->n_cuts++] = (struct cut){ .client = client, .why = why };
	pthread_mutex_unlock(&dp->lock);
	event_set(dp->done_fd);
}

/* Without its ring the thread can do nothing: the heart stops, and the watchdog sees it. */
static bool dataplane_round(struct dataplane *dp)
{
	if (loop_round(&dp->plane.loop) < 0)
		return false;
	atomic_fetch_add_explicit(&dp->heartbeat, 1, memory_order_relaxed);
	if (atomic_load_explicit(&dp->stop, memory_order_acquire) && !dp->plane.stopping)
		plane_stop(&dp->plane);
	plane_settle(&dp->plane);
	dataplane_listen(dp);
	if (dp->plane.changed || dp->plane.stale)
		dataplane_publish(dp);
	return true;
}

static void dataplane_run(struct dataplane *dp)
{
	plane_settle(&dp->plane);
	dataplane_publish(dp);
	while (!dp->plane.stopping || !plane_is_still(&dp->plane))
		if (!dataplane_round(dp))
			return;
	dp->ending = true;
	plane_disarm(&dp->plane);
	loop_cancel(&dp->plane.loop, &dp->todo_op);
	while (dp->plane.loop.n_armed)
		if (loop_round(&dp->plane.loop) < 0)
			return;
	plane_fini(&dp->plane);
	/* Who waits for the end can see for what. */
	dataplane_publish(dp);
}

static void *dataplane_thread(void *arg)
{
	struct dataplane *dp = arg;

	dp->start_result = plane_init(&dp->plane);
	/* Whoever has started it finds a status, not zeros. */
	if (dp->start_result >= 0)
		dataplane_publish(dp);
	sem_post(&dp->started);
	if (dp->start_result < 0)
		return NULL;
	dp->todo_op.done = dataplane_todo;
	dataplane_listen(dp);
	dataplane_run(dp);
	engines_fini(&dp->plane.engines);
	sem_post(&dp->ended);
	return NULL;
}

/* The other threads. */

static struct dataplane *dataplane_free(struct dataplane *dp)
{
	if (!dp)
		return NULL;
	fd_close(dp->todo_fd);
	fd_close(dp->done_fd);
	sem_destroy(&dp->started);
	sem_destroy(&dp->ended);
	pthread_mutex_destroy(&dp->lock);
	free(dp);
	return NULL;
}

static void dataplane_freep(struct dataplane **dp)
{
	*dp = dataplane_free(*dp);
}

static int dataplane_new(const struct dataplane_config *config, struct dataplane **ret)
{
	_cleanup_(dataplane_freep) struct dataplane *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return -ENOMEM;
	dp->todo_fd = dp->done_fd = -1;
	pthread_mutex_init(&dp->lock, NULL);
	sem_init(&dp->started, 0, 0);
	sem_init(&dp->ended, 0, 0);
	msg_queue_init(&dp->todo);
	msg_queue_init(&dp->done);
	dp->todo_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	dp->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dp->todo_fd < 0 || dp->done_fd < 0)
		return -errno;
	dp->plane.config = *config;
	dp->plane.account = &dp->account;
	dp->plane.answer = dataplane_answer;
	dp->plane.cut = dataplane_cut;
	dp->plane.user = dp;
	*ret = TAKE_PTR(dp);
	return 0;
}

/* Signals are for the control plane. */
static int dataplane_spawn(struct dataplane *dp)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int r;

	r = pthread_attr_init(&attr);
	if (r)
		return -r;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&dp->thread, &attr, dataplane_thread, dp);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r)
		return -r;
	while (sem_wait(&dp->started) < 0)
		;
	if (dp->start_result < 0)
		pthread_join(dp->thread, NULL);
	return dp->start_result;
}

int dataplane_start(const struct dataplane_config *config, struct dataplane **ret)
{
	_cleanup_(dataplane_freep) struct dataplane *dp = NULL;
	int r;

	if (!config->n_slots || config->n_slots > MIGOFF_MAX_SLOTS || !config->max_requests ||
	    config->n_devices > DATAPLANE_MAX_DEVICES)
		return -EINVAL;
	r = dataplane_new(config, &dp);
	if (r < 0)
		return r;
	r = dataplane_spawn(dp);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(dp);
	return 0;
}

static void dataplane_ask_end(struct dataplane *dp)
{
	atomic_store_explicit(&dp->stop, true, memory_order_release);
	event_set(dp->todo_fd);
}

bool dataplane_end(struct dataplane *dp, uint64_t patience_ns)
{
	uint64_t until_ns = clock_now_ns() + patience_ns;
	struct timespec until = {
		.tv_sec = (time_t)(until_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(until_ns % NSEC_PER_SEC),
	};
	int r;

	dataplane_ask_end(dp);
	while ((r = sem_clockwait(&dp->ended, CLOCK_MONOTONIC, &until)) < 0 && errno == EINTR)
		;
	/* It stays ended. */
	if (r >= 0)
		sem_post(&dp->ended);
	return r >= 0;
}

struct dataplane *dataplane_stop(struct dataplane *dp)
{
	if (!dp)
		return NULL;
	dataplane_ask_end(dp);
	pthread_join(dp->thread, NULL);
	return dataplane_free(dp);
}

void dataplane_post(struct dataplane *dp, struct dataplane_msg *msg)
{
	pthread_mutex_lock(&dp->lock);
	msg_queue_put(&dp->todo, msg);
	pthread_mutex_unlock(&dp->lock);
	event_set(dp->todo_fd);
}

struct dataplane_msg *dataplane_reap(struct dataplane *dp)
{
	struct dataplane_msg *msg;

	pthread_mutex_lock(&dp->lock);
	msg = msg_queue_get(&dp->done);
	pthread_mutex_unlock(&dp->lock);
	return msg;
}

int dataplane_event_fd(const struct dataplane *dp)
{
	return dp->done_fd;
}

uint64_t dataplane_heartbeat(const struct dataplane *dp)
{
	return atomic_load_explicit(&dp->heartbeat, memory_order_relaxed);
}

void dataplane_ping(struct dataplane *dp)
{
	event_set(dp->todo_fd);
}

void dataplane_snapshot(const struct dataplane *dp, struct dataplane_status *ret)
{
	uint64_t words[STATUS_WORDS], before, after;

	do {
		before = atomic_load_explicit(&dp->sequence, memory_order_acquire);
		for (size_t i = 0; i < STATUS_WORDS; i++)
			words[i] = atomic_load_explicit(&dp->words[i], memory_order_relaxed);
		/* Pairs with the release fence of dataplane_publish(). */
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&dp->sequence, memory_order_relaxed);
	} while (before != after || before % 2);
	memcpy(ret, words, sizeof(*ret));
}

const struct account *dataplane_account(const struct dataplane *dp)
{
	return &dp->account;
}

int dataplane_next_cut(struct dataplane *dp, uint64_t *ret_client, const char **ret_why)
{
	int r = 0;

	pthread_mutex_lock(&dp->lock);
	if (dp->n_cuts) {
		dp->n_cuts--;
		*ret_client = dp->cuts[dp->n_cuts].client;
		*ret_why = dp->cuts[dp->n_cuts].why;
		r = 1;
	}
	pthread_mutex_unlock(&dp->lock);
	return r;
}
