/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "human.h"
#include "macros.h"

#define SHOW_AFTER_NS	UINT64_C(2000000000)
#define EVERY_NS	UINT64_C(100000000)
#define WIDTH		30

void progress_begin(struct progress *p, const char *label, uint64_t total)
{
	*p = (struct progress){
		.terminal = isatty(STDERR_FILENO),
		.begin_ns = clock_now_ns(),
		.total = MAX(total, (uint64_t)1),
		.label = label,
	};
}

void progress_update(struct progress *p, uint64_t done)
{
	static const char full[] = "##############################";
	uint64_t now = clock_now_ns(), elapsed = now - p->begin_ns;
	double part = (double)MIN(done, p->total) / (double)p->total;

	if (!p->terminal || elapsed < SHOW_AFTER_NS || now - p->last_ns < EVERY_NS)
		return;
	p->last_ns = now;
	p->shown = true;
	fprintf(stderr, "\r%s [%-*.*s] %3.0f %%  %s of %s  %s \033[K", p->label, WIDTH,
		(int)(part * WIDTH), full, part * 100, SIZE(MIN(done, p->total)), SIZE(p->total),
		RATE(done, elapsed));
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
