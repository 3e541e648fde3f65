/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where clients connect. Connections are accepted here and not by sd-varlink, which stops listening
 * for ever when there are no descriptors left, and knows no limits but those per user.
 *
 * Anybody can connect and ask how the daemon is. Connections of those who may do no more are few and
 * short, and descriptors cannot be sent over them, so that they are in nobody's way: closing one, also as
 * one that was not taken, can take as long as whoever made it likes (a socket that lingers, a file system
 * whose server does not answer).
 */
#include "clock.h"
#include "control.h"

#include <assert.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cleanup.h"

/* Connections of those who may use the daemon, beside the clients that may be attached. */
#define MORE_CONNECTIONS	64
/* Connections of others, and for how long. */
#define MAX_STRANGERS		16
#define STRANGER_USEC		(10 * 1000000ull)
/* Before listening again after accept() failed. */
#define LISTEN_AGAIN_USEC	(200 * 1000ull)

/* Since Linux 6.16; the C library may not know it yet. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

void conn_free(struct conn *conn)
{
	LIST_REMOVE(conn, entry);
	sd_event_source_disable_unref(conn->expiry);
	if (conn->attachment)
		attachment_orphan(conn->attachment);
	free(conn);
}

/*
 * Whether the other end can send descriptors; if not, that fails there. A connection begins as the socket
 * is that listens, so that none are sent before it is accepted. No kernel that has the module lacks it.
 */
static void pass_rights(int fd, bool on)
{
	int value = on;

	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &value, sizeof(value));
}

static bool peer_is_allowed(const struct control *c, int fd, const struct auth_peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid() ||
	       auth_is_member(fd, peer, c->config->gid);
}

/* Return: the limit that stands in the way of one more connection, or 0. */
static unsigned int too_many(const struct control *c, uid_t uid, bool allowed)
{
	unsigned int n_alike = 0, n_of_user = 0, limit;
	const struct conn *conn;

	LIST_FOREACH(conn, &c->conns, entry) {
		n_alike += conn->allowed == allowed;
		n_of_user += conn->peer.uid == uid && conn->allowed == allowed;
	}
	limit = allowed ? c->config->data.max_clients + MORE_CONNECTIONS : MAX_STRANGERS;
	if (n_alike >= limit)
		return limit;
	limit = allowed ? c->config->max_clients_per_user + MORE_CONNECTIONS / 2 : MAX_STRANGERS / 2;
	return uid != 0 && n_of_user >= limit ? limit : 0;
}

static int expire(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct conn *conn = userdata;

	/* Ends in disconnected(), which frees the client. */
	sd_varlink_close(conn->link);
	return 0;
}

static int conn_add(struct control *c, int fd, const struct auth_peer *peer, bool allowed)
{
	struct conn *conn;
	int r;

	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return -ENOMEM;
	*conn = (struct conn){ .control = c, .peer = *peer, .allowed = allowed };
	r = sd_varlink_server_add_connection(c->server, fd, &conn->link);
	if (r < 0) {
		free(conn);
		return r;
	}
	/* From here on the descriptor is the connection's, which frees the client when it ends. */
	LIST_INSERT_HEAD(&c->conns, conn, entry);
	sd_varlink_set_userdata(conn->link, conn);
	if (allowed) {
		pass_rights(fd, true);
		r = sd_varlink_set_allow_fd_passing_input(conn->link, true);
		if (r >= 0)
			r = sd_varlink_set_allow_fd_passing_output(conn->link, true);
	} else {
		r = sd_event_add_time_relative(c->event, &conn->expiry, CLOCK_MONOTONIC,
					       STRANGER_USEC, 0, expire, conn);
	}
	if (r < 0)
		sd_varlink_close(conn->link);
	return 0;
}

static int admit(struct control *c, int fd)
{
	struct auth_peer peer;
	unsigned int limit;
	bool allowed;
	int r;

	r = auth_peer_of(fd, &peer);
	if (r < 0)
		return r;
	allowed = peer_is_allowed(c, fd, &peer);
	limit = too_many(c, peer.uid, allowed);
	if (limit) {
		if (log_allowed(&c->refused, clock_now_ns()))
			log_event(LOG_NOTICE, LOG_ID_REFUSED,
				  "refused a connection of user %u: there are %u already",
				  (unsigned int)peer.uid, limit);
		return -EUSERS;
	}
	return conn_add(c, fd, &peer, allowed);
}

static int listen_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control *c = userdata;

	return sd_event_source_set_enabled(c->listen, SD_EVENT_ON);
}

