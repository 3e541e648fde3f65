/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which drivers there are, and how an engine is found and opened.
 */
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "engine_driver.h"
#include "fault.h"
#include "macros.h"
#include "pci.h"
#include "vfio.h"

static const struct engine_ops *const drivers[] = {
	&ae4dma_ops,
	&idxd_ops,
	&ioat_ops,
	&lsi53c895a_ops,
	&ptdma_ops,
	&sdxi_ops,
};

const struct engine_ops *engine_find_driver(uint16_t vendor, uint16_t device)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		for (size_t j = 0; j < drivers[i]->n_ids; j++)
			if (drivers[i]->ids[j].vendor == vendor &&
			    drivers[i]->ids[j].device == device)
				return drivers[i];
	return NULL;
}

const struct engine_ops *engine_find_driver_of_class(uint32_t class_code)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (drivers[i]->class_code != 0 && drivers[i]->class_code == class_code)
			return drivers[i];
	return NULL;
}

static void engine_identify(struct engine *e, const char *bdf, const struct pci_facts *facts,
			    const struct vfio_device *dev)
{
	struct engine_identity *id = &e->identity;

	snprintf(id->driver, sizeof(id->driver), "%s", e->ops->name);
	snprintf(id->bdf, sizeof(id->bdf), "%s", bdf);
	id->vendor = facts->vendor;
	id->device = facts->device;
	id->node = vfio_device_node(dev);
	id->group = vfio_device_group(dev);
	id->device_fd = vfio_device_fd(dev);
	e->request_fd = vfio_request_fd(dev);
	e->error_fd = vfio_error_fd(dev);
}

/* On success the engine owns @dev. */
static int engine_open_on(struct vfio_device *dev, const struct engine_ops *ops,
			  struct engine **ret, struct why *why)
{
	_cleanup_(transport_closep) struct transport *t = NULL;
	int r;

	r = transport_new_vfio(dev, &t);
	if (r < 0) {
		vfio_close(dev);
		return why_fail(why, r, "no memory");
	}
	r = ops->open(t, ret, why);
	if (r == 0)
		TAKE_PTR(t);
	return r;
}

int engine_open_pci(const char *bdf, size_t window_size, struct engine **ret, struct why *why)
{
	_cleanup_(vfio_closep) struct vfio_device *dev = NULL;
	const struct vfio_device *borrowed;
	const struct engine_ops *ops = NULL;
	struct pci_facts facts = {};
	uint64_t window_iova = 0;
	struct engine *e;
	int r;

	/* What is wrong with the device itself vfio_open() explains. */
	if (pci_bdf_valid(bdf) && pci_read_facts("/sys", bdf, &facts) == 0) {
		ops = engine_find_driver(facts.vendor, facts.device);
		if (!ops)
			ops = engine_find_driver_of_class(facts.class_code);
		if (!ops)
			return why_fail(why, -EOPNOTSUPP, "%s is a %04x:%04x, and no driver here "
					"knows it", bdf, facts.vendor, facts.device);
	}
	r = vfio_open(bdf, ops ? ops->caps.address_mask : UINT64_MAX, &dev, why);
	if (r < 0)
		return r;
	if (!ops)
		return why_fail(why, -ENODEV, "%s appeared just now", bdf);
	if (window_size > 0) {
		r = vfio_window_reserve(dev, window_size, &window_iova, why);
		if (r < 0)
			return r;
	}
	borrowed = dev;
	r = engine_open_on(TAKE_PTR(dev), ops, &e, why);
	if (r < 0)
		return r;
	engine_identify(e, bdf, &facts, borrowed);
	e->identity.window_iova = window_iova;
	e->identity.window_size = window_size;
	*ret = e;
	return 0;
}

static int engine_open_plain(const char *spec, size_t window_size, struct engine **ret,
			     struct why *why)
{
	if (!strcmp(spec, "soft"))
		return engine_open_soft(ret, why);
	if (pci_bdf_valid(spec))
		return engine_open_pci(spec, window_size, ret, why);
	why_fail(why, -EINVAL, "there is no engine \"%.64s\"", spec);
	return why_remedy(why, -EINVAL, "name a PCI device, as in 0000:00:05.0, or soft");
}

int engine_open(const char *spec, size_t window_size, struct engine **ret, struct why *why)
{
	_cleanup_(engine_closep) struct engine *inner = NULL;
	_cleanup_free_ char *plain = strdup(spec);
	struct fault_config config;
	char *faults;
	int r;

	if (!plain)
		return why_fail(why, -ENOMEM, "no memory");
	faults = strchr(plain, '+');
	if (!faults)
		return engine_open_plain(plain, window_size, ret, why);

	*faults++ = '\0';
	r = fault_parse(faults, &config, why);
	if (r < 0)
		return r;
	r = engine_open_plain(plain, window_size, &inner, why);
	if (r < 0)
		return r;
	r = engine_open_fault(inner, &config, ret, why);
	if (r == 0)
		TAKE_PTR(inner);
	return r;
}
