/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of DSA notices each rule that is broken, and does then what the hardware would.
 */
#include "dsa_stand.h"
#include "macros.h"
#include "test.h"

/* --- rules: registers and commands ------------------------------------------------------------ */

static void reserved_register(struct stand *b)
{
	dsa_put(b, 0x18, 8, 0);
}

static void register_width(struct stand *b)
{
	dsa_get(b, DSA_GENSTS, 2);
}

static void write_capability(struct stand *b)
{
	dsa_put(b, DSA_GENCAP, 8, 0);
}

static void reserved_genctrl(struct stand *b)
{
	dsa_put(b, DSA_GENCTRL, 4, 0x4);
}

static void reserved_wqcfg(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 1, 3), 4, 1 << 20);
}

static void enabled_wqcfg(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 0, 2), 4, DSA_WQ_DEDICATED | 2 << 4);
}

static void enabled_size(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 1, 0), 4, 3);
}

static void enabled_grpcfg(struct stand *b)
{
	dsa_put(b, DSA_GRPCFG + 40, 8, 0);
}

static void portal_read(struct stand *b)
{
	stand_read(b, 2, 0, 8);
}

static void portal_half(struct stand *b)
{
	model_bar_write(b->m, 2, 0, 4, 0);
}

static void portal_torn(struct stand *b)
{
	model_bar_write(b->m, 2, 64, 8, 0);
	model_bar_write(b->m, 2, 64 + 16, 8, 0);
}

static void portal_wrong_page(struct stand *b)
{
	model_bar_write(b->m, 2, 0x2000, 8, 0);
}

static void two_commands(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "never-reset"));
	dsa_put(b, DSA_CMD, 4, DSA_COMMAND(DSA_CMD_RESET, 0));
	dsa_put(b, DSA_CMD, 4, DSA_COMMAND(DSA_CMD_RESET, 0));
}

static void reserved_command(struct stand *b)
{
	dsa_put(b, DSA_CMD, 4, DSA_COMMAND(DSA_CMD_DRAIN_ALL, 0) | 1 << 26);
}

/* --- rules: descriptors ----------------------------------------------------------------------- */

static void submit_with(struct stand *b, struct dsa_desc d)
{
	dsa_post(b, 0, &d);
}

static void queue_off(struct stand *b)
{
	struct dsa_desc d = dsa_copy(0);

	dsa_post(b, 1, &d);
}

static void queue_overrun(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	for (unsigned int i = 0; i < 17; i++)
		submit_with(b, dsa_copy(i));
}

#define BAD_COPY(name, change)                                                                 \
	static void name(struct stand *b)                                                      \
	{                                                                                      \
		struct dsa_desc d = dsa_copy(0);                                               \
                                                                                               \
		change;                                                                        \
		dsa_post(b, 0, &d);                                                            \
	}

#define BAD_BATCH(name, n, change)                                                             \
	static void name(struct stand *b)                                                      \
	{                                                                                      \
		struct dsa_desc d = dsa_batch(b, n, 0);                                        \
                                                                                               \
		change;                                                                        \
		dsa_post(b, 0, &d);                                                            \
	}

BAD_COPY(record_misaligned, d.record += 8)
BAD_COPY(record_unmapped, d.record = STAND_NOWHERE)
BAD_COPY(record_used, dsa_record(b, 0)->status = DSA_BAD_FLAGS)
BAD_COPY(flag_unknown, d.op_flags |= 0x2)
BAD_COPY(flag_fence, d.op_flags |= DSA_FLAG_FENCE)
BAD_COPY(flag_record, d.op_flags &= ~(uint32_t)DSA_FLAG_RECORD_VALID)
BAD_COPY(handle_unasked, d.handle = 1)
BAD_COPY(handle_beyond, d.op_flags |= DSA_FLAG_INTERRUPT; d.handle = 9)
BAD_COPY(opcode_unknown, d.op_flags ^= 0x7u << 24)
BAD_COPY(drain_of_something, d.op_flags ^= 1 << 24)
BAD_COPY(reserved_bytes, d.more[1] = 1)
BAD_COPY(reserved_header, d.pasid_priv = 1 << 24)
BAD_COPY(size_zero, d.size = 0)
BAD_COPY(size_beyond, d.size = (1 << 20) + 1)
BAD_COPY(overlap, d.dst = d.src + 4095)
BAD_BATCH(batch_of_one, 1, (void)d)
BAD_BATCH(batch_beyond, 65, (void)d)
BAD_BATCH(batch_misaligned, 2, d.src += 32)
BAD_BATCH(batch_reserved, 2, d.dst = 64)
BAD_BATCH(batch_in_batch, 2, dsa_in_list(b, 1)->op_flags ^= 2 << 24)

