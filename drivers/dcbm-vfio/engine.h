/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of a copy engine, for whoever has copies to make.
 *
 * An engine takes copies (source, destination, length), gives each a free-running index, begins
 * them on engine_submit(), and reports each index exactly once, with a status of its own, through
 * engine_completed(). The shape is that of DPDK's dmadev; what differs is that completions may
 * come out of order, that stopping is part of the contract, and that there are no queues in it: an
 * engine with several hardware channels spreads its items over them and is simply out of order.
 *
 * Addresses are IOVAs in the IOMMU domain of the device, or virtual addresses of this process
 * (see &engine_caps.virtual_addresses). Whether anything is mapped there is the caller's business:
 * the contract never looks at memory, because what the kernel hook maps is not visible here.
 *
 * One thread owns an engine and makes all calls on it. Only engine_caps(), engine_identity(),
 * engine_state(), engine_reason() and engine_stats() may be called by others meanwhile.
 * engine_enqueue_all(), engine_submit() and engine_completed() never wait; engine_start(),
 * engine_stop(), engine_recover() and engine_close() may take up to ENGINE_STOP_MS. The last takes
 * besides what the kernel takes to let go of the device: minutes when it is gone. Who cannot wait
 * stops the engine, and gives it to another thread to be closed.
 *
 * The life of an engine, and what is legal in each state:
 *
 *	open -> STOPPED -> start -> RUNNING -> stop -> STOPPED -> close
 *	                               | error, time-out
 *	                               v
 *	                            FAILED -> recover -> RUNNING, or still FAILED (try again, or close)
 *
 *	enqueue, submit		RUNNING
 *	completed		any state; in all but RUNNING it hands out what is left to report
 *	stop, close, recover	any state
 */
#ifndef MIGOFF_DCBM_ENGINE_H
#define MIGOFF_DCBM_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "why.h"

struct engine;

/* The longest that start, stop, recover and close wait for a device to come to rest. */
#define ENGINE_STOP_MS 1000

/* What became of one item. Anything but ENGINE_COPIED leaves the destination undefined. */
enum engine_status {
	ENGINE_COPIED,		/* done, as far as the engine can tell: see reports_dma_errors */
	ENGINE_CANCELLED,	/* engine_stop() or engine_recover() came first */
	ENGINE_READ_ERROR,	/* the device could not read the source */
	ENGINE_WRITE_ERROR,	/* the device could not write the destination */
	ENGINE_REFUSED,		/* the device did not accept the descriptor */
	ENGINE_DEVICE_ERROR,	/* the device failed and did not say how */
	ENGINE_TIMED_OUT,	/* not finished when its deadline passed */
	_ENGINE_STATUS_MAX,
};

enum engine_state {
	ENGINE_STOPPED,		/* quiet: no DMA is under way and none can begin */
	ENGINE_RUNNING,
	ENGINE_FAILED,		/* takes no work; DMA may be under way: recover, stop or close it */
};

/**
 * struct engine_copy - What to copy.
 * @src: where to read.
 * @dst: where to write; must not overlap the source.
 * @len: bytes, 1 or more.
 */
struct engine_copy {
	uint64_t src;
	uint64_t dst;
	uint64_t len;
};

/**
 * struct engine_result - One finished item.
 * @index: as given by engine_enqueue().
 * @status: what became of it.
 */
struct engine_result {
	uint64_t index;
	enum engine_status status;
};

/**
 * struct engine_caps - What an engine can do; fixed while it is open.
 * @address_mask: source and destination lie wholly below or at this address (2^n - 1).
 * @max_len: bytes that one descriptor copies; longer items are split.
 * @max_item: bytes that one engine_enqueue() takes: what a whole ring of descriptors copies.
 * @ring_size: descriptors that can be in flight.
 * @n_channels: descriptors that are copied at the same time.
 * @align: source, destination and length are multiples of it (a power of two, 1 for none).
 * @congruence: source and destination are equal modulo it (a power of two, 1 for none).
 * @in_order: items are reported in the order of their index.
 * @reports_dma_errors: an ENGINE_COPIED can be believed. If false, the device says so even when
 *	the source could not be read or the destination not written, and who needs certainty
 *	compares.
 * @virtual_addresses: addresses are those of this process, not IOVAs.
 * @can_inject: engine_inject_error() works.
 */
