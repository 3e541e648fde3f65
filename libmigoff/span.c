/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "span.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "macros.h"

void span_pool_init(struct span_pool *p, uint64_t len)
{
	p->free[0] = (struct span){ .len = ALIGN_DOWN(len, SPAN_ALIGN) };
	p->n_free = 1;
}

static void remove_at(struct span_pool *p, unsigned int i)
{
	p->n_free--;
	memmove(&p->free[i], &p->free[i + 1], (p->n_free - i) * sizeof(p->free[0]));
}

static void insert_at(struct span_pool *p, unsigned int i, struct span s)
{
	assert(p->n_free < ARRAY_SIZE(p->free));

	memmove(&p->free[i + 1], &p->free[i], (p->n_free - i) * sizeof(p->free[0]));
	p->free[i] = s;
	p->n_free++;
}

int span_alloc(struct span_pool *p, uint64_t len, struct span *ret)
{
	if (len > RING_DATA_LEN)
		return -ENOSPC;
	len = ALIGN_UP(len, SPAN_ALIGN);

	if (!len) {
		*ret = (struct span){};
		return 0;
	}

	for (unsigned int i = 0; i < p->n_free; i++) {
		struct span *s = &p->free[i];

		if (s->len < len)
			continue;
		*ret = (struct span){ .off = s->off, .len = len };
		s->off += len;
		s->len -= len;
		if (!s->len)
			remove_at(p, i);
		return 0;
	}
	return -ENOSPC;
}

void span_free(struct span_pool *p, struct span s)
{
	unsigned int i = 0;

	if (!s.len)
		return;

	while (i < p->n_free && p->free[i].off < s.off)
		i++;

	if (i && p->free[i - 1].off + p->free[i - 1].len == s.off) {
		s.off = p->free[i - 1].off;
		s.len += p->free[i - 1].len;
		remove_at(p, --i);
	}
	if (i < p->n_free && s.off + s.len == p->free[i].off) {
		s.len += p->free[i].len;
		remove_at(p, i);
	}
	insert_at(p, i, s);
}
