/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy.h"

#include "macros.h"
#include "test.h"

#define KIB	(1ull << 10)
#define MIB	(1ull << 20)
#define MS	1000000ull

static const struct policy_config config = {
	.min_folio = 64 * KIB,
	.min_request = MIB,
	.max_batch = 32 * MIB,
	.max_page_blocked_ns = 20 * MS,
	.max_errors = 3,
	.retry_after_ns = 1000 * MS,
};

/* The order is the smallest whose folios are at least as large as wanted. */
static void test_min_order(void)
{
	struct policy_config c = config;

	EXPECT_EQ(policy_min_order(&c), 4);
	c.min_folio = 0;
	EXPECT_EQ(policy_min_order(&c), 0);
	c.min_folio = 4096;
	EXPECT_EQ(policy_min_order(&c), 0);
	c.min_folio = 4097;
	EXPECT_EQ(policy_min_order(&c), 1);
	c.min_folio = 2 * MIB;
	EXPECT_EQ(policy_min_order(&c), 9);
	c.min_folio = UINT64_MAX;
	EXPECT_TRUE(policy_min_order(&c) < 64);
}

static void test_wants_engine(void)
{
	EXPECT_TRUE(!policy_wants_engine(&config, MIB - 4096));
	EXPECT_TRUE(policy_wants_engine(&config, MIB));
	EXPECT_TRUE(policy_wants_engine(&config, UINT64_MAX));
}

static uint64_t batch_bytes(const struct policy_config *c, uint64_t fixed_ns, uint64_t ns_per_mib)
{
	struct policy_pace pace = { .fixed_ns = fixed_ns, .ns_per_mib = ns_per_mib, .n = 1 };

	return policy_batch_bytes(c, &pace, 64 * MIB);
}

/* A batch is as large as fits into the time, never beyond what is configured, never less than a page. */
static void test_batch_bytes(void)
{
	struct policy_config c = config;

	EXPECT_EQ(batch_bytes(&c, 0, 2 * MS), 10 * MIB);
	EXPECT_EQ(batch_bytes(&c, 10 * MS, 2 * MS), 5 * MIB);
	EXPECT_EQ(batch_bytes(&c, 20 * MS, 2 * MS), 4096);
	EXPECT_EQ(batch_bytes(&c, UINT64_MAX, UINT64_MAX), 4096);
	EXPECT_EQ(batch_bytes(&c, 0, 0), 32 * MIB);
	c.max_batch = 128 * MIB;
	EXPECT_EQ(batch_bytes(&c, 0, 0), 64 * MIB);
	c.max_page_blocked_ns = 0;
	EXPECT_EQ(batch_bytes(&c, UINT64_MAX, UINT64_MAX), 64 * MIB);
	c.max_page_blocked_ns = UINT64_MAX;
	EXPECT_EQ(batch_bytes(&c, 0, MS), 64 * MIB);
	c.max_batch = 0;
	EXPECT_EQ(batch_bytes(&c, 0, 0), 4096);
}

/* Before anything is known the guess is careful, but not hopeless. */
static void test_first_batch(void)
{
	struct policy_pace nothing = { 0 };
	uint64_t bytes = policy_batch_bytes(&config, &nothing, 64 * MIB);

	EXPECT_TRUE(bytes >= 2 * MIB && bytes <= 32 * MIB);
}

/*
 * Whatever the machine does, after a while batches keep to the time that they may take, without being
 * needlessly small; and slower is noticed sooner than faster.
 */
static void test_learning(void)
{
	static const uint64_t rates[] = { 50000, 300000, 1000000, 8000000 };

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct policy_pace pace = { 0 };
		uint64_t bytes, took;

		for (int n = 0; n < 400; n++) {
			bytes = policy_batch_bytes(&config, &pace, 1024 * MIB);
			took = 200000 + bytes * rates[i] / MIB;
			policy_pace_learn(&pace, bytes, took);
		}
		EXPECT_TRUE(took <= config.max_page_blocked_ns * 11 / 10);
		EXPECT_TRUE(bytes == config.max_batch || took > config.max_page_blocked_ns / 2);
	}
}

