/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of SDXI notices each rule of sdxi_rules.h that is broken, and does then what the
 * specification says: it logs at which step, and the descriptor has an error.
 */
#include "macros.h"
#include "sdxi_stand.h"
#include "test.h"

#define AT_COMPLETION 5

/* How a rule is broken, in one step. */
#define DO(name, step)                                                                         \
	static void name(struct stand *b)                                                      \
	{                                                                                      \
		step;                                                                          \
	}

/* --- registers -------------------------------------------------------------------------------- */

DO(reserved_register, sdxi_get(b, 0x8))
DO(half_register, stand_read(b, 0, SDXI_STS0, 4))
DO(write_capability, sdxi_put(b, SDXI_CAP0, 0))
DO(reserved_bits, sdxi_put(b, SDXI_ERR_CTL, 2))

static void group_cleared(struct stand *b)
{
	sdxi_put(b, SDXI_CTL0, SDXI_GSR_ACTIVE | SDXI_CTL0_ERR_INTR);
	EXPECT_EQ(sdxi_get(b, SDXI_CTL0) >> 32, SDXI_GROUP_ID);
}

static void error_interrupt_off(struct stand *b)
{
	sdxi_put(b, SDXI_CTL0, sdxi_get(b, SDXI_CTL0) & ~(uint64_t)SDXI_CTL0_ERR_INTR);
}

static void reset_of_active(struct stand *b)
{
	sdxi_ask(b, SDXI_GSR_RESET);
	EXPECT_EQ(sdxi_get(b, SDXI_STS0), SDXI_ACTIVE);
}

static void start_while_stopping(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "never-reset"));
	sdxi_ask(b, SDXI_GSR_STOP_SF);
	sdxi_ask(b, SDXI_GSR_ACTIVE);
}

static void too_many_contexts(struct stand *b)
{
	sdxi_put(b, SDXI_CTL2, sdxi_get(b, SDXI_CTL2) + (1 << 16));
	EXPECT_EQ(sdxi_get(b, SDXI_CTL2) >> 16 & 0xffff, 0);
}

DO(too_many_operations, sdxi_put(b, SDXI_CTL2, sdxi_get(b, SDXI_CTL2) | UINT64_C(1) << 63))
DO(limits_of_active, sdxi_put(b, SDXI_CTL2, 0))
DO(table_of_active, sdxi_put(b, SDXI_CXT_L2, 0))
DO(rkeys, sdxi_put(b, SDXI_RKEY, STAND_AT(0x3000) | 1))
DO(pasid_of_function, sdxi_put(b, SDXI_CTL0, sdxi_get(b, SDXI_CTL0) | SDXI_CTL0_PASID_VL))
DO(log_moved, sdxi_put(b, SDXI_ERR_CFG, STAND_AT(0x3000) | 1 << 1 | 1))
DO(log_rewound, sdxi_put(b, SDXI_ERR_WRT, 0))

static void log_too_large(struct stand *b)
{
	sdxi_put(b, SDXI_ERR_CFG, 0);
	sdxi_put(b, SDXI_ERR_CFG, STAND_AT(SDXI_LOG_AT) | 5 << 1 | 1);
}

static void log_of_nothing(struct stand *b)
{
	sdxi_put(b, SDXI_ERR_CFG, 0);
	sdxi_put(b, SDXI_ERR_CFG, STAND_AT(SDXI_LOG_AT) | 1);
}

DO(log_read_ahead, sdxi_put(b, SDXI_ERR_RD, 1))

static void log_nowhere(struct stand *b)
{
	union sdxi_desc d = sdxi_copy(1, 0);

	sdxi_put(b, SDXI_ERR_CFG, 0);
	sdxi_put(b, SDXI_ERR_CFG, STAND_NOWHERE | 1 << 1 | 1);
	d.copy.addr[0] = STAND_NOWHERE;
	sdxi_post(b, 1, &d);
	stand_poll(b, 0, SDXI_ERR_STS, 8, SDXI_ERR_STS_ERR, SDXI_ERR_STS_ERR);
}

/* --- doorbells, rings ------------------------------------------------------------------------- */

