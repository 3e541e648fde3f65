/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the model of PTDMA share: the recipe, by its registers.
 */
#ifndef MIGOFF_TESTS_MODELS_PTDMA_STAND_H
#define MIGOFF_TESTS_MODELS_PTDMA_STAND_H

#include "ptdma_model.h"
#include "stand.h"

#define PTDMA_RING 32
#define PTDMA_SRC 0x10000	/* offsets in memory; the ring is at its beginning */
#define PTDMA_DST 0x200000

void ptdma_put(struct stand *b, uint64_t reg, uint32_t value);
uint32_t ptdma_get(struct stand *b, uint64_t reg);

/* A slot of the ring, and what TAIL_LO and HEAD_LO say of it. */
struct ptdma_desc *ptdma_desc(struct stand *b, unsigned int i);
uint32_t ptdma_slot(unsigned int i);

/* CONTROL of the ring, without RUN. */
uint32_t ptdma_control(void);

/* Steps 1 to 4 of the recipe, for a ring of copies of a page each. */
void ptdma_set_up(struct stand *b);

/* Power on, set up, with something to copy. */
void ptdma_open(struct stand *b, const char *spec);

/* Let it copy up to, not including, slot @end. */
void ptdma_kick(struct stand *b, unsigned int end);

/* Until HEAD_LO is at that slot. */
void ptdma_wait_head(struct stand *b, unsigned int i);

#endif
