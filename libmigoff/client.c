/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <systemd/sd-json.h>

#include "cleanup.h"

#define DEFAULT_SOCKET "/run/migoff/io.migoff"

/* A daemon that is alive answers at once; also covers its start by socket activation. */
#define CALL_TIMEOUT_US (2 * 1000 * 1000)

static const struct {
	const char *error;
	int value;
} errors[] = {
	{ "io.migoff.NotAllowed", -EACCES },
	{ "io.migoff.Limit", -EUSERS },
	{ "io.migoff.NoSuchProcess", -ESRCH },
	{ "io.migoff.BadDescriptor", -EPERM },
	{ "io.migoff.Stopping", -EHOSTDOWN },
	{ "org.varlink.service.InterfaceNotFound", -EPROTONOSUPPORT },
	{ "org.varlink.service.MethodNotFound", -EPROTONOSUPPORT },
	{ "org.varlink.service.PermissionDenied", -EACCES },
	{ SD_VARLINK_ERROR_DISCONNECTED, -EHOSTDOWN },
	{ SD_VARLINK_ERROR_TIMEOUT, -EHOSTDOWN },
};

static int error_value(const char *error, sd_json_variant *parameters)
{
	int r;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(error, errors[i].error))
			return errors[i].value;
	r = sd_varlink_error_to_errno(error, parameters);
	return r < 0 && r != -EBADR ? r : -EPROTO;
}

/* @parameters is consumed. The reply is the link's, until the next call. */
static int call(struct migoff *m, const char *method, sd_json_variant *parameters,
		sd_json_variant **ret)
{
	sd_json_variant *reply = NULL;
	const char *error = NULL;
	int r;

	r = sd_varlink_call(m->link, method, parameters, &reply, &error);
	sd_json_variant_unref(parameters);
	if (r < 0) {
		m->lost = true;
		return -EHOSTDOWN;
	}
	if (error) {
		r = error_value(error, reply);
		m->lost |= r == -EHOSTDOWN;
		return r;
	}
	*ret = reply;
	return 0;
}

static int64_t integer(sd_json_variant *v, const char *key)
{
	v = sd_json_variant_by_key(v, key);
	return v && sd_json_variant_is_integer(v) ? sd_json_variant_integer(v) : -1;
}

static int take_fd(struct migoff *m, sd_json_variant *reply, const char *key)
{
	int64_t i = integer(reply, key);
	int fd;

	if (i < 0)
		return -EPROTO;
	fd = sd_varlink_take_fd(m->link, (size_t)i);
	return fd < 0 ? -EPROTO : fd;
}

static int map_ring(struct migoff *m, int fd)
{
	struct ring_head *ring;
	struct stat st;
	int seals;

	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 ||
	    (uint64_t)st.st_size < sizeof(*ring))
		return -EPROTO;

	ring = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		return -errno;
	m->ring = ring;
	m->ring_len = (size_t)st.st_size;

	if (ring->magic != RING_MAGIC || ring->version != RING_VERSION)
		return -EPROTONOSUPPORT;
	if (!ring->n_slots || ring->n_slots > RING_N_SLOTS || ring->data_off < sizeof(*ring) ||
	    ring->data_off > m->ring_len || ring->data_len > m->ring_len - ring->data_off ||
	    ring->data_len < SPAN_ALIGN || ring->data_len > RING_DATA_LEN)
		return -EPROTO;
	m->n_slots = ring->n_slots;
	m->data = (char *)ring + ring->data_off;
	m->data_len = ring->data_len;
	span_pool_init(&m->spans, m->data_len);
	return 0;
}

static int watch(struct migoff *m)
{
	struct epoll_event done = { .events = EPOLLIN };
	struct epoll_event gone = { .events = EPOLLRDHUP };

	if (epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, m->done_fd, &done) < 0 ||
	    epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, m->link_fd, &gone) < 0)
		return -errno;
	m->silenced = false;
	return 0;
}

