/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of keys, and the kinds of values in it.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <string.h>

#include "cleanup.h"
#include "fault.h"
#include "macros.h"
#include "units.h"

#define FIELD(c, key, type) ((type *)((char *)(c) + (key)->offset))
#define CONST_FIELD(c, key, type) ((const type *)((const char *)(c) + (key)->offset))

static int in_range(const struct config_key *key, uint64_t value)
{
	return value >= key->min && value <= key->max ? 0 : -ERANGE;
}

/* Plain numbers, in a uint32_t. */

static int uint_parse(struct config *c, const struct config_key *key, const char *value)
{
	uint64_t v;
	int r;

	r = units_parse_uint(value, &v);
	if (r >= 0)
		r = in_range(key, v);
	if (r >= 0)
		*FIELD(c, key, uint32_t) = (uint32_t)v;
	return r;
}

static void uint_format(const struct config *c, const struct config_key *key, char *ret)
{
	snprintf(ret, CONFIG_VALUE_LEN, "%" PRIu32, *CONST_FIELD(c, key, uint32_t));
}

static void uint_expect(const struct config_key *key, char *ret)
{
	snprintf(ret, CONFIG_VALUE_LEN, "a number from %" PRIu64 " to %" PRIu64, key->min, key->max);
}

static const struct config_type type_uint = { uint_parse, uint_format, uint_expect };

/* Sizes, in a uint64_t of bytes. */

static int size_parse(struct config *c, const struct config_key *key, const char *value)
{
	uint64_t v;
	int r;

	r = units_parse_size(value, &v);
	if (r >= 0)
		r = in_range(key, v);
	if (r >= 0)
		*FIELD(c, key, uint64_t) = v;
	return r;
}

static void size_format(const struct config *c, const struct config_key *key, char *ret)
{
	char text[UNITS_LEN];

	units_format_size(text, *CONST_FIELD(c, key, uint64_t));
	snprintf(ret, CONFIG_VALUE_LEN, "%s", text);
}

static void size_expect(const struct config_key *key, char *ret)
{
	char min[UNITS_LEN], max[UNITS_LEN];

	snprintf(ret, CONFIG_VALUE_LEN, "a size from %s to %s", units_format_size(min, key->min),
		 units_format_size(max, key->max));
}

static const struct config_type type_size = { size_parse, size_format, size_expect };

/* Times, in a uint64_t of nanoseconds. */

static int time_parse(struct config *c, const struct config_key *key, const char *value)
{
	uint64_t v;
	int r;

	r = units_parse_time(value, &v);
	if (r >= 0)
		r = in_range(key, v);
	if (r >= 0)
		*FIELD(c, key, uint64_t) = v;
	return r;
}

static void time_format(const struct config *c, const struct config_key *key, char *ret)
{
	char text[UNITS_LEN];

	units_format_time(text, *CONST_FIELD(c, key, uint64_t));
	snprintf(ret, CONFIG_VALUE_LEN, "%s", text);
}

static void time_expect(const struct config_key *key, char *ret)
{
	char min[UNITS_LEN], max[UNITS_LEN];

	snprintf(ret, CONFIG_VALUE_LEN, "a time from %s to %s", units_format_time(min, key->min),
		 units_format_time(max, key->max));
}

static const struct config_type type_time = { time_parse, time_format, time_expect };

/* Words, in an enum whose values count from 0. */

static int word_parse(struct config *c, const struct config_key *key, const char *value)
{
	for (int i = 0; key->words[i]; i++) {
		if (!strcmp(key->words[i], value)) {
			*FIELD(c, key, int) = i;
			return 0;
		}
	}
	return -EINVAL;
}

static void word_format(const struct config *c, const struct config_key *key, char *ret)
{
	snprintf(ret, CONFIG_VALUE_LEN, "%s", key->words[*CONST_FIELD(c, key, int)]);
}

