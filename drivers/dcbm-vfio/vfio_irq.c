/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vfio.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cleanup.h"
#include "vfio_internal.h"

/* One VFIO_DEVICE_SET_IRQS; @fds NULL for no data. */
static int vfio_set_irqs(struct vfio_device *dev, uint32_t index, uint32_t action, unsigned int n,
			 const int *fds)
{
	union {
		struct vfio_irq_set set;
		char space[sizeof(struct vfio_irq_set) + VFIO_IRQ_VECTORS_MAX * sizeof(int)];
	} u = {};

	u.set.argsz = (uint32_t)(sizeof(u.set) + (fds ? n * sizeof(*fds) : 0));
	u.set.flags = action | (fds ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	u.set.index = index;
	u.set.count = n;
	if (fds)
		memcpy(u.space + offsetof(struct vfio_irq_set, data), fds, n * sizeof(*fds));
	return ioctl(dev->device_fd, VFIO_DEVICE_SET_IRQS, &u.set) < 0 ? -errno : 0;
}

unsigned int vfio_irq_count(struct vfio_device *dev, unsigned int index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(dev->device_fd, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ||
	    !(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return 0;
	return info.count;
}

int vfio_irq_enable(struct vfio_device *dev, unsigned int index, unsigned int n, const int *fds)
{
	int r;

	assert(n > 0 && n <= VFIO_IRQ_VECTORS_MAX);
	vfio_irq_disable(dev);
	r = vfio_set_irqs(dev, index, VFIO_IRQ_SET_ACTION_TRIGGER, n, fds);
	if (r < 0)
		return r;
	dev->irq_index = index;
	return 0;
}

int vfio_irq_unmask(struct vfio_device *dev)
{
	if (dev->irq_index != VFIO_PCI_INTX_IRQ_INDEX)
		return 0;
	return vfio_set_irqs(dev, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, 1, NULL);
}

void vfio_irq_disable(struct vfio_device *dev)
{
	if (dev->irq_index == VFIO_IRQ_NONE)
		return;
	vfio_set_irqs(dev, dev->irq_index, VFIO_IRQ_SET_ACTION_TRIGGER, 0, NULL);
	dev->irq_index = VFIO_IRQ_NONE;
}

int vfio_request_fd(const struct vfio_device *dev)
{
	return dev->request_fd;
}

int vfio_error_fd(const struct vfio_device *dev)
{
	return dev->error_fd;
}

static int vfio_event_open(struct vfio_device *dev, uint32_t index, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int r;

	/* Only PCI Express devices have an error event. */
	if (vfio_irq_count(dev, index) == 0)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = vfio_set_irqs(dev, index, VFIO_IRQ_SET_ACTION_TRIGGER, 1, &fd);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int vfio_events_init(struct vfio_device *dev)
{
	int r;

	r = vfio_event_open(dev, VFIO_PCI_REQ_IRQ_INDEX, &dev->request_fd);
	if (r < 0)
		return r;
	return vfio_event_open(dev, VFIO_PCI_ERR_IRQ_INDEX, &dev->error_fd);
}
