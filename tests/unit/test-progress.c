/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "test.h"

#define MIB (1ull << 20)
#define S   1000000000ull

static int master;

/* From here on standard error is a terminal of that width, or with -1 a file. */
static void set_terminal(int columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)columns };
	int slave;

	if (columns < 0) {
		slave = open("/dev/null", O_RDWR | O_CLOEXEC);
	} else {
		EXPECT_EQ(openpty(&master, &slave, NULL, NULL, &size), 0);
		EXPECT_EQ(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	}
	EXPECT_GE(dup2(slave, STDERR_FILENO), 0);
	close(slave);
}

/* What was written to the terminal since the last time. */
static const char *written(void)
{
	static char text[4096];
	ssize_t n = read(master, text, sizeof(text) - 1);

	/* EIO: nobody has the other end open. */
	EXPECT_TRUE(n >= 0 || errno == EAGAIN || errno == EIO);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* As if the work had begun so long ago. */
static void begin(struct progress *p, uint64_t ago_ns)
{
	progress_begin(p, "by the kernel", 562 * MIB);
	p->begin_ns -= ago_ns;
}

/* What stands in the line after one update: all that came, but for the ways to get there. */
static const char *line(struct progress *p, uint64_t done)
{
	static char text[4096];
	const char *s;
	char *out = text;

	p->last_ns = 0;
	progress_update(p, done);
	s = written();
	EXPECT_EQ(*s, '\r');
	for (s++; *s; s++) {
		EXPECT_TRUE(*s != '\n' && *s != '\r');
		if (!strncmp(s, "\033[K", 3))
			s += 2;
		else
			*out++ = *s;
	}
	*out = '\0';
	return text;
}

/* The line says how far it is, and ends before the last column however narrow the window is. */
static void test_width(void)
{
	struct progress p;

	for (int columns = 1; columns < 200; columns++) {
		set_terminal(columns);
		begin(&p, 10 * S);
		EXPECT_GE(columns - 1, strlen(line(&p, 0)));
		EXPECT_GE(columns - 1, strlen(line(&p, 281 * MIB)));
		EXPECT_GE(columns - 1, strlen(line(&p, UINT64_MAX)));
		close(master);
	}
	set_terminal(100);
	begin(&p, 10 * S);
	EXPECT_STR(line(&p, 281 * MIB), "by the kernel [###############               ]  50 %  "
					"281 MiB of 562 MiB  28.1 MiB/s");
	set_terminal(80);
	EXPECT_TRUE(strstr(line(&p, 281 * MIB), "[##") && strstr(line(&p, 281 * MIB), " 50 % "));
	/* Unknown: the usual one. */
	set_terminal(0);
	EXPECT_TRUE(strstr(line(&p, 281 * MIB), "[##"));
}

/* Nothing is shown at first, then now and then, and in the end the line is empty again. */
static void test_time(void)
{
	struct progress p;

	set_terminal(80);
	begin(&p, 0);
	progress_update(&p, MIB);
	progress_end(&p);
	EXPECT_STR(written(), "");

	begin(&p, 3 * S);
	progress_update(&p, MIB);
	EXPECT_TRUE(*written());
	progress_update(&p, 2 * MIB);
	EXPECT_STR(written(), "");
	progress_end(&p);
	EXPECT_STR(written(), "\r\033[K");
	progress_end(&p);
	EXPECT_STR(written(), "");
}

static void expect_none(void)
{
	struct progress p;

	begin(&p, 3 * S);
	progress_update(&p, MIB);
	progress_end(&p);
	EXPECT_STR(written(), "");
}

/* No bar in a file, on a terminal that cannot take it back, or for those who want plain text. */
static void test_none(void)
{
	set_terminal(80);
	setenv("TERM", "dumb", 1);
	expect_none();
	unsetenv("TERM");
	expect_none();
	setenv("TERM", "xterm", 1);
	setenv("NO_COLOR", "1", 1);
	expect_none();
	unsetenv("NO_COLOR");
	set_terminal(-1);
	expect_none();
}

/* What a failed check had to say went there too. */
static void show_rest(void)
{
	fputs(written(), stdout);
}

int main(void)
{
	atexit(show_rest);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	RUN(test_width);
	RUN(test_time);
	RUN(test_none);
	return 0;
}
