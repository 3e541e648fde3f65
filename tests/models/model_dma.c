/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's accesses to memory.
 */
#include <endian.h>
#include <string.h>

#include "macros.h"
#include "model_internal.h"

/* As much as is copied at a stretch, without the lock: whoever unmaps waits for one of these. */
#define CHUNK (UINT64_C(256) << 10)

/* Without bus mastership nothing gets as far as an IOMMU that could complain. */
static uint8_t *reach(struct model *m, uint64_t iova, bool write, uint64_t *len)
{
	uint8_t *va;

	if (!model_bus_master(m))
		return NULL;
	va = memory_at(&m->memory, iova, write, len);
	m->counts.faults += !va;
	return va;
}

/* Return: whether all of it can be reached. */
static bool reach_all(struct model *m, uint64_t iova, bool write, uint64_t len)
{
	while (len > 0) {
		uint64_t n = len;

		if (!reach(m, iova, write, &n))
			return false;
		iova += n;
		len -= n;
	}
	return true;
}

/*
 * The processor reads and writes the same memory meanwhile, so these are atomic accesses of words
 * where they can be.
 */
static void load(uint8_t *to, const uint8_t *va, uint64_t len)
{
	while (len > 0) {
		if (IS_ALIGNED((uintptr_t)va, 8) && len >= 8) {
			uint64_t word = __atomic_load_n((const uint64_t *)va, __ATOMIC_ACQUIRE);

			memcpy(to, &word, 8);
			to += 8, va += 8, len -= 8;
		} else {
			*to++ = __atomic_load_n(va++, __ATOMIC_ACQUIRE);
			len--;
		}
	}
}

/* From the end to the beginning, where descriptors and records have their status. */
static void store(uint8_t *va, const uint8_t *from, uint64_t len)
{
	while (len > 0) {
		if (IS_ALIGNED((uintptr_t)va + len, 8) && len >= 8) {
			uint64_t word;

			len -= 8;
			memcpy(&word, from + len, 8);
			__atomic_store_n((uint64_t *)(va + len), word, __ATOMIC_RELEASE);
		} else {
			len--;
			__atomic_store_n(va + len, from[len], __ATOMIC_RELEASE);
		}
	}
}

enum model_access model_dma_read(struct model *m, uint64_t iova, void *to, size_t len)
{
	uint8_t *p = to;

	if (m->unplugged)
		return MODEL_STOPPED;
	if (!reach_all(m, iova, false, len))
		return MODEL_READ_FAULT;
	while (len > 0) {
		uint64_t n = len;

		load(p, memory_at(&m->memory, iova, false, &n), n);
		iova += n;
		p += n;
		len -= n;
	}
	return MODEL_DONE;
}

enum model_access model_dma_write(struct model *m, uint64_t iova, const void *from, size_t len)
{
	size_t left = len;

	if (m->unplugged)
		return MODEL_STOPPED;
	if (!reach_all(m, iova, true, len))
		return MODEL_WRITE_FAULT;
	if (len <= MODEL_WRITE_MAX) {
		m->last_write = (struct model_write) { .iova = iova, .len = len };
		memcpy(m->last_write.bytes, from, len);
	}
	/* The piece with the first byte comes last. */
	while (left > 0) {
		uint64_t at = 0, n = left;
		uint8_t *va = memory_at(&m->memory, iova, true, &n);

		while (at + n < left) {
			at += n;
			n = left - at;
			va = memory_at(&m->memory, iova + at, true, &n);
		}
		store(va, (const uint8_t *)from + at, n);
		left = at;
	}
	return MODEL_DONE;
}

/* As an engine does that reads and writes byte by byte: where they overlap, it repeats. */
static void copy_upwards(uint8_t *to, const uint8_t *from, uint64_t len)
{
	if (to + len <= from || from + len <= to)
		memcpy(to, from, len);
	else
		for (uint64_t i = 0; i < len; i++)
			to[i] = from[i];
}

/* Return: MODEL_DONE with how much of @len lies together and was copied. */
static enum model_access copy_chunk(struct model_unit *u, uint64_t src, uint64_t dst,
				    uint64_t *len, uint64_t wrong_at)
{
	struct model *m = u->m;
	const uint8_t *from;
	uint8_t *to;

	from = reach(m, src, false, len);
	if (!from)
		return MODEL_READ_FAULT;
	to = reach(m, dst, true, len);
	if (!to)
		return MODEL_WRITE_FAULT;
	u->busy[0].iova = src;
	u->busy[1].iova = dst;
	u->busy[0].len = u->busy[1].len = *len;
	model_unit_unlock(u);
	copy_upwards(to, from, *len);
	if (wrong_at < *len)
		to[wrong_at] ^= 0x10;
	model_unit_lock(u);
	u->busy[0].len = u->busy[1].len = 0;
	model_kick(m);
	return MODEL_DONE;
}

enum model_access model_copy(struct model *m, unsigned int unit, uint64_t src, uint64_t dst,
			     uint64_t len, uint64_t *ret_done)
{
	struct model_unit *u = &m->units[unit];
	uint64_t done = 0, paid = 0, wrong_at = u->wrong_byte ? len / 2 : UINT64_MAX;
	enum model_access access = MODEL_DONE;

	u->wrong_byte = false;
	while (done < len && access == MODEL_DONE && !model_unit_stopped(u)) {
		uint64_t n;

		if (done == paid) {
			n = MIN(len - paid, CHUNK);
			model_unit_spend(u, n * m->orders.ns_per_kib / 1024);
			paid += n;
			continue;
		}
		n = paid - done;
		access = copy_chunk(u, src + done, dst + done, &n, wrong_at - done);
		if (access == MODEL_DONE)
			done += n;
	}
	if (ret_done)
		*ret_done = done;
	return model_unit_stopped(u) ? MODEL_STOPPED : access;
}

int model_map(struct model *m, uint64_t iova, void *va, uint64_t len, bool writable)
{
	MODEL_LOCKED(m);

	return memory_map(&m->memory, iova, va, len, writable);
}

static bool is_busy(const struct model *m, uint64_t iova, uint64_t last)
{
	for (unsigned int i = 0; i < m->n_units; i++)
		for (unsigned int j = 0; j < ARRAY_SIZE(m->units[i].busy); j++) {
			uint64_t at = m->units[i].busy[j].iova, len = m->units[i].busy[j].len;

			if (len > 0 && at <= last && iova <= at + (len - 1))
				return true;
		}
	return false;
}

unsigned int model_unmap(struct model *m, uint64_t iova, uint64_t len)
{
	uint64_t last;
	unsigned int n;
	MODEL_LOCKED(m);

	if (len == 0)
		return 0;
	last = iova + MIN(len - 1, UINT64_MAX - iova);
	n = memory_unmap(&m->memory, &iova, &last);
	if (n > 0 && m->ops->unmapped && !m->unplugged)
		m->ops->unmapped(m, iova, last);
	/* No unit finds it any more; wait for those that have found it already. */
	while (n > 0 && is_busy(m, iova, last))
		model_wait(m);
	return n;
}

size_t model_n_mapped(struct model *m)
{
	MODEL_LOCKED(m);

	return m->memory.n;
}
