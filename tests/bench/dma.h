/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What taking, beginning and reporting copies costs, and how fast they are made: the same measurements
 * on two interfaces, ours and DPDK's. A program defines the functions below, static inline, so that
 * nothing stands between the measurement and what is measured, then includes this.
 *
 * Takes commands, one a line, and answers each with one line:
 *
 *	cost CLOCK N TIMES	what one of N copies taken together costs in enqueue, in submit and in
 *				completed: three figures, each the median of so many TIMES. CLOCK is "ns"
 *				or "steps": instructions, of this program and not of the kernel
 *	rate N COPIES		nanoseconds that a copy takes, of so many, with as many in flight as there
 *				is room for, taken N at a time
 */
#ifndef MIGOFF_TESTS_BENCH_DMA_H
#define MIGOFF_TESTS_BENCH_DMA_H

#include <signal.h>

#include "clock.h"
#include "engine.h"
#include "test.h"

/* Descriptors of the ring, of which both interfaces leave one free. */
#define DMA_RING 1024
#define DMA_LEN 64
#define DMA_N_MAX 512

/* Where the copies go from and to: room for DMA_RING, as the program and as the device see it. */
struct dma_buffer {
	unsigned char *va;
	uint64_t iova;
};

static struct dma_buffer dma_src, dma_dst;
static struct engine_copy dma_copies[DMA_RING];

/* Open the device that is named, and set both buffers. */
static void dma_open(const char *device);

static void dma_close(void);

/* Take copies; there is room for them. */
static inline void dma_enqueue(const struct engine_copy *copies, unsigned int n);

static inline void dma_submit(void);

/* Return: how many copies more have ended, of @n at most. */
static inline unsigned int dma_completed(unsigned int n);

/* End the program unless all those that dma_completed() told of, @n at last, were made. */
static void dma_expect_copied(unsigned int n);

#define DMA_SETTLE_SPINS 100000
#define DMA_GIVE_UP_NS (5 * NSEC_PER_SEC)

enum { DMA_ENQUEUE, DMA_SUBMIT, DMA_COMPLETED, DMA_N_COSTS };

/* Instructions are counted one by one: the processor traps after each while this flag of its is set. */
#define DMA_TRAP_FLAG "$0x100"

static volatile uint64_t dma_n_steps;

static void dma_on_step(int sig)
{
	dma_n_steps++;
}

static uint64_t dma_steps(void)
{
	return dma_n_steps;
}

/* What lies just below the stack's end may be in use. */
static inline void dma_step_on(void)
{
	asm volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\torq " DMA_TRAP_FLAG ", (%%rsp)\n\tpopfq\n\t"
		     "lea 128(%%rsp), %%rsp" : : : "cc", "memory");
}

static inline void dma_step_off(void)
{
	asm volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq\n\t"
		     "lea 128(%%rsp), %%rsp" : : : "cc", "memory");
}

static int dma_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double dma_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), dma_compare);
	return values[n / 2];
}

/* What the copies of a round leave behind differs from what those of the one before did. */
static void dma_prepare(unsigned int n, unsigned int round)
{
	for (unsigned int i = 0; i < n * DMA_LEN; i++)
		dma_src.va[i] = (unsigned char)(round * 7 + i % 251 + 1);
	memset(dma_dst.va, 0, n * DMA_LEN);
	dma_dst.va[n * DMA_LEN - 1] = (unsigned char)~dma_src.va[n * DMA_LEN - 1];
}

/* Until the last copy is there, and then as long as it takes the device to say so. */
static void dma_wait(unsigned int n)
{
	uint64_t give_up_ns = clock_now_ns() + DMA_GIVE_UP_NS;
	unsigned int last = n * DMA_LEN - 1;

	while (__atomic_load_n(&dma_dst.va[last], __ATOMIC_ACQUIRE) != dma_src.va[last])
		if (clock_now_ns() > give_up_ns)
			TEST_FAIL("the copies are not made");
	for (volatile unsigned int i = 0; i < DMA_SETTLE_SPINS; i++)
		;
}

