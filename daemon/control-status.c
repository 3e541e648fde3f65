/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told to whoever asks, read without disturbing the data plane.
 */
#include "clock.h"
#include "control.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cause.h"
#include "cleanup.h"
#include "macros.h"
#include "reason.h"

/* Of the module migoff. */
#define HOOK_NS "/sys/class/misc/migoff/counters/finish_ns"

static void json_unrefp(sd_json_variant **v)
{
	*v = sd_json_variant_unref(*v);
}

#define _cleanup_json_ _cleanup_(json_unrefp)

static const sd_json_dispatch_field no_parameters[] = { {} };

static const char *null_if_empty(const char *s)
{
	return s && *s ? s : NULL;
}

/* Left out, which is null, when there is none. */
#define PAIR_STRING_OR_NULL(name, s)                                                           \
	SD_JSON_BUILD_PAIR_CONDITION(null_if_empty(s) != NULL, name, SD_JSON_BUILD_STRING(s))

#define PAIR_INTEGER_IF(condition, name, value)                                                \
	SD_JSON_BUILD_PAIR_CONDITION(condition, name, SD_JSON_BUILD_INTEGER(value))

struct mode mode_of(const struct dataplane_status *s)
{
	const char *name = s->draining ? "draining" : s->ready ? "engine" : "degraded";

	if (s->ready || s->draining)
		return (struct mode){ .name = name };
	if (!s->hook_ready)
		return (struct mode){ name, s->hook_why.cause, null_if_empty(s->hook_why.remedy) };
	for (uint32_t i = 0; i < s->n_engines; i++) {
		const struct why *why = &s->engines[i].why;

		if (s->engines[i].state != DATAPLANE_ENGINE_READY)
			return (struct mode){ name, why->cause, null_if_empty(why->remedy) };
	}
	return (struct mode){ name, "no engine is configured", "set devices= in migoffd.conf" };
}

