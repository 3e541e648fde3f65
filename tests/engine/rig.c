/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rig.h"

#include <poll.h>
#include <sched.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "test.h"

int (*rig_open_engine)(struct engine **ret, struct why *why);

/* A 64-bit generator of full period: no two words of the source are equal. */
static void fill(uint8_t *p, size_t len)
{
	uint64_t x = 1;

	for (size_t at = 0; at < len; at += sizeof(x)) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		memcpy(p + at, &x, sizeof(x));
	}
}

void rig_open(struct rig *rig)
{
	struct why why = {};
	int r;

	*rig = (struct rig) {};
	r = rig_open_engine(&rig->e, &why);
	if (r < 0)
		TEST_FAIL("open: %s: %s; %s", strerror(-r), why.cause, why.remedy);
	EXPECT_EQ(engine_state(rig->e), ENGINE_STOPPED);
	if (engine_dma_alloc(rig->e, RIG_SIZE, &rig->src, &why) < 0 ||
	    engine_dma_alloc(rig->e, RIG_SIZE, &rig->dst, &why) < 0)
		TEST_FAIL("memory: %s; %s", why.cause, why.remedy);
	fill(rig->src.va, RIG_SIZE);
	rig_wipe(rig, 0, RIG_SIZE);
	/* A busy computer is no silent device. */
	engine_set_timeout(rig->e, 20000);
	r = engine_start(rig->e);
	if (r < 0)
		TEST_FAIL("start: %s: %s", strerror(-r), engine_reason(rig->e));
	EXPECT_EQ(engine_state(rig->e), ENGINE_RUNNING);
}

void rig_close(struct rig *rig)
{
	engine_stop(rig->e);
	engine_dma_free(rig->e, &rig->src);
	engine_dma_free(rig->e, &rig->dst);
	rig->e = engine_close(rig->e);
}

int rig_copy(struct rig *rig, uint64_t src, uint64_t dst, uint64_t len, uint64_t *ret_index)
{
	int r;

	r = engine_enqueue(rig->e, rig->src.iova + src, rig->dst.iova + dst, len, ret_index);
	if (r == 0)
		EXPECT_EQ(*ret_index, rig->n_enqueued++);
	return r;
}

int rig_wait(struct rig *rig, struct engine_result *ret, size_t n)
{
	struct pollfd pfd = { .fd = engine_event_fd(rig->e), .events = POLLIN };
	int r;

	/* One that can only be polled is polled. */
	while ((r = engine_completed(rig->e, ret, n)) == 0) {
		uint64_t now_ns = clock_now_ns(), deadline_ns = engine_deadline(rig->e);

		if (!deadline_ns)
			TEST_FAIL("waiting for an engine that has nothing to do");
		if (pfd.fd < 0)
			sched_yield();
		else if (deadline_ns >= now_ns)
			poll(&pfd, 1, (int)((deadline_ns - now_ns) / NSEC_PER_MSEC) + 1);
	}
	return r;
}

void rig_collect(struct rig *rig, struct engine_result *ret, size_t n)
{
	size_t got = 0;

	while (got < n)
		got += (size_t)EXPECT_OK(rig_wait(rig, ret + got, n - got));
}

bool rig_equal(const struct rig *rig, uint64_t src, uint64_t dst, uint64_t len)
{
	return !memcmp((char *)rig->src.va + src, (char *)rig->dst.va + dst, len);
}

bool rig_blank(const struct rig *rig, uint64_t dst, uint64_t len)
{
	const uint8_t *p = (const uint8_t *)rig->dst.va + dst;

	/* All bytes are equal if each is equal to the next one. */
	return len == 0 || (p[0] == RIG_BLANK && !memcmp(p, p + 1, len - 1));
}

void rig_wipe(struct rig *rig, uint64_t dst, uint64_t len)
{
	memset((char *)rig->dst.va + dst, RIG_BLANK, len);
}

void rig_each_once(const struct rig *rig, const struct engine_result *results, size_t n,
		   uint64_t from)
{
	bool *seen = calloc(n, sizeof(*seen));

	EXPECT_TRUE(seen);
	for (size_t i = 0; i < n; i++) {
		EXPECT_GE(results[i].index, from);
		EXPECT_TRUE(results[i].index - from < n);
		EXPECT_TRUE(!seen[results[i].index - from]);
		seen[results[i].index - from] = true;
		if (engine_caps(rig->e)->in_order)
			EXPECT_EQ(results[i].index, from + i);
	}
	free(seen);
}

unsigned int rig_count_fds(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	EXPECT_TRUE(dir);
	while (readdir(dir))
		n++;
	return n;
}
