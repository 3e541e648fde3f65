/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what: the peer of a connection, and the processes that it names.
 *
 * Nothing here waits for anybody: descriptors that clients pass may lie on file systems whose server
 * never answers, so they are neither read nor asked for attributes.
 */
#ifndef MIGOFF_DAEMON_AUTH_H
#define MIGOFF_DAEMON_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct auth_peer - Who connected, as the kernel noted it at that moment.
 * @uid: its effective user.
 * @gid: its effective group.
 * @pid: its process.
 */
struct auth_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

/**
 * auth_peer_of() - Ask the kernel who is at the other end.
 * @socket: a connected socket.
 * @ret: the peer.
 *
 * Return: 0, or a negative errno.
 */
int auth_peer_of(int socket, struct auth_peer *ret);

/**
 * auth_is_member() - Whether the peer was in a group when it connected.
 * @socket: the connected socket.
 * @peer: its peer.
 * @gid: the group; (gid_t)-1: nobody is in it.
 *
 * The groups are those of the process, not those that a database lists for its user, which could make us
 * wait and would ignore that it gave some up.
 */
bool auth_is_member(int socket, const struct auth_peer *peer, gid_t gid);

/**
 * auth_may_move_all() - Whether the peer has CAP_SYS_NICE, as MPOL_MF_MOVE_ALL wants it.
 * @pidfd: the peer's process.
 * @peer: the peer.
 *
 * It has to be effective now, in the user namespace that we are in. Capabilities are not noted at
 * the time of connecting, so a peer could hand the connection on and exec a program that has more of them
 * than itself: it is refused if its user changed, or if it cannot be dumped, as after gaining
 * capabilities by exec. Who is refused for that can still move what only the target maps.
 */
bool auth_may_move_all(int pidfd, const struct auth_peer *peer);

/**
 * auth_check_target() - Verify that a descriptor names a living process that may be moved at all.
 * @pidfd: should be a pidfd.
 * @ret_pid: the process.
 * @ret_reason: what is wrong, with -EBADF and -EPERM; a static string.
 *
 * That the client may move it is not known from this. The proof is the process's /proc/PID/pagemap, which
 * it could open (PTRACE_MODE_READ); the kernel hook looks at that at each batch, as nobody else can: it may be
 * of any mount of proc, such as a container's, and an exec voids it.
 *
 * Return: 0; -EBADF, it is no pidfd; -ESRCH, the process has ended; -EPERM, it is one that is never
 * moved; or another negative errno.
 */
int auth_check_target(int pidfd, pid_t *ret_pid, const char **ret_reason);

/**
 * auth_allowed_nodes() - The nodes that a process's cpuset lets its memory be on.
 * @pid: the process; whoever needs certainty checks afterwards that it still lives.
 * @ret: mask: bit n of word n / 64.
 * @n_words: words in it.
 *
 * Return: 0, -ESRCH, or another negative errno.
 */
int auth_allowed_nodes(pid_t pid, uint64_t *ret, size_t n_words);

#endif
