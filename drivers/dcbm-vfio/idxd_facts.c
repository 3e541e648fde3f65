/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a DSA device says of itself, and whether it can be believed and used.
 */
#include <errno.h>
#include <string.h>

#include "idxd.h"

/* Less than a page at once is no engine. */
#define MAX_XFER_LOG2_MIN 12
#define MAJOR_VERSION_MAX 3

static int refuse(struct why *why, const char *what)
{
	why_fail(why, -ENODEV, "%s", what);
	return why_remedy(why, -ENODEV, "use another engine: this one is broken, or off in the "
			  "firmware");
}

static int read_bars(struct transport *t, uint64_t *ret_size, struct why *why)
{
	uint64_t portals;
	int r;

	r = t->ops->bar_open(t, IDXD_BAR, ret_size);
	if (r == 0)
		r = t->ops->bar_open(t, IDXD_PORTAL_BAR, &portals);
	if (r < 0) {
		why_fail(why, r, "its registers cannot be reached: %s", strerror(-r));
		return why_remedy(why, r, "use another engine: this one is broken, or off in the "
				  "firmware");
	}
	if (*ret_size < IDXD_BAR_MIN || portals < IDXD_PORTAL_SIZE)
		return refuse(why, "its registers are not those of a DSA");
	r = t->ops->can_post64(t, IDXD_PORTAL_BAR);
	if (r < 0) {
		why_fail(why, r, "the processor has no MOVDIR64B, without which a DSA takes no "
			 "work");
		return why_remedy(why, r, "use another engine; in a virtual machine, give it a "
				  "processor with movdir64b");
	}
	return 0;
}

static int check_version(struct transport *t, uint32_t *ret, struct why *why)
{
	uint32_t version = transport_read32(t, IDXD_BAR, IDXD_VERSION);

	if (version == UINT32_MAX)
		return refuse(why, "it is gone: its registers read all ones");
	if (version >> 8 < 1 || version >> 8 > MAJOR_VERSION_MAX) {
		why_fail(why, -EOPNOTSUPP, "it is of DSA version %#x", version);
		return why_remedy(why, -EOPNOTSUPP, "use an engine of version 1 to %d",
				  MAJOR_VERSION_MAX);
	}
	*ret = version;
	return 0;
}

static int check_operations(struct transport *t, struct why *why)
{
	uint64_t operations = transport_read64(t, IDXD_BAR, IDXD_OPCAP);

	if (!(operations & 1u << IDXD_OP_MOVE))
		return refuse(why, "it claims not to be able to copy");
	return 0;
}

/* The tables are where it says they are, and inside of its registers. */
static int read_offsets(struct transport *t, uint64_t bar_size, struct idxd_facts *f,
			struct why *why)
{
	uint64_t offsets = transport_read64(t, IDXD_BAR, IDXD_OFFSETS);

	f->groups = IDXD_OFFSETS_GROUPS(offsets);
	f->queues = IDXD_OFFSETS_QUEUES(offsets);
	f->msix = IDXD_OFFSETS_MSIX(offsets);
	if (f->groups < IDXD_BAR_MIN || f->queues < IDXD_BAR_MIN || f->msix < IDXD_BAR_MIN ||
	    f->groups + f->n_groups * IDXD_GROUP_STRIDE > bar_size ||
	    f->queues + f->n_queues * f->queue_stride > bar_size ||
	    f->msix + 2 * IDXD_MSIX_STRIDE > bar_size)
		return refuse(why, "it claims to have tables outside of its registers");
	return 0;
}

