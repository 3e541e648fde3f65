/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel hook, /dev/migoff, as the data plane uses it: opened and set up once, then commands on
 * the loop. What they mean is in migoff_uapi.h.
 */
#ifndef MIGOFF_DAEMON_HOOK_H
#define MIGOFF_DAEMON_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "loop.h"
#include "migoff_uapi.h"
#include "why.h"

struct hook;

/**
 * struct hook_limits - What the hook has agreed to; fixed while it is open.
 * @n_slots: batches at once.
 * @n_extents: extents of one batch.
 * @max_batch: bytes of folios in one batch.
 */
struct hook_limits {
	uint32_t n_slots;
	uint32_t n_extents;
	uint64_t max_batch;
};

/**
 * hook_accepts() - Whether an engine can copy what the hook maps.
 * @identity: of the engine.
 * @why: the reason why not.
 */
bool hook_accepts(const struct engine_identity *identity, struct why *why);

/**
 * hook_add_device() - Name an engine in a setup.
 * @setup: the setup; it has room.
 * @identity: of an engine that hook_accepts(), with the same window as those before it.
 */
void hook_add_device(struct migoff_setup *setup, const struct engine_identity *identity);

/**
 * hook_open() - Open the hook and set it up.
 * @path: "/dev/migoff".
 * @setup: what MIGOFF_IOC_SETUP is given; its outputs are filled in.
 * @ret: the hook.
 * @why: the reason of a failure; may be NULL.
 *
 * Return: 0, or a negative errno.
 */
int hook_open(const char *path, struct migoff_setup *setup, struct hook **ret, struct why *why);

/**
 * hook_close() - Close it. The kernel ends what batches are out, and lets go of the devices.
 * @h: the hook, or NULL; none of its commands is armed.
 *
 * Return: NULL.
 */
struct hook *hook_close(struct hook *h);

/**
 * hook_limits() - What fits.
 * @h: the hook.
 */
const struct hook_limits *hook_limits(const struct hook *h);

/**
 * hook_batch() - What the kernel says about a slot's batch.
 * @h: the hook.
 * @slot: below @n_slots.
 *
 * Valid from the end of a PREPARE, final from the end of the COMMIT or ABORT. The kernel alone writes
 * it.
 */
const struct migoff_batch_info *hook_batch(const struct hook *h, uint32_t slot);

/**
 * hook_extents() - The extents of a slot's batch.
 * @h: the hook.
 * @slot: below @n_slots.
 */
const struct migoff_extent *hook_extents(const struct hook *h, uint32_t slot);

/**
 * hook_prepare() - MIGOFF_CMD_PREPARE.
 * @h: the hook.
 * @loop: where @op is armed.
 * @op: done() gets the result.
 * @arg: stays unchanged until done().
 */
void hook_prepare(struct hook *h, struct loop *loop, struct loop_op *op,
		  const struct migoff_prepare *arg);

/**
 * hook_finish() - MIGOFF_CMD_COMMIT or MIGOFF_CMD_ABORT.
 * @h: the hook.
 * @loop: where @op is armed.
 * @op: done() gets the result.
 * @command: which of them.
 * @arg: stays unchanged until done().
 */
void hook_finish(struct hook *h, struct loop *loop, struct loop_op *op, uint32_t command,
		 const struct migoff_finish *arg);

#endif
