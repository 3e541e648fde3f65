/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients as the data plane knows them: the shared memory of each, and the processes that it named.
 *
 * Everything lent to the data plane is given back by a message, so an attachment lives until all of
 * its messages are back, and the connection does not matter for that.
 */
#include "control.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

static void order_free(struct order *order)
{
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

static void target_free(struct attachment *a, struct target *t)
{
	LIST_REMOVE(t, entry);
	a->n_targets--;
	fd_close(t->pidfd);
	fd_close(t->pagemap_fd);
	free(t);
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
	struct order *order;

	if (!a->added) {
		if (!a->n_orders)
			attachment_free(a);
		return;
	}
	order = order_new(a->control, DATAPLANE_REMOVE_CLIENT, client_removed, a);
	if (!order) {
		/* It stays until the daemon ends: better than memory that is freed while in use. */
		log_error("out of memory: client %" PRIu64 " cannot be removed", a->id);
		return;
	}
	order->msg.client_id = a->id;
	order_post(order);
}

void attachment_orphan(struct attachment *a)
{
	a->conn->attachment = NULL;
	a->conn = NULL;
	attachment_end(a);
}

/* What is left to do for an attachment when a message about it is back. */
static void attachment_settle(struct attachment *a)
{
	if (!a->conn && !a->added && !a->n_orders)
		attachment_free(a);
}

/*
 * Sealed against resizing, so that neither side can make the other fault; allocated now, for later
 * there may be no memory.
 */
static int ring_make(struct attachment *a)
{
	size_t data_off = ALIGN_UP(sizeof(struct ring_head), (size_t)4096);

	a->ring_len = data_off + RING_DATA_LEN;
	a->ring_fd = memfd_create("migoff-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (a->ring_fd < 0)
		return -errno;
	if (fallocate(a->ring_fd, 0, 0, (off_t)a->ring_len) < 0 ||
	    fcntl(a->ring_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
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
	r = ring_make(a);
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

static int reply_limit(sd_varlink *link, const char *limit, unsigned int value)
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
		reply_limit(order->link, "clients", a->control->config->data.max_clients);
	else if (r < 0)
		sd_varlink_error_errno(order->link, r);
	if (r < 0) {
		a->conn->attachment = NULL;
		a->conn = NULL;
		attachment_end(a);
	}
}

/*
 * What all methods that change something begin with. Calls without a reply are ignored: they are of no
 * use, and the reply to one that is answered later would be taken for that to another.
 *
 * Return: 1 to go on, else what the method is to return.
 */
static int begin(sd_varlink *link, sd_varlink_method_flags_t flags, struct conn *conn)
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
		return reply_limit(link, "clients", c->config->data.max_clients);
	if (conn->peer.uid != 0 && n_of_user >= c->config->max_clients_per_user)
		return reply_limit(link, "clients-per-user", c->config->max_clients_per_user);
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

	r = begin(link, flags, conn);
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

static void target_added(struct order *order)
{
	struct attachment *a = order->attachment;
	struct target *t = order->target;
	int r = order->msg.result;

	if (r >= 0)
		sd_varlink_replybo(order->link, SD_JSON_BUILD_PAIR_UNSIGNED("target", t->id));
	else if (r == -ENOSPC)
		reply_limit(order->link, "targets", DATAPLANE_MAX_TARGETS);
	else
		sd_varlink_error_errno(order->link, r);
	if (r < 0)
		target_free(a, t);
	attachment_settle(a);
}

static int reply_bad_descriptor(sd_varlink *link, const char *parameter, const char *message)
{
	return sd_varlink_errorbo(link, IDL_ERROR_BAD_DESCRIPTOR,
				  SD_JSON_BUILD_PAIR_STRING("parameter", parameter),
				  SD_JSON_BUILD_PAIR_STRING("message", message));
}

static int reply_refusal(sd_varlink *link, int r, const struct auth_refusal *refusal)
{
	if (r == -EBADF)
		return reply_bad_descriptor(link, refusal->parameter, refusal->message);
	if (r == -ESRCH)
		return sd_varlink_error(link, IDL_ERROR_NO_SUCH_PROCESS, NULL);
	if (r == -EPERM)
		return sd_varlink_errorbo(link, IDL_ERROR_NOT_ALLOWED,
					  SD_JSON_BUILD_PAIR_STRING("message", refusal->message));
	return sd_varlink_error_errno(link, r);
}

/* Give the target to the data plane; the reply follows when it has it. */
static int target_post(sd_varlink *link, struct attachment *a, struct target *t, pid_t pid)
{
	struct order *order;
	int r;

	order = order_new(a->control, DATAPLANE_ADD_TARGET, target_added, a);
	if (!order)
		return -ENOMEM;
	order->msg.target = (struct dataplane_target){
		.client = a->id,
		.id = t->id,
		.pidfd = t->pidfd,
		.pagemap_fd = t->pagemap_fd,
	};
	r = auth_allowed_nodes(pid, order->msg.target.nodes, DATAPLANE_NODE_WORDS);
	if (r < 0) {
		order_free(order);
		return r;
	}
	order->target = t;
	order->link = sd_varlink_ref(link);
	order_post(order);
	return 0;
}

struct open_target_args {
	int32_t pidfd;
	int32_t pagemap;
};

/* Return: what the method is to return. */
static int target_open(sd_varlink *link, struct attachment *a, const struct open_target_args *args)
{
	_cleanup_close_ int pidfd = -1, pagemap_fd = -1;
	struct auth_refusal refusal = {};
	struct target *t;
	pid_t pid;
	int r;

	pidfd = sd_varlink_peek_dup_fd(link, (size_t)args->pidfd);
	if (pidfd < 0)
		return reply_bad_descriptor(link, "pidfd", "no descriptor with this index");
	pagemap_fd = sd_varlink_peek_dup_fd(link, (size_t)args->pagemap);
	if (pagemap_fd < 0)
		return reply_bad_descriptor(link, "pagemap", "no descriptor with this index");
	r = auth_check_target(pidfd, pagemap_fd, &pid, &refusal);
	if (r < 0)
		return reply_refusal(link, r, &refusal);

	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->id = ++a->last_target;
	t->pidfd = TAKE_FD(pidfd);
	t->pagemap_fd = TAKE_FD(pagemap_fd);
	LIST_INSERT_HEAD(&a->targets, t, entry);
	a->n_targets++;
	r = target_post(link, a, t, pid);
	if (r < 0) {
		target_free(a, t);
		return reply_refusal(link, r, &refusal);
	}
	return 0;
}

static int method_open_target(sd_varlink *link, sd_json_variant *parameters,
			      sd_varlink_method_flags_t flags, void *userdata)
{
	static const sd_json_dispatch_field fields[] = {
		{ "pidfd", SD_JSON_VARIANT_INTEGER, sd_json_dispatch_int32,
		  offsetof(struct open_target_args, pidfd), SD_JSON_MANDATORY },
		{ "pagemap", SD_JSON_VARIANT_INTEGER, sd_json_dispatch_int32,
		  offsetof(struct open_target_args, pagemap), SD_JSON_MANDATORY },
		{},
	};
	struct conn *conn = userdata;
	struct open_target_args args = {};
	int r;

	r = begin(link, flags, conn);
	if (r <= 0)
		return r;
	r = sd_varlink_dispatch(link, parameters, fields, &args);
	if (r != 0)
		return r;
	if (!conn->attachment)
		return sd_varlink_error(link, IDL_ERROR_NOT_ATTACHED, NULL);
	if (conn->attachment->n_targets >= DATAPLANE_MAX_TARGETS)
		return reply_limit(link, "targets", DATAPLANE_MAX_TARGETS);
	return target_open(link, conn->attachment, &args);
}

static void target_removed(struct order *order)
{
	target_free(order->attachment, order->target);
	attachment_settle(order->attachment);
}

static struct target *target_find(struct attachment *a, uint32_t id)
{
	struct target *t;

	LIST_FOREACH(t, &a->targets, entry) {
		if (t->id == id && !t->closing)
			return t;
	}
	return NULL;
}

static int method_close_target(sd_varlink *link, sd_json_variant *parameters,
			       sd_varlink_method_flags_t flags, void *userdata)
{
	static const sd_json_dispatch_field fields[] = {
		{ "target", SD_JSON_VARIANT_INTEGER, sd_json_dispatch_uint32, 0, SD_JSON_MANDATORY },
		{},
	};
	struct conn *conn = userdata;
	struct attachment *a = conn->attachment;
	struct order *order;
	struct target *t;
	uint32_t id = 0;
	int r;

	r = begin(link, flags, conn);
	if (r <= 0)
		return r;
	r = sd_varlink_dispatch(link, parameters, fields, &id);
	if (r != 0)
		return r;
	if (!a)
		return sd_varlink_error(link, IDL_ERROR_NOT_ATTACHED, NULL);
	t = target_find(a, id);
	if (!t)
		return sd_varlink_errorbo(link, IDL_ERROR_NO_SUCH_TARGET,
					  SD_JSON_BUILD_PAIR_UNSIGNED("target", id));
	order = order_new(a->control, DATAPLANE_REMOVE_TARGET, target_removed, a);
	if (!order)
		return -ENOMEM;
	order->target = t;
	order->msg.target.client = a->id;
	order->msg.target.id = t->id;
	t->closing = true;
	order_post(order);
	return sd_varlink_reply(link, NULL);
}

int control_bind_attach(sd_varlink_server *server)
{
	return sd_varlink_server_bind_method_many(server,
						  "io.migoff.Attach", method_attach,
						  "io.migoff.OpenTarget", method_open_target,
						  "io.migoff.CloseTarget", method_close_target);
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
		if (log_allowed(&c->cut, control_now_ns()))
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
