/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migoffctl status: how the daemon is, and what it has done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "human.h"

static void print_mode(sd_json_variant *v)
{
	sd_json_variant *hook = sd_json_variant_by_key(v, "hook");
	const char *mode = json_string(v, "mode");

	printf("migoffd %s, up %s\n\n", json_string(v, "version"),
	       TIME(json_uint(v, "uptimeUSec") * 1000));
	printf("%-12s %s\n", "mode", mode);
	if (*json_string(v, "reason"))
		printf("%-12s %s\n", "  because", json_string(v, "reason"));
	if (*json_string(v, "remedy"))
		printf("%-12s %s\n", "  to do", json_string(v, "remedy"));
	if (json_bool(hook, "ready"))
		printf("%-12s ready, verify %s, batches of %s (at most %s)\n", "hook",
		       json_string(hook, "verify"), SIZE(json_uint(hook, "batch")),
		       SIZE(json_uint(hook, "maxBatch")));
	else
		printf("%-12s not in use: %s\n", "hook", json_string(hook, "reason"));
	printf("%-12s clients %" PRIu64 ", requests %" PRIu64 ", batches out %" PRIu64 "\n", "now",
	       json_uint(v, "nClients"), json_uint(v, "nRequests"), json_uint(v, "nBatches"));
	if (json_uint(v, "nClientsCut"))
		printf("%-12s %" PRIu64 " clients, for nonsense in their memory\n", "cut off",
		       json_uint(v, "nClientsCut"));
}

static void print_folios(sd_json_variant *folios)
{
	size_t n = folios ? sd_json_variant_elements(folios) : 0;

	if (n)
		printf("%-12s %10s %12s %12s\n", "folios", "size", "by engine", "by the CPU");
	for (size_t i = 0; i < n; i++) {
		sd_json_variant *f = sd_json_variant_by_index(folios, i);

		printf("%-12s %10s %12" PRIu64 " %12" PRIu64 "\n", "", SIZE(json_uint(f, "size")),
		       json_uint(f, "engine"), json_uint(f, "cpu"));
	}
}

static void print_causes(sd_json_variant *causes)
{
	size_t n = causes ? sd_json_variant_elements(causes) : 0;

	/* an object's elements are its names and values in turn */
	for (size_t i = 0; i + 1 < n; i += 2)
		printf("%-12s %10" PRIu64 " pages %s\n", i ? "" : "not moved",
		       sd_json_variant_unsigned(sd_json_variant_by_index(causes, i + 1)),
		       human_cause(sd_json_variant_string(sd_json_variant_by_index(causes, i))).text);
}

static void print_total(sd_json_variant *t)
{
	uint64_t engine = json_uint(t, "bytesEngine");

	printf("\n%-12s %s by engines (%s at work), %s by the CPU\n", "moved", SIZE(engine),
	       TIME(json_uint(t, "engineNSec")), SIZE(json_uint(t, "bytesCpu")));
	if (json_uint(t, "bytesAgain"))
		printf("%-12s %s to another engine, because one failed at them\n", "moved on",
		       SIZE(json_uint(t, "bytesAgain")));
	printf("%-12s %" PRIu64 ", of which %" PRIu64 " failed; batches %" PRIu64 ", of which %" PRIu64
	       " reached their deadline\n", "requests", json_uint(t, "requests"),
	       json_uint(t, "requestsFailed"), json_uint(t, "batches"),
	       json_uint(t, "batchesExpired"));
	print_folios(sd_json_variant_by_key(t, "folios"));
	print_causes(sd_json_variant_by_key(t, "pagesByCause"));
	if (json_uint(t, "batches")) {
		printf("%-12s median below %s, 99 %% below %s, longest %s\n", "unavailable",
		       TIME(json_uint(t, "blockedMedianNSec")), TIME(json_uint(t, "blockedP99NSec")),
		       TIME(json_uint(t, "blockedMaxNSec")));
		printf("%-12s %" PRIu64 " batches longer than max-page-blocked=, of which %" PRIu64
		       " of a single folio\n", "", json_uint(t, "budgetMisses"),
		       json_uint(t, "budgetMissesAlone"));
	}
}

static void print_cpu(sd_json_variant *cpu, sd_json_variant *total)
{
	sd_json_variant *saved = sd_json_variant_by_key(total, "cpuGivenBackNSec");
	int64_t given_back = saved ? sd_json_variant_integer(saved) : 0;
	uint64_t percent = json_uint(cpu, "countedPercent");

	printf("%-12s %s by migoffd, %s by the module's workers\n", "CPU time",
	       TIME(json_uint(cpu, "timeNSec")), TIME(json_uint(cpu, "hookNSec")));
	if (percent)
		printf("%-12s %" PRIu64 " cycles, %" PRIu64 " instructions%s", "",
		       json_uint(cpu, "cycles"), json_uint(cpu, "instructions"),
		       json_bool(cpu, "userOnly") ? " outside of the kernel" : "");
	if (percent && percent < 100)
		printf(", estimated: counted %" PRIu64 " %% of the time", percent);
	if (percent)
		putchar('\n');
	if (*json_string(cpu, "reason"))
		printf("%-12s %s: %s\n", "", percent ? "not all is counted" : "cycles are not counted",
		       json_string(cpu, "reason"));
	printf("%-12s about %s %s than the kernel's own move, by estimate\n", "given back",
	       TIME((uint64_t)(given_back < 0 ? -given_back : given_back)),
	       given_back < 0 ? "more" : "less");
}

static void print_clients(sd_json_variant *clients)
{
	size_t n = clients ? sd_json_variant_elements(clients) : 0;

	if (n)
		printf("\n%6s %8s %8s %8s %10s %12s %12s %10s\n", "client", "pid", "uid", "targets",
		       "requests", "by engine", "by the CPU", "CPU time");
	for (size_t i = 0; i < n; i++) {
		sd_json_variant *c = sd_json_variant_by_index(clients, i);
		sd_json_variant *a = sd_json_variant_by_key(c, "account");

		printf("%6" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64 " %12s %12s %10s\n",
		       json_uint(c, "id"), json_uint(c, "pid"), json_uint(c, "uid"),
		       json_uint(c, "targets"), json_uint(a, "requests"),
		       SIZE(json_uint(a, "bytesEngine")), SIZE(json_uint(a, "bytesCpu")),
		       TIME(json_uint(a, "cpuNSec")));
	}
}

static const char help[] =
	"usage: migoffctl status [--json]\n\n"
	"How migoffd is, and what it has done since it was started. Exit status 0 when it is in\n"
	"working order, 4 when it is degraded, draining, or not running.\n";

static void print_status(sd_json_variant *answer)
{
	print_mode(answer);
	print_total(sd_json_variant_by_key(answer, "total"));
	print_cpu(sd_json_variant_by_key(answer, "cpu"), sd_json_variant_by_key(answer, "total"));
	print_clients(sd_json_variant_by_key(answer, "clients"));
}

static int judge(sd_json_variant *answer)
{
	return strcmp(json_string(answer, "mode"), "engine") ? CTL_NO_DAEMON : CTL_OK;
}

static int run(const struct ctl *ctl, int argc, char **argv)
{
	return ctl_ask(ctl, argc, argv, &(const struct question){
		.method = "io.migoff.GetStatus",
		.help = help,
		.print = print_status,
		.judge = judge,
	});
}

const struct command command_status = {
	.name = "status",
	.help = "how migoffd is, and what it has done",
	.run = run,
};
