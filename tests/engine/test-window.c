/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a device's address space that is kept for the hook: where it is, and what is said when there is
 * none. No device is needed for that.
 */
#include <errno.h>
#include <string.h>

#include "macros.h"
#include "test.h"
#include "vfio.h"
#include "vfio_internal.h"

#define MIB	(UINT64_C(1) << 20)
#define GIB	(UINT64_C(1) << 30)

/* As VT-d has it on a small computer. */
static const struct iova_range wide[] = { { 0, (UINT64_C(1) << 39) - 1 } };
static const struct iova_range narrow[] = { { 0, 64 * MIB - 1 } };

static int reserve(const struct iova_range *range, unsigned int bits, uint64_t size, uint64_t *ret,
		   struct why *why)
{
	struct vfio_device dev = { .bdf = "0000:00:05.0", .address_bits = bits };
	int r;

	EXPECT_OK(iova_init(&dev.iova, range, 1, UINT64_MAX >> (64 - bits)));
	r = vfio_window_reserve(&dev, size, ret, why);
	EXPECT_EQ(dev.window_size, r < 0 ? 0 : size);
	iova_done(&dev.iova);
	return r;
}

/* Devices of any width that is large enough have it at the same place, for the hook has one for all. */
static void test_same_place(void)
{
	static const unsigned int bits[] = { 32, 40, 46, 48, 64 };
	uint64_t first, other;

	EXPECT_OK(reserve(wide, bits[0], 512 * MIB, &first, NULL));
	EXPECT_TRUE(first % (512 * MIB) == 0 && first + 512 * MIB <= 4 * GIB);
	for (size_t i = 1; i < ARRAY_SIZE(bits); i++) {
		EXPECT_OK(reserve(wide, bits[i], 512 * MIB, &other, NULL));
		EXPECT_EQ(other, first);
	}
}

/* A device whose addresses are too short is refused: it is said how short, for how much, and what helps. */
static void test_too_narrow(void)
{
	struct why why = {};
	uint64_t at = 1;

	EXPECT_EQ(reserve(wide, 28, 512 * MIB, &at, &why), -ENOSPC);
	EXPECT_EQ(at, 1);
	EXPECT_STR(why.cause, "0000:00:05.0 has addresses of 28 bits, and its IOMMU no free range of "
		   "512 MiB of them for the batches");
	EXPECT_TRUE(strstr(why.remedy, "max-batch=") && strstr(why.remedy, "max-batches="));
	/* What is advised helps. */
	EXPECT_OK(reserve(wide, 28, 64 * MIB, &at, &why));
}

/* The same when it is the IOMMU that has too few. */
static void test_small_iommu(void)
{
	struct why why = {};
	uint64_t at;

	EXPECT_EQ(reserve(narrow, 64, 512 * MIB, &at, &why), -ENOSPC);
	EXPECT_TRUE(strstr(why.cause, "no free range of 512 MiB"));
	EXPECT_OK(reserve(narrow, 64, 32 * MIB, &at, &why));
}

int main(void)
{
	RUN(test_same_place);
	RUN(test_too_narrow);
	RUN(test_small_iommu);
	return 0;
}
