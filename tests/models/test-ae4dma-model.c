/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of AE4DMA does what the facts say that the hardware does.
 */
#include "ae4dma_stand.h"
#include "macros.h"
#include "test.h"

/* It says what it is, and copies by the recipe, round the ring, 31 at once at most. */
static void test_recipe(void)
{
	struct stand b;

	ae4dma_open(&b, "ae4dma");
	EXPECT_EQ(model_pci(b.m)->vendor, 0x1022);
	EXPECT_EQ(model_pci(b.m)->device, 0x149b);
	EXPECT_EQ(model_pci(b.m)->n_vectors, 16);
	ae4dma_kick(&b, 0, 3);
	ae4dma_wait_read(&b, 0, 3);
	EXPECT_TRUE(stand_filled(&b, AE4DMA_DST, 3 * 4096, 7));
	EXPECT_TRUE(!b.mem[AE4DMA_DST + 3 * 4096 + 1]);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 2), AE4DMA_DESC_COMPLETED);
	EXPECT_EQ(ae4dma_desc(&b, 0, 2)->error, 0);
	EXPECT_EQ(ae4dma_desc(&b, 0, 2)->id, 2);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 3), AE4DMA_DESC_SUBMITTED);
	ae4dma_fill(&b, 0, 0, 0);
	ae4dma_fill(&b, 0, 1, 1);
	ae4dma_kick(&b, 0, AE4DMA_RING + 2);
	ae4dma_wait_read(&b, 0, 2);
	ae4dma_wait_status(&b, 0, AE4DMA_EMPTY);
	EXPECT_TRUE(stand_filled(&b, AE4DMA_DST, AE4DMA_RING * 4096, 7));
	EXPECT_EQ(stand_descriptors(&b), AE4DMA_RING + 2);
	stand_close(&b, 0);
}

/* What is at work says so in its descriptor before anything is done: that is not the end of it. */
static void test_validated(void)
{
	struct stand b;

	ae4dma_open(&b, "ae4dma,ns-per-kib=200000000");
	ae4dma_kick(&b, 0, 1);
	stand_poll_memory(&b, AE4DMA_RING_AT(0), UINT64_C(0xff) << 32,
			  (uint64_t)AE4DMA_DESC_VALIDATED << 32);
	EXPECT_EQ(ae4dma_get(&b, 0, AE4DMA_READ_IDX), 0);
	stand_close(&b, 0);
}

/* The way of Linux: the number of queues switches them on, and nobody writes to the control. */
static void test_switched_on_by_number(void)
{
	struct stand b;

	stand_open(&b, "ae4dma,id=14dc");
	EXPECT_EQ(model_pci(b.m)->device, 0x14dc);
	ae4dma_wait_status(&b, 0, AE4DMA_STOPPED);
	model_bar_write(b.m, 0, AE4DMA_N_QUEUES, 4, 2);
	EXPECT_EQ(ae4dma_get(&b, 1, AE4DMA_CONTROL), AE4DMA_CONTROL_ON);
	EXPECT_EQ(ae4dma_get(&b, 2, AE4DMA_CONTROL), 0);
	ae4dma_put(&b, 1, AE4DMA_MAX_IDX, AE4DMA_RING);
	ae4dma_put(&b, 1, AE4DMA_BASE_LO, (uint32_t)STAND_AT(AE4DMA_RING_AT(1)));
	ae4dma_put(&b, 1, AE4DMA_BASE_HI, (uint32_t)(STAND_AT(AE4DMA_RING_AT(1)) >> 32));
	stand_fill(&b, AE4DMA_SRC, 4096, 9);
	ae4dma_fill(&b, 1, 0, 0);
	ae4dma_kick(&b, 1, 1);
	ae4dma_wait_read(&b, 1, 1);
	EXPECT_TRUE(stand_filled(&b, AE4DMA_DST, 4096, 9));
	model_bar_write(b.m, 0, AE4DMA_N_QUEUES, 4, 1);
	ae4dma_wait_status(&b, 1, AE4DMA_STOPPED);
	stand_close(&b, 0);
}

/* Who asks for all the queues that there may be is told how many there are. */
static void test_fewer_queues(void)
{
	struct stand b;

	stand_open(&b, "ae4dma,queues=4");
	EXPECT_EQ(model_pci(b.m)->n_vectors, 16);
	model_bar_write(b.m, 0, AE4DMA_N_QUEUES, 4, AE4DMA_QUEUES_MAX);
	EXPECT_EQ(stand_read(&b, 0, AE4DMA_N_QUEUES, 4), 4);
	EXPECT_EQ(ae4dma_get(&b, 3, AE4DMA_CONTROL), AE4DMA_CONTROL_ON);
	stand_close(&b, 0);
}

