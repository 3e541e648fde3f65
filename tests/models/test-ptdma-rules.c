/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of PTDMA notices each rule that is broken, and does then what the hardware would.
 */
#include "macros.h"
#include "ptdma_stand.h"
#include "test.h"

static void kick_one(struct stand *b)
{
	ptdma_kick(b, 1);
}

static void reserved_register(struct stand *b)
{
	ptdma_put(b, 0x14, 0);
}

static void second_queue(struct stand *b)
{
	ptdma_put(b, PTDMA_CONTROL + 0x1000, 0);
}

static void other_bar(struct stand *b)
{
	stand_read(b, 4, 0x400, 4);
}

static void wrong_width(struct stand *b)
{
	model_bar_write(b->m, PTDMA_BAR, PTDMA_HEAD_LO, 8, 0);
}

static void half_register(struct stand *b)
{
	stand_read(b, PTDMA_BAR, PTDMA_HEAD_LO + 2, 2);
}

static void write_status(struct stand *b)
{
	ptdma_put(b, PTDMA_STATUS, 0);
}

static void reserved_control(struct stand *b)
{
	ptdma_put(b, PTDMA_CONTROL, ptdma_control() | 0x100);
}

static void write_halt(struct stand *b)
{
	ptdma_put(b, PTDMA_CONTROL, ptdma_control() | PTDMA_CONTROL_HALT);
}

static void reserved_config(struct stand *b)
{
	ptdma_put(b, PTDMA_CONFIG, 3);
}

static void reserved_int_enable(struct stand *b)
{
	ptdma_put(b, PTDMA_INT_ENABLE, 0x10);
}

static void reserved_int_status(struct stand *b)
{
	ptdma_put(b, PTDMA_INT_STATUS, ~0u);
}

static void no_vhb(struct stand *b)
{
	ptdma_put(b, PTDMA_CONFIG, 0);
	kick_one(b);
}

static void small_ring(struct stand *b)
{
	uint32_t size = (PTDMA_SIZE_MIN - 1) << PTDMA_CONTROL_SIZE_SHIFT;

	ptdma_put(b, PTDMA_TAIL_LO, ptdma_slot(1));
	ptdma_put(b, PTDMA_CONTROL,
		  (ptdma_control() & ~(uint32_t)PTDMA_CONTROL_SIZE) | size | PTDMA_CONTROL_RUN);
}

static void large_ring(struct stand *b)
{
	uint32_t size = (PTDMA_SIZE_MAX + 1) << PTDMA_CONTROL_SIZE_SHIFT;

	ptdma_put(b, PTDMA_TAIL_LO, ptdma_slot(1));
	ptdma_put(b, PTDMA_CONTROL,
		  (ptdma_control() & ~(uint32_t)PTDMA_CONTROL_SIZE) | size | PTDMA_CONTROL_RUN);
}

static void head_misaligned(struct stand *b)
{
	ptdma_put(b, PTDMA_HEAD_LO, ptdma_slot(0) + 8);
	kick_one(b);
}

static void tail_misaligned(struct stand *b)
{
	ptdma_put(b, PTDMA_TAIL_LO, ptdma_slot(1) + 8);
	ptdma_put(b, PTDMA_CONTROL, ptdma_control() | PTDMA_CONTROL_RUN);
}

/* A ring that is not aligned to its size is left by the half of its slots. */
static void ring_misaligned(struct stand *b)
{
	uint32_t base = ptdma_slot(0) + PTDMA_RING / 2 * PTDMA_DESC_SIZE;

	ptdma_put(b, PTDMA_HEAD_LO, base);
	ptdma_put(b, PTDMA_TAIL_LO, base + (PTDMA_RING - 1) * PTDMA_DESC_SIZE);
	ptdma_put(b, PTDMA_CONTROL, ptdma_control() | PTDMA_CONTROL_RUN);
}

static void no_bus_master(struct stand *b)
{
	stand_bus_master(b, false);
	kick_one(b);
}

static void ring_overrun(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	ptdma_kick(b, 3);
	ptdma_kick(b, PTDMA_RING);
}

static void tail_back(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	ptdma_kick(b, 3);
	ptdma_kick(b, 2);
}

static void head_while_running(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	ptdma_kick(b, 3);
	ptdma_put(b, PTDMA_HEAD_LO, ptdma_slot(3));
}

static void head_while_stopping(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	ptdma_kick(b, 3);
	stand_poll_descriptors(b, 1);
	ptdma_put(b, PTDMA_CONTROL, ptdma_control());
	ptdma_put(b, PTDMA_HEAD_LO, ptdma_slot(3));
}

static void ring_while_running(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	kick_one(b);
	ptdma_put(b, PTDMA_CONTROL, (ptdma_control() + (1 << PTDMA_CONTROL_SIZE_SHIFT)) |
		  PTDMA_CONTROL_RUN);
}

static void ring_unmapped(struct stand *b)
{
	uint32_t control = ptdma_control() & ~(UINT32_C(0xffff) << PTDMA_CONTROL_ADDR_SHIFT);

	ptdma_put(b, PTDMA_TAIL_LO, ptdma_slot(1));
	ptdma_put(b, PTDMA_CONTROL, control | PTDMA_CONTROL_RUN |
		  (uint32_t)(STAND_NOWHERE >> 32) << PTDMA_CONTROL_ADDR_SHIFT);
}

static void no_engine(struct stand *b)
{
	ptdma_desc(b, 0)->dw0 = 0;
	kick_one(b);
}