static void word_expect(const struct config_key *key, char *ret)
{
	size_t len = (size_t)snprintf(ret, CONFIG_VALUE_LEN, "one of");

	for (int i = 0; key->words[i]; i++)
		len += (size_t)snprintf(ret + len, CONFIG_VALUE_LEN - len, "%s %s", i ? "," : "",
					key->words[i]);
}

static const struct config_type type_word = { word_parse, word_format, word_expect };

/* What to do with a batch whose deadline passed: false or true. */

static int copy_parse(struct config *c, const struct config_key *key, const char *value)
{
	bool copy = !strcmp(value, key->words[1]);

	if (!copy && strcmp(value, key->words[0]))
		return -EINVAL;
	*FIELD(c, key, bool) = copy;
	return 0;
}

static void copy_format(const struct config *c, const struct config_key *key, char *ret)
{
	snprintf(ret, CONFIG_VALUE_LEN, "%s", key->words[*CONST_FIELD(c, key, bool)]);
}

static const struct config_type type_copy = { copy_parse, copy_format, word_expect };

/* Devices: PCI addresses, several in a line, added up over lines. */

/* Reads [DDDD:]BB:DD.F and writes it in full. */
static int pci_address(const char *text, char *ret, size_t size)
{
	unsigned int domain = 0, bus, device, function;
	int end = 0;

	if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text))
		return -EINVAL;
	if (sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
	    text[end]) {
		domain = 0;
		end = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 || text[end])
			return -EINVAL;
	}
	if (device > 0x1f || function > 7)
		return -EINVAL;
	snprintf(ret, size, "%04x:%02x:%02x.%x", domain, bus, device, function);
	return 0;
}

static int device_add(struct dataplane_config *d, const char *text)
{
	char spec[DATAPLANE_SPEC_LEN];
	int r;

	if (!strcmp(text, "soft")) {
		strcpy(spec, text);
	} else {
		r = pci_address(text, spec, sizeof(spec));
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < d->n_devices; i++) {
		if (!strcmp(d->devices[i], spec))
			return -EEXIST;
	}
	if (d->n_devices == DATAPLANE_MAX_DEVICES)
		return -E2BIG;
	strcpy(d->devices[d->n_devices++], spec);
	return 0;
}

static int devices_parse(struct config *c, const struct config_key *key, const char *value)
{
	char copy[CONFIG_VALUE_LEN], *save = NULL;

	if (!*value) {
		memset(c->data.devices, 0, sizeof(c->data.devices));
		c->data.n_devices = 0;
	}
	snprintf(copy, sizeof(copy), "%s", value);
	for (char *word = strtok_r(copy, " \t,", &save); word; word = strtok_r(NULL, " \t,", &save)) {
		int r;

		r = device_add(&c->data, word);
		if (r < 0)
			return r;
	}
	return 0;
}

static void devices_format(const struct config *c, const struct config_key *key, char *ret)
{
	size_t len = 0;

	*ret = '\0';
	for (uint32_t i = 0; i < c->data.n_devices; i++)
		len += (size_t)snprintf(ret + len, CONFIG_VALUE_LEN - len, "%s%s", i ? " " : "",
					c->data.devices[i]);
}

static void devices_expect(const struct config_key *key, char *ret)
{
	snprintf(ret, CONFIG_VALUE_LEN,
		 "PCI addresses such as 0000:00:05.0, each once, at most %d in all",
		 DATAPLANE_MAX_DEVICES);
}

static const struct config_type type_devices = { devices_parse, devices_format, devices_expect };

/* What the fault engine is told. */

static int fault_value_parse(struct config *c, const struct config_key *key, const char *value)
{
	struct fault_config unused;

	if (strlen(value) >= sizeof(c->data.fault))
		return -ENAMETOOLONG;
	if (*value && fault_parse(value, &unused, NULL) < 0)
		return -EINVAL;
	/* To the end, so that equal configurations are equal byte by byte. */
	strncpy(c->data.fault, value, sizeof(c->data.fault) - 1);
	return 0;
}

