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

/* What an engine has been seen to do, often enough for no guess to be left. */
static struct policy_pace pace_of(double fixed_ns, double ns_per_mib)
{
	struct policy_pace pace = { 0 };

	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t mib = 1 + i % 16;
		struct policy_batch batch = {
			.bytes = mib * MIB,
			.n_folios = 2,
			.blocked_ns = (uint64_t)(fixed_ns + ns_per_mib * (double)mib),
		};
		struct policy_config c = config;

		c.max_page_blocked_ns = 0;
		policy_pace_learn(&c, &pace, &batch);
	}
	return pace;
}

static uint64_t batch_bytes(const struct policy_config *c, double fixed_ns, double ns_per_mib)
{
	struct policy_pace pace = pace_of(fixed_ns, ns_per_mib);

	return policy_batch_bytes(c, &pace, 64 * MIB, 2);
}

static void expect_about(uint64_t value, uint64_t wanted)
{
	EXPECT_GE(value, wanted - wanted / 10);
	EXPECT_TRUE(value <= wanted + wanted / 10);
}

/*
 * A batch is as large as fits twice into four fifths of the time, never beyond what is configured,
 * never less than a page.
 */
static void test_batch_bytes(void)
{
	struct policy_config c = config;
	struct policy_pace pace;

	expect_about(batch_bytes(&c, 0, 2 * MS), 4 * MIB);
	/* Into as many parts as there are batches in line. */
	pace = pace_of(0, 2 * MS);
	expect_about(policy_batch_bytes(&c, &pace, 64 * MIB, 4), 2 * MIB);
	expect_about(batch_bytes(&c, 8 * MS, 2 * MS), 2 * MIB);
	EXPECT_EQ(batch_bytes(&c, 30 * MS, 2 * MS), 4096);
	EXPECT_EQ(batch_bytes(&c, 1e18, 1e18), 4096);
	EXPECT_EQ(batch_bytes(&c, 0, 0), 32 * MIB);
	c.max_batch = 128 * MIB;
	EXPECT_EQ(batch_bytes(&c, 0, 0), 64 * MIB);
	c.max_page_blocked_ns = 0;
	EXPECT_EQ(batch_bytes(&c, 1e18, 1e18), 64 * MIB);
	c.max_page_blocked_ns = UINT64_MAX;
	EXPECT_EQ(batch_bytes(&c, 0, MS), 64 * MIB);
	c.max_batch = 0;
	EXPECT_EQ(batch_bytes(&c, 0, 0), 4096);
}

/* What was ahead of a batch is not held against it. */
static void test_ahead(void)
{
	struct policy_pace pace = { 0 };

	for (uint64_t i = 0; i < 200; i++) {
		struct policy_batch batch = {
			.bytes = 2 * MIB, .bytes_ahead = i % 8 * MIB, .n_folios = 1,
			.blocked_ns = (2 + i % 8) * MS,
		};

		policy_pace_learn(&config, &pace, &batch);
	}
	expect_about(policy_blocked_ns(&pace, 16 * MIB), 16 * MS);
}

/* A batch waits behind another only where both together keep to the time, and that is known. */
static void test_may_queue(void)
{
	struct policy_pace pace = pace_of(0, 3 * MS), nothing = { 0 };
	struct policy_config c = config;

	EXPECT_TRUE(policy_may_queue(&c, &pace, 3 * MIB));
	EXPECT_TRUE(!policy_may_queue(&c, &pace, 4 * MIB));
	EXPECT_TRUE(!policy_may_queue(&c, &nothing, 4096));
	c.max_page_blocked_ns = 0;
	EXPECT_TRUE(policy_may_queue(&c, &pace, 1024 * MIB));
	EXPECT_TRUE(policy_may_queue(&c, &nothing, 1024 * MIB));
}