/* Return: whether all was reported at once, so that no call was in vain. */
static bool dma_round(bool steps, unsigned int n, double *ret_costs[], size_t at)
{
	uint64_t (*clock)(void) = steps ? dma_steps : clock_now_ns;
	uint64_t begin[DMA_N_COSTS + 1], overhead;
	unsigned int done;

	if (steps)
		dma_step_on();
	overhead = clock();
	begin[DMA_ENQUEUE] = clock();
	overhead = begin[DMA_ENQUEUE] - overhead;
	dma_enqueue(dma_copies, n);
	begin[DMA_SUBMIT] = clock();
	dma_submit();
	begin[DMA_COMPLETED] = clock();
	if (steps)
		dma_step_off();
	ret_costs[DMA_ENQUEUE][at] = (double)(begin[DMA_SUBMIT] - begin[DMA_ENQUEUE] - overhead) / n;
	ret_costs[DMA_SUBMIT][at] = (double)(begin[DMA_COMPLETED] - begin[DMA_SUBMIT] - overhead) / n;

	dma_wait(n);
	if (steps)
		dma_step_on();
	begin[DMA_COMPLETED] = clock();
	done = dma_completed(n);
	begin[DMA_N_COSTS] = clock();
	if (steps)
		dma_step_off();
	ret_costs[DMA_COMPLETED][at] =
		(double)(begin[DMA_N_COSTS] - begin[DMA_COMPLETED] - overhead) / n;
	dma_expect_copied(done);
	if (done == n)
		return true;
	while (done < n)
		done += dma_completed(n - done);
	return false;
}

static void dma_cost(const char *clock, unsigned int n, size_t times)
{
	double *costs[DMA_N_COSTS];
	size_t in_vain = 0;

	EXPECT_TRUE(n >= 1 && n <= DMA_N_MAX && times >= 1);
	for (int i = 0; i < DMA_N_COSTS; i++) {
		costs[i] = calloc(times, sizeof(*costs[i]));
		EXPECT_TRUE(costs[i]);
	}
	for (size_t at = 0; at < times && in_vain <= times;) {
		dma_prepare(n, (unsigned int)(at + in_vain));
		if (dma_round(!strcmp(clock, "steps"), n, costs, at))
			at++;
		else
			in_vain++;
		EXPECT_TRUE(!memcmp(dma_src.va, dma_dst.va, n * DMA_LEN));
	}
	if (in_vain > times)
		TEST_FAIL("copies are reported later than they are made");
	printf("%.3f %.3f %.3f\n", dma_median(costs[DMA_ENQUEUE], times),
	       dma_median(costs[DMA_SUBMIT], times), dma_median(costs[DMA_COMPLETED], times));
	for (int i = 0; i < DMA_N_COSTS; i++)
		free(costs[i]);
}

static void dma_rate(unsigned int n, uint64_t copies)
{
	uint64_t taken = 0, done = 0, begin_ns;

	EXPECT_TRUE(n >= 1 && n <= DMA_N_MAX && copies % n == 0);
	dma_prepare(DMA_RING, 0);
	begin_ns = clock_now_ns();
	while (done < copies) {
		unsigned int more;

		if (taken < copies && taken - done + n < DMA_RING) {
			dma_enqueue(&dma_copies[taken % (DMA_RING - DMA_N_MAX)], n);
			dma_submit();
			taken += n;
		}
		more = dma_completed(DMA_N_MAX);
		dma_expect_copied(more);
		done += more;
	}
	printf("%.1f\n", (double)(clock_now_ns() - begin_ns) / (double)copies);
}

static void dma_execute(const char *line)
{
	unsigned int n;
	char clock[8];
	uint64_t count;

	if (sscanf(line, "cost %7s %u %" SCNu64, clock, &n, &count) == 3)
		dma_cost(clock, n, count);
	else if (sscanf(line, "rate %u %" SCNu64, &n, &count) == 2)
		dma_rate(n, count);
	else
		TEST_FAIL("not a command: %s", line);
	fflush(stdout);
}

static void dma_serve(const char *device)
{
	char line[128];

	dma_open(device);
	EXPECT_TRUE(signal(SIGTRAP, dma_on_step) != SIG_ERR);
	for (uint64_t i = 0; i < DMA_RING; i++)
		dma_copies[i] = (struct engine_copy) {
			.src = dma_src.iova + i * DMA_LEN,
			.dst = dma_dst.iova + i * DMA_LEN,
			.len = DMA_LEN,
		};
	while (fgets(line, sizeof(line), stdin))
		dma_execute(line);
	dma_close();
}

#endif
