/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DSA: the tables of groups, work queues and MSI-X permissions.
 */
#include "dsa_model.h"

#include <string.h>

void *dsa_table_word(struct dsa *s, uint64_t offset, unsigned int width)
{
	uint64_t at = offset - DSA_GRPCFG;
	unsigned int size = dsa_wqcfg_size(s);

	if (at < s->n_groups * DSA_GRPCFG_SIZE && at % DSA_GRPCFG_SIZE < sizeof(struct dsa_group))
		return (char *)&s->group[at / DSA_GRPCFG_SIZE] + at % DSA_GRPCFG_SIZE;
	at = offset - DSA_WQCFG;
	if (at < s->n_wqs * size)
		return (char *)s->wq[at / size].cfg + at % size;
	at = offset - DSA_MSIXPERM;
	if (at < dsa_n_vectors(s) * 8 && at % 8 == 0 && width == 4)
		return &s->msixperm[at / 8];
	return NULL;
}

static bool is_wqcfg(const struct dsa *s, uint64_t offset)
{
	return offset >= DSA_WQCFG && offset < DSA_WQCFG + s->n_wqs * dsa_wqcfg_size(s);
}

uint64_t dsa_table_read(struct dsa *s, uint64_t offset, unsigned int width)
{
	uint64_t value = 0;

	memcpy(&value, dsa_table_word(s, offset, width), width);
	if (is_wqcfg(s, offset)) {
		const struct dsa_wq *wq = &s->wq[(offset - DSA_WQCFG) / dsa_wqcfg_size(s)];
		unsigned int word = offset % dsa_wqcfg_size(s) / 4;
		uint64_t state = wq->n_queued | DSA_WQ_MODE_SUPPORT |
				 (wq->enabled ? DSA_WQ_STATE_ENABLED : 0);

		if (word == 6)
			value |= state;
	}
	return value;
}

/* The bits of a queue's word that software may set; BOF, ATS, PASIDs are there, to be refused. */
static const uint32_t wqcfg_known[16] = {
	0xffff, 0xffff, 0x3fffffff, 0x1ff, 0, 0, 0, 0,
	~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u,
};

/* Linux writes all words of all queues again when it enables one, with what it has read. (K) */
static void put_wqcfg(struct model *m, uint64_t offset, uint32_t value)
{
	struct dsa *s = model_state(m);
	unsigned int n = (unsigned int)((offset - DSA_WQCFG) / dsa_wqcfg_size(s));
	unsigned int word = offset % dsa_wqcfg_size(s) / 4;
	struct dsa_wq *wq = &s->wq[n];

	if (word == 6)
		return;
	if (value & ~wqcfg_known[word])
		model_broken(m, "reserved bits of WQCFG", "%#x in word %u of queue %u", value,
			     word, n);
	value &= wqcfg_known[word];
	if (value == wq->cfg[word])
		return;
	if (wq->enabled || (word == 0 && s->state != DSA_DISABLED))
		model_broken(m, "WQCFG of what is enabled", "word %u of queue %u", word, n);
	else
		wq->cfg[word] = value;
}

void dsa_table_write(struct model *m, uint64_t offset, unsigned int width, uint64_t value)
{
	struct dsa *s = model_state(m);
	void *word = dsa_table_word(s, offset, width);

	if (s->fixed && offset < DSA_MSIXPERM) {
		model_broken(m, "write to a set-up that is fixed", "%#lx", (unsigned long)offset);
		return;
	}
	if (is_wqcfg(s, offset)) {
		for (unsigned int i = 0; i < width; i += 4)
			put_wqcfg(m, offset + i, (uint32_t)(value >> (8 * i)));
		return;
	}
	if (offset < DSA_WQCFG && s->state != DSA_DISABLED && memcmp(word, &value, width)) {
		model_broken(m, "GRPCFG of what is enabled", "%#lx", (unsigned long)offset);
		return;
	}
	memcpy(word, &value, width);
}
