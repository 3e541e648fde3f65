/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sdxi_stand.h"

#include <string.h>

#include "test.h"

#define ARMED UINT64_C(1)

void sdxi_put(struct stand *b, uint64_t reg, uint64_t value)
{
	model_bar_write(b->m, 0, reg, 8, value);
}

uint64_t sdxi_get(struct stand *b, uint64_t reg)
{
	return stand_read(b, 0, reg, 8);
}

void sdxi_ask(struct stand *b, enum sdxi_gsr gsr)
{
	sdxi_put(b, SDXI_CTL0, (sdxi_get(b, SDXI_CTL0) & ~UINT64_C(3)) | gsr);
}

void sdxi_wait_state(struct stand *b, enum sdxi_gsv gsv)
{
	stand_poll(b, 0, SDXI_STS0, 8, 7, gsv);
}

/* --- structures ------------------------------------------------------------------------------- */

struct sdxi_l1 *sdxi_l1(struct stand *b, unsigned int n)
{
	return (struct sdxi_l1 *)(b->mem + SDXI_L1_AT) + n;
}

struct sdxi_ctl *sdxi_ctl(struct stand *b, unsigned int n)
{
	return (struct sdxi_ctl *)(b->mem + SDXI_CTL_AT(n));
}

struct sdxi_sts *sdxi_sts(struct stand *b, unsigned int n)
{
	return (struct sdxi_sts *)(b->mem + SDXI_STS_AT(n));
}

struct sdxi_akey *sdxi_akey(struct stand *b, unsigned int n, unsigned int key)
{
	return (struct sdxi_akey *)(b->mem + SDXI_AKEYS_AT(n)) + key;
}

struct sdxi_cst *sdxi_cst(struct stand *b, unsigned int n, unsigned int i)
{
	return (struct sdxi_cst *)(b->mem + SDXI_CST_AT(n, i));
}

struct sdxi_log_entry *sdxi_entry(struct stand *b, unsigned int i)
{
	return (struct sdxi_log_entry *)(b->mem + SDXI_LOG_AT) + i;
}

void sdxi_set_up(struct stand *b, unsigned int n)
{
	memset(b->mem + SDXI_CXT_AT(n), 0, 0x4000);
	memset(b->mem + SDXI_RING_AT(n), 0, SDXI_RING_MIN * sizeof(union sdxi_desc));
	sdxi_akey(b, n, 0)->intr = 1;
	sdxi_akey(b, n, 1)->intr = (uint16_t)(3 | n << 4);
	*sdxi_ctl(b, n) = (struct sdxi_ctl) {
		.ring = STAND_AT(SDXI_RING_AT(n)) | 1, .entries = SDXI_RING_MIN,
		.sts = STAND_AT(SDXI_STS_AT(n)), .write_index = STAND_AT(SDXI_WRITE_AT(n)),
	};
	*sdxi_l1(b, n) = (struct sdxi_l1) {
		.ctl = STAND_AT(SDXI_CTL_AT(n)) | 3, .akeys = STAND_AT(SDXI_AKEYS_AT(n)),
		.misc = 11 << 20, .groups = (uint32_t)(sdxi_get(b, SDXI_CAP1) >> 32),
	};
}

/* --- the function ----------------------------------------------------------------------------- */

/* 3.4.2 */
static void open_log(struct stand *b)
{
	sdxi_put(b, SDXI_ERR_CFG, 0);
	sdxi_put(b, SDXI_ERR_STS, SDXI_ERR_STS_STS | SDXI_ERR_STS_OVF | SDXI_ERR_STS_ERR);
	memset(b->mem + SDXI_LOG_AT, 0, 64 * sizeof(struct sdxi_log_entry));
	sdxi_put(b, SDXI_ERR_CTL, 1);
	sdxi_put(b, SDXI_ERR_WRT, 0);
	sdxi_put(b, SDXI_ERR_RD, 0);
	sdxi_put(b, SDXI_ERR_CFG, STAND_AT(SDXI_LOG_AT) | 1 << 1 | 1);
}

void sdxi_open_stopped(struct stand *b, const char *spec)
{
	stand_open(b, spec);
	EXPECT_EQ(sdxi_get(b, SDXI_STS0), SDXI_STOP);
	sdxi_put(b, SDXI_CTL2, sdxi_get(b, SDXI_CAP1) & 0xfffffffffffff00f);
	*(uint64_t *)(b->mem + SDXI_L2_AT) = STAND_AT(SDXI_L1_AT) | 1;
	sdxi_put(b, SDXI_CXT_L2, STAND_AT(SDXI_L2_AT));
	for (unsigned int n = 0; n < SDXI_STAND_CXTS; n++)
		sdxi_set_up(b, n);
	sdxi_sts(b, 0)->state = SDXI_CXT_RUN;
	open_log(b);
	sdxi_put(b, SDXI_CTL0, sdxi_get(b, SDXI_CTL0) | SDXI_CTL0_ERR_INTR);
	stand_fill(b, SDXI_SRC, 64 * 4096, 7);
}

