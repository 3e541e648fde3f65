/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the scripts test-daemon-*.sh have done to memory by migoffd, and look at afterwards:
 *
 *	daemon-check move [huge|small] MIB ROUNDS	to node 1 and back, each round
 *	daemon-check during MIB COMMAND			the same once, with COMMAND run in the middle
 *	daemon-check blocked MIB COMMAND LIMIT_MS	the same, and the target touches its memory meanwhile
 *	daemon-check die MIB				die with requests in flight
 *
 * In each, at the end the content is right, each page is where its status says, and the sums agree.
 * What was moved is printed for the script: "engine=BYTES cpu=BYTES left=PAGES error=ERRNO expired=N".
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "daemonlib.h"
#include "hooklib.h"
#include "test.h"

#define SEED 11

static struct target target;
static struct link daemon_link;
static uint64_t start;
static size_t len;
static uint64_t bytes_engine, bytes_cpu, pages_left, n_expired;
static int error;

static void begin(size_t mib, bool huge)
{
	len = MIB(mib);
	target_start(&target);
	start = (uint64_t)EXPECT_OK(target_call(&target, in_map, (long)len, 0, huge));
	target_call(&target, in_fill, (long)start, (long)len, SEED);
	link_open(&daemon_link, target.pid);
}

static void count(const struct outcome *o)
{
	bytes_engine += o->bytes_engine;
	bytes_cpu += o->bytes_cpu;
	pages_left += o->asked - o->moved;
	n_expired += o->n_expired;
	error = o->error ?: error;
}

/* Each page is on the node that its status tells, or else the status says why not. */
static void check_status(const int *status, int to_node, uint64_t n_moved)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len / PAGE; i++) {
		EXPECT_TRUE(status[i] < 0 || status[i] <= 1);
		n += status[i] == to_node;
	}
	EXPECT_GE(n, n_moved);
	EXPECT_EQ(pages_on(&target, start, len, to_node), n);
}

static void round_trip(void)
{
	_cleanup_free_ int *status = calloc(len / PAGE, sizeof(*status));

	for (int node = 1; node >= 0; node--) {
		struct outcome o;

		memset(status, 0x7f, len / PAGE * sizeof(*status));
		o = link_move(&daemon_link, start, len, node, status);
		count(&o);
		if (o.error == 0)
			check_status(status, node, o.moved);
		EXPECT_EQ(target_call(&target, in_check, (long)start, (long)len, SEED), 0);
	}
}

static void finish(void)
{
	EXPECT_EQ(target_call(&target, in_check, (long)start, (long)len, SEED), 0);
	link_close(&daemon_link);
	target_end(&target);
	printf("engine=%" PRIu64 " cpu=%" PRIu64 " left=%" PRIu64 " error=%d expired=%" PRIu64 "\n",
	       bytes_engine, bytes_cpu, pages_left, -error, n_expired);
}

static int do_move(char **argv)
{
	begin(strtoul(argv[1], NULL, 0), !strcmp(argv[0], "huge"));
	for (long i = strtol(argv[2], NULL, 0); i > 0; i--)
		round_trip();
	finish();
	return 0;
}

/* There is no event for this; while a batch is out the module counts it. */
static void wait_batch_out(void)
{
	uint64_t end = now_ns() + 20000000000;

	while (hook_counter("live_batches") == 0)
		if (now_ns() > end)
			TEST_FAIL("no batch is ever out");
}

static void run(const char *command)
{
	int r = system(command);

	if (r)
		TEST_FAIL("'%s' ended with %d", command, r);
}

static int do_during(char **argv)
{
	struct outcome o;

	begin(strtoul(argv[0], NULL, 0), true);
	link_submit(&daemon_link, start, len, 1, NULL);
	wait_batch_out();
	run(argv[1]);
	o = link_wait(&daemon_link);
	count(&o);
	finish();
	return 0;
}

/* Write each page once; the longest time that one took, in microseconds. */
static long in_touch(long addr, long size, long unused)
{
	uint64_t longest = 0;

	for (long a = addr; a < addr + size; a += PAGE) {
		volatile uint64_t *word = (volatile uint64_t *)a;
		uint64_t began = now_ns(), took;

		*word = *word;
		took = now_ns() - began;
		longest = took > longest ? took : longest;
	}
	return (long)(longest / 1000);
}

static int do_blocked(char **argv)
{
	long limit_us = strtol(argv[2], NULL, 0) * 1000, longest_us;
	struct outcome o;

	begin(strtoul(argv[0], NULL, 0), true);
	link_submit(&daemon_link, start, len, 1, NULL);
	wait_batch_out();
	run(argv[1]);
	target_send(&target, in_touch, (long)start, (long)len, 0);
	if (!target_answers(&target, (int)(limit_us / 1000) * 4))
		TEST_FAIL("a page never came back");
	longest_us = target_receive(&target);
	printf("longest_us=%ld ", longest_us);
	if (longest_us > limit_us)
		TEST_FAIL("a page was unavailable for %ld us", longest_us);
	o = link_wait(&daemon_link);
	count(&o);
	finish();
	return 0;
}

static int do_die(char **argv)
{
	begin(strtoul(argv[0], NULL, 0), true);
	for (int i = 0; i < 8; i++)
		link_submit(&daemon_link, start, len, 1, NULL);
	wait_batch_out();
	raise(SIGKILL);
	return 1;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 5 && !strcmp(argv[1], "move"))
		return do_move(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "during"))
		return do_during(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "blocked"))
		return do_blocked(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "die"))
		return do_die(argv + 2);
	fprintf(stderr, "usage: see the head of daemon-check.c\n");
	return 2;
}
