/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of SDXI starts and stops as the specification, as far as it could be read, says.
 */
#include "sdxi_stand.h"
#include "test.h"

/* A soft stop waits for what goes on, a hard one gives it up; DSC_SYNC tells when it is over. */
static void test_stop_context(void)
{
	union sdxi_desc d;
	struct stand b;

	sdxi_open_active(&b, "sdxi,hang=1");
	sdxi_post_copies(&b, 0, 2);
	sdxi_wait(&b, 1, 1, false);
	d = sdxi_command(SDXI_OP_CXT_STOP, 1, 3);
	sdxi_enqueue(&b, 0, &d);
	d = sdxi_command(SDXI_OP_SYNC, 1, 4);
	d.admin.cflags = SDXI_FLT_STOP;
	sdxi_post(&b, 0, &d);
	sdxi_wait(&b, 0, 3, false);
	sdxi_wait_sts(&b, 1, SDXI_CXT_STOPG_SW);
	EXPECT_EQ(sdxi_cst(&b, 0, 4)->signal, 1);
	/* Context 0 waits as well: only the function can do something about it. */
	sdxi_ask(&b, SDXI_GSR_STOP_HD);
	sdxi_wait_state(&b, SDXI_STOP);
	EXPECT_EQ(sdxi_cst(&b, 1, 0)->signal, 1);
	EXPECT_EQ(sdxi_cst(&b, 0, 4)->signal, 1);
	stand_close(&b, 0);

	sdxi_open_active(&b, "sdxi,hang=1");
	sdxi_post_copies(&b, 0, 2);
	sdxi_wait(&b, 1, 1, false);
	sdxi_stop(&b, 1, true);
	EXPECT_EQ(sdxi_sts(&b, 1)->state, SDXI_CXT_STOP_SW);
	EXPECT_EQ(sdxi_cst(&b, 1, 0)->signal, 1);
	stand_close(&b, 0);
}

/* So does the function: from soft to hard, and from there to its end. */
static void test_stop_function(void)
{
	struct stand b;

	sdxi_open_active(&b, "sdxi,hang=1");
	sdxi_post_copies(&b, 0, 1);
	sdxi_wait_descriptors(&b, 1);
	sdxi_ask(&b, SDXI_GSR_STOP_SF);
	sdxi_wait_sts(&b, 0, SDXI_CXT_STOP_FN);
	sdxi_wait_sts(&b, 1, SDXI_CXT_STOPG_FN);
	EXPECT_EQ(sdxi_get(&b, SDXI_STS0), SDXI_STOPG_SF);
	EXPECT_EQ(sdxi_get(&b, SDXI_STS0), SDXI_STOPG_SF);
	sdxi_ask(&b, SDXI_GSR_STOP_HD);
	sdxi_wait_state(&b, SDXI_STOP);
	EXPECT_EQ(sdxi_sts(&b, 1)->state, SDXI_CXT_STOP_FN);
	/* What is asked for besides activation is ignored then. */
	sdxi_ask(&b, SDXI_GSR_RESET);
	EXPECT_EQ(sdxi_get(&b, SDXI_STS0), SDXI_STOP);
	sdxi_set_up(&b, 0);
	sdxi_set_up(&b, 1);
	sdxi_sts(&b, 0)->state = SDXI_CXT_RUN;
	sdxi_ask(&b, SDXI_GSR_ACTIVE);
	sdxi_wait_state(&b, SDXI_ACTIVE);
	sdxi_start(&b, 1);
	sdxi_post_copies(&b, 1, 1);
	sdxi_wait(&b, 1, 1, false);
	EXPECT_EQ(sdxi_cst(&b, 1, 0)->signal, 0);
	stand_close(&b, 0);
}

/* After a soft stop nothing comes any more; after a hard one what was on its way may. */
static void test_late_write(void)
{
	for (int hard = 0; hard < 2; hard++) {
		struct stand b;

		sdxi_open_active(&b, "sdxi");
		sdxi_post_copies(&b, 0, 1);
		stand_poll_memory(&b, SDXI_STS_AT(1) + 8, UINT64_MAX, 1);
		EXPECT_OK(model_order_faults(b.m, "late-write=0"));
		sdxi_ask(&b, hard ? SDXI_GSR_STOP_HD : SDXI_GSR_STOP_SF);
		sdxi_wait_state(&b, SDXI_STOP);
		if (hard)
			sdxi_wait_sts(&b, 1, SDXI_CXT_RUN);
		else
			EXPECT_EQ(sdxi_sts(&b, 1)->state, SDXI_CXT_STOP_FN);
		stand_close(&b, 0);
	}
}

