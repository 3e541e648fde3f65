/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cleanup.h"
#include "pci.h"
#include "vfio_internal.h"

#define SYSFS "/sys"
#define CONTAINER "/dev/vfio/vfio"

int vfio_device_fd(const struct vfio_device *dev)
{
	return dev->device_fd;
}

int vfio_device_group(const struct vfio_device *dev)
{
	return dev->group;
}

int vfio_device_node(const struct vfio_device *dev)
{
	return dev->node;
}

static int vfio_explain_binding(const struct vfio_device *dev, const struct pci_facts *facts,
				struct why *why)
{
	if (*facts->driver)
		why_fail(why, -ENXIO, "%s is bound to the driver %s, not to vfio-pci", dev->bdf,
			 facts->driver);
	else
		why_fail(why, -ENXIO, "%s is bound to no driver, not to vfio-pci", dev->bdf);
	if (pci_vfio_refuses(SYSFS, facts))
		return why_remedy(why, -ENXIO, "vfio-pci refuses it for an erratum, unless told "
				  "that who uses it is trusted: put \"options vfio-pci "
				  "disable_denylist=1\" into /etc/modprobe.d, load vfio-pci anew, "
				  "then driverctl set-override %s vfio-pci", dev->bdf);
	return why_remedy(why, -ENXIO, "bind it to vfio-pci: driverctl set-override %s vfio-pci",
			  dev->bdf);
}

/* What can be said about a device before anything is opened. */
static int vfio_check_binding(struct vfio_device *dev, struct why *why)
{
	struct pci_facts facts;
	int r;

	r = pci_read_facts(SYSFS, dev->bdf, &facts);
	if (r == -ENODEV) {
		why_fail(why, r, "there is no PCI device %s", dev->bdf);
		return why_remedy(why, r, "correct the address: lspci -D lists those there are");
	}
	if (r < 0)
		return why_fail(why, r, "%s cannot be looked up: %s", dev->bdf, strerror(-r));
	if (facts.group < 0) {
		why_fail(why, -ENXIO, "%s has no IOMMU group", dev->bdf);
		return why_remedy(why, -ENXIO, "switch the IOMMU on in the firmware, and with "
				  "intel_iommu=on on the kernel's command line where it is Intel's");
	}
	if (!facts.vfio)
		return vfio_explain_binding(dev, &facts, why);
	/* The kernel would reset it, and wait a minute for it, and the caller with it. */
	if (pci_is_gone(SYSFS, dev->bdf)) {
		why_fail(why, -ENODEV, "%s does not answer", dev->bdf);
		return why_remedy(why, -ENODEV, "if it is still in the computer, only switching that "
				  "off and on may bring it back");
	}
	dev->group = facts.group;
	dev->node = facts.node;
	return 0;
}

static int vfio_open_container(struct vfio_device *dev, struct why *why)
{
	int r;

	dev->container_fd = open(CONTAINER, O_RDWR | O_CLOEXEC);
	if (dev->container_fd < 0) {
		r = -errno;
		why_fail(why, r, CONTAINER " cannot be opened: %s", strerror(-r));
		if (r == -EACCES || r == -EPERM)
			return why_remedy(why, r, "let this user open it: it is mode 0666 where "
					  "nothing changed it");
		return why_remedy(why, r, "load the module vfio_iommu_type1; the kernel needs "
				  "CONFIG_VFIO_CONTAINER");
	}
	if (ioctl(dev->container_fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    ioctl(dev->container_fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1) {
		why_fail(why, -EOPNOTSUPP, "the kernel's VFIO has no type 1 IOMMU");
		return why_remedy(why, -EOPNOTSUPP, "load the module vfio_iommu_type1");
	}
	return 0;
}

static int vfio_explain_group_open(const struct vfio_device *dev, int r, struct why *why)
{
	why_fail(why, r, "/dev/vfio/%d of %s cannot be opened: %s", dev->group, dev->bdf,
		 r == -EBUSY ? "it is in use" : strerror(-r));
	switch (r) {
	case -EBUSY:
		return why_remedy(why, r, "stop what uses it: fuser -v /dev/vfio/%d", dev->group);
	case -EACCES:
	case -EPERM:
		return why_remedy(why, r, "hand the group to this user: chown USER /dev/vfio/%d",
				  dev->group);
	default:
		return r;
	}
}

static int vfio_explain_viability(const struct vfio_device *dev, struct why *why)
{
	struct pci_blocker blocker;

	if (pci_group_blocker(SYSFS, dev->group, NULL, &blocker) < 0)
		return why_fail(why, -EBUSY, "IOMMU group %d of %s cannot be used: the kernel "
				"uses a device of it", dev->group, dev->bdf);
	why_fail(why, -EBUSY, "IOMMU group %d of %s is shared with %s, which the driver %s has",
		 dev->group, dev->bdf, blocker.bdf, blocker.driver);
	return why_remedy(why, -EBUSY, "unbind %s or bind it to vfio-pci, or put the device into a "
			  "slot with a group of its own", blocker.bdf);
}

static int vfio_open_group(struct vfio_device *dev, struct why *why)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/dev/vfio/%d", dev->group);
	dev->group_fd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->group_fd < 0)
		return vfio_explain_group_open(dev, -errno, why);
	if (ioctl(dev->group_fd, VFIO_GROUP_GET_STATUS, &status) < 0) {
		r = -errno;
		return why_fail(why, r, "the state of %s is unknown: %s", path, strerror(-r));
	}
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return vfio_explain_viability(dev, why);
	return 0;
}

