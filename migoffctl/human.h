/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers for people: three digits that matter, and a unit. And the words for why a page was not moved.
 */
#ifndef MIGOFF_MIGOFFCTL_HUMAN_H
#define MIGOFF_MIGOFFCTL_HUMAN_H

#include <stdint.h>

/* Room for one number, to be used within the full expression that makes it. */
struct human {
	char s[32];
};

struct human human_size(uint64_t bytes);
struct human human_time(uint64_t ns);
struct human human_rate(uint64_t bytes, uint64_t ns);

#define SIZE(bytes)		(human_size(bytes).s)
#define TIME(ns)		(human_time(ns).s)
#define RATE(bytes, ns)		(human_rate(bytes, ns).s)

/**
 * struct cause_text - What a cause means to the one who asked for the move.
 * @text: following a number of pages.
 * @left: how bad it is.
 */
struct cause_text {
	const char *text;
	enum {
		LEFT_RIGHTLY,		/* nothing was to be moved */
		LEFT_TO_KERNEL,		/* not for the engine */
		LEFT_BY_FAILURE,	/* should have been moved */
	} left;
};

/**
 * human_cause() - Explain a cause of the daemon.
 * @name: as migoff_cause_name() has it.
 *
 * Return: an explanation; for a name that is new, the name itself.
 */
struct cause_text human_cause(const char *name);

/**
 * human_page_error() - Explain a status of move_pages(2).
 * @error: positive errno.
 */
struct cause_text human_page_error(int error);

/**
 * human_page_error_name() - A stable word for a status, for JSON.
 * @error: positive errno.
 */
const char *human_page_error_name(int error);

#endif
