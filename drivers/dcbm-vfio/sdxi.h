/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the SDXI driver share: sdxi.c copies, sdxi_log.c finds out what failed and why,
 * sdxi_device.c opens, starts and stops, sdxi_facts.c reads what a function is.
 */
#ifndef MIGOFF_DCBM_SDXI_H
#define MIGOFF_DCBM_SDXI_H

#include <endian.h>

#include "engine_driver.h"
#include "macros.h"
#include "sdxi_regs.h"

/* Descriptors in a ring: what each function can do, and a power of two. */
#define SDXI_RING 1024u
/* The largest folio that is usual, and the least that each function takes at once. */
#define SDXI_MAX_LEN (UINT64_C(2) << 20)

/* Contexts: the one that starts others, and ours. */
#define SDXI_CLIENT 1

/* Keys of ours: memory as it is mapped for the device, and the interrupt. */
#define SDXI_AKEY_MEMORY 0
#define SDXI_AKEY_EVENT 1

/**
 * struct sdxi_completion - Where the end of a descriptor is written.
 * @block: here.
 * @guard: never given to the function, and so never written by one that keeps to its memory.
 */
struct sdxi_completion {
	struct sdxi_block block;
	struct sdxi_block guard;
};

/**
 * struct sdxi_context - A context, in memory that the function reaches.
 * @akeys: what its descriptors may refer to.
 * @ring: its descriptors.
 * @completions: one for each place in the ring.
 * @control: where the function finds all that.
 * @status: what it says of itself.
 * @write_index: descriptors there are.
 */
struct sdxi_context {
	_Alignas(4096) struct sdxi_akey akeys[SDXI_AKEYS];
	struct sdxi_descriptor ring[SDXI_RING];
	struct sdxi_completion completions[SDXI_RING];
	_Alignas(64) struct sdxi_control control;
	_Alignas(64) struct sdxi_status status;
	_Alignas(64) uint64_t write_index;
};

/**
 * struct sdxi_life - All that the function reaches of ours, for one life.
 * @level2: its table of tables of contexts, with one.
 * @level1: that one.
 * @log: what it says of errors.
 * @admin: the context that starts the other.
 * @client: the context that copies.
 */
struct sdxi_life {
	_Alignas(4096) uint64_t level2[SDXI_LEVEL2_ENTRIES];
	struct sdxi_level1 level1[SDXI_LEVEL1_ENTRIES];
	_Alignas(4096) struct sdxi_log_entry log[SDXI_LOG_ENTRIES];
	struct sdxi_context admin;
	struct sdxi_context client;
};

/**
 * struct sdxi_facts - What the registers say of a function.
 * @major: of its version.
 * @minor: likewise.
 * @stride: bytes from one context's doorbell to the next one's.
 * @operations: groups that it has.
 */
struct sdxi_facts {
	unsigned int major;
	unsigned int minor;
	uint64_t stride;
	uint32_t operations;
};

/* What became of a place in the ring. */
enum sdxi_place {
	SDXI_PLACE_DONE,	/* reported, or nothing that would be */
	SDXI_PLACE_COPY,
	SDXI_PLACE_FAILED,	/* a copy, and the log is to say why */
	SDXI_PLACE_INTERRUPT,
};

/**
 * struct sdxi_slot - What is behind a descriptor.
 * @item: what it is a part of.
 * @place: see there.
 * @blame: what the log says of it; ENGINE_COPIED for nothing.
 */
struct sdxi_slot {
	uint64_t item;
	enum sdxi_place place;
	enum engine_status blame;
};

/* A copy that there was no place for. */
struct sdxi_waiting {
	uint64_t item;
	struct engine_desc desc;
};

