/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: INI files, read into one structure by one table of keys.
 *
 * Loading is all or nothing: whoever reloads keeps the old structure until a new one is complete.
 * Nothing here logs; what is to be said goes to a struct config_report.
 */
#ifndef MIGOFF_DAEMON_CONFIG_H
#define MIGOFF_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "dataplane.h"

#define CONFIG_GROUP_LEN	64
#define CONFIG_MAX_KEYS		32
#define CONFIG_VALUE_LEN	1200	/* of a formatted value: all devices */

/**
 * struct config_origin - Where a key was set.
 * @file: index in &config.files, or -1: it has its default.
 * @line: in that file, from 1.
 */
struct config_origin {
	int file;
	unsigned int line;
};

/**
 * struct config - Everything that can be configured.
 * @data: what the data plane works by.
 * @group: who may use the daemon besides root; empty: nobody.
 * @gid: that group; (gid_t)-1 when there is none.
 * @max_clients_per_user: of the &dataplane_config.max_clients.
 * @origins: of each key, by its index in the table.
 * @files: the files that were read, in order.
 * @n_files: how many.
 */
struct config {
	struct dataplane_config data;
	char group[CONFIG_GROUP_LEN];
	gid_t gid;
	uint32_t max_clients_per_user;

	struct config_origin origins[CONFIG_MAX_KEYS];
	char **files;
	size_t n_files;
};

struct config_key;

/**
 * struct config_type - How values of a kind are read, written and described.
 * @parse: takes a value, of a length below CONFIG_VALUE_LEN. Returns 0 or a negative errno: the value
 *	is not as @expect describes it.
 * @format: writes what @parse would read the same, to CONFIG_VALUE_LEN bytes.
 * @expect: describes what is accepted, to CONFIG_VALUE_LEN bytes.
 */
struct config_type {
	int (*parse)(struct config *c, const struct config_key *key, const char *value);
	void (*format)(const struct config *c, const struct config_key *key, char *ret);
	void (*expect)(const struct config_key *key, char *ret);
};

/**
 * struct config_key - One row of the table.
 * @section: section.
 * @name: key.
 * @type: kind of its values.
 * @offset: of its field in struct config.
 * @min: least value, for numbers.
 * @max: greatest value, for numbers; size of the field, for text.
 * @words: for words: each with its value by position, ended by NULL.
 * @value: the default, as it would be written.
 * @doc: one sentence for the operator.
 */
struct config_key {
	const char *section;
	const char *name;
	const struct config_type *type;
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *const *words;
	const char *value;
	const char *doc;
};

/**
 * config_keys() - The table.
 * @ret_n: number of rows, at most CONFIG_MAX_KEYS.
 *
 * Return: the rows; those of a section follow each other.
 */
const struct config_key *config_keys(size_t *ret_n);

/**
 * struct config_report - Where complaints go.
 * @message: is handed one line without a final newline, and whether it makes loading fail.
 * @userdata: passed through.
 */
struct config_report {
	void (*message)(void *userdata, bool is_error, const char *text);
	void *userdata;
};

/**
 * struct config_source - What to read.
 * @file: only this file, which has to exist; NULL: as migoffd.conf(5) describes it.
 * @dirs: directories for that, those that matter most first, ended by NULL; NULL: the usual ones.
 * @strict: unknown keys are errors.
 */
struct config_source {
	const char *file;
	const char *const *dirs;
	bool strict;
};

/**
 * config_load() - Read the configuration.
 * @source: where from.
 * @report: where to complain; all errors are reported, not only the first.
 * @ret: the configuration.
 *
 * Return: 0, -EINVAL if the configuration is wrong, or another negative errno if it cannot be read; it
 * has been reported then.
 */
int config_load(const struct config_source *source, const struct config_report *report,
		struct config **ret);

/**
 * config_check() - Look for values that contradict each other.
 * @c: the configuration.
 * @report: where to complain.
 *
 * Return: 0 or -EINVAL.
 */
int config_check(const struct config *c, const struct config_report *report);

/**
 * config_free() - Free it.
 * @c: the configuration or NULL.
 *
 * Return: NULL.
 */
struct config *config_free(struct config *c);

static inline void config_freep(struct config **c)
{
	*c = config_free(*c);
}

/**
 * config_dump() - Write the configuration in effect as a file that reads the same.
 * @c: the configuration.
 * @f: where to.
 *
 * Return: 0, or a negative errno.
 */
int config_dump(const struct config *c, FILE *f);

#endif
