/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long moves take, and how long the engine needs for copies of the same size by itself: without the
 * daemon, the library or the module, by a second device like the daemon's, from a buffer on one node to
 * one on the other, both mapped for it all the time.
 *
 * Takes commands, one a line, and answers each with one line:
 *
 *	engine DEVICE MIB	open the engine, with two buffers of so many MiB; "ok"
 *	raw NODE		nanoseconds for copying one buffer to the one on this node
 *	subject N SIZE THREADS	a process with N folios of SIZE, 2M or 4K, takes the place of the last one;
 *				so many threads of it write to random pages; "ok"
 *	move MOVER NODE N	nanoseconds for moving all its memory there, in calls of N folios, by
 *				"migoff" or "kernel"; then how many folios are not there after all
 */
#include <errno.h>
#include <numaif.h>
#include <poll.h>

#include "clock.h"
#include "engine.h"
#include "subject.h"
#include "test.h"

#define MIB (UINT64_C(1) << 20)

static struct subject subject;
static struct engine *engine;
static struct dma_area buffers[2];

static void cmd_engine(const char *device, uint64_t mib)
{
	struct why why = {};

	if (engine_open(device, 0, &engine, &why) < 0)
		TEST_FAIL("%s: %s", device, why.cause);
	for (int node = 0; node < 2; node++) {
		unsigned long mask = 1ul << node;

		EXPECT_OK(set_mempolicy(MPOL_BIND, &mask, 8 * sizeof(mask)));
		if (engine_dma_alloc(engine, mib * MIB, &buffers[node], &why) < 0)
			TEST_FAIL("%s: %s", device, why.cause);
	}
	EXPECT_OK(set_mempolicy(MPOL_DEFAULT, NULL, 0));
	EXPECT_OK(engine_start(engine));
	puts("ok");
}

static void wait_engine(void)
{
	struct engine_result result;
	int r;

	while ((r = engine_completed(engine, &result, 1)) == 0) {
		struct pollfd pfd = { .fd = engine_event_fd(engine), .events = POLLIN };

		EXPECT_TRUE(poll(&pfd, 1, 10000) == 1);
	}
	EXPECT_OK(r);
	EXPECT_EQ(result.status, ENGINE_COPIED);
}

static void cmd_raw(int node)
{
	uint64_t begin = clock_now_ns(), index;

	EXPECT_OK(engine_enqueue(engine, buffers[1 - node].iova, buffers[node].iova, buffers[0].size, &index));
	EXPECT_OK(engine_submit(engine));
	wait_engine();
	printf("%" PRIu64 "\n", clock_now_ns() - begin);
}

static void cmd_subject(size_t n, const char *size, unsigned int n_threads)
{
	subject_stop(&subject);
	subject_start(&subject, n, strcmp(size, "2M") ? SUBJECT_PAGE : SUBJECT_HUGE, n_threads);
	puts("ok");
}

static void cmd_move(const char *mover, int node, size_t per_call)
{
	enum mover who = strcmp(mover, "migoff") ? MOVER_KERNEL : MOVER_MIGOFF;
	uint64_t begin = clock_now_ns(), ns;

	subject_move(&subject, who, node, per_call);
	ns = clock_now_ns() - begin;
	printf("%" PRIu64 " %zu\n", ns, subject_elsewhere(&subject, node));
}

static void execute(const char *line)
{
	unsigned int n_threads;
	char word[64];
	uint64_t mib;
	size_t n;
	int node;

	if (sscanf(line, "engine %63s %" SCNu64, word, &mib) == 2)
		cmd_engine(word, mib);
	else if (sscanf(line, "raw %d", &node) == 1)
		cmd_raw(node);
	else if (sscanf(line, "subject %zu %63s %u", &n, word, &n_threads) == 3)
		cmd_subject(n, word, n_threads);
	else if (sscanf(line, "move %63s %d %zu", word, &node, &n) == 3)
		cmd_move(word, node, n);
	else
		TEST_FAIL("not a command: %s", line);
	fflush(stdout);
}

int main(void)
{
	char line[128];

	while (fgets(line, sizeof(line), stdin))
		execute(line);
	subject_stop(&subject);
	engine_close(engine);
	return 0;
}
