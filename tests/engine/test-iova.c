/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iova.h"

#include <errno.h>
#include <stdbool.h>

#include "macros.h"
#include "test.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

/* What Intel's IOMMU offers: everything but the interrupt addresses, here in the wrong order. */
static const struct iova_range ranges[] = {
	{ 0xfef00000, (UINT64_C(1) << 39) - 1 },
	{ 0, 0xfedfffff },
};

static bool free_at(const struct iova_space *space, uint64_t iova)
{
	for (size_t i = 0; i < space->n_free; i++)
		if (space->free[i].first <= iova && iova <= space->free[i].last)
			return true;
	return false;
}

/* Neither 0, nor the interrupt addresses, nor what the device cannot emit, is ever given out. */
static void test_excluded(void)
{
	static const struct iova_range all = { 0, UINT64_MAX };
	struct iova_space space;

	EXPECT_OK(iova_init(&space, &all, 1, UINT32_MAX));
	EXPECT_TRUE(!free_at(&space, 0));
	EXPECT_TRUE(!free_at(&space, 0xfff));
	EXPECT_TRUE(free_at(&space, 0x1000));
	EXPECT_TRUE(free_at(&space, 0xfedfffff));
	EXPECT_TRUE(!free_at(&space, 0xfee00000));
	EXPECT_TRUE(!free_at(&space, 0xfeefffff));
	EXPECT_TRUE(free_at(&space, 0xfef00000));
	EXPECT_TRUE(free_at(&space, UINT32_MAX));
	EXPECT_TRUE(!free_at(&space, UINT64_C(1) << 32));
	iova_done(&space);

	EXPECT_OK(iova_init(&space, &all, 1, UINT64_MAX));
	EXPECT_TRUE(free_at(&space, UINT64_MAX));
	iova_done(&space);
}

/* A piece is aligned, inside, from the side asked for, and disjoint from all others. */
static void test_alloc(void)
{
	struct iova_space space;
	uint64_t low, high, next;

	EXPECT_OK(iova_init(&space, ranges, ARRAY_SIZE(ranges), UINT32_MAX));
	EXPECT_OK(iova_alloc(&space, GIB, GIB, IOVA_HIGHEST, &high));
	EXPECT_EQ(high, 2 * GIB);
	EXPECT_OK(iova_alloc(&space, 4096, 4096, IOVA_LOWEST, &low));
	EXPECT_EQ(low, 4096);
	EXPECT_OK(iova_alloc(&space, 2 * MIB, 2 * MIB, IOVA_LOWEST, &next));
	EXPECT_EQ(next, 2 * MIB);
	EXPECT_OK(iova_alloc(&space, 4096, 4096, IOVA_LOWEST, &low));
	EXPECT_EQ(low, 8192);
	for (uint64_t at = high; at < high + GIB; at += 64 * MIB)
		EXPECT_TRUE(!free_at(&space, at));
	/* 2 GiB are left in sum, but not in one piece below 4 GiB. */
	EXPECT_EQ(iova_alloc(&space, 2 * GIB, GIB, IOVA_HIGHEST, &next), -ENOSPC);
	EXPECT_OK(iova_alloc(&space, GIB, GIB, IOVA_HIGHEST, &next));
	EXPECT_EQ(next, GIB);
	iova_done(&space);
}

/* What is given back can be had again, and all of it together is as it was. */
static void test_free(void)
{
	struct iova_space space;
	uint64_t at[64];
	size_t n_free;

	EXPECT_OK(iova_init(&space, ranges, ARRAY_SIZE(ranges), UINT32_MAX));
	n_free = space.n_free;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(at); i++)
			EXPECT_OK(iova_alloc(&space, 8192 + i % 3 * 4096, 4096,
					     i % 2 ? IOVA_HIGHEST : IOVA_LOWEST, &at[i]));
		for (size_t k = 0; k < ARRAY_SIZE(at); k++) {
			/* 37 and 64 have no common divisor: each once, in a muddled order. */
			size_t i = k * 37 % ARRAY_SIZE(at);

			EXPECT_TRUE(!free_at(&space, at[i]));
			iova_free(&space, at[i], 8192 + i % 3 * 4096);
			EXPECT_TRUE(free_at(&space, at[i]));
		}
		EXPECT_EQ(space.n_free, n_free);
		EXPECT_EQ(space.free[0].first, 4096);
	}
	iova_done(&space);
}

/* The last piece of all can be taken, and nothing after it. */
static void test_exhausted(void)
{
	static const struct iova_range little = { 0, 4 * MIB - 1 };
	struct iova_space space;
	uint64_t at;

	EXPECT_OK(iova_init(&space, &little, 1, UINT64_MAX));
	EXPECT_OK(iova_alloc(&space, 4 * MIB - 4096, 4096, IOVA_LOWEST, &at));
	EXPECT_EQ(space.n_free, 0);
	EXPECT_EQ(iova_alloc(&space, 4096, 4096, IOVA_LOWEST, &at), -ENOSPC);
	iova_free(&space, 4096, 4 * MIB - 4096);
	EXPECT_OK(iova_alloc(&space, 4096, 4096, IOVA_HIGHEST, &at));
	EXPECT_EQ(at, 4 * MIB - 4096);
	iova_done(&space);
}

/*
 * Devices that emit different numbers of address bits get the same piece, if it is asked for where both
 * reach; what does not fit there is refused, though there is room above.
 */
static void test_within(void)
{
	static const uint64_t masks[] = { UINT32_MAX, (UINT64_C(1) << 46) - 1, UINT64_MAX };
	struct iova_space space;
	uint64_t at;

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		EXPECT_OK(iova_init(&space, ranges, ARRAY_SIZE(ranges), masks[i]));
		EXPECT_OK(iova_alloc_within(&space, 512 * MIB, 512 * MIB, IOVA_HIGHEST, UINT32_MAX, &at));
		EXPECT_EQ(at, 3 * GIB);
		EXPECT_EQ(iova_alloc_within(&space, 4 * GIB, MIB, IOVA_HIGHEST, UINT32_MAX, &at), -ENOSPC);
		EXPECT_EQ(iova_alloc_within(&space, MIB, MIB, IOVA_LOWEST, MIB, &at), -ENOSPC);
		EXPECT_OK(iova_alloc_within(&space, MIB, MIB, IOVA_LOWEST, 2 * MIB - 1, &at));
		EXPECT_EQ(at, MIB);
		iova_done(&space);
	}
}

int main(void)
{
	RUN(test_excluded);
	RUN(test_alloc);
	RUN(test_within);
	RUN(test_free);
	RUN(test_exhausted);
	return 0;
}
