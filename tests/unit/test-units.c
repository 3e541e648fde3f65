/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "units.h"

#include <errno.h>

#include "macros.h"
#include "test.h"

struct sample {
	const char *text;
	int result;
	uint64_t value;
};

static void check(const char *what, int (*parse)(const char *, uint64_t *),
		  const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = 4711;
		int r = parse(samples[i].text, &value);

		if (r != samples[i].result)
			TEST_FAIL("%s \"%s\": %d, expected %d", what, samples[i].text, r,
				  samples[i].result);
		/* The output is written on success only. */
		if (value != (r < 0 ? 4711 : samples[i].value))
			TEST_FAIL("%s \"%s\": value %" PRIu64, what, samples[i].text, value);
	}
}

/* A plain number is digits and nothing else. */
static void test_uint(void)
{
	static const struct sample samples[] = {
		{ "0", 0, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
	};

	check("uint", units_parse_uint, samples, ARRAY_SIZE(samples));
}

/* Sizes count in powers of 1024, keep fractions, and notice what does not fit. */
static void test_size(void)
{
	static const struct sample samples[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "7B", 0, 7 },
		{ "4K", 0, 4096 },
		{ "64M", 0, 64 << 20 },
		{ "64 M", 0, 64 << 20 },
		{ "1.5G", 0, 3ull << 29 },
		{ "0.1K", 0, 102 },
		{ "15E", 0, 15ull << 60 },
		{ "15.999999999999999999E", 0, UINT64_MAX - 1 },
		{ "16E", -ERANGE, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551615K", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "64m", -EINVAL, 0 },
		{ "64MB", -EINVAL, 0 },
		{ "64M ", -EINVAL, 0 },
		{ "64M 3K", -EINVAL, 0 },
		{ "-64M", -EINVAL, 0 },
		{ ".5M", -EINVAL, 0 },
		{ "5.M", -EINVAL, 0 },
		{ "1.1.1M", -EINVAL, 0 },
		{ "1.0000000000000000000M", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "64us", -EINVAL, 0 },
		{ "64M/s", -EINVAL, 0 },
	};

	check("size", units_parse_size, samples, ARRAY_SIZE(samples));
}

/* A rate is a size and "/s". */
static void test_rate(void)
{
	static const struct sample samples[] = {
		{ "1.5G/s", 0, 3ull << 29 },
		{ "1/s", 0, 1 },
		{ "1.5G", -EINVAL, 0 },
		{ "/s", -EINVAL, 0 },
		{ "1G/min", -EINVAL, 0 },
		{ "1G/s ", -EINVAL, 0 },
		{ "16E/s", -ERANGE, 0 },
	};

	check("rate", units_parse_rate, samples, ARRAY_SIZE(samples));
}

/* Times add up over units; a bare number counts seconds. */
static void test_time(void)
{
	static const struct sample samples[] = {
		{ "0", 0, 0 },
		{ "200us", 0, 200000 },
		{ "200 us", 0, 200000 },
		{ "200µs", 0, 200000 },
		{ "17ns", 0, 17 },
		{ "1.5ms", 0, 1500000 },
		{ "5", 0, 5000000000 },
		{ "5s", 0, 5000000000 },
		{ "1min 30s", 0, 90000000000 },
		{ "1min30s", 0, 90000000000 },
		{ "2h", 0, 7200000000000 },
		{ "1d", 0, 86400000000000 },
		{ "18446744073709551615ns", 0, UINT64_MAX },
		{ "18446744073709551615ns 1ns", -ERANGE, 0 },
		{ "18446744074s", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ " 5s", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-5s", -EINVAL, 0 },
		{ "5s -3s", -EINVAL, 0 },
		{ "5x", -EINVAL, 0 },
		{ "5M", -EINVAL, 0 },
		{ "5s,", -EINVAL, 0 },
		{ "5..3s", -EINVAL, 0 },
	};

	check("time", units_parse_time, samples, ARRAY_SIZE(samples));
}

/* Shares are exact to a hundredth of a percent. */
static void test_percent(void)
{
	static const char *const bad[] = { "", "%", "20", "20 %", "-1%", "20%%", "1.234%" };
	uint32_t value = 0;

	EXPECT_OK(units_parse_percent("20%", &value));
	EXPECT_EQ(value, 2000);
	EXPECT_OK(units_parse_percent("0.25%", &value));
	EXPECT_EQ(value, 25);
	EXPECT_OK(units_parse_percent("100%", &value));
	EXPECT_EQ(value, 10000);
	EXPECT_EQ(units_parse_percent("100.01%", &value), -ERANGE);
	EXPECT_EQ(units_parse_percent("18446744073709551615%", &value), -ERANGE);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(units_parse_percent(bad[i], &value), -EINVAL);
	EXPECT_EQ(value, 10000);
}

/* What is written is short, and reads as what it was. */
static void test_format(void)
{
	static const uint64_t values[] = { 0, 1, 999, 1000, 1023, 1024, 1025, 60000000000, 64 << 20,
					   3ull << 29, 86400000000000, UINT64_MAX };
	char text[UNITS_LEN];

	EXPECT_STR(units_format_size(text, 64 << 20), "64M");
	EXPECT_STR(units_format_size(text, 3ull << 29), "1536M");
	EXPECT_STR(units_format_size(text, 0), "0");
	EXPECT_STR(units_format_time(text, 200000), "200us");
	EXPECT_STR(units_format_time(text, 90000000000), "90s");
	EXPECT_STR(units_format_time(text, 0), "0ns");
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		uint64_t back;

		EXPECT_OK(units_parse_size(units_format_size(text, values[i]), &back));
		EXPECT_TRUE(back == values[i]);
		EXPECT_OK(units_parse_time(units_format_time(text, values[i]), &back));
		EXPECT_TRUE(back == values[i]);
	}
}

int main(void)
{
	RUN(test_uint);
	RUN(test_size);
	RUN(test_rate);
	RUN(test_time);
	RUN(test_percent);
	RUN(test_format);
	return 0;
}