/* Closing would not do: the daemon has the eventfd, too, and may only be stopped. */
void client_silence(struct migoff *m)
{
	if (m->silenced)
		return;
	(void)epoll_ctl(m->epoll_fd, EPOLL_CTL_DEL, m->done_fd, NULL);
	(void)epoll_ctl(m->epoll_fd, EPOLL_CTL_DEL, m->link_fd, NULL);
	m->silenced = true;
}

/* An eventfd that blocked would let a daemon that is stopped block us. */
static int nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int attach(struct migoff *m)
{
	_cleanup_close_ int ring_fd = -1;
	sd_json_variant *reply;
	int r;

	r = call(m, "io.migoff.Attach", NULL, &reply);
	if (r < 0)
		return r;
	if (integer(reply, "version") != RING_VERSION)
		return -EPROTONOSUPPORT;

	ring_fd = take_fd(m, reply, "ring");
	m->submit_fd = take_fd(m, reply, "submit");
	m->done_fd = take_fd(m, reply, "done");
	if (ring_fd < 0 || m->submit_fd < 0 || m->done_fd < 0)
		return -EPROTO;

	r = nonblocking(m->submit_fd);
	if (r < 0)
		return r;
	r = nonblocking(m->done_fd);
	if (r < 0)
		return r;
	r = map_ring(m, ring_fd);
	if (r < 0)
		return r;
	return watch(m);
}

static int connect_link(struct migoff *m)
{
	int r;

	r = sd_varlink_connect_address(&m->link, m->path);
	if (r < 0)
		return r;
	m->link_fd = sd_varlink_get_fd(m->link);
	if (m->link_fd < 0)
		return m->link_fd;
	r = sd_varlink_set_relative_timeout(m->link, CALL_TIMEOUT_US);
	if (r < 0)
		return r;
	r = sd_varlink_set_allow_fd_passing_input(m->link, true);
	if (r < 0)
		return r;
	return sd_varlink_set_allow_fd_passing_output(m->link, true);
}

static int connect_daemon(struct migoff *m)
{
	int r;

	r = connect_link(m);
	if (r < 0)
		return r;
	return attach(m);
}

static void disconnect_daemon(struct migoff *m)
{
	m->submit_fd = fd_close(m->submit_fd);
	m->done_fd = fd_close(m->done_fd);
	if (m->ring)
		munmap(m->ring, m->ring_len);
	m->ring = NULL;
	m->link = sd_varlink_close_unref(m->link);
	m->link_fd = -1;
}

static void target_free(struct migoff_target *t)
{
	if (!t)
		return;
	fd_close(t->pidfd);
	fd_close(t->pagemap_fd);
	free(t);
}

static void closep(struct migoff **m)
{
	*m = migoff_close(*m);
}

