/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What moves cost in instructions, everything counted that runs on the machine's only processor: the
 * caller, the library, the daemon, the kernel, and what these do in the background afterwards. For a
 * machine whose clock counts instructions: see meter.h.
 *
 * Takes commands, one a line, and answers each with one line:
 *
 *	spin			nanoseconds that a count of the spinner costs
 *	sleep MS		the cost of sleeping
 *	subject N SIZE		a process with N folios of SIZE, 2M or 4K, takes the place of the last one;
 *				"ok"
 *	move MOVER NODE N	the cost of moving all its memory there, in calls of N folios, by "migoff"
 *				or "kernel"; then how many folios are not there after all
 *
 * or with "restless", when others go on and on.
 *
 * A cost is counted until nothing has happened for a while and the module's pool has come to rest.
 */

#include <stdbool.h>

#include "meter.h"
#include "subject.h"
#include "test.h"

/* Quiet is this often in a row, for so long, less than this: a tick of the timer more, or one less. */
#define QUIET_TIMES 5
#define QUIET_MS 20
#define QUIET_COST 40000
#define RESTLESS_TIMES 250

static struct subject subject;

/* Wait until nobody but the spinner has anything to do. Return: whether that came. */
static bool wait_quiet(void)
{
	int quiet = 0;

	for (int i = 0; quiet < QUIET_TIMES; i++) {
		struct meter_mark mark = meter_now();

		if (i == RESTLESS_TIMES)
			return false;
		meter_sleep_ms(QUIET_MS);
		quiet = meter_cost(mark) < QUIET_COST ? quiet + 1 : 0;
	}
	return true;
}

static void cmd_sleep(unsigned int ms)
{
	struct meter_mark mark = meter_now();

	meter_sleep_ms(ms);
	printf("%.0f\n", meter_cost(mark));
}

static void cmd_subject(size_t n, const char *size)
{
	subject_stop(&subject);
	subject_start(&subject, n, strcmp(size, "2M") ? SUBJECT_PAGE : SUBJECT_HUGE, 0);
	puts(wait_quiet() ? "ok" : "restless");
}

static void cmd_move(const char *mover, int node, size_t per_call)
{
	enum mover who = strcmp(mover, "migoff") ? MOVER_KERNEL : MOVER_MIGOFF;
	struct meter_mark mark = meter_now();
	double cost;

	subject_move(&subject, who, node, per_call);
	if (!wait_quiet()) {
		puts("restless");
		return;
	}
	cost = meter_cost(mark);
	printf("%.0f %zu\n", cost, subject_elsewhere(&subject, node));
}

static void execute(const char *line)
{
	unsigned int ms;
	char word[16];
	size_t n;
	int node;

	meter_resume();
	if (strcmp(line, "spin\n") == 0)
		printf("%.6f\n", meter_spin_ns());
	else if (sscanf(line, "sleep %u", &ms) == 1)
		cmd_sleep(ms);
	else if (sscanf(line, "subject %zu %15s", &n, word) == 2)
		cmd_subject(n, word);
	else if (sscanf(line, "move %15s %d %zu", word, &node, &n) == 3)
		cmd_move(word, node, n);
	else
		TEST_FAIL("not a command: %s", line);
	meter_rest();
	fflush(stdout);
}

int main(void)
{
	char line[128];

	meter_start();
	meter_rest();
	while (fgets(line, sizeof(line), stdin))
		execute(line);
	subject_stop(&subject);
	return 0;
}