/* What firmware has set up for good. */
static int read_fixed(struct transport *t, struct idxd_facts *f, struct why *why)
{
	uint32_t size = transport_read32(t, IDXD_BAR, f->queues + IDXD_QUEUE_SIZE);
	uint32_t mode = transport_read32(t, IDXD_BAR, f->queues + IDXD_QUEUE_MODE);
	uint32_t limits = transport_read32(t, IDXD_BAR, f->queues + IDXD_QUEUE_LIMITS);
	uint64_t members = transport_read64(t, IDXD_BAR, f->groups + IDXD_GROUP_QUEUES);
	uint64_t engines = transport_read64(t, IDXD_BAR, f->groups + IDXD_GROUP_ENGINES);

	if (!(mode & IDXD_QUEUE_DEDICATED) || !(members & 1) || engines == 0) {
		why_fail(why, -EOPNOTSUPP, "its set-up is fixed, and its first queue is not a "
			 "dedicated one with an engine");
		return why_remedy(why, -EOPNOTSUPP, "let the firmware set it up so, or leave it "
				  "open");
	}
	f->queue_size = size & 0xffff;
	f->n_engines = (unsigned int)__builtin_popcountll(engines);
	f->max_xfer_log2 = IDXD_QUEUE_MAX_XFER_OF(limits);
	f->max_batch_log2 = IDXD_QUEUE_MAX_BATCH_OF(limits);
	return 0;
}

static int check_limits(const struct idxd_facts *f, struct why *why)
{
	if (f->queue_size == 0)
		return refuse(why, "it claims to have a queue of 0 entries");
	if (f->max_xfer_log2 < MAX_XFER_LOG2_MIN) {
		why_fail(why, -ENODEV, "it claims to copy no more than %u bytes at once",
			 1u << f->max_xfer_log2);
		return why_remedy(why, -ENODEV, "use another engine: this one is broken");
	}
	return 0;
}

int idxd_read_facts(struct transport *t, struct idxd_facts *ret, struct why *why)
{
	uint64_t bar_size = 0, gencap, wqcap, grpcap, engcap;
	struct idxd_facts f = {};
	int r;

	r = read_bars(t, &bar_size, why);
	if (r == 0)
		r = check_version(t, &f.version, why);
	if (r == 0)
		r = check_operations(t, why);
	if (r < 0)
		return r;
	gencap = transport_read64(t, IDXD_BAR, IDXD_GENCAP);
	wqcap = transport_read64(t, IDXD_BAR, IDXD_WQCAP);
	grpcap = transport_read64(t, IDXD_BAR, IDXD_GRPCAP);
	engcap = transport_read64(t, IDXD_BAR, IDXD_ENGCAP);
	if (gencap == UINT64_MAX || wqcap == UINT64_MAX || grpcap == UINT64_MAX ||
	    engcap == UINT64_MAX)
		return refuse(why, "its capabilities read all ones");
	f.configurable = gencap & IDXD_GENCAP_CONFIGURABLE;
	f.max_xfer_log2 = IDXD_GENCAP_MAX_XFER(gencap);
	f.max_batch_log2 = IDXD_GENCAP_MAX_BATCH(gencap);
	f.handles = gencap & IDXD_GENCAP_CMDCAP &&
		    transport_read32(t, IDXD_BAR, IDXD_CMDCAP) & 1u << IDXD_CMD_REQUEST_HANDLE;
	f.queue_size = IDXD_WQCAP_ENTRIES(wqcap);
	f.n_queues = IDXD_WQCAP_QUEUES(wqcap);
	f.queue_stride = IDXD_WQCAP_STRIDE(wqcap);
	f.operations = wqcap & IDXD_WQCAP_OP_CONFIG && f.queue_stride > IDXD_QUEUE_OPERATIONS;
	f.n_groups = IDXD_GRPCAP_GROUPS(grpcap);
	f.n_engines = IDXD_ENGCAP_ENGINES(engcap);
	if (f.n_queues == 0 || f.n_groups == 0 || f.n_engines == 0 ||
	    f.n_engines > IDXD_ENGINES_MAX || !(wqcap & IDXD_WQCAP_DEDICATED))
		return refuse(why, "it claims to have no dedicated queue with an engine");
	r = read_offsets(t, bar_size, &f, why);
	if (r == 0 && !f.configurable)
		r = read_fixed(t, &f, why);
	if (r == 0)
		r = check_limits(&f, why);
	if (r == 0)
		*ret = f;
	return r;
}
