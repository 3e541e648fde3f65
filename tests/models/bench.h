/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest kind of device, toy.c, for tests of the core.
 */
#ifndef MIGOFF_TESTS_MODELS_BENCH_H
#define MIGOFF_TESTS_MODELS_BENCH_H

#include "model.h"

#define SIZE (UINT64_C(8) << 20)
#define IOVA UINT64_C(0x7f0000000000)
#define SRC IOVA
#define DST (IOVA + SIZE)
#define DONE (IOVA + 2 * SIZE)

enum {
	REG_SRC = 0x00, REG_DST = 0x08, REG_LEN = 0x10, REG_DONE = 0x18, REG_COMMAND = 0x20,
	REG_STATUS = 0x24, UNIT = 0x40,
	COPY = 1, STOP = 2,
};

/**
 * struct bench - A toy with memory and an interrupt.
 * @mem: source, destination and a page for completions, mapped one after the other at IOVA.
 */
struct bench {
	struct model *m;
	uint8_t *mem;
	int irq;
};

void bench_open(struct bench *b, const char *spec);

/* Return: what was counted. */
struct model_counts bench_close(struct bench *b);

void bench_command(struct bench *b, uint16_t command);
uint32_t bench_config(struct bench *b, unsigned int offset);
struct model_counts bench_counts(struct bench *b);

/* Order a copy from a unit, which has its completions in a place of its own. */
void bench_start(struct bench *b, unsigned int unit, uint64_t src, uint64_t dst, uint64_t len);
bool bench_busy(struct bench *b, unsigned int unit);

/* Wait for the interrupt of unit 0. */
bool bench_interrupted(struct bench *b, int timeout_ms);

/* The same; it must come. Return: how the copy ended. */
enum model_access bench_ended(struct bench *b);

/* Whether the destination is equal to the source, or as at first, from offset @at on. */
bool bench_copied(const struct bench *b, uint64_t at, uint64_t len);
bool bench_blank(const struct bench *b, uint64_t at, uint64_t len);

/* How many copies unit 0 has written to have made. */
uint64_t bench_n_done(struct bench *b);

#endif
