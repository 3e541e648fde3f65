/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "auth.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"

/* A map of users has at most 340 lines; one that is cut is compared all the same. */
#define PROC_TEXT_LEN 8192

int auth_peer_of(int socket, struct auth_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret = (struct auth_peer){ .uid = cred.uid, .gid = cred.gid, .pid = cred.pid };
	return 0;
}

bool auth_is_member(int socket, const struct auth_peer *peer, gid_t gid)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t len = NGROUPS_MAX * sizeof(gid_t);

	if (gid == (gid_t)-1)
		return false;
	if (peer->gid == gid)
		return true;
	groups = malloc(len);
	if (!groups || getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(gid_t); i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

/*
 * Read what follows "NAME:" in a file of proc. The file can be long (the groups of a process are in it), so
 * it is not read as a whole.
 *
 * Return: 0, -ENODATA without such a line, or another negative errno.
 */
static int proc_field(int dir, const char *file, const char *name, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	size_t room = 0, len = strlen(name);
	int fd;

	fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "r");
	if (!f) {
		fd_close(fd);
		return -ENOMEM;
	}
	while (getline(&line, &room, f) > 0) {
		if (!strncmp(line, name, len) && line[len] == ':') {
			snprintf(ret, size, "%s", line + len + 1);
			return 0;
		}
	}
	return ferror(f) ? -EIO : -ENODATA;
}

static bool process_has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

static ssize_t proc_read(int dir, const char *file, char *ret, size_t size)
{
	_cleanup_close_ int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : read(fd, ret, size);
}

/* Its map of users reads as ours does, and where we may look, it is the same namespace. */
static bool same_user_namespace(int dir)
{
	char theirs[PROC_TEXT_LEN], ours[PROC_TEXT_LEN];
	ssize_t n_theirs, n_ours;

	n_theirs = proc_read(dir, "uid_map", theirs, sizeof(theirs));
	n_ours = proc_read(AT_FDCWD, "/proc/self/uid_map", ours, sizeof(ours));
	/* The kernel has no user namespaces. */
	if (n_ours < 0 && errno == ENOENT)
		return true;
	if (n_ours < 0 || n_theirs != n_ours || memcmp(theirs, ours, (size_t)n_ours))
		return false;

	n_theirs = readlinkat(dir, "ns/user", theirs, sizeof(theirs));
	n_ours = readlink("/proc/self/ns/user", ours, sizeof(ours));
	return n_theirs < 0 || n_ours < 0 ||
	       (n_theirs == n_ours && !memcmp(theirs, ours, (size_t)n_ours));
}

/* What is in the directory of a process, but not it itself, belongs to root if it cannot be dumped. */
static bool is_dumpable_by(int dir, uid_t uid)
{
	struct stat st;

	return !fstatat(dir, "status", &st, 0) && st.st_uid == uid;
}

bool auth_may_move_all(int pidfd, const struct auth_peer *peer)
{
	_cleanup_close_ int dir = -1;
	char path[32], uids[128], caps[64];
	uid_t euid;

	snprintf(path, sizeof(path), "/proc/%d", (int)peer->pid);
	dir = open(path, O_DIRECTORY | O_PATH | O_CLOEXEC);
	if (dir < 0 || !is_dumpable_by(dir, peer->uid))
		return false;
	if (proc_field(dir, "status", "Uid", uids, sizeof(uids)) < 0 ||
	    sscanf(uids, "%*u %u", &euid) != 1 || euid != peer->uid)
		return false;
	if (proc_field(dir, "status", "CapEff", caps, sizeof(caps)) < 0 ||
	    !(strtoull(caps, NULL, 16) & (1ull << CAP_SYS_NICE)))
		return false;
	/*
	 * Once more, should it have execed meanwhile. And it lives, so all that was read is of it and
	 * not of another with its number.
	 */
	return is_dumpable_by(dir, peer->uid) && same_user_namespace(dir) && !process_has_ended(pidfd);
}

/* Only the kernel's pidfds have such a line, with -1 for a process that is gone. */
static int pidfd_pid(int pidfd, pid_t *ret)
{
	char path[64], pid[64];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	r = proc_field(AT_FDCWD, path, "Pid", pid, sizeof(pid));
	if (r < 0)
		return r == -ENODATA ? -EBADF : r;
	*ret = (pid_t)atoi(pid);
	return *ret > 0 && !process_has_ended(pidfd) ? 0 : -ESRCH;
}

int auth_check_target(int pidfd, pid_t *ret_pid, const char **ret_reason)
{
	pid_t pid;
	int r;

	r = pidfd_pid(pidfd, &pid);
	if (r == -EBADF)
		*ret_reason = "not a pidfd";
	if (r < 0)
		return r;
	if (pid == 1 || pid == getpid()) {
		*ret_reason = "init and migoffd itself are never moved";
		return -EPERM;
	}
	*ret_pid = pid;
	return 0;
}

/* Words of 32 bits in hexadecimal, the highest first, separated by commas. */
static int parse_nodes(const char *s, uint64_t *ret, size_t n_words)
{
	size_t n = 1;

	for (size_t i = 0; s[i]; i++)
		n += s[i] == ',';
	memset(ret, 0, n_words * sizeof(*ret));
	for (; n > 0; n--) {
		char *end;
		unsigned long v = strtoul(s, &end, 16);

		if (end == s || v > UINT32_MAX)
			return -EBADMSG;
		if ((n - 1) / 2 < n_words)
			ret[(n - 1) / 2] |= (uint64_t)v << ((n - 1) % 2 * 32);
		s = end + (*end == ',');
	}
	return 0;
}

int auth_allowed_nodes(pid_t pid, uint64_t *ret, size_t n_words)
{
	char path[64], nodes[16384];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	r = proc_field(AT_FDCWD, path, "Mems_allowed", nodes, sizeof(nodes));
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	return parse_nodes(nodes, ret, n_words);
}
