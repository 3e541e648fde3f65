/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients as the data plane knows them: the shared memory of each, and the processes that it named.
 *
 * Everything lent to the data plane is given back by a message, so an attachment lives until all of
 * its messages are back, and the connection does not matter for that.
 */
#include "clock.h"
#include "control.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "idl.h"
#include "macros.h"

/* Users whose accounts are kept. */
#define MAX_USERS 256

struct order *order_new(struct control *c, enum dataplane_op op, void (*done)(struct order *),
			struct attachment *attachment)
{
	struct order *order;

	order = calloc(1, sizeof(*order));
	if (!order)
		return NULL;
	order->msg.op = op;
	order->control = c;
	order->attachment = attachment;
	order->done = done;
	return order;
}

void order_free(struct order *order)
{
	if (!order)
		return;
	sd_varlink_unref(order->link);
	free(order);
}

void order_post(struct order *order)
{
	LIST_INSERT_HEAD(&order->control->orders, order, entry);
	if (order->attachment)
		order->attachment->n_orders++;
	dataplane_post(order->control->dp, &order->msg);
}

void order_reap_all(struct control *c)
{
	struct dataplane_msg *msg;

	while ((msg = dataplane_reap(c->dp))) {
		struct order *order = container_of(msg, struct order, msg);

		LIST_REMOVE(order, entry);
		if (order->attachment)
			order->attachment->n_orders--;
		order->done(order);
		order_free(order);
	}
}

static struct account *user_account(struct control *c, uid_t uid)
{
	struct user *user;
	unsigned int n = 0;

	LIST_FOREACH(user, &c->users, entry) {
		if (user->uid == uid)
			return &user->account;
		n++;
	}
	if (n >= MAX_USERS)
		return NULL;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	LIST_INSERT_HEAD(&c->users, user, entry);
	return &user->account;
}

/* Only when the data plane has nothing of it any more. */
static void attachment_free(struct attachment *a)
{
	struct target *t;

	while ((t = LIST_FIRST(&a->targets)))
		target_free(a, t);
	LIST_REMOVE(a, entry);
	if (a->conn)
		a->conn->attachment = NULL;
	if (a->ring)
		munmap(a->ring, a->ring_len);
	fd_close(a->ring_fd);
	fd_close(a->kick_fd);
	fd_close(a->done_fd);
	order_free(a->removal);
	free(a);
}

static void client_removed(struct order *order)
{
	struct attachment *a = order->attachment;

	a->added = false;
	if (!a->n_orders)
		attachment_free(a);
}

/* Ask for everything back, or free it if nothing is lent. */
static void attachment_end(struct attachment *a)
{
	if (!a->added) {
		if (!a->n_orders)
			attachment_free(a);
		return;
	}
	a->removal->msg.client_id = a->id;
	order_post(TAKE_PTR(a->removal));
}

void attachment_orphan(struct attachment *a)
{
	a->conn->attachment = NULL;
	a->conn = NULL;
	attachment_end(a);
}

void attachment_settle(struct attachment *a)
{
	if (!a->conn && !a->added && !a->n_orders)
		attachment_free(a);
}

/* Written, not only allocated: pages that were not are cleared once more when they are mapped. */
static int fill_zero(int fd, size_t len)
{
	static const uint8_t zeros[65536];
	ssize_t n;

	for (size_t at = 0; at < len; at += (size_t)n) {
		n = pwrite(fd, zeros, MIN(len - at, sizeof(zeros)), (off_t)at);
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
	}
	return 0;
}

/*
 * Sealed against resizing, so that neither side can make the other fault; allocated now, for later
 * there may be no memory.
 */