static int accepting(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	_cleanup_close_ int connection = -1;
	struct control *c = userdata;

	connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (connection >= 0) {
		if (admit(c, connection) >= 0)
			TAKE_FD(connection);
		return 0;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return 0;
	/* Out of descriptors or memory. The connection stays pending, so wait instead of spinning. */
	if (log_allowed(&c->refused, clock_now_ns()))
		log_warning("cannot accept a connection: %s", strerror(errno));
	sd_event_source_set_enabled(c->listen, SD_EVENT_OFF);
	sd_event_source_set_time_relative(c->listen_again, LISTEN_AGAIN_USEC);
	sd_event_source_set_enabled(c->listen_again, SD_EVENT_ONESHOT);
	return 0;
}

/*
 * Sockets that the service manager passes are told apart by their names: FileDescriptorName=, or by
 * default the socket unit's; "unknown" if it does not name them.
 *
 * Return: a descriptor, -ENOENT when none was passed, or another negative errno.
 */
static int passed_socket(void)
{
	static const char *const wanted[] = { "io.migoff", "migoffd.socket", "unknown" };
	_cleanup_close_ int found = -1;
	char **names = NULL;
	int n;

	n = sd_listen_fds_with_names(true, &names);
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		bool known = false;

		for (size_t j = 0; j < sizeof(wanted) / sizeof(*wanted); j++)
			known |= !strcmp(names[i], wanted[j]);
		if (known && found < 0 && sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0) {
			found = fd;
		} else {
			log_warning("no use for the passed descriptor %s", names[i]);
			fd_close(fd);
		}
		free(names[i]);
	}
	free(names);
	if (n < 0)
		return n;
	if (n > 0 && found < 0)
		return -ENOTSOCK;
	return found < 0 ? -ENOENT : TAKE_FD(found);
}

/* Remove a socket that nobody listens on. Return: 0, or -EADDRINUSE when somebody does. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

static int make_parent(struct own_socket *own)
{
	char *copy, *dir;

	copy = strdup(own->path);
	if (!copy)
		return -ENOMEM;
	dir = dirname(copy);
	if (!mkdir(dir, 0755))
		own->made_dir = strdup(dir);
	else if (errno != EEXIST) {
		free(copy);
		return -errno;
	}
	free(copy);
	return 0;
}

/* Anybody may connect; what they may do is decided then. */
static int bind_for_all(int fd, const struct sockaddr_un *address)
{
	mode_t saved = umask(0);
	int r;

	r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	umask(saved);
	return r;
}

static int make_socket(struct own_socket *own, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	own->path = path;
	r = make_parent(own);
	if (r >= 0)
		r = remove_stale(&address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_for_all(fd, &address);
	if (r < 0)
		return r;
	if (lstat(path, &st) < 0)
		return -errno;
	own->dev = st.st_dev;
	own->ino = st.st_ino;
	if (listen(fd, SOMAXCONN) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int event_sources(struct control *c)
{
	int r;

	r = sd_event_add_io(c->event, &c->listen, c->listen_fd, EPOLLIN, accepting, c);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(c->event, &c->listen_again, CLOCK_MONOTONIC, 0, 0, listen_again,
				       c);
	return r < 0 ? r : sd_event_source_set_enabled(c->listen_again, SD_EVENT_OFF);
}

int control_listen(struct control *c)
{
	int r;

	r = passed_socket();
	if (r < 0 && r != -ENOENT) {
		log_error("the socket that was passed cannot be used: %s", strerror(-r));
		return r;
	}
	if (r == -ENOENT)
		r = make_socket(&c->own_socket, c->options->socket);
	if (r < 0) {
		log_error("cannot listen on %s: %s", c->options->socket, strerror(-r));
		return r;
	}
	c->listen_fd = r;
	pass_rights(c->listen_fd, false);
	r = event_sources(c);
	if (r < 0)
		log_error("cannot listen: %s", strerror(-r));
	return r;
}

void control_unlisten(struct control *c)
{
	struct own_socket *own = &c->own_socket;
	struct stat st;

	c->listen = sd_event_source_disable_unref(c->listen);
	c->listen_again = sd_event_source_disable_unref(c->listen_again);
	c->listen_fd = fd_close(c->listen_fd);
	if (own->ino && !lstat(own->path, &st) && st.st_dev == own->dev && st.st_ino == own->ino)
		unlink(own->path);
	if (own->made_dir)
		rmdir(own->made_dir);
	free(own->made_dir);
	*own = (struct own_socket){};
}