void sdxi_open_active(struct stand *b, const char *spec)
{
	sdxi_open_stopped(b, spec);
	sdxi_ask(b, SDXI_GSR_ACTIVE);
	sdxi_wait_state(b, SDXI_ACTIVE);
	sdxi_ring(b, 0);
	sdxi_start(b, 1);
}

/* --- descriptors ------------------------------------------------------------------------------ */

union sdxi_desc sdxi_copy(unsigned int n, unsigned int i)
{
	return (union sdxi_desc) { .copy = {
		.opcode = SDXI_OP_COPY, .size = 4095,
		.addr = { STAND_AT(SDXI_SRC + i * 4096), STAND_AT(SDXI_DST + i * 4096) },
		.csb = STAND_AT(SDXI_CST_AT(n, i)),
	} };
}

union sdxi_desc sdxi_command(uint32_t op, unsigned int cxt, unsigned int i)
{
	return (union sdxi_desc) { .admin = {
		.opcode = op | (op == SDXI_OP_SYNC ? 0 : SDXI_DSC_FE),
		.first = (uint16_t)cxt, .last = (uint16_t)cxt,
		.csb = STAND_AT(SDXI_CST_AT(0, i)),
	} };
}

void sdxi_arm(struct stand *b, unsigned int n, unsigned int i)
{
	*sdxi_cst(b, n, i) = (struct sdxi_cst) { .signal = ARMED };
}

static uint64_t *write_index(struct stand *b, unsigned int n)
{
	return (uint64_t *)(b->mem + SDXI_WRITE_AT(n));
}

/* The bit that makes it valid comes last. (Table 6-3) */
void sdxi_enqueue(struct stand *b, unsigned int n, const union sdxi_desc *d)
{
	uint64_t index = *write_index(b, n), at = d->csb - STAND_IOVA;
	union sdxi_desc *slot = (union sdxi_desc *)(b->mem + SDXI_RING_AT(n)) +
				index % SDXI_RING_MIN;

	if (!(d->csb & 0x1f) && at < STAND_SIZE)
		*(struct sdxi_cst *)(b->mem + at) = (struct sdxi_cst) { .signal = ARMED };
	*slot = *d;
	__atomic_store_n(&slot->opcode, d->opcode | SDXI_DSC_VL, __ATOMIC_RELEASE);
	__atomic_store_n(write_index(b, n), index + 1, __ATOMIC_RELEASE);
}

void sdxi_ring(struct stand *b, unsigned int n)
{
	model_bar_write(b->m, 2, n * 0x1000, 8, *write_index(b, n));
}

void sdxi_post(struct stand *b, unsigned int n, const union sdxi_desc *d)
{
	sdxi_enqueue(b, n, d);
	sdxi_ring(b, n);
}

void sdxi_wait(struct stand *b, unsigned int n, unsigned int i, bool error)
{
	stand_poll_memory(b, SDXI_CST_AT(n, i), UINT64_MAX, 0);
	EXPECT_EQ(sdxi_cst(b, n, i)->flags, error ? SDXI_CST_ER : 0);
}

void sdxi_start(struct stand *b, unsigned int n)
{
	union sdxi_desc d = sdxi_command(SDXI_OP_CXT_START, n, 0);

	sdxi_post(b, 0, &d);
	sdxi_wait(b, 0, 0, false);
}

void sdxi_stop(struct stand *b, unsigned int n, bool hard)
{
	union sdxi_desc d = sdxi_command(SDXI_OP_CXT_STOP, n, 1);

	d.admin.vflags = hard ? SDXI_V_HS : 0;
	sdxi_enqueue(b, 0, &d);
	d = sdxi_command(SDXI_OP_SYNC, n, 2);
	d.admin.cflags = SDXI_FLT_STOP;
	sdxi_post(b, 0, &d);
	sdxi_wait(b, 0, 2, false);
}

void sdxi_wait_sts(struct stand *b, unsigned int n, uint8_t state)
{
	stand_poll_memory(b, SDXI_STS_AT(n), 0xff, state);
}

void sdxi_wait_descriptors(struct stand *b, uint64_t n)
{
	while (stand_descriptors(b) < n)
		;
}

void sdxi_post_copies(struct stand *b, unsigned int first, unsigned int n)
{
	for (unsigned int i = first; i < first + n; i++) {
		union sdxi_desc d = sdxi_copy(1, i);

		sdxi_enqueue(b, 1, &d);
	}
	sdxi_ring(b, 1);
}
