/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of DSA does what the facts say that the hardware does.
 */
#include "dsa_stand.h"
#include "macros.h"
#include "test.h"

/* Each device says what it has, and copies by the recipe. */
static void test_recipe(void)
{
	static const char *const specs[] = { "dsa", "dsa,id=11fb" };

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct dsa_desc d = dsa_copy(0);
		struct stand b;

		dsa_open_enabled(&b, specs[i], 1);
		EXPECT_EQ(dsa_get(&b, DSA_VERSION, 4), i ? 0x200 : 0x100);
		EXPECT_EQ(model_pci(b.m)->device, i ? 0x11fb : 0x0b25);
		EXPECT_EQ(dsa_get(&b, DSA_WQCAP, 8) & 0xffff, DSA_WQ_ENTRIES);
		EXPECT_EQ(dsa_get(&b, DSA_OPCAP, 8), 0xf);
		EXPECT_EQ(dsa_get(&b, DSA_OFFSETS, 8), 0x4 | 0x8 << 16 | 0xcull << 32);
		dsa_post(&b, 0, &d);
		dsa_wait_record(&b, 0, DSA_OK);
		EXPECT_TRUE(stand_filled(&b, DSA_DST, 4096, 7));
		stand_close(&b, 0);
	}
}

/* A batch is copied, told of once, and counted. */
static void test_batch(void)
{
	struct dsa_desc d;
	struct stand b;

	dsa_open_enabled(&b, "dsa", 0xf);
	d = dsa_batch(&b, 64, 63);
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 63, DSA_OK);
	EXPECT_EQ(dsa_record(&b, 63)->done, 64);
	EXPECT_EQ(dsa_record(&b, 0)->status, 0);
	EXPECT_TRUE(stand_filled(&b, DSA_DST, 64 * 4096, 7));
	EXPECT_EQ(stand_descriptors(&b), 65);
	stand_close(&b, 0);
}

/* One of a batch fails: it alone says so, with how far it came and where; the others are copied. */
static void test_batch_failure(void)
{
	struct dsa_desc d;
	struct stand b;

	dsa_open_enabled(&b, "dsa", 3);
	d = dsa_batch(&b, 5, 9);
	dsa_in_list(&b, 2)->dst = STAND_IOVA + STAND_SIZE - 1024;
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 9, DSA_BATCH_FAILED);
	EXPECT_EQ(dsa_record(&b, 9)->done, 5);
	EXPECT_EQ(dsa_record(&b, 2)->status, DSA_PAGE_FAULT | DSA_WAS_WRITE);
	EXPECT_EQ(dsa_record(&b, 2)->done, 1024);
	EXPECT_EQ(dsa_record(&b, 2)->fault_addr, STAND_IOVA + STAND_SIZE);
	EXPECT_EQ(dsa_record(&b, 3)->status, 0);
	EXPECT_EQ(b.mem[DSA_DST + 4 * 4096], b.mem[DSA_SRC + 4 * 4096]);
	stand_close(&b, 0);
}

/* What comes after a fence is not begun when something before it has failed. */
static void test_fence(void)
{
	struct dsa_desc d;
	struct stand b;

	dsa_open_enabled(&b, "dsa,ns-per-descriptor=100000", 0xf);
	d = dsa_batch(&b, 6, 9);
	dsa_in_list(&b, 1)->src = STAND_NOWHERE;
	dsa_in_list(&b, 4)->op_flags |= DSA_FLAG_FENCE;
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 9, DSA_BATCH_FAILED);
	EXPECT_EQ(dsa_record(&b, 9)->done, 4);
	EXPECT_EQ(dsa_record(&b, 1)->status, DSA_PAGE_FAULT);
	EXPECT_TRUE(!b.mem[DSA_DST + 4 * 4096 + 1] && !b.mem[DSA_DST + 5 * 4096 + 1]);
	stand_close(&b, 0);
}

/* A list that ends where nothing is mapped. */
static void test_batch_fault(void)
{
	struct dsa_desc d;
	struct stand b;

	dsa_open_enabled(&b, "dsa", 3);
	d = dsa_batch(&b, 2, 9);
	d.src = STAND_AT(STAND_SIZE - 128);
	d.size = 4;
	memcpy(b.mem + STAND_SIZE - 128, dsa_in_list(&b, 0), 128);
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 9, DSA_BATCH_FAULT);
	EXPECT_EQ(dsa_record(&b, 9)->done, 2);
	EXPECT_EQ(dsa_record(&b, 9)->fault_addr, STAND_AT(STAND_SIZE));
	stand_close(&b, 0);
}

