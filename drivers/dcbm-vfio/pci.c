/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pci.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"

bool pci_bdf_valid(const char *bdf)
{
	static const char form[] = "xxxx:xx:xx.x";

	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == 'x' ? !isxdigit((unsigned char)bdf[i]) || isupper((unsigned char)bdf[i])
				   : bdf[i] != form[i])
			return false;
	}
	return bdf[sizeof(form) - 1] == '\0';
}

static int path_make(char ret[PATH_MAX], const char *sysfs, const char *bdf, const char *attribute)
{
	int n = snprintf(ret, PATH_MAX, "%s/bus/pci/devices/%s/%s", sysfs, bdf, attribute);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int attribute_read(const char *sysfs, const char *bdf, const char *attribute, long *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[PATH_MAX], line[32], *end;
	long value;
	int r;

	r = path_make(path, sysfs, bdf, attribute);
	if (r < 0)
		return r;
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ENODEV : -errno;
	if (!fgets(line, sizeof(line), f))
		return -ENODEV;
	errno = 0;
	value = strtol(line, &end, 0);
	if (errno != 0 || end == line)
		return -EIO;
	*ret = value;
	return 0;
}

/* The last part of what a link leads to. Return: 0, or -ENOENT without such a link. */
static int link_name(const char *sysfs, const char *bdf, const char *attribute,
		     char ret[PCI_DRIVER_LEN])
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t n;
	int r;

	r = path_make(path, sysfs, bdf, attribute);
	if (r < 0)
		return r;
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	name = strrchr(target, '/');
	snprintf(ret, PCI_DRIVER_LEN, "%.*s", PCI_DRIVER_LEN - 1, name ? name + 1 : target);
	return 0;
}

/* A variant of vfio-pci has another name, but the device gets the same directory. */
static bool device_is_vfio(const char *sysfs, const char *bdf, const char *driver)
{
	char path[PATH_MAX];
	struct stat st;

	if (!strcmp(driver, "vfio-pci"))
		return true;
	return path_make(path, sysfs, bdf, "vfio-dev") == 0 && stat(path, &st) == 0;
}

int pci_read_facts(const char *sysfs, const char *bdf, struct pci_facts *ret)
{
	struct pci_facts facts = { .node = -1, .group = -1 };
	char group[PCI_DRIVER_LEN];
	long vendor, device, class_code, node;
	int r;

	r = attribute_read(sysfs, bdf, "vendor", &vendor);
	if (r == 0)
		r = attribute_read(sysfs, bdf, "device", &device);
	if (r == 0)
		r = attribute_read(sysfs, bdf, "class", &class_code);
	if (r < 0)
		return r;
	facts.vendor = (uint16_t)vendor;
	facts.device = (uint16_t)device;
	facts.class_code = (uint32_t)class_code;
	if (attribute_read(sysfs, bdf, "numa_node", &node) == 0)
		facts.node = (int)node;
	if (link_name(sysfs, bdf, "iommu_group", group) == 0)
		facts.group = atoi(group);
	r = link_name(sysfs, bdf, "driver", facts.driver);
	if (r < 0 && r != -ENOENT)
		return r;
	facts.vfio = device_is_vfio(sysfs, bdf, facts.driver);
	*ret = facts;
	return 0;
}

bool pci_is_gone(const char *sysfs, const char *bdf)
{
	_cleanup_close_ int fd = -1;
	uint32_t class_revision;
	char path[PATH_MAX];

	if (path_make(path, sysfs, bdf, "config") < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* The vendor of a virtual function reads as all ones always. */
	return fd >= 0 &&
	       pread(fd, &class_revision, sizeof(class_revision), PCI_CLASS_REVISION) ==
		       sizeof(class_revision) &&
	       class_revision == UINT32_MAX;
}

bool pci_vfio_refuses(const char *sysfs, const struct pci_facts *facts)
{
	/* Of Linux, drivers/vfio/pci/vfio_pci.c, those that are engines: DSA and IAX. */
	static const uint16_t devices[] = { 0x0b25, 0x0cfe };
	_cleanup_fclose_ FILE *f = NULL;
	char path[PATH_MAX];
	bool listed = false;

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		listed |= facts->vendor == 0x8086 && facts->device == devices[i];
	if (!listed)
		return false;
	snprintf(path, sizeof(path), "%s/module/vfio_pci/parameters/disable_denylist", sysfs);
	f = fopen(path, "re");
	/* As it is loaded if nothing is said. */
	return !f || fgetc(f) != 'Y';
}

/* Drivers that leave DMA alone do not stand in the way of a group's other devices. */
static bool driver_blocks(const char *sysfs, const char *bdf, const char *driver)
{
	static const char *const harmless[] = { "pci-stub", "pcieport" };

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (!strcmp(driver, harmless[i]))
			return false;
	return !device_is_vfio(sysfs, bdf, driver);
}

int pci_group_blocker(const char *sysfs, int group, const char *except, struct pci_blocker *ret)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_MAX];
	struct dirent *entry;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d/devices", sysfs, group);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		struct pci_blocker found;

		if (!pci_bdf_valid(entry->d_name) ||
		    (except && !strcmp(entry->d_name, except)) ||
		    link_name(sysfs, entry->d_name, "driver", found.driver) < 0 ||
		    !driver_blocks(sysfs, entry->d_name, found.driver))
			continue;
		snprintf(found.bdf, sizeof(found.bdf), "%.15s", entry->d_name);
		*ret = found;
		return 0;
	}
	return -ENOENT;
}
