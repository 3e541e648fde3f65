/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model on its own, with memory, for tests of it by its registers. A test goes by what the
 * device's facts say, and knows nothing of our drivers.
 */
#ifndef MIGOFF_TESTS_MODELS_STAND_H
#define MIGOFF_TESTS_MODELS_STAND_H

#include <stdint.h>

#include "model.h"

#define STAND_IOVA UINT64_C(0x1234500000)
#define STAND_SIZE (UINT64_C(4) << 20)
#define STAND_AT(offset) (STAND_IOVA + (offset))
#define STAND_NOWHERE UINT64_C(0x6660000000)	/* nothing is mapped there */
#define STAND_VECTORS 4

struct stand {
	struct model *m;
	uint8_t *mem;			/* STAND_SIZE, at STAND_IOVA for the device */
	int irq[STAND_VECTORS];		/* an eventfd for each of its first vectors */
};

/* Power on; bus mastership and interrupts are on. */
void stand_open(struct stand *b, const char *spec);

/* Power off, having checked that so many rules were broken. */
void stand_close(struct stand *b, uint64_t n_broken);

void stand_bus_master(struct stand *b, bool on);

uint64_t stand_read(struct stand *b, unsigned int bar, uint64_t offset, unsigned int width);

/* Read until (value & @mask) == @value, at most 10 seconds. */
void stand_poll(struct stand *b, unsigned int bar, uint64_t offset, unsigned int width,
		uint64_t mask, uint64_t value);

/* The same for memory that the device writes. */
void stand_poll_memory(struct stand *b, uint64_t offset, uint64_t mask, uint64_t value);

/* Until so many rules were broken; the last one is @rule. */
void stand_poll_broken(struct stand *b, uint64_t n, const char *rule);

/* Wait for an interrupt; return how many of that vector there were. */
uint64_t stand_interrupts(struct stand *b, unsigned int vector);

/* Whether there is one now. */
bool stand_interrupted(struct stand *b, unsigned int vector);

uint64_t stand_descriptors(struct stand *b);

/* Until so many have been taken up, at most 10 seconds. */
void stand_poll_descriptors(struct stand *b, uint64_t n);

/* Fill what is at an offset with bytes of that seed, or check that they are there. */
void stand_fill(struct stand *b, uint64_t offset, size_t len, unsigned int seed);
bool stand_filled(struct stand *b, uint64_t offset, size_t len, unsigned int seed);

#endif
