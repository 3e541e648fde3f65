/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accounts.h"

#include "test.h"

static struct account account;

static struct account_values values(void)
{
	struct account_values v;

	account_read(&account, &v);
	return v;
}

/* What is added is read, in its place and in no other. */
static void test_add(void)
{
	struct account_values v, expected = { 0 };

	account_add(&account, ACCOUNT_WORD(bytes_cpu), 5);
	account_add(&account, ACCOUNT_WORD(pages_by_cause) + 3, 7);
	account_add(&account, ACCOUNT_WORD(pages_by_cause) + 3, 1);
	expected.bytes_cpu = 5;
	expected.pages_by_cause[3] = 8;
	v = values();
	EXPECT_TRUE(!memcmp(&v, &expected, sizeof(v)));
}

/* Many things at once are the same as one after the other; blocked times are left out. */
static void test_merge(void)
{
	struct account_values more = { .requests = 1, .engine_ns = 9, .blocked_ns = 77 }, v;

	memset(&account, 0, sizeof(account));
	more.folios_engine[9] = 4;
	more.fallback_bytes[FALLBACK_WITHDRAWN] = 6;
	account_merge(&account, &more);
	account_merge(&account, &more);
	v = values();
	EXPECT_EQ(v.requests, 2);
	EXPECT_EQ(v.folios_engine[9], 8);
	EXPECT_EQ(v.fallback_bytes[FALLBACK_WITHDRAWN], 12);
	EXPECT_EQ(v.engine_ns, 18);
	EXPECT_EQ(v.blocked_ns, 0);
}

/* Buckets are those of the header, from nothing to for ever. */
static void test_buckets(void)
{
	struct account_values v;

	memset(&account, 0, sizeof(account));
	account_add_blocked(&account, 0);
	account_add_blocked(&account, 999);
	account_add_blocked(&account, 1000);
	account_add_blocked(&account, 1999);
	account_add_blocked(&account, 2000);
	account_add_blocked(&account, UINT64_MAX / 2);
	v = values();
	EXPECT_EQ(v.blocked[0], 2);
	EXPECT_EQ(v.blocked[1], 2);
	EXPECT_EQ(v.blocked[2], 1);
	EXPECT_EQ(v.blocked[ACCOUNT_N_BUCKETS - 1], 1);
	EXPECT_EQ(v.blocked_max_ns, UINT64_MAX / 2);
	EXPECT_EQ(account_blocked_quantile(&v, 1000), UINT64_MAX / 2);
}

/* A quantile is never below the true one, nor above its double or the maximum. */
static void test_quantile(void)
{
	struct account_values v;

	memset(&account, 0, sizeof(account));
	EXPECT_EQ(account_blocked_quantile(&(struct account_values){ 0 }, 500), 0);
	for (uint64_t us = 1; us <= 1000; us++)
		account_add_blocked(&account, us * 1000);
	v = values();
	for (unsigned int per_mille = 1; per_mille <= 1000; per_mille++) {
		uint64_t ns = account_blocked_quantile(&v, per_mille), true_ns = per_mille * 1000ull;

		EXPECT_TRUE(ns >= true_ns && ns <= 2 * true_ns && ns <= 1000000);
	}
}

/* Each reason has a name of its own. */
static void test_names(void)
{
	for (unsigned int i = 0; i < _FALLBACK_MAX; i++) {
		EXPECT_TRUE(account_fallback_name(i));
		for (unsigned int j = 0; j < i; j++)
			EXPECT_TRUE(strcmp(account_fallback_name(i), account_fallback_name(j)));
	}
	EXPECT_TRUE(!account_fallback_name(_FALLBACK_MAX));
}

/* CPU time goes to those for whom there was work, in proportion, once. */
static void test_share_cpu(void)
{
	struct account total = { 0 }, a = { 0 }, b = { 0 }, idle = { 0 };
	struct account_values more = { .pages_asked = 936, .batches = 1 }, now;
	uint64_t work;

	account_merge(&total, &more);
	account_merge(&a, &more);
	more.pages_asked = 2936;
	account_merge(&total, &more);
	account_merge(&b, &more);
	work = total.work;
	account_share_cpu(&total, 4000, work);
	account_share_cpu(&a, 4000, work);
	account_share_cpu(&b, 4000, work);
	account_share_cpu(&idle, 4000, work);
	account_share_cpu(&a, 4000, work);
	account_read(&total, &now);
	EXPECT_EQ(now.cpu_ns, 4000);
	account_read(&a, &now);
	EXPECT_EQ(now.cpu_ns, 1000);
	account_read(&b, &now);
	EXPECT_EQ(now.cpu_ns, 3000);
	account_read(&idle, &now);
	EXPECT_EQ(now.cpu_ns, 0);
}

int main(void)
{
	RUN(test_add);
	RUN(test_merge);
	RUN(test_buckets);
	RUN(test_quantile);
	RUN(test_names);
	RUN(test_share_cpu);
	return 0;
}
