/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of SDXI does what the specification, as far as it could be read, says of descriptors.
 */
#include "macros.h"
#include "sdxi_stand.h"
#include "test.h"

static uint64_t read_index(struct stand *b, unsigned int n)
{
	return __atomic_load_n(&sdxi_sts(b, n)->read_index, __ATOMIC_ACQUIRE);
}

static union sdxi_desc interrupt(bool fence)
{
	return (union sdxi_desc) { .intr = {
		.opcode = SDXI_OP_INTR | (fence ? SDXI_DSC_FE : 0), .akey = 1, .csb = SDXI_DSC_NP,
	} };
}

/* It says what it has, and copies by the recipe. */
static void test_recipe(void)
{
	union sdxi_desc d = sdxi_copy(1, 0);
	struct stand b;

	sdxi_open_active(&b, "sdxi");
	EXPECT_EQ(model_pci(b.m)->class_code, 0x120100);
	EXPECT_EQ(sdxi_get(&b, SDXI_VERSION), 1 << 16);
	EXPECT_EQ(sdxi_get(&b, SDXI_CAP0) >> 20 & 7, 0);
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
	EXPECT_EQ(sdxi_get(&b, SDXI_ERR_WRT), 0);
	stand_close(&b, 0);
}

/* Three times round the ring; a slot comes back without its valid bit, or with it. */
static void test_ring(void)
{
	static const char *const specs[] = {
		"sdxi", "sdxi,eager", "sdxi,early-read", "sdxi,keeps-vl,engines=1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		const union sdxi_desc *slot;
		struct stand b;

		sdxi_open_active(&b, specs[i]);
		for (unsigned int done = 0; done < 3 * SDXI_RING_MIN; done += 64) {
			sdxi_post_copies(&b, 0, 64);
			stand_poll_memory(&b, SDXI_STS_AT(1) + 8, UINT64_MAX, done + 64);
			for (unsigned int j = 0; j < 64; j++)
				sdxi_wait(&b, 1, j, false);
		}
		EXPECT_TRUE(stand_filled(&b, SDXI_DST, 64 * 4096, 7));
		slot = (const union sdxi_desc *)(b.mem + SDXI_RING_AT(1));
		EXPECT_EQ(slot->opcode & SDXI_DSC_VL, i == 3);
		stand_close(&b, 0);
	}
}

/* Descriptors of one context are done side by side: one that takes long is overtaken. */
static void test_out_of_order(void)
{
	struct stand b;

	sdxi_open_active(&b, "sdxi,hang=1");
	sdxi_post_copies(&b, 0, 4);
	for (unsigned int i = 1; i < 4; i++)
		sdxi_wait(&b, 1, i, false);
	EXPECT_EQ(sdxi_cst(&b, 1, 0)->signal, 1);
	EXPECT_EQ(read_index(&b, 1), 0);
	stand_close(&b, 0);

	/* And Read_Index need not say what is done. */
	sdxi_open_active(&b, "sdxi,hang=1,early-read");
	sdxi_post_copies(&b, 0, 4);
	stand_poll_memory(&b, SDXI_STS_AT(1) + 8, UINT64_MAX, 4);
	EXPECT_EQ(sdxi_cst(&b, 1, 0)->signal, 1);
	stand_close(&b, 0);
}

/* With one engine they are done in order, unless it is ordered otherwise. */
static void test_late(void)
{
	struct stand b;

	sdxi_open_active(&b, "sdxi,engines=1,late=2,hang=4");
	sdxi_post_copies(&b, 0, 4);
	sdxi_wait(&b, 1, 2, false);
	sdxi_wait(&b, 1, 1, false);
	EXPECT_EQ(sdxi_cst(&b, 1, 3)->signal, 1);
	sdxi_stop(&b, 1, true);
	/* Alone it is not kept back for ever. */
	sdxi_set_up(&b, 1);
	EXPECT_OK(model_order_faults(b.m, "none,late=1"));
	sdxi_start(&b, 1);
	sdxi_post_copies(&b, 0, 1);
	sdxi_wait(&b, 1, 0, false);
	stand_close(&b, 0);
}

