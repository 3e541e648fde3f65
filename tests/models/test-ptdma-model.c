/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of PTDMA does what the facts say that the hardware does.
 */
#include "macros.h"
#include "ptdma_stand.h"
#include "test.h"

static void wait_control(struct stand *b, uint32_t mask, uint32_t value)
{
	stand_poll(b, PTDMA_BAR, PTDMA_CONTROL, 4, mask, value);
}

/* It says what it is, and copies by the recipe, round the ring. */
static void test_recipe(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma");
	EXPECT_EQ(model_pci(b.m)->vendor, 0x1022);
	EXPECT_EQ(model_pci(b.m)->device, 0x1498);
	EXPECT_EQ(ptdma_get(&b, PTDMA_VERSION) >> PTDMA_VERSION_QUEUES_SHIFT, 1);
	ptdma_kick(&b, 3);
	ptdma_wait_head(&b, 3);
	EXPECT_TRUE(stand_filled(&b, PTDMA_DST, 3 * 4096, 7));
	EXPECT_TRUE(!b.mem[PTDMA_DST + 3 * 4096 + 1]);
	ptdma_kick(&b, 30);
	ptdma_wait_head(&b, 30);
	ptdma_kick(&b, PTDMA_RING + 4);
	ptdma_wait_head(&b, PTDMA_RING + 4);
	EXPECT_TRUE(stand_filled(&b, PTDMA_DST, PTDMA_RING * 4096, 7));
	EXPECT_EQ(ptdma_get(&b, PTDMA_CONTROL), ptdma_control() | PTDMA_CONTROL_HALT);
	EXPECT_EQ(ptdma_get(&b, PTDMA_INT_STATUS), PTDMA_INT_EMPTY);
	EXPECT_EQ(stand_descriptors(&b), PTDMA_RING + 4);
	stand_close(&b, 0);
}

/* The largest ring; one that is not the first of its addresses. */
static void test_large_ring(void)
{
	uint64_t ring = STAND_AT(STAND_SIZE / 2), at = ring + 8191 * PTDMA_DESC_SIZE;
	struct stand b;

	ptdma_open(&b, "ptdma");
	memcpy(b.mem + (at - STAND_IOVA), ptdma_desc(&b, 0), PTDMA_DESC_SIZE);
	ptdma_put(&b, PTDMA_HEAD_LO, (uint32_t)at);
	ptdma_put(&b, PTDMA_TAIL_LO, (uint32_t)ring);
	ptdma_put(&b, PTDMA_CONTROL, PTDMA_SIZE_MAX << PTDMA_CONTROL_SIZE_SHIFT |
		  (uint32_t)(ring >> 32) << PTDMA_CONTROL_ADDR_SHIFT | PTDMA_CONTROL_RUN);
	stand_poll(&b, PTDMA_BAR, PTDMA_HEAD_LO, 4, ~0u, (uint32_t)ring);
	EXPECT_TRUE(stand_filled(&b, PTDMA_DST, 4096, 7));
	stand_close(&b, 0);
}

/* TAIL_LO alone starts nothing, neither at rest nor at work: RUN on every kick. */
static void test_run_on_every_kick(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma,ns-per-descriptor=50000000");
	ptdma_put(&b, PTDMA_TAIL_LO, ptdma_slot(1));
	EXPECT_TRUE(ptdma_get(&b, PTDMA_CONTROL) & PTDMA_CONTROL_HALT);
	ptdma_kick(&b, 2);
	ptdma_put(&b, PTDMA_TAIL_LO, ptdma_slot(3));
	wait_control(&b, PTDMA_CONTROL_HALT, PTDMA_CONTROL_HALT);
	EXPECT_EQ(ptdma_get(&b, PTDMA_HEAD_LO), ptdma_slot(2));
	ptdma_kick(&b, 3);
	ptdma_wait_head(&b, 3);
	EXPECT_EQ(stand_descriptors(&b), 3);
	stand_close(&b, 0);
}

/*
 * Status bits are set whether they are enabled or not. It interrupts when something comes to be both,
 * and not again before nothing was: what comes meanwhile interrupts when the bits are enabled anew.
 */
static void test_interrupt(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma");
	for (unsigned int i = 0; i < 3; i++)
		ptdma_desc(&b, i)->dw0 |= PTDMA_DW0_IOC;
	ptdma_put(&b, PTDMA_INT_ENABLE, 0);
	ptdma_kick(&b, 1);
	ptdma_wait_head(&b, 1);
	EXPECT_EQ(ptdma_get(&b, PTDMA_INT_STATUS), PTDMA_INT_COMPLETION | PTDMA_INT_EMPTY);
	EXPECT_EQ(ptdma_get(&b, PTDMA_Q_INT_STATUS), PTDMA_INT_COMPLETION | PTDMA_INT_EMPTY);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	ptdma_put(&b, PTDMA_INT_ENABLE, PTDMA_INT_COMPLETION);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	ptdma_kick(&b, 2);
	ptdma_wait_head(&b, 2);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	ptdma_put(&b, PTDMA_INT_STATUS, PTDMA_INT_COMPLETION);
	EXPECT_EQ(ptdma_get(&b, PTDMA_INT_STATUS), PTDMA_INT_EMPTY);
	ptdma_kick(&b, 3);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	stand_close(&b, 0);
}