/* The first batch is small, those that follow twice as large each, as long as none takes too long. */
static void test_first_batches(void)
{
	struct policy_pace pace = { 0 };
	struct policy_batch batch = { .n_folios = 4, .blocked_ns = MS };

	for (uint64_t wanted = 2 * MIB; wanted <= 32 * MIB; wanted *= 2) {
		batch.bytes = policy_batch_bytes(&config, &pace, 64 * MIB, 2);
		EXPECT_EQ(batch.bytes, wanted);
		policy_pace_learn(&config, &pace, &batch);
	}
	/* An engine that is slow is found out by the smallest. */
	pace = (struct policy_pace){ 0 };
	batch = (struct policy_batch){ .bytes = 2 * MIB, .n_folios = 1, .blocked_ns = 15 * MS };
	policy_pace_learn(&config, &pace, &batch);
	EXPECT_TRUE(policy_batch_bytes(&config, &pace, 64 * MIB, 2) <= 2 * MIB);
	/* Without a bound there is no reason for that. */
	pace = (struct policy_pace){ 0 };
	EXPECT_EQ(policy_batch_bytes(&(struct policy_config){ .max_batch = 32 * MIB }, &pace, 64 * MIB, 2),
		  32 * MIB);
}

/*
 * What an engine or CPU does on the way to the given GB/s when it moves 1 GB in folios of one size:
 * the figures published for the kernel's series (its third version, on two Zen 3 processors with PTDMA
 * channels), from 4 KiB to 2 MiB.
 */
static const struct curve {
	const char *name;
	double gb_per_s[8];
} curves[] = {
	{ "kernel", { 3.73, 5.53, 5.90, 6.34, 6.50, 6.86, 6.92, 10.67 } },
	{ "4 threads", { 4.72, 8.41, 10.08, 11.44, 10.45, 12.60, 12.38, 31.41 } },
	{ "16 threads", { 4.77, 8.95, 10.36, 11.03, 11.58, 13.88, 13.00, 35.89 } },
	{ "1 channel", { 2.75, 2.86, 3.28, 4.57, 5.03, 4.69, 4.78, 12.50 } },
	{ "4 channels", { 4.01, 6.36, 7.71, 9.40, 10.27, 10.60, 12.35, 26.84 } },
	{ "16 channels", { 4.61, 9.08, 11.14, 13.95, 13.69, 15.47, 15.44, 63.69 } },
};
static const uint64_t curve_folios[8] = { 4 * KIB, 16 * KIB, 64 * KIB, 128 * KIB, 256 * KIB,
					  512 * KIB, MIB, 2 * MIB };

/* Of one batch after the other, each behind one of the same size, as the hook would make them. */
static void run_curve(const struct policy_config *c, uint64_t folio, double gb_per_s)
{
	const double fixed_ns = 20000;
	double ns_per_byte = 1 / gb_per_s;
	struct policy_pace pace = { 0 };
	unsigned int n_missed = 0;
	uint64_t bytes = 0, ahead = 0, took = 0;

	for (int n = 0; n < 600; n++) {
		struct policy_batch batch;

		ahead = bytes;
		bytes = policy_batch_bytes(c, &pace, 32 * MIB, 2);
		bytes = MAX(ALIGN_DOWN(bytes, folio), folio);
		took = (uint64_t)(fixed_ns + ns_per_byte * (double)(bytes + ahead));
		batch = (struct policy_batch){ bytes, ahead, (uint32_t)(bytes / folio), took };
		n_missed += policy_pace_learn(c, &pace, &batch) && n >= 100;
	}
	/* As long as a folio is not too much by itself. */
	if (fixed_ns + 2 * ns_per_byte * (double)folio <= 0.8 * (double)c->max_page_blocked_ns) {
		EXPECT_EQ(n_missed, 0);
		EXPECT_TRUE(took <= c->max_page_blocked_ns);
	} else {
		EXPECT_EQ(bytes, folio);
	}
	/* Nor is it needlessly small: with two folios more it would take more than three fifths. */
	took = (uint64_t)(fixed_ns + ns_per_byte * 2 * (double)(bytes + 2 * folio));
	EXPECT_TRUE(bytes >= 31 * MIB || took > c->max_page_blocked_ns * 3 / 5);
}