/* Nothing behind a fence is begun before all before it is done. */
static void test_fence(void)
{
	union sdxi_desc d = sdxi_copy(1, 2);
	struct stand b;

	sdxi_open_active(&b, "sdxi,hang=1");
	sdxi_post_copies(&b, 0, 2);
	d.opcode |= SDXI_DSC_FE;
	sdxi_post(&b, 1, &d);
	sdxi_post_copies(&b, 3, 2);
	sdxi_wait(&b, 1, 1, false);
	/* Another context has its turn meanwhile. */
	sdxi_start(&b, 2);
	d = sdxi_copy(2, 5);
	sdxi_post(&b, 2, &d);
	sdxi_wait(&b, 2, 5, false);
	EXPECT_EQ(stand_descriptors(&b), 3);
	sdxi_stop(&b, 1, true);
	EXPECT_EQ(stand_descriptors(&b), 3);
	EXPECT_EQ(b.mem[SDXI_DST + 2 * 4096 + 1], 0);
	EXPECT_EQ(read_index(&b, 1), 0);
	stand_close(&b, 0);
}

/* The vector is that of the AKey; behind a fence it tells of what is done. */
static void test_interrupts(void)
{
	union sdxi_desc d;
	struct stand b;

	sdxi_open_active(&b, "sdxi,ns-per-kib=100000");
	sdxi_post_copies(&b, 0, 1);
	d = interrupt(true);
	sdxi_post(&b, 1, &d);
	EXPECT_EQ(stand_interrupts(&b, 1), 1);
	EXPECT_EQ(sdxi_cst(&b, 1, 0)->signal, 0);
	EXPECT_TRUE(!stand_interrupted(&b, 0) && !stand_interrupted(&b, 2));
	/* Without one it may come before. */
	EXPECT_OK(model_order_faults(b.m, "hang=1"));
	sdxi_post_copies(&b, 1, 1);
	d = interrupt(false);
	sdxi_post(&b, 1, &d);
	EXPECT_EQ(stand_interrupts(&b, 1), 1);
	EXPECT_EQ(sdxi_cst(&b, 1, 1)->signal, 1);
	stand_close(&b, 0);
}

/* One completion can be for several, and none for one. */
static void test_shared_completion(void)
{
	union sdxi_desc d;
	struct stand b;

	/* What has none is done before what comes behind it. */
	sdxi_open_active(&b, "sdxi,engines=1");
	d = sdxi_copy(1, 1);
	d.csb = SDXI_DSC_NP;
	sdxi_enqueue(&b, 1, &d);
	d = sdxi_copy(1, 2);
	sdxi_enqueue(&b, 1, &d);
	d = sdxi_copy(1, 3);
	d.csb = STAND_AT(SDXI_CST_AT(1, 2));
	d.copy.addr[0] = STAND_NOWHERE;
	sdxi_enqueue(&b, 1, &d);
	sdxi_cst(&b, 1, 2)->signal = 2;
	sdxi_ring(&b, 1);
	sdxi_wait(&b, 1, 2, true);
	EXPECT_EQ(b.mem[SDXI_DST + 4096 + 1], b.mem[SDXI_SRC + 4096 + 1]);
	stand_close(&b, 0);
}

/* A copy that cannot be made fails, is logged, and its context comes to rest; it can begin anew. */
static void test_fault(void)
{
	union sdxi_desc d = sdxi_copy(1, 1);
	const struct sdxi_log_entry *e;
	struct stand b;

	sdxi_open_active(&b, "sdxi,engines=1");
	sdxi_post_copies(&b, 0, 1);
	d.copy.addr[1] = STAND_AT(STAND_SIZE - 1024);
	sdxi_enqueue(&b, 1, &d);
	sdxi_post_copies(&b, 2, 1);
	sdxi_wait(&b, 1, 1, true);
	sdxi_wait_sts(&b, 1, SDXI_CXT_ERR_FN);
	EXPECT_EQ(sdxi_cst(&b, 1, 0)->signal, 0);
	EXPECT_EQ(sdxi_cst(&b, 1, 2)->signal, 1);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(sdxi_get(&b, SDXI_ERR_STS), SDXI_ERR_STS_STS);
	EXPECT_EQ(sdxi_get(&b, SDXI_ERR_WRT), 1);
	e = sdxi_entry(&b, 0);
	EXPECT_EQ(e->head, 0x7f70001 | SDXI_E_DSC_BUF << 8);
	EXPECT_EQ(e->misc, 0x7 | 1 << 4 | SDXI_E_ATF << 8 | SDXI_RE_CXT << 12);
	EXPECT_EQ(e->cxt, 1);
	EXPECT_EQ(e->index, 1);
	/* Software may not know yet. */
	sdxi_ring(&b, 1);
	EXPECT_EQ(sdxi_get(&b, SDXI_STS0), SDXI_ACTIVE);
	sdxi_set_up(&b, 1);
	sdxi_start(&b, 1);
	sdxi_post_copies(&b, 2, 1);
	sdxi_wait(&b, 1, 2, false);
	stand_close(&b, 0);
}