struct engine_caps {
	uint64_t address_mask;
	uint64_t max_len;
	uint64_t max_item;
	uint32_t ring_size;
	uint32_t n_channels;
	uint32_t align;
	uint32_t congruence;
	bool in_order;
	bool reports_dma_errors;
	bool virtual_addresses;
	bool can_inject;
};

/**
 * struct engine_identity - Who an engine is; fixed while it is open.
 * @driver: name of the driver here ("lsi53c895a", "soft", ...).
 * @version: the device's own, as "3.3"; empty when it has none.
 * @bdf: PCI address ("0000:00:05.0"), or empty.
 * @vendor: PCI vendor, or 0.
 * @device: PCI device, or 0.
 * @node: NUMA node, or -1 when unknown or none.
 * @group: IOMMU group, or -1.
 * @device_fd: the VFIO *device* descriptor, to be shown to the kernel hook; -1 when there is none.
 *	It belongs to the engine and is closed with it.
 * @window_iova: where the private window begins: address space of the device that this process
 *	never maps anything into, left to the kernel hook.
 * @window_size: bytes in the window; 0 when none was asked for.
 */
struct engine_identity {
	char driver[24];
	char version[8];
	char bdf[16];
	uint16_t vendor;
	uint16_t device;
	int node;
	int group;
	int device_fd;
	uint64_t window_iova;
	uint64_t window_size;
};

/**
 * struct engine_stats - What an engine has done since it was opened.
 * @items: items reported as ENGINE_COPIED.
 * @bytes: bytes in those.
 * @descriptors: descriptors given to the device.
 * @submits: doorbells asked for by engine_submit().
 * @errors: items reported with any other status than ENGINE_COPIED and ENGINE_CANCELLED.
 * @cancelled: items reported as ENGINE_CANCELLED.
 * @timeouts: how often nothing was completed before the deadline.
 * @recoveries: successful calls of engine_recover().
 * @busy_ns: time with at least one submitted item unfinished, as seen from here.
 */
struct engine_stats {
	uint64_t items;
	uint64_t bytes;
	uint64_t descriptors;
	uint64_t submits;
	uint64_t errors;
	uint64_t cancelled;
	uint64_t timeouts;
	uint64_t recoveries;
	uint64_t busy_ns;
};

/**
 * struct dma_area - Memory that both the processor and an engine reach.
 * @va: where this process sees it.
 * @iova: where the engine sees it.
 * @size: bytes, a multiple of the page size.
 */
struct dma_area {
	void *va;
	uint64_t iova;
	size_t size;
};

/**
 * engine_open_pci() - Open the device at a PCI address with the driver that knows it.
 * @bdf: "0000:00:05.0"; it must be bound to vfio-pci.
 * @window_size: bytes of address space to keep free for the kernel hook: a multiple of 2 MiB, or
 *	0 for none.
 * @ret: the engine, in state STOPPED.
 * @why: the reason of a failure; may be NULL.
 *
 * The window is aligned to the largest power of two that fits into it, 1 GiB at most.
 *
 * Return: 0; -ENODEV no such device, or it does not answer; -EOPNOTSUPP no driver here knows it;
 * -ENXIO not bound to vfio-pci, or no IOMMU group; -EBUSY the group is in use or another driver has
 * a device of it; -EACCES or -EPERM, no permission, or no interrupt remapping; -ENOMEM the limit of
 * locked memory is too low; -ENOSPC no room for the window; or another negative errno.
 */
int engine_open_pci(const char *bdf, size_t window_size, struct engine **ret, struct why *why);

/**
 * engine_open_soft() - Open the reference engine: the processor copies, in a thread of its own.
 * @ret: the engine, in state STOPPED.
 * @why: the reason of a failure; may be NULL.
 *
 * Return: 0, or a negative errno.
 */
int engine_open_soft(struct engine **ret, struct why *why);

/**
 * engine_open() - Open the engine that a line of configuration names.
 * @spec: a PCI address, or "soft"; followed, for tests, by "+" and what fault_parse() takes:
 *	"0000:00:05.0", "soft", "soft+error:every=7,delay:us=50".
 * @window_size: as for engine_open_pci(); ignored by "soft".
 * @ret: the engine, in state STOPPED.
 * @why: the reason of a failure; may be NULL.
 *
 * Return: 0, -EINVAL for a spec that cannot be read, or as engine_open_pci().
 */
