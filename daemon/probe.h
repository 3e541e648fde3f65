/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test of an engine that is to be trusted again.
 */
#ifndef MIGOFF_DAEMON_PROBE_H
#define MIGOFF_DAEMON_PROBE_H

#include "engine.h"

/**
 * probe_engine() - Have an engine copy something, as often as it has channels, and compare.
 * @e: the engine, RUNNING, with nothing in flight.
 * @why: the reason of a failure.
 *
 * Waits for the engine: no longer than its time-out, as set by engine_set_timeout().
 *
 * Return: 0, or a negative errno: then it is at rest, and nothing is left to be collected.
 */
int probe_engine(struct engine *e, struct why *why);

#endif
