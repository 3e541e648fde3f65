/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "human.h"
#include "macros.h"

#define SHOW_AFTER_NS	UINT64_C(2000000000)
#define EVERY_NS	UINT64_C(100000000)
#define MAX_WIDTH	30
#define MIN_WIDTH	10

/* One that can take a line back, and whose owner has not asked for plain text. */
static bool is_terminal(void)
{
	const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") && !(plain && *plain);
}

void progress_begin(struct progress *p, const char *label, uint64_t total)
{
	*p = (struct progress){
		.terminal = is_terminal(),
		.begin_ns = clock_now_ns(),
		.total = MAX(total, (uint64_t)1),
		.label = label,
	};
}

/* Asked each time, for windows change. The last column stays free: some terminals wrap after it. */
static int columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 79;
	return size.ws_col - 1;
}

/* A line that wrapped could not be taken back, so the bar gets the room that the rest leaves. */
static void show(const struct progress *p, uint64_t done, uint64_t elapsed)
{
	double part = (double)done / (double)p->total;
	char text[128], bar[MAX_WIDTH + 1] = "", line[256];
	int room = columns(), width;

	snprintf(text, sizeof(text), "%3.0f %%  %s of %s  %s", part * 100, SIZE(done), SIZE(p->total),
		 RATE(done, elapsed));
	width = MIN(room - (int)(strlen(p->label) + strlen(text)) - 4, MAX_WIDTH);
	if (width < MIN_WIDTH) {
		snprintf(line, sizeof(line), "%.40s %s", p->label, text);
	} else {
		memset(bar, ' ', (size_t)width);
		memset(bar, '#', (size_t)(part * width));
		snprintf(line, sizeof(line), "%.40s [%s] %s", p->label, bar, text);
	}
	fprintf(stderr, "\r%.*s\033[K", room, line);
	fflush(stderr);
}

void progress_update(struct progress *p, uint64_t done)
{
	uint64_t now = clock_now_ns(), elapsed = now - p->begin_ns;

	if (!p->terminal || elapsed < SHOW_AFTER_NS || now - p->last_ns < EVERY_NS)
		return;
	p->last_ns = now;
	p->shown = true;
	show(p, MIN(done, p->total), elapsed);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