static int vfio_attach(struct vfio_device *dev, struct why *why)
{
	int r;

	if (ioctl(dev->group_fd, VFIO_GROUP_SET_CONTAINER, &dev->container_fd) < 0) {
		r = -errno;
		return why_fail(why, r, "IOMMU group %d cannot be used: %s", dev->group,
				strerror(-r));
	}
	if (ioctl(dev->container_fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0) {
		r = -errno;
		why_fail(why, r, "the IOMMU refuses %s: %s", dev->bdf,
			 r == -EPERM ? "it has no interrupt remapping" : strerror(-r));
		if (r == -EPERM)
			why_remedy(why, r, "switch interrupt remapping on (intremap=on); or, if "
				   "the device's interrupts can be trusted, set "
				   "vfio_iommu_type1.allow_unsafe_interrupts=1");
		return r;
	}
	return 0;
}

static int vfio_open_device(struct vfio_device *dev, struct why *why)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	int r;

	/* The kernel makes it close-on-exec by itself. */
	dev->device_fd = ioctl(dev->group_fd, VFIO_GROUP_GET_DEVICE_FD, dev->bdf);
	if (dev->device_fd < 0) {
		r = -errno;
		return why_fail(why, r, "VFIO does not hand out %s: %s", dev->bdf, strerror(-r));
	}
	if (ioctl(dev->device_fd, VFIO_DEVICE_GET_INFO, &info) < 0 ||
	    ioctl(dev->device_fd, VFIO_DEVICE_GET_REGION_INFO, &config) < 0) {
		r = -errno;
		return why_fail(why, r, "VFIO does not describe %s: %s", dev->bdf, strerror(-r));
	}
	dev->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	dev->config_offset = config.offset;
	return 0;
}

int vfio_config_read(struct vfio_device *dev, unsigned int offset, void *ret, size_t size)
{
	ssize_t n = pread(dev->device_fd, ret, size, (off_t)(dev->config_offset + offset));

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

int vfio_config_write(struct vfio_device *dev, unsigned int offset, const void *data, size_t size)
{
	ssize_t n = pwrite(dev->device_fd, data, size, (off_t)(dev->config_offset + offset));

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

static int vfio_command(struct vfio_device *dev, uint16_t clear, uint16_t set)
{
	uint16_t command;
	int r;

	r = vfio_config_read(dev, PCI_COMMAND, &command, sizeof(command));
	if (r < 0)
		return r;
	command = (uint16_t)((command & ~clear) | set);
	r = vfio_config_write(dev, PCI_COMMAND, &command, sizeof(command));
	if (r < 0)
		return r;
	/* The answer comes after all writes that the device made before. */
	return vfio_config_read(dev, PCI_COMMAND, &command, sizeof(command));
}

int vfio_bus_master(struct vfio_device *dev, bool on)
{
	return vfio_command(dev, on ? 0 : PCI_COMMAND_MASTER, on ? PCI_COMMAND_MASTER : 0);
}

int vfio_reset(struct vfio_device *dev)
{
	uint32_t class_revision;
	int r;

	if (!dev->can_reset)
		return -EOPNOTSUPP;
	/* For one that is gone the kernel would wait a minute, and the caller with it. */
	r = vfio_config_read(dev, PCI_CLASS_REVISION, &class_revision, sizeof(class_revision));
	if (r < 0)
		return r;
	if (class_revision == UINT32_MAX)
		return -ENODEV;
	return ioctl(dev->device_fd, VFIO_DEVICE_RESET) < 0 ? -errno : 0;
}

static int vfio_prepare_device(struct vfio_device *dev, struct why *why)
{
	int r;

	r = vfio_command(dev, PCI_COMMAND_MASTER, 0);
	if (r == 0)
		r = vfio_reset(dev);
	if (r == 0 || r == -EOPNOTSUPP)
		r = vfio_command(dev, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY);
	if (r == 0)
		r = vfio_events_init(dev);
	if (r < 0)
		return why_fail(why, r, "%s cannot be set up: %s", dev->bdf, strerror(-r));
	return 0;
}

int vfio_open(const char *bdf, uint64_t dma_mask, struct vfio_device **ret, struct why *why)
{
	_cleanup_(vfio_closep) struct vfio_device *dev = NULL;
	int r;

	if (!pci_bdf_valid(bdf)) {
		why_fail(why, -EINVAL, "\"%.32s\" is not a PCI address", bdf);
		return why_remedy(why, -EINVAL, "write it as in 0000:00:05.0");
	}
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return why_fail(why, -ENOMEM, "no memory");
	memcpy(dev->bdf, bdf, strlen(bdf));
	dev->container_fd = dev->group_fd = dev->device_fd = -1;
	dev->request_fd = dev->error_fd = -1;
	dev->irq_index = VFIO_IRQ_NONE;

	r = vfio_check_binding(dev, why);
	if (r == 0)
		r = vfio_open_container(dev, why);
	if (r == 0)
		r = vfio_open_group(dev, why);
	if (r == 0)
		r = vfio_attach(dev, why);
	if (r == 0)
		r = vfio_dma_init(dev, dma_mask, why);
	if (r == 0)
		r = vfio_open_device(dev, why);
	if (r == 0)
		r = vfio_prepare_device(dev, why);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(dev);
	return 0;
}

struct vfio_device *vfio_close(struct vfio_device *dev)
{
	if (!dev)
		return NULL;
	if (dev->device_fd >= 0) {
		vfio_bus_master(dev, false);
		vfio_irq_disable(dev);
	}
	vfio_bars_done(dev);
	dev->device_fd = fd_close(dev->device_fd);
	vfio_dma_done(dev);
	fd_close(dev->group_fd);
	fd_close(dev->container_fd);
	fd_close(dev->request_fd);
	fd_close(dev->error_fd);
	free(dev);
	return NULL;
}
