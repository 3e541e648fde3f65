/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the model of SDXI share: software that goes by the specification, step by step.
 */
#ifndef MIGOFF_TESTS_MODELS_SDXI_STAND_H
#define MIGOFF_TESTS_MODELS_SDXI_STAND_H

#include "sdxi_model.h"
#include "stand.h"

/* Offsets in memory. Contexts 0 to 3 are set up, each with its own structures and ring. */
#define SDXI_L2_AT 0x0
#define SDXI_L1_AT 0x1000
#define SDXI_LOG_AT 0x2000
#define SDXI_CXT_AT(n) (0x8000 + 0x4000 * (n))
#define SDXI_AKEYS_AT(n) SDXI_CXT_AT(n)
#define SDXI_CTL_AT(n) (SDXI_CXT_AT(n) + 0x1000)
#define SDXI_STS_AT(n) (SDXI_CXT_AT(n) + 0x1040)
#define SDXI_WRITE_AT(n) (SDXI_CXT_AT(n) + 0x1080)
#define SDXI_CST_AT(n, i) (SDXI_CXT_AT(n) + 0x2000 + 32 * (i))
#define SDXI_RING_AT(n) (0x40000 + 0x10000 * (n))
#define SDXI_SRC 0x100000
#define SDXI_DST 0x200000
#define SDXI_STAND_CXTS 4

void sdxi_put(struct stand *b, uint64_t reg, uint64_t value);
uint64_t sdxi_get(struct stand *b, uint64_t reg);

/* Ask for a state by fn_gsr, the other bits as they are; wait for one. */
void sdxi_ask(struct stand *b, enum sdxi_gsr gsr);
void sdxi_wait_state(struct stand *b, enum sdxi_gsv gsv);

/* Structures in memory. */
struct sdxi_l1 *sdxi_l1(struct stand *b, unsigned int n);
struct sdxi_ctl *sdxi_ctl(struct stand *b, unsigned int n);
struct sdxi_sts *sdxi_sts(struct stand *b, unsigned int n);
struct sdxi_akey *sdxi_akey(struct stand *b, unsigned int n, unsigned int key);
struct sdxi_cst *sdxi_cst(struct stand *b, unsigned int n, unsigned int i);
struct sdxi_log_entry *sdxi_entry(struct stand *b, unsigned int i);

/* All of a context: stopped, an empty ring, AKey 0 for memory, AKey 1 for interrupt @n. */
void sdxi_set_up(struct stand *b, unsigned int n);

/* 4.1.8.1 to 4.1.8.8 of the function @spec: all is set up, nothing is activated. */
void sdxi_open_stopped(struct stand *b, const char *spec);

/* The rest, too; context 1 runs. */
void sdxi_open_active(struct stand *b, const char *spec);

/* A copy of page @i from SDXI_SRC to SDXI_DST, with completion @i of context @n. */
union sdxi_desc sdxi_copy(unsigned int n, unsigned int i);

/* A descriptor of context 0 for one context; with completion @i. */
union sdxi_desc sdxi_command(uint32_t op, unsigned int cxt, unsigned int i);

/* Arm completion @i of context @n. */
void sdxi_arm(struct stand *b, unsigned int n, unsigned int i);

/* Put it in the ring, arm its completion, and move Write_Index: all but the doorbell. */
void sdxi_enqueue(struct stand *b, unsigned int n, const union sdxi_desc *d);
void sdxi_ring(struct stand *b, unsigned int n);

/* Both. */
void sdxi_post(struct stand *b, unsigned int n, const union sdxi_desc *d);

/* Wait for completion @i of context @n: with an error or without. */
void sdxi_wait(struct stand *b, unsigned int n, unsigned int i, bool error);

/* Copies @first to @first + @n - 1 of context 1, with one doorbell. */
void sdxi_post_copies(struct stand *b, unsigned int first, unsigned int n);

/* Until so many were taken up. */
void sdxi_wait_descriptors(struct stand *b, uint64_t n);

/* Until a context is in that state. */
void sdxi_wait_sts(struct stand *b, unsigned int n, uint8_t state);

/* Do one thing by context 0, and wait for it; start is with its fence, stop with its DSC_SYNC. */
void sdxi_start(struct stand *b, unsigned int n);
void sdxi_stop(struct stand *b, unsigned int n, bool hard);

#endif
