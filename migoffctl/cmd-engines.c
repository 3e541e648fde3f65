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

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* What it is, and what it can do. */
static void print_facts(sd_json_variant *e)
{
	uint64_t n_channels = json_uint(e, "channels"), vendor = json_uint(e, "vendor");
	const char *version = json_string(e, "version");

	if (!n_channels)
		return;
	printf("  is      ");
	if (vendor)
		printf("%04" PRIx64 ":%04" PRIx64 ", ", vendor, json_uint(e, "product"));
	if (*version)
		printf("version %s, ", version);
	printf("%" PRIu64 " channel%s, %" PRIu64 " descriptors of up to %s, %" PRIu64
	       "-bit addresses%s\n", n_channels, plural(n_channels), json_uint(e, "ringSize"),
	       SIZE(json_uint(e, "maxCopy")), json_uint(e, "addressBits"),
	       json_bool(e, "reportsErrors") ? "" : ", does not report errors");
}

static void print_history(sd_json_variant *e)
{
	uint64_t outages = json_uint(e, "outages"), tries = json_uint(e, "tries");
	uint64_t retry_us = json_uint(e, "retryUSec");

	if (!outages && !tries)
		return;
	printf("  was     out of service %" PRIu64 " time%s, tried again %" PRIu64 " time%s",
	       outages, plural(outages), tries, plural(tries));
	if (retry_us)
		printf(", the next time in %s", TIME(retry_us * 1000));
	printf("\n");
}

static void print_engine(sd_json_variant *e)
{
	const char *driver = json_string(e, "driver");

	printf("%-24s %-9s %-12s %5s %6s %10s %10s %8s %10s\n", json_string(e, "device"),
	       json_string(e, "state"), *driver ? driver : "-", number(e, "node").s,
	       number(e, "group").s, SIZE(json_uint(e, "bytes")), number(e, "copies").s,
	       number(e, "errors").s, TIME(json_uint(e, "busyNSec")));
	print_facts(e);
	print_history(e);
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
	"The devices of devices= in migoffd.conf(5): what they are, what they have done, what state they\n"
	"are in, and why.\n";

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
