/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model-counts BDF: what the model of an engine that this machine has has counted, a line each:
 * "broken 0", "descriptors 17", "interrupts 3", "faults 0".
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "macros.h"
#include "orders.h"

static int print_counts(const char *bdf)
{
	static const char *const names[] = { "broken", "descriptors", "interrupts", "faults" };
	_cleanup_close_ int fd = orders_open(bdf);
	int r;

	if (fd < 0)
		return fd;
	r = orders_command(fd, 2);
	for (unsigned int i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		unsigned int at = MODEL_ORDERS_COUNTS + 8 * i;
		uint32_t low, high = 0;

		r = orders_read(fd, at, &low);
		if (r == 0)
			r = orders_read(fd, at + 4, &high);
		if (r == 0)
			printf("%s %" PRIu64 "\n", names[i], (uint64_t)high << 32 | low);
	}
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