static int ring_make(struct attachment *a)
{
	size_t data_off = ALIGN_UP(sizeof(struct ring_head), (size_t)4096);
	int r;

	a->ring_len = data_off + RING_DATA_LEN;
	a->ring_fd = memfd_create("migoff-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (a->ring_fd < 0)
		return -errno;
	r = fill_zero(a->ring_fd, a->ring_len);
	if (r < 0)
		return r;
	if (fcntl(a->ring_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	a->ring = mmap(NULL, a->ring_len, PROT_READ | PROT_WRITE, MAP_SHARED, a->ring_fd, 0);
	if (a->ring == MAP_FAILED) {
		a->ring = NULL;
		return -errno;
	}
	a->ring->magic = RING_MAGIC;
	a->ring->version = RING_VERSION;
	a->ring->n_slots = RING_N_SLOTS;
	a->ring->data_off = data_off;
	a->ring->data_len = RING_DATA_LEN;
	return 0;
}

static int attachment_new(struct conn *conn, struct attachment **ret)
{
	struct control *c = conn->control;
	struct attachment *a;
	int r, pidfd;

	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = (struct attachment){
		.control = c,
		.conn = conn,
		.id = ++c->last_attachment,
		.peer = conn->peer,
		.ring_fd = -1,
		.kick_fd = -1,
		.done_fd = -1,
	};
	LIST_INIT(&a->targets);
	LIST_INSERT_HEAD(&c->attachments, a, entry);
	conn->attachment = a;

	pidfd = sd_varlink_get_peer_pidfd(conn->link);
	a->may_move_all = pidfd >= 0 && auth_may_move_all(pidfd, &a->peer);
	a->removal = order_new(c, DATAPLANE_REMOVE_CLIENT, client_removed, a);
	r = a->removal ? ring_make(a) : -ENOMEM;
	if (r >= 0) {
		a->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		a->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (a->kick_fd < 0 || a->done_fd < 0)
			r = -errno;
	}
	if (r < 0) {
		attachment_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

int control_reply_limit(sd_varlink *link, const char *limit, unsigned int value)
{
	return sd_varlink_errorbo(link, IDL_ERROR_LIMIT, SD_JSON_BUILD_PAIR_STRING("limit", limit),
				  SD_JSON_BUILD_PAIR_UNSIGNED("value", value));
}

static int reply_attached(sd_varlink *link, const struct attachment *a)
{
	int ring, submit, done;

	ring = sd_varlink_push_dup_fd(link, a->ring_fd);
	submit = sd_varlink_push_dup_fd(link, a->kick_fd);
	done = sd_varlink_push_dup_fd(link, a->done_fd);
	if (ring < 0 || submit < 0 || done < 0)
		return -EMFILE;
	return sd_varlink_replybo(
		link,
		SD_JSON_BUILD_PAIR_UNSIGNED("version", RING_VERSION),
		SD_JSON_BUILD_PAIR_INTEGER("ring", ring),
		SD_JSON_BUILD_PAIR_INTEGER("submit", submit),
		SD_JSON_BUILD_PAIR_INTEGER("done", done),
		SD_JSON_BUILD_PAIR_UNSIGNED("length", a->ring_len),
		SD_JSON_BUILD_PAIR_UNSIGNED("dataLength", RING_DATA_LEN),
		SD_JSON_BUILD_PAIR_UNSIGNED("slots", RING_N_SLOTS),
		SD_JSON_BUILD_PAIR_UNSIGNED("targets", DATAPLANE_MAX_TARGETS),
		SD_JSON_BUILD_PAIR_UNSIGNED("deadlineNSec", a->control->config->data.deadline_ns),
		SD_JSON_BUILD_PAIR_BOOLEAN("mayMoveAll", a->may_move_all));
}

static void client_added(struct order *order)
{
	struct attachment *a = order->attachment;
	int r = order->msg.result;

	a->added = r >= 0;
	if (!a->conn) {
		attachment_end(a);
		return;
	}
	if (r >= 0)
		r = reply_attached(order->link, a);
	if (r == -ENOSPC)
		control_reply_limit(order->link, "clients", a->control->config->data.max_clients);
	else if (r < 0)
		sd_varlink_error_errno(order->link, r);
	if (r < 0) {
		a->conn->attachment = NULL;
		a->conn = NULL;
		attachment_end(a);
	}
}

int control_begin(sd_varlink *link, sd_varlink_method_flags_t flags, struct conn *conn)
{
	const struct control *c = conn->control;

	if (flags & SD_VARLINK_METHOD_ONEWAY)
		return 0;
	if (!conn->allowed)
		return sd_varlink_errorbo(
			link, IDL_ERROR_NOT_ALLOWED,
			SD_JSON_BUILD_PAIR_STRING("message", c->config->gid == (gid_t)-1 ?
				"only root may; group= in migoffd.conf can allow others" :
				"only root and members of group= in migoffd.conf may"));
	if (c->stopping)
		return sd_varlink_error(link, IDL_ERROR_STOPPING, NULL);
	return 1;
}

/* Return: 1 if there may be one more, else what the method is to return. */
static int check_limits(sd_varlink *link, const struct conn *conn)
{
	const struct control *c = conn->control;
	unsigned int n = 0, n_of_user = 0;
	const struct attachment *a;

	LIST_FOREACH(a, &c->attachments, entry) {
		n++;
		n_of_user += a->peer.uid == conn->peer.uid;
	}
	if (n >= c->config->data.max_clients)
		return control_reply_limit(link, "clients", c->config->data.max_clients);
	if (conn->peer.uid != 0 && n_of_user >= c->config->max_clients_per_user)
		return control_reply_limit(link, "clients-per-user", c->config->max_clients_per_user);
	return 1;
}

static const sd_json_dispatch_field no_parameters[] = { {} };

static int method_attach(sd_varlink *link, sd_json_variant *parameters,
			 sd_varlink_method_flags_t flags, void *userdata)
{
	struct conn *conn = userdata;
	struct attachment *a;
	struct order *order;
	int r;

	r = control_begin(link, flags, conn);
	if (r <= 0)
		return r;
	r = sd_varlink_dispatch(link, parameters, no_parameters, NULL);
	if (r != 0)
		return r;
	if (conn->attachment)
		return sd_varlink_error(link, IDL_ERROR_ALREADY_ATTACHED, NULL);
	r = check_limits(link, conn);
	if (r <= 0)
		return r;

	r = attachment_new(conn, &a);
	if (r < 0)
		return r;
	order = order_new(conn->control, DATAPLANE_ADD_CLIENT, client_added, a);
	if (!order) {
		attachment_free(a);
		return -ENOMEM;
	}
	order->link = sd_varlink_ref(link);
	order->msg.client = (struct dataplane_client){
		.id = a->id,
		.ring = a->ring,
		.ring_len = a->ring_len,
		.kick_fd = a->kick_fd,
		.done_fd = a->done_fd,
		.uid = a->peer.uid,
		.may_move_all = a->may_move_all,
		.account = &a->account,
		.uid_account = user_account(conn->control, a->peer.uid),
	};
	order_post(order);
	return 0;
}

int control_bind_attach(sd_varlink_server *server)
{
	return sd_varlink_server_bind_method(server, "io.migoff.Attach", method_attach);
}

static struct attachment *attachment_find(struct control *c, uint64_t id)
{
	struct attachment *a;

	LIST_FOREACH(a, &c->attachments, entry) {
		if (a->id == id)
			return a;
	}
	return NULL;
}

void control_cut_clients(struct control *c)
{
	const char *why;
	uint64_t id;

	while (dataplane_next_cut(c->dp, &id, &why) > 0) {
		struct attachment *a = attachment_find(c, id);

		if (!a || !a->conn)
			continue;
		if (log_allowed(&c->cut, clock_now_ns()))
			log_event(LOG_WARNING, LOG_ID_CLIENT_CUT,
				  "process %d of user %u was cut off: its ring made no sense: %s",
				  (int)a->peer.pid, (unsigned int)a->peer.uid, why);
		sd_varlink_close(a->conn->link);
	}
}

void control_free_all(struct control *c)
{
	struct attachment *a;
	struct order *order;
	struct user *user;

	while ((order = LIST_FIRST(&c->orders))) {
		LIST_REMOVE(order, entry);
		order_free(order);
	}
	while ((a = LIST_FIRST(&c->attachments)))
		attachment_free(a);
	while ((user = LIST_FIRST(&c->users))) {
		LIST_REMOVE(user, entry);
		free(user);
	}
}
