/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migoffctl move: the daemon first, then the kernel for what the engine is not for.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
#include "macros.h"
#include "move.h"
#include "progress.h"

/* Longer than any batch can be out: after that the daemon is stuck, not slow. */
#define STALL_NS	UINT64_C(15000000000)
#define CANCEL_NS	UINT64_C(12000000000)
#define POLL_MS		100

static volatile sig_atomic_t stop;
static struct progress bar;

static void on_signal(int sig)
{
	stop = sig;
}

static void closep(struct migoff **m)
{
	*m = migoff_close(*m);
}

static void target_closep(struct migoff_target **t)
{
	*t = migoff_target_close(*t);
}

static void add(struct migoff_result *sum, const struct migoff_result *r)
{
	sum->error = sum->error ?: r->error;
	sum->pages_asked += r->pages_asked;
	sum->pages_moved += r->pages_moved;
	for (unsigned int i = 0; i < MIGOFF_N_CAUSES; i++)
		sum->pages_by_cause[i] += r->pages_by_cause[i];
	sum->bytes_engine += r->bytes_engine;
	sum->bytes_cpu += r->bytes_cpu;
	for (unsigned int i = 0; i < MIGOFF_N_ORDERS; i++) {
		sum->folios_engine[i] += r->folios_engine[i];
		sum->folios_cpu[i] += r->folios_cpu[i];
	}
	sum->n_batches += r->n_batches;
	sum->n_expired += r->n_expired;
	sum->elapsed_ns += r->elapsed_ns;
	sum->engine_ns += r->engine_ns;
	sum->blocked_max_ns = MAX(sum->blocked_max_ns, r->blocked_max_ns);
}

/* Returns 1 with a result, or -EHOSTDOWN. */
static int wait_result(struct migoff *m, uint64_t id, uint64_t before, struct migoff_result *res)
{
	uint64_t seen = 0, done = 0, quiet_since = clock_now_ns();
	bool cancelled = false;
	int r;

	for (;;) {
		struct pollfd p = { .fd = migoff_fd(m), .events = POLLIN };

		res->size = sizeof(*res);
		r = migoff_reap(m, res);
		if (r)
			return r;
		if (stop && !cancelled) {
			cancelled = true;
			quiet_since = clock_now_ns();
			(void)migoff_cancel(m, id);
		}
		if (clock_now_ns() - quiet_since > (cancelled ? CANCEL_NS : STALL_NS))
			return -EHOSTDOWN;
		(void)poll(&p, 1, POLL_MS);

		(void)migoff_progress(m, id, &done);
		if (done != seen) {
			seen = done;
			quiet_since = clock_now_ns();
		}
		progress_update(&bar, before + done);
	}
}

/* One request: the whole process, or as many of the ranges as fit. */
static int run_request(struct migoff *m, struct migoff_target *t, const struct move_args *a,
		       const struct migoff_range *ranges, size_t n, uint64_t before,
		       struct migoff_result *res)
{
	struct migoff_request q = {
		.size = sizeof(q),
		.flags = a->move_all ? MIGOFF_MOVE_ALL : 0,
		.to_node = a->to_node,
		.n_from_words = a->from_any ? 0 : RING_N_NODE_WORDS,
		.from_nodes = a->from.w,
		.ranges = ranges,
		.n_ranges = n,
		.reason = MIGOFF_REASON_OPERATOR,
	};
	uint64_t id;
	int r;

	r = migoff_submit(t, &q, &id);
	if (r < 0)
		return r;
	r = wait_result(m, id, before, res);
	return r < 0 ? r : 0;
}