int engine_open(const char *spec, size_t window_size, struct engine **ret, struct why *why);

/**
 * engine_close() - Stop, then give everything back: memory, interrupts, device, group, container.
 * @e: the engine; NULL is allowed.
 *
 * Guarantees: as engine_stop(). On return the device can be unbound. What was not collected with
 * engine_completed() is not reported any more.
 *
 * Return: NULL.
 */
struct engine *engine_close(struct engine *e);

static inline void engine_closep(struct engine **e)
{
	*e = engine_close(*e);
}

/**
 * engine_start() - Let a stopped engine work.
 * @e: the engine.
 *
 * Return: 0, -EINVAL unless it is stopped, or a negative errno; then it is FAILED.
 */
int engine_start(struct engine *e);

/**
 * engine_stop() - Bring the engine to rest, with or without work in flight.
 * @e: the engine.
 *
 * Guarantees: on return no DMA is under way and none can begin, even if the call failed: the
 * device has lost bus mastership. Each item not yet finished is finished as ENGINE_CANCELLED and
 * waits for engine_completed().
 *
 * Return: 0, or a negative errno when the device did not react; then it is FAILED, but quiet.
 */
int engine_stop(struct engine *e);

/**
 * engine_recover() - Stop, reset and start again after a failure.
 * @e: the engine, in any state.
 *
 * Guarantees: those of engine_stop(). Items that were in flight are reported as ENGINE_TIMED_OUT
 * if their deadline had passed, else as ENGINE_CANCELLED.
 *
 * Return: 0, or a negative errno: it stays FAILED, quiet, and may be recovered again.
 */
int engine_recover(struct engine *e);

/**
 * engine_enqueue_all() - Take copies, without beginning them.
 * @e: the engine, RUNNING.
 * @copies: what to copy.
 * @n: how many.
 * @ret_index: the index under which the first one will be reported; the others follow it. Indices
 *	are 0, 1, 2, ... since the engine was opened.
 *
 * Return: how many were taken, from the first one on. If the first one was not: -ENOSPC the ring is
 * full now: submit, collect, try again; -EINVAL zero length, overlap, alignment or congruence;
 * -ERANGE beyond the address mask; -EMSGSIZE more than &engine_caps.max_item; -ENODEV not RUNNING.
 */
int engine_enqueue_all(struct engine *e, const struct engine_copy *copies, uint32_t n,
		       uint64_t *ret_index);

/* The same for a single one. Return: 0, or as above. */
static inline int engine_enqueue(struct engine *e, uint64_t src, uint64_t dst, uint64_t len,
				 uint64_t *ret_index)
{
	struct engine_copy copy = { .src = src, .dst = dst, .len = len };
	int r = engine_enqueue_all(e, &copy, 1, ret_index);

	return r < 0 ? r : 0;
}

/**
 * engine_submit() - Begin everything that was enqueued: one doorbell.
 * @e: the engine, RUNNING. Nothing new to begin is allowed.
 *
 * Return: 0, -ENODEV not RUNNING, or a negative errno: it is FAILED.
 */
int engine_submit(struct engine *e);

/**
 * engine_completed() - Collect finished items.
 * @e: the engine, in any state.
 * @ret_results: where to.
 * @n: how many fit there.
 *
 * It also makes engine_event_fd() unreadable, and lets the device raise its interrupt again, so
 * it must be called until it returns less than @n. Results of a failed engine come first, then
 * the error.
 *
 * Return: the number of results, 0 if nothing is finished; or, when there is nothing to report:
 * -ETIMEDOUT, nothing was finished before engine_deadline(); -EIO, the device has failed. The
 * engine is FAILED then.
 */
int engine_completed(struct engine *e, struct engine_result *ret_results, size_t n);

/**
 * engine_capacity() - How many descriptors engine_enqueue() can take now.
 * @e: the engine.
 *
 * An item needs one for each &engine_caps.max_len, or part of it.
 */
uint32_t engine_capacity(const struct engine *e);

