/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "sysfs.h"

int device_look(struct device *ret, const char *address, struct why *why)
{
	struct device dev = { .address = "" };
	int r;

	if (!pci_bdf_valid(address)) {
		why_fail(why, -EINVAL, "not a PCI address");
		return why_remedy(why, -EINVAL, "write it in full and lower case, as in 0000:00:05.0");
	}
	snprintf(dev.address, sizeof(dev.address), "%s", address);
	r = pci_read_facts(SYSFS, address, &dev.facts);
	if (r == -ENODEV) {
		why_fail(why, r, "there is no such device");
		return why_remedy(why, r, "`lspci -D` lists what there is");
	}
	if (r == 0)
		r = sysfs_read(dev.override, sizeof(dev.override), SYSFS "/bus/pci/devices/%s/driver_override", address);
	if (r < 0)
		return why_fail(why, r, "cannot be looked at: %s", strerror(-r));
	if (!strcmp(dev.override, "(null)"))
		dev.override[0] = '\0';
	*ret = dev;
	return 0;
}

int device_group_check(const struct device *dev, struct why *why)
{
	struct pci_blocker blocker;
	int r;

	if (dev->facts.group < 0) {
		why_fail(why, -ENOTSUP, "it is in no IOMMU group, so nothing bounds what it can reach");
		return why_remedy(why, -ENOTSUP, "switch the IOMMU on in the firmware and, with Intel, by "
						 "intel_iommu=on on the kernel's command line");
	}
	r = pci_group_blocker(SYSFS, dev->facts.group, dev->address, &blocker);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return why_fail(why, r, "cannot look at its IOMMU group %d: %s", dev->facts.group,
				strerror(-r));
	why_fail(why, -EBUSY, "its IOMMU group %d also has %s, which is in use by %s", dev->facts.group,
		 blocker.bdf, blocker.driver);
	return why_remedy(why, -EBUSY, "put one of them into another slot, or unbind the other one");
}

/* Where the callback of nftw(), which gets no argument of ours, says what it found. */
static struct why *walk_why;

/* The kernel's own rule: a disk that is mounted, swapped to, or part of a volume is claimed. */
static int check_disk(const char *path)
{
	_cleanup_close_ int fd = -1;
	const char *name = strrchr(path, '/') + 1;
	char node[PATH_MAX];

	snprintf(node, sizeof(node), "/dev/%s", name);
	for (char *c = node; (c = strchr(c, '!'));)
		*c = '/';
	fd = open(node, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 || errno == ENOMEDIUM || errno == ENXIO)
		return 0;
	if (errno == EBUSY)
		return why_fail(walk_why, -EBUSY, "the disk %s is in use", name);
	return why_fail(walk_why, -errno, "cannot tell whether the disk %s is in use: %m", name);
}

static int check_network(const char *path)
{
	char flags[32];

	if (sysfs_read(flags, sizeof(flags), "%s/flags", path) < 0 || !(strtoul(flags, NULL, 0) & IFF_UP))
		return 0;
	return why_fail(walk_why, -EBUSY, "the network interface %s is up", strrchr(path, '/') + 1);
}

static int check_count(const char *path, const char *what)
{
	char count[32];

	if (sysfs_read(count, sizeof(count), "%s", path) < 0 || strtoul(count, NULL, 10) == 0)
		return 0;
	return why_fail(walk_why, -EBUSY, "%s (%s is %s)", what, path, count);
}

static int check_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + at->base;
	bool is_dir = type == FTW_D;
	char parent[PATH_MAX];

	snprintf(parent, sizeof(parent), "%.*s", at->base - 1, path);
	if (is_dir && !strcmp(basename(parent), "block"))
		return check_disk(path);
	if (is_dir && !strcmp(basename(parent), "net"))
		return check_network(path);
	if (!is_dir && !strcmp(name, "in_use"))
		return check_count(path, "a channel of this DMA engine was given out");
	if (!is_dir && !strcmp(name, "clients"))
		return check_count(path, "a work queue of this device has clients");
	return 0;
}

int device_idle_check(const struct device *dev, struct why *why)
{
	char link[PATH_MAX], path[PATH_MAX];
	int r;

	if (dev->facts.driver[0] == '\0')
		return 0;
	snprintf(link, sizeof(link), SYSFS "/bus/pci/devices/%s", dev->address);
	if (!realpath(link, path))
		return why_fail(why, -errno, "cannot be looked at: %m");
	walk_why = why;
	r = nftw(path, check_entry, 8, FTW_PHYS);
	if (r == -1)
		return why_fail(why, -errno, "cannot look for what uses it: %m");
	if (r == -EBUSY)
		why_remedy(why, r, "is this the device that you mean? then stop what uses it");
	return r;
}