/* A source that is not mapped stops the queue at its command; HEAD_LO := TAIL_LO drops the rest. */
static void test_read_error(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma");
	ptdma_desc(&b, 2)->src_hi = STAND_NOWHERE >> 32;
	ptdma_kick(&b, 5);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(ptdma_get(&b, PTDMA_HEAD_LO), ptdma_slot(2));
	EXPECT_EQ(ptdma_get(&b, PTDMA_STATUS) & PTDMA_ERR_MASK, PTDMA_ERR_READ_DECODE);
	EXPECT_EQ(ptdma_get(&b, PTDMA_INT_STATUS), PTDMA_INT_ERROR);
	EXPECT_TRUE(ptdma_get(&b, PTDMA_CONTROL) & PTDMA_CONTROL_HALT);
	EXPECT_TRUE(stand_filled(&b, PTDMA_DST, 2 * 4096, 7) && !b.mem[PTDMA_DST + 3 * 4096]);
	/* Nothing runs before the error is acknowledged. */
	ptdma_kick(&b, 5);
	EXPECT_TRUE(ptdma_get(&b, PTDMA_CONTROL) & PTDMA_CONTROL_HALT);
	ptdma_put(&b, PTDMA_INT_STATUS, PTDMA_INT_ERROR);
	ptdma_put(&b, PTDMA_HEAD_LO, ptdma_slot(5));
	ptdma_kick(&b, 6);
	ptdma_wait_head(&b, 6);
	EXPECT_EQ(ptdma_get(&b, PTDMA_STATUS), 0);
	EXPECT_EQ(stand_descriptors(&b), 4);
	stand_close(&b, 0);
}

/* The same for a destination, and for what is ordered to fail; the queue goes on behind each. */
static void test_other_errors(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma,error=2,error-code=0x2b");
	ptdma_desc(&b, 0)->dst_hi = STAND_NOWHERE >> 32;
	ptdma_kick(&b, 3);
	stand_poll(&b, PTDMA_BAR, PTDMA_STATUS, 4, ~0u, PTDMA_ERR_WRITE_DECODE);
	ptdma_put(&b, PTDMA_INT_STATUS, PTDMA_INT_ERROR);
	ptdma_put(&b, PTDMA_HEAD_LO, ptdma_slot(1));
	ptdma_kick(&b, 3);
	stand_poll(&b, PTDMA_BAR, PTDMA_STATUS, 4, ~0u, 0x2b);
	EXPECT_EQ(ptdma_get(&b, PTDMA_HEAD_LO), ptdma_slot(1));
	ptdma_put(&b, PTDMA_INT_STATUS, PTDMA_INT_ERROR);
	ptdma_put(&b, PTDMA_HEAD_LO, ptdma_slot(2));
	ptdma_kick(&b, 3);
	ptdma_wait_head(&b, 3);
	EXPECT_EQ(b.mem[PTDMA_DST + 2 * 4096], b.mem[PTDMA_SRC + 2 * 4096]);
	stand_close(&b, 0);
}

/* When RUN is cleared what is at work is done to the end; RUN goes on behind it. */
static void test_stop(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma,ns-per-descriptor=100000000");
	ptdma_kick(&b, PTDMA_RING - 1);
	stand_poll_descriptors(&b, 1);
	ptdma_put(&b, PTDMA_CONTROL, ptdma_control());
	wait_control(&b, PTDMA_CONTROL_HALT | PTDMA_CONTROL_RUN, PTDMA_CONTROL_HALT);
	EXPECT_EQ(ptdma_get(&b, PTDMA_INT_STATUS), PTDMA_INT_STOPPED);
	EXPECT_TRUE(ptdma_get(&b, PTDMA_HEAD_LO) != ptdma_slot(0));
	EXPECT_TRUE(ptdma_get(&b, PTDMA_HEAD_LO) != ptdma_slot(PTDMA_RING - 1));
	EXPECT_OK(model_order_faults(b.m, "ns-per-descriptor=0"));
	ptdma_kick(&b, PTDMA_RING - 1);
	ptdma_wait_head(&b, PTDMA_RING - 1);
	EXPECT_EQ(stand_descriptors(&b), PTDMA_RING - 1);
	stand_close(&b, 0);
}

