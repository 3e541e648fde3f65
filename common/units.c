/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "macros.h"

/* Digits of a fraction that are taken: ten to this power has to fit into 64 bits. */
#define FRACTION_DIGITS 18

struct unit {
	const char *name;
	uint64_t factor;
};

/* Within each table, what units_format_*() may use comes first, from small to large. */
static const struct unit size_units[] = {
	{ "", 1 },
	{ "K", 1ull << 10 },
	{ "M", 1ull << 20 },
	{ "G", 1ull << 30 },
	{ "T", 1ull << 40 },
	{ "P", 1ull << 50 },
	{ "E", 1ull << 60 },
	{ "B", 1 },
};

#define NSEC 1ull
#define USEC (1000 * NSEC)
#define MSEC (1000 * USEC)
#define SEC (1000 * MSEC)
#define MINUTE (60 * SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct unit time_units[] = {
	{ "ns", NSEC },
	{ "us", USEC },
	{ "ms", MSEC },
	{ "s", SEC },
	{ "min", MINUTE },
	{ "h", HOUR },
	{ "d", DAY },
	{ "", SEC },
	{ "nsec", NSEC },
	{ "usec", USEC },
	{ "µs", USEC },
	{ "msec", MSEC },
	{ "sec", SEC },
	{ "second", SEC },
	{ "seconds", SEC },
	{ "m", MINUTE },
	{ "minute", MINUTE },
	{ "minutes", MINUTE },
	{ "hr", HOUR },
	{ "hour", HOUR },
	{ "hours", HOUR },
	{ "day", DAY },
	{ "days", DAY },
};

#define N_SIZE_FORMAT_UNITS 7
#define N_TIME_FORMAT_UNITS 7

/* A decimal number: @whole + @fraction / @divisor. */
struct number {
	uint64_t whole;
	uint64_t fraction;
	uint64_t divisor;
};

/* Not isdigit(), which depends on the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* Read digits at *@s and go past them. Return: how many, or -ERANGE. */
static int scan_digits(const char **s, uint64_t *ret)
{
	uint64_t value = 0;
	int n = 0;

	for (; is_digit(**s); (*s)++, n++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(**s - '0'), &value))
			return -ERANGE;
	}
	*ret = value;
	return n;
}

static int scan_number(const char **s, struct number *ret)
{
	struct number v = { .divisor = 1 };
	int n;

	n = scan_digits(s, &v.whole);
	if (n <= 0)
		return n ?: -EINVAL;
	if (**s == '.') {
		(*s)++;
		n = scan_digits(s, &v.fraction);
		if (n <= 0 || n > FRACTION_DIGITS)
			return -EINVAL;
		while (n--)
			v.divisor *= 10;
	}
	*ret = v;
	return 0;
}

static int number_times(const struct number *n, uint64_t factor, uint64_t *ret)
{
	unsigned __int128 v = (unsigned __int128)n->whole * factor +
			      (unsigned __int128)n->fraction * factor / n->divisor;

	if (v > UINT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)v;
	return 0;
}

/* The unit's name is the @len bytes at @name. */
static const struct unit *unit_find(const struct unit *units, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(units[i].name) == len && !memcmp(units[i].name, name, len))
			return &units[i];
	}
	return NULL;
}

int units_parse_uint(const char *s, uint64_t *ret)
{
	uint64_t value;
	int n;

	n = scan_digits(&s, &value);
	if (n <= 0)
		return n ?: -EINVAL;
	if (*s)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* A size followed by @tail and nothing else. */
static int parse_size_tail(const char *s, const char *tail, uint64_t *ret)
{
	size_t len, tail_len = strlen(tail);
	const struct unit *unit;
	struct number n;
	int r;

	r = scan_number(&s, &n);
	if (r < 0)
		return r;
	s = skip_blanks(s);
	len = strlen(s);
	if (len < tail_len || strcmp(s + len - tail_len, tail))
		return -EINVAL;
	unit = unit_find(size_units, ARRAY_SIZE(size_units), s, len - tail_len);
	if (!unit)
		return -EINVAL;
	return number_times(&n, unit->factor, ret);
}

int units_parse_size(const char *s, uint64_t *ret)
{
	return parse_size_tail(s, "", ret);
}

int units_parse_rate(const char *s, uint64_t *ret)
{
	return parse_size_tail(s, "/s", ret);
}

/* One number with its unit; goes past both and the blanks behind. */
static int scan_time(const char **s, uint64_t *ret)
{
	const struct unit *unit;
	struct number n;
	size_t len;
	int r;

	r = scan_number(s, &n);
	if (r < 0)
		return r;
	*s = skip_blanks(*s);
	len = strcspn(*s, " \t.0123456789");
	unit = unit_find(time_units, ARRAY_SIZE(time_units), *s, len);
	if (!unit)
		return -EINVAL;
	*s = skip_blanks(*s + len);
	return number_times(&n, unit->factor, ret);
}

int units_parse_time(const char *s, uint64_t *ret)
{
	uint64_t sum = 0;

	do {
		uint64_t part;
		int r;

		r = scan_time(&s, &part);
		if (r < 0)
			return r;
		if (__builtin_add_overflow(sum, part, &sum))
			return -ERANGE;
	} while (*s);

	*ret = sum;
	return 0;
}

int units_parse_percent(const char *s, uint32_t *ret)
{
	struct number n;
	uint64_t value;
	int r;

	r = scan_number(&s, &n);
	if (r < 0)
		return r;
	if (n.divisor > 100 || strcmp(s, "%"))
		return -EINVAL;
	r = number_times(&n, 100, &value);
	if (r < 0)
		return r;
	if (value > 10000)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

static const char *format(char *ret, uint64_t value, const struct unit *units, size_t n)
{
	size_t best = 0;

	for (size_t i = 0; value && i < n; i++) {
		if (value % units[i].factor == 0)
			best = i;
	}
	snprintf(ret, UNITS_LEN, "%" PRIu64 "%s", value / units[best].factor, units[best].name);
	return ret;
}

const char *units_format_size(char *ret, uint64_t bytes)
{
	return format(ret, bytes, size_units, N_SIZE_FORMAT_UNITS);
}

const char *units_format_time(char *ret, uint64_t ns)
{
	return format(ret, ns, time_units, N_TIME_FORMAT_UNITS);
}
