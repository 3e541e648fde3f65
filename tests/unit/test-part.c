/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "part.h"

#include <errno.h>

#include "macros.h"
#include "test.h"

#define PAGE	4096ull
#define MIB	(1ull << 20)
#define BLOCK	(2 * MIB)
#define BASE	(64 * BLOCK)
#define MOST	2048
#define N_ROUNDS 3000

static struct migoff_range ranges[MOST];
static struct migoff_range cut[MOST + PART_MORE_RANGES];

static struct request_plan plan_of(uint64_t n)
{
	struct request_plan plan = { .ranges = ranges, .n_ranges = n };

	for (uint64_t i = 0; i < n; i++)
		plan.pages += ranges[i].len / PAGE;
	return plan;
}

/* A long range is cut where the largest folios begin, each part as large as asked for. */
static void test_long(void)
{
	struct request_plan plan;
	struct part rest, part;

	ranges[0] = (struct migoff_range){ BASE, 64 * MIB };
	plan = plan_of(1);
	rest = part_all(&plan);
	for (uint64_t i = 0; i < 8; i++) {
		part = part_cut(&plan, &rest, 8 * MIB, 16);
		EXPECT_EQ(part.n_pages, 8 * MIB / PAGE);
		EXPECT_EQ(part.page, i * 8 * MIB / PAGE);
		EXPECT_EQ(part_ranges(&plan, &part, cut), 1);
		EXPECT_EQ(cut[0].start, BASE + i * 8 * MIB);
		EXPECT_EQ(cut[0].len, 8 * MIB);
	}
	EXPECT_EQ(rest.n_pages, 0);
	/* One that begins and ends inside of a folio: only there. */
	ranges[0] = (struct migoff_range){ BASE + PAGE, 4 * BLOCK };
	plan = plan_of(1);
	rest = part_all(&plan);
	part = part_cut(&plan, &rest, PAGE, 16);
	EXPECT_EQ(part.n_pages, 511);
	part = part_cut(&plan, &rest, BLOCK + 1, 16);
	EXPECT_EQ(part.n_pages, 1024);
	part = part_cut(&plan, &rest, UINT64_MAX, 16);
	EXPECT_EQ(part.n_pages, 513);
	EXPECT_EQ(rest.n_pages, 0);
}

/* Single pages of one folio stay together, even if that makes for more ranges than wanted. */
static void test_single_pages(void)
{
	struct request_plan plan;
	struct part rest, part;

	for (uint64_t i = 0; i < 1024; i++)
		ranges[i] = (struct migoff_range){ BASE + i * PAGE, PAGE };
	plan = plan_of(1024);
	rest = part_all(&plan);
	part = part_cut(&plan, &rest, 100 * MIB, 5);
	EXPECT_EQ(part.n_pages, 512);
	EXPECT_EQ(part_ranges(&plan, &part, cut), 512);
	part = part_cut(&plan, &rest, 3 * PAGE, MOST);
	EXPECT_EQ(part.page, 512);
	EXPECT_EQ(part.n_pages, 512);
	EXPECT_EQ(rest.n_pages, 0);
}

static uint64_t random_state = 1;