/* A command that says so stops the queue behind itself. */
static void test_stop_on_completion(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma");
	ptdma_desc(&b, 1)->dw0 |= PTDMA_DW0_SOC;
	ptdma_kick(&b, 4);
	wait_control(&b, PTDMA_CONTROL_HALT, PTDMA_CONTROL_HALT);
	EXPECT_EQ(ptdma_get(&b, PTDMA_HEAD_LO), ptdma_slot(2));
	EXPECT_EQ(ptdma_get(&b, PTDMA_INT_STATUS), PTDMA_INT_STOPPED);
	stand_close(&b, 0);
}

/* What hangs is not stopped by clearing RUN, but by a reset of the function, which forgets all. */
static void test_hang(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma,hang=2");
	ptdma_kick(&b, 3);
	stand_poll_descriptors(&b, 2);
	ptdma_put(&b, PTDMA_CONTROL, 0);
	EXPECT_EQ(ptdma_get(&b, PTDMA_CONTROL), 0);
	model_reset(b.m);
	stand_bus_master(&b, true);
	EXPECT_EQ(ptdma_get(&b, PTDMA_CONTROL), PTDMA_CONTROL_HALT);
	EXPECT_EQ(ptdma_get(&b, PTDMA_HEAD_LO), 0);
	ptdma_set_up(&b);
	ptdma_kick(&b, 2);
	ptdma_wait_head(&b, 2);
	stand_close(&b, 0);
}

/* What a test orders of completions, of which there is HEAD_LO only. */
static void test_orders(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma,lose-completion=1,twice=2,unsubmitted=4,senseless=5,lose-interrupt=1");
	for (unsigned int i = 0; i < 6; i++)
		ptdma_desc(&b, i)->dw0 |= PTDMA_DW0_IOC;
	ptdma_kick(&b, 1);
	wait_control(&b, PTDMA_CONTROL_HALT, PTDMA_CONTROL_HALT);
	EXPECT_EQ(ptdma_get(&b, PTDMA_HEAD_LO), ptdma_slot(0));
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	ptdma_kick(&b, 2);
	ptdma_wait_head(&b, 2);
	ptdma_kick(&b, 3);
	ptdma_wait_head(&b, 1);
	ptdma_kick(&b, 4);
	ptdma_wait_head(&b, 5);
	ptdma_kick(&b, 5);
	stand_poll(&b, PTDMA_BAR, PTDMA_HEAD_LO, 4, ~0u, ptdma_slot(5) + 4);
	wait_control(&b, PTDMA_CONTROL_HALT, PTDMA_CONTROL_HALT);
	ptdma_put(&b, PTDMA_HEAD_LO, ptdma_slot(5));
	EXPECT_EQ(ptdma_get(&b, PTDMA_HEAD_LO), ptdma_slot(5));
	ptdma_kick(&b, 6);
	ptdma_wait_head(&b, 6);
	EXPECT_TRUE(stand_filled(&b, PTDMA_DST, 6 * 4096, 7));
	stand_close(&b, 0);
}

/* A former owner's queue is at work where nothing is mapped: the recipe brings it to rest. */
static void test_stale(void)
{
	struct stand b;

	stand_open(&b, "ptdma");
	stand_bus_master(&b, false);
	EXPECT_OK(model_order_faults(b.m, "stale"));
	EXPECT_TRUE(ptdma_get(&b, PTDMA_CONTROL) & PTDMA_CONTROL_RUN);
	ptdma_set_up(&b);
	stand_bus_master(&b, true);
	ptdma_kick(&b, 1);
	ptdma_wait_head(&b, 1);
	EXPECT_OK(model_order_faults(b.m, "stale,allow=1"));
	stand_poll(&b, PTDMA_BAR, PTDMA_STATUS, 4, ~0u, PTDMA_ERR_MEM_ADDR);
	stand_close(&b, 0);
}

/* A queue that never says that it has come to rest. */
static void test_never_halts(void)
{
	struct stand b;

	ptdma_open(&b, "ptdma,ns-per-descriptor=100000000,never-reset");
	ptdma_kick(&b, PTDMA_RING - 1);
	ptdma_put(&b, PTDMA_CONTROL, ptdma_control());
	EXPECT_EQ(ptdma_get(&b, PTDMA_CONTROL), ptdma_control());
	EXPECT_OK(model_order_faults(b.m, "none"));
	wait_control(&b, PTDMA_CONTROL_HALT, PTDMA_CONTROL_HALT);
	stand_close(&b, 0);
}

static void test_absurd(void)
{
	struct stand b;

	stand_open(&b, "ptdma,absurd-queues=0,absurd-version=63");
	EXPECT_EQ(ptdma_get(&b, PTDMA_VERSION), 63);
	stand_close(&b, 0);
}

int main(void)
{
	RUN(test_recipe);
	RUN(test_large_ring);
	RUN(test_run_on_every_kick);
	RUN(test_interrupt);
	RUN(test_read_error);
	RUN(test_other_errors);
	RUN(test_stop);
	RUN(test_stop_on_completion);
	RUN(test_hang);
	RUN(test_orders);
	RUN(test_stale);
	RUN(test_never_halts);
	RUN(test_absurd);
	return 0;
}
