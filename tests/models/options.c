/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test orders: "OPTION[=VALUE],...".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "macros.h"
#include "model_internal.h"

enum option_kind {
	OPTION_FLAG,	/* bool */
	OPTION_NUMBER,	/* uint64_t */
	OPTION_WHEN,	/* struct model_when */
};

struct option {
	const char *key;
	enum option_kind kind;
	size_t offset;
	bool start;	/* for a new device only */
};

#define OPTION(key, kind, field, start) { key, kind, offsetof(struct model_orders, field), start }

static const struct option options[] = {
	OPTION("ns-per-kib", OPTION_NUMBER, ns_per_kib, false),
	OPTION("ns-per-descriptor", OPTION_NUMBER, ns_per_descriptor, false),
	OPTION("vectors", OPTION_NUMBER, n_vectors, true),
	OPTION("no-flr", OPTION_FLAG, no_flr, true),
	OPTION("no-post64", OPTION_FLAG, no_post64, true),
	OPTION("lenient", OPTION_FLAG, lenient, true),
	OPTION("allow", OPTION_NUMBER, allow, false),
	OPTION("hang", OPTION_WHEN, hang, false),
	OPTION("error", OPTION_WHEN, error, false),
	OPTION("error-code", OPTION_NUMBER, error_code, false),
	OPTION("lose-completion", OPTION_WHEN, lose_completion, false),
	OPTION("twice", OPTION_WHEN, twice, false),
	OPTION("unsubmitted", OPTION_WHEN, unsubmitted, false),
	OPTION("senseless", OPTION_WHEN, senseless, false),
	OPTION("late", OPTION_WHEN, late, false),
	OPTION("wrong-byte", OPTION_WHEN, wrong_byte, false),
	OPTION("lose-interrupt", OPTION_WHEN, lose_interrupt, false),
	OPTION("late-interrupt", OPTION_WHEN, late_interrupt, false),
	OPTION("stale", OPTION_FLAG, stale, false),
	OPTION("never-reset", OPTION_FLAG, never_reset, false),
};

/* "7", "0x10". */
static int parse_number(const char *s, uint64_t *ret)
{
	char *end;

	if (!s || *s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(s, &end, 0);
	return errno || *end ? -EINVAL : 0;
}

/* "3", "3/2"; nothing means 1. */
static int parse_when(const char *s, struct model_when *ret)
{
	char first[24], *every;
	int r;

	*ret = (struct model_when) { .left = 1 };
	if (!s)
		return 0;
	if (strlen(s) >= sizeof(first))
		return -EINVAL;
	strcpy(first, s);
	every = strchr(first, '/');
	if (every) {
		*every++ = '\0';
		r = parse_number(every, &ret->every);
		if (r < 0 || ret->every == 0)
			return -EINVAL;
	}
	r = parse_number(first, &ret->left);
	return r < 0 || ret->left == 0 ? -EINVAL : 0;
}

static int take_listed(const struct option *o, const char *value, struct model_orders *orders)
{
	void *field = (char *)orders + o->offset;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return value ? -EINVAL : 0;
	case OPTION_NUMBER:
		return parse_number(value, field);
	default:
		return parse_when(value, field);
	}
}

/* "absurd-ring=0": names are those that the kind of device has. */
static int take_absurd(struct model *m, const char *what, const char *value,
		       struct model_orders *orders)
{
	const char *const *name = m->ops->absurd;
	size_t i = 0;

	while (name && *name && strcmp(*name, what))
		name++;
	if (!name || !*name)
		return -EINVAL;
	while (orders->absurd[i].what && strcmp(orders->absurd[i].what, what))
		if (++i == MODEL_ABSURD_MAX)
			return -EINVAL;
	orders->absurd[i].what = *name;
	return parse_number(value, &orders->absurd[i].value);
}

static void withdraw_faults(struct model_orders *orders)
{
	size_t first = offsetof(struct model_orders, hang);

	memset((char *)orders + first, 0, sizeof(*orders) - first);
}

static int take_option(struct model *m, const char *key, const char *value, bool start,
		       struct model_orders *orders)
{
	if (!strcmp(key, "none")) {
		withdraw_faults(orders);
		return value ? -EINVAL : 0;
	}
	if (!strcmp(key, "late-write")) {
		orders->late_write = true;
		return parse_number(value, &orders->late_write_us);
	}
	if (!strcmp(key, "unplug")) {
		orders->unplug_now = !value;
		return value ? parse_when(value, &orders->unplug) : 0;
	}
	if (!strncmp(key, "absurd-", 7))
		return take_absurd(m, key + 7, value, orders);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(options[i].key, key))
			return options[i].start && !start ? -EINVAL :
				take_listed(&options[i], value, orders);
	return start && m->ops->option ? m->ops->option(m, key, value) : -EINVAL;
}

int model_options(struct model *m, const char *spec, bool start, struct model_orders *orders)
{
	_cleanup_free_ char *copy = strdup(spec ?: "");
	char *rest = copy, *key;

	if (!copy)
		return -ENOMEM;
	while ((key = strsep(&rest, ","))) {
		char *value = strchr(key, '=');

		if (value)
			*value++ = '\0';
		if (*key == '\0' && !value)
			continue;
		if (take_option(m, key, value, start, orders) < 0) {
			fprintf(stderr, "model %s: it makes no sense to order \"%s%s%s\"\n",
				m->ops->name, key, value ? "=" : "", value ?: "");
			return -EINVAL;
		}
	}
	return 0;
}

bool model_when(struct model_when *when)
{
	if (when->left == 0 || --when->left > 0)
		return false;
	when->left = when->every;
	return true;
}

const char *model_help(void)
{
	return
	"of a new device:\n"
	"  vectors=N            of MSI-X, fewer than it has; 0: it has no interrupt\n"
	"  no-flr               it has no function-level reset\n"
	"  no-post64            the processor cannot write 64 bytes at once\n"
	"  lenient              broken rules do not end the test (in-process only)\n"
	"what software may do:\n"
	"  allow=N              the next N broken rules are expected: printed, but not counted\n"
	"what it costs:\n"
	"  ns-per-kib=N         nanoseconds for each KiB copied\n"
	"  ns-per-descriptor=N  and for each descriptor\n"
	"faults; N is the Nth from now on, N/M also each Mth after that, no value is 1:\n"
	"  hang=N               the Nth descriptor is never done with\n"
	"  error=N              it fails, as hardware does\n"
	"  error-code=CODE      with that code of the device\n"
	"  lose-completion=N    its completion is not written\n"
	"  twice=N              it is completed twice\n"
	"  unsubmitted=N        one that was never submitted is completed beside it\n"
	"  senseless=N          it is completed with a code that has no meaning\n"
	"  late=N               one that comes after it is completed first\n"
	"  wrong-byte=N         one byte of its copy is wrong\n"
	"  lose-interrupt=N     the Nth interrupt does not come\n"
	"  late-interrupt=N     that of a line comes when its cause is gone again\n"
	"  unplug=N             the device vanishes with the Nth descriptor; without N at once\n"
	"  stale                registers are as a former owner left them who was killed at work\n"
	"  late-write=US        so long after a reset, or once the device may do DMA again, what it\n"
	"                       wrote last before it (up to 64 bytes) is written again, once\n"
	"  never-reset          its own command to reset never ends\n"
	"  absurd-NAME=VALUE    a capability is that: see the kind of device for names\n"
	"  none                 withdraws all faults, but brings back nothing that was unplugged\n";
}
