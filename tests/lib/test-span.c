/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>

#include "macros.h"
#include "span.h"
#include "test.h"

#define AREA (1 << 20)

static bool overlap(struct span a, struct span b)
{
	return a.off < b.off + b.len && b.off < a.off + a.len;
}

/* Whatever is taken and given back in whatever order: parts never overlap and never leave the area. */
static void test_disjoint(void)
{
	struct span taken[RING_N_SLOTS] = {};
	struct span_pool p;

	span_pool_init(&p, AREA);
	srandom(1);
	for (int round = 0; round < 100000; round++) {
		struct span *s = &taken[random() % RING_N_SLOTS];

		if (s->len) {
			span_free(&p, *s);
			*s = (struct span){};
			continue;
		}
		if (span_alloc(&p, (uint64_t)random() % (AREA / 16), s) < 0)
			continue;
		EXPECT_TRUE(IS_ALIGNED(s->off, SPAN_ALIGN));
		EXPECT_TRUE(s->off + s->len <= AREA);
		for (unsigned int i = 0; i < RING_N_SLOTS; i++)
			EXPECT_TRUE(&taken[i] == s || !overlap(taken[i], *s));
	}
	for (unsigned int i = 0; i < RING_N_SLOTS; i++)
		span_free(&p, taken[i]);
	EXPECT_EQ(p.n_free, 1);
	EXPECT_EQ(p.free[0].len, AREA);
}

/* With each slot holding the smallest part and each second one given back, the list has room. */
static void test_most_fragments(void)
{
	struct span taken[RING_N_SLOTS];
	struct span_pool p;

	span_pool_init(&p, AREA);
	for (unsigned int i = 0; i < RING_N_SLOTS; i++)
		EXPECT_OK(span_alloc(&p, 1, &taken[i]));
	for (unsigned int i = 0; i < RING_N_SLOTS; i += 2)
		span_free(&p, taken[i]);
	EXPECT_EQ(p.n_free, RING_N_SLOTS / 2 + 1);
	for (unsigned int i = 1; i < RING_N_SLOTS; i += 2)
		span_free(&p, taken[i]);
	EXPECT_EQ(p.n_free, 1);
}

/* What does not fit is refused and changes nothing; what just fits is given. */
static void test_limits(void)
{
	struct span_pool p;
	struct span s;

	span_pool_init(&p, AREA);
	EXPECT_EQ(span_alloc(&p, AREA + 1, &s), -ENOSPC);
	EXPECT_EQ(span_alloc(&p, UINT64_MAX, &s), -ENOSPC);
	EXPECT_OK(span_alloc(&p, 0, &s));
	EXPECT_EQ(s.len, 0);
	EXPECT_OK(span_alloc(&p, AREA, &s));
	EXPECT_EQ(span_alloc(&p, 1, &s), -ENOSPC);
}

int main(void)
{
	RUN(test_disjoint);
	RUN(test_most_fragments);
	RUN(test_limits);
	return 0;
}