static uint64_t *write_index(struct stand *b, unsigned int n)
{
	return (uint64_t *)(b->mem + SDXI_WRITE_AT(n));
}

DO(half_doorbell, model_bar_write(b->m, 2, 0x1000, 4, 0))
DO(doorbell_between, model_bar_write(b->m, 2, 0x1008, 8, 0))
DO(doorbell_beyond, model_bar_write(b->m, 2, 0x5000, 8, 0))
DO(doorbell_read, stand_read(b, 2, 0x1000, 8))
DO(doorbell_of_stopped, sdxi_ring(b, 2))
DO(doorbell_first, model_bar_write(b->m, 2, 0x1000, 8, 1))

static void doorbell_of_invalid(struct stand *b)
{
	*write_index(b, 1) = 1;
	sdxi_ring(b, 1);
}

static void overrun(struct stand *b)
{
	*write_index(b, 1) = SDXI_RING_MIN + 1;
	sdxi_ring(b, 1);
}

/* It is told once. */
static void changed(struct stand *b)
{
	sdxi_l1(b, 1)->misc = 0;
	sdxi_post_copies(b, 0, 2);
	sdxi_wait(b, 1, 0, false);
	sdxi_wait(b, 1, 1, false);
}

static void status_written(struct stand *b)
{
	union sdxi_desc d = sdxi_copy(1, 0);

	sdxi_sts(b, 1)->read_index = 7;
	sdxi_post(b, 1, &d);
	sdxi_wait(b, 1, 0, false);
}

DO(unmapped, EXPECT_EQ(model_unmap(b->m, STAND_AT(SDXI_RING_AT(1)), 64), 1))

/* --- descriptors of contexts ------------------------------------------------------------------ */

#define BAD_COPY(name, change)                                                                 \
	static void name(struct stand *b)                                                      \
	{                                                                                      \
		union sdxi_desc d = sdxi_copy(1, AT_COMPLETION);                               \
                                                                                               \
		change;                                                                        \
		sdxi_post(b, 1, &d);                                                           \
	}

/* What is wrong is not in the descriptor, but where it points. */
#define BAD_COMPLETION(name, change)                                                           \
	static void name(struct stand *b)                                                      \
	{                                                                                      \
		union sdxi_desc d = sdxi_copy(1, AT_COMPLETION);                               \
		struct sdxi_cst *cst = sdxi_cst(b, 1, AT_COMPLETION);                          \
                                                                                               \
		sdxi_enqueue(b, 1, &d);                                                        \
		change;                                                                        \
		sdxi_ring(b, 1);                                                               \
	}

#define BAD_INTERRUPT(name, change)                                                            \
	static void name(struct stand *b)                                                      \
	{                                                                                      \
		union sdxi_desc d = {                                                          \
			.intr = { .opcode = SDXI_OP_INTR, .akey = 1,                           \
				  .csb = STAND_AT(SDXI_CST_AT(1, AT_COMPLETION)) },            \
		};                                                                             \
                                                                                               \
		change;                                                                        \
		sdxi_post(b, 1, &d);                                                           \
	}

BAD_COPY(flag_unknown, d.opcode |= 0x8)
BAD_COPY(attributes, d.copy.attr = 1)
BAD_COPY(copy_more, d.copy.zeros[2] = 1)
BAD_COPY(operation_unknown, d.opcode |= 0x400)
BAD_COPY(nop_with_body, d.opcode = SDXI_OP_NOP)
BAD_COPY(command_in_context, d = sdxi_command(SDXI_OP_SYNC, 1, 0);
	 d.csb = STAND_AT(SDXI_CST_AT(1, AT_COMPLETION)))
