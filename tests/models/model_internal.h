/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the core share.
 */
#ifndef MIGOFF_TESTS_MODELS_MODEL_INTERNAL_H
#define MIGOFF_TESTS_MODELS_MODEL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "memory.h"
#include "model.h"

#define MODEL_CONFIG_SIZE 4096
#define MODEL_ABSURD_MAX 8
#define MODEL_RULES_MAX 64
#define MODEL_WRITE_MAX 64

/* The one that comes in @left, counted from 1, and then each @every-th. 0 for none. */
struct model_when {
	uint64_t left;
	uint64_t every;
};

/* What options order; see options.c for the meaning of each. */
struct model_orders {
	uint64_t ns_per_kib;
	uint64_t ns_per_descriptor;
	uint64_t n_vectors;
	bool no_flr;
	bool no_post64;
	bool lenient;
	uint64_t allow;

	/* From here on: faults, which "none" withdraws. */
	struct model_when hang;
	struct model_when error;
	uint64_t error_code;
	struct model_when lose_completion;
	struct model_when twice;
	struct model_when unsubmitted;
	struct model_when senseless;
	struct model_when late;
	struct model_when wrong_byte;
	struct model_when lose_interrupt;
	struct model_when late_interrupt;
	struct model_when unplug;
	bool unplug_now;
	bool stale;
	bool late_write;
	uint64_t late_write_us;
	bool never_reset;
	struct {
		const char *what;
		uint64_t value;
	} absurd[MODEL_ABSURD_MAX];
};

/**
 * struct model_unit - What works by itself.
 * @thread: does.
 * @wake: is signalled when it has something to do, and rests.
 * @resting: it waits for that.
 * @working: it is in ops->work().
 * @stop: counts model_stop().
 * @stop_seen: its value when the piece of work at hand was begun.
 * @until_ns: when all that it has done since it was idle would have been done at the set costs.
 * @wrong_byte: the next copy shall get one.
 * @busy: what model_copy() is reading and writing at this moment without the lock: source and
 *	destination; their lengths are 0 when nothing is.
 */
struct model_unit {
	struct model *m;
	unsigned int number;
	pthread_t thread;
	pthread_cond_t wake;
	bool resting;
	bool working;
	uint64_t stop;
	uint64_t stop_seen;
	uint64_t until_ns;
	bool wrong_byte;
	struct {
		uint64_t iova;
		uint64_t len;
	} busy[2];
};

struct model_rule {
	const char *name;
	uint64_t n;
};

/* A small write to memory: the last one, and what of it is repeated after a reset, and when. */
struct model_write {
	uint64_t iova;
	size_t len;
	uint8_t bytes[MODEL_WRITE_MAX];
	uint64_t at_ns;
};

/* INTx: masked from when it signals to when that is taken; a late one signals when it falls. */
struct model_line {
	int fd;
	bool high;
	bool masked;
	bool late;
};

/**
 * struct model - A device.
 * @lock: of all of it.
 * @changed: something that a unit at work, or who waits for one, may be waiting for.
 * @kicked: units at rest may have something to do; whoever lets go of the lock looks.
 * @turn: a host has let go of the lock; units wait for that when @n_hosts says so, so that a host
 *	gets its turn among them.
 * @n_hosts: hosts that want the lock; changed without it.
 * @n_yielding: units that wait for @turn.
 */
struct model {
	const struct model_ops *ops;
	void *state;
	struct model_pci pci;
	unsigned int n_units;
	unsigned int n_threads;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_cond_t turn;
	_Atomic unsigned int n_hosts;
	unsigned int n_yielding;

	bool kicked;
	bool closing;
	bool resetting;
	bool unplugged;
	struct model_unit units[MODEL_UNITS_MAX];
	struct memory memory;
	struct model_orders orders;
	uint8_t config[MODEL_CONFIG_SIZE];
	int vectors[MODEL_VECTORS_MAX];
	struct model_line line;
	struct model_write last_write;
	struct model_write late_write;
	struct model_counts counts;
	struct model_rule rules[MODEL_RULES_MAX];
	const char *last_broken;
};

/* Hold the lock as a host, who comes before the units. */
void model_lock(struct model *m);
void model_unlock(struct model *m);

static inline struct model *model_locked(struct model *m)
{
	model_lock(m);
	return m;
}

static inline void model_unlockp(struct model **m)
{
	model_unlock(*m);
}

/* Until the end of the scope. */
#define MODEL_LOCKED(m)                                                                        \
	__attribute__((unused, cleanup(model_unlockp))) struct model *_locked = model_locked(m)

/* Under the lock from here on. */

/* Wait for a change, as a host. Lets go of the lock. */
void model_wait(struct model *m);

/* For a unit to let go of the lock for something that takes long, and take it again. */
void model_unit_unlock(struct model_unit *u);
void model_unit_lock(struct model_unit *u);

/* Whether the piece of work at hand was given up. */
bool model_unit_stopped(const struct model_unit *u);

/*
 * A set cost: wait until all that the unit has done since it was idle would have been done, or
 * until it is stopped. Lets go of the lock.
 */
void model_unit_spend(struct model_unit *u, uint64_t ns);

/* Wait until it is stopped. Lets go of the lock. */
void model_unit_hang(struct model_unit *u);

/* Stop all units, and wait until they are at rest. Lets go of the lock. */
void model_units_stop(struct model *m);

/* The lock and what is waited for; the threads; the end of all of these. Without the lock. */
void model_units_init(struct model *m);
int model_units_start(struct model *m);
void model_units_done(struct model *m);

/* As model_order_faults(). */
int model_order_faults_locked(struct model *m, const char *spec);

/* Surprise removal. */
void model_unplug(struct model *m);

/* Function-level reset; lets go of the lock until all units are at rest. */
void model_reset_locked(struct model *m);

/* Configuration space as after power-on. */
void model_config_reset(struct model *m);

/* Whether this is the one that was ordered. */
bool model_when(struct model_when *when);

/**
 * model_options() - Read options into @orders.
 * @m: the device; told of those that only it knows if @start.
 * @spec: "OPTION[=VALUE],..."; NULL for none.
 * @start: options that make sense only for a new device are allowed.
 * @orders: changed also on failure.
 */
int model_options(struct model *m, const char *spec, bool start, struct model_orders *orders);

#endif