int migoff_open(struct migoff **ret, const char *path)
{
	_cleanup_(closep) struct migoff *m = NULL;
	int r;

	if (!ret)
		return -EINVAL;
	if (!path)
		path = secure_getenv("MIGOFF_SOCKET");
	if (!path || !*path)
		path = DEFAULT_SOCKET;

	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->link_fd = m->submit_fd = m->done_fd = -1;
	m->silenced = true;
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll_fd < 0)
		return -errno;
	m->path = strdup(path);
	if (!m->path)
		return -ENOMEM;

	r = connect_daemon(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

struct migoff *migoff_close(struct migoff *m)
{
	struct migoff_target *t, *next;
	int saved = errno;

	if (!m)
		return NULL;

	for (t = m->targets; t; t = next) {
		next = t->next;
		target_free(t);
	}
	/* Without client_silence(): after a fork() that would be the parent's epoll instance. */
	disconnect_daemon(m);
	fd_close(m->epoll_fd);
	free(m->path);
	free(m);
	errno = saved;
	return NULL;
}

int migoff_fd(const struct migoff *m)
{
	return m->epoll_fd;
}

bool client_lost(struct migoff *m)
{
	struct pollfd p = { .fd = m->link_fd, .events = POLLRDHUP };

	if (!m->lost && poll(&p, 1, 0) > 0)
		m->lost = true;
	return m->lost;
}

static int open_pagemap(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	/* The kernel's word for "you may not" is EACCES or EPERM by the way one comes. */
	return errno == EACCES ? -EPERM : errno == ENOENT ? -ESRCH : -errno;
}

static int tell_target(struct migoff_target *t)
{
	sd_json_variant *parameters = NULL, *reply;
	int pidfd, pagemap, r;
	int64_t id;

	/* The indices count from 0 in each call. */
	pidfd = sd_varlink_push_dup_fd(t->m->link, t->pidfd);
	pagemap = sd_varlink_push_dup_fd(t->m->link, t->pagemap_fd);
	if (pidfd < 0 || pagemap < 0)
		return -EHOSTDOWN;

	r = sd_json_buildo(&parameters, SD_JSON_BUILD_PAIR_INTEGER("pidfd", pidfd),
			   SD_JSON_BUILD_PAIR_INTEGER("pagemap", pagemap));
	if (r < 0)
		return r;
	r = call(t->m, "io.migoff.OpenTarget", parameters, &reply);
	if (r < 0)
		return r;
	id = integer(reply, "target");
	if (id < 0 || id > UINT32_MAX)
		return -EPROTO;
	t->id = (uint32_t)id;
	return 0;
}

static void target_freep(struct migoff_target **t)
{
	target_free(*t);
}

int migoff_target_open(struct migoff *m, int pid, struct migoff_target **ret)
{
	_cleanup_(target_freep) struct migoff_target *t = NULL;
	int r;

	if (!m || !ret || pid < 0)
		return -EINVAL;
	if (m->lost)
		return -EHOSTDOWN;

	t = malloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct migoff_target){ .m = m, .pid = pid ?: getpid(), .pidfd = -1, .pagemap_fd = -1 };

	t->pidfd = pidfd_open(t->pid, 0);
	if (t->pidfd < 0)
		return -errno;
	t->pagemap_fd = open_pagemap(t->pid);
	if (t->pagemap_fd < 0)
		return t->pagemap_fd;
	/* Still alive, so the pid was not somebody else's when /proc was looked at. */
	if (pidfd_send_signal(t->pidfd, 0, NULL, 0) < 0 && errno == ESRCH)
		return -ESRCH;

	r = tell_target(t);
	if (r < 0)
		return r;
	t->next = m->targets;
	m->targets = t;
	*ret = TAKE_PTR(t);
	return 0;
}

static void forget_target(struct migoff_target *t)
{
	struct migoff_target **at = &t->m->targets;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
}

struct migoff_target *migoff_target_close(struct migoff_target *t)
{
	sd_json_variant *parameters = NULL, *reply;
	int saved = errno;

	if (!t)
		return NULL;
	forget_target(t);
	if (!t->m->lost && !t->error &&
	    sd_json_buildo(&parameters, SD_JSON_BUILD_PAIR_UNSIGNED("target", t->id)) >= 0)
		(void)call(t->m, "io.migoff.CloseTarget", parameters, &reply);
	target_free(t);
	errno = saved;
	return NULL;
}

/* What a new daemon does not take is void, and the others are not: its requests say why. */
static int tell_targets(struct migoff *m)
{
	for (struct migoff_target *t = m->targets; t; t = t->next) {
		t->error = tell_target(t);
		if (m->lost)
			return -EHOSTDOWN;
	}
	return 0;
}

int migoff_reconnect(struct migoff *m)
{
	int r;

	if (!m)
		return -EINVAL;
	if (!client_lost(m))
		return 0;
	for (uint32_t i = 0; i < m->n_slots; i++)
		if (m->flights[i].id)
			return -EAGAIN;

	client_silence(m);
	disconnect_daemon(m);
	m->submit_tail = m->done_head = 0;
	m->lost = false;
	r = connect_daemon(m);
	if (r >= 0)
		r = tell_targets(m);
	m->lost |= r < 0;
	return r < 0 ? r : 0;
}
