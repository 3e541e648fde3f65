/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of vfio.h share: the device itself.
 */
#ifndef MIGOFF_DCBM_VFIO_INTERNAL_H
#define MIGOFF_DCBM_VFIO_INTERNAL_H

#include "iova.h"
#include "vfio.h"

#define VFIO_N_BARS 6
/* The value of &vfio_device.irq_index while no interrupt is enabled. */
#define VFIO_IRQ_NONE UINT32_MAX

/**
 * struct vfio_bar - A BAR opened by vfio_bar_open().
 * @offset: where it is in the device's descriptor.
 * @size: bytes; 0 while it is not open.
 * @map: where it is mapped; NULL if each access is a system call.
 */
struct vfio_bar {
	uint64_t offset;
	uint64_t size;
	uint8_t *map;
	bool movdir64b;	/* the instruction exists, and reaches it */
};

/* Memory mapped for the device. */
struct vfio_mapping {
	struct dma_area area;
	struct vfio_mapping *next;
};

struct vfio_device {
	char bdf[16];
	int group;
	int node;
	int container_fd;
	int group_fd;
	int device_fd;
	int request_fd;
	int error_fd;
	bool can_reset;
	uint64_t config_offset;
	uint32_t irq_index;
	struct vfio_bar bars[VFIO_N_BARS];
	struct iova_space iova;
	unsigned int address_bits;	/* that it can emit */
	struct vfio_mapping *mappings;
	uint64_t window_size;
};

/* Read the address ranges of the container and set up @dev->iova. Return: 0 or -errno. */
int vfio_dma_init(struct vfio_device *dev, uint64_t dma_mask, struct why *why);

/* Unmap and free everything. Safe on a half-built device. */
void vfio_dma_done(struct vfio_device *dev);

/* Unmap all BARs. */
void vfio_bars_done(struct vfio_device *dev);

/* Arm the request and error events; the descriptor stays -1 where the device has no such event. */
int vfio_events_init(struct vfio_device *dev);

#endif
