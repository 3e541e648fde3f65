/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

#define SECOND UINT64_C(1000000000)

static char text[8192];

/* Standard error becomes a file; what is in it is moved to @text by taken(). */
static void redirect(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	EXPECT_GE(fd, 0);
	EXPECT_GE(dup2(fd, STDERR_FILENO), 0);
	close(fd);
}

static const char *taken(void)
{
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	/* What is written next begins at the start again. */
	if (ftruncate(STDERR_FILENO, 0) < 0 || lseek(STDERR_FILENO, 0, SEEK_SET) < 0)
		abort();
	return text;
}

/* Checks that do not print, for standard error is what is checked. */
#define CHECK(condition)                                                                       \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			printf("%s:%d: expected: %s; the log is \"%s\"\n", __FILE__, __LINE__, \
			       #condition, text);                                              \
			exit(1);                                                               \
		}                                                                              \
	} while (0)

/* Each message is a line with its priority; what is less important than the level is left out. */
static void test_levels(void)
{
	log_error("it is %d", 7);
	CHECK(!strcmp(taken(), "<3>it is 7\n"));
	log_debug("hidden");
	CHECK(!strcmp(taken(), ""));
	CHECK(log_set_level("debug") == 0);
	log_event(LOG_DEBUG, LOG_ID_READY, "shown");
	CHECK(!strcmp(taken(), "<7>shown\n"));
	CHECK(log_set_level("loud") == -EINVAL);
	CHECK(log_set_level("error") == 0);
	log_warning("hidden");
	CHECK(!strcmp(taken(), ""));
	CHECK(log_set_level("info") == 0);
}

/* Logging does not change errno, which the caller may be about to report. */
static void test_errno(void)
{
	errno = ENOTTY;
	log_info("something");
	CHECK(errno == ENOTTY);
	taken();
}

/* Ten messages of a kind in ten seconds, then it says how many were left out. */
static void test_limit(void)
{
	struct log_limit limit = {};
	uint64_t now = 100 * SECOND;
	int n = 0;

	for (int i = 0; i < 25; i++)
		n += log_allowed(&limit, now + (uint64_t)i);
	CHECK(n == 10);
	CHECK(!log_allowed(&limit, now + 9 * SECOND));
	CHECK(!strcmp(taken(), ""));
	CHECK(log_allowed(&limit, now + 10 * SECOND));
	CHECK(!strcmp(taken(), "<5>16 messages of the following kind were left out\n"));
	CHECK(log_allowed(&limit, now + 30 * SECOND));
	CHECK(!strcmp(taken(), ""));
}

int main(void)
{
	unsetenv("JOURNAL_STREAM");
	redirect();
	log_open();
	RUN(test_levels);
	RUN(test_errno);
	RUN(test_limit);
	return 0;
}
