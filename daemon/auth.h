/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what: the peer of a connection, and the proof that it may move a process's memory.
 *
 * Nothing here waits for anybody: descriptors that clients pass may lie on file systems whose server
 * never answers, so they are not read or asked for attributes before they are known to be of proc.
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
 * struct auth_refusal - Why a target was refused.
 * @parameter: "pidfd" or "pagemap", when one of them is not what it should be; else NULL.
 * @message: what is wrong; a static string.
 */
struct auth_refusal {
	const char *parameter;
	const char *message;
};

/**
 * auth_check_target() - Verify that two descriptors name the same living process.
 * @pidfd: should be a pidfd.
 * @pagemap_fd: should be that process's /proc/PID/pagemap, open for reading.
 * @ret_pid: the process.
 * @ret_refusal: the reason, when it is refused.
 *
 * That the client could open pagemap is the proof that it may (PTRACE_MODE_READ). The kernel hook
 * compares the address spaces at each batch, so this is about early and clear errors.
 *
 * Return: 0; -EBADF, a descriptor is not what it should be; -ESRCH, the process has ended, has execed
 * since, or has no address space; -EPERM, it is one that is never moved; or another negative errno.
 */
int auth_check_target(int pidfd, int pagemap_fd, pid_t *ret_pid, struct auth_refusal *ret_refusal);

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