static uint64_t total_bytes(const struct move_args *a, const struct migoff_range *ranges, size_t n)
{
	unsigned long size, resident = 0;
	_cleanup_fclose_ FILE *f = NULL;
	uint64_t sum = 0;
	char path[64];

	for (size_t i = 0; i < n; i++)
		sum += ranges[i].len;
	if (a->ranges)
		return sum;
	snprintf(path, sizeof(path), "/proc/%d/statm", a->pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		return sum;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int by_daemon(struct migoff *m, struct migoff_target *t, const struct move_args *a,
		     const struct migoff_range *ranges, size_t n, struct move_outcome *o)
{
	size_t limit = (size_t)migoff_limit_ranges(m), taken;
	uint64_t before = 0;
	int r = 0;

	if (!a->ranges) {
		struct migoff_result res;

		r = run_request(m, t, a, NULL, 0, 0, &res);
		if (r >= 0)
			add(&o->daemon, &res);
		return r;
	}
	for (size_t i = 0; r >= 0 && i < n && !stop && !o->daemon.error; i += taken) {
		struct migoff_result res;

		taken = MIN(n - i, limit);
		r = run_request(m, t, a, ranges + i, taken, before, &res);
		if (r >= 0)
			add(&o->daemon, &res);
		for (size_t j = i; j < i + taken; j++)
			before += ranges[j].len;
	}
	return r;
}

/* Whether the daemon left anything that the kernel could do something about. */
static bool kernel_needed(const struct move_outcome *o)
{
	static const char *const hopeless[] = { "already-there", "other-node", "hole", "zero-page" };

	if (o->degraded || o->error)
		return true;
	for (unsigned int i = 0; i < MIGOFF_N_CAUSES; i++) {
		const char *name = migoff_cause_name(i);
		bool skip = false;

		for (size_t j = 0; name && j < ARRAY_SIZE(hopeless); j++)
			skip |= !strcmp(name, hopeless[j]);
		if (o->daemon.pages_by_cause[i] && !skip)
			return true;
	}
	return false;
}

static void kernel_step(uint64_t pages)
{
	progress_update(&bar, pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

static void move(struct migoff *m, struct migoff_target *t, const struct move_args *a,
		 struct move_outcome *o)
{
	_cleanup_free_ struct migoff_range *ranges = NULL;
	uint64_t begin = clock_now_ns();
	size_t n = 0;
	int r;

	o->error = move_mapped(a, &ranges, &n);
	if (o->error >= 0 && !o->degraded) {
		progress_begin(&bar, "by engine", total_bytes(a, ranges, n));
		r = by_daemon(m, t, a, ranges, n, o);
		progress_end(&bar);
		o->error = r < 0 ? r : o->daemon.error;
	}
	if (stop)
		o->error = 0; /* cancelled, as asked for */
	if (!stop && !a->engine_only && o->error != -ESRCH && kernel_needed(o)) {
		progress_begin(&bar, "by the kernel", total_bytes(a, ranges, n));
		r = move_by_kernel(a, &stop, kernel_step, &o->kernel);
		progress_end(&bar);
		o->kernel_done = true;
		if (r < 0)
			o->error = r;
	}
	o->interrupted = stop;
	o->elapsed_ns = clock_now_ns() - begin;
}

/* Sets @ret to why the daemon had better not be asked, or NULL. */
static int read_mode(const struct ctl *ctl, char **ret)
{
	sd_json_variant *v;
	int r;

	r = ctl_query(ctl, "io.migoff.GetStatus", &v);
	if (r)
		return r;
	if (strcmp(json_string(v, "mode"), "engine"))
		*ret = strdup(*json_string(v, "reason") ? json_string(v, "reason")
							: json_string(v, "mode"));
	sd_json_variant_unref(v);
	return CTL_OK;
}

static int fail_target(const struct ctl *ctl, const struct move_args *a, int error)
{
	if (error == -EHOSTDOWN)
		return ctl_fail_connect(ctl, error);
	if (error == -ESRCH)
		return ctl_fail(ctl, CTL_FAILED, NULL, "process %d (%s) has ended", a->pid, a->comm);
	if (error == -EUSERS)
		return ctl_fail(ctl, CTL_FAILED, "try again later",
				"migoffd works for as many processes as it allows");
	return ctl_fail(ctl, CTL_FAILED, NULL, "migoffd does not take process %d (%s): %s", a->pid,
			a->comm, strerror(-error));
}

static int run_checked(const struct ctl *ctl, const struct move_args *a)
{
	_cleanup_(closep) struct migoff *m = NULL;
	_cleanup_(target_closep) struct migoff_target *t = NULL;
	_cleanup_free_ char *degraded = NULL;
	struct move_outcome o = {};
	int r;

	r = read_mode(ctl, &degraded);
	if (r)
		return r;
	if (degraded && a->engine_only)
		return ctl_fail(ctl, CTL_NO_DAEMON, "see: migoffctl status", "migoffd is degraded: %s",
				degraded);
	o.degraded = degraded;
	if (!degraded) {
		r = migoff_open(&m, ctl->socket);
		if (r < 0)
			return ctl_fail_connect(ctl, r);
		r = migoff_target_open(m, a->pid, &t);
		if (r < 0)
			return fail_target(ctl, a, r);
	}
	move(m, t, a, &o);
	return move_report(ctl, a, &o);
}

static int run(const struct ctl *ctl, int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	_cleanup_(move_args_done) struct move_args a;
	int r;

	r = move_parse(ctl, argc, argv, &a);
	if (r >= 0)
		return r;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return run_checked(ctl, &a);
}

const struct command command_move = {
	.name = "move",
	.help = "move the memory of a process to a node",
	.run = run,
};
