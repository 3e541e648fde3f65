/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "cleanup.h"

struct hook {
	int fd;
	struct hook_limits limits;
	uint8_t *areas;		/* n_slots of them, area_len each; read-only */
	size_t area_len;
};

static int bdf_parse(const char *bdf, struct migoff_device *ret)
{
	unsigned int segment, bus, dev, fn;

	if (sscanf(bdf, "%x:%x:%x.%x", &segment, &bus, &dev, &fn) != 4)
		return -EINVAL;
	if (segment > UINT16_MAX || bus > UINT8_MAX || dev > 31 || fn > 7)
		return -EINVAL;
	ret->segment = (uint16_t)segment;
	ret->bus = (uint8_t)bus;
	ret->devfn = (uint8_t)(dev << 3 | fn);
	return 0;
}

bool hook_accepts(const struct engine_identity *identity, struct why *why)
{
	struct migoff_device device;

	if (identity->device_fd >= 0 && bdf_parse(identity->bdf, &device) == 0)
		return true;
	why_fail(why, 0, "%s has no VFIO device, so that the hook cannot map memory for it",
		 identity->driver);
	return false;
}

void hook_add_device(struct migoff_setup *setup, const struct engine_identity *identity)
{
	struct migoff_device *device = &setup->devices[setup->n_devices++];

	device->fd = identity->device_fd;
	bdf_parse(identity->bdf, device);
	setup->window_iova = identity->window_iova;
	setup->window_len = identity->window_size;
}

struct hook *hook_close(struct hook *h)
{
	if (!h)
		return NULL;
	/* A mapping holds the file as a descriptor does: both go, or the kernel does not release it. */
	if (h->areas)
		munmap(h->areas, h->area_len * h->limits.n_slots);
	fd_close(h->fd);
	free(h);
	return NULL;
}

static void hook_closep(struct hook **h)
{
	*h = hook_close(*h);
}

static int explain_open(struct why *why, const char *path, int error)
{
	switch (error) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		why_fail(why, error, "%s does not exist: the module migoff is not loaded", path);
		return why_remedy(why, error, "modprobe migoff");
	case -EBUSY:
		why_fail(why, error, "%s is in use by another process", path);
		return why_remedy(why, error, "stop what uses it: fuser -v %s", path);
	case -EACCES:
	case -EPERM:
		why_fail(why, error, "no permission to open %s", path);
		return why_remedy(why, error, "hand it to this user alone: chown USER %s", path);
	default:
		return why_fail(why, error, "cannot open %s: %s", path, strerror(-error));
	}
}

static int explain_setup(struct why *why, const struct migoff_setup *setup, int error)
{
	switch (error) {
	case -EPROTONOSUPPORT:
		why_fail(why, error, "the module speaks version %u of the interface, this program %u",
			 setup->abi, MIGOFF_ABI_VERSION);
		return why_remedy(why, error, "install module and daemon of the same release");
	case -ERANGE:
	case -EADDRINUSE:
		why_fail(why, error, error == -ERANGE ?
			 "the IOMMU of an engine does not reach 0x%llx to 0x%llx, where the batches are to be" :
			 "the IOMMU of an engine uses a part of 0x%llx to 0x%llx, where the batches are to be",
			 (unsigned long long)setup->window_iova,
			 (unsigned long long)(setup->window_iova + setup->window_len - 1));
		return why_remedy(why, error, "make that smaller: lower max-batch= or max-batches=");
	case -ENXIO:
		why_fail(why, error, "the module cannot use the IOMMU of an engine: it is not VFIO's, has no "
			 "pages of 4 KiB, or its engine does not keep caches coherent");
		return why_remedy(why, error, "take devices out of devices= until it can");
	case -EPERM:
		why_fail(why, error, "the module finds that a VFIO device is not of vfio-pci itself");
		return why_remedy(why, error, "bind the devices to vfio-pci, not to a variant of it");
	case -EINVAL:
		return why_fail(why, error,
				"the module refuses the devices or their window (%u devices, "
				"window 0x%llx + 0x%llx)",
				setup->n_devices, (unsigned long long)setup->window_iova,
				(unsigned long long)setup->window_len);
	default:
		return why_fail(why, error, "the module cannot be set up: %s", strerror(-error));
	}
}

/* The module maps one slot's area at a time; they lie side by side here. */
static int map_areas(struct hook *h)
{
	uint32_t n = h->limits.n_slots;
	uint8_t *areas;

	areas = mmap(NULL, h->area_len * n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (areas == MAP_FAILED)
		return -errno;
	h->areas = areas;
	for (uint32_t i = 0; i < n; i++)
		if (mmap(areas + i * h->area_len, h->area_len, PROT_READ, MAP_SHARED | MAP_FIXED,
			 h->fd, (off_t)(i * h->area_len)) == MAP_FAILED)
			return -errno;
	return 0;
}

int hook_open(const char *path, struct migoff_setup *setup, struct hook **ret, struct why *why)
{
	_cleanup_(hook_closep) struct hook *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return why_fail(why, -ENOMEM, "out of memory");
	h->fd = open(path, O_RDWR | O_CLOEXEC);
	if (h->fd < 0)
		return explain_open(why, path, -errno);
	setup->size = sizeof(*setup);
	setup->abi = MIGOFF_ABI_VERSION;
	if (ioctl(h->fd, MIGOFF_IOC_SETUP, setup) < 0)
		return explain_setup(why, setup, -errno);
	h->limits = (struct hook_limits){
		.n_slots = setup->n_slots,
		.n_extents = setup->n_extents,
		.max_batch = setup->ret_max_batch,
	};
	h->area_len = setup->ret_area_len;
	r = map_areas(h);
	if (r < 0)
		return why_fail(why, r, "the module's batch areas cannot be mapped: %s",
				strerror(-r));
	*ret = TAKE_PTR(h);
	return 0;
}

const struct hook_limits *hook_limits(const struct hook *h)
{
	return &h->limits;
}

const struct migoff_batch_info *hook_batch(const struct hook *h, uint32_t slot)
{
	return (const struct migoff_batch_info *)(h->areas + slot * h->area_len);
}

const struct migoff_extent *hook_extents(const struct hook *h, uint32_t slot)
{
	return (const struct migoff_extent *)(hook_batch(h, slot) + 1);
}

static void hook_command(struct hook *h, struct loop *loop, struct loop_op *op, uint32_t command,
			 const void *arg)
{
	struct migoff_cmd cmd = { .arg = (uintptr_t)arg };

	loop_arm_command(loop, op, h->fd, command, &cmd, sizeof(cmd));
}

void hook_prepare(struct hook *h, struct loop *loop, struct loop_op *op,
		  const struct migoff_prepare *arg)
{
	hook_command(h, loop, op, MIGOFF_CMD_PREPARE, arg);
}

void hook_finish(struct hook *h, struct loop *loop, struct loop_op *op, uint32_t command,
		 const struct migoff_finish *arg)
{
	hook_command(h, loop, op, command, arg);
}
