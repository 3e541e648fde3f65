/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of I/OAT notices each rule that is broken, and does then what the hardware would.
 */
#include "ioat_stand.h"
#include "macros.h"
#include "test.h"

static void ring_one(struct stand *b)
{
	ioat_put(b, IOAT_DMACOUNT, 2, 1);
}

static void reserved_register(struct stand *b)
{
	model_bar_write(b->m, 0, 0x40, 4, 1);
}

static void channel_beyond(struct stand *b)
{
	ioat_put(b, IOAT_CHAN_SIZE + IOAT_CHANCTRL, 2, 0);
}

static void wrong_width(struct stand *b)
{
	ioat_put(b, IOAT_CHANCTRL, 4, 0);
}

static void wide_doorbell(struct stand *b)
{
	ioat_put(b, IOAT_CHANCMD, 4, 1 << 16);
}

static void write_status(struct stand *b)
{
	ioat_put(b, IOAT_CHANSTS, 8, 0);
}

static void reserved_control(struct stand *b)
{
	ioat_put(b, IOAT_CHANCTRL, 2, 0x80);
}

static void reserved_intrctrl(struct stand *b)
{
	model_bar_write(b->m, 0, IOAT_INTRCTRL, 1, 0x10);
}

static void reserved_intrdelay(struct stand *b)
{
	model_bar_write(b->m, 0, IOAT_INTRDELAY, 2, 0x4000);
}

static void two_commands(struct stand *b)
{
	ioat_put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET | IOAT_CHANCMD_SUSPEND);
}

static void resume_armed(struct stand *b)
{
	ioat_put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
}

static void reset_running(struct stand *b)
{
	ring_one(b);
	ioat_wait_done(b, 0);
	ioat_put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
}

static void reset_twice(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "never-reset"));
	ioat_put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	ioat_put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
}

static void doorbell_in_reset(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "never-reset"));
	ioat_put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	ring_one(b);
}

static void chain_in_reset(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "never-reset"));
	ioat_put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	ioat_put(b, IOAT_CHAINADDR, 8, IOAT_DESC(0));
}

static void chain_misaligned(struct stand *b)
{
	ioat_halves(b, IOAT_CHAINADDR, IOAT_DESC(0) + 32);
}

static void chain_while_active(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	ring_one(b);
	ioat_put(b, IOAT_CHAINADDR, 8, IOAT_DESC(1));
}

static void completion_misaligned(struct stand *b)
{
	ioat_halves(b, IOAT_CHANCMP, STAND_AT(IOAT_CMP) + 4);
}

static void completion_while_active(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	ring_one(b);
	ioat_put(b, IOAT_CHANCMP, 8, STAND_AT(IOAT_CMP + 64));
}

static void completion_unmapped(struct stand *b)
{
	ioat_halves(b, IOAT_CHANCMP, STAND_NOWHERE);
	ring_one(b);
}

static void half_completion(struct stand *b)
{
	ioat_put(b, IOAT_CHANCMP, 4, (uint32_t)STAND_AT(IOAT_CMP));
	ring_one(b);
}

static void no_completion(struct stand *b)
{
	ioat_halves(b, IOAT_CHANCMP, 0);
	ring_one(b);
}

static void no_chain(struct stand *b)
{
	ioat_do_reset(b);
	ring_one(b);
}

static void no_bus_master(struct stand *b)
{
	stand_bus_master(b, false);
	ring_one(b);
}

static void fail_first(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "error"));
	ring_one(b);
	stand_poll(b, 0, IOAT_CHAN(IOAT_CHANSTS), 8, 7, IOAT_HALTED);
}

static void doorbell_in_error(struct stand *b)
{
	fail_first(b);
	ring_one(b);
}

static void chain_in_error(struct stand *b)
{
	fail_first(b);
	ioat_halves(b, IOAT_CHAINADDR, IOAT_DESC(0));
}

/* Only 3.2 has it. */
static void error_in_config(struct stand *b)
{
	fail_first(b);
	ioat_put(b, IOAT_CHANERR, 4, ~0u);
	ioat_halves(b, IOAT_CHAINADDR, IOAT_DESC(0));
	ring_one(b);
}

static void doorbell_back(struct stand *b)
{
	ioat_put(b, IOAT_DMACOUNT, 2, 3);
	ioat_wait_done(b, 2);
	ioat_put(b, IOAT_DMACOUNT, 2, 2);
}

static void doorbell_past_ring(struct stand *b)
{
	ioat_put(b, IOAT_DMACOUNT, 2, IOAT_RING + 1);
}

static void doorbell_past_known_ring(struct stand *b)
{
	ioat_put(b, IOAT_DMACOUNT, 2, IOAT_RING);
	ioat_wait_done(b, IOAT_RING - 1);
	ioat_put(b, IOAT_DMACOUNT, 2, 2 * IOAT_RING + 1);
}

static void next_misaligned(struct stand *b)
{
	ioat_desc(b, 0)->next += 8;
	ioat_put(b, IOAT_DMACOUNT, 2, 2);
}

static void first_unmapped(struct stand *b)
{
	ioat_halves(b, IOAT_CHAINADDR, STAND_NOWHERE);
	ring_one(b);
}

static void next_unmapped(struct stand *b)
{
	ioat_desc(b, 0)->next = STAND_NOWHERE;
	ioat_put(b, IOAT_DMACOUNT, 2, 2);
}