/* Or it is only told of: the entry says which. */
static void test_fault_lives(void)
{
	union sdxi_desc d = sdxi_copy(1, 0);
	struct stand b;

	sdxi_open_active(&b, "sdxi,lives");
	d.copy.addr[0] = STAND_NOWHERE;
	sdxi_post(&b, 1, &d);
	sdxi_post_copies(&b, 1, 1);
	sdxi_wait(&b, 1, 0, true);
	sdxi_wait(&b, 1, 1, false);
	stand_poll(&b, 0, SDXI_ERR_WRT, 8, UINT64_MAX, 1);
	EXPECT_EQ(sdxi_entry(&b, 0)->misc >> 12, SDXI_RE_INFORM);
	EXPECT_EQ(sdxi_sts(&b, 1)->state, SDXI_CXT_RUN);
	stand_close(&b, 0);
}

/* What is ordered to fail says at which step, and how the function reacts. */
static void test_ordered_errors(void)
{
	struct stand b;

	sdxi_open_active(&b, "sdxi,error=1,error-code=0x107");
	sdxi_post_copies(&b, 0, 1);
	sdxi_wait(&b, 1, 0, true);
	stand_poll(&b, 0, SDXI_ERR_WRT, 8, UINT64_MAX, 1);
	EXPECT_EQ(sdxi_entry(&b, 0)->head, 0x7f70001 | SDXI_E_DSC_GEN << 8);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_OK(model_order_faults(b.m, "error=1,error-code=0x300"));
	sdxi_post_copies(&b, 1, 1);
	sdxi_wait_state(&b, SDXI_ERROR);
	/* MMIO_ERR_STS was up already: this one is by fn_err_intr_en. */
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(sdxi_entry(&b, 1)->misc >> 12, SDXI_RE_FN);
	sdxi_ring(&b, 1);
	sdxi_ask(&b, SDXI_GSR_STOP_SF);
	EXPECT_EQ(sdxi_get(&b, SDXI_STS0), SDXI_ERROR);
	sdxi_ask(&b, SDXI_GSR_RESET);
	sdxi_wait_state(&b, SDXI_STOP);
	EXPECT_EQ(sdxi_get(&b, SDXI_CXT_L2), 0);
	EXPECT_EQ(sdxi_get(&b, SDXI_CTL0), (uint64_t)SDXI_GROUP_ID << 32);
	stand_close(&b, 0);
}

/* What is logged is lost, and told of, when software does not read; so is that nothing can be. */
static void test_log_overflow(void)
{
	union sdxi_desc d;
	struct stand b;

	sdxi_open_active(&b, "sdxi,lives,engines=1,error=1/1");
	for (unsigned int i = 0; i < 66; i++) {
		d = sdxi_copy(1, i);
		sdxi_enqueue(&b, 1, &d);
	}
	sdxi_ring(&b, 1);
	sdxi_wait(&b, 1, 65, true);
	stand_poll(&b, 0, SDXI_ERR_STS, 8, ~UINT64_C(0), SDXI_ERR_STS_STS | SDXI_ERR_STS_OVF);
	EXPECT_EQ(sdxi_get(&b, SDXI_ERR_WRT), 64);
	EXPECT_EQ(sdxi_entry(&b, 63)->index, 63);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	sdxi_put(&b, SDXI_ERR_STS, SDXI_ERR_STS_STS | SDXI_ERR_STS_OVF);
	sdxi_put(&b, SDXI_ERR_RD, 64);
	d = sdxi_copy(1, 0);
	sdxi_post(&b, 1, &d);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(sdxi_entry(&b, 0)->index, 66);
	stand_close(&b, 0);
}

