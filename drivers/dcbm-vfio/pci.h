/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sysfs knows about PCI devices and their IOMMU groups.
 */
#ifndef MIGOFF_DCBM_PCI_H
#define MIGOFF_DCBM_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_DRIVER_LEN 40

/**
 * struct pci_facts - A device.
 * @vendor: its vendor.
 * @device: its number at that vendor.
 * @class_code: base class, subclass and interface: 0x088000.
 * @node: the NUMA node it is on, -1 when unknown.
 * @group: its IOMMU group, -1 for none.
 * @driver: the driver bound to it, empty for none.
 * @vfio: it is in the hands of vfio-pci, or of a variant of it.
 */
struct pci_facts {
	uint16_t vendor;
	uint16_t device;
	uint32_t class_code;
	int node;
	int group;
	char driver[PCI_DRIVER_LEN];
	bool vfio;
};

/**
 * struct pci_blocker - A device that keeps its group from being used.
 * @bdf: its address.
 * @driver: the driver that has it.
 */
struct pci_blocker {
	char bdf[16];
	char driver[PCI_DRIVER_LEN];
};

/**
 * pci_bdf_valid() - Whether that is the full name of a PCI function, "0000:00:05.0".
 * @bdf: the name.
 */
bool pci_bdf_valid(const char *bdf);

/**
 * pci_read_facts() - Look a device up.
 * @sysfs: where sysfs is mounted: "/sys", or a test's imitation.
 * @bdf: the device, a valid name.
 * @ret: the facts.
 *
 * Return: 0, -ENODEV when there is no such device, or another negative errno.
 */
int pci_read_facts(const char *sysfs, const char *bdf, struct pci_facts *ret);

/**
 * pci_is_gone() - Whether a device that is still listed does not answer.
 * @sysfs: as for pci_read_facts().
 * @bdf: the device, a valid name.
 *
 * Return: true if its configuration space reads as all ones; false also if it cannot be read.
 */
bool pci_is_gone(const char *sysfs, const char *bdf);

/**
 * pci_vfio_refuses() - Whether vfio-pci will not be bound to a device.
 * @sysfs: as for pci_read_facts().
 * @facts: the device.
 *
 * It has a list of devices with errata by which who uses them can do harm; a parameter of it,
 * disable_denylist, says that who uses them is trusted.
 */
bool pci_vfio_refuses(const char *sysfs, const struct pci_facts *facts);

/**
 * pci_group_blocker() - Find who keeps a group from being used through VFIO.
 * @sysfs: as for pci_read_facts().
 * @group: the IOMMU group.
 * @except: a device that is not counted, or NULL.
 * @ret: a device of it that a driver has which uses the kernel's DMA.
 *
 * Return: 0, -ENOENT when there is none, or another negative errno.
 */
int pci_group_blocker(const char *sysfs, int group, const char *except, struct pci_blocker *ret);

#endif
