/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model-order BDF OPTION[=VALUE],...: order faults of the model of an engine that this machine has.
 */
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "orders.h"

static int order(const char *bdf, const char *spec)
{
	_cleanup_close_ int fd = orders_open(bdf);

	return fd < 0 ? fd : orders_send(fd, spec);
}

int main(int argc, char **argv)
{
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: %s BDF OPTION[=VALUE],...\n", argv[0]);
		return 2;
	}
	r = order(argv[1], argv[2]);
	if (r < 0)
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], strerror(-r));
	return r < 0;
}
