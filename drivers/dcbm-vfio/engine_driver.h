/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of a copy engine, for whoever writes a driver for one.
 *
 * A driver knows registers and descriptors and nothing else. Its only caller is engine.c, which
 * checks arguments, splits items into descriptors, keeps those in flight within the ring, counts,
 * and holds the deadlines. A driver embeds struct engine, exports one struct engine_ops, and stands
 * in the list in engine_open.c if it is found by PCI id.
 */
#ifndef MIGOFF_DCBM_ENGINE_DRIVER_H
#define MIGOFF_DCBM_ENGINE_DRIVER_H

#include "engine.h"
#include "transport.h"

struct engine_id {
	uint16_t vendor;
	uint16_t device;
};

/**
 * struct engine_ops - A driver.
 * @name: what it is called in status, logs and configuration.
 * @ids: the PCI ids that it knows.
 * @n_ids: how many.
 * @class_code: the PCI class, all of it, whose devices it knows whatever their id; 0 for none.
 * @caps: what every such engine can do; @open may narrow it for the device at hand.
 */
struct engine_ops {
	const char *name;
	const struct engine_id *ids;
	size_t n_ids;
	uint32_t class_code;
	struct engine_caps caps;

	/**
	 * @open: Allocate the driver's state; look at the device, do not start it.
	 *
	 * Bus mastership is off. On success the driver owns the transport, and has set
	 * engine.event_fd if it has one already. NULL for engines that are not found by PCI id.
	 *
	 * Guarantees: on failure the transport is as before.
	 */
	int (*open)(struct transport *t, struct engine **ret, struct why *why);

	/**
	 * @start: Reset the engine with bus mastership off, prepare it, then bus mastership on.
	 *
	 * Guarantees: a descriptor of an earlier life is neither executed nor reported; on failure
	 * bus mastership is off.
	 */
	int (*start)(struct engine *e);

	/**
	 * @stop: Bring the engine to rest and forget all descriptors. Called in any state.
	 *
	 * Guarantees: on return, even with an error, no DMA is under way and none can begin; no
	 * descriptor given before is reported any more.
	 */
	int (*stop)(struct engine *e);

	/**
	 * @reset: What recovery needs beyond stop and start; may be NULL. The engine is at rest.
	 */
	int (*reset)(struct engine *e);

	/**
	 * @queue: Write @n descriptors, for a copy each, of caps.max_len at most: they are parts of
	 * the items @item, @item + 1, and so on. They fit: no more than caps.ring_size are in flight,
	 * counted from the oldest item that is not reported. If engine.poison, write the one that it
	 * is so that the device must refuse it.
	 *
	 * Guarantees: the device does not see them before @flush.
	 */
	void (*queue)(struct engine *e, const struct engine_copy *copies, uint32_t n, uint64_t item);

	/**
	 * @flush: Let the device see all descriptors queued; at most one doorbell. Does not wait.
	 */
	int (*flush)(struct engine *e);

	/**
	 * @reap: Call engine_oldest_done(), if caps.in_order, or else engine_desc_done(), for
	 * descriptors that have finished, and clear the event. Does not wait.
	 *
	 * Guarantees: if more finishes after the call, engine.event_fd becomes readable, at the
	 * latest when all is finished that was flushed at once; unless engine.events is off.
	 *
	 * Return: 0, or a negative errno when the device has halted: it is stopped next.
	 */
	int (*reap)(struct engine *e);

	/**
	 * @dma_alloc: As engine_dma_alloc(); NULL to let the transport do it.
	 * @dma_free: As engine_dma_free(); likewise.
	 */
	int (*dma_alloc)(struct engine *e, size_t size, struct dma_area *ret, struct why *why);
	void (*dma_free)(struct engine *e, struct dma_area *area);

	/**
	 * @close: Free the driver's state, its memory, and the transport. The engine is at rest.
	 */
	void (*close)(struct engine *e);
};

/**
 * struct engine_desc - A descriptor, for drivers that keep them for later.
 * @copy: what to do.
 * @poison: do something that the device must refuse, instead.
 */
struct engine_desc {
	struct engine_copy copy;
	bool poison;
};

/*
 * What sets an item apart that is not reported yet; all zero for most. @n_more descriptors besides one
 * have not ended; one that has went wrong with @status. It has @ended, but one before it has not.
 */
struct engine_item {
	uint32_t n_more;
	enum engine_status status;
	bool ended;
};

/* Items [@first, @first + @n) that ended alike, at once, and are not reported yet. */
struct engine_run {
	uint64_t first;
	uint32_t n;
	enum engine_status status;
};