BAD_COPY(completion_misaligned, d.csb += 8)
BAD_COPY(completion_and_none, d.csb |= SDXI_DSC_NP)
BAD_COPY(completion_nowhere, d.csb = STAND_NOWHERE)
BAD_COMPLETION(completion_done, cst->signal = 0)
BAD_COMPLETION(completion_flags, cst->flags = 1)
BAD_COMPLETION(completion_more, cst->zeros[4] = 1)
BAD_COPY(copy_too_large, d.copy.size = (4 << 20); d.copy.addr[1] += 16 << 20)
BAD_COPY(copy_overlap, d.copy.addr[1] = d.copy.addr[0] + 4095)
BAD_COPY(copy_onto_completion, d.copy.addr[1] = ALIGN_DOWN(d.csb, 4096))
BAD_COPY(akey_beyond, d.copy.akey[1] = 256)
BAD_COPY(akey_invalid, d.copy.akey[0] = 2)
BAD_COPY(akey_pasid, sdxi_akey(b, 1, 0)->intr |= 4)
BAD_COPY(akey_of_other, sdxi_akey(b, 1, 0)->sfunc = 7)
BAD_COPY(akey_rkey, sdxi_akey(b, 1, 0)->rkey = 1)
BAD_INTERRUPT(interrupt_by_memory_key, d.intr.akey = 0)
BAD_INTERRUPT(interrupt_beyond, sdxi_akey(b, 1, 1)->intr = 3 | 5 << 4)
BAD_INTERRUPT(interrupt_more, d.intr.zeros[0] = 1)

/* --- context 0 -------------------------------------------------------------------------------- */

#define BAD_COMMAND(name, op, change)                                                          \
	static void name(struct stand *b)                                                      \
	{                                                                                      \
		union sdxi_desc d = sdxi_command(op, 2, AT_COMPLETION);                        \
                                                                                               \
		change;                                                                        \
		sdxi_post(b, 0, &d);                                                           \
	}

BAD_COMMAND(copy_in_context_0, SDXI_OP_SYNC, d.opcode = SDXI_OP_COPY)
BAD_COMMAND(command_unknown, SDXI_OP_SYNC, d.opcode = 0x20500)
BAD_COMMAND(command_more, SDXI_OP_CXT_START, d.admin.zeros[0] = 1)
BAD_COMMAND(doorbell_unsaid, SDXI_OP_CXT_START, d.admin.doorbell = 1)
BAD_COMMAND(no_fence, SDXI_OP_CXT_START, d.opcode &= ~(uint32_t)SDXI_DSC_FE)
BAD_COMMAND(stop_no_fence, SDXI_OP_CXT_STOP, d.opcode &= ~(uint32_t)SDXI_DSC_FE)
BAD_COMMAND(range_backwards, SDXI_OP_CXT_START, d.admin.last = 1)
BAD_COMMAND(range_of_0, SDXI_OP_CXT_STOP, d.admin.first = 0)
BAD_COMMAND(range_beyond, SDXI_OP_SYNC, d.admin.last = 5)
BAD_COMMAND(virtual_function, SDXI_OP_CXT_START, d.admin.vflags |= SDXI_V_VF)
BAD_COMMAND(filter_unknown, SDXI_OP_SYNC, d.admin.cflags = SDXI_N_FLT)
BAD_COMMAND(start_twice, SDXI_OP_CXT_START, d.admin.first = d.admin.last = 1)
BAD_COMMAND(start_not_stopped, SDXI_OP_CXT_START, sdxi_sts(b, 2)->state = SDXI_CXT_STOP_FN)

/* --- structures of a context that is started -------------------------------------------------- */

#define BAD_START(name, change) BAD_COMMAND(name, SDXI_OP_CXT_START, change)

