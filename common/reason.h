/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a request is made for: its client's word, which the accounts are kept by.
 */
#ifndef MIGOFF_COMMON_REASON_H
#define MIGOFF_COMMON_REASON_H

/* Part of the ring's layout: new ones are added at the end. */
enum reason {
	REASON_NONE,		/* not said */
	REASON_PROMOTION,	/* to faster memory, for it is used much */
	REASON_DEMOTION,	/* to slower memory, for it is used little */
	REASON_BALANCING,	/* to where its tasks run */
	REASON_EVACUATION,	/* away from a node that is to be emptied */
	REASON_OPERATOR,	/* a person wants it */
	_REASON_MAX,
};

/**
 * reason_name() - A word for a reason.
 * @reason: enum reason.
 *
 * Return: a static string such as "promotion"; NULL for a number without meaning.
 */
const char *reason_name(unsigned int reason);

#endif
