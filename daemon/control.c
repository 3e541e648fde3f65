/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "cleanup.h"
#include "clock.h"
#include "idl.h"

/* How long the data plane may take to end what is running, beyond the deadline of a batch. */
#define DRAIN_EXTRA_USEC	(5 * 1000000ull)
/* After so long the log says what the end waits for. */
#define STOP_PATIENCE_NS	(3 * NSEC_PER_SEC)
/* The watchdog is fed that often in its time. */
#define WATCHDOG_PART		3

/*
 * What the data plane and the ring touch must never wait for the disk, or for memory to be moved. With
 * a limit it would be the next client that fails, so then nothing is locked. A second thread's arena
 * reserves 64 MiB, which count as locked even if they are never used: one has to do.
 */
static void lock_memory(void)
{
	struct rlimit limit;

	mallopt(M_ARENA_MAX, 1);
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY)
		log_warning("memory is not locked: LimitMEMLOCK= is not infinity");
	else if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_warning("memory is not locked: %s", strerror(errno));
}

/* Each client and each target takes some, and running out would stop everybody from connecting. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void log_engine(const struct dataplane_engine *e)
{
	switch (e->state) {
	case DATAPLANE_ENGINE_READY:
		log_event(LOG_INFO, LOG_ID_ENGINE, "engine %s: in use, driver %s", e->spec,
			  e->identity.driver);
		break;
	case DATAPLANE_ENGINE_RELEASED:
		log_event(LOG_INFO, LOG_ID_ENGINE, "engine %s: given back", e->spec);
		break;
	case DATAPLANE_ENGINE_CLOSING:
		log_event(LOG_INFO, LOG_ID_ENGINE, "engine %s: being closed: %s", e->spec,
			  e->why.cause);
		break;
	case DATAPLANE_ENGINE_ABSENT:
	case DATAPLANE_ENGINE_OUT:
		log_event(LOG_WARNING, LOG_ID_ENGINE, "engine %s: %s: %s%s%s", e->spec,
			  e->state == DATAPLANE_ENGINE_OUT ? "out of service" : "not in use",
			  e->why.cause, *e->why.remedy ? "; " : "", e->why.remedy);
		break;
	}
}

static bool engine_changed(const struct dataplane_engine *a, const struct dataplane_engine *b)
{
	return strcmp(a->spec, b->spec) || a->state != b->state || strcmp(a->why.cause, b->why.cause);
}

static void log_mode(const struct mode *m)
{
	if (m->reason)
		log_event(LOG_WARNING, LOG_ID_DEGRADED, "%s: %s%s%s", m->name, m->reason,
			  m->remedy ? "; " : "", m->remedy ?: "");
	else
		log_event(LOG_NOTICE, LOG_ID_READY, "mode: %s", m->name);
}

static bool mode_changed(const struct mode *a, const struct mode *b)
{
	return strcmp(a->name, b->name) || strcmp(a->reason ?: "", b->reason ?: "");
}

/* Log what is new, and keep the service manager's one line up to date. */
static void show_status(struct control *c)
{
	struct dataplane_status s;
	struct mode now, before;
	unsigned int n_ready = 0;

	dataplane_snapshot(c->dp, &s);
	now = mode_of(&s);
	before = mode_of(&c->last);
	/* Until it has tried, neither the hook nor a reason is there. */
	if (!s.hook_ready && !*s.hook_why.cause && !c->mode_known)
		return;

	for (uint32_t i = 0; i < s.n_engines; i++) {
		n_ready += s.engines[i].state == DATAPLANE_ENGINE_READY;
		if (!c->mode_known || i >= c->last.n_engines ||
		    engine_changed(&s.engines[i], &c->last.engines[i]))
			log_engine(&s.engines[i]);
	}
	if (!c->mode_known || mode_changed(&now, &before))
		log_mode(&now);
	if (!c->mode_known || mode_changed(&now, &before) || n_ready != c->n_ready)
		sd_notifyf(false, "STATUS=%s%s%s%s%s; engines: %u of %u", now.name,
			   now.reason ? ": " : "", now.reason ?: "", now.remedy ? "; " : "",
			   now.remedy ?: "", n_ready, (unsigned int)s.n_engines);
	c->mode_known = true;
	c->n_ready = n_ready;
	c->last = s;
}

static int dataplane_event(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct control *c = userdata;
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	order_reap_all(c);
	control_cut_clients(c);
	show_status(c);
	return 0;
}

