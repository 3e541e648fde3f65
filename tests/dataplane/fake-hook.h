/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hook for tests: it stands before daemon/hook.c and "moves" folios between two arrays of this
 * process, one for each node, by addresses that the soft engine understands.
 *
 * The test sets the process up and looks at it while no request is under way; in between it belongs
 * to the data plane's thread.
 */
#ifndef MIGOFF_TESTS_FAKE_HOOK_H
#define MIGOFF_TESTS_FAKE_HOOK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FAKE_VA		0x7f0000000000ull
#define FAKE_MAX_FOLIOS	4096

/**
 * struct fake_folio - One folio of the process.
 * @node: where it is: 0 or 1.
 * @cause: not 0: PREPARE refuses it for that reason, with @status.
 * @status: see there.
 * @no_iova: the engine cannot reach it.
 * @out: it is in a batch.
 */
struct fake_folio {
	int node;
	int cause;
	int status;
	bool no_iova;
	bool out;
};

/**
 * struct fake_hook - The process, and how the hook behaves.
 * @present: opening it works.
 * @n_open: how often it was opened.
 * @n_devices: of the last setup.
 * @flags: of the last setup.
 * @order: of all folios.
 * @n_folios: how many, from FAKE_VA on.
 * @folios: each.
 * @memory: of each node; a folio is at the same place in both.
 * @prepare_delay_ns: how long a PREPARE takes.
 * @finish_delay_ns: how long a COMMIT or ABORT takes.
 * @prepare_errors: so many PREPAREs fail with @prepare_error.
 * @prepare_error: see there.
 * @commit_errors: so many COMMITs fail with -EIO and leave the batch out.
 * @abort_errors: the same for ABORTs.
 * @n_out: batches out now.
 * @max_out: the most there were at once.
 * @n_preparing: PREPAREs that are under way.
 * @max_preparing: the most there were at once.
 * @n_finishing: COMMITs and ABORTs that are under way.
 * @max_finishing: the most there were at once.
 * @n_prepares: PREPAREs.
 * @n_finishes: COMMITs and ABORTs that were begun.
 * @n_aborts: ABORTs.
 */
struct fake_hook {
	_Atomic bool present;
	_Atomic unsigned int n_open;
	unsigned int n_devices;
	uint32_t flags;
	unsigned int order;
	unsigned int n_folios;
	struct fake_folio folios[FAKE_MAX_FOLIOS];
	uint8_t *memory[2];
	_Atomic uint64_t prepare_delay_ns;
	_Atomic uint64_t finish_delay_ns;
	_Atomic int prepare_errors;
	int prepare_error;
	int commit_errors;
	int abort_errors;
	_Atomic unsigned int n_out;
	unsigned int max_out;
	unsigned int n_preparing;
	unsigned int max_preparing;
	unsigned int n_finishing;
	unsigned int max_finishing;
	_Atomic unsigned int n_prepares;
	_Atomic unsigned int n_finishes;
	unsigned int n_aborts;
};

extern struct fake_hook fake;

/**
 * fake_init() - Make a process, all of it on node 0, each page with content of its own.
 * @order: of its folios.
 * @n_folios: how many.
 */
void fake_init(unsigned int order, unsigned int n_folios);

/* Whether each folio's content is what it was. */
bool fake_content_ok(void);

/* The same, and all of them are on one node. */
bool fake_all_on(int node);

#endif