/* For each: it is told by its name, and a descriptor's record or SWERR has the code. */
static const struct {
	void (*break_it)(struct stand *b);
	const char *rule;
	uint8_t record;
	uint8_t swerr;
} rules[] = {
	{ reserved_register, "reserved register", 0, 0 },
	{ register_width, "width of a register", 0, 0 },
	{ write_capability, "write to a read-only register", 0, 0 },
	{ reserved_genctrl, "reserved bits of GENCTRL", 0, 0 },
	{ reserved_wqcfg, "reserved bits of WQCFG", 0, 0 },
	{ enabled_wqcfg, "WQCFG of what is enabled", 0, 0 },
	{ enabled_size, "WQCFG of what is enabled", 0, 0 },
	{ enabled_grpcfg, "GRPCFG of what is enabled", 0, 0 },
	{ portal_read, "read of a portal", 0, 0 },
	{ portal_half, "descriptor in pieces", 0, 0 },
	{ portal_torn, "descriptor in pieces", 0, 0 },
	{ portal_wrong_page, "no portal", 0, 0 },
	{ two_commands, "CMD while a command is active", 0, 0 },
	{ reserved_command, "reserved bits of CMD", 0, 0 },
	{ queue_off, "descriptor for a queue that is not enabled", 0, 0 },
	{ queue_overrun, "more descriptors than the queue has entries", 0, 0 },
	{ record_misaligned, "alignment of a completion record", 0, DSA_RECORD_ALIGNMENT },
	{ record_unmapped, "completion record is not mapped", 0, DSA_RECORD_FAULT },
	{ record_used, "completion record is not zero", DSA_OK, 0 },
	{ flag_unknown, "flags of a descriptor", DSA_BAD_FLAGS, 0 },
	{ flag_fence, "flags of a descriptor", DSA_BAD_FLAGS, 0 },
	{ flag_record, "flags of a descriptor", 0, DSA_BAD_FLAGS },
	{ handle_unasked, "reserved field of a descriptor", DSA_NOT_ZERO, 0 },
	{ handle_beyond, "interrupt handle", DSA_BAD_HANDLE, 0 },
	{ opcode_unknown, "operation", DSA_BAD_OPCODE, 0 },
	{ drain_of_something, "reserved field of a descriptor", DSA_NOT_ZERO, 0 },
	{ reserved_bytes, "reserved field of a descriptor", DSA_NOT_ZERO, 0 },
	{ reserved_header, "reserved field of a descriptor", DSA_NOT_ZERO, 0 },
	{ size_zero, "size of a transfer", DSA_BAD_SIZE, 0 },
	{ size_beyond, "size of a transfer", DSA_BAD_SIZE, 0 },
	{ overlap, "overlapping transfer", DSA_OVERLAP, 0 },
	{ batch_of_one, "size of a batch", DSA_BAD_COUNT, 0 },
	{ batch_beyond, "size of a batch", DSA_BAD_COUNT, 0 },
	{ batch_misaligned, "alignment of a batch", DSA_LIST_ALIGNMENT, 0 },
	{ batch_reserved, "reserved field of a descriptor", DSA_NOT_ZERO, 0 },
	{ batch_in_batch, "operation", DSA_BATCH_FAILED, 0 },
};

static void test_rules(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct stand b;

		dsa_open_enabled(&b, "dsa", 1);
		rules[i].break_it(&b);
		stand_poll_broken(&b, 1, rules[i].rule);
		if (rules[i].record)
			dsa_wait_record(&b, 0, rules[i].record);
		if (rules[i].swerr)
			stand_poll(&b, 0, DSA_SWERR, 8, 0x7f01,
				   rules[i].swerr << 8 | DSA_SWERR_VALID);
		stand_close(&b, 1);
	}
}

/* --- rules: what enabling refuses ------------------------------------------------------------- */

static void no_master(struct stand *b)
{
	stand_bus_master(b, false);
}

static void too_many_entries(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 1, 0), 4, DSA_WQ_ENTRIES);
}

static void queue_in_two_groups(struct stand *b)
{
	dsa_put(b, DSA_GRPCFG + 64, 8, 1);
	dsa_put(b, DSA_GRPCFG + 96, 8, 2);
	dsa_put(b, DSA_GRPCFG + 104, 8, 0x9);
}

static void engine_in_two_groups(struct stand *b)
{
	dsa_put(b, DSA_GRPCFG + 64, 8, 2);
	dsa_put(b, DSA_GRPCFG + 96, 8, 1);
	dsa_put(b, DSA_GRPCFG + 104, 8, 0x9);
}