static unsigned int rounds_until(struct policy_pace pace, uint64_t ns_per_mib)
{
	unsigned int n = 0;
	bool slower = ns_per_mib > pace.ns_per_mib;
	uint64_t half = (pace.ns_per_mib + ns_per_mib) / 2;

	for (; slower ? pace.ns_per_mib < half : pace.ns_per_mib > half; n++)
		policy_pace_learn(&pace, 16 * MIB, pace.fixed_ns + 16 * ns_per_mib);
	return n;
}

static void test_careful(void)
{
	struct policy_pace pace = { .fixed_ns = 100000, .ns_per_mib = MS, .n = 10 };

	EXPECT_TRUE(rounds_until(pace, 3 * MS) < rounds_until(pace, MS / 3));
}

/* Garbage in the measurements does not make anything of it overflow. */
static void test_absurd(void)
{
	struct policy_pace pace = { 0 };
	uint64_t bytes;

	for (int i = 0; i < 1000; i++) {
		policy_pace_learn(&pace, i % 3 ? 4096 : UINT64_MAX, i % 2 ? UINT64_MAX : 0);
		bytes = policy_batch_bytes(&config, &pace, 64 * MIB);
		EXPECT_TRUE(bytes >= 4096 && bytes <= 32 * MIB);
	}
}

/* The engine of the destination's node, if it works; else the one with the least to do; else none. */
static void test_choice(void)
{
	struct policy_engine e[] = {
		{ .usable = true, .node = 0, .in_flight = 10 },
		{ .usable = true, .node = 1, .in_flight = 30 },
		{ .usable = true, .node = 1, .in_flight = 20 },
		{ .usable = true, .node = -1, .in_flight = 0 },
	};

	EXPECT_EQ(policy_choose_engine(e, 4, 0), 0);
	EXPECT_EQ(policy_choose_engine(e, 4, 1), 2);
	EXPECT_EQ(policy_choose_engine(e, 4, 2), 3);
	e[2].usable = false;
	EXPECT_EQ(policy_choose_engine(e, 4, 1), 1);
	e[1].usable = false;
	EXPECT_EQ(policy_choose_engine(e, 4, 1), 3);
	e[0].usable = e[3].usable = false;
	EXPECT_EQ(policy_choose_engine(e, 4, 1), -1);
	EXPECT_EQ(policy_choose_engine(e, 0, 1), -1);
}

/* Errors in a row count, a success forgets them; out of service has an end, after which one is enough. */
static void test_health(void)
{
	struct policy_health h = { 0 };

	EXPECT_TRUE(!policy_engine_failed(&config, &h, 0));
	EXPECT_TRUE(!policy_engine_failed(&config, &h, 0));
	policy_engine_worked(&h);
	EXPECT_TRUE(!policy_engine_failed(&config, &h, 5 * MS));
	EXPECT_TRUE(!policy_engine_failed(&config, &h, 5 * MS));
	EXPECT_TRUE(policy_engine_failed(&config, &h, 5 * MS));
	EXPECT_TRUE(!policy_engine_failed(&config, &h, 6 * MS));
	EXPECT_TRUE(!policy_engine_retry(&config, &h, 1004 * MS));
	EXPECT_TRUE(policy_engine_retry(&config, &h, 1005 * MS));
	EXPECT_TRUE(!policy_engine_retry(&config, &h, 1006 * MS));
	EXPECT_TRUE(policy_engine_failed(&config, &h, 1007 * MS));
}

/* With 0 no number of errors is enough. */
static void test_never_out(void)
{
	struct policy_config c = config;
	struct policy_health h = { 0 };

	c.max_errors = 0;
	for (int i = 0; i < 1000; i++)
		EXPECT_TRUE(!policy_engine_failed(&c, &h, 0));
}

int main(void)
{
	RUN(test_min_order);
	RUN(test_wants_engine);
	RUN(test_batch_bytes);
	RUN(test_first_batch);
	RUN(test_learning);
	RUN(test_careful);
	RUN(test_absurd);
	RUN(test_choice);
	RUN(test_health);
	RUN(test_never_out);
	return 0;
}
