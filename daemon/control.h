/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control plane: one thread on sd-event that owns the configuration, the clients and everything
 * that the data plane borrows.
 *
 *	control.c		start, signals, reload, drain, what the service manager is told
 *	control-socket.c	where clients connect, and which of them are let in
 *	control-attach.c	clients, and what is shared with them: Attach
 *	control-target.c	the processes that they name: OpenTarget, CloseTarget
 *	control-status.c	what is told to whoever asks: GetStatus, GetEngines, GetConfiguration
 *	control-watch.c		a device or the hook appears
 *
 * All of it runs in that thread, so nothing here has a lock.
 */
#ifndef MIGOFF_DAEMON_CONTROL_H
#define MIGOFF_DAEMON_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <systemd/sd-event.h>
#include <systemd/sd-varlink.h>

#include "auth.h"
#include "config.h"
#include "dataplane.h"
#include "log.h"
#include "usage.h"

struct control;

/**
 * struct order - A message that the data plane has, and what is to be done when it is back.
 * @msg: the message.
 * @entry: among all that are out.
 * @control: whose it is.
 * @attachment: what it is about, or NULL.
 * @target: what it is about, or NULL.
 * @link: who waits for a reply to it, or NULL; a reference.
 * @done: called when it is back; the order is freed afterwards.
 */
struct order {
	struct dataplane_msg msg;
	LIST_ENTRY(order) entry;
	struct control *control;
	struct attachment *attachment;
	struct target *target;
	sd_varlink *link;
	void (*done)(struct order *order);
};

/* A user that was a conn; kept for its account. */
struct user {
	LIST_ENTRY(user) entry;
	uid_t uid;
	struct account account;
};

/* A process that a client may have moved. */
struct target {
	LIST_ENTRY(target) entry;
	uint32_t id;
	int pidfd;
	int pagemap_fd;
	bool closing;
};

/**
 * struct conn - A connection.
 * @entry: among all.
 * @control: whose it is.
 * @link: the connection; the server's reference.
 * @peer: who it is.
 * @allowed: it may use the daemon, and see what others do.
 * @expiry: closes the connection of one that may not.
 * @attachment: what it got by Attach, or NULL.
 */
struct conn {
	LIST_ENTRY(conn) entry;
	struct control *control;
	sd_varlink *link;
	struct auth_peer peer;
	bool allowed;
	sd_event_source *expiry;
	struct attachment *attachment;
};

/**
 * struct attachment - What is shared with a client. Outlives its connection until the data plane is
 *	done with it.
 * @entry: among all.
 * @control: whose it is.
 * @conn: the conn, or NULL when it is gone.
 * @id: its name.
 * @peer: who it is.
 * @may_move_all: it had CAP_SYS_NICE when it attached.
 * @ring_fd: the shared memory.
 * @kick_fd: eventfd that the client writes.
 * @done_fd: eventfd that the data plane writes.
 * @ring: where it is mapped.
 * @ring_len: its size.
 * @account: what was done for it.
 * @targets: processes that it named, also those that it forgot but that are in use.
 * @n_targets: how many.
 * @last_target: the number given out last.
 * @n_orders: messages about it that the data plane has.
 * @removal: the last one, made with it, for a client must also go when there is no memory.
 * @added: the data plane knows it.
 */
struct attachment {
	LIST_ENTRY(attachment) entry;
	struct control *control;
	struct conn *conn;
	uint64_t id;
	struct auth_peer peer;
	bool may_move_all;
	int ring_fd;
	int kick_fd;
	int done_fd;
	struct ring_head *ring;
	size_t ring_len;
	struct account account;
	LIST_HEAD(, target) targets;
	unsigned int n_targets;
	uint32_t last_target;
	unsigned int n_orders;
	struct order *removal;
	bool added;
};

/**
 * struct control_options - What the command line decides.
 * @config: which configuration to read, at the start and at each reload.
 * @socket: where to listen if nobody passed a socket.
 */
struct control_options {
	struct config_source config;
	const char *socket;
};

/* A socket that was made here and is removed at the end. */
struct own_socket {
	const char *path;
	char *made_dir;
	dev_t dev;
	ino_t ino;
};

struct control {
	const struct control_options *options;
	struct config *config;
	struct dataplane *dp;
	sd_event *event;
	sd_varlink_server *server;

