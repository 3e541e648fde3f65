/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accounts.h"

#include <assert.h>

#include "macros.h"

#define NS_PER_US 1000

/* What a batch, or a request, costs however small it is, in pages gone through. */
#define WORK_FIXED 64

/* There is one writer, so that a load and a store do, without a locked instruction. */
static void word_set(struct account *a, size_t word, uint64_t value)
{
	atomic_store_explicit(&a->words[word], value, memory_order_relaxed);
}

static uint64_t word_get(const struct account *a, size_t word)
{
	return atomic_load_explicit(&a->words[word], memory_order_relaxed);
}

void account_add(struct account *a, size_t word, uint64_t n)
{
	word_set(a, word, word_get(a, word) + n);
}

void account_merge(struct account *a, const struct account_values *more)
{
	const uint64_t *from = (const uint64_t *)more;

	for (size_t i = 0; i < ACCOUNT_WORD(blocked); i++)
		if (from[i])
			account_add(a, i, from[i]);
	a->work += more->pages_asked + WORK_FIXED * (more->batches + more->requests);
}

static unsigned int bucket_of(uint64_t ns)
{
	uint64_t us = ns / NS_PER_US;
	unsigned int bits = us ? 64 - (unsigned int)__builtin_clzll(us) : 0;

	return MIN(bits, (unsigned int)ACCOUNT_N_BUCKETS - 1);
}

void account_add_blocked(struct account *a, uint64_t ns)
{
	account_add(a, ACCOUNT_WORD(blocked) + bucket_of(ns), 1);
	account_add(a, ACCOUNT_WORD(blocked_ns), ns);
	if (ns > word_get(a, ACCOUNT_WORD(blocked_max_ns)))
		word_set(a, ACCOUNT_WORD(blocked_max_ns), ns);
}

void account_read(const struct account *a, struct account_values *ret)
{
	uint64_t *to = (uint64_t *)ret;

	for (size_t i = 0; i < ARRAY_SIZE(a->words); i++)
		to[i] = word_get(a, i);
}

void account_share_cpu(struct account *a, uint64_t ns, uint64_t work)
{
	if (a->work)
		account_add(a, ACCOUNT_WORD(cpu_ns),
			    (uint64_t)((double)ns * (double)a->work / (double)work));
	a->work = 0;
}

void busy_begin(struct busy *b, uint64_t now_ns)
{
	if (b->n++ == 0)
		b->since_ns = now_ns;
}

uint64_t busy_end(struct busy *b, uint64_t now_ns)
{
	assert(b->n);
	return --b->n ? 0 : now_ns - b->since_ns;
}

uint64_t account_blocked_quantile(const struct account_values *v, unsigned int per_mille)
{
	uint64_t total = 0, seen = 0, wanted;

	for (unsigned int b = 0; b < ACCOUNT_N_BUCKETS; b++)
		total += v->blocked[b];
	if (total == 0)
		return 0;
	/* The smallest number of batches that is at least this share of all, and one at least. */
	wanted = MAX((total * per_mille + 999) / 1000, (uint64_t)1);
	for (unsigned int b = 0; b < ACCOUNT_N_BUCKETS - 1; b++) {
		seen += v->blocked[b];
		if (seen >= wanted)
			return MIN((1ull << b) * NS_PER_US, v->blocked_max_ns);
	}
	return v->blocked_max_ns;
}

const char *account_fallback_name(unsigned int fallback)
{
	static const char *const names[_FALLBACK_MAX] = {
		[FALLBACK_NO_ENGINE] = "no-engine",
		[FALLBACK_SMALL] = "small-request",
		[FALLBACK_BUSY] = "busy",
		[FALLBACK_NO_IOVA] = "no-iova",
		[FALLBACK_ERROR] = "error",
		[FALLBACK_TIMEOUT] = "timeout",
		[FALLBACK_WITHDRAWN] = "withdrawn",
	};

	return fallback < _FALLBACK_MAX ? names[fallback] : NULL;
}
