/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sizes and times as people write them, in systemd's syntax: "64M", "1.5G", "200us", "1min 30s",
 * "20%", "1.5G/s". Strict: nothing before, between or after is ignored but blanks.
 */
#ifndef MIGOFF_COMMON_UNITS_H
#define MIGOFF_COMMON_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Room for what the units_format_*() functions write. */
#define UNITS_LEN 32

/**
 * units_parse_uint() - Read a plain decimal number.
 * @s: "0" to "18446744073709551615".
 * @ret: the number.
 *
 * Return: 0, -EINVAL if @s is anything else, -ERANGE if it is too large.
 */
int units_parse_uint(const char *s, uint64_t *ret);

/**
 * units_parse_size() - Read a number of bytes.
 * @s: a number, with a fraction or without, then nothing, "B", or one of "K", "M", "G", "T", "P", "E"
 *	for powers of 1024.
 * @ret: bytes, rounded down.
 *
 * Return: 0, -EINVAL if @s is anything else, -ERANGE if it does not fit.
 */
int units_parse_size(const char *s, uint64_t *ret);

/**
 * units_parse_rate() - Read a number of bytes a second.
 * @s: as for units_parse_size(), then "/s".
 * @ret: bytes a second, rounded down.
 *
 * Return: as units_parse_size().
 */
int units_parse_rate(const char *s, uint64_t *ret);

/**
 * units_parse_time() - Read a span of time.
 * @s: one or more numbers, with a fraction or without, each followed by "ns", "us", "ms", "s", "min",
 *	"h" or "d" (and the longer names of systemd.time(7)); they are added up. A number without a unit
 *	counts seconds.
 * @ret: nanoseconds, rounded down.
 *
 * Return: 0, -EINVAL if @s is anything else, -ERANGE if it does not fit.
 */
int units_parse_time(const char *s, uint64_t *ret);

/**
 * units_parse_percent() - Read a share.
 * @s: "0%" to "100%", with up to two digits of fraction.
 * @ret: ten-thousandths.
 *
 * Return: 0, -EINVAL if @s is anything else, -ERANGE above 100%.
 */
int units_parse_percent(const char *s, uint32_t *ret);

/**
 * units_format_size() - Write a size so that units_parse_size() reads the same.
 * @ret: UNITS_LEN bytes.
 * @bytes: the size; written in the largest unit that divides it.
 *
 * Return: @ret.
 */
const char *units_format_size(char *ret, uint64_t bytes);

/**
 * units_format_time() - Write a time so that units_parse_time() reads the same.
 * @ret: UNITS_LEN bytes.
 * @ns: the time; written in the largest unit that divides it.
 *
 * Return: @ret.
 */
const char *units_format_time(char *ret, uint64_t ns);

#endif
