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
	char text[MODEL_ORDERS_TEXT_LEN] = "";
	_cleanup_close_ int fd = orders_open(bdf);
	int r;

	if (fd < 0)
		return fd;
	if (strlen(spec) >= sizeof(text))
		return -E2BIG;
	strcpy(text, spec);
	for (unsigned int i = 0; i < sizeof(text); i += 4) {
		uint32_t word;

		memcpy(&word, text + i, sizeof(word));
		r = orders_write(fd, MODEL_ORDERS_TEXT + i, le32toh(word));
		if (r < 0)
			return r;
	}
	return orders_command(fd, 1);
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
