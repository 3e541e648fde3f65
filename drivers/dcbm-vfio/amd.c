/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "amd.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "patience.h"

/* Nobody has published how long that takes. Without DMA no copy does, however long it is. */
#define REST_NS (400 * NSEC_PER_MSEC)

const char amd_gone[] = "the device is gone: its registers read all ones";
const char amd_not_given[] = "the device completed what it was not given";

static int amd_try_rest(struct engine *e, const struct amd_queues *queues)
{
	struct patience patience = patience_for(REST_NS);
	int r, r_master;

	r = queues->let_stop(e);
	/* In this order, or a queue would try to go on, and fail. */
	r_master = e->transport->ops->bus_master(e->transport, false);
	if (r < 0)
		return engine_complain(e, r, amd_gone);
	if (r_master < 0)
		return r_master;
	while (!queues->at_rest(e))
		if (!patience_left(&patience))
			return engine_complain(e, -EIO, "a queue never comes to rest");
	return 0;
}

int amd_come_to_rest(struct engine *e, const struct amd_queues *queues)
{
	int r;

	r = amd_try_rest(e, queues);
	if (r == 0 || r == -ENODEV)
		return r;
	/* If it is let do DMA again, what it hangs in would go on. */
	if (e->transport->ops->reset(e->transport) == 0)
		return amd_try_rest(e, queues);
	return queues->have_nothing(e) ? 0 : r;
}

int amd_reset(struct engine *e)
{
	int r = e->transport->ops->reset(e->transport);

	return r == -EOPNOTSUPP ? 0 : r;
}

int amd_open_bar(struct transport *t, unsigned int bar, uint64_t size, const char *name,
		 struct why *why)
{
	uint64_t bar_size = 0;
	int r;

	r = t->ops->bar_open(t, bar, &bar_size);
	if (r < 0)
		why_fail(why, r, "its registers cannot be reached: %s", strerror(-r));
	else if (bar_size < size)
		r = why_fail(why, -ENODEV, "its registers are not those of %s", name);
	return r < 0 ? amd_refuse(why, r) : 0;
}

int amd_refuse(struct why *why, int error)
{
	return why_remedy(why, error, "reset the device (echo 1 > .../reset in sysfs), or the "
			  "computer; if it stays so, use another engine: this one is broken, or off "
			  "in the firmware");
}
