/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>

#include "macros.h"
#include "plan.h"
#include "test.h"

#define PAGE	4096ull
#define BLOCK	(2ull << 20)
#define N	512

static void plan(struct plan *p, const uint64_t *pages, const int *nodes, size_t n)
{
	EXPECT_OK(plan_init(p, pages, nodes, n, PAGE, BLOCK));
}

/* Neighbours become one range whatever order they come in, unaligned addresses and repeats included. */
static void test_coalesce(void)
{
	uint64_t pages[] = { 8 * PAGE, 5 * PAGE + 77, 6 * PAGE, 5 * PAGE, 6 * PAGE + 4095 };
	int nodes[ARRAY_SIZE(pages)] = { 1, 1, 1, 1, 1 };
	struct migoff_range ranges[8];
	struct plan_part part = { .ranges = ranges };
	int status[] = { 1, -16, 1 };
	bool settled[ARRAY_SIZE(pages)] = {};
	struct plan p;

	plan(&p, pages, nodes, ARRAY_SIZE(pages));
	EXPECT_EQ(plan_group(&p, 0), 5);
	plan_part(&p, 0, 5, 8, 8, &part);
	EXPECT_EQ(part.n_items, 5);
	EXPECT_EQ(part.n_pages, 3);
	EXPECT_EQ(part.n_ranges, 2);
	EXPECT_EQ(ranges[0].start, 5 * PAGE);
	EXPECT_EQ(ranges[0].len, 2 * PAGE);
	EXPECT_EQ(ranges[1].start, 8 * PAGE);
	EXPECT_EQ(ranges[1].len, PAGE);

	/* pages 5, 6, 8 of which 6 has failed */
	plan_apply(&p, &part, status, settled);
	EXPECT_TRUE(settled[0] && settled[1] && settled[3]);
	EXPECT_TRUE(!settled[2] && !settled[4]);
	plan_done(&p);
}

/* What depends on the kernel's order is left to the kernel: the whole block, and nothing else. */
static void test_torn_block(void)
{
	uint64_t pages[] = { 0, BLOCK, BLOCK + PAGE, BLOCK + 2 * PAGE, 2 * BLOCK, BLOCK - PAGE };
	int nodes[ARRAY_SIZE(pages)] = { 0, 0, 1, 0, 1, 0 };
	struct plan p;

	plan(&p, pages, nodes, ARRAY_SIZE(pages));
	EXPECT_EQ(p.n_items, 3);
	EXPECT_EQ(plan_group(&p, 0), 2);
	EXPECT_EQ(p.items[0].index, 0);
	EXPECT_EQ(p.items[1].index, 5);
	EXPECT_EQ(plan_group(&p, 2), 1);
	EXPECT_EQ(p.items[2].index, 4);
	EXPECT_EQ(plan_group(&p, 3), 0);
	plan_done(&p);
}

/* Addresses with a tag, and the kernel's own, are for the kernel to judge. */
static void test_strange_addresses(void)
{
	uint64_t pages[] = { UINT64_MAX, 1ull << 63, 1ull << 56, (1ull << 56) - 1 };
	int nodes[ARRAY_SIZE(pages)] = {};
	struct plan p;

	plan(&p, pages, nodes, ARRAY_SIZE(pages));
	EXPECT_EQ(p.n_items, 1);
	EXPECT_EQ(p.items[0].index, 3);
	plan_done(&p);
}

/* Every entry that is not left out is asked for exactly once, however small the requests must be. */
static void check_parts(const uint64_t *pages, const int *nodes, size_t max_ranges, size_t max_pages)
{
	struct migoff_range ranges[N];
	struct plan_part part = { .ranges = ranges };
	bool settled[N] = {};
	size_t n_settled = 0, group;
	struct plan p;

	plan(&p, pages, nodes, N);
	for (size_t first = 0; first < p.n_items; first += group) {
		group = plan_group(&p, first);
		for (size_t i = first; i < first + group; i += part.n_items) {
			int status[N];
			uint64_t end = 0, n_pages = 0;

			plan_part(&p, i, first + group, max_ranges, max_pages, &part);
			EXPECT_TRUE(part.n_items > 0);
			EXPECT_TRUE(part.n_ranges <= max_ranges && part.n_pages <= max_pages);
			for (size_t j = 0; j < part.n_ranges; j++) {
				EXPECT_TRUE(!j || ranges[j].start > end);
				end = ranges[j].start + ranges[j].len;
				n_pages += ranges[j].len / PAGE;
			}
			EXPECT_EQ(n_pages, part.n_pages);
			for (size_t j = 0; j < part.n_pages; j++)
				status[j] = part.node;
			plan_apply(&p, &part, status, settled);
		}
	}
	for (size_t i = 0; i < N; i++)
		n_settled += settled[i];
	EXPECT_EQ(n_settled, p.n_items);
	plan_done(&p);
}

static void test_parts(void)
{
	uint64_t pages[N];
	int nodes[N];

	srandom(2);
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < N; i++) {
			uint64_t block = (uint64_t)random() % 16;

			pages[i] = block * BLOCK + (uint64_t)random() % BLOCK;
			nodes[i] = (int)(block % 3);
			if (random() % 2 && i)
				pages[i] = pages[i - 1] + PAGE, nodes[i] = nodes[i - 1];
		}
		check_parts(pages, nodes, 1 + (size_t)random() % N, 1 + (size_t)random() % N);
		check_parts(pages, nodes, 1, 1);
	}
}

int main(void)
{
	RUN(test_coalesce);
	RUN(test_torn_block);
	RUN(test_strange_addresses);
	RUN(test_parts);
	return 0;
}