/*
 * A descriptor that asks for it interrupts, once; none comes after it before 0 is written, and none is
 * made up then.
 */
static void test_interrupt(void)
{
	struct stand b;

	ae4dma_open(&b, "ae4dma");
	for (unsigned int i = 0; i < 4; i++)
		ae4dma_desc(&b, 0, i)->ctl = AE4DMA_CTL_IOC;
	ae4dma_kick(&b, 0, 1);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(ae4dma_get(&b, 0, AE4DMA_INTR_STATUS), 1);
	ae4dma_kick(&b, 0, 2);
	ae4dma_wait_read(&b, 0, 2);
	ae4dma_put(&b, 0, AE4DMA_INTR_STATUS, 0);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	ae4dma_kick(&b, 0, 3);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	ae4dma_put(&b, 0, AE4DMA_INTR_STATUS, 1);
	ae4dma_kick(&b, 0, 4);
	ae4dma_wait_read(&b, 0, 4);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	ae4dma_put(&b, 0, AE4DMA_INTR_STATUS, 0);
	ae4dma_kick(&b, 0, 5);
	ae4dma_wait_read(&b, 0, 5);
	EXPECT_EQ(ae4dma_get(&b, 0, AE4DMA_INTR_STATUS), 0);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	stand_close(&b, 0);
}

/* Queues work by themselves, each with its ring and its vector. */
static void test_queues(void)
{
	struct stand b;

	stand_open(&b, "ae4dma");
	ae4dma_set_up(&b, AE4DMA_QUEUES_MAX);
	stand_fill(&b, AE4DMA_SRC, AE4DMA_QUEUES_MAX * 4096, 3);
	EXPECT_OK(model_order_faults(b.m, "ns-per-descriptor=50000000"));
	for (unsigned int q = 0; q < AE4DMA_QUEUES_MAX; q++) {
		ae4dma_fill(&b, q, 0, q);
		ae4dma_desc(&b, q, 0)->ctl = AE4DMA_CTL_IOC;
		ae4dma_kick(&b, q, 1);
	}
	for (unsigned int q = 0; q < AE4DMA_QUEUES_MAX; q++) {
		ae4dma_wait_read(&b, q, 1);
		EXPECT_EQ(ae4dma_desc(&b, q, 0)->id, 0x100 * q);
	}
	for (unsigned int q = 0; q < STAND_VECTORS; q++)
		EXPECT_EQ(stand_interrupts(&b, q), 1);
	EXPECT_TRUE(stand_filled(&b, AE4DMA_DST, AE4DMA_QUEUES_MAX * 4096, 3));
	stand_close(&b, 0);
}

/*
 * A source that is not mapped: the descriptor says so, READ_IDX is behind it, and the queue stops and
 * says so. Switched off it keeps its place, and switched on it goes on with what is ahead of it.
 */
static void test_read_error(void)
{
	struct stand b;

	ae4dma_open(&b, "ae4dma");
	ae4dma_desc(&b, 0, 2)->src_hi = STAND_NOWHERE >> 32;
	ae4dma_kick(&b, 0, 5);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	ae4dma_wait_status(&b, 0, AE4DMA_ERROR);
	EXPECT_EQ(ae4dma_get(&b, 0, AE4DMA_READ_IDX), 3);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 1), AE4DMA_DESC_COMPLETED);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 2), AE4DMA_DESC_ERROR);
	EXPECT_EQ(ae4dma_desc(&b, 0, 2)->error, AE4DMA_ERR_READ_FAULT);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 3), AE4DMA_DESC_SUBMITTED);
	/* Who rings may not know yet. */
	ae4dma_kick(&b, 0, 6);
	EXPECT_EQ(stand_descriptors(&b), 3);
	ae4dma_put(&b, 0, AE4DMA_CONTROL, 0);
	ae4dma_wait_status(&b, 0, AE4DMA_STOPPED);
	EXPECT_EQ(ae4dma_get(&b, 0, AE4DMA_READ_IDX), 3);
	EXPECT_EQ(ae4dma_get(&b, 0, AE4DMA_WRITE_IDX), 6);
	ae4dma_put(&b, 0, AE4DMA_CONTROL, AE4DMA_CONTROL_ON);
	ae4dma_wait_read(&b, 0, 6);
	EXPECT_EQ(stand_descriptors(&b), 6);
	stand_close(&b, 0);
}

