/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of AE4DMA notices each rule that is broken, and does then what the hardware would.
 */
#include "ae4dma_stand.h"
#include "macros.h"
#include "test.h"

static void kick_one(struct stand *b)
{
	ae4dma_kick(b, 0, 1);
}

static void hang_one(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	ae4dma_kick(b, 0, 3);
	stand_poll_descriptors(b, 1);
}

static void reserved_register(struct stand *b)
{
	model_bar_write(b->m, 0, 0x04, 4, 0);
}

static void queue_beyond(struct stand *b)
{
	ae4dma_put(b, AE4DMA_QUEUES_MAX, AE4DMA_CONTROL, 0);
}

static void other_bar(struct stand *b)
{
	stand_read(b, 2, 0x400, 4);
}

static void wrong_width(struct stand *b)
{
	stand_read(b, 0, AE4DMA_QUEUE_SIZE + AE4DMA_BASE_LO, 8);
}

static void half_register(struct stand *b)
{
	model_bar_write(b->m, 0, AE4DMA_QUEUE_SIZE + AE4DMA_WRITE_IDX, 1, 1);
}

static void write_read_idx(struct stand *b)
{
	ae4dma_put(b, 0, AE4DMA_READ_IDX, 0);
}

static void write_status(struct stand *b)
{
	ae4dma_put(b, 0, AE4DMA_STATUS, 0);
}

static void too_many_queues(struct stand *b)
{
	model_bar_write(b->m, 0, AE4DMA_N_QUEUES, 4, AE4DMA_QUEUES_MAX + 1);
}

static void reserved_control(struct stand *b)
{
	ae4dma_put(b, 0, AE4DMA_CONTROL, 2);
}

static void reserved_intr(struct stand *b)
{
	ae4dma_put(b, 0, AE4DMA_INTR_STATUS, ~0u);
}

static void other_max_idx(struct stand *b)
{
	ae4dma_put(b, 0, AE4DMA_MAX_IDX, 64);
}

static void base_too_high(struct stand *b)
{
	ae4dma_put(b, 0, AE4DMA_BASE_HI, 0x10000);
}

static void base_at_work(struct stand *b)
{
	hang_one(b);
	ae4dma_put(b, 0, AE4DMA_BASE_LO, 0);
}

static void base_while_stopping(struct stand *b)
{
	hang_one(b);
	ae4dma_put(b, 0, AE4DMA_CONTROL, 0);
	ae4dma_put(b, 0, AE4DMA_BASE_LO, 0);
}

static void base_misaligned(struct stand *b)
{
	ae4dma_put(b, 0, AE4DMA_BASE_LO, (uint32_t)STAND_AT(AE4DMA_RING_AT(0) + 512));
	kick_one(b);
}

static void no_max_idx(struct stand *b)
{
	model_bar_write(b->m, 0, AE4DMA_N_QUEUES, 4, 2);
	ae4dma_kick(b, 1, 1);
}

static void on_beyond(struct stand *b)
{
	ae4dma_put(b, 1, AE4DMA_CONTROL, AE4DMA_CONTROL_ON);
}

static void on_with_stale_indices(struct stand *b)
{
	ae4dma_kick(b, 1, 1);
	model_bar_write(b->m, 0, AE4DMA_N_QUEUES, 4, 2);
}

static void on_while_stopping(struct stand *b)
{
	hang_one(b);
	ae4dma_put(b, 0, AE4DMA_CONTROL, 0);
	ae4dma_put(b, 0, AE4DMA_CONTROL, AE4DMA_CONTROL_ON);
}

static void ring_while_stopping(struct stand *b)
{
	hang_one(b);
	ae4dma_put(b, 0, AE4DMA_CONTROL, 0);
	ae4dma_kick(b, 0, 4);
}

static void write_idx_beyond(struct stand *b)
{
	ae4dma_put(b, 0, AE4DMA_WRITE_IDX, AE4DMA_RING);
}

static void write_idx_back(struct stand *b)
{
	hang_one(b);
	ae4dma_kick(b, 0, 2);
}

/* All 32 slots: the ring would be taken for an empty one. */
static void ring_overrun(struct stand *b)
{
	hang_one(b);
	ae4dma_kick(b, 0, AE4DMA_RING);
}

static void no_bus_master(struct stand *b)
{
	stand_bus_master(b, false);
	kick_one(b);
}

static void ring_unmapped(struct stand *b)
{
	ae4dma_put(b, 0, AE4DMA_BASE_HI, STAND_NOWHERE >> 32);
	kick_one(b);
}

