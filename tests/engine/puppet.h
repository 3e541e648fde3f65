/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An SDXI function that does nothing by itself: registers that remember, a state that goes where
 * it is asked to, or does not, and a start of contexts. A test plays the rest by hand, to the
 * descriptor, so that it can do what no device would, at any moment. What a device does is the
 * model's business.
 */
#ifndef MIGOFF_TESTS_ENGINE_PUPPET_H
#define MIGOFF_TESTS_ENGINE_PUPPET_H

#include "sdxi.h"
#include "transport.h"

#define PUPPET_IOVA UINT64_C(0x123400000000)
#define PUPPET_STRIDE UINT64_C(8192)

/**
 * struct puppet - The function.
 * @t: as a driver has it.
 * @version: and the next two: registers as they are read.
 * @cap0: see there.
 * @cap1: see there.
 * @registers: bytes of the BAR of that name.
 * @doorbells: likewise.
 * @state: as in STS0.
 * @gone: all reads are ones.
 * @deaf_soft: a request for a soft stop does not end; and so on.
 * @deaf_hard: see there.
 * @deaf_reset: see there.
 * @deaf_active: see there.
 * @no_flr: the function as a whole cannot be reset.
 * @no_start: the administrative context does nothing.
 * @failed_start: it completes with an error.
 * @hollow_start: it completes, and has not started the context.
 * @no_first: our context does not do its first descriptor.
 * @ctl0: registers as they were written last.
 * @ctl2: see there.
 * @cxt_l2: see there.
 * @rkey: see there.
 * @err_ctl: see there.
 * @err_cfg: see there.
 * @err_sts: see there.
 * @err_wrt: see there.
 * @err_rd: see there.
 * @first_bell: what was said to any context first.
 * @bell: of our context.
 * @n_bells: how often it was rung.
 * @n_reads: how often a register was read.
 * @bus_master: see struct transport_ops.
 * @journal: what was done to it: "soft hard off reset flr free ".
 * @memory: what the driver has allocated.
 * @irq_fd: -1 for none.
 */
struct puppet {
	struct transport t;
	uint64_t version, cap0, cap1;
	uint64_t registers, doorbells;
	unsigned int state;
	bool gone;
	bool deaf_soft, deaf_hard, deaf_reset, deaf_active, no_flr;
	bool no_start, failed_start, hollow_start, no_first;
	uint64_t ctl0, ctl2, cxt_l2, rkey, err_ctl, err_cfg, err_sts, err_wrt, err_rd;
	uint64_t first_bell, bell;
	unsigned int n_bells;
	unsigned int n_reads;
	bool bus_master;
	char journal[256];
	void *memory;
	int irq_fd;
};

/* One that works, with @interrupts or without, and no engine yet. */
void puppet_init(struct puppet *p, bool interrupts);

/* The same with an engine, started. */
struct engine *puppet_open(struct puppet *p, bool interrupts);

/* Close the engine, and look after what it should have given back. */
void puppet_close(struct puppet *p, struct engine *e);

/* What is in our memory where the function sees it. */
void *puppet_va(struct puppet *p, uint64_t iova);

/* Our context's memory in the life that is on. */
struct sdxi_context *puppet_client(struct engine *e);

/*
 * The function has read all descriptors below @n, has counted one down, has put an entry in its
 * log.
 */
void puppet_read(struct engine *e, uint64_t n);
void puppet_complete(struct puppet *p, struct engine *e, uint64_t index, uint32_t flags);
void puppet_log(struct puppet *p, struct engine *e, unsigned int step, uint16_t flags,
		uint64_t index);

/* It raises an interrupt. */
void puppet_interrupt(struct puppet *p);

/* Enqueue @n copies. */
void puppet_enqueue(struct engine *e, uint32_t n);

#endif
