/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking a PCI device from its driver for VFIO, giving its group to a user, and putting both back.
 *
 * What there was before is noted in a record, a file of the device's name, before anything is
 * changed, so that also a later process can put it back, and after an interruption. Each device is
 * taken whole or left as it was. The caller keeps others of its kind away (bind_lock()).
 */
#ifndef MIGOFF_BIND_BIND_H
#define MIGOFF_BIND_BIND_H

#include <sys/types.h>

#include "device.h"
#include "why.h"

#define BIND_DIR "/run/migoff-bind"

/**
 * struct bind_record - How a device was found.
 * @driver: the driver that had it; empty if none.
 * @override: the driver_override that it had; empty if none.
 * @owner: who owned the node of its group.
 */
struct bind_record {
	char driver[PCI_DRIVER_LEN];
	char override[PCI_DRIVER_LEN];
	uid_t owner;
};

/**
 * bind_lock() - Become the only process that binds or puts back, until it ends.
 *
 * Makes the directory of records. Waits for another one.
 *
 * Return: a descriptor that holds the lock, or a negative errno.
 */
int bind_lock(void);

/**
 * bind_record_read() - Read how a device was found.
 * @ret: that.
 * @address: the device, a valid address.
 *
 * Return: 0, -ENOENT when it is not bound by us, or another negative errno.
 */
int bind_record_read(struct bind_record *ret, const char *address);

/**
 * bind_node() - The owner of a VFIO group's node.
 * @group: the group.
 * @ret: its owner.
 *
 * Return: 0, -ENOENT when there is no such node, or another negative errno.
 */
int bind_node(int group, uid_t *ret);

/**
 * bind_take() - Bind a device to vfio-pci and give its group to a user.
 * @address: the device.
 * @user: who gets it.
 * @why: the reason of a failure.
 *
 * A device that is so already is left alone.
 *
 * Return: 1 when it was done, 0 when it was so already, or a negative errno; then the device is as
 * it was, unless @why says that it could not be put back.
 */
int bind_take(const char *address, uid_t user, struct why *why);

/**
 * bind_restore() - Put a device back as it was found.
 * @address: the device.
 * @why: the reason of a failure.
 *
 * Waits for a process that has the device open, which is asked by the kernel to let go of it.
 *
 * Return: 1 when it was done, 0 when it is not bound by us, or a negative errno; the record is kept
 * then, to try again.
 */
int bind_restore(const char *address, struct why *why);

#endif