/**
 * struct engine - The part that all drivers have; embedded in theirs.
 * @ops: the driver.
 * @caps: set by engine_init(), narrowed by the driver.
 * @identity: filled by whoever opens.
 * @transport: below the driver; NULL if there is none.
 * @event_fd: see engine_event_fd(); -1 if there is none. So are the next two.
 * @request_fd: see engine_request_fd().
 * @error_fd: see engine_error_fd().
 * @events: see engine_set_events().
 *
 * @poison: see @queue.
 *
 * What follows belongs to engine.c. Counters run freely: [item_head, item_tail) are the items not
 * yet reported, those below items_submitted were submitted, and in order those below item_oldest have
 * ended; they are found at their remainder by @mask, a power of two less 1; they have @n_extra descriptors more than if each had one. Of the
 * descs_queued descriptors descs_submitted were submitted and descs_done are done; the same goes for
 * bytes. [done_head, done_tail) of the ring @done are runs of finished items in the order in which
 * they finished. An item is @plain if its addresses and its length have no bit of @odd, and the engine
 * has no rule for congruence. @state, @reason and @stats are written by the owner and read by anyone.
 */
struct engine {
	const struct engine_ops *ops;
	struct engine_caps caps;
	struct engine_identity identity;
	struct transport *transport;
	int event_fd;
	int request_fd;
	int error_fd;
	bool events;
	bool poison;

	enum engine_state state;
	const char *reason;
	const char *complaint;
	int error;
	struct engine_stats stats;
	struct engine_item *items;
	uint64_t *bytes_before;
	struct engine_run *done;
	uint64_t mask;
	uint64_t odd;
	bool plain;
	bool progress;
	uint32_t n_extra;
	uint64_t item_head, item_oldest, items_submitted, item_tail;
	uint64_t descs_done, descs_submitted, descs_queued;
	uint64_t bytes_finished, bytes_submitted, bytes_taken;
	uint64_t done_head, done_tail;
	uint64_t timeout_ns;
	uint64_t deadline_ns;
	uint64_t busy_since_ns;
};

/**
 * engine_init() - Set up the common part; first thing in a driver's open.
 * @e: zeroed.
 * @ops: the driver.
 * @caps: what this engine can do; max_item is derived.
 *
 * Return: 0 or -ENOMEM.
 */
int engine_init(struct engine *e, const struct engine_ops *ops, const struct engine_caps *caps);

/**
 * engine_done() - Free what engine_init() allocated; last thing in a driver's close.
 * @e: the engine; all zero is allowed.
 */
void engine_done(struct engine *e);

/**
 * engine_desc_done() - Report a descriptor, from within ops.reap.
 * @e: the engine, unless caps.in_order.
 * @item: the item that it is a part of.
 * @status: what became of it.
 *
 * It is submitted, and not reported before.
 */
void engine_desc_done(struct engine *e, uint64_t item, enum engine_status status);

/**
 * engine_oldest_done() - Report the oldest descriptors that are not reported, from within ops.reap.
 * @e: the engine, caps.in_order.
 * @n: how many; they are submitted.
 * @status: what became of them.
 */
void engine_oldest_done(struct engine *e, uint32_t n, enum engine_status status);

/**
 * engine_complain() - Say what is the matter, for engine_reason(), when an operation fails.
 * @e: the engine.
 * @error: the negative errno of the failure.
 * @complaint: a string that lives for ever.
 *
 * Return: @error, so that a failing operation can end with it.
 */
static inline int engine_complain(struct engine *e, int error, const char *complaint)
{
	e->complaint = complaint;
	return error;
}

/**
 * engine_find_driver() - The driver that knows a device.
 * @vendor: its vendor.
 * @device: its number at that vendor.
 *
 * Return: the driver, or NULL.
 */
const struct engine_ops *engine_find_driver(uint16_t vendor, uint16_t device);

/**
 * engine_find_driver_of_class() - The driver for a device that none knows by its id.
 * @class_code: base class, subclass and interface.
 *
 * Return: the driver, or NULL.
 */
const struct engine_ops *engine_find_driver_of_class(uint32_t class_code);

/* The drivers. */
extern const struct engine_ops ae4dma_ops;
extern const struct engine_ops idxd_ops;
extern const struct engine_ops ioat_ops;
extern const struct engine_ops lsi53c895a_ops;
extern const struct engine_ops ptdma_ops;
extern const struct engine_ops sdxi_ops;

#endif