static void no_engine(struct stand *b)
{
	dsa_put(b, DSA_GRPCFG + 32, 8, 0);
}

static void traffic_class(struct stand *b)
{
	dsa_put(b, DSA_GRPCFG + 40, 8, 0x8);
}

static void no_size(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 0, 0), 4, 0);
}

static void no_priority(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 0, 2), 4, DSA_WQ_DEDICATED);
}

static void shared(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 0, 2), 4, 1 << 4);
}

static void block_on_fault(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 0, 2), 4, DSA_WQ_DEDICATED | 2 | 1 << 4);
}

static void pasid(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 0, 2), 4, DSA_WQ_DEDICATED | 1 << 4 | 1 << 28);
}

static void batch_size(struct stand *b)
{
	dsa_put(b, dsa_wqcfg(b, 0, 3), 4, 20 | (DSA_MAX_BATCH + 1) << 5);
}

static void test_refusals(void)
{
	static const struct {
		void (*break_it)(struct stand *b);
		uint8_t device;		/* what enabling the device gives, */
		uint8_t queue;		/* and then the queue */
	} refusals[] = {
		{ no_master, DSA_ERR_BUS_MASTER, DSA_ERR_DEVICE_OFF },
		{ too_many_entries, DSA_ERR_SIZES, DSA_ERR_DEVICE_OFF },
		{ queue_in_two_groups, DSA_ERR_GROUP_WQS, DSA_ERR_DEVICE_OFF },
		{ engine_in_two_groups, DSA_ERR_GROUP_ENGINES, DSA_ERR_DEVICE_OFF },
		{ no_engine, DSA_ERR_GROUP_HALF, DSA_ERR_DEVICE_OFF },
		{ traffic_class, DSA_ERR_GROUP_FLAGS, DSA_ERR_DEVICE_OFF },
		{ no_size, 0, DSA_ERR_WQ_SIZE },
		{ no_priority, 0, DSA_ERR_WQ_PRIORITY },
		{ shared, 0, DSA_ERR_WQ_MODE },
		{ block_on_fault, 0, DSA_ERR_WQ_BOF },
		{ pasid, 0, DSA_ERR_WQ_PASID },
		{ batch_size, 0, DSA_ERR_WQ_BATCH },
	};

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct stand b;

		stand_open(&b, "dsa");
		dsa_configure(&b, 1, 1);
		refusals[i].break_it(&b);
		EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ENABLE, 0)), refusals[i].device);
		EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_ENABLE_WQ, 0)), refusals[i].queue);
		stand_close(&b, refusals[i].device ? 2 : 1);
	}
}

/* And other commands, each with its error. */
static void test_refused_commands(void)
{
	static const struct {
		uint32_t cmd;
		uint8_t error;
	} refusals[] = {
		{ DSA_COMMAND(0, 0), DSA_ERR_CMD },
		{ DSA_COMMAND(31, 0), DSA_ERR_CMD },
		{ DSA_COMMAND(DSA_CMD_DRAIN_PASID, 0), DSA_ERR_CMD },
		{ DSA_COMMAND(DSA_CMD_REQUEST_HANDLE, 1), DSA_ERR_CMD },
		{ DSA_COMMAND(DSA_CMD_ENABLE, 0), DSA_ERR_IS_ENABLED },
		{ DSA_COMMAND(DSA_CMD_ENABLE_WQ, 0), DSA_ERR_WQ_IS_ENABLED },
		{ DSA_COMMAND(DSA_CMD_ENABLE_WQ, 8), DSA_ERR_WQ },
		{ DSA_COMMAND(DSA_CMD_DISABLE_WQ, 1 << 16 | 1), DSA_ERR_WQ },
	};
	struct stand b;

	dsa_open_enabled(&b, "dsa", 1);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		EXPECT_EQ(dsa_do(&b, refusals[i].cmd), refusals[i].error);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_DISABLE, 0)), 0);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_DISABLE, 0)), DSA_ERR_DISABLE);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_DRAIN_WQ, 1)), DSA_ERR_NOT_ENABLED);
	stand_close(&b, ARRAY_SIZE(refusals) + 2);

	stand_open(&b, "dsa,id=11fb");
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_REQUEST_HANDLE, 9)), DSA_ERR_HANDLE);
	EXPECT_EQ(dsa_do(&b, DSA_COMMAND(DSA_CMD_RELEASE_HANDLE, 1)), DSA_ERR_HANDLE);
	stand_close(&b, 2);
}

int main(void)
{
	RUN(test_rules);
	RUN(test_refusals);
	RUN(test_refused_commands);
	return 0;
}
