/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ioat_stand.h"

#include "test.h"

void ioat_put(struct stand *b, uint64_t reg, unsigned int width, uint64_t value)
{
	model_bar_write(b->m, 0, IOAT_CHAN(reg), width, value);
}

uint64_t ioat_get(struct stand *b, uint64_t reg, unsigned int width)
{
	return stand_read(b, 0, IOAT_CHAN(reg), width);
}

struct ioat_desc *ioat_desc(struct stand *b, unsigned int i)
{
	return (struct ioat_desc *)(b->mem + i % IOAT_RING * IOAT_DESC_SIZE);
}

void ioat_halves(struct stand *b, uint64_t reg, uint64_t value)
{
	ioat_put(b, reg, 4, value & 0xffffffff);
	ioat_put(b, reg + 4, 4, value >> 32);
}

void ioat_do_reset(struct stand *b)
{
	ioat_put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	stand_poll(b, 0, IOAT_CHAN(IOAT_CHANCMD), 1, IOAT_CHANCMD_RESET, 0);
	EXPECT_EQ(ioat_get(b, IOAT_CHANSTS, 8) & 7, IOAT_HALTED);
}

void ioat_start_at(struct stand *b, unsigned int first)
{
	for (unsigned int i = 0; i < IOAT_RING; i++) {
		*ioat_desc(b, i) = (struct ioat_desc) {
			.size = 4096, .ctl = IOAT_CTL_COMPLETION,
			.src = STAND_AT(IOAT_SRC + i * 4096),
			.dst = STAND_AT(IOAT_DST + i * 4096), .next = IOAT_DESC(i + 1),
		};
	}
	model_bar_write(b->m, 0, IOAT_INTRCTRL, 1, IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX);
	ioat_put(b, IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_COMPLETION |
	    IOAT_CHANCTRL_ANY_ERR_ABORT | IOAT_CHANCTRL_ERR_INT);
	ioat_halves(b, IOAT_CHANCMP, STAND_AT(IOAT_CMP));
	ioat_halves(b, IOAT_CHAINADDR, IOAT_DESC(first));
	EXPECT_EQ(ioat_get(b, IOAT_CHANSTS, 8) & 7, IOAT_ARMED);
}

void ioat_open_started(struct stand *b, const char *spec)
{
	stand_open(b, spec);
	ioat_do_reset(b);
	ioat_start_at(b, 0);
	stand_fill(b, IOAT_SRC, IOAT_RING * 4096, 7);
}

void ioat_wait_done(struct stand *b, unsigned int i)
{
	stand_poll_memory(b, IOAT_CMP, ~7ull, IOAT_DESC(i));
}
