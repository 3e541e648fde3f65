/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the configuration means for the hook and for the devices' address space.
 */
#ifndef MIGOFF_DAEMON_SETUP_H
#define MIGOFF_DAEMON_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane.h"
#include "migoff_uapi.h"

/**
 * setup_window_len() - How much address space each device keeps for the hook.
 * @c: the configuration.
 *
 * Return: bytes: for each slot the largest batch twice, within limits.
 */
uint64_t setup_window_len(const struct dataplane_config *c);

/**
 * setup_make() - The argument of MIGOFF_IOC_SETUP, without devices.
 * @c: the configuration.
 * @verify: what is to be verified; not AUTO.
 *
 * Return: the argument.
 */
struct migoff_setup setup_make(const struct dataplane_config *c, enum dataplane_verify verify);

/**
 * setup_same_devices() - Whether open devices can stay open.
 * @a: one configuration.
 * @b: the other.
 */
bool setup_same_devices(const struct dataplane_config *a, const struct dataplane_config *b);

#endif