/* Several queues in several groups work by themselves. */
static void test_queues(void)
{
	struct dsa_desc d;
	struct stand b;

	stand_open(&b, "dsa,wqs=4,engines=2,groups=2");
	EXPECT_EQ(dsa_get(&b, DSA_WQCAP, 8) >> 16 & 0xff, 4);
	EXPECT_EQ(dsa_get(&b, DSA_ENGCAP, 8), 2);
	EXPECT_EQ(dsa_get(&b, DSA_GRPCAP, 8) & 0xff, 2);
	dsa_configure(&b, 0x1, 0x1);
	dsa_put(&b, DSA_GRPCFG + 64, 8, 0x6);
	dsa_put(&b, DSA_GRPCFG + 96, 8, 0x2);
	dsa_put(&b, DSA_GRPCFG + 104, 8, 0x9);
	dsa_configure_queue(&b, 1, 4);
	dsa_configure_queue(&b, 2, 4);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ENABLE, 0)), 0);
	stand_fill(&b, DSA_SRC, 3 * 4096, 7);
	for (unsigned int i = 0; i < 3; i++) {
		EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ENABLE_WQ, i)), 0);
		d = dsa_copy(i);
		dsa_post(&b, i, &d);
		dsa_wait_record(&b, i, DSA_OK);
	}
	EXPECT_TRUE(stand_filled(&b, DSA_DST, 3 * 4096, 7));
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_DISABLE_WQ, 0x6)), 0);
	EXPECT_TRUE(!(dsa_get(&b, dsa_wqcfg(&b, 2, 6), 4) & DSA_WQ_STATE_ENABLED));
	EXPECT_TRUE(dsa_get(&b, dsa_wqcfg(&b, 0, 6), 4) & DSA_WQ_STATE_ENABLED);
	stand_close(&b, 0);
}

/* Commands tell by vector 0; a completion by the vector that it names, or by its handle. */
static void test_interrupts(void)
{
	static const char *const specs[] = { "dsa", "dsa,id=11fb" };

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct dsa_desc d = dsa_copy(0);
		struct stand b;

		dsa_open_enabled(&b, specs[i], 1);
		EXPECT_TRUE(!stand_interrupted(&b, 0));
		d.op_flags |= DSA_FLAG_INTERRUPT;
		d.handle = 2;
		if (i > 0) {
			EXPECT_TRUE(dsa_get(&b, DSA_CMDCAP, 4) >> DSA_CMD_REQUEST_HANDLE & 1);
			dsa_put(&b, DSA_CMD, 4,
				DSA_COMMAND(DSA_CMD_REQUEST_HANDLE, 2) | DSA_CMD_INT);
			EXPECT_EQ(stand_interrupts(&b, 0), 1);
			EXPECT_EQ(dsa_get(&b, DSA_INTCAUSE, 4), DSA_INTC_CMD);
			dsa_put(&b, DSA_INTCAUSE, 4, DSA_INTC_CMD);
			EXPECT_EQ(dsa_get(&b, DSA_INTCAUSE, 4), 0);
			d.handle = (uint16_t)(dsa_get(&b, DSA_CMDSTS, 4) >> 8);
		}
		dsa_post(&b, 0, &d);
		EXPECT_EQ(stand_interrupts(&b, 2), 1);
		EXPECT_EQ(dsa_record(&b, 0)->status, DSA_OK);
		stand_close(&b, 0);
	}
}

/* An error that no record tells of is in SWERR, and so is that there was another one. */
static void test_swerr(void)
{
	struct dsa_desc d = dsa_copy(0);
	struct stand b;

	dsa_open_enabled(&b, "dsa", 1);
	d.op_flags = (uint32_t)DSA_OP_MEMMOVE << 24;
	d.src = STAND_NOWHERE;
	dsa_post(&b, 0, &d);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(dsa_get(&b, DSA_INTCAUSE, 4), DSA_INTC_ERR);
	EXPECT_EQ(dsa_get(&b, DSA_SWERR, 8), 0x30000030d);
	EXPECT_EQ(dsa_get(&b, DSA_SWERR + 16, 8), STAND_NOWHERE);
	dsa_post(&b, 0, &d);
	stand_poll(&b, 0, DSA_SWERR, 8, DSA_SWERR_OVERFLOW, DSA_SWERR_OVERFLOW);
	dsa_put(&b, DSA_SWERR, 8, DSA_SWERR_VALID | DSA_SWERR_OVERFLOW);
	EXPECT_EQ(dsa_get(&b, DSA_SWERR, 8) & 3, 0);
	stand_close(&b, 0);
}