static void fault_value_format(const struct config *c, const struct config_key *key, char *ret)
{
	snprintf(ret, CONFIG_VALUE_LEN, "%s", c->data.fault);
}

static void fault_value_expect(const struct config_key *key, char *ret)
{
	snprintf(ret, CONFIG_VALUE_LEN, "faults such as error:every=7 or delay:us=50");
}

static const struct config_type type_fault = { fault_value_parse, fault_value_format,
					       fault_value_expect };

/* A group by name or number. */

static int group_lookup(const char *name, gid_t *ret)
{
	_cleanup_free_ char *buf = NULL;
	size_t len = 1 << 16;
	struct group grp, *found = NULL;
	uint64_t number;

	if (units_parse_uint(name, &number) >= 0) {
		if (number >= (gid_t)-1)
			return -ERANGE;
		*ret = (gid_t)number;
		return 0;
	}
	buf = malloc(len);
	if (!buf)
		return -ENOMEM;
	if (getgrnam_r(name, &grp, buf, len, &found) || !found)
		return -ENOENT;
	*ret = found->gr_gid;
	return 0;
}

static int group_parse(struct config *c, const struct config_key *key, const char *value)
{
	gid_t gid = (gid_t)-1;
	int r;

	if (strlen(value) >= sizeof(c->group))
		return -ENAMETOOLONG;
	if (*value) {
		r = group_lookup(value, &gid);
		if (r < 0)
			return r;
	}
	strcpy(c->group, value);
	c->gid = gid;
	return 0;
}

static void group_format(const struct config *c, const struct config_key *key, char *ret)
{
	snprintf(ret, CONFIG_VALUE_LEN, "%s", c->group);
}

static void group_expect(const struct config_key *key, char *ret)
{
	snprintf(ret, CONFIG_VALUE_LEN, "the name or number of a group that exists");
}

static const struct config_type type_group = { group_parse, group_format, group_expect };

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define MSEC 1000000ull
#define SEC (1000 * MSEC)

/* enum dataplane_verify */
static const char *const verify_words[] = { "auto", "off", "sampled", "full", NULL };
/* enum dataplane_between */
static const char *const between_words[] = { "zero", "keep", NULL };
static const char *const deadline_words[] = { "leave", "copy", NULL };

static_assert(sizeof(enum dataplane_verify) == sizeof(int) &&
	      sizeof(enum dataplane_between) == sizeof(int), "words are kept in an int");

#define OFFSET(field) .offset = offsetof(struct config, field)

