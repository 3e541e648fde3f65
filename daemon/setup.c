/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "setup.h"

#include <string.h>

#include "macros.h"
#include "request.h"

#define MIB		(1ull << 20)
#define SLOT_ALIGN	(2 * MIB)
#define MAX_WINDOW	(1024 * MIB)

#define MIN_EXTENTS	512
#define MAX_EXTENTS	16384

/* Half of a slot's part of the window: what a batch can hold. */
static uint64_t slot_half(const struct dataplane_config *c)
{
	uint64_t most = ALIGN_DOWN(MAX_WINDOW / (2 * c->n_slots), SLOT_ALIGN);
	uint64_t wanted = ALIGN_UP(MIN(c->policy.max_batch, (uint64_t)MAX_WINDOW), SLOT_ALIGN);

	return MAX(MIN(wanted, most), SLOT_ALIGN);
}

uint64_t setup_window_len(const struct dataplane_config *c)
{
	return 2 * slot_half(c) * c->n_slots;
}

static uint32_t extents_per_slot(const struct dataplane_config *c)
{
	uint64_t folios = slot_half(c) / MAX(c->policy.min_folio, REQUEST_PAGE_SIZE);

	return (uint32_t)MIN(MAX(folios, (uint64_t)MIN_EXTENTS), (uint64_t)MAX_EXTENTS);
}

static uint32_t setup_flags(const struct dataplane_config *c, enum dataplane_verify verify)
{
	uint32_t flags = c->expire_copy ? MIGOFF_SETUP_EXPIRE_COPY : 0;

	if (c->pool_bytes && c->pool_between_owners == DATAPLANE_BETWEEN_KEEP)
		flags |= MIGOFF_SETUP_POOL_SHARED;
	if (verify == DATAPLANE_VERIFY_SAMPLED)
		flags |= MIGOFF_SETUP_VERIFY_SAMPLED;
	if (verify == DATAPLANE_VERIFY_FULL)
		flags |= MIGOFF_SETUP_VERIFY_FULL;
	return flags;
}

struct migoff_setup setup_make(const struct dataplane_config *c, enum dataplane_verify verify)
{
	return (struct migoff_setup){
		.flags = setup_flags(c, verify),
		.n_slots = c->n_slots,
		.n_extents = extents_per_slot(c),
		.deadline_ns = c->deadline_ns,
		.pool_bytes = c->pool_bytes,
		.pool_age_ns = c->pool_bytes ? c->pool_age_ns : 0,
		.n_workers = c->copy_workers,
	};
}

bool setup_same_devices(const struct dataplane_config *a, const struct dataplane_config *b)
{
	if (a->n_devices != b->n_devices || strcmp(a->fault, b->fault) ||
	    setup_window_len(a) != setup_window_len(b))
		return false;
	for (uint32_t i = 0; i < a->n_devices; i++)
		if (strcmp(a->devices[i], b->devices[i]))
			return false;
	return true;
}
