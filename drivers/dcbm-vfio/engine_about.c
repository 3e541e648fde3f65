/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an engine tells of itself, and the memory that it lends.
 */
#include "engine_driver.h"

#define stat_get(stat) __atomic_load_n(&(stat), __ATOMIC_RELAXED)

int engine_event_fd(const struct engine *e)
{
	return e->event_fd;
}

int engine_request_fd(const struct engine *e)
{
	return e->request_fd;
}

int engine_error_fd(const struct engine *e)
{
	return e->error_fd;
}

int engine_dma_alloc(struct engine *e, size_t size, struct dma_area *ret, struct why *why)
{
	if (e->ops->dma_alloc)
		return e->ops->dma_alloc(e, size, ret, why);
	return e->transport->ops->dma_alloc(e->transport, size, ret, why);
}

void engine_dma_free(struct engine *e, struct dma_area *area)
{
	if (e->ops->dma_free)
		e->ops->dma_free(e, area);
	else
		e->transport->ops->dma_free(e->transport, area);
}

const struct engine_caps *engine_caps(const struct engine *e)
{
	return &e->caps;
}

const struct engine_identity *engine_identity(const struct engine *e)
{
	return &e->identity;
}

enum engine_state engine_state(const struct engine *e)
{
	return __atomic_load_n(&e->state, __ATOMIC_ACQUIRE);
}

const char *engine_reason(const struct engine *e)
{
	return __atomic_load_n(&e->reason, __ATOMIC_ACQUIRE);
}

void engine_stats(const struct engine *e, struct engine_stats *ret)
{
	*ret = (struct engine_stats) {
		.items = stat_get(e->stats.items),
		.bytes = stat_get(e->stats.bytes),
		.descriptors = stat_get(e->stats.descriptors),
		.submits = stat_get(e->stats.submits),
		.errors = stat_get(e->stats.errors),
		.cancelled = stat_get(e->stats.cancelled),
		.timeouts = stat_get(e->stats.timeouts),
		.recoveries = stat_get(e->stats.recoveries),
		.busy_ns = stat_get(e->stats.busy_ns),
	};
}

const char *engine_status_name(enum engine_status status)
{
	static const char *const names[_ENGINE_STATUS_MAX] = {
		[ENGINE_COPIED] = "copied",
		[ENGINE_CANCELLED] = "cancelled",
		[ENGINE_READ_ERROR] = "read error",
		[ENGINE_WRITE_ERROR] = "write error",
		[ENGINE_REFUSED] = "refused",
		[ENGINE_DEVICE_ERROR] = "device error",
		[ENGINE_TIMED_OUT] = "timed out",
	};

	return names[status];
}

const char *engine_state_name(enum engine_state state)
{
	static const char *const names[] = {
		[ENGINE_STOPPED] = "stopped",
		[ENGINE_RUNNING] = "running",
		[ENGINE_FAILED] = "failed",
	};

	return names[state];
}
