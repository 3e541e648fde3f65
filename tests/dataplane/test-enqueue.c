/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How copies get to an engine: many with one call, which this program looks at on its way.
 */
#include "dataplane.h"

#include <errno.h>
#include <stdatomic.h>

#include "fake-hook.h"
#include "migoff_uapi.h"
#include "rig.h"
#include "test.h"

#define HUGE	(2ull << 20)
#define PAGE	4096ull

static struct rig_client client;
static _Atomic uint64_t n_calls, n_copies;

int __real_engine_enqueue_all(struct engine *e, const struct engine_copy *copies, uint32_t n,
			      uint64_t *ret_index);
int __wrap_engine_enqueue_all(struct engine *e, const struct engine_copy *copies, uint32_t n,
			      uint64_t *ret_index);

int __wrap_engine_enqueue_all(struct engine *e, const struct engine_copy *copies, uint32_t n,
			      uint64_t *ret_index)
{
	int r = __real_engine_enqueue_all(e, copies, n, ret_index);

	if (r > 0) {
		n_calls++;
		n_copies += (uint64_t)r;
	}
	return r;
}

static const struct ring_result *move(uint64_t len)
{
	const struct ring_result *result = rig_move(&client, FAKE_VA, len, 1);

	EXPECT_EQ(result->error, 0);
	return result;
}

/* What an engine has room for it gets at once. */
static void test_at_once(void)
{
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;

	fake_init(9, 16);
	config.policy.max_batch = 16 * HUGE;
	dp = rig_begin(&config, &client);
	n_calls = n_copies = 0;
	EXPECT_EQ(move(16 * HUGE)->bytes_engine, 16 * HUGE);
	EXPECT_EQ(client.ring->slots[0].result.n_batches, 1);
	EXPECT_EQ(n_copies, 16);
	EXPECT_EQ(n_calls, 1);
	dp = rig_end(dp, &client);
}

/* More than its ring holds it gets when there is room again, each copy once. */
static void test_more_than_ring(void)
{
	enum { N = 2048 };
	struct dataplane_config config = rig_config("soft");
	struct dataplane *dp;

	fake_init(0, N);
	/* With one that stays between any two, each is a copy by itself. */
	for (unsigned int i = 1; i < N; i += 2) {
		fake.folios[i].cause = MIGOFF_CAUSE_PINNED;
		fake.folios[i].status = -EBUSY;
	}
	dp = rig_begin(&config, &client);
	n_calls = n_copies = 0;
	EXPECT_EQ(move(N * PAGE)->bytes_engine, N / 2 * PAGE);
	EXPECT_EQ(n_copies, N / 2);
	EXPECT_GE(N / 4, n_calls);
	dp = rig_end(dp, &client);
}

int main(void)
{
	RUN(test_at_once);
	RUN(test_more_than_ring);
	return 0;
}
