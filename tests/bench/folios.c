/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long an engine by itself needs for folios of 2 MiB: bench-folios DEVICE. DEVICE is as for
 * engine_open(); or "model:" and what model_open_engine() takes, for a model in this process.
 *
 * Takes commands, one a line, and answers each with one line:
 *
 *	copy N		nanoseconds for N folios that are begun together
 */
#include <errno.h>
#include <poll.h>

#include "clock.h"
#include "engine.h"
#include "model_transport.h"
#include "test.h"

#define FOLIO (UINT64_C(2) << 20)
#define N_MAX 64

static struct engine *engine;
static struct dma_area src, dst;

static void open_engine(const char *device)
{
	struct why why = {};
	int r;

	if (strncmp(device, "model:", 6))
		r = engine_open(device, 0, &engine, &why);
	else
		r = model_open_engine(device + 6, &engine, &why);
	if (r == 0)
		r = engine_dma_alloc(engine, N_MAX * FOLIO, &src, &why);
	if (r == 0)
		r = engine_dma_alloc(engine, N_MAX * FOLIO, &dst, &why);
	if (r < 0)
		TEST_FAIL("%s: %s", device, why.cause);
	EXPECT_OK(engine_start(engine));
	for (uint64_t at = 0; at < src.size; at += sizeof(at))
		memcpy((char *)src.va + at, &at, sizeof(at));
	memset(dst.va, 1, dst.size);
}

static void collect(uint32_t n)
{
	struct pollfd pfd = { .fd = engine_event_fd(engine), .events = POLLIN };
	struct engine_result results[N_MAX];

	while (n > 0) {
		uint32_t got = (uint32_t)EXPECT_OK(engine_completed(engine, results, n));

		for (uint32_t i = 0; i < got; i++)
			EXPECT_EQ(results[i].status, ENGINE_COPIED);
		n -= got;
		if (n > 0 && got == 0)
			EXPECT_EQ(poll(&pfd, 1, 10000), 1);
	}
}

static void cmd_copy(uint32_t n)
{
	struct engine_copy copies[N_MAX];
	uint64_t index, begin_ns;

	EXPECT_TRUE(n >= 1 && n <= N_MAX);
	memset(dst.va, 1, n * FOLIO);
	for (uint32_t i = 0; i < n; i++)
		copies[i] = (struct engine_copy) {
			.src = src.iova + i * FOLIO,
			.dst = dst.iova + i * FOLIO,
			.len = FOLIO,
		};
	begin_ns = clock_now_ns();
	EXPECT_EQ(engine_enqueue_all(engine, copies, n, &index), n);
	EXPECT_OK(engine_submit(engine));
	collect(n);
	printf("%" PRIu64 "\n", clock_now_ns() - begin_ns);
	EXPECT_TRUE(!memcmp(src.va, dst.va, n * FOLIO));
}

int main(int argc, char **argv)
{
	char line[128];
	uint32_t n;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DEVICE\n", argv[0]);
		return 2;
	}
	open_engine(argv[1]);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "copy %" SCNu32, &n) != 1)
			TEST_FAIL("not a command: %s", line);
		cmd_copy(n);
		fflush(stdout);
	}
	engine_dma_free(engine, &src);
	engine_dma_free(engine, &dst);
	engine_close(engine);
	return 0;
}