BAD_START(l1_invalid, sdxi_l1(b, 2)->ctl &= ~UINT64_C(1))
BAD_START(l1_reserved, sdxi_l1(b, 2)->zero = 1)
BAD_START(l1_pasid, sdxi_l1(b, 2)->ctl |= 4)
BAD_START(l1_akeys, sdxi_l1(b, 2)->akeys |= 3)
BAD_START(l1_operations, sdxi_l1(b, 2)->groups |= 1)
BAD_START(l1_no_operations, sdxi_l1(b, 2)->groups = 0)
BAD_START(akeys_nowhere, sdxi_l1(b, 2)->akeys = STAND_NOWHERE)
BAD_START(ctl_invalid, sdxi_ctl(b, 2)->ring &= ~UINT64_C(1))
BAD_START(ctl_reserved, sdxi_ctl(b, 2)->zeros[3] = 1)
BAD_START(ctl_nowhere, sdxi_l1(b, 2)->ctl = STAND_NOWHERE | 3)
BAD_START(ring_too_small, sdxi_ctl(b, 2)->entries = SDXI_RING_MIN - 1)
BAD_START(ring_too_large, sdxi_ctl(b, 2)->entries = SDXI_RING_MIN * 64 + 1)
BAD_START(ring_nowhere, sdxi_ctl(b, 2)->ring = STAND_NOWHERE | 1)
BAD_START(ring_ends, sdxi_ctl(b, 2)->ring = STAND_AT(STAND_SIZE - 4096) | 1)
BAD_START(sts_nowhere, sdxi_ctl(b, 2)->sts = STAND_NOWHERE)
BAD_START(sts_reserved, sdxi_sts(b, 2)->misc = 1)
BAD_START(write_index_nowhere, sdxi_ctl(b, 2)->write_index = STAND_NOWHERE)
BAD_START(write_index_behind, sdxi_sts(b, 2)->read_index = 1)

/* --- and what is found at activation ---------------------------------------------------------- */

DO(no_master, stand_bus_master(b, false))
DO(no_tables, sdxi_put(b, SDXI_CXT_L2, STAND_NOWHERE))
DO(l2_invalid, *(uint64_t *)(b->mem + SDXI_L2_AT) &= ~UINT64_C(1))
DO(l1_nowhere, *(uint64_t *)(b->mem + SDXI_L2_AT) = STAND_NOWHERE | 1)
DO(no_akeys, sdxi_l1(b, 0)->akeys = STAND_NOWHERE)
DO(admin_stopped, sdxi_sts(b, 0)->state = SDXI_CXT_STOP_SW)

#define RULE(id) SDXI_RULE_##id

