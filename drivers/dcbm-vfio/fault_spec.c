/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "macros.h"

/* Each fault that can be asked for, with its parameters: where in the configuration they are. */
static const struct {
	const char *fault;
	const char *parameter;
	size_t offset;
} parameters[] = {
	{ "error", "at", offsetof(struct fault_config, error.at) },
	{ "error", "every", offsetof(struct fault_config, error.every) },
	{ "wrong", "at", offsetof(struct fault_config, wrong.at) },
	{ "wrong", "every", offsetof(struct fault_config, wrong.every) },
	{ "lost", "at", offsetof(struct fault_config, lost.at) },
	{ "lost", "every", offsetof(struct fault_config, lost.every) },
	{ "hang", "at", offsetof(struct fault_config, hang.at) },
	{ "hang", "every", offsetof(struct fault_config, hang.every) },
	{ "delay", "us", offsetof(struct fault_config, delay_us) },
	{ "delay", "ns_per_kib", offsetof(struct fault_config, delay_ns_per_kib) },
	{ "recover", "times", offsetof(struct fault_config, recover) },
	{ "close", "fd", offsetof(struct fault_config, close_fd) },
};

static int number_parse(const char *text, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return -EINVAL;
	*ret = value;
	return 0;
}

/* @assignment is "every=7". */
static int parameter_parse(const char *fault, char *assignment, struct fault_config *config,
			   struct why *why)
{
	char *value = strchr(assignment, '=');
	uint64_t number;

	if (!value)
		return why_fail(why, -EINVAL, "fault %s: \"%s\" has no value", fault, assignment);
	*value++ = '\0';
	if (number_parse(value, &number) < 0)
		return why_fail(why, -EINVAL, "fault %s: %s=%s is not a number", fault, assignment,
				value);
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		if (strcmp(parameters[i].fault, fault) ||
		    strcmp(parameters[i].parameter, assignment))
			continue;
		memcpy((char *)config + parameters[i].offset, &number, sizeof(number));
		return 0;
	}
	return why_fail(why, -EINVAL, "there is no fault %s:%s", fault, assignment);
}

int fault_parse(const char *spec, struct fault_config *ret, struct why *why)
{
	_cleanup_free_ char *copy = strdup(spec);
	struct fault_config config = {};
	char *fault, *rest = copy;
	int r;

	if (!copy)
		return why_fail(why, -ENOMEM, "no memory");
	while ((fault = strsep(&rest, ","))) {
		char *assignments = fault, *assignment;

		strsep(&assignments, ":");
		if (!assignments)
			return why_fail(why, -EINVAL, "fault \"%s\" has no parameter", fault);
		while ((assignment = strsep(&assignments, ":"))) {
			r = parameter_parse(fault, assignment, &config, why);
			if (r < 0)
				return r;
		}
	}
	*ret = config;
	return 0;
}