/* A stop that never ends, from which only a reset by PCI helps. */
static void test_never_stops(void)
{
	struct stand b;

	sdxi_open_active(&b, "sdxi,never-reset");
	sdxi_ask(&b, SDXI_GSR_STOP_HD);
	sdxi_wait_sts(&b, 1, SDXI_CXT_STOP_FN);
	for (unsigned int i = 0; i < 100; i++)
		EXPECT_EQ(sdxi_get(&b, SDXI_STS0), SDXI_STOPG_HD);
	model_reset(b.m);
	EXPECT_EQ(sdxi_get(&b, SDXI_STS0), SDXI_STOP);
	EXPECT_EQ(sdxi_get(&b, SDXI_CXT_L2), 0);
	stand_close(&b, 0);
}

/* A context can be started with its doorbell, or by its state and a doorbell: 4.3.4. */
static void test_starts(void)
{
	union sdxi_desc d = sdxi_copy(2, 0);
	struct stand b;

	sdxi_open_active(&b, "sdxi");
	sdxi_enqueue(&b, 2, &d);
	d = sdxi_command(SDXI_OP_CXT_START, 2, 0);
	d.admin.vflags = SDXI_V_HS;
	d.admin.doorbell = 1;
	sdxi_post(&b, 0, &d);
	sdxi_wait(&b, 2, 0, false);
	sdxi_sts(&b, 3)->state = SDXI_CXT_RUN;
	d = sdxi_copy(3, 0);
	sdxi_post(&b, 3, &d);
	sdxi_wait(&b, 3, 0, false);
	stand_close(&b, 0);
}

/* Several at once; structures may change when the function is told. */
static void test_ranges(void)
{
	union sdxi_desc d;
	struct stand b;

	sdxi_open_active(&b, "sdxi");
	d = sdxi_command(SDXI_OP_CXT_START, 2, 0);
	d.admin.last = 3;
	sdxi_post(&b, 0, &d);
	sdxi_wait(&b, 0, 0, false);
	sdxi_l1(&b, 3)->misc = 5 << 20;
	d = sdxi_command(SDXI_OP_CXT_UPD, 3, 1);
	d.admin.cflags = 1;
	sdxi_enqueue(&b, 0, &d);
	d = sdxi_command(SDXI_OP_SYNC, 3, 2);
	sdxi_post(&b, 0, &d);
	sdxi_wait(&b, 0, 2, false);
	d = sdxi_copy(3, 0);
	sdxi_post(&b, 3, &d);
	sdxi_wait(&b, 3, 0, false);
	stand_close(&b, 0);
}

/* Faults are of copies, unless it is ordered otherwise. */
static void test_all_faults(void)
{
	union sdxi_desc d;
	struct stand b;

	sdxi_open_active(&b, "sdxi,hang=1");
	d = (union sdxi_desc) { .intr = {
		.opcode = SDXI_OP_INTR, .akey = 1, .csb = SDXI_DSC_NP,
	} };
	sdxi_post(&b, 1, &d);
	EXPECT_EQ(stand_interrupts(&b, 1), 1);
	EXPECT_EQ(stand_descriptors(&b), 0);
	stand_close(&b, 0);

	sdxi_open_active(&b, "sdxi,all-faults");
	EXPECT_EQ(stand_descriptors(&b), 1);
	EXPECT_OK(model_order_faults(b.m, "hang=1"));
	d = sdxi_command(SDXI_OP_CXT_START, 2, 3);
	sdxi_post(&b, 0, &d);
	sdxi_wait_descriptors(&b, 2);
	sdxi_ask(&b, SDXI_GSR_STOP_HD);
	sdxi_wait_state(&b, SDXI_STOP);
	EXPECT_EQ(sdxi_cst(&b, 0, 3)->signal, 1);
	stand_close(&b, 0);
}

/* A former owner's function is active where nothing is mapped; it can be stopped without DMA. */
static void test_stale(void)
{
	struct stand b;

	stand_open(&b, "sdxi");
	stand_bus_master(&b, false);
	EXPECT_OK(model_order_faults(b.m, "stale"));
	EXPECT_EQ(sdxi_get(&b, SDXI_STS0), SDXI_ACTIVE);
	EXPECT_EQ(sdxi_get(&b, SDXI_ERR_STS) & 3, 3);
	sdxi_ask(&b, SDXI_GSR_STOP_SF);
	sdxi_wait_state(&b, SDXI_STOP);
	stand_bus_master(&b, true);
	EXPECT_EQ(sdxi_get(&b, SDXI_ERR_CFG) & 1, 1);
	stand_close(&b, 0);

	/* Whoever makes it bus master first gets what it deserves. */
	stand_open(&b, "sdxi,stale");
	stand_poll_broken(&b, 2, "error log is not mapped");
	stand_close(&b, 2);
}