static void test_published_curves(void)
{
	static const uint64_t budgets[] = { 100000, 200000, MS, 5 * MS, 20 * MS };

	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		for (size_t f = 0; f < ARRAY_SIZE(curve_folios); f++)
			for (size_t b = 0; b < ARRAY_SIZE(budgets); b++) {
				struct policy_config c = config;

				c.max_page_blocked_ns = budgets[b];
				run_curve(&c, curve_folios[f], curves[i].gb_per_s[f]);
			}
}

/* A batch that takes too long makes those that follow smaller at once, those that do not, larger again. */
static void test_miss(void)
{
	struct policy_pace pace = pace_of(100000, 100000);
	struct policy_batch late = { .bytes = 16 * MIB, .n_folios = 8, .blocked_ns = 21 * MS };
	struct policy_batch good = { .bytes = 8 * MIB, .n_folios = 4, .blocked_ns = MS };
	unsigned int n = 0;

	EXPECT_EQ(policy_batch_bytes(&config, &pace, 64 * MIB, 2), 32 * MIB);
	EXPECT_TRUE(policy_pace_learn(&config, &pace, &late));
	EXPECT_EQ(policy_batch_bytes(&config, &pace, 64 * MIB, 2), 8 * MIB);
	EXPECT_TRUE(!policy_pace_learn(&config, &pace, &good));
	EXPECT_GE(policy_batch_bytes(&config, &pace, 64 * MIB, 2), 9 * MIB);
	for (; policy_batch_bytes(&config, &pace, 64 * MIB, 2) < 32 * MIB; n++) {
		good.bytes = policy_batch_bytes(&config, &pace, 64 * MIB, 2);
		EXPECT_TRUE(!policy_pace_learn(&config, &pace, &good));
		EXPECT_TRUE(n < 100);
	}
	/* One folio cannot be made smaller. */
	late = (struct policy_batch){ .bytes = 2 * MIB, .n_folios = 1, .blocked_ns = 21 * MS };
	EXPECT_TRUE(policy_pace_learn(&config, &pace, &late));
	EXPECT_GE(policy_batch_bytes(&config, &pace, 64 * MIB, 2), 2 * MIB);
}

/* A hiccup does not count for more than it is: the estimate hardly moves. */
static void test_outlier(void)
{
	struct policy_pace pace = pace_of(100000, 100000);
	struct policy_batch batch = { .bytes = 8 * MIB, .n_folios = 4, .blocked_ns = 9000 * MS };

	policy_pace_learn(&config, &pace, &batch);
	EXPECT_TRUE(policy_blocked_ns(&pace, 8 * MIB) < 2 * MS);
	/* But what stays so is learned. */
	for (int i = 0; i < 200; i++)
		policy_pace_learn(&config, &pace, &batch);
	EXPECT_TRUE(policy_blocked_ns(&pace, 8 * MIB) > 4500 * MS);
}

/* One more batch, behind another of the same size where two are in line. Return: its size. */
static uint64_t run_batch(const struct policy_config *c, struct policy_pace *pace, double fixed_ns,
			  double ns_per_mib)
{
	struct policy_batch batch = { .bytes = policy_batch_bytes(c, pace, 64 * MIB, 2) };

	batch.bytes = MAX(ALIGN_DOWN(batch.bytes, 64 * KIB), 64 * KIB);
	if (policy_may_queue(c, pace, batch.bytes))
		batch.bytes_ahead = batch.bytes;
	batch.n_folios = (uint32_t)(batch.bytes / (64 * KIB));
	batch.blocked_ns = (uint64_t)(fixed_ns + ns_per_mib * (double)(batch.bytes + batch.bytes_ahead) / MIB);
	policy_pace_learn(c, pace, &batch);
	return batch.bytes;
}

/*
 * When a slow spell is over, however long and slow it was, batches are soon as large as before; else an engine
 * that had one does next to nothing beside another that had not.
 */
