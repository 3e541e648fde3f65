/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference engine: a thread that copies with the processor. Addresses are those of this
 * process. It is asynchronous like a device, so that whoever uses it is tested in earnest.
 */
#include "engine.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "engine_driver.h"
#include "macros.h"

#define SOFT_RING_SIZE 256
/* Short enough that stopping, which waits for the copy at hand, is quick. */
#define SOFT_MAX_LEN (UINT64_C(1) << 20)
#define HUGE_PAGE_SIZE (UINT64_C(2) << 20)

/*
 * Descriptors [n_reaped, n_copied) are done, [n_copied, n_flushed) are for the thread, which owns
 * their slots; [n_flushed, n_queued) are still being gathered by the owner of the engine. All
 * counters but @n_queued and @n_reaped, and the three flags, are under @lock. The thread lives
 * from start to stop: stopping is joining it.
 */
struct soft {
	struct engine engine;
	struct engine_desc ring[SOFT_RING_SIZE];
	uint64_t n_queued;
	uint64_t n_reaped;
	pthread_mutex_t lock;
	pthread_cond_t work;
	uint64_t n_flushed;
	uint64_t n_copied;
	bool stopping;
	bool signalled;
	bool running;
	pthread_t thread;
};

static struct soft *to_soft(struct engine *e)
{
	return container_of(e, struct soft, engine);
}

static void soft_copy(const struct engine_desc *desc)
{
	const struct engine_copy *c = &desc->copy;

	if (!desc->poison)
		memcpy((void *)(uintptr_t)c->dst, (const void *)(uintptr_t)c->src, c->len);
}

static void soft_signal(struct soft *s)
{
	uint64_t one = 1;
	ssize_t n;

	if (s->signalled)
		return;
	s->signalled = true;
	n = write(s->engine.event_fd, &one, sizeof(one));
	assert(n == sizeof(one));
}

static void *soft_thread(void *arg)
{
	struct soft *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		const struct engine_desc *desc = &s->ring[s->n_copied % SOFT_RING_SIZE];

		if (s->n_copied == s->n_flushed) {
			pthread_cond_wait(&s->work, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		soft_copy(desc);
		pthread_mutex_lock(&s->lock);
		s->n_copied++;
		soft_signal(s);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int soft_start(struct engine *e)
{
	struct soft *s = to_soft(e);
	sigset_t all, saved;
	int r;

	s->stopping = false;
	/* Signals are for the threads of the program. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	r = pthread_create(&s->thread, NULL, soft_thread, s);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	if (r != 0)
		return -r;
	pthread_setname_np(s->thread, "engine-soft");
	s->running = true;
	return 0;
}

static void soft_drain(struct soft *s)
{
	uint64_t count;

	while (read(s->engine.event_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	s->signalled = false;
}

static int soft_stop(struct engine *e)
{
	struct soft *s = to_soft(e);

	if (s->running) {
		pthread_mutex_lock(&s->lock);
		s->stopping = true;
		pthread_cond_signal(&s->work);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
		s->running = false;
	}
	soft_drain(s);
	s->n_reaped = s->n_copied = s->n_flushed = s->n_queued;
	return 0;
}

static void soft_queue(struct engine *e, const struct engine_copy *copies, uint32_t n, uint64_t item)
{
	struct soft *s = to_soft(e);

	for (uint32_t i = 0; i < n; i++)
		s->ring[s->n_queued++ % SOFT_RING_SIZE] = (struct engine_desc) {
			.copy = copies[i],
			.poison = e->poison,
		};
}

static int soft_flush(struct engine *e)
{
	struct soft *s = to_soft(e);

	pthread_mutex_lock(&s->lock);
	s->n_flushed = s->n_queued;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int soft_reap(struct engine *e)
{
	struct soft *s = to_soft(e);
	uint64_t n_copied;

	pthread_mutex_lock(&s->lock);
	soft_drain(s);
	n_copied = s->n_copied;
	pthread_mutex_unlock(&s->lock);

	for (; s->n_reaped < n_copied; s->n_reaped++) {
		const struct engine_desc *desc = &s->ring[s->n_reaped % SOFT_RING_SIZE];

		engine_oldest_done(e, 1, desc->poison ? ENGINE_REFUSED : ENGINE_COPIED);
	}
	return 0;
}

static int soft_dma_alloc(struct engine *e, size_t size, struct dma_area *ret, struct why *why)
{
	void *va;

	size = ALIGN_UP(size, size < HUGE_PAGE_SIZE ? (size_t)getpagesize() : HUGE_PAGE_SIZE);
	va = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (va == MAP_FAILED)
		return why_fail(why, -errno, "no memory (%zu bytes)", size);
	*ret = (struct dma_area) { .va = va, .iova = (uintptr_t)va, .size = size };
	return 0;
}

static void soft_dma_free(struct engine *e, struct dma_area *area)
{
	if (area->size > 0)
		munmap(area->va, area->size);
	*area = (struct dma_area) {};
}

static void soft_close(struct engine *e)
{
	struct soft *s = to_soft(e);

	fd_close(e->event_fd);
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->lock);
	engine_done(e);
	free(s);
}

static const struct engine_ops soft_ops = {
	.name = "soft",
	.caps = {
		.address_mask = UINT64_MAX,
		.max_len = SOFT_MAX_LEN,
		.ring_size = SOFT_RING_SIZE,
		.align = 1,
		.congruence = 1,
		.in_order = true,
		.reports_dma_errors = true,
		.virtual_addresses = true,
		.can_inject = true,
	},
	.start = soft_start,
	.stop = soft_stop,
	.queue = soft_queue,
	.flush = soft_flush,
	.reap = soft_reap,
	.dma_alloc = soft_dma_alloc,
	.dma_free = soft_dma_free,
	.close = soft_close,
};

int engine_open_soft(struct engine **ret, struct why *why)
{
	_cleanup_free_ struct soft *s = calloc(1, sizeof(*s));
	int fd, r;

	if (!s)
		return why_fail(why, -ENOMEM, "no memory");
	r = engine_init(&s->engine, &soft_ops, &soft_ops.caps);
	if (r < 0)
		return why_fail(why, r, "no memory");
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		r = -errno;
		engine_done(&s->engine);
		return why_fail(why, r, "no eventfd");
	}
	s->engine.event_fd = fd;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	strcpy(s->engine.identity.driver, soft_ops.name);
	*ret = &TAKE_PTR(s)->engine;
	return 0;
}
