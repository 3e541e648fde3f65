/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "auth.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "test.h"

/* A process that waits to be killed. */
static pid_t start_child(void)
{
	pid_t pid = fork();

	EXPECT_GE(pid, 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static void end_child(pid_t pid)
{
	EXPECT_OK(kill(pid, SIGKILL));
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

/* The kernel's word on who connected is taken, down to the groups. */
static void test_peer(void)
{
	struct auth_peer peer;
	int pair[2];

	EXPECT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	EXPECT_OK(auth_peer_of(pair[0], &peer));
	EXPECT_EQ(peer.uid, geteuid());
	EXPECT_EQ(peer.gid, getegid());
	EXPECT_EQ(peer.pid, getpid());
	EXPECT_TRUE(auth_is_member(pair[0], &peer, getegid()));
	EXPECT_TRUE(!auth_is_member(pair[0], &peer, (gid_t)-1));
	EXPECT_TRUE(!auth_is_member(pair[0], &peer, 61186));
	close(pair[0]);
	close(pair[1]);
	EXPECT_EQ(auth_peer_of(pair[0], &peer), -EBADF);
}

/* A pidfd of a living process is accepted, everything else is told apart. */
static void test_target(void)
{
	const char *reason = NULL;
	pid_t child = start_child(), pid = 0;
	_cleanup_close_ int pidfd = pidfd_open(child, 0), ours = pidfd_open(getpid(), 0);
	_cleanup_close_ int event = eventfd(0, EFD_CLOEXEC), null = open("/dev/null", O_RDONLY);

	EXPECT_OK(auth_check_target(pidfd, &pid, &reason));
	EXPECT_EQ(pid, child);
	EXPECT_TRUE(!reason);

	EXPECT_EQ(auth_check_target(event, &pid, &reason), -EBADF);
	EXPECT_STR(reason, "not a pidfd");
	EXPECT_EQ(auth_check_target(null, &pid, &reason), -EBADF);
	EXPECT_EQ(auth_check_target(ours, &pid, &reason), -EPERM);
	EXPECT_TRUE(strstr(reason, "never moved"));
	EXPECT_EQ(pid, child);

	end_child(child);
	EXPECT_EQ(auth_check_target(pidfd, &pid, &reason), -ESRCH);
}

/* A process that has ended but was not yet waited for is gone as well. */
static void test_zombie(void)
{
	const char *reason = NULL;
	pid_t child = start_child(), pid;
	_cleanup_close_ int pidfd = pidfd_open(child, 0);
	siginfo_t info;

	EXPECT_OK(kill(child, SIGKILL));
	EXPECT_OK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(auth_check_target(pidfd, &pid, &reason), -ESRCH);
	EXPECT_EQ(waitpid(child, NULL, 0), child);
}

/* The nodes are the kernel's own list of them, which has at least one. */
static void test_nodes(void)
{
	uint64_t nodes[16], one[1], any = 0;
	char line[4096], *list = NULL;
	FILE *f = fopen("/proc/self/status", "re");

	EXPECT_TRUE(f);
	while (!list && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Mems_allowed_list:", 18))
			list = line + 18;
	}
	fclose(f);
	EXPECT_TRUE(list);
	EXPECT_OK(auth_allowed_nodes(getpid(), nodes, 16));
	for (int i = 0; i < 16; i++)
		any |= nodes[i];
	EXPECT_TRUE(any);
	/* The first in the list is the lowest bit. */
	EXPECT_EQ(__builtin_ctzll(nodes[0]), strtol(list, NULL, 10));
	EXPECT_OK(auth_allowed_nodes(getpid(), one, 1));
	EXPECT_TRUE(one[0] == nodes[0]);
	EXPECT_EQ(auth_allowed_nodes(0x3fffffff, nodes, 16), -ESRCH);
}

int main(void)
{
	RUN(test_peer);
	RUN(test_target);
	RUN(test_zombie);
	RUN(test_nodes);
	return 0;
}