static const struct config_key keys[] = {
	{
		.section = "engine", .name = "devices", .type = &type_devices,
		OFFSET(data.devices), .value = "",
		.doc = "PCI addresses of the copy engines, bound to vfio-pci; adds to those before, an "
		       "empty value forgets them",
	}, {
		.section = "engine", .name = "max-errors", .type = &type_uint,
		OFFSET(data.policy.max_errors), .min = 0, .max = 1000000, .value = "3",
		.doc = "Errors in a row that put an engine out of service; 0: none do",
	}, {
		.section = "engine", .name = "retry-after", .type = &type_time,
		OFFSET(data.policy.retry_after_ns), .min = MSEC, .max = 86400 * SEC, .value = "60s",
		.doc = "How long it stays out of service, the first time",
	}, {
		.section = "engine", .name = "fault", .type = &type_fault,
		OFFSET(data.fault), .value = "",
		.doc = "For tests only: what goes wrong in the engines; never set it on a machine that "
		       "matters",
	}, {
		.section = "policy", .name = "min-folio", .type = &type_size,
		OFFSET(data.policy.min_folio), .min = 4 * KIB, .max = 2 * MIB, .value = "4K",
		.doc = "Smaller folios are left to the system call; a power of two",
	}, {
		.section = "policy", .name = "min-request", .type = &type_size,
		OFFSET(data.policy.min_request), .min = 0, .max = GIB, .value = "1M",
		.doc = "Smaller requests are left to the CPU",
	}, {
		.section = "policy", .name = "max-batch", .type = &type_size,
		OFFSET(data.policy.max_batch), .min = 2 * MIB, .max = GIB, .value = "32M",
		.doc = "The most that is unavailable at once for a request",
	}, {
		.section = "policy", .name = "max-batches", .type = &type_uint,
		OFFSET(data.n_slots), .min = 1, .max = 64, .value = "8",
		.doc = "Batches that may be out at once",
	}, {
		.section = "policy", .name = "max-page-blocked", .type = &type_time,
		OFFSET(data.policy.max_page_blocked_ns), .min = 0, .max = 10 * SEC, .value = "20ms",
		.doc = "How long a page may be unavailable in the ordinary course of things: batches "
		       "are made small enough; 0: max-batch alone decides",
	}, {
		.section = "policy", .name = "deadline", .type = &type_time,
		OFFSET(data.deadline_ns), .min = MSEC, .max = 10 * SEC, .value = "1s",
		.doc = "After which the kernel hook ends a batch by itself, whatever the daemon does",
	}, {
		.section = "policy", .name = "on-deadline", .type = &type_copy,
		OFFSET(data.expire_copy), .words = deadline_words, .value = "leave",
		.doc = "Whether such a batch is left where it is, or copied by the CPU and moved",
	}, {
		.section = "policy", .name = "verify", .type = &type_word,
		OFFSET(data.verify), .words = verify_words, .value = "auto",
		.doc = "Whether the kernel hook compares what an engine copied: off, sampled, full, or "
		       "auto: sampled for engines that do not notice errors",
	}, {
		.section = "policy", .name = "copy-workers", .type = &type_uint,
		OFFSET(data.copy_workers), .min = 1, .max = 64, .value = "4",
		.doc = "Batches that the CPU copies at once, where no engine does",
	}, {
		.section = "pool", .name = "size", .type = &type_size,
		OFFSET(data.pool_bytes), .min = 0, .max = 1024 * GIB, .value = "1G",
		.doc = "Free memory of each node that the kernel hook may hold for folios to be moved to it, "
		       "at most half of the node; 0: none",
	}, {
		.section = "pool", .name = "age", .type = &type_time,
		OFFSET(data.pool_age_ns), .min = MSEC, .max = 3600 * SEC, .value = "10s",
		.doc = "What of it was not needed for so long is given back",
	}, {
		.section = "pool", .name = "between-owners", .type = &type_word,
		OFFSET(data.pool_between_owners), .words = between_words, .value = "zero",
		.doc = "What becomes of a folio that another user or memory cgroup gets: zero, or keep what is "
		       "in it for the engine to overwrite",
	}, {
		.section = "access", .name = "group", .type = &type_group,
		OFFSET(group), .value = "",
		.doc = "Who may use the daemon and see what others do, besides root; empty: nobody",
	}, {
		.section = "access", .name = "max-clients", .type = &type_uint,
		OFFSET(data.max_clients), .min = 1, .max = 1024, .value = "64",
		.doc = "Clients that may be attached at once; each takes 1.3 MiB of locked memory",
	}, {
		.section = "access", .name = "max-clients-per-user", .type = &type_uint,
		OFFSET(max_clients_per_user), .min = 1, .max = 1024, .value = "16",
		.doc = "Of these, clients of one user; root is not limited by it",
	}, {
		.section = "access", .name = "max-requests", .type = &type_uint,
		OFFSET(data.max_requests), .min = 1, .max = RING_N_SLOTS, .value = "8",
		.doc = "Requests of one client that are worked on at once; more have to wait",
	},
};

static_assert(ARRAY_SIZE(keys) <= CONFIG_MAX_KEYS, "struct config has room for each origin");

const struct config_key *config_keys(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(keys);
	return keys;
}
