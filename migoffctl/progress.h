/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bar on the terminal, for what takes more than two seconds. There is none where standard error is no
 * terminal, where TERM is dumb, or where NO_COLOR asks for plain text.
 */
#ifndef MIGOFF_MIGOFFCTL_PROGRESS_H
#define MIGOFF_MIGOFFCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool terminal;
	bool shown;
	uint64_t begin_ns;
	uint64_t last_ns;
	uint64_t total;
	const char *label;
};

/**
 * progress_begin() - Start the clock.
 * @p: the bar.
 * @label: what is going on.
 * @total: bytes that will be gone through, about.
 */
void progress_begin(struct progress *p, const char *label, uint64_t total);

/**
 * progress_update() - Say how far it is.
 * @p: the bar.
 * @done: bytes gone through.
 */
void progress_update(struct progress *p, uint64_t done);

/**
 * progress_end() - Take the bar away.
 * @p: the bar.
 */
void progress_end(struct progress *p);

#endif
