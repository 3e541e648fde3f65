/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine-hold SPEC [WINDOW]: open an engine and keep it copying until the host wants the device
 * back; then give it back and go on without it. For the tests in the machine: what it says is
 *
 *	refused: ERROR: cause; remedy	(status 1)
 *	open, or open, window IOVA+SIZE
 *	given back after N copies
 *	went on				(status 0)
 */
#include <errno.h>
#include <poll.h>

#include "engine.h"
#include "test.h"

/* A copy that was made is right; one that was not, because the device went away, is not made. */
static uint64_t copy_once(struct engine *e, const struct dma_area *area, uint64_t len)
{
	struct engine_result result;
	uint64_t index;

	memset((char *)area->va + len, 0, len);
	if (engine_enqueue(e, area->iova, area->iova + len, len, &index) < 0 ||
	    engine_submit(e) < 0)
		return 0;
	for (;;) {
		int n = engine_completed(e, &result, 1);

		if (n < 0)
			return 0;
		if (n == 0)
			continue;
		if (result.status != ENGINE_COPIED)
			return 0;
		EXPECT_TRUE(!memcmp(area->va, (char *)area->va + len, len));
		return 1;
	}
}

static uint64_t copy_until_wanted(struct engine *e, const struct dma_area *area, uint64_t len)
{
	struct pollfd wanted = { .fd = engine_request_fd(e), .events = POLLIN };
	uint64_t n = 0;

	EXPECT_GE(wanted.fd, 0);
	while (poll(&wanted, 1, 0) == 0)
		n += copy_once(e, area, len);
	return n;
}

/* The process is none the worse for having lost the device. */
static void go_on(void)
{
	struct dma_area area;
	struct engine *e;

	EXPECT_OK(engine_open_soft(&e, NULL));
	EXPECT_OK(engine_dma_alloc(e, 8192, &area, NULL));
	EXPECT_OK(engine_start(e));
	memset(area.va, 0x5a, 4096);
	EXPECT_EQ(copy_once(e, &area, 4096), 1);
	engine_dma_free(e, &area);
	engine_close(e);
	printf("went on\n");
}

int main(int argc, char **argv)
{
	const uint64_t len = 1 << 20;
	const struct engine_identity *id;
	struct dma_area area;
	struct why why = {};
	struct engine *e;
	uint64_t n;
	int r;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s SPEC [WINDOW]\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = engine_open(argv[1], argc > 2 ? strtoull(argv[2], NULL, 0) : 0, &e, &why);
	if (r < 0) {
		printf("refused: %s: %s; %s\n", strerrorname_np(-r), why.cause, why.remedy);
		return 1;
	}
	r = engine_dma_alloc(e, 2 * len, &area, &why);
	if (r < 0) {
		printf("refused: %s: %s; %s\n", strerrorname_np(-r), why.cause, why.remedy);
		engine_close(e);
		return 1;
	}
	memset(area.va, 0xa5, len);
	EXPECT_OK(engine_start(e));
	id = engine_identity(e);
	if (id->window_size)
		printf("open, window %#" PRIx64 "+%#" PRIx64 "\n", id->window_iova, id->window_size);
	else
		printf("open\n");
	n = copy_until_wanted(e, &area, len);
	EXPECT_OK(engine_stop(e));
	engine_dma_free(e, &area);
	engine_close(e);
	printf("given back after %" PRIu64 " copies\n", n);
	EXPECT_TRUE(n > 0);
	go_on();
	return 0;
}
