/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "human.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "macros.h"

static struct human scaled(double value, const char *const units[], unsigned int n, double step)
{
	struct human h;
	unsigned int u = 0;

	while (value >= step && u + 1 < n) {
		value /= step;
		u++;
	}
	snprintf(h.s, sizeof(h.s), "%.*f %s", u && value < 99.95 ? 1 : 0, value, units[u]);
	return h;
}

struct human human_size(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };

	return scaled((double)bytes, units, ARRAY_SIZE(units), 1024);
}

struct human human_rate(uint64_t bytes, uint64_t ns)
{
	struct human h = human_size(ns ? (uint64_t)((double)bytes * 1e9 / (double)ns) : 0);

	strcat(h.s, "/s");
	return h;
}

struct human human_time(uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	uint64_t s = ns / 1000000000;
	struct human h;

	if (s < 120)
		return scaled((double)ns, units, ARRAY_SIZE(units), 1000);
	if (s < 7200)
		snprintf(h.s, sizeof(h.s), "%u min %u s", (unsigned int)(s / 60),
			 (unsigned int)(s % 60));
	else if (s < 172800)
		snprintf(h.s, sizeof(h.s), "%u h %u min", (unsigned int)(s / 3600),
			 (unsigned int)(s / 60 % 60));
	else
		snprintf(h.s, sizeof(h.s), "%lu d %u h", (unsigned long)(s / 86400),
			 (unsigned int)(s / 3600 % 24));
	return h;
}

static const struct {
	const char *name;
	struct cause_text text;
} causes[] = {
	{ "already-there", { "were there already", LEFT_RIGHTLY } },
	{ "other-node", { "are on a node that was not asked for", LEFT_RIGHTLY } },
	{ "hole", { "have no memory yet", LEFT_RIGHTLY } },
	{ "zero-page", { "were never written: the zero page", LEFT_RIGHTLY } },
	{ "small", { "are in folios below min-folio= of migoffd.conf", LEFT_TO_KERNEL } },
	{ "shared", { "are shared with other processes; --move-all moves them", LEFT_RIGHTLY } },
	{ "file", { "belong to files or shared memory, which is for the kernel", LEFT_TO_KERNEL } },
	{ "hugetlb", { "are of hugetlb, which is for the kernel", LEFT_TO_KERNEL } },
	{ "ksm", { "are merged with others by KSM", LEFT_TO_KERNEL } },
	{ "mlocked", { "are locked in memory, which is for the kernel", LEFT_TO_KERNEL } },
	{ "pinned", { "are in use by I/O or a device; try again after it", LEFT_BY_FAILURE } },
	{ "writeback", { "are being written to disk; try again", LEFT_BY_FAILURE } },
	{ "swap-cache", { "are in the swap cache; try again", LEFT_TO_KERNEL } },
	{ "partially-mapped", { "are in folios that are mapped in part", LEFT_TO_KERNEL } },
	{ "poisoned", { "have a memory error; replace the memory", LEFT_BY_FAILURE } },
	{ "special", { "are device memory or the like", LEFT_RIGHTLY } },
	{ "busy", { "were in use by the kernel; try again", LEFT_BY_FAILURE } },
	{ "changed", { "changed meanwhile; try again", LEFT_BY_FAILURE } },
	{ "no-memory", { "found no free memory on the node; free some there", LEFT_BY_FAILURE } },
	{ "left", { "were left: the deadline passed, or the move was ended", LEFT_BY_FAILURE } },
	{ "verify", { "were not copied right by the engine: see migoffctl engines", LEFT_BY_FAILURE } },
};

struct cause_text human_cause(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (!strcmp(causes[i].name, name))
			return causes[i].text;
	return (struct cause_text){ name, LEFT_BY_FAILURE };
}

static const struct {
	int error;
	const char *name;
	struct cause_text text;
} page_errors[] = {
	{ EACCES, "shared", { "are shared with other processes; --move-all moves them", LEFT_RIGHTLY } },
	{ EBUSY, "busy", { "are in use by I/O or the kernel; try again", LEFT_BY_FAILURE } },
	{ EFAULT, "zero-page", { "were never written: the zero page", LEFT_RIGHTLY } },
	{ EHWPOISON, "poisoned", { "have a memory error; replace the memory", LEFT_BY_FAILURE } },
	{ EINVAL, "unmovable", { "cannot be moved", LEFT_BY_FAILURE } },
	{ EIO, "io-error", { "could not be written back", LEFT_BY_FAILURE } },
	{ ENOENT, "hole", { "have no memory any more", LEFT_RIGHTLY } },
	{ ENOMEM, "no-memory", { "found no free memory on the node; free some there", LEFT_BY_FAILURE } },
};

struct cause_text human_page_error(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(page_errors); i++)
		if (page_errors[i].error == error)
			return page_errors[i].text;
	return (struct cause_text){ "could not be moved", LEFT_BY_FAILURE };
}

const char *human_page_error_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(page_errors); i++)
		if (page_errors[i].error == error)
			return page_errors[i].name;
	return "other";
}