/* The service manager hears from us only while the data plane gets on. */
static int feed_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control *c = userdata;
	uint64_t heartbeat = dataplane_heartbeat(c->dp);

	if (heartbeat != c->heartbeat) {
		c->heartbeat = heartbeat;
		c->n_missed = 0;
		sd_notify(false, "WATCHDOG=1");
	} else if (++c->n_missed == 2) {
		log_event(LOG_ERR, LOG_ID_STUCK, "the data plane is stuck");
	}
	/* The answer is looked at next time. */
	dataplane_ping(c->dp);
	sd_event_source_set_time(source, usec + c->watchdog_usec / WATCHDOG_PART);
	return 0;
}

static void reloaded(struct order *order);

static void report_to_log(void *userdata, bool is_error, const char *text)
{
	log_event(is_error ? LOG_ERR : LOG_WARNING, NULL, "%s", text);
}

static void reload_failed(void)
{
	log_event(LOG_ERR, LOG_ID_RELOAD_FAILED, "the configuration stays as it was");
	sd_notify(false, "READY=1");
}

/* All or nothing: the old configuration counts until the new one is complete and the data plane has it. */
static void reload(struct control *c)
{
	static const struct config_report report = { .message = report_to_log };
	_cleanup_(config_freep) struct config *config = NULL;
	struct order *order;

	if (c->stopping)
		return;
	c->reload_again = c->reload_posted;
	if (c->reload_posted)
		return;
	sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_ns() / 1000);
	if (config_load(&c->options->config, &report, &config) < 0) {
		reload_failed();
		return;
	}
	order = order_new(c, DATAPLANE_RELOAD, reloaded, NULL);
	if (!order) {
		reload_failed();
		return;
	}
	c->reload_posted = true;
	c->next_config = TAKE_PTR(config);
	order->msg.config = &c->next_config->data;
	order_post(order);
}

static void reloaded(struct order *order)
{
	struct control *c = order->control;

	c->reload_posted = false;
	if (order->msg.result < 0) {
		log_error("the data plane refused the configuration: %s",
			  strerror(-order->msg.result));
		c->next_config = config_free(c->next_config);
		reload_failed();
	} else {
		config_free(c->config);
		c->config = TAKE_PTR(c->next_config);
		log_event(LOG_NOTICE, LOG_ID_RELOADED, "configuration reloaded");
		sd_notify(false, "READY=1");
	}
	if (c->reload_again)
		reload(c);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	reload(userdata);
	return 0;
}

static void drained(struct order *order)
{
	sd_event_exit(order->control->event, 0);
}

static int drain_takes_too_long(sd_event_source *source, uint64_t usec, void *userdata)
{
	log_warning("the data plane did not come to rest, it is stopped");
	return sd_event_exit(userdata, 0);
}

/* Let what is running end; a second signal ends it now. */
static void stop(struct control *c)
{
	uint64_t usec = c->config->data.deadline_ns / 1000 + DRAIN_EXTRA_USEC;
	struct order *order;

	if (c->stopping) {
		sd_event_exit(c->event, 0);
		return;
	}
	c->stopping = true;
	log_event(LOG_NOTICE, LOG_ID_STOPPING, "stopping");
	sd_notifyf(false, "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%" PRIu64, 2 * usec);
	control_unlisten(c);
	order = order_new(c, DATAPLANE_DRAIN, drained, NULL);
	if (!order || sd_event_add_time_relative(c->event, NULL, CLOCK_MONOTONIC, usec, 0,
						 drain_takes_too_long, c->event) < 0) {
		free(order);
		sd_event_exit(c->event, 0);
		return;
	}
	order_post(order);
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	stop(userdata);
	return 0;
}

static void disconnected(sd_varlink_server *server, sd_varlink *link, void *userdata)
{
	struct conn *conn = sd_varlink_set_userdata(link, NULL);

	if (conn)
		conn_free(conn);
}

static int server_new(struct control *c)
{
	int r;

	r = sd_varlink_server_new(&c->server, 0);
	if (r < 0)
		return r;
	r = sd_varlink_server_set_info(c->server, "migoff", "migoffd", MIGOFF_VERSION, "");
	if (r >= 0)
		r = sd_varlink_server_add_interface(c->server, &vl_interface_io_migoff);
	if (r >= 0)
		r = control_bind_attach(c->server);
	if (r >= 0)
		r = control_bind_target(c->server);
	if (r >= 0)
		r = control_bind_status(c->server);
	if (r >= 0)
		r = sd_varlink_server_bind_disconnect(c->server, disconnected);
	if (r >= 0)
		r = sd_varlink_server_attach_event(c->server, c->event, SD_EVENT_PRIORITY_NORMAL);
	return r;
}

