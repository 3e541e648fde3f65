/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cleanup.h"

#include <fcntl.h>

#include "test.h"

static int fd_open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	EXPECT_GE(fd, 0);
	return fd;
}

/* A descriptor lives exactly as long as the scope that owns it. */
static void test_scope_closes(void)
{
	int copy;

	{
		_cleanup_close_ int fd = fd_open_null();

		copy = fd;
	}
	EXPECT_EQ(fcntl(copy, F_GETFD), -1);
	EXPECT_EQ(errno, EBADF);
}

/* What was taken out of its scope stays open, and errno survives the closing of the rest. */
static void test_take_keeps(void)
{
	int taken;

	{
		_cleanup_close_ int fd = fd_open_null();
		_cleanup_close_ int none = -1;

		taken = TAKE_FD(fd);
		EXPECT_EQ(fd, -1);
		errno = ENOENT;
	}
	EXPECT_EQ(errno, ENOENT);
	EXPECT_GE(fcntl(taken, F_GETFD), 0);
	EXPECT_EQ(fd_close(taken), -1);
}

int main(void)
{
	RUN(test_scope_closes);
	RUN(test_take_keeps);
	return 0;
}