/* The same for a destination, and for what is ordered; there may be devices that go on by themselves. */
static void test_other_errors(void)
{
	struct stand b;

	ae4dma_open(&b, "ae4dma,goes-on,error=2,error-code=33");
	ae4dma_desc(&b, 0, 0)->dst_hi = STAND_NOWHERE >> 32;
	ae4dma_kick(&b, 0, 3);
	ae4dma_wait_read(&b, 0, 3);
	EXPECT_EQ(ae4dma_desc(&b, 0, 0)->error, AE4DMA_ERR_WRITE_FAULT);
	EXPECT_EQ(ae4dma_desc(&b, 0, 1)->error, 33);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 1), AE4DMA_DESC_ERROR);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 2), AE4DMA_DESC_COMPLETED);
	ae4dma_wait_status(&b, 0, AE4DMA_EMPTY);
	stand_close(&b, 0);
}

/*
 * A queue that is switched off does what it is at to the end, and forgets nothing; one that is full, or
 * neither full nor empty, says so.
 */
static void test_stop(void)
{
	uint32_t idx;
	struct stand b;

	ae4dma_open(&b, "ae4dma,ns-per-descriptor=100000000");
	ae4dma_kick(&b, 0, AE4DMA_RING - 1);
	stand_poll_descriptors(&b, 1);
	idx = ae4dma_stop(&b, 0);
	EXPECT_TRUE(idx > 0 && idx < AE4DMA_RING - 1);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, idx - 1), AE4DMA_DESC_COMPLETED);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, idx), AE4DMA_DESC_SUBMITTED);
	EXPECT_OK(model_order_faults(b.m, "hang=1"));
	ae4dma_put(&b, 0, AE4DMA_CONTROL, AE4DMA_CONTROL_ON);
	ae4dma_kick(&b, 0, idx + 1);
	ae4dma_wait_status(&b, 0, AE4DMA_NOT_EMPTY);
	ae4dma_kick(&b, 0, idx + AE4DMA_RING - 1);
	ae4dma_wait_status(&b, 0, AE4DMA_FULL);
	stand_close(&b, 0);
}

/* A descriptor that says so stops its queue behind itself. */
static void test_stop_on_completion(void)
{
	struct stand b;

	ae4dma_open(&b, "ae4dma");
	ae4dma_desc(&b, 0, 1)->ctl = AE4DMA_CTL_SOC;
	ae4dma_kick(&b, 0, 4);
	ae4dma_wait_status(&b, 0, AE4DMA_STOPPED);
	EXPECT_EQ(ae4dma_get(&b, 0, AE4DMA_READ_IDX), 2);
	EXPECT_EQ(stand_descriptors(&b), 2);
	stand_close(&b, 0);
}

/* A queue that hangs does not stop, and the others go on; a reset of the function forgets all. */
static void test_hang(void)
{
	struct stand b;

	stand_open(&b, "ae4dma,hang=1");
	ae4dma_set_up(&b, 2);
	ae4dma_kick(&b, 0, 2);
	stand_poll_descriptors(&b, 1);
	ae4dma_put(&b, 0, AE4DMA_CONTROL, 0);
	ae4dma_fill(&b, 1, 0, 0);
	ae4dma_kick(&b, 1, 1);
	ae4dma_wait_read(&b, 1, 1);
	ae4dma_wait_status(&b, 0, AE4DMA_NOT_EMPTY);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 0), AE4DMA_DESC_SUBMITTED);
	model_reset(b.m);
	stand_bus_master(&b, true);
	EXPECT_EQ(stand_read(&b, 0, AE4DMA_N_QUEUES, 4), 0);
	EXPECT_EQ(ae4dma_get(&b, 1, AE4DMA_READ_IDX), 0);
	ae4dma_set_up(&b, 1);
	ae4dma_kick(&b, 0, 2);
	ae4dma_wait_read(&b, 0, 2);
	stand_close(&b, 0);
}

