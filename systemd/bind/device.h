/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI device as the kernel shows it: who drives it, what shares its IOMMU group, whether somebody
 * depends on it. Nothing here changes anything.
 */
#ifndef MIGOFF_BIND_DEVICE_H
#define MIGOFF_BIND_DEVICE_H

#include "pci.h"
#include "why.h"

#define SYSFS "/sys"

/**
 * struct device - A PCI function at the moment it was looked at.
 * @address: "0000:00:05.0".
 * @facts: its driver and its group.
 * @override: the only driver that may bind to it; empty if any that matches may.
 */
struct device {
	char address[16];
	struct pci_facts facts;
	char override[PCI_DRIVER_LEN];
};

/**
 * device_look() - Look at a device.
 * @ret: what is there now.
 * @address: which.
 * @why: the reason of a failure.
 *
 * Return: 0, -EINVAL when @address is not one, -ENODEV when nothing is there, or another negative errno.
 */
int device_look(struct device *ret, const char *address, struct why *why);

/**
 * device_group_check() - Whether a device can be handed out without handing out another one.
 * @dev: the device.
 * @why: names what is in the way.
 *
 * Every device of a group reaches the same memory, so the others must not be in use by the kernel.
 *
 * Return: 0, -ENOTSUP without an IOMMU, -EBUSY when another device is in use, or another negative errno.
 */
int device_group_check(const struct device *dev, struct why *why);

/**
 * device_idle_check() - Whether a device may be taken from its driver.
 * @dev: the device.
 * @why: names what depends on it.
 *
 * In use are: disks that are mounted, swapped to, or otherwise claimed; network interfaces that are
 * up; channels of DMA engines that were given out; work queues with clients.
 *
 * Return: 0, -EBUSY, or another negative errno.
 */
int device_idle_check(const struct device *dev, struct why *why);

#endif