static void test_slow_spell(void)
{
	static const struct { double fixed_ns, ns_per_mib; } spells[] = {
		{ 100000, 1000000 }, { 100000, 5000000 }, { 8 * MS, 150000 }, { 32 * MS, 150000 },
	};
	static const int lengths[] = { 10, 30, 300, 3000 };
	struct policy_config c = config;

	c.max_page_blocked_ns = 4 * MS;
	for (size_t i = 0; i < ARRAY_SIZE(spells); i++)
		for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
			struct policy_pace pace = { 0 };
			uint64_t before = 0;
			int n;

			for (n = 0; n < 200; n++)
				before = run_batch(&c, &pace, 100000, 150000);
			for (n = 0; n < lengths[j]; n++)
				run_batch(&c, &pace, spells[i].fixed_ns, spells[i].ns_per_mib);
			EXPECT_TRUE(policy_batch_bytes(&c, &pace, 64 * MIB, 2) < before / 2);
			for (n = 0; run_batch(&c, &pace, 100000, 150000) < before * 4 / 5; n++)
				EXPECT_TRUE(n < 40);
		}
}

/* That some are slow now and then is not forgotten in between. */
static void test_mixture(void)
{
	struct policy_pace pace = { 0 };

	for (int i = 0; i < 3000; i++) {
		run_batch(&config, &pace, 100000, i % 10 ? 500000 : 2000000);
		if (i >= 100)
			EXPECT_TRUE(policy_blocked_ns(&pace, 8 * MIB) > 8 * 550000 + 100000);
	}
}

/* Garbage in the measurements does not make anything of it overflow. */
static void test_absurd(void)
{
	struct policy_pace pace = { 0 };
	struct policy_flow flow = { 0 };

	for (int i = 0; i < 1000; i++) {
		struct policy_batch batch = {
			.bytes = i % 3 ? 4096 : UINT64_MAX,
			.bytes_ahead = i % 5 ? 0 : UINT64_MAX,
			.n_folios = i % 7 ? 2 : UINT32_MAX,
			.blocked_ns = i % 2 ? UINT64_MAX : 0,
		};
		uint64_t bytes;

		policy_pace_learn(&config, &pace, &batch);
		bytes = policy_batch_bytes(&config, &pace, 64 * MIB, 2);
		EXPECT_TRUE(bytes >= 4096 && bytes <= 32 * MIB);
		policy_flow_prepared(&flow, batch.bytes, batch.blocked_ns);
		policy_flow_copied(&flow, batch.bytes, i % 4 ? 0 : batch.blocked_ns);
		EXPECT_TRUE(policy_n_prepares(&flow) >= 1 &&
			    policy_n_prepares(&flow) <= POLICY_MAX_PREPARES);
	}
}

/* As many PREPAREs at once as keep pace with the engine. */
static void test_n_prepares(void)
{
	struct policy_flow flow = { 0 };

	EXPECT_EQ(policy_n_prepares(&flow), 1);
	policy_flow_prepared(&flow, 8 * MIB, 8 * MS);
	EXPECT_EQ(policy_n_prepares(&flow), 1);
	policy_flow_copied(&flow, 4 * MIB, 8 * MS);
	EXPECT_EQ(policy_n_prepares(&flow), 1);
	for (int i = 0; i < 50; i++)
		policy_flow_copied(&flow, 4 * MIB, 2 * MS);
	EXPECT_GE(policy_n_prepares(&flow), 2);
	for (int i = 0; i < 50; i++)
		policy_flow_prepared(&flow, 8 * MIB, 800 * MS);
	EXPECT_EQ(policy_n_prepares(&flow), POLICY_MAX_PREPARES);
}

static int choose(const struct policy_engine *e, size_t n, int to_node, const uint64_t *from_nodes)
{
	struct policy_route route = { .to_node = to_node, .from_nodes = from_nodes };

	return policy_choose_engine(e, n, &route);
}

/* Of engines that are as good, each has its turn. */
static void test_turns(void)
{
	struct policy_engine e[3] = {
		{ .usable = true, .node = 1 }, { .usable = true, .node = 1 }, { .usable = true, .node = 1 },
	};

	for (uint64_t turn = 1; turn < 10; turn++) {
		int i = choose(e, 3, 1, NULL);

		EXPECT_EQ(i, (int)((turn - 1) % 3));
		e[i].turn = turn;
	}
	e[0].in_flight = e[1].in_flight = 1;
	e[2].turn = 100;
	EXPECT_EQ(choose(e, 3, 1, NULL), 2);
}

