/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core of the models, by the smallest kind of device there is: memory, units, resets,
 * configuration space.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include <linux/pci_regs.h>

#include "bench.h"
#include "clock.h"
#include "macros.h"
#include "test.h"

/* A copy copies what it says and no more, writes its completion, and interrupts, in that order. */
static void test_copy(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy");
	bench_start(&b, 0, SRC + 1, DST + 1, SIZE - 3);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	EXPECT_TRUE(bench_copied(&b, 1, SIZE - 3));
	EXPECT_TRUE(bench_blank(&b, 0, 1));
	EXPECT_TRUE(bench_blank(&b, SIZE - 2, 2));
	EXPECT_EQ(bench_n_done(&b), 1);
	counts = bench_close(&b);
	EXPECT_EQ(counts.descriptors, 1);
	EXPECT_EQ(counts.interrupts, 1);
	EXPECT_EQ(counts.broken + counts.faults, 0);
}

/* Ranges may lie anywhere, side by side too, and a copy crosses from one into the next. */
static void test_small_ranges(void)
{
	struct bench b;

	bench_open(&b, "toy");
	EXPECT_EQ(model_unmap(b.m, IOVA, 2 * SIZE), 2);
	for (uint64_t i = 0; i < 2 * SIZE / 4096; i++) {
		/* In an order in which no neighbour comes after its neighbour. */
		uint64_t at = (i * 1237 % (2 * SIZE / 4096)) * 4096;

		EXPECT_OK(model_map(b.m, IOVA + at, b.mem + at, 4096, at >= SIZE));
	}
	EXPECT_EQ(model_map(b.m, SRC + 4095, b.mem, 2, true), -EEXIST);
	EXPECT_EQ(model_map(b.m, SRC, b.mem, 0, true), -EINVAL);
	EXPECT_EQ(model_map(b.m, UINT64_MAX, b.mem, 2, true), -EINVAL);
	bench_start(&b, 0, SRC + 5, DST + 5, SIZE - 5);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	EXPECT_TRUE(bench_copied(&b, 5, SIZE - 5));
	EXPECT_EQ(model_unmap(b.m, IOVA, 2 * SIZE), 2 * SIZE / 4096);
	EXPECT_EQ(model_unmap(b.m, IOVA, 2 * SIZE), 0);
	EXPECT_EQ(model_n_mapped(b.m), 1);
	bench_close(&b);
}

/* Memory that is not mapped, or not for writing, is not touched, and that is reported. */
static void test_faults(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy");
	bench_start(&b, 0, SRC - 4096, DST, 8192);
	EXPECT_EQ(bench_ended(&b), MODEL_READ_FAULT);
	EXPECT_TRUE(bench_blank(&b, 0, 8192));
	bench_start(&b, 0, DST, SRC, 4096);
	EXPECT_EQ(bench_ended(&b), MODEL_WRITE_FAULT);
	bench_start(&b, 0, SRC, DONE + 4096, 1);
	EXPECT_EQ(bench_ended(&b), MODEL_WRITE_FAULT);
	/* What it can reach of a copy it has copied. */
	bench_start(&b, 0, DST - 4096, DST, 8192);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	counts = bench_close(&b);
	EXPECT_EQ(counts.faults, 3);
	EXPECT_EQ(counts.broken, 0);
}

/* A small write that would be cut short is not made at all. */
static void test_small_write_is_whole(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy");
	EXPECT_EQ(model_unmap(b.m, DONE, 4096), 1);
	EXPECT_OK(model_map(b.m, DONE - 4, b.mem + 2 * SIZE - 4, 8, true) == -EEXIST ? 0 : -1);
	EXPECT_OK(model_map(b.m, DONE, b.mem + 2 * SIZE, 4, true));
	memset(b.mem + 2 * SIZE, 0xaa, 8);
	bench_start(&b, 0, SRC, DST, 64);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	EXPECT_EQ(bench_n_done(&b), 0xaaaaaaaaaaaaaaaa);
	/* But it may lie in two ranges. */
	EXPECT_OK(model_map(b.m, DONE + 4, b.mem + 2 * SIZE + 4, 4, true));
	bench_start(&b, 0, SRC, DST, 64);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	EXPECT_EQ(bench_n_done(&b), 2);
	counts = bench_close(&b);
	EXPECT_EQ(counts.faults, 1);
}

