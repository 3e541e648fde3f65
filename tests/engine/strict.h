/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What models of devices are written with.
 */
#ifndef MIGOFF_TESTS_ENGINE_STRICT_H
#define MIGOFF_TESTS_ENGINE_STRICT_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The driver broke a rule of the device: the test ends here. */
#define STRICT(cond, fmt, ...)                                                                 \
	do {                                                                                   \
		if (!(cond)) {                                                                 \
			fprintf(stderr, "%s: " fmt "\n", __FILE__, ##__VA_ARGS__);             \
			abort();                                                               \
		}                                                                              \
	} while (0)

static inline pthread_mutex_t *model_lock(pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock);
	return lock;
}

static inline void model_unlockp(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

/* Hold @lock until the end of the scope. */
#define LOCKED(lock)                                                                           \
	__attribute__((unused, cleanup(model_unlockp))) pthread_mutex_t *_locked = model_lock(lock)

#endif
