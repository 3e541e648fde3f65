/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "riglib.h"

#define SEED 5

void rig_open(struct rig *r, uint32_t flags, uint64_t deadline_ns)
{
	struct migoff_setup setup;

	*r = (struct rig){ .engine = hook_engine(LSI, &setup) };
	setup.flags = flags;
	if (deadline_ns)
		setup.deadline_ns = deadline_ns;
	hook_open(&r->hook, &setup);
	target_start(&r->target);
}

void rig_close(struct rig *r)
{
	target_end(&r->target);
	hook_close(&r->hook);
	engine_close(r->engine);
}

void rig_fill(struct rig *r, long addr, size_t len)
{
	r->addr = addr;
	r->range = range_of(addr, len);
	target_call(&r->target, in_fill, addr, (long)len, SEED);
}

long rig_check(struct rig *r)
{
	return target_call(&r->target, in_check, r->addr, (long)r->range.len, SEED);
}

int rig_prepare(struct rig *r, int to_node)
{
	struct migoff_prepare p = prepare_args(&r->target, &r->range, 1, to_node);

	return hook_run(&r->hook, MIGOFF_CMD_PREPARE, &p);
}
