/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test program needs: checks that print both sides, and a way to skip with a reason.
 *
 * A program is main() calling RUN(test_something) in turn. The first failed check ends it with
 * status 1; TEST_SKIP() ends it with 77, which meson and the machine's runner count as skipped.
 */
#ifndef MIGOFF_TESTS_TEST_H
#define MIGOFF_TESTS_TEST_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_FAIL(fmt, ...)                                                                    \
	do {                                                                                   \
		fprintf(stderr, "%s:%d: %s: " fmt "\n", __FILE__, __LINE__, __func__,          \
			##__VA_ARGS__);                                                        \
		exit(1);                                                                       \
	} while (0)

#define TEST_SKIP(fmt, ...)                                                                    \
	do {                                                                                   \
		printf("skip: " fmt "\n", ##__VA_ARGS__);                                      \
		exit(77);                                                                      \
	} while (0)

#define EXPECT_TRUE(cond)                                                                      \
	do {                                                                                   \
		if (!(cond))                                                                   \
			TEST_FAIL("expected: %s", #cond);                                      \
	} while (0)

#define EXPECT_EQ(a, b)                                                                        \
	do {                                                                                   \
		intmax_t _a = (intmax_t)(a), _b = (intmax_t)(b);                               \
		if (_a != _b)                                                                  \
			TEST_FAIL("%s is %" PRIdMAX ", expected %s = %" PRIdMAX, #a, _a, #b,   \
				  _b);                                                         \
	} while (0)

#define EXPECT_GE(a, b)                                                                        \
	do {                                                                                   \
		intmax_t _a = (intmax_t)(a), _b = (intmax_t)(b);                               \
		if (_a < _b)                                                                   \
			TEST_FAIL("%s is %" PRIdMAX ", expected at least %s = %" PRIdMAX, #a,  \
				  _a, #b, _b);                                                 \
	} while (0)

#define EXPECT_OK(call)                                                                        \
	({                                                                                     \
		intmax_t _r = (intmax_t)(call);                                                \
		if (_r < 0)                                                                    \
			TEST_FAIL("%s failed: %s", #call, strerror((int)-_r));                 \
		_r;                                                                            \
	})

#define EXPECT_STR(a, b)                                                                       \
	do {                                                                                   \
		const char *_a = (a), *_b = (b);                                               \
		if (strcmp(_a, _b))                                                            \
			TEST_FAIL("%s is \"%s\", expected \"%s\"", #a, _a, _b);                \
	} while (0)

#define RUN(test)                                                                              \
	do {                                                                                   \
		printf("%s\n", #test);                                                         \
		fflush(stdout);                                                                \
		test();                                                                        \
	} while (0)

#endif
