/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes that clients name: OpenTarget and CloseTarget.
 */
#include "control.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "idl.h"

void target_free(struct attachment *a, struct target *t)
{
	LIST_REMOVE(t, entry);
	a->n_targets--;
	fd_close(t->pidfd);
	fd_close(t->pagemap_fd);
	free(t);
}

static void target_added(struct order *order)
{
	struct attachment *a = order->attachment;
	struct target *t = order->target;
	int r = order->msg.result;

	if (r >= 0)
		sd_varlink_replybo(order->link, SD_JSON_BUILD_PAIR_UNSIGNED("target", t->id));
	else if (r == -ENOSPC)
		control_reply_limit(order->link, "targets", DATAPLANE_MAX_TARGETS);
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

static int reply_refusal(sd_varlink *link, int r, const char *reason)
{
	if (r == -EBADF)
		return reply_bad_descriptor(link, "pidfd", reason);
	if (r == -ESRCH)
		return sd_varlink_error(link, IDL_ERROR_NO_SUCH_PROCESS, NULL);
	if (r == -EPERM)
		return sd_varlink_errorbo(link, IDL_ERROR_NOT_ALLOWED,
					  SD_JSON_BUILD_PAIR_STRING("message", reason));
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
	const char *reason = NULL;
	struct target *t;
	pid_t pid;
	int r;

	pidfd = sd_varlink_peek_dup_fd(link, (size_t)args->pidfd);
	if (pidfd < 0)
		return reply_bad_descriptor(link, "pidfd", "no descriptor with this index");
	pagemap_fd = sd_varlink_peek_dup_fd(link, (size_t)args->pagemap);
	if (pagemap_fd < 0)
		return reply_bad_descriptor(link, "pagemap", "no descriptor with this index");
	r = auth_check_target(pidfd, &pid, &reason);
	if (r < 0)
		return reply_refusal(link, r, reason);

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
		return reply_refusal(link, r, reason);
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

	r = control_begin(link, flags, conn);
	if (r <= 0)
		return r;
	r = sd_varlink_dispatch(link, parameters, fields, &args);
	if (r != 0)
		return r;
	if (!conn->attachment)
		return sd_varlink_error(link, IDL_ERROR_NOT_ATTACHED, NULL);
	if (conn->attachment->n_targets >= DATAPLANE_MAX_TARGETS)
		return control_reply_limit(link, "targets", DATAPLANE_MAX_TARGETS);
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

	r = control_begin(link, flags, conn);
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

int control_bind_target(sd_varlink_server *server)
{
	return sd_varlink_server_bind_method_many(server,
						  "io.migoff.OpenTarget", method_open_target,
						  "io.migoff.CloseTarget", method_close_target);
}
