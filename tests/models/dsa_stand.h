/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the model of DSA share: the recipe, by its registers.
 */
#ifndef MIGOFF_TESTS_MODELS_DSA_STAND_H
#define MIGOFF_TESTS_MODELS_DSA_STAND_H

#include "dsa_model.h"
#include "stand.h"

#define DSA_RECORD_AT(i) (0x1000 + 64 * (i))	/* offsets in memory */
#define DSA_LIST 0x2000
#define DSA_SRC 0x10000
#define DSA_DST 0x200000

#define DSA_COPY_FLAGS (DSA_FLAG_RECORD_VALID | DSA_FLAG_RECORD)
#define DSA_COMMAND(cmd, operand) ((uint32_t)(cmd) << 20 | (operand))

void dsa_put(struct stand *b, uint64_t reg, unsigned int width, uint64_t value);
uint64_t dsa_get(struct stand *b, uint64_t reg, unsigned int width);

/* Where a word of a queue's configuration is. */
unsigned int dsa_wqcfg(struct stand *b, unsigned int wq, unsigned int word);

/* Give a command and wait for its end; return CMDSTS. */
uint32_t dsa_do(struct stand *b, uint32_t cmd);

void dsa_configure_queue(struct stand *b, unsigned int wq, unsigned int size);

/* Group 0 with these, and queue 0 with 16 entries. */
void dsa_configure(struct stand *b, uint64_t queues, uint64_t engines);

/* Steps 1 to 4 of the recipe: one group, one queue. */
void dsa_open_enabled(struct stand *b, const char *spec, uint64_t engines);

/* Page @i from DSA_SRC to DSA_DST, with record @i. */
struct dsa_desc dsa_copy(unsigned int i);

void dsa_post(struct stand *b, unsigned int wq, const struct dsa_desc *d);
struct dsa_record *dsa_record(struct stand *b, unsigned int i);
void dsa_wait_record(struct stand *b, unsigned int i, uint8_t status);

/* A list of the first @n copies, told of only if they fail; the batch has record @outer. */
struct dsa_desc dsa_batch(struct stand *b, unsigned int n, unsigned int outer);
struct dsa_desc *dsa_in_list(struct stand *b, unsigned int i);

#endif