/* What is ordered to fail says with which code; a halt ends all, and says how it is to be ended. */
static void test_errors(void)
{
	struct dsa_desc d = dsa_copy(0);
	struct stand b;

	dsa_open_enabled(&b, "dsa,error=1", 1);
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 0, DSA_HARDWARE);
	EXPECT_OK(model_order_faults(b.m, "error,error-code=0x1f"));
	d = dsa_copy(1);
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 1, 0x1f);
	EXPECT_OK(model_order_faults(b.m, "error,error-code=0x100"));
	d = dsa_copy(2);
	dsa_post(&b, 0, &d);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(dsa_get(&b, DSA_INTCAUSE, 4), DSA_INTC_HALT);
	EXPECT_EQ(dsa_get(&b, DSA_GENSTS, 4), DSA_HALTED);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ENABLE_WQ, 0)), DSA_ERR_HARDWARE);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_RESET, 0)), 0);
	EXPECT_EQ(dsa_get(&b, DSA_GENSTS, 4), DSA_DISABLED);
	EXPECT_EQ(dsa_get(&b, dsa_wqcfg(&b, 0, 0), 4), 0);
	stand_close(&b, 0);
}

static void test_halt_for_flr(void)
{
	struct dsa_desc d = dsa_copy(0);
	struct stand b;

	dsa_open_enabled(&b, "dsa,error=1,error-code=0x101", 1);
	dsa_post(&b, 0, &d);
	stand_poll(&b, 0, DSA_GENSTS, 4, ~0u, DSA_HALTED | DSA_RESET_FLR << 2);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_RESET, 0)), DSA_ERR_HARDWARE);
	model_reset(b.m);
	EXPECT_EQ(dsa_get(&b, DSA_GENSTS, 4), DSA_DISABLED);
	stand_close(&b, 0);
}

/* A drain waits, an abort does not; what hangs is neither told of nor counted after it. */
static void test_hang(void)
{
	struct dsa_desc d = dsa_copy(0);
	struct stand b;

	dsa_open_enabled(&b, "dsa,hang=1", 1);
	dsa_post(&b, 0, &d);
	while (stand_descriptors(&b) < 1)
		;
	dsa_put(&b, DSA_CMD, 4, DSA_COMMAND(DSA_CMD_ABORT_WQ, 1));
	stand_poll(&b, 0, DSA_CMDSTS, 4, ~0u, 0);
	EXPECT_EQ(dsa_record(&b, 0)->status, 0);
	d = dsa_batch(&b, 4, 9);
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 9, DSA_OK);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_DRAIN_WQ, 1)), 0);
	EXPECT_OK(model_order_faults(b.m, "hang=2"));
	d = dsa_batch(&b, 4, 10);
	dsa_post(&b, 0, &d);
	while (stand_descriptors(&b) < 8)
		;
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_RESET_WQ, 1)), 0);
	EXPECT_EQ(dsa_record(&b, 10)->status, 0);
	EXPECT_EQ(dsa_get(&b, dsa_wqcfg(&b, 0, 0), 4), 16);
	EXPECT_EQ(dsa_get(&b, dsa_wqcfg(&b, 0, 2), 4), 0);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_DISABLE, 0)), 0);
	EXPECT_EQ(dsa_get(&b, DSA_GENSTS, 4), DSA_DISABLED);
	stand_close(&b, 0);
}

/* A reset brings an engine that hangs to rest, and forgets all. */
static void test_reset_at_work(void)
{
	struct dsa_desc d;
	struct stand b;

	dsa_open_enabled(&b, "dsa,hang=3", 1);
	d = dsa_batch(&b, 8, 9);
	dsa_post(&b, 0, &d);
	while (stand_descriptors(&b) < 3)
		;
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_RESET, 0)), 0);
	dsa_configure(&b, 1, 1);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ENABLE, 0)), 0);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ENABLE_WQ, 0)), 0);
	d = dsa_batch(&b, 8, 10);
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 10, DSA_OK);
	EXPECT_EQ(dsa_record(&b, 9)->status, 0);
	stand_close(&b, 0);
}

/* A drain descriptor is done after what came before it in its queue, though engines are free. */
static void test_drain(void)
{
	struct dsa_desc d = dsa_copy(0);
	struct stand b;

	dsa_open_enabled(&b, "dsa,ns-per-kib=5000000", 0xf);
	dsa_post(&b, 0, &d);
	d = (struct dsa_desc) {
		.op_flags = DSA_OP_DRAIN << 24 | DSA_COPY_FLAGS,
		.record = STAND_AT(DSA_RECORD_AT(1)),
	};
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 1, DSA_OK);
	EXPECT_EQ(dsa_record(&b, 0)->status, DSA_OK);
	stand_close(&b, 0);
}

