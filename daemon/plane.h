/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane's own thread: clients, devices and the hook put together.
 *
 * Devices and hook come and go together, because the hook is told the devices once, when it is set
 * up. To change anything of it (plane_rebuild()) no batch may be out: PREPAREs pause, the batches at
 * hand end, the hook is closed, devices are closed and opened, the hook is opened again. Requests
 * wait meanwhile; for a device that the kernel does not let go of, only a moment.
 */
#ifndef MIGOFF_DAEMON_PLANE_H
#define MIGOFF_DAEMON_PLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "dataplane.h"
#include "engines.h"
#include "hook.h"
#include "loop.h"
#include "mover.h"

#define PLANE_MAX_CLIENTS 1024

/**
 * struct plane - All of it; zeroed but for @config, @account, @answer, @cut, @user.
 * @config: in effect.
 * @account: the numbers over all clients.
 * @answer: gives a message back.
 * @cut: tells that a client was cut off.
 * @user: for it.
 * @loop: the loop.
 * @engines: the devices.
 * @mover: the batches.
 * @hook: NULL when there is none.
 * @hook_why: why.
 * @verify: in effect with @hook.
 * @clients: all.
 * @n_clients: how many.
 * @n_cut: clients cut off so far.
 * @tick: the heartbeat, and the time to look for devices again.
 * @retry_at_ns: when to look.
 * @rebuilding: hook and devices are to be closed and opened.
 * @patience_ns: until when @reload waits for devices to be closed.
 * @draining: nothing new is taken.
 * @stopping: the thread is to end.
 * @reload: waits for the rebuilding.
 * @releases: wait until the device is closed, a list.
 * @drains: wait for the last request, a list.
 * @changed: the status has to be published, and the control plane woken.
 * @stale: its counters are to be published.
 * @cpu_ns: CPU time of the process when it was shared out last.
 */
struct plane {
	struct dataplane_config config;
	struct account *account;
	void (*answer)(void *user, struct dataplane_msg *msg);
	void (*cut)(void *user, uint64_t client, const char *why);
	void *user;
	struct loop loop;
	struct engines engines;
	struct mover mover;
	struct hook *hook;
	struct why hook_why;
	enum dataplane_verify verify;
	struct client *clients[PLANE_MAX_CLIENTS];
	uint32_t n_clients;
	uint64_t n_cut;
	struct loop_timer tick;
	uint64_t retry_at_ns;
	bool rebuilding;
	uint64_t patience_ns;
	bool draining;
	bool stopping;
	struct dataplane_config next_config;
	struct dataplane_msg *reload;
	struct dataplane_msg *releases;
	struct dataplane_msg *drains;
	bool changed;
	bool stale;
	uint64_t cpu_ns;
};

/**
 * plane_init() - Begin, without devices and hook: the first round opens them.
 * @p: the plane. The calling thread is the one that runs it.
 *
 * Return: 0, or a negative errno.
 */
int plane_init(struct plane *p);

/**
 * plane_fini() - Free everything, after plane_stop(); but devices may still be on their way out, for
 * which engines_fini() waits.
 * @p: the plane, with nothing armed.
 */
void plane_fini(struct plane *p);

/**
 * plane_handle() - Do what a message says.
 * @p: the plane.
 * @msg: the message; given back by @answer, now or later.
 */
void plane_handle(struct plane *p, struct dataplane_msg *msg);

/**
 * plane_settle() - What is due after each round of the loop.
 * @p: the plane.
 */
void plane_settle(struct plane *p);

/**
 * plane_stop() - Take nothing new and end what there is.
 * @p: the plane; go on with rounds and plane_settle() until plane_is_still().
 */
void plane_stop(struct plane *p);

/**
 * plane_is_still() - Whether no batch and no request is left after plane_stop().
 * @p: the plane.
 */
bool plane_is_still(const struct plane *p);

/**
 * plane_disarm() - Cancel what is armed; go on with rounds until nothing is.
 * @p: the plane, still.
 */
void plane_disarm(struct plane *p);

/**
 * plane_status() - Describe it.
 * @p: the plane.
 * @ret: the status.
 */
void plane_status(const struct plane *p, struct dataplane_status *ret);

/* For the other parts of it: */

/**
 * plane_ready() - Whether requests are for an engine at the moment.
 * @p: the plane.
 */
bool plane_ready(const struct plane *p);

/**
 * plane_answer() - Give a message back that was kept.
 * @user: the plane.
 * @msg: the message.
 */
void plane_answer(void *user, struct dataplane_msg *msg);

#endif
