/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of SDXI does what the specification says that a function does.
 */
#include "macros.h"
#include "sdxi_stand.h"
#include "test.h"

/* It says what it has, and copies by the recipe. */
static void test_recipe(void)
{
	union sdxi_desc d = sdxi_copy(1, 0);
	struct stand b;

	sdxi_open_active(&b, "sdxi");
	EXPECT_EQ(model_pci(b.m)->class_code, 0x120100);
	EXPECT_EQ(sdxi_get(&b, SDXI_VERSION), 1 << 16);
	EXPECT_EQ(sdxi_get(&b, SDXI_CAP1) >> 16 & 0xffff, 4);
	EXPECT_EQ(sdxi_sts(&b, 1)->state, SDXI_CXT_RUN);
	sdxi_post(&b, 1, &d);
	sdxi_wait(&b, 1, 0, false);
	EXPECT_TRUE(stand_filled(&b, SDXI_DST, 4096, 7));
	stand_poll_memory(&b, SDXI_STS_AT(1) + 8, UINT64_MAX, 1);
	sdxi_stop(&b, 1, false);
	EXPECT_EQ(sdxi_sts(&b, 1)->state, SDXI_CXT_STOP_SW);
	sdxi_ask(&b, SDXI_GSR_STOP_SF);
	sdxi_wait_state(&b, SDXI_STOP);
	EXPECT_EQ(sdxi_sts(&b, 0)->state, SDXI_CXT_STOP_FN);
	stand_close(&b, 0);
}

int main(void)
{
	RUN(test_recipe);
	return 0;
}