static void no_length(struct stand *b)
{
	ioat_desc(b, 0)->size = 0;
	ring_one(b);
}

static void too_long(struct stand *b)
{
	ioat_desc(b, 0)->size = (1 << 20) + 1;
	ring_one(b);
}

static void no_operation(struct stand *b)
{
	ioat_desc(b, 0)->ctl |= 1u << 24;
	ring_one(b);
}

static void reserved_in_desc(struct stand *b)
{
	ioat_desc(b, 0)->ctl |= 1u << 12;
	ring_one(b);
}

static void half_extended(struct stand *b)
{
	ioat_desc(b, 0)->ctl = (uint32_t)IOAT_OP_XOR << 24 | 4 << 5;
	ring_one(b);
}

static void extended_misaligned(struct stand *b)
{
	ioat_desc(b, 0)->ctl = (uint32_t)IOAT_OP_XOR << 24 | 4 << 5;
	ioat_desc(b, 0)->next += 8;
	ioat_put(b, IOAT_DMACOUNT, 2, 2);
}

/* For each: it is told by its name, and the channel halts with that error if it does so at all. */
static const struct {
	void (*break_it)(struct stand *b);
	const char *rule;
	uint32_t chanerr;
	const char *spec;
} rules[] = {
	{ reserved_register, "reserved register", 0, NULL },
	{ channel_beyond, "reserved register", 0, NULL },
	{ wrong_width, "width of a register", 0, NULL },
	{ wide_doorbell, "width of a register", 0, NULL },
	{ write_status, "write to a read-only register", 0, NULL },
	{ reserved_control, "reserved bits of CHANCTRL", 0, NULL },
	{ reserved_intrctrl, "reserved bits of INTRCTRL", 0, NULL },
	{ reserved_intrdelay, "reserved bits of INTRDELAY", 0, NULL },
	{ two_commands, "CHANCMD is no command", IOAT_ERR_CHANCMD, NULL },
	{ resume_armed, "resume of what is not suspended", 0, NULL },
	{ reset_running, "reset without suspend", 0, NULL },
	{ reset_twice, "CHANCMD during a reset", 0, NULL },
	{ doorbell_in_reset, "DMACOUNT during a reset", 0, NULL },
	{ chain_in_reset, "CHAINADDR during a reset", 0, NULL },
	{ chain_misaligned, "CHAINADDR is not aligned", IOAT_ERR_CHAIN_ADDR, NULL },
	{ chain_while_active, "CHAINADDR while active", 0, NULL },
	{ completion_misaligned, "CHANCMP is not aligned", IOAT_ERR_COMPLETION_ADDR, NULL },
	{ completion_while_active, "CHANCMP while active", 0, NULL },
	{ completion_unmapped, "CHANCMP is not mapped", IOAT_ERR_COMPLETION_ADDR, NULL },
	{ half_completion, "DMACOUNT with half an address", 0, NULL },
	{ no_completion, "DMACOUNT before CHANCMP", 0, NULL },
	{ no_chain, "DMACOUNT before CHAINADDR", IOAT_ERR_CHAIN_ADDR, NULL },
	{ no_bus_master, "DMACOUNT without bus mastership", 0, NULL },
	{ doorbell_in_error, "DMACOUNT with errors standing", IOAT_ERR_READ_DATA, NULL },
	{ chain_in_error, "CHAINADDR with errors standing", IOAT_ERR_READ_DATA, NULL },
	{ error_in_config, "DMACOUNT with errors in CHANERR_INT", 0, "ioat,version=3.2" },
	{ doorbell_back, "DMACOUNT moves backwards", 0, NULL },
	{ doorbell_past_ring, "DMACOUNT moves past the ring", IOAT_ERR_COUNT, NULL },
	{ doorbell_past_known_ring, "DMACOUNT moves past the ring", IOAT_ERR_COUNT, NULL },
	{ next_misaligned, "next descriptor is not aligned", IOAT_ERR_ALIGNMENT, NULL },
	{ first_unmapped, "descriptor is not mapped", IOAT_ERR_CHAIN_ADDR, NULL },
	{ next_unmapped, "descriptor is not mapped", IOAT_ERR_NEXT_ADDR, NULL },
	{ no_length, "length", IOAT_ERR_LENGTH, NULL },
	{ too_long, "length", IOAT_ERR_LENGTH, NULL },
	{ no_operation, "operation", IOAT_ERR_CONTROL, NULL },
	{ reserved_in_desc, "reserved bits of a descriptor's control", IOAT_ERR_CONTROL, NULL },
	{ extended_misaligned, "next descriptor is not aligned", IOAT_ERR_ALIGNMENT,
	  "ioat,version=3.3" },
	{ half_extended, "extended descriptor beyond DMACOUNT", IOAT_ERR_COUNT,
	  "ioat,version=3.3" },
};

static void test_rules(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct stand b;

		ioat_open_started(&b, rules[i].spec ?: "ioat");
		rules[i].break_it(&b);
		stand_poll_broken(&b, 1, rules[i].rule);
		if (rules[i].chanerr) {
			stand_poll(&b, 0, IOAT_CHAN(IOAT_CHANERR), 4, ~0u, rules[i].chanerr);
			EXPECT_EQ(ioat_get(&b, IOAT_CHANSTS, 8) & 7, IOAT_HALTED);
		}
		stand_close(&b, 1);
	}
}

int main(void)
{
	RUN(test_rules);
	return 0;
}
