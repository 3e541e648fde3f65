/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The few macros that every part uses.
 */
#ifndef MIGOFF_COMMON_MACROS_H
#define MIGOFF_COMMON_MACROS_H

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define MIN(a, b)				\
	({					\
		typeof(a) _min_a = (a);		\
		typeof(b) _min_b = (b);		\
		_min_a < _min_b ? _min_a : _min_b; \
	})

#define MAX(a, b)				\
	({					\
		typeof(a) _max_a = (a);		\
		typeof(b) _max_b = (b);		\
		_max_a > _max_b ? _max_a : _max_b; \
	})

/* @align is a power of two. */
#define ALIGN_UP(x, align) (((x) + ((typeof(x))(align) - 1)) & ~((typeof(x))(align) - 1))
#define ALIGN_DOWN(x, align) ((x) & ~((typeof(x))(align) - 1))
#define IS_ALIGNED(x, align) (((x) & ((typeof(x))(align) - 1)) == 0)

#endif
