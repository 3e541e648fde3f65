/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The measurements of dma.h on an engine: dma-migoff DEVICE. DEVICE is as for engine_open(); or
 * "model:" and what model_open_engine() takes, for a model in this process.
 */
#include <stdbool.h>
#include <stdint.h>

#include "dma.h"
#include "engine.h"
#include "model_transport.h"

static struct engine *engine;
static struct dma_area areas[2];
static struct engine_result results[DMA_N_MAX];

static void dma_open(const char *device)
{
	struct why why = {};
	int r;

	if (strncmp(device, "model:", 6))
		r = engine_open(device, 0, &engine, &why);
	else
		r = model_open_engine(device + 6, &engine, &why);
	for (int i = 0; r == 0 && i < 2; i++)
		r = engine_dma_alloc(engine, DMA_RING * DMA_LEN, &areas[i], &why);
	if (r < 0)
		TEST_FAIL("%s: %s", device, why.cause);
	engine_set_events(engine, false);
	EXPECT_OK(engine_start(engine));
	dma_src = (struct dma_buffer) { .va = areas[0].va, .iova = areas[0].iova };
	dma_dst = (struct dma_buffer) { .va = areas[1].va, .iova = areas[1].iova };
}

static void dma_close(void)
{
	EXPECT_OK(engine_stop(engine));
	for (int i = 0; i < 2; i++)
		engine_dma_free(engine, &areas[i]);
	engine_close(engine);
}

static inline void dma_enqueue(const struct engine_copy *copies, unsigned int n)
{
	uint64_t index;

	EXPECT_EQ(engine_enqueue_all(engine, copies, n, &index), n);
}

static inline void dma_submit(void)
{
	EXPECT_OK(engine_submit(engine));
}

static inline unsigned int dma_completed(unsigned int n)
{
	return (unsigned int)EXPECT_OK(engine_completed(engine, results, n));
}

static void dma_expect_copied(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		EXPECT_EQ(results[i].status, ENGINE_COPIED);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DEVICE\n", argv[0]);
		return 2;
	}
	dma_serve(argv[1]);
	return 0;
}
