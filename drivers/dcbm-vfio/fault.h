/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine that misbehaves on request, around one that does not: for tests of whoever uses it.
 */
#ifndef MIGOFF_DCBM_FAULT_H
#define MIGOFF_DCBM_FAULT_H

#include <stdint.h>

#include "engine.h"

/**
 * struct fault_when - Which items are hit, counted from 1 since the engine was opened.
 * @at: only this one; 0 for none in particular.
 * @every: each whose number is a multiple of this; 0 for none.
 */
struct fault_when {
	uint64_t at;
	uint64_t every;
};

/**
 * struct fault_config - What goes wrong. All zero: nothing.
 * @error: the item is reported as ENGINE_DEVICE_ERROR; its copy is not made.
 * @wrong: the item is reported as copied, but its first bytes (8 at most) are overwritten.
 * @lost: the copy is made, its completion is never reported.
 * @hang: from this item on, nothing is copied or reported until the engine is recovered.
 * @delay_ns_per_kib: items are done one after the other, and take so much for each KiB.
 * @delay_us: each is reported so much later than it was done.
 * @recover: how many times engine_recover() fails with -EIO.
 * @close_fd: engine_close() does not return before this descriptor is readable; 0 for none.
 */
struct fault_config {
	struct fault_when error;
	struct fault_when wrong;
	struct fault_when lost;
	struct fault_when hang;
	uint64_t delay_ns_per_kib;
	uint64_t delay_us;
	uint64_t recover;
	uint64_t close_fd;
};

/**
 * fault_parse() - Read a description of faults.
 * @spec: faults separated by ",", each followed by its parameters, each after a ":":
 *	"error:every=7", "wrong:at=3", "lost:at=1", "hang:at=10", "delay:us=50:ns_per_kib=100",
 *	"recover:times=2", "close:fd=9"; as in "error:every=7,delay:us=50".
 * @ret: the faults.
 * @why: what could not be read; may be NULL.
 *
 * Return: 0 or -EINVAL.
 */
int fault_parse(const char *spec, struct fault_config *ret, struct why *why);

/**
 * engine_open_fault() - Wrap an engine.
 * @inner: the engine, STOPPED, with no item ever enqueued; on success it belongs to the wrapper.
 * @config: what goes wrong.
 * @ret: the wrapper, STOPPED. Its identity is that of @inner but for the name of the driver.
 * @why: the reason of a failure; may be NULL.
 *
 * Return: 0, or a negative errno.
 */
int engine_open_fault(struct engine *inner, const struct fault_config *config, struct engine **ret,
		      struct why *why);

#endif