/*
 * Engines on the destination's node come first, however much they have to do, then those on a node that the
 * batch comes from, then the others, among them those of which nobody knows where they are; then none.
 */
static void test_distance(void)
{
	const uint64_t from_2[POLICY_NODE_WORDS] = { 1 << 2 };
	const uint64_t from_64[POLICY_NODE_WORDS] = { [1] = 1 };
	struct policy_engine e[] = {
		{ .usable = true, .node = -1 },
		{ .usable = true, .node = 0, .n_batches = 1, .in_flight = 10 },
		{ .usable = true, .node = 1, .n_batches = 2, .in_flight = 20 },
		{ .usable = true, .node = 2, .n_batches = 3, .in_flight = 30 },
		{ .usable = true, .node = 64, .n_batches = 4, .in_flight = 40 },
	};

	EXPECT_EQ(choose(e, 5, 1, from_2), 2);
	e[2].usable = false;
	EXPECT_EQ(choose(e, 5, 1, from_2), 3);
	EXPECT_EQ(choose(e, 5, 1, from_64), 4);
	/* From any node. */
	EXPECT_EQ(choose(e, 5, 1, (const uint64_t[POLICY_NODE_WORDS]){ 0 }), 1);
	EXPECT_EQ(choose(e, 5, 1, NULL), 1);
	e[3].usable = false;
	EXPECT_EQ(choose(e, 5, 1, from_2), 0);
	e[0].usable = false;
	EXPECT_EQ(choose(e, 5, 1, from_2), 1);
	e[1].usable = e[4].usable = false;
	EXPECT_EQ(choose(e, 5, 1, from_2), -1);
	EXPECT_EQ(choose(e, 0, 1, from_2), -1);
}

/* Of those that are as near, the one with the shortest line, then the one with the least to copy. */
static void test_line(void)
{
	struct policy_engine e[] = {
		{ .usable = true, .node = 1, .n_batches = 2, .in_flight = 10 },
		{ .usable = true, .node = 1, .n_batches = 1, .in_flight = 30 },
		{ .usable = true, .node = 1, .n_batches = 1, .in_flight = 20 },
	};

	EXPECT_EQ(choose(e, 3, 1, NULL), 2);
	e[2].in_flight = 40;
	EXPECT_EQ(choose(e, 3, 1, NULL), 1);
	e[0].n_batches = 0;
	EXPECT_EQ(choose(e, 3, 1, NULL), 0);
}

/*
 * In line for an engine are the batch that it copies and those whose PREPAREs it takes to have the next one
 * ready in time; or a single one, as long as nothing is known of it, and where two would be away too long.
 */
static void test_room(void)
{
	struct policy_config c = config;
	struct policy_pace pace = { 0 };
	struct policy_flow flow = { .prepare_ns = 50, .copy_ns = 20 };
	struct policy_line line = { .batch_bytes = MIB };

	EXPECT_TRUE(policy_has_room(&c, &pace, &flow, &line));
	line.n_ready = 1;
	EXPECT_TRUE(!policy_has_room(&c, &pace, &flow, &line));

	pace = pace_of(0, 1 * MS);
	line.n_preparing = 2;
	line.n_ready = 0;
	EXPECT_TRUE(policy_has_room(&c, &pace, &flow, &line));
	line.n_preparing = 3;
	EXPECT_TRUE(!policy_has_room(&c, &pace, &flow, &line));
	line.n_preparing = 2;
	line.n_ready = 1;
	EXPECT_TRUE(policy_has_room(&c, &pace, &flow, &line));
	line.n_ready = 2;
	EXPECT_TRUE(!policy_has_room(&c, &pace, &flow, &line));

	line = (struct policy_line){ .n_preparing = 1, .batch_bytes = 32 * MIB };
	EXPECT_TRUE(!policy_has_room(&c, &pace, &flow, &line));
	line.n_preparing = 0;
	EXPECT_TRUE(policy_has_room(&c, &pace, &flow, &line));
}