/* One that takes up what is valid before it is told does so; one that is not eager waits. */
static void test_eager(void)
{
	union sdxi_desc d = sdxi_copy(1, 1);
	struct stand b;

	for (unsigned int eager = 0; eager < 2; eager++) {
		sdxi_open_active(&b, eager ? "sdxi,eager,engines=1,hang=1" :
				 "sdxi,engines=1,hang=1");
		sdxi_start(&b, 2);
		sdxi_post_copies(&b, 0, 1);
		sdxi_wait_descriptors(&b, 1);
		sdxi_enqueue(&b, 1, &d);
		EXPECT_OK(model_order_faults(b.m, "none"));
		sdxi_stop(&b, 1, true);
		sdxi_set_up(&b, 1);
		sdxi_start(&b, 1);
		sdxi_enqueue(&b, 1, &d);
		model_bar_write(b.m, 2, 0x1000, 8, 0);
		if (eager)
			sdxi_wait(&b, 1, 1, false);
		else
			EXPECT_EQ(sdxi_cst(&b, 1, 1)->signal, 1);
		stand_close(&b, 0);
	}
}

/* Doorbells may come in another order than they were written in. */
static void test_doorbells(void)
{
	struct stand b;

	sdxi_open_active(&b, "sdxi,engines=1,ns-per-descriptor=10000000");
	sdxi_post_copies(&b, 0, 3);
	model_bar_write(b.m, 2, 0x1000, 8, 1);
	sdxi_wait(&b, 1, 2, false);
	stand_close(&b, 0);
}

/* What a test orders of completions. */
static void test_orders(void)
{
	struct stand b;

	sdxi_open_active(&b, "sdxi,engines=1,lose-completion=1,twice=2,senseless=4,unsubmitted=5");
	sdxi_post_copies(&b, 0, 2);
	sdxi_wait(&b, 1, 1, false);
	EXPECT_EQ(sdxi_cst(&b, 1, 0)->signal, 1);
	sdxi_arm(&b, 1, 1);
	sdxi_post_copies(&b, 2, 1);
	sdxi_wait(&b, 1, 2, false);
	/* Whoever uses it again is told that it is done. */
	sdxi_wait(&b, 1, 1, false);
	sdxi_post_copies(&b, 3, 1);
	stand_poll_memory(&b, SDXI_CST_AT(1, 3), UINT64_MAX, 0);
	EXPECT_TRUE(sdxi_cst(&b, 1, 3)->flags & ~SDXI_CST_ER);
	sdxi_arm(&b, 1, 5);
	sdxi_post_copies(&b, 4, 1);
	sdxi_wait(&b, 1, 4, false);
	stand_poll_memory(&b, SDXI_CST_AT(1, 5), UINT64_MAX, 0);
	stand_close(&b, 0);
}

/* A wrong byte, an interrupt that is lost, and a write that comes after a reset. */
static void test_more_orders(void)
{
	union sdxi_desc d;
	struct stand b;

	sdxi_open_active(&b, "sdxi,wrong-byte=1,lose-interrupt=1");
	sdxi_post_copies(&b, 0, 1);
	sdxi_wait(&b, 1, 0, false);
	EXPECT_TRUE(!stand_filled(&b, SDXI_DST, 4096, 7));
	d = interrupt(true);
	sdxi_post(&b, 1, &d);
	sdxi_post(&b, 1, &d);
	EXPECT_EQ(stand_interrupts(&b, 1), 1);
	EXPECT_TRUE(!stand_interrupted(&b, 1));
	stand_poll_memory(&b, SDXI_STS_AT(1) + 8, UINT64_MAX, 3);
	EXPECT_OK(model_order_faults(b.m, "late-write=0"));
	model_reset(b.m);
	memset(b.mem, 0, SDXI_SRC);
	stand_bus_master(&b, true);
	stand_poll_memory(&b, SDXI_STS_AT(1) + 8, UINT64_MAX, 3);
	stand_close(&b, 0);
}

int main(void)
{
	RUN(test_recipe);
	RUN(test_ring);
	RUN(test_out_of_order);
	RUN(test_late);
	RUN(test_fence);
	RUN(test_interrupts);
	RUN(test_shared_completion);
	RUN(test_fault);
	RUN(test_fault_lives);
	RUN(test_ordered_errors);
	RUN(test_log_overflow);
	RUN(test_eager);
	RUN(test_doorbells);
	RUN(test_orders);
	RUN(test_more_orders);
	return 0;
}
