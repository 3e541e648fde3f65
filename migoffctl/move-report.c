/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "human.h"
#include "move.h"

static void unrefp(sd_json_variant **v)
{
	sd_json_variant_unref(*v);
}

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t bytes_moved(const struct move_outcome *o)
{
	return o->daemon.bytes_engine + o->daemon.bytes_cpu + o->kernel.pages_moved * page_size();
}

/*
 * Pages that should have been moved: after the kernel's turn it has the last word. Without it, what is
 * not for the engine has been left as asked for.
 */
static uint64_t pages_failed(const struct move_outcome *o)
{
	uint64_t n = 0;

	if (o->kernel_done) {
		for (int e = 0; e < MOVE_MAX_ERRNO; e++)
			if (o->kernel.pages_by_errno[e] && human_page_error(e).left == LEFT_BY_FAILURE)
				n += o->kernel.pages_by_errno[e];
		return n;
	}
	for (unsigned int i = 0; i < MIGOFF_N_CAUSES; i++) {
		const char *name = migoff_cause_name(i);

		if (o->daemon.pages_by_cause[i] &&
		    (!name || human_cause(name).left == LEFT_BY_FAILURE))
			n += o->daemon.pages_by_cause[i];
	}
	return n;
}

static int exit_status(const struct move_outcome *o)
{
	if (o->interrupted)
		return CTL_INTERRUPTED;
	if (o->error)
		return CTL_FAILED;
	return pages_failed(o) ? CTL_INCOMPLETE : CTL_OK;
}

/* What went wrong, in words; NULL when nothing did. */
static const char *problem(const struct move_outcome *o)
{
	switch (o->error) {
	case 0:
		return NULL;
	case -ESRCH:
		return "the process ended meanwhile";
	case -EHOSTDOWN:
		return "migoffd went away or stopped answering; the pages that it had are back in place";
	case -EBADF:
		return "another file is in the place of the process's pagemap in /proc";
	case -EPERM:
		return "the process began another program, or may not be moved by migoffd";
	default:
		return strerror(-o->error);
	}
}

static int append_folios(sd_json_variant **array, const struct migoff_result *d)
{
	int r = 0;

	for (unsigned int i = 0; r >= 0 && i < MIGOFF_N_ORDERS; i++)
		if (d->folios_engine[i] || d->folios_cpu[i])
			r = sd_json_variant_append_arraybo(
				array, SD_JSON_BUILD_PAIR_UNSIGNED("size", page_size() << i),
				SD_JSON_BUILD_PAIR_UNSIGNED("engine", d->folios_engine[i]),
				SD_JSON_BUILD_PAIR_UNSIGNED("cpu", d->folios_cpu[i]));
	return r;
}

static int set_causes(sd_json_variant **object, const struct migoff_result *d)
{
	int r = 0;

	for (unsigned int i = 0; r >= 0 && i < MIGOFF_N_CAUSES; i++)
		if (d->pages_by_cause[i])
			r = sd_json_variant_set_field_unsigned(
				object, migoff_cause_name(i) ?: "unknown", d->pages_by_cause[i]);
	return r;
}

static int set_errors(sd_json_variant **object, const struct move_kernel *k)
{
	uint64_t other = 0;
	int r = 0;

	for (int e = 0; r >= 0 && e < MOVE_MAX_ERRNO; e++) {
		if (!k->pages_by_errno[e])
			continue;
		if (!strcmp(human_page_error_name(e), "other"))
			other += k->pages_by_errno[e];
		else
			r = sd_json_variant_set_field_unsigned(object, human_page_error_name(e),
							       k->pages_by_errno[e]);
	}
	return r >= 0 && other ? sd_json_variant_set_field_unsigned(object, "other", other) : r;
}

static int build_json(const struct move_args *a, const struct move_outcome *o, sd_json_variant **ret)
{
	_cleanup_(unrefp) sd_json_variant *folios = NULL, *causes = NULL, *errors = NULL;
	const struct migoff_result *d = &o->daemon;
	int r;

	r = sd_json_variant_new_array(&folios, NULL, 0);
	if (r >= 0)
		r = append_folios(&folios, d);
	if (r >= 0)
		r = sd_json_variant_new_object(&causes, NULL, 0);
	if (r >= 0)
		r = set_causes(&causes, d);
	if (r >= 0)
		r = sd_json_variant_new_object(&errors, NULL, 0);
	if (r >= 0)
		r = set_errors(&errors, &o->kernel);
	if (r < 0)
		return r;
	return sd_json_buildo(
		ret, SD_JSON_BUILD_PAIR_INTEGER("pid", a->pid),
		SD_JSON_BUILD_PAIR_STRING("command", a->comm),
		SD_JSON_BUILD_PAIR_INTEGER("toNode", a->to_node),
		SD_JSON_BUILD_PAIR_INTEGER("exitStatus", exit_status(o)),
		SD_JSON_BUILD_PAIR_CONDITION(!!problem(o), "error",
					     SD_JSON_BUILD_STRING(problem(o))),
		SD_JSON_BUILD_PAIR_CONDITION(!!o->degraded, "degraded",
					     SD_JSON_BUILD_STRING(o->degraded)),
		SD_JSON_BUILD_PAIR_BOOLEAN("interrupted", o->interrupted),
		SD_JSON_BUILD_PAIR_UNSIGNED("elapsedNSec", o->elapsed_ns),
		SD_JSON_BUILD_PAIR_UNSIGNED("bytesMoved", bytes_moved(o)),
		SD_JSON_BUILD_PAIR_UNSIGNED("pagesFailed", pages_failed(o)),
		SD_JSON_BUILD_PAIR_UNSIGNED("bytesEngine", d->bytes_engine),
		SD_JSON_BUILD_PAIR_UNSIGNED("bytesCpu", d->bytes_cpu),
		SD_JSON_BUILD_PAIR_VARIANT("folios", folios),
		SD_JSON_BUILD_PAIR_UNSIGNED("pagesAsked", d->pages_asked),
		SD_JSON_BUILD_PAIR_UNSIGNED("pagesMoved", d->pages_moved),
		SD_JSON_BUILD_PAIR_VARIANT("pagesByCause", causes),
		SD_JSON_BUILD_PAIR_UNSIGNED("batches", d->n_batches),
		SD_JSON_BUILD_PAIR_UNSIGNED("batchesExpired", d->n_expired),
		SD_JSON_BUILD_PAIR_UNSIGNED("daemonNSec", d->elapsed_ns),
		SD_JSON_BUILD_PAIR_UNSIGNED("engineNSec", d->engine_ns),
		SD_JSON_BUILD_PAIR_UNSIGNED("blockedMaxNSec", d->blocked_max_ns),
		SD_JSON_BUILD_PAIR_OBJECT(
			"kernel", SD_JSON_BUILD_PAIR_BOOLEAN("asked", o->kernel_done),
			SD_JSON_BUILD_PAIR_UNSIGNED("bytesMoved",
						    o->kernel.pages_moved * page_size()),
			SD_JSON_BUILD_PAIR_UNSIGNED("pagesMoved", o->kernel.pages_moved),
			SD_JSON_BUILD_PAIR_VARIANT("pagesByError", errors),
			SD_JSON_BUILD_PAIR_UNSIGNED("elapsedNSec", o->kernel.elapsed_ns)));
}

