/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>

#include "clock.h"
#include "macros.h"

/* Each copy; a multiple of what any engine wants addresses and lengths to be multiples of. */
#define PROBE_LEN 4096u
#define PROBE_MAX_COPIES 64u

/* Until it may have something to say; an engine without an event is asked each millisecond. */
static void probe_sleep(struct engine *e)
{
	struct pollfd event = { .fd = engine_event_fd(e), .events = POLLIN };
	uint64_t now_ns = clock_now_ns(), deadline_ns = engine_deadline(e);
	int ms = 1;

	if (event.fd >= 0 && deadline_ns > now_ns)
		ms = (int)MIN((deadline_ns - now_ns) / NSEC_PER_MSEC + 1, (uint64_t)1000);
	poll(&event, event.fd >= 0, ms);
}

static int probe_collect(struct engine *e, uint32_t n_copies, struct why *why)
{
	struct engine_result result;
	int n;

	for (uint32_t i = 0; i < n_copies; i++) {
		while ((n = engine_completed(e, &result, 1)) == 0)
			probe_sleep(e);
		if (n < 0)
			return why_fail(why, n, "%s", engine_reason(e));
		if (result.status != ENGINE_COPIED)
			return why_fail(why, -EIO, "%s", engine_status_name(result.status));
	}
	return 0;
}

static int probe_copy(struct engine *e, const struct dma_area *area, uint32_t n_copies,
		      struct why *why)
{
	uint64_t half = area->size / 2, index;
	int r = 0;

	for (uint32_t i = 0; i < n_copies && r >= 0; i++)
		r = engine_enqueue(e, area->iova + i * PROBE_LEN, area->iova + half + i * PROBE_LEN,
				   PROBE_LEN, &index);
	if (r >= 0)
		r = engine_submit(e);
	if (r < 0)
		return why_fail(why, r, "it was not taken: %s", strerror(-r));
	return probe_collect(e, n_copies, why);
}

/* No two pages of it are the same, and none is as the other half is before. */
static void probe_fill(const struct dma_area *area)
{
	uint8_t *src = area->va, *dst = src + area->size / 2;

	for (size_t i = 0; i < area->size / 2; i++) {
		src[i] = (uint8_t)(i * 31 + i / PROBE_LEN * 7 + 1);
		dst[i] = (uint8_t)~src[i];
	}
}

static void probe_clear(struct engine *e)
{
	struct engine_result result;

	engine_stop(e);
	while (engine_completed(e, &result, 1) > 0)
		;
}

int probe_engine(struct engine *e, struct why *why)
{
	const struct engine_caps *caps = engine_caps(e);
	uint32_t n_copies = MIN(caps->n_channels, caps->ring_size);
	struct dma_area area = {};
	int r;

	n_copies = MIN(n_copies, PROBE_MAX_COPIES);
	r = engine_dma_alloc(e, 2 * n_copies * PROBE_LEN, &area, why);
	if (r >= 0) {
		probe_fill(&area);
		r = probe_copy(e, &area, n_copies, why);
		if (r >= 0 && memcmp(area.va, (char *)area.va + area.size / 2, n_copies * PROBE_LEN))
			r = why_fail(why, -EIO, "it was not made");
	}
	if (r < 0)
		probe_clear(e);
	/* Only now that no engine writes there. */
	engine_dma_free(e, &area);
	return r;
}