/* What a test orders of completions. */
static void test_orders(void)
{
	struct stand b;

	ae4dma_open(&b, "ae4dma,lose-completion=1,twice=2,unsubmitted=4,senseless=5,lose-interrupt=1");
	for (unsigned int i = 0; i < 6; i++)
		ae4dma_desc(&b, 0, i)->ctl = AE4DMA_CTL_IOC;
	ae4dma_kick(&b, 0, 1);
	ae4dma_wait_read(&b, 0, 1);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 0), AE4DMA_DESC_SUBMITTED);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	ae4dma_kick(&b, 0, 2);
	ae4dma_wait_read(&b, 0, 2);
	ae4dma_kick(&b, 0, 3);
	ae4dma_wait_read(&b, 0, 1);
	ae4dma_kick(&b, 0, 4);
	ae4dma_wait_read(&b, 0, 5);
	ae4dma_kick(&b, 0, 5);
	ae4dma_wait_read(&b, 0, 5);
	ae4dma_wait_status(&b, 0, AE4DMA_EMPTY);
	EXPECT_EQ(ae4dma_desc_status(&b, 0, 4), AE4DMA_DESC_SENSELESS);
	EXPECT_TRUE(stand_filled(&b, AE4DMA_DST, 5 * 4096, 7));
	stand_close(&b, 0);
}

/* What was on its way to a ring when the function was reset arrives after it. */
static void test_late_write(void)
{
	struct stand b;

	ae4dma_open(&b, "ae4dma");
	ae4dma_kick(&b, 0, 1);
	ae4dma_wait_read(&b, 0, 1);
	EXPECT_OK(model_order_faults(b.m, "late-write=1000"));
	model_reset(b.m);
	ae4dma_fill(&b, 0, 0, 0);
	stand_bus_master(&b, true);
	stand_poll_memory(&b, AE4DMA_RING_AT(0), UINT64_C(0xff) << 32,
			  (uint64_t)AE4DMA_DESC_COMPLETED << 32);
	stand_close(&b, 0);
}

/*
 * A former owner's queues are at work where nothing is mapped, or have failed: the recipe brings them to
 * rest, and indices are where they were.
 */
static void test_stale(void)
{
	uint32_t at;
	struct stand b;

	stand_open(&b, "ae4dma");
	stand_bus_master(&b, false);
	EXPECT_OK(model_order_faults(b.m, "stale"));
	ae4dma_wait_status(&b, 0, AE4DMA_NOT_EMPTY);
	ae4dma_wait_status(&b, 1, AE4DMA_ERROR);
	ae4dma_set_up(&b, AE4DMA_QUEUES_MAX);
	stand_bus_master(&b, true);
	for (unsigned int q = 0; q < AE4DMA_QUEUES_MAX; q++) {
		at = ae4dma_get(&b, q, AE4DMA_READ_IDX);
		EXPECT_EQ(at, 7 + q);
		ae4dma_fill(&b, q, at, q);
		ae4dma_kick(&b, q, at + 1);
		ae4dma_wait_read(&b, q, at + 1);
	}
	EXPECT_EQ(stand_descriptors(&b), AE4DMA_QUEUES_MAX);
	stand_close(&b, 0);
}

/* A queue that never says that it has stopped. */
static void test_never_stops(void)
{
	struct stand b;

	ae4dma_open(&b, "ae4dma");
	EXPECT_OK(model_order_faults(b.m, "never-reset"));
	ae4dma_put(&b, 0, AE4DMA_CONTROL, 0);
	ae4dma_wait_status(&b, 0, AE4DMA_EMPTY);
	EXPECT_OK(model_order_faults(b.m, "none"));
	ae4dma_wait_status(&b, 0, AE4DMA_STOPPED);
	stand_close(&b, 0);
}

static void test_absurd(void)
{
	struct stand b;

	stand_open(&b, "ae4dma,queues=4,absurd-index=32,absurd-queues=17");
	EXPECT_EQ(stand_read(&b, 0, AE4DMA_N_QUEUES, 4), 17);
	EXPECT_EQ(ae4dma_get(&b, 0, AE4DMA_READ_IDX), 32);
	stand_close(&b, 0);
}

int main(void)
{
	RUN(test_recipe);
	RUN(test_validated);
	RUN(test_switched_on_by_number);
	RUN(test_fewer_queues);
	RUN(test_interrupt);
	RUN(test_queues);
	RUN(test_read_error);
	RUN(test_other_errors);
	RUN(test_stop);
	RUN(test_stop_on_completion);
	RUN(test_hang);
	RUN(test_orders);
	RUN(test_late_write);
	RUN(test_stale);
	RUN(test_never_stops);
	RUN(test_absurd);
	return 0;
}