/* Before there is another thread: it inherits what is blocked. */
static int catch_signals(struct control *c)
{
	int r;

	signal(SIGPIPE, SIG_IGN);
	r = sd_event_add_signal(c->event, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, on_terminate, c);
	if (r >= 0)
		r = sd_event_add_signal(c->event, NULL, SIGINT | SD_EVENT_SIGNAL_PROCMASK,
					on_terminate, c);
	if (r >= 0)
		r = sd_event_add_signal(c->event, NULL, SIGHUP | SD_EVENT_SIGNAL_PROCMASK, on_hangup,
					c);
	return r;
}

/* Of more weight than clients: a client cannot delay what the data plane has to say. */
static int follow_dataplane(struct control *c)
{
	sd_event_source *source;
	int r;

	r = sd_event_add_io(c->event, &source, dataplane_event_fd(c->dp), EPOLLIN, dataplane_event, c);
	if (r < 0)
		return r;
	sd_event_source_set_floating(source, true);
	r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
	sd_event_source_unref(source);
	return r;
}

static int start_watchdog(struct control *c)
{
	sd_event_source *source;
	int r;

	r = sd_watchdog_enabled(true, &c->watchdog_usec);
	if (r <= 0)
		return r;
	r = sd_event_add_time_relative(c->event, &source, CLOCK_MONOTONIC,
				       c->watchdog_usec / WATCHDOG_PART, 0,
				       feed_watchdog, c);
	if (r < 0)
		return r;
	sd_event_source_set_floating(source, true);
	r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = sd_event_source_set_enabled(source, SD_EVENT_ON);
	sd_event_source_unref(source);
	return r;
}

static int start(struct control *c)
{
	int r;

	raise_descriptor_limit();
	lock_memory();
	r = sd_event_new(&c->event);
	if (r >= 0)
		r = catch_signals(c);
	if (r >= 0)
		r = server_new(c);
	if (r < 0) {
		log_error("cannot start: %s", strerror(-r));
		return r;
	}
	/* The socket first, for it tells whether another daemon is running. */
	r = control_listen(c);
	if (r < 0)
		return r;
	control_begin_usage(c);
	r = dataplane_start(&c->config->data, &c->dp);
	if (r < 0) {
		log_error("cannot start the data plane: %s", strerror(-r));
		return r;
	}
	r = follow_dataplane(c);
	if (r >= 0)
		r = start_watchdog(c);
	if (r < 0) {
		log_error("cannot start: %s", strerror(-r));
		return r;
	}
	control_watch(c);
	return 0;
}

/*
 * Say what the end waits for; to be killed, by the service manager or a person, would not make it quicker.
 * Return: whether there was something to say.
 */
static bool log_wait(const struct control *c)
{
	struct dataplane_status s;
	bool said = false;

	dataplane_snapshot(c->dp, &s);
	for (uint32_t i = 0; i < s.n_engines; i++) {
		if (s.engines[i].state != DATAPLANE_ENGINE_CLOSING)
			continue;
		log_event(LOG_WARNING, LOG_ID_ENGINE, "engine %s: the kernel has not let go of it yet, "
			  "which takes minutes if it is gone; migoffd ends after that, killed or not",
			  s.engines[i].spec);
		said = true;
	}
	return said;
}

static void stop_dataplane(struct control *c)
{
	bool said = false;

	while (c->dp && !dataplane_end(c->dp, STOP_PATIENCE_NS))
		said = said || log_wait(c);
	c->dp = dataplane_stop(c->dp);
}

/* The order matters: what the data plane had borrowed is freed after it has stopped. */
static void finish(struct control *c)
{
	struct conn *conn;

	control_unlisten(c);
	stop_dataplane(c);
	control_free_all(c);
	while ((conn = LIST_FIRST(&c->conns)))
		sd_varlink_close(conn->link);
	sd_varlink_server_unref(c->server);
	sd_event_source_disable_unref(c->watch_dev);
	sd_event_source_disable_unref(c->watch_vfio);
	sd_event_unref(c->event);
	config_free(c->config);
	config_free(c->next_config);
	usage_close(&c->usage);
}

int control_run(const struct control_options *options, struct config *config)
{
	struct control c = {
		.options = options,
		.config = config,
		.listen_fd = -1,
		.usage = { .cycles_fd = -1, .instructions_fd = -1 },
		.started_ns = clock_now_ns(),
	};
	int r;

	r = start(&c);
	if (r >= 0) {
		sd_notify(false, "READY=1");
		r = sd_event_loop(c.event);
		if (r < 0)
			log_error("the event loop failed: %s", strerror(-r));
	}
	finish(&c);
	return r < 0 ? r : 0;
}
