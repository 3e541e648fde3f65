/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cause.h"

#include "../../drivers/migoff-hook/migoff_uapi.h"
#include "ring.h"
#include "test.h"

/* Each cause that the hook reports has a name, the one that was meant for it, and nothing else has. */
static void test_names(void)
{
	for (unsigned int i = 0; i < MIGOFF_CAUSE_NR; i++) {
		EXPECT_TRUE(cause_name(i));
		for (unsigned int j = 0; j < i; j++)
			EXPECT_TRUE(strcmp(cause_name(i), cause_name(j)));
	}
	EXPECT_TRUE(!cause_name(MIGOFF_CAUSE_NR));
	EXPECT_STR(cause_name(MIGOFF_CAUSE_ALREADY), "already-there");
	EXPECT_STR(cause_name(MIGOFF_CAUSE_SMALL), "small");
	EXPECT_STR(cause_name(MIGOFF_CAUSE_MLOCKED), "mlocked");
	EXPECT_STR(cause_name(MIGOFF_CAUSE_SWAPCACHE), "swap-cache");
	EXPECT_STR(cause_name(MIGOFF_CAUSE_SPECIAL), "special");
	EXPECT_STR(cause_name(MIGOFF_CAUSE_VERIFY), "verify");
}

/* Results have room for all of them. */
_Static_assert((int)MIGOFF_CAUSE_NR <= RING_N_CAUSES, "ring.h counts by cause");

int main(void)
{
	RUN(test_names);
	return 0;
}
