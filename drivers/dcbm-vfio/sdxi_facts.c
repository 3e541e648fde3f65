/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an SDXI function says of itself, and whether it can be believed and used.
 */
#include <errno.h>
#include <string.h>

#include "sdxi.h"

#define MAJOR_VERSION 1

static int refuse(struct why *why, const char *what)
{
	why_fail(why, -ENODEV, "%s", what);
	return why_remedy(why, -ENODEV, "use another engine: this one is broken, or off in the "
			  "firmware");
}

static int open_bars(struct transport *t, uint64_t *ret_doorbells, struct why *why)
{
	uint64_t registers = 0;
	int r;

	r = t->ops->bar_open(t, SDXI_BAR, &registers);
	if (r == 0)
		r = t->ops->bar_open(t, SDXI_DOORBELL_BAR, ret_doorbells);
	if (r < 0) {
		why_fail(why, r, "its registers cannot be reached: %s", strerror(-r));
		return why_remedy(why, r, "use another engine: this one is broken, or off in the "
				  "firmware");
	}
	if (registers < SDXI_BAR_MIN)
		return refuse(why, "its registers are not those of SDXI");
	return 0;
}

static int read_version(struct transport *t, struct sdxi_facts *f, struct why *why)
{
	uint64_t version = transport_read64(t, SDXI_BAR, SDXI_VERSION);

	if (version == UINT64_MAX)
		return refuse(why, "it is gone: its registers read all ones");
	f->major = SDXI_VERSION_MAJOR(version);
	f->minor = SDXI_VERSION_MINOR(version);
	if (f->major != MAJOR_VERSION) {
		why_fail(why, -EOPNOTSUPP, "it is of SDXI version %u.%u", f->major, f->minor);
		return why_remedy(why, -EOPNOTSUPP, "use an engine of version %d", MAJOR_VERSION);
	}
	return 0;
}

int sdxi_read_facts(struct transport *t, struct sdxi_facts *ret, struct why *why)
{
	uint64_t doorbells = 0, cap0, cap1;
	struct sdxi_facts f = {};
	int r;

	r = open_bars(t, &doorbells, why);
	if (r == 0)
		r = read_version(t, &f, why);
	if (r < 0)
		return r;
	cap0 = transport_read64(t, SDXI_BAR, SDXI_CAP0);
	cap1 = transport_read64(t, SDXI_BAR, SDXI_CAP1);
	if (cap0 == UINT64_MAX || cap1 == UINT64_MAX)
		return refuse(why, "its capabilities read all ones");
	f.stride = SDXI_CAP0_STRIDE(cap0);
	f.operations = SDXI_CAP1_OPERATIONS(cap1);
	if (SDXI_CAP1_MAX_BUFFER(cap1) > SDXI_MAX_BUFFER_MOST) {
		why_fail(why, -ENODEV, "it claims to copy 2^%u bytes at once",
			 SDXI_MAX_BUFFER_LOG2 + SDXI_CAP1_MAX_BUFFER(cap1));
		return why_remedy(why, -ENODEV, "use another engine: this one is broken");
	}
	if (f.operations == 0)
		return refuse(why, "it claims not to be able to do anything");
	if (SDXI_CAP1_MAX_CONTEXT(cap1) < SDXI_CLIENT) {
		why_fail(why, -EOPNOTSUPP, "it has no context beside the administrative one");
		return why_remedy(why, -EOPNOTSUPP, "if it is a virtual function, have its "
				  "physical one give it contexts; or use another engine");
	}
	if (doorbells / f.stride <= SDXI_CLIENT)
		return refuse(why, "it claims to have doorbells outside of its registers");
	*ret = f;
	return 0;
}