/* Errors in a row count, a success forgets them; out of service has an end, after which one is enough. */
static void test_health(void)
{
	struct policy_health h = { 0 };

	EXPECT_TRUE(!policy_engine_failed(&config, &h));
	EXPECT_TRUE(!policy_engine_failed(&config, &h));
	policy_engine_worked(&h, 1 * MS);
	EXPECT_TRUE(!policy_engine_failed(&config, &h));
	EXPECT_TRUE(!policy_engine_failed(&config, &h));
	EXPECT_TRUE(policy_engine_failed(&config, &h));
	policy_engine_out(&config, &h, 5 * MS);
	EXPECT_TRUE(!policy_engine_failed(&config, &h));
	EXPECT_TRUE(!policy_engine_retry(&config, &h, 1004 * MS));
	EXPECT_TRUE(policy_engine_retry(&config, &h, 1005 * MS));
	EXPECT_TRUE(!policy_engine_retry(&config, &h, 1006 * MS));
	EXPECT_TRUE(policy_engine_failed(&config, &h));
}

/* Let it go out, and come back when it is due. Return: how long it was out, in ms; @now_ns is when it is back. */
static uint64_t out_and_back(const struct policy_config *c, struct policy_health *h, uint64_t *now_ns)
{
	uint64_t began_ns = *now_ns;

	policy_engine_out(c, h, began_ns);
	*now_ns = h->retry_at_ns;
	EXPECT_TRUE(policy_engine_retry(c, h, *now_ns));
	return (*now_ns - began_ns) / MS;
}

/*
 * Each time in a row it stays out for longer, up to 16 times as long as the first time. A copy or two in
 * between do not change that; to have worked for as long as it was out does.
 */
static void test_back_off(void)
{
	struct policy_health h = { 0 };
	struct policy_config c = config;
	uint64_t now_ns = 77 * MS;

	EXPECT_EQ(out_and_back(&c, &h, &now_ns), 1000);
	EXPECT_EQ(out_and_back(&c, &h, &now_ns), 2000);
	now_ns += 1999 * MS;
	policy_engine_worked(&h, now_ns);
	EXPECT_EQ(out_and_back(&c, &h, &now_ns), 4000);
	EXPECT_EQ(out_and_back(&c, &h, &now_ns), 8000);
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(out_and_back(&c, &h, &now_ns), 16000);
	now_ns += 16000 * MS;
	policy_engine_worked(&h, now_ns);
	EXPECT_EQ(out_and_back(&c, &h, &now_ns), 1000);

	/* However long that is, there is no end of time to be missed. */
	c.retry_after_ns = UINT64_MAX;
	for (int i = 0; i < 10; i++) {
		policy_engine_out(&c, &h, now_ns);
		EXPECT_TRUE(h.retry_at_ns > now_ns);
	}
	c.retry_after_ns = 0;
	policy_engine_out(&c, &h, 0);
	EXPECT_TRUE(policy_engine_retry(&c, &h, 1));
}

/* With 0 no number of errors is enough. */
static void test_never_out(void)
{
	struct policy_config c = config;
	struct policy_health h = { 0 };

	c.max_errors = 0;
	for (int i = 0; i < 1000; i++)
		EXPECT_TRUE(!policy_engine_failed(&c, &h));
}

int main(void)
{
	RUN(test_min_order);
	RUN(test_wants_engine);
	RUN(test_batch_bytes);
	RUN(test_may_queue);
	RUN(test_first_batches);
	RUN(test_ahead);
	RUN(test_published_curves);
	RUN(test_miss);
	RUN(test_outlier);
	RUN(test_slow_spell);
	RUN(test_mixture);
	RUN(test_absurd);
	RUN(test_n_prepares);
	RUN(test_distance);
	RUN(test_line);
	RUN(test_room);
	RUN(test_turns);
	RUN(test_health);
	RUN(test_back_off);
	RUN(test_never_out);
	return 0;
}