static void reserved_in_desc(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->ctl = 0x10;
	kick_one(b);
}

static void reserved_byte(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->reserved0 = 1;
	kick_one(b);
}

static void reserved_word(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->reserved1 = 1;
	kick_one(b);
}

static void status_left(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->status = AE4DMA_DESC_COMPLETED;
	kick_one(b);
}

static void error_left(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->error = AE4DMA_ERR_READ_FAULT;
	kick_one(b);
}

static void no_length(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->length = 0;
	kick_one(b);
}

static void odd_length(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->length = 4094;
	kick_one(b);
}

static void source_misaligned(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->src_lo += 2;
	kick_one(b);
}

static void destination_misaligned(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->dst_lo += 1;
	kick_one(b);
}

static void source_too_high(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->src_hi |= 0x10000;
	kick_one(b);
}

static void destination_too_high(struct stand *b)
{
	ae4dma_desc(b, 0, 0)->dst_hi |= 0x10000;
	kick_one(b);
}

/* For each: it is told by its name, and the descriptor fails with that error if it does so at all. */
static const struct {
	void (*break_it)(struct stand *b);
	const char *rule;
	uint8_t error;
} rules[] = {
	{ reserved_register, "reserved register", 0 },
	{ queue_beyond, "reserved register", 0 },
	{ other_bar, "reserved register", 0 },
	{ wrong_width, "width of a register", 0 },
	{ half_register, "width of a register", 0 },
	{ write_read_idx, "write to a read-only register", 0 },
	{ write_status, "write to a read-only register", 0 },
	{ too_many_queues, "more queues than any device has", 0 },
	{ reserved_control, "reserved bits of the control", 0 },
	{ reserved_intr, "reserved bits of the interrupt's status", 0 },
	{ other_max_idx, "max_idx", 0 },
	{ base_too_high, "ring beyond 48 bits", 0 },
	{ base_at_work, "another ring while the queue works", 0 },
	{ base_while_stopping, "another ring while the queue works", 0 },
	{ base_misaligned, "base of the ring is not aligned", 0 },
	{ no_max_idx, "descriptors without max_idx", 0 },
	{ on_beyond, "queue switched on that is not counted", 0 },
	{ on_with_stale_indices, "descriptors without max_idx", 0 },
	{ on_while_stopping, "queue switched on before it has stopped", 0 },
	{ ring_while_stopping, "write_idx before the queue has stopped", 0 },
	{ write_idx_beyond, "write_idx beyond the ring", 0 },
	{ write_idx_back, "write_idx moves backwards", 0 },
	{ ring_overrun, "write_idx moves backwards", 0 },
	{ no_bus_master, "descriptors without bus mastership", 0 },
	{ ring_unmapped, "ring is not mapped", 0 },
	{ reserved_in_desc, "reserved bits of a descriptor's control", AE4DMA_ERR_HEADER },
	{ reserved_byte, "reserved bits of a descriptor's control", AE4DMA_ERR_HEADER },
	{ reserved_word, "reserved word of a descriptor", AE4DMA_ERR_DESC },
	{ status_left, "status of a descriptor is not cleared", AE4DMA_ERR_STATUS },
	{ error_left, "status of a descriptor is not cleared", AE4DMA_ERR_STATUS },
	{ no_length, "length", AE4DMA_ERR_LENGTH },
	{ odd_length, "length", AE4DMA_ERR_LENGTH },
	{ source_misaligned, "alignment of the source", AE4DMA_ERR_SRC_ALIGN },
	{ destination_misaligned, "alignment of the destination", AE4DMA_ERR_DST_ALIGN },
	{ source_too_high, "address beyond 48 bits", AE4DMA_ERR_DESC },
	{ destination_too_high, "address beyond 48 bits", AE4DMA_ERR_DESC },
};

static void test_rules(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct stand b;

		ae4dma_open(&b, "ae4dma");
		rules[i].break_it(&b);
		stand_poll_broken(&b, 1, rules[i].rule);
		if (rules[i].error) {
			ae4dma_wait_status(&b, 0, AE4DMA_ERROR);
			EXPECT_EQ(ae4dma_desc_status(&b, 0, 0), AE4DMA_DESC_ERROR);
			EXPECT_EQ(ae4dma_desc(&b, 0, 0)->error, rules[i].error);
			EXPECT_TRUE(!b.mem[AE4DMA_DST + 1]);
		}
		stand_close(&b, 1);
	}
}

int main(void)
{
	RUN(test_rules);
	return 0;
}
