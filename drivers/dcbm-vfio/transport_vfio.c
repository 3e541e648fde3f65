/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "vfio.h"

struct transport_vfio {
	struct transport transport;
	struct vfio_device *dev;
	int irq_fd;
};

static struct transport_vfio *to_vfio(struct transport *t)
{
	return container_of(t, struct transport_vfio, transport);
}

static uint64_t vfio_transport_read(struct transport *t, unsigned int bar, uint64_t offset,
				    unsigned int width)
{
	struct vfio_device *dev = to_vfio(t)->dev;

	switch (width) {
	case 1:
		return vfio_read8(dev, bar, offset);
	case 2:
		return vfio_read16(dev, bar, offset);
	case 4:
		return vfio_read32(dev, bar, offset);
	default:
		return vfio_read64(dev, bar, offset);
	}
}

static void vfio_transport_write(struct transport *t, unsigned int bar, uint64_t offset,
				 unsigned int width, uint64_t value)
{
	struct vfio_device *dev = to_vfio(t)->dev;

	switch (width) {
	case 1:
		vfio_write8(dev, bar, offset, (uint8_t)value);
		break;
	case 2:
		vfio_write16(dev, bar, offset, (uint16_t)value);
		break;
	case 4:
		vfio_write32(dev, bar, offset, (uint32_t)value);
		break;
	default:
		vfio_write64(dev, bar, offset, value);
	}
}

static void vfio_transport_post64(struct transport *t, unsigned int bar, uint64_t offset,
				  const void *from)
{
	vfio_post64(to_vfio(t)->dev, bar, offset, from);
}

static int vfio_transport_can_post64(struct transport *t, unsigned int bar)
{
	return vfio_can_post64(to_vfio(t)->dev, bar);
}

static uint32_t vfio_transport_config_read(struct transport *t, unsigned int offset,
					   unsigned int width)
{
	uint32_t value = 0;

	if (vfio_config_read(to_vfio(t)->dev, offset, &value, width) < 0)
		return UINT32_MAX;
	return le32toh(value);
}

static void vfio_transport_config_write(struct transport *t, unsigned int offset,
					unsigned int width, uint32_t value)
{
	value = htole32(value);
	vfio_config_write(to_vfio(t)->dev, offset, &value, width);
}

static int vfio_transport_bar_open(struct transport *t, unsigned int bar, uint64_t *ret_size)
{
	return vfio_bar_open(to_vfio(t)->dev, bar, ret_size);
}

static int vfio_transport_bus_master(struct transport *t, bool on)
{
	return vfio_bus_master(to_vfio(t)->dev, on);
}

static int vfio_transport_reset(struct transport *t)
{
	return vfio_reset(to_vfio(t)->dev);
}

static int vfio_transport_dma_alloc(struct transport *t, size_t size, struct dma_area *ret,
				    struct why *why)
{
	return vfio_dma_alloc(to_vfio(t)->dev, size, ret, why);
}

static void vfio_transport_dma_free(struct transport *t, struct dma_area *area)
{
	vfio_dma_free(to_vfio(t)->dev, area);
}

static void vfio_transport_irq_disable(struct transport *t)
{
	struct transport_vfio *v = to_vfio(t);

	vfio_irq_disable(v->dev);
	v->irq_fd = fd_close(v->irq_fd);
}

/* The best kind that the device has and the kernel can set up. */
static int vfio_transport_irq_enable(struct transport *t, unsigned int n, int *ret_fd)
{
	static const unsigned int kinds[] = {
		VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_INTX_IRQ_INDEX,
	};
	struct transport_vfio *v = to_vfio(t);
	int fds[VFIO_IRQ_VECTORS_MAX], r = -ENOENT;

	vfio_transport_irq_disable(t);
	v->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->irq_fd < 0)
		return -errno;
	for (size_t i = 0; i < VFIO_IRQ_VECTORS_MAX; i++)
		fds[i] = v->irq_fd;
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && r < 0; i++) {
		unsigned int has = MIN(vfio_irq_count(v->dev, kinds[i]), VFIO_IRQ_VECTORS_MAX);

		if (has > 0)
			r = vfio_irq_enable(v->dev, kinds[i], MIN(n, has), fds);
	}
	if (r < 0) {
		v->irq_fd = fd_close(v->irq_fd);
		return r;
	}
	*ret_fd = v->irq_fd;
	return 0;
}

static int vfio_transport_irq_rearm(struct transport *t)
{
	struct transport_vfio *v = to_vfio(t);
	uint64_t count;
	int r;

	/* Nothing to read means that nothing was masked either. */
	if (read(v->irq_fd, &count, sizeof(count)) < 0)
		return errno == EAGAIN ? 0 : -errno;
	r = vfio_irq_unmask(v->dev);
	return r < 0 ? r : (int)MIN(count, (uint64_t)INT_MAX);
}

static void vfio_transport_close(struct transport *t)
{
	struct transport_vfio *v = to_vfio(t);

	vfio_bus_master(v->dev, false);
	vfio_transport_irq_disable(t);
	vfio_close(v->dev);
	free(v);
}

static const struct transport_ops vfio_transport_ops = {
	.read = vfio_transport_read,
	.write = vfio_transport_write,
	.post64 = vfio_transport_post64,
	.can_post64 = vfio_transport_can_post64,
	.config_read = vfio_transport_config_read,
	.config_write = vfio_transport_config_write,
	.bar_open = vfio_transport_bar_open,
	.bus_master = vfio_transport_bus_master,
	.reset = vfio_transport_reset,
	.dma_alloc = vfio_transport_dma_alloc,
	.dma_free = vfio_transport_dma_free,
	.irq_enable = vfio_transport_irq_enable,
	.irq_rearm = vfio_transport_irq_rearm,
	.irq_disable = vfio_transport_irq_disable,
	.close = vfio_transport_close,
};

int transport_new_vfio(struct vfio_device *dev, struct transport **ret)
{
	struct transport_vfio *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->transport.ops = &vfio_transport_ops;
	v->dev = dev;
	v->irq_fd = -1;
	*ret = &v->transport;
	return 0;
}