/* Active, and will hang; the page at SDXI_DST is mapped by itself. */
static void open_in_pieces(struct stand *b)
{
	sdxi_open_stopped(b, "sdxi,hang=1");
	EXPECT_EQ(model_unmap(b->m, STAND_IOVA, STAND_SIZE), 1);
	EXPECT_OK(model_map(b->m, STAND_IOVA, b->mem, SDXI_DST, true));
	EXPECT_OK(model_map(b->m, STAND_AT(SDXI_DST), b->mem + SDXI_DST, 4096, true));
	sdxi_ask(b, SDXI_GSR_ACTIVE);
	sdxi_wait_state(b, SDXI_ACTIVE);
	sdxi_start(b, 1);
}

/* Memory is the function's until it has stopped, and nobody's business after that. */
static void test_unmap(void)
{
	union sdxi_desc d = sdxi_copy(1, 0);
	struct stand b;

	sdxi_open_active(&b, "sdxi");
	sdxi_ask(&b, SDXI_GSR_STOP_SF);
	sdxi_wait_state(&b, SDXI_STOP);
	EXPECT_EQ(model_unmap(b.m, STAND_IOVA, STAND_SIZE), 1);
	stand_close(&b, 0);

	sdxi_open_active(&b, "sdxi");
	stand_bus_master(&b, false);
	EXPECT_EQ(model_unmap(b.m, STAND_IOVA, STAND_SIZE), 1);
	stand_close(&b, 0);

	/* Data are no business of the function's. */
	open_in_pieces(&b);
	sdxi_post_copies(&b, 0, 1);
	sdxi_wait_descriptors(&b, 1);
	EXPECT_EQ(model_unmap(b.m, STAND_AT(SDXI_DST), 4096), 1);
	stand_close(&b, 0);

	/* What it tells is. */
	open_in_pieces(&b);
	d.csb = STAND_AT(SDXI_DST);
	d.copy.addr[1] = STAND_AT(SDXI_SRC + 0x10000);
	sdxi_post(&b, 1, &d);
	sdxi_wait_descriptors(&b, 1);
	EXPECT_EQ(model_unmap(b.m, STAND_AT(SDXI_DST), 4096), 1);
	stand_close(&b, 1);
}

/* Bus mastership can be taken away at any time. */
static void test_no_master(void)
{
	struct stand b;

	sdxi_open_active(&b, "sdxi,ns-per-descriptor=300000000");
	sdxi_post_copies(&b, 0, 2);
	sdxi_wait_descriptors(&b, 2);
	stand_bus_master(&b, false);
	sdxi_ask(&b, SDXI_GSR_STOP_SF);
	sdxi_wait_state(&b, SDXI_STOP);
	stand_close(&b, 0);
}

/* And so can the device. */
static void test_unplug(void)
{
	struct stand b;

	sdxi_open_active(&b, "sdxi,ns-per-descriptor=1000000,unplug=6");
	sdxi_post_copies(&b, 0, 16);
	stand_poll(&b, 0, SDXI_STS0, 8, UINT64_MAX, UINT64_MAX);
	sdxi_ring(&b, 1);
	EXPECT_EQ(sdxi_cst(&b, 1, 15)->signal, 1);
	EXPECT_EQ(model_unmap(b.m, STAND_IOVA, STAND_SIZE), 1);
	stand_close(&b, 0);
}

static void test_absurd(void)
{
	struct stand b;

	stand_open(&b, "sdxi,absurd-ring=31,absurd-contexts=0,absurd-transfer=15,absurd-stride=7,"
		   "absurd-akeys=15,absurd-errlog=0,absurd-version=0");
	EXPECT_EQ(sdxi_get(&b, SDXI_CAP0), SDXI_SFUNC | 7 << 20 | 31 << 24);
	EXPECT_EQ(sdxi_get(&b, SDXI_CAP1) & 0xffffffff, 0xf04f);
	EXPECT_EQ(sdxi_get(&b, SDXI_VERSION), 0);
	EXPECT_EQ(model_pci(b.m)->bar_size[2], 8 << 19);
	stand_close(&b, 0);
}

int main(void)
{
	RUN(test_stop_context);
	RUN(test_stop_function);
	RUN(test_late_write);
	RUN(test_never_stops);
	RUN(test_starts);
	RUN(test_ranges);
	RUN(test_all_faults);
	RUN(test_stale);
	RUN(test_unmap);
	RUN(test_no_master);
	RUN(test_unplug);
	RUN(test_absurd);
	return 0;
}
