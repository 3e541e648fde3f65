/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ptdma_stand.h"

#include "test.h"

void ptdma_put(struct stand *b, uint64_t reg, uint32_t value)
{
	model_bar_write(b->m, PTDMA_BAR, reg, 4, value);
}

uint32_t ptdma_get(struct stand *b, uint64_t reg)
{
	return (uint32_t)stand_read(b, PTDMA_BAR, reg, 4);
}

struct ptdma_desc *ptdma_desc(struct stand *b, unsigned int i)
{
	return (struct ptdma_desc *)(b->mem + i % PTDMA_RING * PTDMA_DESC_SIZE);
}

uint32_t ptdma_slot(unsigned int i)
{
	return (uint32_t)STAND_AT(i % PTDMA_RING * PTDMA_DESC_SIZE);
}

uint32_t ptdma_control(void)
{
	return PTDMA_SIZE_MIN << PTDMA_CONTROL_SIZE_SHIFT |
	       (uint32_t)(STAND_IOVA >> 32) << PTDMA_CONTROL_ADDR_SHIFT;
}

void ptdma_set_up(struct stand *b)
{
	ptdma_put(b, PTDMA_CONFIG, PTDMA_CONFIG_VHB_EN);
	ptdma_put(b, PTDMA_QUEUE_PRIO, 6);
	ptdma_put(b, PTDMA_TIMEOUT, 0);
	ptdma_put(b, PTDMA_CLK_GATE_CTL, 0x1001);
	ptdma_put(b, PTDMA_REQID_CONFIG, 0);
	ptdma_put(b, PTDMA_INT_ENABLE, 0);
	ptdma_put(b, PTDMA_CONTROL, 0);
	stand_poll(b, PTDMA_BAR, PTDMA_CONTROL, 4, PTDMA_CONTROL_HALT, PTDMA_CONTROL_HALT);
	ptdma_put(b, PTDMA_INT_STATUS, PTDMA_INT_ALL);
	for (unsigned int i = 0; i < PTDMA_RING; i++) {
		uint64_t src = STAND_AT(PTDMA_SRC + i * 4096), dst = STAND_AT(PTDMA_DST + i * 4096);

		*ptdma_desc(b, i) = (struct ptdma_desc) {
			.dw0 = PTDMA_DW0_COPY | PTDMA_DW0_EOM, .length = 4096,
			.src_lo = (uint32_t)src, .src_hi = (uint32_t)(src >> 32),
			.dst_lo = (uint32_t)dst, .dst_hi = (uint32_t)(dst >> 32),
		};
	}
	ptdma_put(b, PTDMA_TAIL_LO, ptdma_slot(0));
	ptdma_put(b, PTDMA_HEAD_LO, ptdma_slot(0));
	ptdma_put(b, PTDMA_CONTROL, ptdma_control());
	ptdma_put(b, PTDMA_INT_ENABLE, PTDMA_INT_COMPLETION | PTDMA_INT_ERROR);
}

void ptdma_open(struct stand *b, const char *spec)
{
	stand_open(b, spec);
	ptdma_set_up(b);
	stand_fill(b, PTDMA_SRC, PTDMA_RING * 4096, 7);
}

void ptdma_kick(struct stand *b, unsigned int end)
{
	ptdma_put(b, PTDMA_TAIL_LO, ptdma_slot(end));
	ptdma_put(b, PTDMA_CONTROL, ptdma_control() | PTDMA_CONTROL_RUN);
}

void ptdma_wait_head(struct stand *b, unsigned int i)
{
	stand_poll(b, PTDMA_BAR, PTDMA_HEAD_LO, 4, ~0u, ptdma_slot(i));
}