static void print_folios(const char *who, uint64_t bytes, const uint64_t *folios)
{
	const char *separator = "";

	printf("  %-14s %10s", who, SIZE(bytes));
	for (int i = MIGOFF_N_ORDERS - 1; i >= 0; i--)
		if (folios[i]) {
			printf("%s%" PRIu64 " x %s", *separator ? separator : "   ", folios[i],
			       SIZE(page_size() << i));
			separator = ", ";
		}
	printf("\n");
}

static void print_left(const struct move_outcome *o)
{
	if (o->kernel_done) {
		for (int e = 0; e < MOVE_MAX_ERRNO; e++)
			if (o->kernel.pages_by_errno[e])
				printf("  %10" PRIu64 " pages %s\n", o->kernel.pages_by_errno[e],
				       human_page_error(e).text);
		return;
	}
	for (unsigned int i = 0; i < MIGOFF_N_CAUSES; i++)
		if (o->daemon.pages_by_cause[i])
			printf("  %10" PRIu64 " pages %s\n", o->daemon.pages_by_cause[i],
			       human_cause(migoff_cause_name(i) ?: "(unknown cause)").text);
}

static bool anything_left(const struct move_outcome *o)
{
	uint64_t n = 0;

	for (int e = 0; o->kernel_done && e < MOVE_MAX_ERRNO; e++)
		n += o->kernel.pages_by_errno[e];
	for (unsigned int i = 0; !o->kernel_done && i < MIGOFF_N_CAUSES; i++)
		n += o->daemon.pages_by_cause[i];
	return n;
}

static void print_text(const struct move_args *a, const struct move_outcome *o)
{
	const struct migoff_result *d = &o->daemon;
	uint64_t bytes = bytes_moved(o);

	if (o->degraded)
		printf("migoffd is degraded (%s): the kernel moves everything.\n", o->degraded);
	printf("Moved %s of process %d (%s) to node %d in %s (%s)\n", SIZE(bytes), a->pid, a->comm,
	       a->to_node, TIME(o->elapsed_ns), RATE(bytes, o->elapsed_ns));
	if (!o->degraded) {
		print_folios("by engine", d->bytes_engine, d->folios_engine);
		print_folios("by the CPU", d->bytes_cpu, d->folios_cpu);
	}
	if (o->kernel_done)
		printf("  %-14s %10s   %" PRIu64 " pages, in %s\n", "by the kernel",
		       SIZE(o->kernel.pages_moved * page_size()), o->kernel.pages_moved,
		       TIME(o->kernel.elapsed_ns));
	if (anything_left(o)) {
		printf("Not moved\n");
		print_left(o);
	}
	if (d->n_batches)
		printf("Engine at work %.0f %% of %s; %" PRIu64 " batches, %" PRIu64
		       " reached their deadline\nLongest time a page was unavailable: %s\n",
		       d->elapsed_ns ? 100.0 * (double)d->engine_ns / (double)d->elapsed_ns : 0,
		       TIME(d->elapsed_ns), d->n_batches, d->n_expired, TIME(d->blocked_max_ns));
	if (o->interrupted)
		printf("Interrupted: what is moved stays moved, the rest is where it was.\n");
}

int move_report(const struct ctl *ctl, const struct move_args *a, const struct move_outcome *o)
{
	_cleanup_(unrefp) sd_json_variant *v = NULL;
	int r;

	if (ctl->json) {
		r = build_json(a, o, &v);
		if (r < 0)
			return ctl_fail(ctl, CTL_FAILED, NULL, "cannot write JSON: %s",
					strerror(-r));
		r = ctl_print_json(v);
		if (r)
			return r;
	} else {
		print_text(a, o);
	}
	fflush(stdout);
	if (problem(o))
		fprintf(stderr, "migoffctl: %s\n", problem(o));
	return exit_status(o);
}