	/* control-socket.c */
	int listen_fd;
	sd_event_source *listen;
	sd_event_source *listen_again;
	struct own_socket own_socket;
	LIST_HEAD(, conn) conns;
	struct log_limit refused;

	/* control-attach.c */
	LIST_HEAD(, order) orders;
	LIST_HEAD(, attachment) attachments;
	LIST_HEAD(, user) users;
	uint64_t last_attachment;
	struct log_limit cut;

	/* control-watch.c */
	sd_event_source *watch_dev;
	sd_event_source *watch_vfio;
	bool retry_posted;
	bool retry_again;

	/* control.c */
	struct usage_counters usage;
	uint64_t hook_ns_before;
	double copy_rate;
	uint64_t started_ns;
	bool stopping;
	bool reload_posted;
	bool reload_again;
	struct config *next_config;
	uint64_t watchdog_usec;
	uint64_t heartbeat;
	unsigned int n_missed;
	bool mode_known;
	unsigned int n_ready;
	struct dataplane_status last;
};

/**
 * control_run() - Be the daemon, until told to end.
 * @options: from the command line.
 * @config: the configuration; taken over, also on failure.
 *
 * Return: 0, or a negative errno; it has been logged then.
 */
int control_run(const struct control_options *options, struct config *config);

/**
 * order_new() - Make a message for the data plane.
 * @c: the control plane.
 * @op: what to do; the rest of the message is the caller's to fill.
 * @done: called when it is back, with the message's result.
 * @attachment: what it is about, or NULL.
 *
 * Return: the order, to be given to order_post(); NULL without memory.
 */
struct order *order_new(struct control *c, enum dataplane_op op, void (*done)(struct order *),
			struct attachment *attachment);

/* Give it to the data plane. */
void order_post(struct order *order);

/* Take all messages back that are done. */
void order_reap_all(struct control *c);

/* Free one that was not posted, or NULL. */
void order_free(struct order *order);

/**
 * control_listen() - Make clients able to connect.
 * @c: the control plane, with event loop and server.
 *
 * Return: 0, or a negative errno; it has been logged.
 */
int control_listen(struct control *c);

/* No more connections; a socket made here is removed. */
void control_unlisten(struct control *c);

/* Forget a connection, which is closed. */
void conn_free(struct conn *conn);

/**
 * control_begin() - What all methods that change something begin with.
 * @link: the connection.
 * @flags: of the call.
 * @conn: who calls.
 *
 * Calls without a reply are ignored: they are of no use, and the reply to one that is answered later
 * would be taken for that to another.
 *
 * Return: 1 to go on, else what the method is to return.
 */
int control_begin(sd_varlink *link, sd_varlink_method_flags_t flags, struct conn *conn);

/* Reply that there are @value of @limit already. Return: what the method is to return. */
int control_reply_limit(sd_varlink *link, const char *limit, unsigned int value);

/* Register Attach. Return: 0, or a negative errno. */
int control_bind_attach(sd_varlink_server *server);

/* Register OpenTarget and CloseTarget. Return: 0, or a negative errno. */
int control_bind_target(sd_varlink_server *server);

/* The client of an attachment is gone: end it. */
void attachment_orphan(struct attachment *a);

/* A message about an attachment is back: free it if that was the last thing to wait for. */
void attachment_settle(struct attachment *a);

/* Forget a process, which the data plane does not have any more. */
void target_free(struct attachment *a, struct target *t);

/* Close the connections whose ring the data plane found corrupt. */
void control_cut_clients(struct control *c);

/* After the data plane has stopped: free what it had borrowed. */
void control_free_all(struct control *c);

/* Count what the daemon costs; before its threads begin. */
void control_begin_usage(struct control *c);

/* Register GetStatus, GetEngines and GetConfiguration. Return: 0, or a negative errno. */
int control_bind_status(sd_varlink_server *server);

/**
 * struct mode - What the daemon is good for at the moment.
 * @name: "engine", "degraded" or "draining".
 * @reason: what is missing, or NULL.
 * @remedy: what to do about it, or NULL.
 */
struct mode {
	const char *name;
	const char *reason;
	const char *remedy;
};

/**
 * mode_of() - Derive the mode.
 * @s: the data plane; the result points into it.
 */
struct mode mode_of(const struct dataplane_status *s);

/**
 * control_watch() - Have the data plane look again when something appears in /dev.
 * @c: the control plane.
 *
 * Failure is not fatal, as the data plane also tries again by itself; it is logged.
 */
void control_watch(struct control *c);

#endif