/**
 * struct sdxi - A function.
 * @engine: what all engines have.
 * @t: what is below.
 * @facts: what it is.
 * @memory: one struct sdxi_life for every other life: what the one before writes late - completions
 *	above all - hits nothing of this one.
 * @n_lives: how often it was started.
 * @life: the one that is on.
 * @interrupts: it has some.
 * @stuck: it was not seen to come to rest: only a reset of the whole function can help, and its
 *	memory is not to be freed before.
 * @astray: a completion was written that nobody had asked for.
 * @n_vain: how often nothing was found since something was found.
 * @n_owed: interrupts that were not seen yet, of what is done.
 * @tail: descriptors written to the ring in this life; a free-running counter, as are the next
 *	four.
 * @rung: of those, how many the function may see.
 * @oldest: those below it are done and reported.
 * @read: those below it are read by the function.
 * @log_read: entries of the log that were seen.
 * @n_unannounced: copies written since the last interrupt.
 * @slots: what is behind each descriptor of the ring.
 * @waiting: copies for which there was no place, in [@wait_head, @wait_tail); those below
 *	@wait_flushed may be shown to the function.
 */
struct sdxi {
	struct engine engine;
	struct transport *t;
	struct sdxi_facts facts;
	struct dma_area memory;
	unsigned int n_lives;
	struct sdxi_life *life;
	bool interrupts;
	bool stuck;
	bool astray;
	unsigned int n_vain;
	int n_owed;
	uint64_t tail;
	uint64_t rung;
	uint64_t oldest;
	uint64_t read;
	uint64_t log_read;
	uint32_t n_unannounced;
	struct sdxi_slot slots[SDXI_RING];
	struct sdxi_waiting waiting[SDXI_RING];
	uint64_t wait_head;
	uint64_t wait_flushed;
	uint64_t wait_tail;
};

static inline struct sdxi *to_sdxi(struct engine *e)
{
	return container_of(e, struct sdxi, engine);
}

/* Where the function finds what is in our memory. */
static inline uint64_t sdxi_iova(const struct sdxi *sdxi, const void *p)
{
	return sdxi->memory.iova + (uint64_t)((const char *)p - (const char *)sdxi->memory.va);
}

static inline uint64_t sdxi_read(struct sdxi *sdxi, uint64_t offset)
{
	return transport_read64(sdxi->t, SDXI_BAR, offset);
}

static inline void sdxi_write(struct sdxi *sdxi, uint64_t offset, uint64_t value)
{
	transport_write64(sdxi->t, SDXI_BAR, offset, value);
}

static inline unsigned int sdxi_context_state(const struct sdxi_context *c)
{
	return __atomic_load_n(&c->status.state, __ATOMIC_ACQUIRE) & SDXI_CONTEXT_STATE;
}

/* What follows the signal, and what was copied, is to be read after it. (5.6) */
static inline uint64_t sdxi_signal(const struct sdxi_block *block)
{
	return le64toh(__atomic_load_n(&block->signal, __ATOMIC_ACQUIRE));
}

/* Ready to be given to the function, and to show if somebody writes it before. */
static inline void sdxi_arm(struct sdxi_block *block)
{
	__atomic_store_n(&block->flags, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&block->signal, htole64(SDXI_SIGNAL_PENDING), __ATOMIC_RELEASE);
}

/**
 * sdxi_ring_bell() - Let the function see descriptors.
 * @sdxi: it.
 * @number: the context.
 * @c: that one's memory.
 * @n: how many there are, since it was started.
 */
void sdxi_ring_bell(struct sdxi *sdxi, unsigned int number, struct sdxi_context *c, uint64_t n);

/**
 * sdxi_read_log() - Find out what the log says that is new.
 * @e: the engine.
 *
 * Copies in flight that it blames have that in their slots.
 *
 * Return: 0; -EIO, with what to complain of, when the function or our context has stopped, or the
 * log cannot be believed.
 */
int sdxi_read_log(struct engine *e);

/**
 * sdxi_read_facts() - Find out what a function is.
 * @t: what is below.
 * @ret: the facts.
 * @why: the reason of a failure; may be NULL.
 *
 * Return: 0, -ENODEV for one that is gone, or claims what cannot be, -EOPNOTSUPP for one that
 * cannot do what is needed, or another negative errno.
 */
int sdxi_read_facts(struct transport *t, struct sdxi_facts *ret, struct why *why);

/* See struct engine_ops. */
int sdxi_open(struct transport *t, struct engine **ret, struct why *why);
int sdxi_start(struct engine *e);
int sdxi_stop(struct engine *e);
int sdxi_reset(struct engine *e);
void sdxi_close(struct engine *e);

#endif
