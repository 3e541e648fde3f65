/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "nodes.h"
#include "test.h"

#define N 6 /* all pairs of sets of so many nodes */

static struct nodes from_bits(unsigned int bits)
{
	return (struct nodes){ .w = { bits } };
}

/* migrate_pages(2) as its documentation in the kernel has it, on small integers. */
static unsigned int model_remap(unsigned int s, unsigned int from, unsigned int to)
{
	unsigned int targets[N], n = 0, ordinal = 0;

	for (unsigned int i = 0; i < N; i++)
		if (to >> i & 1)
			targets[n++] = i;
	for (unsigned int i = 0; i < s; i++)
		ordinal += from >> i & 1;
	return n && (from >> s & 1) ? targets[ordinal % n] : s;
}

static bool model_next(unsigned int *left, unsigned int from, unsigned int to, unsigned int *ret_s,
		       unsigned int *ret_d)
{
	bool even = __builtin_popcount(from) == __builtin_popcount(to);
	int s = -1, d = -1;

	for (unsigned int i = 0; i < N; i++) {
		unsigned int j = model_remap(i, from, to);

		if (!(*left >> i & 1) || (!even && (to >> i & 1)) || i == j)
			continue;
		s = (int)i;
		d = (int)j;
		if (!(*left >> j & 1))
			break;
	}
	if (s < 0)
		return false;
	*left &= ~(1u << s);
	*ret_s = (unsigned int)s;
	*ret_d = (unsigned int)d;
	return true;
}

/* The pairs, and their order, are the kernel's for each pair of sets. */
static void test_pairs(void)
{
	for (unsigned int from = 0; from < 1u << N; from++)
		for (unsigned int to = 1; to < 1u << N; to++) {
			struct nodes f = from_bits(from), t = from_bits(to), left = f;
			unsigned int model_left = from, s = 0, d = 0, ms = 0, md = 0;
			bool more, model_more;

			do {
				more = nodes_next_pair(&left, &f, &t, &s, &d);
				model_more = model_next(&model_left, from, to, &ms, &md);
				EXPECT_EQ(more, model_more);
				EXPECT_EQ(s, ms);
				EXPECT_EQ(d, md);
				EXPECT_EQ(left.w[0], model_left);
			} while (more);
		}
}

/* Examples of the kernel's comments: equal numbers keep their places, others spare the new set. */
static void test_examples(void)
{
	struct nodes f, t, left;
	unsigned int s, d;

	EXPECT_OK(nodes_parse("2-4", &f));
	EXPECT_OK(nodes_parse("3-5", &t));
	left = f;
	EXPECT_TRUE(nodes_next_pair(&left, &f, &t, &s, &d));
	EXPECT_EQ(s * 10 + d, 45);
	EXPECT_TRUE(nodes_next_pair(&left, &f, &t, &s, &d));
	EXPECT_EQ(s * 10 + d, 34);
	EXPECT_TRUE(nodes_next_pair(&left, &f, &t, &s, &d));
	EXPECT_EQ(s * 10 + d, 23);
	EXPECT_TRUE(!nodes_next_pair(&left, &f, &t, &s, &d));

	EXPECT_OK(nodes_parse("0-7", &f));
	left = f;
	while (nodes_next_pair(&left, &f, &t, &s, &d)) {
		EXPECT_TRUE(!nodes_test(&t, s));
		EXPECT_TRUE(nodes_test(&t, d));
	}
	EXPECT_TRUE(nodes_test(&left, 3) && nodes_test(&left, 4) && nodes_test(&left, 5));
	EXPECT_EQ(nodes_weight(&left), 3);
}

/* Nodes beyond the first word take part like any other. */
static void test_wide(void)
{
	struct nodes f, t, left;
	unsigned int s, d;

	EXPECT_OK(nodes_parse("3,1023", &f));
	EXPECT_OK(nodes_parse("64,200", &t));
	left = f;
	EXPECT_TRUE(nodes_next_pair(&left, &f, &t, &s, &d));
	EXPECT_EQ(s, 3);
	EXPECT_EQ(d, 64);
	EXPECT_TRUE(nodes_next_pair(&left, &f, &t, &s, &d));
	EXPECT_EQ(s, 1023);
	EXPECT_EQ(d, 200);
	EXPECT_TRUE(!nodes_next_pair(&left, &f, &t, &s, &d));
}

/* Lists read as the kernel prints them; anything else is refused and leaves the output alone. */
static void test_parse(void)
{
	static const char *const bad[] = { "x", "1-", "-1", "1,,2", "1,", "3-1", "1 2", "0-1,\n" };
	struct nodes n;

	EXPECT_OK(nodes_parse("", &n));
	EXPECT_EQ(nodes_weight(&n), 0);
	EXPECT_OK(nodes_parse("0-1,4\n", &n));
	EXPECT_EQ(n.w[0], 0x13);
	EXPECT_EQ(nodes_parse("1024", &n), -ERANGE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (nodes_parse(bad[i], &n) != -EINVAL)
			TEST_FAIL("\"%s\" is accepted", bad[i]);
	EXPECT_EQ(n.w[0], 0x13);
}

/* What this machine says of itself is read, and is consistent. */
static void test_machine(void)
{
	struct nodes memory, possible, allowed, own;

	if (nodes_read_sysfs("has_memory", &memory) == -ENOENT)
		TEST_SKIP("no /sys/devices/system/node here");
	EXPECT_OK(nodes_read_sysfs("possible", &possible));
	EXPECT_OK(nodes_read_allowed(0, &allowed));
	EXPECT_OK(nodes_read_allowed(getpid(), &own));
	EXPECT_TRUE(nodes_weight(&memory) > 0);
	EXPECT_TRUE(nodes_subset(&memory, &possible));
	EXPECT_TRUE(nodes_subset(&allowed, &own) && nodes_subset(&own, &allowed));
	EXPECT_EQ(nodes_read_sysfs("no-such-set", &memory), -ENOENT);
	EXPECT_EQ(nodes_read_allowed(0x7fffffff, &allowed), -ENOENT);
}

int main(void)
{
	RUN(test_pairs);
	RUN(test_examples);
	RUN(test_wide);
	RUN(test_parse);
	RUN(test_machine);
	return 0;
}