/* An object of what is not 0 among @values, by name. */
static int map_json(const uint64_t *values, size_t n, const char *(*name)(unsigned int),
		    sd_json_variant **ret)
{
	_cleanup_json_ sd_json_variant *v = NULL;
	int r;

	r = sd_json_variant_new_object(&v, NULL, 0);
	for (unsigned int i = 0; i < n && r >= 0; i++) {
		const char *key = name(i);

		if (values[i] && key)
			r = sd_json_variant_set_field_unsigned(&v, key, values[i]);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(v);
	return 0;
}

static const char *engine_error_name(unsigned int status)
{
	return status < _ENGINE_STATUS_MAX ? engine_status_name((enum engine_status)status) : NULL;
}

static int folios_json(const struct account_values *a, sd_json_variant **ret)
{
	_cleanup_json_ sd_json_variant *v = NULL;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int r;

	r = sd_json_variant_new_array(&v, NULL, 0);
	for (unsigned int i = 0; i < ACCOUNT_N_ORDERS && r >= 0; i++) {
		if (a->folios_engine[i] || a->folios_cpu[i])
			r = sd_json_variant_append_arraybo(
				&v, SD_JSON_BUILD_PAIR_UNSIGNED("size", page << i),
				SD_JSON_BUILD_PAIR_UNSIGNED("engine", a->folios_engine[i]),
				SD_JSON_BUILD_PAIR_UNSIGNED("cpu", a->folios_cpu[i]));
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(v);
	return 0;
}

static int blocked_json(const struct account_values *a, sd_json_variant **ret)
{
	_cleanup_json_ sd_json_variant *v = NULL;
	int r;

	r = sd_json_variant_new_array(&v, NULL, 0);
	for (unsigned int i = 0; i < ACCOUNT_N_BUCKETS && r >= 0; i++) {
		if (a->blocked[i])
			r = sd_json_variant_append_arraybo(
				&v, SD_JSON_BUILD_PAIR_UNSIGNED("belowUSec", UINT64_C(1) << i),
				SD_JSON_BUILD_PAIR_UNSIGNED("batches", a->blocked[i]));
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(v);
	return 0;
}

/* What costs are reckoned by: the module's work, and how fast this machine copies. */
struct rates {
	double hook_ns_per_byte;
	double copy_rate;
};

/* What the module does has no owner: everybody's part is as his bytes. */
static uint64_t hook_part_ns(const struct account_values *a, double hook_ns_per_byte)
{
	return (uint64_t)((double)(a->bytes_engine + a->bytes_cpu) * hook_ns_per_byte);
}

static int account_json(const struct account *account, const struct rates *rates,
			sd_json_variant **ret)
{
	_cleanup_json_ sd_json_variant *causes = NULL, *folios = NULL, *errors = NULL;
	_cleanup_json_ sd_json_variant *fallbacks = NULL, *reasons = NULL, *blocked = NULL;
	struct account_values a;
	uint64_t hook_ns;
	int r;

	account_read(account, &a);
	hook_ns = hook_part_ns(&a, rates->hook_ns_per_byte);
	r = map_json(a.pages_by_cause, ACCOUNT_N_CAUSES, cause_name, &causes);
	if (r >= 0)
		r = map_json(a.engine_errors, ACCOUNT_N_ENGINE_ERRORS, engine_error_name, &errors);
	if (r >= 0)
		r = map_json(a.fallback_bytes, _FALLBACK_MAX, account_fallback_name, &fallbacks);
	if (r >= 0)
		r = map_json(a.bytes_by_reason, ACCOUNT_N_REASONS, reason_name, &reasons);
	if (r >= 0)
		r = folios_json(&a, &folios);
	if (r >= 0)
		r = blocked_json(&a, &blocked);
	if (r < 0)
		return r;
	return sd_json_buildo(
		ret,
		SD_JSON_BUILD_PAIR_UNSIGNED("requests", a.requests),
		SD_JSON_BUILD_PAIR_UNSIGNED("requestsFailed", a.requests_failed),
		SD_JSON_BUILD_PAIR_UNSIGNED("batches", a.batches),
		SD_JSON_BUILD_PAIR_UNSIGNED("batchesExpired", a.expired),
		SD_JSON_BUILD_PAIR_UNSIGNED("budgetMisses", a.budget_misses),
		SD_JSON_BUILD_PAIR_UNSIGNED("budgetMissesAlone", a.budget_misses_alone),
		SD_JSON_BUILD_PAIR_UNSIGNED("pagesAsked", a.pages_asked),
		SD_JSON_BUILD_PAIR_UNSIGNED("pagesMoved", a.pages_moved),
		SD_JSON_BUILD_PAIR_VARIANT("pagesByCause", causes),
		SD_JSON_BUILD_PAIR_UNSIGNED("bytesEngine", a.bytes_engine),
		SD_JSON_BUILD_PAIR_UNSIGNED("bytesCpu", a.bytes_cpu),
		SD_JSON_BUILD_PAIR_VARIANT("folios", folios),
		SD_JSON_BUILD_PAIR_VARIANT("engineErrors", errors),
		SD_JSON_BUILD_PAIR_VARIANT("fallbackBytes", fallbacks),
		SD_JSON_BUILD_PAIR_UNSIGNED("bytesAgain", a.bytes_again),
		SD_JSON_BUILD_PAIR_VARIANT("bytesByReason", reasons),
		SD_JSON_BUILD_PAIR_UNSIGNED("engineNSec", a.engine_ns),
		SD_JSON_BUILD_PAIR_UNSIGNED("cpuNSec", a.cpu_ns),
		SD_JSON_BUILD_PAIR_UNSIGNED("cpuHookNSec", hook_ns),
		SD_JSON_BUILD_PAIR_INTEGER("cpuGivenBackNSec",
			usage_given_back_ns(a.folios_engine, a.folios_cpu, ACCOUNT_N_ORDERS,
					    rates->copy_rate, a.cpu_ns + hook_ns)),
		SD_JSON_BUILD_PAIR_UNSIGNED("blockedNSec", a.blocked_ns),
		SD_JSON_BUILD_PAIR_UNSIGNED("blockedMaxNSec", a.blocked_max_ns),
		SD_JSON_BUILD_PAIR_UNSIGNED("blockedMedianNSec", account_blocked_quantile(&a, 500)),
		SD_JSON_BUILD_PAIR_UNSIGNED("blockedP99NSec", account_blocked_quantile(&a, 990)),
		SD_JSON_BUILD_PAIR_VARIANT("blocked", blocked));
}

/* Whether @conn may see what @uid does. */
static bool may_see(const struct conn *conn, uid_t uid)
{
	return conn->allowed || conn->peer.uid == uid;
}

static int clients_json(const struct conn *conn, const struct rates *rates, sd_json_variant **ret)
{
	_cleanup_json_ sd_json_variant *v = NULL;
	const struct attachment *a;
	int r;

	r = sd_json_variant_new_array(&v, NULL, 0);
	LIST_FOREACH(a, &conn->control->attachments, entry) {
		_cleanup_json_ sd_json_variant *account = NULL;

		if (!a->added || !may_see(conn, a->peer.uid))
			continue;
		if (r >= 0)
			r = account_json(&a->account, rates, &account);
		if (r >= 0)
			r = sd_json_variant_append_arraybo(
				&v, SD_JSON_BUILD_PAIR_UNSIGNED("id", a->id),
				SD_JSON_BUILD_PAIR_UNSIGNED("uid", a->peer.uid),
				SD_JSON_BUILD_PAIR_INTEGER("pid", a->peer.pid),
				SD_JSON_BUILD_PAIR_BOOLEAN("mayMoveAll", a->may_move_all),
				SD_JSON_BUILD_PAIR_UNSIGNED("targets", a->n_targets),
				SD_JSON_BUILD_PAIR_VARIANT("account", account));
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(v);
	return 0;
}

static int users_json(const struct conn *conn, const struct rates *rates, sd_json_variant **ret)
{
	_cleanup_json_ sd_json_variant *v = NULL;
	const struct user *user;
	int r;

	r = sd_json_variant_new_array(&v, NULL, 0);
	LIST_FOREACH(user, &conn->control->users, entry) {
		_cleanup_json_ sd_json_variant *account = NULL;

		if (!may_see(conn, user->uid))
			continue;
		if (r >= 0)
			r = account_json(&user->account, rates, &account);
		if (r >= 0)
			r = sd_json_variant_append_arraybo(
				&v, SD_JSON_BUILD_PAIR_UNSIGNED("uid", user->uid),
				SD_JSON_BUILD_PAIR_VARIANT("account", account));
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(v);
	return 0;
}

static int hook_json(const struct dataplane_status *s, sd_json_variant **ret)
{
	static const char *const verify[] = { "auto", "off", "sampled", "full" };

	return sd_json_buildo(
		ret,
		SD_JSON_BUILD_PAIR_BOOLEAN("ready", s->hook_ready),
		PAIR_STRING_OR_NULL("reason", s->hook_why.cause),
		PAIR_STRING_OR_NULL("remedy", s->hook_why.remedy),
		SD_JSON_BUILD_PAIR_STRING("verify", verify[s->verify]),
		SD_JSON_BUILD_PAIR_UNSIGNED("maxBatch", s->max_batch),
		SD_JSON_BUILD_PAIR_UNSIGNED("batch", s->batch_bytes));
}

static double hook_ns_per_byte(const struct account *total, uint64_t hook_ns)
{
	struct account_values a;
	uint64_t bytes;

	account_read(total, &a);
	bytes = a.bytes_engine + a.bytes_cpu;
	return bytes ? (double)hook_ns / (double)bytes : 0;
}

/* The module counts since it was loaded: what was before us is not ours. */
static int read_hook_ns(struct control *c, uint64_t *ret)
{
	uint64_t ns;
	int r;

	r = usage_hook_ns(HOOK_NS, &ns);
	if (r < 0)
		return r;
	/* Loaded again: it begins at 0. */
	if (ns < c->hook_ns_before)
		c->hook_ns_before = 0;
	*ret = ns - c->hook_ns_before;
	return 0;
}

void control_begin_usage(struct control *c)
{
	usage_open(&c->usage);
	c->copy_rate = usage_copy_rate();
	if (usage_hook_ns(HOOK_NS, &c->hook_ns_before) < 0)
		c->hook_ns_before = 0;
}

static int cpu_json(const struct control *c, bool hook_known, uint64_t hook_ns, sd_json_variant **ret)
{
	struct usage_count cycles = { 0 }, instructions = { 0 };
	bool counted = usage_read(c->usage.cycles_fd, &cycles) >= 0 &&
		       usage_read(c->usage.instructions_fd, &instructions) >= 0;

	return sd_json_buildo(
		ret,
		SD_JSON_BUILD_PAIR_UNSIGNED("timeNSec", usage_cpu_ns()),
		PAIR_INTEGER_IF(hook_known, "hookNSec", (int64_t)hook_ns),
		PAIR_INTEGER_IF(counted, "cycles", (int64_t)cycles.value),
		PAIR_INTEGER_IF(counted, "instructions", (int64_t)instructions.value),
		PAIR_INTEGER_IF(counted, "countedPercent", MIN(cycles.share, instructions.share)),
		SD_JSON_BUILD_PAIR_CONDITION(counted, "userOnly",
					     SD_JSON_BUILD_BOOLEAN(c->usage.user_only)),
		PAIR_STRING_OR_NULL("reason", c->usage.why.cause),
		PAIR_STRING_OR_NULL("remedy", c->usage.why.remedy));
}

static int method_get_status(sd_varlink *link, sd_json_variant *parameters,
			     sd_varlink_method_flags_t flags, void *userdata)
{
	_cleanup_json_ sd_json_variant *hook = NULL, *total = NULL, *clients = NULL, *users = NULL;
	_cleanup_json_ sd_json_variant *cpu = NULL;
	const struct conn *conn = userdata;
	struct control *c = conn->control;
	struct dataplane_status s;
	uint64_t hook_ns = 0;
	struct mode mode;
	bool hook_known;
	struct rates rates;
	int r;

	r = sd_varlink_dispatch(link, parameters, no_parameters, NULL);
	if (r != 0)
		return r;
	dataplane_snapshot(c->dp, &s);
	mode = mode_of(&s);
	hook_known = read_hook_ns(c, &hook_ns) >= 0;
	rates = (struct rates){
		.hook_ns_per_byte = hook_ns_per_byte(dataplane_account(c->dp), hook_ns),
		.copy_rate = c->copy_rate,
	};
	r = hook_json(&s, &hook);
	if (r >= 0)
		r = account_json(dataplane_account(c->dp), &rates, &total);
	if (r >= 0)
		r = clients_json(conn, &rates, &clients);
	if (r >= 0)
		r = users_json(conn, &rates, &users);
	if (r >= 0)
		r = cpu_json(c, hook_known, hook_ns, &cpu);
	if (r < 0)
		return r;
	return sd_varlink_replybo(
		link,
		SD_JSON_BUILD_PAIR_STRING("version", MIGOFF_VERSION),
		SD_JSON_BUILD_PAIR_STRING("mode", mode.name),
		PAIR_STRING_OR_NULL("reason", mode.reason),
		PAIR_STRING_OR_NULL("remedy", mode.remedy),
		SD_JSON_BUILD_PAIR_VARIANT("hook", hook),
		SD_JSON_BUILD_PAIR_UNSIGNED("uptimeUSec", (clock_now_ns() - c->started_ns) / 1000),
		SD_JSON_BUILD_PAIR_UNSIGNED("nClients", s.n_clients),
		SD_JSON_BUILD_PAIR_UNSIGNED("nRequests", s.n_requests),
		SD_JSON_BUILD_PAIR_UNSIGNED("nBatches", s.n_batches),
		SD_JSON_BUILD_PAIR_UNSIGNED("nClientsCut", s.n_cut),
		SD_JSON_BUILD_PAIR_VARIANT("cpu", cpu),
		SD_JSON_BUILD_PAIR_VARIANT("total", total),
		SD_JSON_BUILD_PAIR_VARIANT("clients", clients),
		SD_JSON_BUILD_PAIR_VARIANT("users", users));
}

static unsigned int address_bits(uint64_t mask)
{
	return mask ? 64 - (unsigned int)__builtin_clzll(mask) : 0;
}

/* 0: at any time, or there is nothing to be tried. */
static uint64_t engine_retry_us(const struct dataplane_engine *e)
{
	uint64_t now_ns = clock_now_ns();

	if (e->state == DATAPLANE_ENGINE_READY || e->retry_at_ns <= now_ns)
		return 0;
	return (e->retry_at_ns - now_ns) / 1000;
}

static int engine_json(const struct dataplane_engine *e, sd_json_variant **array)
{
	static const char *const states[] = {
		"absent", "ready", "out", "released", "closing",
	};
	uint64_t max_copy = MIN(e->caps.max_len, (uint64_t)INT64_MAX);
	uint64_t retry_us = engine_retry_us(e);
	bool open = e->identity.driver[0];

	return sd_json_variant_append_arraybo(
		array,
		SD_JSON_BUILD_PAIR_STRING("device", e->spec),
		SD_JSON_BUILD_PAIR_STRING("state", states[e->state]),
		PAIR_STRING_OR_NULL("reason", e->why.cause),
		PAIR_STRING_OR_NULL("remedy", e->why.remedy),
		PAIR_INTEGER_IF(retry_us, "retryUSec", (int64_t)retry_us),
		PAIR_STRING_OR_NULL("driver", e->identity.driver),
		PAIR_STRING_OR_NULL("version", e->identity.version),
		PAIR_INTEGER_IF(open && e->identity.vendor, "vendor", e->identity.vendor),
		PAIR_INTEGER_IF(open && e->identity.vendor, "product", e->identity.device),
		PAIR_INTEGER_IF(open && e->identity.node >= 0, "node", e->identity.node),
		PAIR_INTEGER_IF(open && e->identity.group >= 0, "group", e->identity.group),
		SD_JSON_BUILD_PAIR_CONDITION(open, "reportsErrors",
					     SD_JSON_BUILD_BOOLEAN(e->caps.reports_dma_errors)),
		PAIR_INTEGER_IF(open, "maxCopy", (int64_t)max_copy),
		PAIR_INTEGER_IF(open, "ringSize", e->caps.ring_size),
		PAIR_INTEGER_IF(open, "addressBits", address_bits(e->caps.address_mask)),
		PAIR_INTEGER_IF(open, "channels", e->caps.n_channels),
		SD_JSON_BUILD_PAIR_UNSIGNED("batches", e->n_batches),
		SD_JSON_BUILD_PAIR_UNSIGNED("bytesInFlight", e->in_flight),
		SD_JSON_BUILD_PAIR_UNSIGNED("consecutiveErrors", e->n_errors),
		SD_JSON_BUILD_PAIR_UNSIGNED("outages", e->n_outages),
		SD_JSON_BUILD_PAIR_UNSIGNED("tries", e->n_tries),
		SD_JSON_BUILD_PAIR_UNSIGNED("copies", e->stats.items),
		SD_JSON_BUILD_PAIR_UNSIGNED("bytes", e->stats.bytes),
		SD_JSON_BUILD_PAIR_UNSIGNED("descriptors", e->stats.descriptors),
		SD_JSON_BUILD_PAIR_UNSIGNED("submits", e->stats.submits),
		SD_JSON_BUILD_PAIR_UNSIGNED("errors", e->stats.errors),
		SD_JSON_BUILD_PAIR_UNSIGNED("cancelled", e->stats.cancelled),
		SD_JSON_BUILD_PAIR_UNSIGNED("timeouts", e->stats.timeouts),
		SD_JSON_BUILD_PAIR_UNSIGNED("recoveries", e->stats.recoveries),
		SD_JSON_BUILD_PAIR_UNSIGNED("busyNSec", e->stats.busy_ns));
}

static int method_get_engines(sd_varlink *link, sd_json_variant *parameters,
			      sd_varlink_method_flags_t flags, void *userdata)
{
	_cleanup_json_ sd_json_variant *engines = NULL;
	const struct conn *conn = userdata;
	struct dataplane_status s;
	int r;

	r = sd_varlink_dispatch(link, parameters, no_parameters, NULL);
	if (r != 0)
		return r;
	dataplane_snapshot(conn->control->dp, &s);
	r = sd_json_variant_new_array(&engines, NULL, 0);
	for (uint32_t i = 0; i < s.n_engines && r >= 0; i++)
		r = engine_json(&s.engines[i], &engines);
	if (r < 0)
		return r;
	return sd_varlink_replybo(link, SD_JSON_BUILD_PAIR_VARIANT("engines", engines));
}

static int setting_json(const struct config *config, const struct config_key *key,
			const struct config_origin *origin, sd_json_variant **array)
{
	_cleanup_free_ char *source = NULL;
	char value[CONFIG_VALUE_LEN];

	if (origin->file >= 0 &&
	    asprintf(&source, "%s:%u", config->files[origin->file], origin->line) < 0) {
		source = NULL;
		return -ENOMEM;
	}
	key->type->format(config, key, value);
	return sd_json_variant_append_arraybo(array,
					      SD_JSON_BUILD_PAIR_STRING("section", key->section),
					      SD_JSON_BUILD_PAIR_STRING("key", key->name),
					      SD_JSON_BUILD_PAIR_STRING("value", value),
					      PAIR_STRING_OR_NULL("source", source));
}

static int method_get_configuration(sd_varlink *link, sd_json_variant *parameters,
				    sd_varlink_method_flags_t flags, void *userdata)
{
	_cleanup_json_ sd_json_variant *settings = NULL, *files = NULL;
	const struct conn *conn = userdata;
	const struct config *config = conn->control->config;
	const struct config_key *keys;
	size_t n;
	int r;

	r = sd_varlink_dispatch(link, parameters, no_parameters, NULL);
	if (r != 0)
		return r;
	r = sd_json_variant_new_array(&files, NULL, 0);
	for (size_t i = 0; i < config->n_files && r >= 0; i++)
		r = sd_json_variant_append_arrayb(&files, SD_JSON_BUILD_STRING(config->files[i]));
	if (r >= 0)
		r = sd_json_variant_new_array(&settings, NULL, 0);
	keys = config_keys(&n);
	for (size_t i = 0; i < n && r >= 0; i++)
		r = setting_json(config, &keys[i], &config->origins[i], &settings);
	if (r < 0)
		return r;
	return sd_varlink_replybo(link, SD_JSON_BUILD_PAIR_VARIANT("files", files),
				  SD_JSON_BUILD_PAIR_VARIANT("settings", settings));
}

int control_bind_status(sd_varlink_server *server)
{
	return sd_varlink_server_bind_method_many(
		server,
		"io.migoff.GetStatus", method_get_status,
		"io.migoff.GetEngines", method_get_engines,
		"io.migoff.GetConfiguration", method_get_configuration);
}
