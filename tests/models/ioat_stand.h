/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the model of I/OAT share: the recipe, by its registers.
 */
#ifndef MIGOFF_TESTS_MODELS_IOAT_STAND_H
#define MIGOFF_TESTS_MODELS_IOAT_STAND_H

#include "ioat_model.h"
#include "stand.h"

#define IOAT_CHAN(reg) (IOAT_CHAN_SIZE + (reg))
#define IOAT_RING 8
#define IOAT_CMP 0x1000		/* offsets in memory */
#define IOAT_SRC 0x10000
#define IOAT_DST 0x200000
#define IOAT_DESC(i) STAND_AT((i) % IOAT_RING * IOAT_DESC_SIZE)

/* Registers of the first channel, and beyond. */
void ioat_put(struct stand *b, uint64_t reg, unsigned int width, uint64_t value);
uint64_t ioat_get(struct stand *b, uint64_t reg, unsigned int width);

/* Write 64 bits by halves. */
void ioat_halves(struct stand *b, uint64_t reg, uint64_t value);

struct ioat_desc *ioat_desc(struct stand *b, unsigned int i);

/* CHANCMD's reset; the channel has halted after it. */
void ioat_do_reset(struct stand *b);

/* Steps 4 and 5 of the recipe, for a ring of copies of a page each. */
void ioat_start_at(struct stand *b, unsigned int first);

/* Power on, reset, start, with something to copy. */
void ioat_open_started(struct stand *b, const char *spec);

/* Until the descriptor is told to be the last one that is done. */
void ioat_wait_done(struct stand *b, unsigned int i);

#endif
