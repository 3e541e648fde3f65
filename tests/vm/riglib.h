/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the hook with an engine begin with: the engine, a session that uses it, and a process with
 * memory that is to be moved.
 */
#ifndef MIGOFF_TESTS_RIGLIB_H
#define MIGOFF_TESTS_RIGLIB_H

#include "hooklib.h"

#define LSI "0000:00:05.0"

/**
 * struct rig - all of that
 * @engine: at LSI, started.
 * @hook: the session.
 * @target: the process.
 * @addr: its memory, filled with content.
 * @range: the same.
 */
struct rig {
	struct engine *engine;
	struct hook hook;
	struct target target;
	struct migoff_range range;
	long addr;
};

/* Engine, session (with these MIGOFF_SETUP_* flags; deadline 0: of some seconds) and process. */
void rig_open(struct rig *r, uint32_t flags, uint64_t deadline_ns);
void rig_close(struct rig *r);
/* What the process has mapped at @addr is what is moved, and gets its content. */
void rig_fill(struct rig *r, long addr, size_t len);
/* Return: how many words of it are not as rig_fill() has left them. */
long rig_check(struct rig *r);
int rig_prepare(struct rig *r, int to_node);

#endif
