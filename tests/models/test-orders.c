/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test can order of any model, and what software can break, by the smallest kind of device.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>

#include <linux/pci_regs.h>

#include "bench.h"
#include "test.h"

/* Each fault comes when it was ordered for, counted from when it was ordered, and not again. */
static void test_orders(void)
{
	struct bench b;

	bench_open(&b, "toy,error=2");
	for (int i = 1; i <= 6; i++) {
		if (i == 3)
			EXPECT_OK(model_order_faults(b.m, "error=1/2,wrong-byte=2"));
		bench_start(&b, 0, SRC, DST, 4096);
		EXPECT_EQ(bench_ended(&b), i == 2 || i == 3 || i == 5 ? MODEL_READ_FAULT : MODEL_DONE);
		if (i == 4) {
			EXPECT_TRUE(bench_copied(&b, 0, 2048));
			EXPECT_TRUE(!bench_copied(&b, 2048, 1));
			EXPECT_TRUE(bench_copied(&b, 2049, 2047));
		}
	}
	EXPECT_TRUE(bench_copied(&b, 0, 4096));
	EXPECT_EQ(model_order_faults(b.m, "none,error=1,ring=7"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "error=0"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "error=1/0"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "stale=1"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "vectors=1"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "absurd-ring=1"), -EINVAL);
	bench_start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(bench_ended(&b), MODEL_READ_FAULT);
	EXPECT_OK(model_order_faults(b.m, "none"));
	for (int i = 0; i < 3; i++) {
		bench_start(&b, 0, SRC, DST, 4096);
		EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	}
	EXPECT_OK(model_order_faults(b.m, "lose-completion"));
	bench_start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	EXPECT_EQ(bench_n_done(&b), 10);
	EXPECT_OK(model_order_faults(b.m, "absurd-length=0x8000000000000000"));
	EXPECT_TRUE(model_bar_read(b.m, 0, REG_LEN, 8) == UINT64_C(1) << 63);
	bench_close(&b);
	EXPECT_EQ(model_new("toy,bogus", &b.m), -EINVAL);
	EXPECT_EQ(model_new("toys", &b.m), -EINVAL);
}

/* A lost interrupt is one that does not come; with no vectors there is none to come. */
static void test_interrupts(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy,lose-interrupt=2");
	for (int i = 1; i <= 3; i++) {
		bench_start(&b, 0, SRC, DST, 64);
		while (bench_busy(&b, 0))
			poll(NULL, 0, 1);
		EXPECT_EQ(bench_interrupted(&b, i == 2 ? 20 : 10000), i != 2);
	}
	counts = bench_close(&b);
	EXPECT_EQ(counts.interrupts, 2);
	bench_open(&b, "toy,vectors=0");
	EXPECT_EQ(model_pci(b.m)->n_vectors, 0);
	EXPECT_EQ(bench_config(&b, 0x50) >> 8 & 0xff, 0);
	bench_close(&b);
}

/* What hangs does so until a reset, and works after it. */
static void test_hang(void)
{
	struct bench b;

	bench_open(&b, "toy,hang=2");
	bench_start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	bench_start(&b, 0, SRC, DST, 4096);
	EXPECT_TRUE(!bench_interrupted(&b, 50));
	EXPECT_TRUE(bench_busy(&b, 0));
	model_reset(b.m);
	bench_command(&b, PCI_COMMAND_MASTER);
	bench_start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	bench_close(&b);
}

/* What is unplugged reads as ones everywhere and does nothing any more. */
static void test_unplug(void)
{
	struct bench b;

	for (int at_once = 0; at_once < 2; at_once++) {
		bench_open(&b, at_once ? "toy" : "toy,unplug=1");
		if (at_once)
			EXPECT_OK(model_order_faults(b.m, "unplug"));
		bench_start(&b, 0, SRC, DST, 4096);
		EXPECT_TRUE(!bench_interrupted(&b, 20));
		EXPECT_EQ(model_bar_read(b.m, 0, REG_STATUS, 4), UINT32_MAX);
		EXPECT_EQ(model_bar_read(b.m, 0, REG_STATUS, 1), 0xff);
		EXPECT_TRUE(model_bar_read(b.m, 0, REG_SRC, 8) == UINT64_MAX);
		EXPECT_EQ(bench_config(&b, 0), UINT32_MAX);
		EXPECT_TRUE(bench_blank(&b, 0, 4096));
		EXPECT_EQ(bench_close(&b).descriptors, at_once ? 0 : 1);
	}
}

/* Stale state is as a dead owner left it: at work, as soon as it may, where nothing is mapped. */
static void test_stale(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy,stale");
	while (bench_busy(&b, 0))
		sched_yield();
	EXPECT_EQ(model_bar_read(b.m, 0, REG_STATUS, 4) >> 8, MODEL_READ_FAULT);
	/* Whether that could be signalled already does not matter. */
	bench_interrupted(&b, 0);
	EXPECT_OK(model_order_faults(b.m, "stale"));
	EXPECT_EQ(bench_ended(&b), MODEL_READ_FAULT);
	counts = bench_close(&b);
	EXPECT_GE(counts.faults, 2);
}

/* The last write of before a reset comes once more, but not without bus mastership. */
static void test_late_write(void)
{
	struct bench b;

	bench_open(&b, "toy");
	bench_start(&b, 0, SRC, DST, 64);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	EXPECT_EQ(bench_n_done(&b), 1);
	EXPECT_OK(model_order_faults(b.m, "late-write=1000"));
	model_reset(b.m);
	memset(b.mem + 2 * SIZE, 0, 8);
	EXPECT_EQ(poll(NULL, 0, 20), 0);
	EXPECT_EQ(bench_n_done(&b), 0);
	bench_command(&b, PCI_COMMAND_MASTER);
	while (bench_n_done(&b) == 0)
		poll(NULL, 0, 1);
	EXPECT_EQ(bench_n_done(&b), 1);
	bench_close(&b);
}

/* Broken rules are counted, and the last one has a name. */
static void test_broken(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy,ns-per-kib=100000000");
	EXPECT_STR(model_last_broken(b.m), "");
	bench_start(&b, 0, SRC, DST, SIZE);
	for (int i = 0; i < 1000; i++)
		model_bar_write(b.m, 0, REG_COMMAND, 4, COPY);
	EXPECT_STR(model_last_broken(b.m), "command while at work");
	EXPECT_EQ(model_bar_read(b.m, 0, 0x1000, 8), 0);
	EXPECT_STR(model_last_broken(b.m), "reserved register");
	EXPECT_EQ(model_bar_read(b.m, 0, 2, 4), UINT32_MAX);
	EXPECT_EQ(model_bar_read(b.m, 1, 0, 4), UINT32_MAX);
	EXPECT_EQ(model_bar_read(b.m, 0, 0x4000, 4), UINT32_MAX);
	model_bar_write(b.m, 7, 0, 4, 0);
	EXPECT_STR(model_last_broken(b.m), "access to a BAR");
	/* What a test has announced does not count. */
	EXPECT_OK(model_order_faults(b.m, "allow=2"));
	for (int i = 0; i < 3; i++)
		model_bar_write(b.m, 0, 0x1000, 8, 0);
	counts = bench_close(&b);
	EXPECT_EQ(counts.broken, 1006);
}

int main(void)
{
	RUN(test_orders);
	RUN(test_interrupts);
	RUN(test_hang);
	RUN(test_unplug);
	RUN(test_stale);
	RUN(test_late_write);
	RUN(test_broken);
	return 0;
}