/**
 * engine_in_flight() - How many items are not reported yet, submitted or not.
 * @e: the engine.
 */
uint32_t engine_in_flight(const struct engine *e);

/**
 * engine_event_fd() - What to wait on for completions.
 * @e: the engine.
 *
 * Poll it for POLLIN (IORING_OP_POLL_ADD); never read it, it need not be an eventfd. It may become
 * readable without reason. Calling engine_completed() without waiting is polling, and as good.
 *
 * Return: the descriptor, which belongs to the engine; -1 if it can only be polled.
 */
int engine_event_fd(const struct engine *e);

/**
 * engine_set_events() - Whether engine_event_fd() shall announce what is submitted from now on.
 * @e: the engine, with nothing in flight.
 * @on: false for who polls only: that saves the device its interrupts, and engine_completed() a
 *	system call. True at first.
 */
void engine_set_events(struct engine *e, bool on);

/**
 * engine_request_fd() - What becomes readable when the host wants the device back.
 * @e: the engine.
 *
 * Poll it. The answer is engine_close(), at once: whoever unbinds the device is waiting for it.
 *
 * Return: the descriptor, which belongs to the engine; -1 if there is none.
 */
int engine_request_fd(const struct engine *e);

/**
 * engine_error_fd() - What becomes readable when the bus reported an uncorrectable error.
 * @e: the engine.
 *
 * Poll it. The answer is engine_close(): the device cannot be trusted.
 *
 * Return: the descriptor, which belongs to the engine; -1 if there is none.
 */
int engine_error_fd(const struct engine *e);

/**
 * engine_deadline() - When to call engine_completed() at the latest, event or not.
 * @e: the engine.
 *
 * Each completion moves it. If it passes without one, engine_completed() says -ETIMEDOUT.
 *
 * Return: nanoseconds of CLOCK_MONOTONIC; 0 while nothing is submitted.
 */
uint64_t engine_deadline(const struct engine *e);

/**
 * engine_set_timeout() - Change how long the engine may be silent, from now on.
 * @e: the engine.
 * @timeout_ms: to be granted beside the time that the bytes in flight need at 100 MB/s.
 *	500 at first.
 */
void engine_set_timeout(struct engine *e, unsigned int timeout_ms);

/**
 * engine_inject_error() - Make the device fail the next item, for tests.
 * @e: the engine, RUNNING.
 *
 * The next engine_enqueue() gives the device something it must refuse.
 *
 * Return: 0, or -EOPNOTSUPP without &engine_caps.can_inject.
 */
int engine_inject_error(struct engine *e);

/**
 * engine_dma_alloc() - Get memory that the engine reaches outside the window.
 * @e: the engine.
 * @size: bytes; rounded up to pages, and to 2 MiB from there on.
 * @ret: the memory, zeroed, with its address for the engine.
 * @why: the reason of a failure; may be NULL.
 *
 * Return: 0, -ENOMEM, also for the limit of locked memory, or -ENOSPC, no address space left.
 */
int engine_dma_alloc(struct engine *e, size_t size, struct dma_area *ret, struct why *why);

/**
 * engine_dma_free() - Give it back.
 * @e: the engine; no copy from or to the memory is in flight.
 * @area: as filled by engine_dma_alloc(); emptied, and an empty one is allowed.
 */
void engine_dma_free(struct engine *e, struct dma_area *area);

/* What never changes while the engine is open. */
const struct engine_caps *engine_caps(const struct engine *e);
const struct engine_identity *engine_identity(const struct engine *e);

/**
 * engine_state() - In which state the engine is. Any thread.
 * @e: the engine.
 */
enum engine_state engine_state(const struct engine *e);

/**
 * engine_reason() - Why the engine is in its state. Any thread.
 * @e: the engine.
 *
 * Return: a string that lives for ever, "" when there is nothing to say.
 */
const char *engine_reason(const struct engine *e);

/**
 * engine_stats() - What the engine has done. Any thread; each number is right by itself.
 * @e: the engine.
 * @ret: the numbers.
 */
void engine_stats(const struct engine *e, struct engine_stats *ret);

/* Names for logs and status: "copied", "cancelled", ...; "running", ... */
const char *engine_status_name(enum engine_status status);
const char *engine_state_name(enum engine_state state);

#endif