static uint64_t next_random(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

static void random_ranges(uint64_t n)
{
	uint64_t at = BASE;

	for (uint64_t i = 0; i < n; i++) {
		at += next_random(3) ? next_random(3) * PAGE : next_random(3) * BLOCK;
		ranges[i] = (struct migoff_range){
			at, (1 + next_random(next_random(4) ? 4 : 2000)) * PAGE
		};
		at += ranges[i].len;
	}
}

/* What a hook that stops anywhere would say. Return: bytes gone through. */
static uint64_t stop_somewhere(uint32_t n, struct migoff_batch_info *ret)
{
	uint64_t total = 0, bytes;

	for (uint32_t i = 0; i < n; i++)
		total += cut[i].len;
	bytes = next_random(2) ? total : (1 + next_random(total / PAGE)) * PAGE;
	*ret = (struct migoff_batch_info){ 0 };
	for (uint64_t left = bytes; left; ret->cursor_range++) {
		const struct migoff_range *range = &cut[ret->cursor_range];

		if (left < range->len) {
			ret->cursor_va = range->start + left;
			break;
		}
		left -= range->len;
	}
	return bytes;
}

/*
 * However a request is cut, and wherever PREPAREs stop, each of its pages comes up once, at its place,
 * and no two parts cut have pages of one block.
 */
static void test_random(void)
{
	for (int round = 0; round < N_ROUNDS; round++) {
		static uint8_t seen[MOST * 2100];
		uint64_t n = 1 + next_random(40), pages = 0;
		struct request_plan plan;
		struct part rest, part = { 0 };
		uint64_t last_end = 0;

		random_ranges(n);
		plan = plan_of(n);
		memset(seen, 0, plan.pages);
		rest = part_all(&plan);
		while (rest.n_pages || part.n_pages) {
			uint32_t max_ranges = 1 + (uint32_t)next_random(20), n_cut;
			struct migoff_batch_info info;
			bool fresh = !part.n_pages;
			uint64_t bytes;

			if (fresh)
				part = part_cut(&plan, &rest, next_random(16 * MIB), max_ranges);
			EXPECT_TRUE(part.n_pages > 0);
			n_cut = part_ranges(&plan, &part, cut);
			EXPECT_TRUE(n_cut > 0 && (!fresh || n_cut <= max_ranges + PART_MORE_RANGES));
			if (fresh)
				EXPECT_TRUE(cut[0].start >= ALIGN_UP(last_end, BLOCK));
			last_end = cut[n_cut - 1].start + cut[n_cut - 1].len;
			bytes = stop_somewhere(n_cut, &info);
			for (uint64_t i = 0; i < bytes / PAGE; i++)
				seen[part.page + i]++;
			EXPECT_EQ(part_advance(&plan, &part, n_cut, &info, bytes), 0);
		}
		for (pages = 0; pages < plan.pages; pages++)
			EXPECT_EQ(seen[pages], 1);
	}
}

/* A whole process goes on where it stopped, until its end. */
static void test_whole(void)
{
	struct request_plan plan = { .flags = RING_WHOLE };
	struct migoff_batch_info info = { .cursor_va = 7 * PAGE };
	struct part part = part_all(&plan);

	EXPECT_EQ(part_advance(&plan, &part, 0, &info, 0), 0);
	EXPECT_EQ(part.va, 7 * PAGE);
	EXPECT_EQ(part.n_pages, 1);
	EXPECT_EQ(part_advance(&plan, &part, 0, &info, 0), -EIO);
	info = (struct migoff_batch_info){ .cursor_range = 1 };
	EXPECT_EQ(part_advance(&plan, &part, 0, &info, 0), 0);
	EXPECT_EQ(part.n_pages, 0);
}

/* A hook whose words do not agree, or that does not get on, does not make for an endless request. */
static void test_nonsense(void)
{
	struct request_plan plan;
	struct part all, part;

	ranges[0] = (struct migoff_range){ BASE, 4 * PAGE };
	plan = plan_of(1);
	all = part = part_all(&plan);
	EXPECT_EQ(part_advance(&plan, &part, 1, &(struct migoff_batch_info){ .cursor_va = BASE }, 0), -EIO);
	EXPECT_EQ(part_advance(&plan, &part, 1, &(struct migoff_batch_info){ .cursor_range = 1 },
			       3 * PAGE), -EIO);
	EXPECT_EQ(part_advance(&plan, &part, 1, &(struct migoff_batch_info){ .cursor_va = BASE + PAGE },
			       4 * PAGE), -EIO);
	EXPECT_EQ(part_advance(&plan, &part, 1, &(struct migoff_batch_info){ .cursor_range = 1 },
			       5 * PAGE), -EIO);
	EXPECT_TRUE(!memcmp(&all, &part, sizeof(all)));
}

int main(void)
{
	RUN(test_long);
	RUN(test_single_pages);
	RUN(test_random);
	RUN(test_whole);
	RUN(test_nonsense);
	return 0;
}
