/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migoff-model SPEC SOCKET: a model of an engine as a PCI device of a virtual machine, for one
 * vfio-user client. It says "ready" on the standard output when that can connect. What else it has
 * to say is on the standard error, and never much.
 *
 * The exit status is 0 if software has kept all rules of the device, 1 if it has broken one, 2 if
 * the server could not be one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "vfio_user.h"

/* From when this has returned on, a client can connect. */
static int listen_at(const char *path, int *ret)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static int serve(struct model *m, const char *path)
{
	_cleanup_close_ int listener = -1, sock = -1;
	int r;

	r = listen_at(path, &listener);
	if (r < 0)
		return r;
	/* Whoever started us can tell the client. */
	puts("ready");
	fflush(stdout);
	sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (sock < 0)
		return -errno;
	unlink(path);
	return vfio_user_serve(sock, m);
}

int main(int argc, char **argv)
{
	_cleanup_(model_freep) struct model *m = NULL;
	struct model_counts counts;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: %s KIND[,OPTION[=VALUE]]... SOCKET\n%s", argv[0],
			model_help());
		return 2;
	}
	setvbuf(stderr, NULL, _IOLBF, 0);
	r = model_new(argv[1], &m);
	if (r < 0) {
		fputs(model_help(), stderr);
		return 2;
	}
	r = serve(m, argv[2]);
	if (r < 0) {
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[2], strerror(-r));
		return 2;
	}
	model_counts(m, &counts);
	fprintf(stderr, "model %s: %llu descriptors, %llu interrupts, %llu faults, %llu rules broken\n",
		model_name(m), (unsigned long long)counts.descriptors,
		(unsigned long long)counts.interrupts, (unsigned long long)counts.faults,
		(unsigned long long)counts.broken);
	return counts.broken > 0;
}
