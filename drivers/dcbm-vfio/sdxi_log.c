/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The error log of an SDXI function: which descriptors failed and why, and what came to a stop
 * for it.
 *
 * A completion says no more than that something failed. The log is a ring of entries in our
 * memory; a register counts those that were written.
 */
#include "sdxi.h"

#include <errno.h>
#include <string.h>

static enum engine_status sdxi_meaning(uint32_t opcode, uint16_t flags)
{
	switch (SDXI_LOG_STEP(opcode)) {
	case SDXI_STEP_BUFFER:
		if (!(flags & SDXI_LOG_HAS_BUFFER))
			return ENGINE_DEVICE_ERROR;
		return SDXI_LOG_BUFFER(flags) == SDXI_BUFFER_DESTINATION ? ENGINE_WRITE_ERROR :
			ENGINE_READ_ERROR;
	case SDXI_STEP_DESCRIPTOR:
	case SDXI_STEP_AKEY:
	case SDXI_STEP_RKEY:
		return ENGINE_REFUSED;
	default:
		return ENGINE_DEVICE_ERROR;
	}
}

/* Let in the next entry. What it says of a descriptor is believed if that is in flight. */
static int sdxi_take_entry(struct engine *e, enum engine_status *ret)
{
	struct sdxi *sdxi = to_sdxi(e);
	struct sdxi_log_entry *entry = &sdxi->life->log[sdxi->log_read++ % SDXI_LOG_ENTRIES];
	uint32_t opcode = le32toh(__atomic_load_n(&entry->opcode, __ATOMIC_ACQUIRE));
	uint16_t flags = le16toh(entry->flags);
	uint16_t context = le16toh(entry->context);
	uint64_t index = le64toh(entry->index);
	struct sdxi_slot *slot = &sdxi->slots[index % SDXI_RING];

	if (!(opcode & SDXI_LOG_VALID) || SDXI_LOG_TYPE(opcode) != SDXI_LOG_TYPE_ERROR)
		return engine_complain(e, -EIO, "the error log has an entry of no meaning");
	/* The place is used again. */
	memset(entry, 0, sizeof(*entry));
	*ret = sdxi_meaning(opcode, flags);
	if (!(flags & SDXI_LOG_HAS_INDEX) || !(flags & SDXI_LOG_HAS_CONTEXT) ||
	    context != SDXI_CLIENT)
		return 0;
	if (index - sdxi->oldest >= sdxi->rung - sdxi->oldest)
		return engine_complain(e, -EIO, "the error log blames what was not given");
	if (slot->place == SDXI_PLACE_COPY || slot->place == SDXI_PLACE_FAILED)
		slot->blame = *ret;
	return 0;
}

/* Whether our context, or the function with all of them, goes on. */
static int sdxi_check_going(struct engine *e, enum engine_status last)
{
	static const char *const stops[_ENGINE_STATUS_MAX] = {
		[ENGINE_COPIED] = "its context stopped, for no reason that was given",
		[ENGINE_READ_ERROR] = "its context stopped: it could not read a source",
		[ENGINE_WRITE_ERROR] = "its context stopped: it could not write a destination",
		[ENGINE_REFUSED] = "its context stopped: it refused a descriptor",
		[ENGINE_DEVICE_ERROR] = "its context stopped: it could not go on",
	};
	struct sdxi *sdxi = to_sdxi(e);
	uint64_t status = sdxi_read(sdxi, SDXI_STS0);

	if (status == UINT64_MAX)
		return engine_complain(e, -EIO, "the device is gone: its registers read all ones");
	if ((status & SDXI_STS0_STATE) == SDXI_STATE_ERROR)
		return engine_complain(e, -EIO, "the device halted: its function is in error");
	if ((status & SDXI_STS0_STATE) != SDXI_STATE_ACTIVE)
		return engine_complain(e, -EIO, "the device switched itself off");
	if (sdxi_context_state(&sdxi->life->client) != SDXI_CONTEXT_RUNNING)
		return engine_complain(e, -EIO, stops[last]);
	return 0;
}

int sdxi_read_log(struct engine *e)
{
	struct sdxi *sdxi = to_sdxi(e);
	enum engine_status last = ENGINE_COPIED;
	uint64_t status = sdxi_read(sdxi, SDXI_ERR_STS);
	uint64_t n = 0;
	int r = 0;

	if (status == UINT64_MAX)
		return sdxi_check_going(e, last);
	/* Before they are counted: for those that come later it is set again. */
	if (status & SDXI_ERR_STS_ALL)
		sdxi_write(sdxi, SDXI_ERR_STS, status & SDXI_ERR_STS_ALL);
	n = sdxi_read(sdxi, SDXI_ERR_WRT) - sdxi->log_read;
	if (status & SDXI_ERR_STS_FAILED)
		return engine_complain(e, -EIO, "the device failed, and could not write of what");
	if (status & SDXI_ERR_STS_OVERFLOW || n > SDXI_LOG_ENTRIES)
		return engine_complain(e, -EIO, "there were more errors than the log has room for");
	for (; r == 0 && n > 0; n--)
		r = sdxi_take_entry(e, &last);
	if (r < 0)
		return r;
	sdxi_write(sdxi, SDXI_ERR_RD, sdxi->log_read);
	return sdxi_check_going(e, last);
}