static void other_engine(struct stand *b)
{
	ptdma_desc(b, 0)->dw0 |= 1 << (PTDMA_DW0_ENGINE_SHIFT + 1);
	kick_one(b);
}

static void function(struct stand *b)
{
	ptdma_desc(b, 0)->dw0 |= 1 << 5;
	kick_one(b);
}

static void reserved_function(struct stand *b)
{
	ptdma_desc(b, 0)->dw0 |= 1 << 12;
	kick_one(b);
}

static void reserved_in_desc(struct stand *b)
{
	ptdma_desc(b, 0)->dw0 |= 1 << 2;
	kick_one(b);
}

static void reserved_words(struct stand *b)
{
	ptdma_desc(b, 0)->reserved[1] = 1;
	kick_one(b);
}

static void no_length(struct stand *b)
{
	ptdma_desc(b, 0)->length = 0;
	kick_one(b);
}

static void source_too_high(struct stand *b)
{
	ptdma_desc(b, 0)->src_hi |= 1 << 26;
	kick_one(b);
}

static void destination_too_high(struct stand *b)
{
	ptdma_desc(b, 0)->dst_hi |= 1 << 18;
	kick_one(b);
}

static void source_memory(struct stand *b)
{
	ptdma_desc(b, 0)->src_hi |= 1 << 16;
	kick_one(b);
}

static void destination_memory(struct stand *b)
{
	ptdma_desc(b, 0)->dst_hi |= 2 << 16;
	kick_one(b);
}

static void context(struct stand *b)
{
	ptdma_desc(b, 0)->src_hi |= 1 << 18;
	kick_one(b);
}

static void fixed_source(struct stand *b)
{
	ptdma_desc(b, 0)->src_hi |= 1u << 31;
	kick_one(b);
}

/* For each: it is told by its name, and the queue stops with that error if it does so at all. */
static const struct {
	void (*break_it)(struct stand *b);
	const char *rule;
	uint32_t error;
} rules[] = {
	{ reserved_register, "reserved register", 0 },
	{ second_queue, "reserved register", 0 },
	{ other_bar, "reserved register", 0 },
	{ wrong_width, "width of a register", 0 },
	{ half_register, "width of a register", 0 },
	{ write_status, "write to a read-only register", 0 },
	{ reserved_control, "reserved bits of CONTROL", 0 },
	{ write_halt, "reserved bits of CONTROL", 0 },
	{ reserved_config, "reserved bits of CONFIG", 0 },
	{ reserved_int_enable, "reserved bits of INT_ENABLE or INT_STATUS", 0 },
	{ reserved_int_status, "reserved bits of INT_ENABLE or INT_STATUS", 0 },
	{ no_vhb, "RUN without VHB_EN", 0 },
	{ small_ring, "size of the ring", 0 },
	{ large_ring, "size of the ring", 0 },
	{ head_misaligned, "HEAD_LO is not aligned", 0 },
	{ tail_misaligned, "TAIL_LO is not aligned", 0 },
	{ ring_misaligned, "TAIL_LO is outside of the ring", 0 },
	{ no_bus_master, "RUN without bus mastership", 0 },
	{ ring_overrun, "TAIL_LO moves backwards", 0 },
	{ tail_back, "TAIL_LO moves backwards", 0 },
	{ head_while_running, "HEAD_LO while the queue runs", 0 },
	{ head_while_stopping, "HEAD_LO while the queue runs", 0 },
	{ ring_while_running, "another ring while the queue runs", 0 },
	{ ring_unmapped, "command is not mapped", PTDMA_ERR_MEM_ADDR },
	{ no_engine, "engine", PTDMA_ERR_ENGINE },
	{ other_engine, "engine", PTDMA_ERR_ENGINE },
	{ function, "function that is not a plain copy", PTDMA_ERR_FUNCTION_MODE },
	{ reserved_function, "reserved bits of a command", PTDMA_ERR_FUNCTION_RESERVED },
	{ reserved_in_desc, "reserved bits of a command", PTDMA_ERR_FUNCTION_RESERVED },
	{ reserved_words, "reserved words of a command", PTDMA_ERR_FUNCTION_RESERVED },
	{ no_length, "length", PTDMA_ERR_LENGTH },
	{ source_too_high, "reserved bits of an address", PTDMA_ERR_MEM_ADDR },
	{ destination_too_high, "reserved bits of an address", PTDMA_ERR_MEM_ADDR },
	{ source_memory, "memory that is not the system's", PTDMA_ERR_MEM_SELECT },
	{ destination_memory, "memory that is not the system's", PTDMA_ERR_MEM_SELECT },
	{ context, "context of a copy", PTDMA_ERR_CONTEXT_ID },
	{ fixed_source, "fixed address", PTDMA_ERR_MEM_ADDR },
};

static void test_rules(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct stand b;

		ptdma_open(&b, "ptdma");
		rules[i].break_it(&b);
		stand_poll_broken(&b, 1, rules[i].rule);
		if (rules[i].error) {
			stand_poll(&b, PTDMA_BAR, PTDMA_STATUS, 4, ~0u, rules[i].error);
			EXPECT_EQ(ptdma_get(&b, PTDMA_CONTROL) & PTDMA_CONTROL_HALT,
				  PTDMA_CONTROL_HALT);
			EXPECT_EQ(ptdma_get(&b, PTDMA_HEAD_LO), ptdma_slot(0));
		}
		stand_close(&b, 1);
	}
}

int main(void)
{
	RUN(test_rules);
	return 0;
}
