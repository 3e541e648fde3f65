/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What AMD's two engines have in common. Their queues are rings of descriptors of 32 bytes; a
 * queue tells how far it is by a place in its ring, in a register, and by nothing else that is
 * reliable; and none has a command that resets it.
 */
#ifndef MIGOFF_DCBM_AMD_H
#define MIGOFF_DCBM_AMD_H

#include "engine_driver.h"

/**
 * struct amd_ring - How far a queue is. Counters run freely, from 0 at each start.
 * @size: descriptors in the ring, a power of two; one place is left free, to tell none from all.
 * @base: the place of the first descriptor.
 * @tail: descriptors written.
 * @flushed: of those, how many the device may see.
 * @reaped: of those, how many are done and reported.
 */
struct amd_ring {
	uint32_t size;
	uint32_t base;
	uint32_t tail;
	uint32_t flushed;
	uint32_t reaped;
};

/* The place of a descriptor in the ring. */
static inline uint32_t amd_place(const struct amd_ring *ring, uint32_t counter)
{
	return (ring->base + counter) & (ring->size - 1);
}

/**
 * amd_progress() - Of how many more descriptors than are reaped a queue says that they are done.
 * @ring: the ring.
 * @place: of the first one that is not, as the device has it; less than the size of the ring.
 * @ret: how many.
 *
 * Return: whether that can be true: the device was given that many.
 */
static inline bool amd_progress(const struct amd_ring *ring, uint32_t place, uint32_t *ret)
{
	uint32_t n = (place - ring->base - ring->reaped) & (ring->size - 1);

	*ret = n;
	return n <= ring->flushed - ring->reaped;
}

extern const char amd_gone[];
extern const char amd_not_given[];

/**
 * struct amd_queues - What to do to all queues of a device.
 * @let_stop: have them stop after what they are doing; -ENODEV if the device is gone.
 * @at_rest: whether they say that they have.
 * @have_nothing: whether they have nothing to do: of those that never say so the best that can be known.
 */
struct amd_queues {
	int (*let_stop)(struct engine *e);
	bool (*at_rest)(struct engine *e);
	bool (*have_nothing)(struct engine *e);
};

/**
 * amd_come_to_rest() - Let the device end what it does; if it does not, reset its function.
 * @e: the engine.
 * @queues: how.
 *
 * Guarantees: the device cannot do DMA any more, even if it fails.
 *
 * Return: 0; -ENODEV the device is gone, -EIO it does not come to rest, or another negative errno.
 */
int amd_come_to_rest(struct engine *e, const struct amd_queues *queues);

/*
 * Reset the function, if it can be: see struct engine_ops. Return: 0, also if it cannot, or a
 * negative errno.
 */
int amd_reset(struct engine *e);

/**
 * amd_open_bar() - Get at the registers.
 * @t: the device.
 * @bar: the BAR that they are in.
 * @size: bytes of it that are used.
 * @name: whose registers they are to be.
 * @why: the reason of a failure; may be NULL.
 *
 * Return: 0 or a negative errno.
 */
int amd_open_bar(struct transport *t, unsigned int bar, uint64_t size, const char *name,
		 struct why *why);

/* Do not use a device, for what is in @why: that it is so. Return: @error. */
int amd_refuse(struct why *why, int error);

#endif
