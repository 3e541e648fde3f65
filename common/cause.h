/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words for the causes for which a page is not moved: enum migoff_cause of the hook, which the ring's
 * results and the accounts count by.
 */
#ifndef MIGOFF_COMMON_CAUSE_H
#define MIGOFF_COMMON_CAUSE_H

/**
 * cause_name() - A word for a cause.
 * @cause: enum migoff_cause.
 *
 * Return: a static string such as "shared"; NULL for a number without meaning.
 */
const char *cause_name(unsigned int cause);

#endif
