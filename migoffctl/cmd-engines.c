/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migoffctl engines: the devices that copy.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "human.h"

/* A number that is null while the engine is not open. */
static struct human number(sd_json_variant *v, const char *key)
{
	struct human h = { "-" };

	v = sd_json_variant_by_key(v, key);
	if (v && sd_json_variant_is_integer(v))
		snprintf(h.s, sizeof(h.s), "%" PRId64, sd_json_variant_integer(v));
	return h;
}

static void print_engine(sd_json_variant *e)
{
	const char *driver = json_string(e, "driver");

	printf("%-24s %-9s %-12s %5s %6s %10s %10s %8s %10s\n", json_string(e, "device"),
	       json_string(e, "state"), *driver ? driver : "-", number(e, "node").s,
	       number(e, "group").s, SIZE(json_uint(e, "bytes")), number(e, "copies").s,
	       number(e, "errors").s, TIME(json_uint(e, "busyNSec")));
	if (*json_string(e, "reason"))
		printf("  because %s\n", json_string(e, "reason"));
	if (*json_string(e, "remedy"))
		printf("  to do   %s\n", json_string(e, "remedy"));
}

static void print_engines(sd_json_variant *answer)
{
	sd_json_variant *engines = sd_json_variant_by_key(answer, "engines");
	size_t n = engines ? sd_json_variant_elements(engines) : 0;

	if (!n) {
		printf("No device is configured: name one in devices= of migoffd.conf(5).\n");
		return;
	}
	printf("%-24s %-9s %-12s %5s %6s %10s %10s %8s %10s\n", "DEVICE", "STATE", "DRIVER", "NODE",
	       "GROUP", "COPIED", "COPIES", "ERRORS", "BUSY");
	for (size_t i = 0; i < n; i++)
		print_engine(sd_json_variant_by_index(engines, i));
}

static const char help[] =
	"usage: migoffctl engines [--json]\n\n"
	"The devices of devices= in migoffd.conf(5): what state they are in, and why.\n";

static int run(const struct ctl *ctl, int argc, char **argv)
{
	return ctl_ask(ctl, argc, argv, &(const struct question){
		.method = "io.migoff.GetEngines",
		.help = help,
		.print = print_engines,
	});
}

const struct command command_engines = {
	.name = "engines",
	.help = "the devices that copy, and their state",
	.run = run,
};