/* Without bus mastership the device touches no memory, and sends no interrupt, which is a write. */
static void test_bus_master(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy");
	bench_command(&b, PCI_COMMAND_MEMORY);
	bench_start(&b, 0, SRC, DST, 4096);
	while (bench_busy(&b, 0))
		poll(NULL, 0, 1);
	EXPECT_TRUE(!bench_interrupted(&b, 0));
	EXPECT_EQ(model_bar_read(b.m, 0, REG_STATUS, 4) >> 8, MODEL_READ_FAULT);
	EXPECT_TRUE(bench_blank(&b, 0, 4096));
	EXPECT_EQ(bench_n_done(&b), 0);
	bench_command(&b, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	bench_start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	counts = bench_close(&b);
	EXPECT_EQ(counts.faults, 0);
}

/* After an unmap the memory can be given back in the middle of copies, time and again. */
static void test_unmap_in_flight(void)
{
	struct bench b;

	bench_open(&b, "toy");
	for (int round = 0; round < 200; round++) {
		void *va;

		EXPECT_EQ(model_unmap(b.m, DST, SIZE), 1);
		va = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		EXPECT_TRUE(va != MAP_FAILED);
		EXPECT_OK(model_map(b.m, DST, va, SIZE, true));
		bench_start(&b, 0, SRC, DST, SIZE / 2);
		bench_start(&b, 1, SRC + 1, DST + SIZE / 2, SIZE / 2);
		if (round % 4)
			poll(NULL, 0, 1);
		EXPECT_EQ(model_unmap(b.m, DST + SIZE / 2, 1), 1);
		munmap(va, SIZE);
		while (bench_busy(&b, 0) || bench_busy(&b, 1))
			sched_yield();
		EXPECT_OK(model_map(b.m, DST, b.mem + SIZE, SIZE, true));
	}
	bench_close(&b);
}

/* What was told to stop stops soon, however long it would take, and something else can follow. */
static void test_stop(void)
{
	uint64_t begin_ns = clock_now_ns();
	struct bench b;

	bench_open(&b, "toy,ns-per-kib=1000000000");
	bench_start(&b, 0, SRC, DST, SIZE);
	EXPECT_TRUE(bench_busy(&b, 0));
	model_bar_write(b.m, 0, REG_COMMAND, 4, STOP);
	while (bench_busy(&b, 0))
		EXPECT_TRUE(clock_now_ns() - begin_ns < 10 * NSEC_PER_SEC);
	EXPECT_EQ(bench_n_done(&b), 0);
	EXPECT_OK(model_order_faults(b.m, "ns-per-kib=0"));
	bench_start(&b, 0, SRC, DST, SIZE);
	EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	EXPECT_TRUE(bench_copied(&b, 0, SIZE));
	EXPECT_EQ(bench_close(&b).broken, 0);
}

/* A reset returns with all units at rest, registers and bus mastership as after power-on. */
static void test_reset(void)
{
	struct bench b;

	bench_open(&b, "toy,ns-per-kib=100000000");
	for (int round = 0; round < 100; round++) {
		bench_command(&b, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		bench_start(&b, 0, SRC, DST, SIZE);
		bench_start(&b, 1, SRC, DST, SIZE);
		if (round % 2) {
			uint16_t flr = PCI_EXP_DEVCTL_BCR_FLR;

			model_config_write(b.m, 0x50 + PCI_EXP_DEVCTL, &flr, sizeof(flr));
		} else {
			model_reset(b.m);
		}
		EXPECT_TRUE(!bench_busy(&b, 0) && !bench_busy(&b, 1));
		EXPECT_EQ(model_bar_read(b.m, 0, REG_SRC, 8), 0);
		EXPECT_EQ(bench_config(&b, PCI_COMMAND) & 0xffff, 0);
	}
	EXPECT_EQ(bench_n_done(&b), 0);
	EXPECT_EQ(bench_close(&b).broken, 0);
}

/* Units work at the same time: one is done with many copies while the other hangs in its first. */
static void test_units_are_parallel(void)
{
	struct bench b;

	bench_open(&b, "toy,hang=1");
	bench_start(&b, 0, SRC, DST, SIZE / 2);
	while (bench_counts(&b).descriptors == 0)
		sched_yield();
	for (int i = 0; i < 10; i++) {
		bench_start(&b, 1, SRC, DST + SIZE / 2, SIZE / 2);
		while (bench_busy(&b, 1))
			sched_yield();
	}
	EXPECT_TRUE(bench_busy(&b, 0));
	EXPECT_TRUE(bench_blank(&b, 0, SIZE / 2));
	EXPECT_TRUE(!bench_blank(&b, SIZE / 2, SIZE / 2));
	bench_close(&b);
}

/* Set costs are kept on the average, though no sleep is exact. */
static void test_costs(void)
{
	uint64_t begin_ns, took_ns;
	struct bench b;

	bench_open(&b, "toy,ns-per-descriptor=1000000");
	begin_ns = clock_now_ns();
	for (int i = 0; i < 50; i++) {
		bench_start(&b, 0, SRC, DST, 64);
		EXPECT_EQ(bench_ended(&b), MODEL_DONE);
	}
	took_ns = clock_now_ns() - begin_ns;
	EXPECT_GE(took_ns, 50 * NSEC_PER_MSEC);
	EXPECT_TRUE(took_ns < 500 * NSEC_PER_MSEC);
	bench_close(&b);
}

/* Software finds identity, BARs, capabilities and their limits where PCI says. */
static void test_config_space(void)
{
	uint32_t ones = UINT32_MAX;
	uint8_t all[300];
	struct bench b;

	bench_open(&b, "toy,no-flr");
	EXPECT_EQ(bench_config(&b, PCI_VENDOR_ID), 0x0d0a1234);
	EXPECT_EQ(bench_config(&b, PCI_CLASS_REVISION), 0x08800000);
	EXPECT_EQ(bench_config(&b, PCI_SUBSYSTEM_VENDOR_ID), 0x11001af4);
	model_config_write(b.m, PCI_VENDOR_ID, &ones, 4);
	EXPECT_EQ(bench_config(&b, PCI_VENDOR_ID), 0x0d0a1234);
	model_config_write(b.m, PCI_BASE_ADDRESS_0, &ones, 4);
	model_config_write(b.m, PCI_BASE_ADDRESS_1, &ones, 4);
	EXPECT_EQ(bench_config(&b, PCI_BASE_ADDRESS_0), 0xffffc004);
	EXPECT_EQ(bench_config(&b, PCI_BASE_ADDRESS_1), 0xffffffff);
	model_config_write(b.m, PCI_BASE_ADDRESS_2, &ones, 4);
	EXPECT_EQ(bench_config(&b, PCI_BASE_ADDRESS_2), 0);
	/* Power management, PCI Express, MSI-X. */
	EXPECT_EQ(bench_config(&b, PCI_CAPABILITY_LIST) & 0xff, 0x40);
	EXPECT_EQ(bench_config(&b, 0x40) & 0xffff, 0x5001);
	EXPECT_EQ(bench_config(&b, 0x50) & 0xffff, 0xb010);
	EXPECT_EQ(bench_config(&b, 0x54) & PCI_EXP_DEVCAP_FLR, 0);
	EXPECT_EQ(bench_config(&b, 0xb0), 0x00010011);
	EXPECT_EQ(bench_config(&b, 0xb4), 0x2000);
	EXPECT_EQ(bench_config(&b, 0xb8), 0x3000);
	/* Without one, a function-level reset changes nothing. */
	model_config_write(b.m, 0x50 + PCI_EXP_DEVCTL, &ones, 2);
	EXPECT_EQ(bench_config(&b, PCI_BASE_ADDRESS_0), 0xffffc004);
	EXPECT_EQ(bench_config(&b, 0x100) >> 20, MODEL_ORDERS);
	EXPECT_EQ(bench_config(&b, MODEL_ORDERS) & 0xffff, PCI_EXT_CAP_ID_VNDR);
	/* Any access, at any place, also beyond the end. */
	model_config_read(b.m, 4000, all, sizeof(all));
	EXPECT_EQ(all[96], 0xff);
	model_config_write(b.m, 4000, all, sizeof(all));
	model_config_write(b.m, PCI_COMMAND + 1, &ones, 1);
	EXPECT_EQ(bench_config(&b, PCI_COMMAND) & 0xffff, 0x0506);
	bench_close(&b);
}

static void *hammer(void *arg)
{
	struct bench *b = arg;

	for (int i = 0; i < 200; i++) {
		bench_start(b, 0, SRC, DST, 4096);
		model_bar_write(b->m, 0, REG_COMMAND, 4, STOP);
	}
	return NULL;
}

/* Whoever comes from outside gets the lock, though a unit never rests; several may come at once. */
static void test_hosts_come_first(void)
{
	struct model_counts counts;
	pthread_t threads[4];
	struct bench b;

	bench_open(&b, "toy");
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, hammer, &b), 0);
	for (int i = 0; i < 50; i++) {
		EXPECT_OK(model_order_faults(b.m, "error=1/3"));
		model_reset(b.m);
		bench_command(&b, PCI_COMMAND_MASTER);
		model_counts(b.m, &counts);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	bench_close(&b);
}

int main(void)
{
	RUN(test_copy);
	RUN(test_small_ranges);
	RUN(test_faults);
	RUN(test_small_write_is_whole);
	RUN(test_bus_master);
	RUN(test_unmap_in_flight);
	RUN(test_stop);
	RUN(test_reset);
	RUN(test_units_are_parallel);
	RUN(test_costs);
	RUN(test_config_space);
	RUN(test_hosts_come_first);
	return 0;
}