/* What a test orders of completions. */
static void test_orders(void)
{
	struct dsa_desc d;
	struct stand b;

	dsa_open_enabled(&b, "dsa,lose-completion=1,twice=2,senseless=4,unsubmitted=5", 1);
	for (unsigned int i = 0; i < 2; i++) {
		d = dsa_copy(i);
		dsa_post(&b, 0, &d);
	}
	dsa_wait_record(&b, 1, DSA_OK);
	EXPECT_EQ(dsa_record(&b, 0)->status, 0);
	dsa_record(&b, 1)->status = 0;
	for (unsigned int i = 2; i < 5; i++) {
		d = dsa_copy(i);
		dsa_post(&b, 0, &d);
		dsa_wait_record(&b, i, i == 3 ? DSA_SENSELESS : DSA_OK);
	}
	dsa_wait_record(&b, 1, DSA_OK);
	stand_poll_memory(&b, DSA_RECORD_AT(4) + 32, 0xff, DSA_OK);
	stand_close(&b, 0);
}

/* Of one engine's work one that is late is told of after the next one. */
static void test_late(void)
{
	struct dsa_desc d;
	struct stand b;

	dsa_open_enabled(&b, "dsa,late=2,hang=3", 1);
	d = dsa_batch(&b, 2, 9);
	dsa_in_list(&b, 0)->op_flags |= DSA_FLAG_RECORD;
	dsa_post(&b, 0, &d);
	while (stand_descriptors(&b) < 3)
		;
	EXPECT_EQ(dsa_record(&b, 0)->status, 0);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ABORT_ALL, 0)), 0);
	EXPECT_EQ(dsa_record(&b, 0)->status, DSA_OK);
	EXPECT_EQ(dsa_record(&b, 1)->status, 0);
	/* Alone it is not kept back for ever. */
	EXPECT_OK(model_order_faults(b.m, "late=1"));
	d = dsa_copy(2);
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 2, DSA_OK);
	stand_close(&b, 0);
}

/* A former owner's queue is at work where nothing is mapped; a reset brings it to rest. */
static void test_stale(void)
{
	struct dsa_desc d = dsa_copy(0);
	struct stand b;

	stand_open(&b, "dsa");
	stand_bus_master(&b, false);
	EXPECT_OK(model_order_faults(b.m, "stale"));
	EXPECT_EQ(dsa_get(&b, DSA_GENSTS, 4), DSA_ENABLED);
	EXPECT_EQ(dsa_get(&b, DSA_SWERR, 8) & 3, 3);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_RESET, 0)), 0);
	stand_bus_master(&b, true);
	dsa_configure(&b, 1, 1);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ENABLE, 0)), 0);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ENABLE_WQ, 0)), 0);
	dsa_post(&b, 0, &d);
	dsa_wait_record(&b, 0, DSA_OK);
	EXPECT_EQ(dsa_get(&b, DSA_SWERR, 8), 0);
	stand_close(&b, 0);
}

/* What firmware has set up is there after a reset, and is not for software to change. */
static void test_fixed(void)
{
	struct stand b;

	stand_open(&b, "dsa,fixed=dedicated,engines=2");
	EXPECT_EQ(dsa_get(&b, DSA_GENCAP, 8) >> 31 & 1, 0);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_RESET, 0)), 0);
	EXPECT_EQ(dsa_get(&b, DSA_GRPCFG + 32, 8), 3);
	EXPECT_EQ(dsa_get(&b, dsa_wqcfg(&b, 0, 2), 4) & DSA_WQ_DEDICATED, DSA_WQ_DEDICATED);
	dsa_put(&b, dsa_wqcfg(&b, 0, 0), 4, 1);
	EXPECT_EQ(dsa_get(&b, dsa_wqcfg(&b, 0, 0), 4), 32);
	stand_close(&b, 1);
}

static void test_absurd(void)
{
	struct stand b;

	stand_open(&b, "dsa,absurd-ring=0,absurd-transfer=0,absurd-batch=15,absurd-engines=0");
	EXPECT_EQ(dsa_get(&b, DSA_WQCAP, 8) & 0xffff, 0);
	EXPECT_EQ(dsa_get(&b, DSA_GENCAP, 8) >> 16 & 0x1f, 0);
	EXPECT_EQ(dsa_get(&b, DSA_GENCAP, 8) >> 21 & 0xf, 15);
	EXPECT_EQ(dsa_get(&b, DSA_ENGCAP, 8), 0);
	stand_close(&b, 0);
}

int main(void)
{
	RUN(test_recipe);
	RUN(test_batch);
	RUN(test_batch_failure);
	RUN(test_fence);
	RUN(test_batch_fault);
	RUN(test_queues);
	RUN(test_interrupts);
	RUN(test_swerr);
	RUN(test_errors);
	RUN(test_halt_for_flr);
	RUN(test_hang);
	RUN(test_reset_at_work);
	RUN(test_drain);
	RUN(test_orders);
	RUN(test_late);
	RUN(test_stale);
	RUN(test_fixed);
	RUN(test_absurd);
	return 0;
}
