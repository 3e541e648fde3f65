/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dsa_stand.h"

#include <string.h>

#include "test.h"

void dsa_put(struct stand *b, uint64_t reg, unsigned int width, uint64_t value)
{
	model_bar_write(b->m, 0, reg, width, value);
}

uint64_t dsa_get(struct stand *b, uint64_t reg, unsigned int width)
{
	return stand_read(b, 0, reg, width);
}

unsigned int dsa_wqcfg(struct stand *b, unsigned int wq, unsigned int word)
{
	unsigned int size = 32u << (dsa_get(b, DSA_WQCAP, 8) >> 24 & 0xf);

	return DSA_WQCFG + wq * size + 4 * word;
}

uint32_t dsa_do(struct stand *b, uint32_t cmd)
{
	dsa_put(b, DSA_CMD, 4, cmd);
	stand_poll(b, 0, DSA_CMDSTS, 4, DSA_CMDSTS_ACTIVE, 0);
	return (uint32_t)dsa_get(b, DSA_CMDSTS, 4);
}

void dsa_configure_queue(struct stand *b, unsigned int wq, unsigned int size)
{
	dsa_put(b, dsa_wqcfg(b, wq, 0), 4, size);
	dsa_put(b, dsa_wqcfg(b, wq, 2), 4, DSA_WQ_DEDICATED | 1 << 4);
	dsa_put(b, dsa_wqcfg(b, wq, 3), 4, 20 | 6 << 5);
	if (dsa_get(b, DSA_WQCAP, 8) >> 54 & 1)
		dsa_put(b, dsa_wqcfg(b, wq, 8), 4, 0xf);
}

void dsa_configure(struct stand *b, uint64_t queues, uint64_t engines)
{
	dsa_put(b, DSA_GRPCFG, 8, queues);
	dsa_put(b, DSA_GRPCFG + 32, 8, engines);
	dsa_put(b, DSA_GRPCFG + 40, 8, 0x9);
	dsa_configure_queue(b, 0, 16);
}

void dsa_open_enabled(struct stand *b, const char *spec, uint64_t engines)
{
	stand_open(b, spec);
	EXPECT_EQ(dsa_do(b, DSA_COMMAND(DSA_CMD_RESET, 0)), 0);
	EXPECT_EQ(dsa_get(b, DSA_GENSTS, 4), DSA_DISABLED);
	dsa_configure(b, 1, engines);
	dsa_put(b, DSA_GENCTRL, 4, DSA_GENCTRL_SWERR | DSA_GENCTRL_HALT);
	EXPECT_EQ(dsa_do(b, DSA_COMMAND(DSA_CMD_ENABLE, 0)), 0);
	EXPECT_EQ(dsa_get(b, DSA_GENSTS, 4), DSA_ENABLED);
	EXPECT_EQ(dsa_do(b, DSA_COMMAND(DSA_CMD_ENABLE_WQ, 0)), 0);
	EXPECT_TRUE(dsa_get(b, dsa_wqcfg(b, 0, 6), 4) & DSA_WQ_STATE_ENABLED);
	stand_fill(b, DSA_SRC, 64 * 4096, 7);
}

struct dsa_desc dsa_copy(unsigned int i)
{
	return (struct dsa_desc) {
		.op_flags = (uint32_t)DSA_OP_MEMMOVE << 24 | DSA_COPY_FLAGS,
		.record = STAND_AT(DSA_RECORD_AT(i)), .src = STAND_AT(DSA_SRC + i * 4096),
		.dst = STAND_AT(DSA_DST + i * 4096), .size = 4096,
	};
}

void dsa_post(struct stand *b, unsigned int wq, const struct dsa_desc *d)
{
	uint64_t words[8];

	memcpy(words, d, sizeof(words));
	for (unsigned int i = 0; i < 8; i++)
		model_bar_write(b->m, 2, wq * DSA_PORTAL_SIZE + 8 * i, 8, words[i]);
}

struct dsa_record *dsa_record(struct stand *b, unsigned int i)
{
	return (struct dsa_record *)(b->mem + DSA_RECORD_AT(i));
}

void dsa_wait_record(struct stand *b, unsigned int i, uint8_t status)
{
	stand_poll_memory(b, DSA_RECORD_AT(i), 0xff, status);
}

struct dsa_desc dsa_batch(struct stand *b, unsigned int n, unsigned int outer)
{
	for (unsigned int i = 0; i < n; i++) {
		struct dsa_desc d = dsa_copy(i);

		d.op_flags &= ~(uint32_t)DSA_FLAG_RECORD;
		memcpy(b->mem + DSA_LIST + i * sizeof(d), &d, sizeof(d));
	}
	return (struct dsa_desc) {
		.op_flags = DSA_OP_BATCH << 24 | DSA_COPY_FLAGS,
		.record = STAND_AT(DSA_RECORD_AT(outer)), .src = STAND_AT(DSA_LIST), .size = n,
	};
}

struct dsa_desc *dsa_in_list(struct stand *b, unsigned int i)
{
	return (struct dsa_desc *)(b->mem + DSA_LIST) + i;
}
