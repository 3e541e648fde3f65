/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Property: whatever a client writes into a slot and the data area, the request is refused, or what
 * was read is what the rest of the daemon takes for granted.
 *
 * By itself the program tries generated inputs (fuzz.h). For a search that learns:
 *
 *	clang -fsanitize=fuzzer,address,undefined -DFUZZ_BY_LIBFUZZER ...
 */
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "macros.h"
#include "reason.h"
#include "test.h"

#define PAGE	4096ull
#define MAX_RANGES 8
#define AREA	256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_plan(const struct request_plan *plan, uint64_t data_len)
{
	uint64_t end = 0, pages = 0;

	EXPECT_EQ(plan->flags & ~(RING_MOVE_ALL | RING_WHOLE), 0);
	EXPECT_TRUE(plan->to_node >= 0 && plan->to_node < 1024);
	EXPECT_TRUE(plan->flags & RING_WHOLE ? !plan->ranges && !plan->n_ranges && !plan->n_status :
					       plan->n_ranges && plan->n_ranges <= RING_MAX_RANGES);
	for (uint64_t i = 0; i < plan->n_ranges; i++) {
		const struct migoff_range *range = &plan->ranges[i];

		EXPECT_TRUE(range->len && range->start >= end);
		EXPECT_EQ((range->start | range->len) % PAGE, 0);
		end = range->start + range->len;
		EXPECT_TRUE(end <= REQUEST_MAX_ADDRESS);
		pages += range->len / PAGE;
	}
	EXPECT_EQ(plan->pages, pages);
	EXPECT_TRUE(!plan->n_status || plan->n_status == pages);
	EXPECT_EQ(plan->status % 8, 0);
	EXPECT_TRUE(plan->status <= data_len &&
		    plan->n_status * sizeof(int32_t) <= data_len - plan->status);
	EXPECT_EQ(plan->extents % 8, 0);
	EXPECT_TRUE(plan->extents <= data_len &&
		    plan->n_extents <= (data_len - plan->extents) / sizeof(struct ring_extent));
	EXPECT_TRUE(reason_name(plan->reason) != NULL);
}

/* The request first, all that follows is the data area, at its exact size for the sanitizers to see. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request_plan plan;
	struct ring_request rq = { 0 };
	size_t len = ALIGN_DOWN(size - MIN(size, sizeof(rq)), 8ul);
	uint8_t *area = malloc(len + !len);
	int r;

	memcpy(&rq, data, MIN(size, sizeof(rq)));
	if (len)
		memcpy(area, data + sizeof(rq), len);
	r = request_parse(&rq, area, len, &plan);
	if (r == 0) {
		check_plan(&plan, len);
		request_plan_fini(&plan);
	}
	EXPECT_TRUE(r <= 0);
	free(area);
	return 0;
}

#ifndef FUZZ_BY_LIBFUZZER
static struct fuzz fuzz;

/* Numbers that are more often wrong than others. */
static uint64_t odd_number(void)
{
	static const uint64_t edges[] = {
		0, 1, 7, 8, 16, AREA, AREA - 8, AREA - 16, PAGE, RING_MAX_RANGES, RING_MAX_RANGES + 1,
		1ull << 56, (1ull << 56) - PAGE, INT64_MAX, UINT64_MAX, UINT64_MAX - 7,
		UINT64_MAX / 16 + 1, UINT64_MAX / 4 + 1, UINT64_MAX - PAGE + 1,
	};

	return fuzz_random(&fuzz) % 4 ? edges[fuzz_random(&fuzz) % ARRAY_SIZE(edges)] : fuzz_random(&fuzz);
}

static void make_valid(struct ring_request *rq, struct ring_range *ranges)
{
	uint64_t at = 0;

	*rq = (struct ring_request){ .to_node = 1, .n_ranges = 1 + fuzz_random(&fuzz) % MAX_RANGES };
	rq->status = rq->n_ranges * sizeof(*ranges);
	for (uint64_t i = 0; i < rq->n_ranges; i++) {
		ranges[i].start = at + fuzz_random(&fuzz) % 3 * PAGE;
		ranges[i].len = (1 + fuzz_random(&fuzz) % 2) * PAGE;
		at = ranges[i].start + ranges[i].len;
		rq->n_status += ranges[i].len / PAGE;
	}
}

int main(void)
{
	struct {
		struct ring_request rq;
		uint64_t area[AREA / 8];
	} input;
	struct request_plan plan;

	fuzz = fuzz_begin(200000);
	while (fuzz_more(&fuzz)) {
		memset(&input, 0, sizeof(input));
		make_valid(&input.rq, (struct ring_range *)input.area);
		EXPECT_OK(request_parse(&input.rq, input.area, AREA, &plan));
		check_plan(&plan, AREA);
		request_plan_fini(&plan);
		for (uint64_t n = fuzz_random(&fuzz) % 4; n > 0; n--) {
			uint64_t word = odd_number(), at = fuzz_random(&fuzz) % (sizeof(input) / 8);

			memcpy((uint8_t *)&input + at * 8, &word, 8);
		}
		LLVMFuzzerTestOneInput((uint8_t *)&input, sizeof(input) - fuzz_random(&fuzz) % 2 * 64);
	}
	return 0;
}
#endif
