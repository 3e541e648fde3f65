/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model-counts BDF: what the model of an engine that this machine has has counted, a line each:
 * "broken 0", "descriptors 17", "interrupts 3", "faults 0".
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "orders.h"

static int print_counts(const char *bdf)
{
	_cleanup_close_ int fd = orders_open(bdf);
	struct model_counts counts;
	int r = fd < 0 ? fd : orders_counts(fd, &counts);

	if (r == 0)
		printf("broken %" PRIu64 "\ndescriptors %" PRIu64 "\ninterrupts %" PRIu64
		       "\nfaults %" PRIu64 "\n", counts.broken, counts.descriptors,
		       counts.interrupts, counts.faults);
	return r;
}

int main(int argc, char **argv)
{
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: %s BDF\n", argv[0]);
		return 2;
	}
	r = print_counts(argv[1]);
	if (r < 0)
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], strerror(-r));
	return r < 0;
}
