/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations that fail on purpose, one at a time, in a program that is linked with nomem_link_args: those of our
 * own code, not those of shared libraries.
 */
#ifndef MIGOFF_TESTS_NOMEM_H
#define MIGOFF_TESTS_NOMEM_H

#include <stdbool.h>

/**
 * nomem_arm() - Let one allocation fail.
 * @nth: this one from now on, counted from 1 over all threads.
 */
void nomem_arm(long nth);

/**
 * nomem_disarm() - Let none fail any more.
 *
 * Return: whether one has.
 */
bool nomem_disarm(void);

/*
 * Run something with its first allocation failing, then with its second, and so on, until it makes no more:
 * @body ends with nomem_disarm() as its value. The test fails if there was none at all.
 */
void nomem_each(bool (*body)(void));

#endif
