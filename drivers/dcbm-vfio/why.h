/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why an operation on a device was refused, in words for the person who can do something about
 * it: an errno cannot name the driver that holds a device or the limit that was too low.
 */
#ifndef MIGOFF_DCBM_WHY_H
#define MIGOFF_DCBM_WHY_H

/**
 * struct why - A refusal explained.
 * @cause: what is the matter, naming the device, limit or driver concerned; empty when nothing is.
 * @remedy: what to do about it; empty when nothing can be done.
 *
 * Both are single sentences without a final full stop, fit for a log line or a status field.
 */
struct why {
	char cause[192];
	char remedy[256];
};

/**
 * why_fail() - Note a cause; clears the remedy.
 * @why: where to; NULL when nobody wants to know.
 * @error: the negative errno of the failure.
 * @fmt: the cause.
 *
 * Return: @error, so that a failing function can end with it.
 */
int why_fail(struct why *why, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * why_remedy() - Add the remedy to a cause noted before.
 * @why: as for why_fail().
 * @error: returned unchanged.
 * @fmt: the remedy.
 *
 * Return: @error.
 */
int why_remedy(struct why *why, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