/* When, who notices where, and of which context the log then tells, and the completion. */
static const struct {
	enum { STOPPED, ACTIVATED, RUNS } when;
	void (*break_it)(struct stand *b);
	enum sdxi_rule rule;
	enum sdxi_step step;		/* 0: nothing is logged */
	enum sdxi_sub_step sub;
	unsigned int cxt;
	int completes;			/* completion AT_COMPLETION of that context; -1: of none */
} rules[] = {
	{ RUNS, reserved_register, RULE(REGISTER), 0, 0, 0, -1 },
	{ RUNS, half_register, RULE(WIDTH), 0, 0, 0, -1 },
	{ RUNS, write_capability, RULE(READ_ONLY), 0, 0, 0, -1 },
	{ RUNS, reserved_bits, RULE(REGISTER_BITS), 0, 0, 0, -1 },
	{ RUNS, group_cleared, RULE(GROUP_ID), 0, 0, 0, -1 },
	{ RUNS, error_interrupt_off, RULE(CTL0_BUSY), 0, 0, 0, -1 },
	{ RUNS, reset_of_active, RULE(GSR), 0, 0, 0, -1 },
	{ RUNS, start_while_stopping, RULE(GSR), 0, 0, 0, -1 },
	{ STOPPED, too_many_contexts, RULE(CTL2), 0, 0, 0, -1 },
	{ STOPPED, too_many_operations, RULE(CTL2), 0, 0, 0, -1 },
	{ RUNS, limits_of_active, RULE(CONFIG_BUSY), 0, 0, 0, -1 },
	{ RUNS, table_of_active, RULE(CONFIG_BUSY), 0, 0, 0, -1 },
	{ STOPPED, rkeys, RULE(RKEY), 0, 0, 0, -1 },
	{ STOPPED, pasid_of_function, RULE(PASID), 0, 0, 0, -1 },
	{ RUNS, log_moved, RULE(LOG_ENABLED), 0, 0, 0, -1 },
	{ RUNS, log_rewound, RULE(LOG_ENABLED), 0, 0, 0, -1 },
	{ RUNS, log_too_large, RULE(LOG_SIZE), 0, 0, 0, -1 },
	{ RUNS, log_of_nothing, RULE(LOG_SIZE), 0, 0, 0, -1 },
	{ RUNS, log_read_ahead, RULE(LOG_INDEX), 0, 0, 0, -1 },
	{ RUNS, log_nowhere, RULE(LOG_MAPPED), 0, 0, 0, -1 },
	{ ACTIVATED, no_master, RULE(BUS_MASTER), 0, 0, 0, -1 },
	{ ACTIVATED, no_tables, RULE(L2), SDXI_E_CXT_L2, SDXI_E_ATF, 0, -1 },
	{ ACTIVATED, l2_invalid, RULE(L2), SDXI_E_CXT_L2, SDXI_E_DVF, 0, -1 },
	{ ACTIVATED, l1_nowhere, RULE(L1), SDXI_E_CXT_L1, SDXI_E_ATF, 0, -1 },
	{ ACTIVATED, no_akeys, RULE(AKEY_TABLE), SDXI_E_CXT_L1, SDXI_E_DAF, 0, -1 },
	{ ACTIVATED, admin_stopped, RULE(ADMIN_RUN), SDXI_E_CXT_STS, SDXI_E_DVF, 0, -1 },
	{ RUNS, l1_invalid, RULE(L1), SDXI_E_CXT_L1, SDXI_E_DVF, 2, 0 },
	{ RUNS, l1_reserved, RULE(L1), SDXI_E_CXT_L1, SDXI_E_DVF, 2, 0 },
	{ RUNS, l1_pasid, RULE(PASID), SDXI_E_CXT_L1, SDXI_E_DVF, 2, 0 },
	{ RUNS, l1_akeys, RULE(L1_LIMITS), SDXI_E_CXT_L1, SDXI_E_DVF, 2, 0 },
	{ RUNS, l1_operations, RULE(L1_LIMITS), SDXI_E_CXT_L1, SDXI_E_DVF, 2, 0 },
	{ RUNS, l1_no_operations, RULE(L1_LIMITS), SDXI_E_CXT_L1, SDXI_E_DVF, 2, 0 },
	{ RUNS, akeys_nowhere, RULE(AKEY_TABLE), SDXI_E_CXT_L1, SDXI_E_DAF, 2, 0 },
	{ RUNS, ctl_invalid, RULE(CXT_CTL), SDXI_E_CXT_CTL, SDXI_E_DVF, 2, 0 },
	{ RUNS, ctl_reserved, RULE(CXT_CTL), SDXI_E_CXT_CTL, SDXI_E_DVF, 2, 0 },
	{ RUNS, ctl_nowhere, RULE(CXT_CTL), SDXI_E_CXT_CTL, SDXI_E_ATF, 2, 0 },
	{ RUNS, ring_too_small, RULE(RING_SIZE), SDXI_E_CXT_CTL, SDXI_E_DVF, 2, 0 },
	{ RUNS, ring_too_large, RULE(RING_SIZE), SDXI_E_CXT_CTL, SDXI_E_DVF, 2, 0 },
	{ RUNS, ring_nowhere, RULE(RING), SDXI_E_CXT_CTL, SDXI_E_DAF, 2, 0 },
	{ RUNS, ring_ends, RULE(RING), SDXI_E_CXT_CTL, SDXI_E_DAF, 2, 0 },
	{ RUNS, sts_nowhere, RULE(CXT_STS), SDXI_E_CXT_STS, SDXI_E_ATF, 2, 0 },
	{ RUNS, sts_reserved, RULE(CXT_STS), SDXI_E_CXT_STS, SDXI_E_DVF, 2, 0 },
	{ RUNS, write_index_nowhere, RULE(WRITE_INDEX), SDXI_E_WRT_IDX, SDXI_E_ATF, 2, 0 },
	{ RUNS, write_index_behind, RULE(INDICES), SDXI_E_WRT_IDX, SDXI_E_DVF, 2, 0 },
	{ RUNS, start_twice, RULE(START), SDXI_E_CXT_STS, SDXI_E_DVF, 1, 0 },
	{ RUNS, start_not_stopped, RULE(START), SDXI_E_CXT_STS, SDXI_E_DVF, 2, 0 },
	{ RUNS, overrun, RULE(OVERRUN), SDXI_E_WRT_IDX, SDXI_E_DVF, 1, -1 },
	{ RUNS, changed, RULE(CHANGED), 0, 0, 0, -1 },
	{ RUNS, status_written, RULE(STS_CHANGED), 0, 0, 0, -1 },
	{ RUNS, unmapped, RULE(UNMAPPED), 0, 0, 0, -1 },
	{ RUNS, half_doorbell, RULE(DOORBELL), 0, 0, 0, -1 },
	{ RUNS, doorbell_between, RULE(DOORBELL), 0, 0, 0, -1 },
	{ RUNS, doorbell_beyond, RULE(DOORBELL), 0, 0, 0, -1 },
	{ RUNS, doorbell_read, RULE(DOORBELL_READ), 0, 0, 0, -1 },
	{ STOPPED, doorbell_of_stopped, RULE(DOORBELL_FN), 0, 0, 0, -1 },
	{ RUNS, doorbell_of_stopped, RULE(DOORBELL_CXT), 0, 0, 0, -1 },
	{ RUNS, doorbell_first, RULE(DOORBELL_AHEAD), 0, 0, 0, -1 },
	{ RUNS, doorbell_of_invalid, RULE(DOORBELL_VL), 0, 0, 0, -1 },
	{ RUNS, flag_unknown, RULE(DSC_BITS), SDXI_E_DSC_GEN, SDXI_E_DVF, 1, 1 },
	{ RUNS, attributes, RULE(DSC_BITS), SDXI_E_DSC_GEN, SDXI_E_DVF, 1, 1 },
	{ RUNS, copy_more, RULE(DSC_BITS), SDXI_E_DSC_GEN, SDXI_E_DVF, 1, 1 },
	{ RUNS, nop_with_body, RULE(DSC_BITS), SDXI_E_DSC_GEN, SDXI_E_DVF, 1, 1 },
	{ RUNS, interrupt_more, RULE(DSC_BITS), SDXI_E_DSC_GEN, SDXI_E_DVF, 1, 1 },
	{ RUNS, command_more, RULE(DSC_BITS), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, doorbell_unsaid, RULE(DSC_BITS), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, operation_unknown, RULE(OPERATION), SDXI_E_DSC_GEN, SDXI_E_DVF, 1, 1 },
	{ RUNS, command_unknown, RULE(OPERATION), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, command_in_context, RULE(OPERATION_CXT), SDXI_E_DSC_GEN, SDXI_E_DVF, 1, 1 },
	{ RUNS, copy_in_context_0, RULE(OPERATION_CXT), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, no_fence, RULE(FENCE), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, stop_no_fence, RULE(FENCE), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, completion_misaligned, RULE(CSB), SDXI_E_DSC_CSB, SDXI_E_DVF, 1, -1 },
	{ RUNS, completion_and_none, RULE(CSB), SDXI_E_DSC_CSB, SDXI_E_DVF, 1, -1 },
	{ RUNS, completion_nowhere, RULE(CST_MAPPED), SDXI_E_DSC_CSB, SDXI_E_ATF, 1, -1 },
	{ RUNS, completion_done, RULE(CST_SIGNAL), SDXI_E_DSC_CSB, SDXI_E_DVF, 1, -1 },
	{ RUNS, completion_flags, RULE(CST_BITS), SDXI_E_DSC_CSB, SDXI_E_DVF, 1, -1 },
	{ RUNS, completion_more, RULE(CST_BITS), SDXI_E_DSC_CSB, SDXI_E_DVF, 1, 1 },
	{ RUNS, copy_overlap, RULE(OVERLAP), SDXI_E_DSC_GEN, SDXI_E_DVF, 1, 1 },
	{ RUNS, copy_onto_completion, RULE(OVERLAP), SDXI_E_DSC_GEN, SDXI_E_DVF, 1, 1 },
	{ RUNS, akey_beyond, RULE(AKEY_INDEX), SDXI_E_DSC_AKEY, SDXI_E_DVF, 1, 1 },
	{ RUNS, akey_invalid, RULE(AKEY_VL), SDXI_E_DSC_AKEY, SDXI_E_DVF, 1, 1 },
	{ RUNS, akey_pasid, RULE(PASID), SDXI_E_DSC_AKEY, SDXI_E_DVF, 1, 1 },
	{ RUNS, akey_of_other, RULE(AKEY_BITS), SDXI_E_DSC_AKEY, SDXI_E_DVF, 1, 1 },
	{ RUNS, akey_rkey, RULE(AKEY_BITS), SDXI_E_DSC_AKEY, SDXI_E_DVF, 1, 1 },
	{ RUNS, interrupt_by_memory_key, RULE(AKEY_IV), SDXI_E_DSC_AKEY, SDXI_E_DVF, 1, 1 },
	{ RUNS, interrupt_beyond, RULE(VECTOR), SDXI_E_DSC_AKEY, SDXI_E_DVF, 1, 1 },
	{ RUNS, range_backwards, RULE(RANGE), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, range_of_0, RULE(RANGE), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, range_beyond, RULE(RANGE), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, virtual_function, RULE(VF), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
	{ RUNS, filter_unknown, RULE(SYNC), SDXI_E_DSC_GEN, SDXI_E_DVF, 0, 0 },
};

/* The first entry of the log says so. */
static void expect_logged(struct stand *b, enum sdxi_step step, enum sdxi_sub_step sub,
			  unsigned int cxt)
{
	const struct sdxi_log_entry *e = sdxi_entry(b, 0);

	stand_poll(b, 0, SDXI_ERR_WRT, 8, UINT64_MAX, 1);
	EXPECT_EQ(e->head, 0x7f70001 | step << 8);
	EXPECT_EQ(e->misc >> 8 & 0xf, sub);
	EXPECT_EQ(e->misc & 1, 1);
	EXPECT_EQ(e->cxt, cxt);
	EXPECT_EQ(sdxi_get(b, SDXI_ERR_STS), SDXI_ERR_STS_STS);
}

static void test_rule(size_t i)
{
	struct stand b;

	if (rules[i].when == RUNS)
		sdxi_open_active(&b, "sdxi");
	else
		sdxi_open_stopped(&b, "sdxi");
	rules[i].break_it(&b);
	if (rules[i].when == ACTIVATED) {
		sdxi_ask(&b, SDXI_GSR_ACTIVE);
		sdxi_wait_state(&b, SDXI_ERROR);
	}
	stand_poll_broken(&b, 1, sdxi_rules[rules[i].rule].name);
	if (rules[i].completes >= 0)
		sdxi_wait(&b, (unsigned int)rules[i].completes, AT_COMPLETION, true);
	if (rules[i].step)
		expect_logged(&b, rules[i].step, rules[i].sub, rules[i].cxt);
	else
		EXPECT_EQ(sdxi_get(&b, SDXI_ERR_WRT), 0);
	stand_close(&b, 1);
}

static void test_rules(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		test_rule(i);
}

/* A function may allow less than 4 GiB at a time; a context as well. */
static void test_copy_size(void)
{
	static const char *const specs[] = { "sdxi,absurd-transfer=1", "sdxi" };

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct stand b;

		sdxi_open_stopped(&b, specs[i]);
		sdxi_l1(&b, 1)->misc = i == 0 ? 11 << 20 : 1 << 20;
		sdxi_ask(&b, SDXI_GSR_ACTIVE);
		sdxi_wait_state(&b, SDXI_ACTIVE);
		sdxi_start(&b, 1);
		copy_too_large(&b);
		stand_poll_broken(&b, 1, sdxi_rules[RULE(COPY_SIZE)].name);
		sdxi_wait(&b, 1, AT_COMPLETION, true);
		stand_close(&b, 1);
	}
}

/* No rule is without a test, and each says where it is from. */
static void test_complete(void)
{
	bool tested[SDXI_N_RULES] = { [RULE(COPY_SIZE)] = true };

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		tested[rules[i].rule] = true;
	for (size_t i = 0; i < ARRAY_SIZE(tested); i++) {
		if (!tested[i])
			TEST_FAIL("no test of: %s", sdxi_rules[i].name);
		EXPECT_TRUE(*sdxi_rules[i].source);
	}
}

int main(void)
{
	RUN(test_rules);
	RUN(test_copy_size);
	RUN(test_complete);
	return 0;
}
