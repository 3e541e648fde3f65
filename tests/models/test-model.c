/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core of the models, by the smallest kind of device there is, toy.c: memory, units, resets,
 * configuration space, what a test can order, and what software can break.
 */
#include "model.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "clock.h"
#include "macros.h"
#include "test.h"

#define SIZE (UINT64_C(8) << 20)
#define IOVA UINT64_C(0x7f0000000000)
#define SRC IOVA
#define DST (IOVA + SIZE)
#define DONE (IOVA + 2 * SIZE)

enum {
	REG_SRC = 0x00, REG_DST = 0x08, REG_LEN = 0x10, REG_DONE = 0x18, REG_COMMAND = 0x20,
	REG_STATUS = 0x24, UNIT = 0x40,
	COPY = 1, STOP = 2,
};

/**
 * struct bench - A toy with memory and an interrupt.
 * @mem: source, destination and a page for completions, mapped one after the other at IOVA.
 */
struct bench {
	struct model *m;
	uint8_t *mem;
	int irq;
};

static void set_command(struct bench *b, uint16_t command)
{
	model_config_write(b->m, PCI_COMMAND, &command, sizeof(command));
}

static uint32_t config(struct bench *b, unsigned int offset)
{
	uint32_t value;

	model_config_read(b->m, offset, &value, sizeof(value));
	return value;
}

static void bench_open(struct bench *b, const char *spec)
{
	EXPECT_OK(model_new(spec, &b->m));
	b->mem = mmap(NULL, 2 * SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	EXPECT_TRUE(b->mem != MAP_FAILED);
	for (uint64_t i = 0; i < SIZE; i++)
		b->mem[i] = (uint8_t)(i * 7 + (i >> 12));
	EXPECT_OK(model_map(b->m, SRC, b->mem, SIZE, false));
	EXPECT_OK(model_map(b->m, DST, b->mem + SIZE, SIZE, true));
	EXPECT_OK(model_map(b->m, DONE, b->mem + 2 * SIZE, 4096, true));
	b->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	EXPECT_GE(b->irq, 0);
	model_set_vector(b->m, 0, b->irq);
	set_command(b, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static struct model_counts counts_of(struct bench *b)
{
	struct model_counts counts;

	model_counts(b->m, &counts);
	return counts;
}

static struct model_counts bench_close(struct bench *b)
{
	struct model_counts counts = counts_of(b);

	b->m = model_free(b->m);
	munmap(b->mem, 2 * SIZE + 4096);
	close(b->irq);
	return counts;
}

static void start(struct bench *b, unsigned int unit, uint64_t src, uint64_t dst, uint64_t len)
{
	uint64_t at = unit * UNIT;

	model_bar_write(b->m, 0, at + REG_SRC, 8, src);
	model_bar_write(b->m, 0, at + REG_DST, 8, dst);
	model_bar_write(b->m, 0, at + REG_LEN, 8, len);
	model_bar_write(b->m, 0, at + REG_DONE, 8, DONE + 8 * unit);
	model_bar_write(b->m, 0, at + REG_COMMAND, 4, COPY);
}

static bool busy(struct bench *b, unsigned int unit)
{
	return model_bar_read(b->m, 0, unit * UNIT + REG_STATUS, 4) & 1;
}

/* Wait for the interrupt. */
static bool interrupted(struct bench *b, int timeout_ms)
{
	struct pollfd pfd = { .fd = b->irq, .events = POLLIN };
	uint64_t n;

	return poll(&pfd, 1, timeout_ms) == 1 && read(b->irq, &n, sizeof(n)) == sizeof(n);
}

static enum model_access ended(struct bench *b)
{
	EXPECT_TRUE(interrupted(b, 10000));
	EXPECT_TRUE(!busy(b, 0));
	return (enum model_access)(model_bar_read(b->m, 0, REG_STATUS, 4) >> 8);
}

static bool copied(const struct bench *b, uint64_t at, uint64_t len)
{
	return !memcmp(b->mem + at, b->mem + SIZE + at, len);
}

static bool blank(const struct bench *b, uint64_t at, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		if (b->mem[SIZE + at + i])
			return false;
	return true;
}

static uint64_t n_done(struct bench *b)
{
	return __atomic_load_n((uint64_t *)(b->mem + 2 * SIZE), __ATOMIC_ACQUIRE);
}

/* A copy copies what it says and no more, writes its completion, and interrupts, in that order. */
static void test_copy(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy");
	start(&b, 0, SRC + 1, DST + 1, SIZE - 3);
	EXPECT_EQ(ended(&b), MODEL_DONE);
	EXPECT_TRUE(copied(&b, 1, SIZE - 3));
	EXPECT_TRUE(blank(&b, 0, 1));
	EXPECT_TRUE(blank(&b, SIZE - 2, 2));
	EXPECT_EQ(n_done(&b), 1);
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
	start(&b, 0, SRC + 5, DST + 5, SIZE - 5);
	EXPECT_EQ(ended(&b), MODEL_DONE);
	EXPECT_TRUE(copied(&b, 5, SIZE - 5));
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
	start(&b, 0, SRC - 4096, DST, 8192);
	EXPECT_EQ(ended(&b), MODEL_READ_FAULT);
	EXPECT_TRUE(blank(&b, 0, 8192));
	start(&b, 0, DST, SRC, 4096);
	EXPECT_EQ(ended(&b), MODEL_WRITE_FAULT);
	start(&b, 0, SRC, DONE + 4096, 1);
	EXPECT_EQ(ended(&b), MODEL_WRITE_FAULT);
	/* What it can reach of a copy it has copied. */
	start(&b, 0, DST - 4096, DST, 8192);
	EXPECT_EQ(ended(&b), MODEL_DONE);
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
	start(&b, 0, SRC, DST, 64);
	EXPECT_EQ(ended(&b), MODEL_DONE);
	EXPECT_EQ(n_done(&b), 0xaaaaaaaaaaaaaaaa);
	/* But it may lie in two ranges. */
	EXPECT_OK(model_map(b.m, DONE + 4, b.mem + 2 * SIZE + 4, 4, true));
	start(&b, 0, SRC, DST, 64);
	EXPECT_EQ(ended(&b), MODEL_DONE);
	EXPECT_EQ(n_done(&b), 2);
	counts = bench_close(&b);
	EXPECT_EQ(counts.faults, 1);
}

/* Without bus mastership the device touches no memory, and sends no interrupt, which is a write. */
static void test_bus_master(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy");
	set_command(&b, PCI_COMMAND_MEMORY);
	start(&b, 0, SRC, DST, 4096);
	while (busy(&b, 0))
		poll(NULL, 0, 1);
	EXPECT_TRUE(!interrupted(&b, 0));
	EXPECT_EQ(model_bar_read(b.m, 0, REG_STATUS, 4) >> 8, MODEL_READ_FAULT);
	EXPECT_TRUE(blank(&b, 0, 4096));
	EXPECT_EQ(n_done(&b), 0);
	set_command(&b, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(ended(&b), MODEL_DONE);
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
		start(&b, 0, SRC, DST, SIZE / 2);
		start(&b, 1, SRC + 1, DST + SIZE / 2, SIZE / 2);
		if (round % 4)
			poll(NULL, 0, 1);
		EXPECT_EQ(model_unmap(b.m, DST + SIZE / 2, 1), 1);
		munmap(va, SIZE);
		while (busy(&b, 0) || busy(&b, 1))
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
	start(&b, 0, SRC, DST, SIZE);
	EXPECT_TRUE(busy(&b, 0));
	model_bar_write(b.m, 0, REG_COMMAND, 4, STOP);
	while (busy(&b, 0))
		EXPECT_TRUE(clock_now_ns() - begin_ns < 10 * NSEC_PER_SEC);
	EXPECT_EQ(n_done(&b), 0);
	EXPECT_OK(model_order_faults(b.m, "ns-per-kib=0"));
	start(&b, 0, SRC, DST, SIZE);
	EXPECT_EQ(ended(&b), MODEL_DONE);
	EXPECT_TRUE(copied(&b, 0, SIZE));
	EXPECT_EQ(bench_close(&b).broken, 0);
}

/* A reset returns with all units at rest, registers and bus mastership as after power-on. */
static void test_reset(void)
{
	struct bench b;

	bench_open(&b, "toy,ns-per-kib=100000000");
	for (int round = 0; round < 100; round++) {
		set_command(&b, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		start(&b, 0, SRC, DST, SIZE);
		start(&b, 1, SRC, DST, SIZE);
		if (round % 2) {
			uint16_t flr = PCI_EXP_DEVCTL_BCR_FLR;

			model_config_write(b.m, 0x50 + PCI_EXP_DEVCTL, &flr, sizeof(flr));
		} else {
			model_reset(b.m);
		}
		EXPECT_TRUE(!busy(&b, 0) && !busy(&b, 1));
		EXPECT_EQ(model_bar_read(b.m, 0, REG_SRC, 8), 0);
		EXPECT_EQ(config(&b, PCI_COMMAND) & 0xffff, 0);
	}
	EXPECT_EQ(n_done(&b), 0);
	EXPECT_EQ(bench_close(&b).broken, 0);
}

/* Units work at the same time: one is done with many copies while the other hangs in its first. */
static void test_units_are_parallel(void)
{
	struct bench b;

	bench_open(&b, "toy,hang=1");
	start(&b, 0, SRC, DST, SIZE / 2);
	while (counts_of(&b).descriptors == 0)
		sched_yield();
	for (int i = 0; i < 10; i++) {
		start(&b, 1, SRC, DST + SIZE / 2, SIZE / 2);
		while (busy(&b, 1))
			sched_yield();
	}
	EXPECT_TRUE(busy(&b, 0));
	EXPECT_TRUE(blank(&b, 0, SIZE / 2));
	EXPECT_TRUE(!blank(&b, SIZE / 2, SIZE / 2));
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
		start(&b, 0, SRC, DST, 64);
		EXPECT_EQ(ended(&b), MODEL_DONE);
	}
	took_ns = clock_now_ns() - begin_ns;
	EXPECT_GE(took_ns, 50 * NSEC_PER_MSEC);
	EXPECT_TRUE(took_ns < 500 * NSEC_PER_MSEC);
	bench_close(&b);
}

/* Each fault comes when it was ordered for, counted from when it was ordered, and not again. */
static void test_orders(void)
{
	struct bench b;

	bench_open(&b, "toy,error=2");
	for (int i = 1; i <= 6; i++) {
		if (i == 3)
			EXPECT_OK(model_order_faults(b.m, "error=1/2,wrong-byte=2"));
		start(&b, 0, SRC, DST, 4096);
		EXPECT_EQ(ended(&b), i == 2 || i == 3 || i == 5 ? MODEL_READ_FAULT : MODEL_DONE);
		if (i == 4) {
			EXPECT_TRUE(copied(&b, 0, 2048));
			EXPECT_TRUE(!copied(&b, 2048, 1));
			EXPECT_TRUE(copied(&b, 2049, 2047));
		}
	}
	EXPECT_TRUE(copied(&b, 0, 4096));
	EXPECT_EQ(model_order_faults(b.m, "none,error=1,ring=7"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "error=0"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "error=1/0"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "stale=1"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "vectors=1"), -EINVAL);
	EXPECT_EQ(model_order_faults(b.m, "absurd-ring=1"), -EINVAL);
	start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(ended(&b), MODEL_READ_FAULT);
	EXPECT_OK(model_order_faults(b.m, "none"));
	for (int i = 0; i < 3; i++) {
		start(&b, 0, SRC, DST, 4096);
		EXPECT_EQ(ended(&b), MODEL_DONE);
	}
	EXPECT_OK(model_order_faults(b.m, "lose-completion"));
	start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(ended(&b), MODEL_DONE);
	EXPECT_EQ(n_done(&b), 10);
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
		start(&b, 0, SRC, DST, 64);
		while (busy(&b, 0))
			poll(NULL, 0, 1);
		EXPECT_EQ(interrupted(&b, i == 2 ? 20 : 10000), i != 2);
	}
	counts = bench_close(&b);
	EXPECT_EQ(counts.interrupts, 2);
	bench_open(&b, "toy,vectors=0");
	EXPECT_EQ(model_pci(b.m)->n_vectors, 0);
	EXPECT_EQ(config(&b, 0x50) >> 8 & 0xff, 0);
	bench_close(&b);
}

/* What hangs does so until a reset, and works after it. */
static void test_hang(void)
{
	struct bench b;

	bench_open(&b, "toy,hang=2");
	start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(ended(&b), MODEL_DONE);
	start(&b, 0, SRC, DST, 4096);
	EXPECT_TRUE(!interrupted(&b, 50));
	EXPECT_TRUE(busy(&b, 0));
	model_reset(b.m);
	set_command(&b, PCI_COMMAND_MASTER);
	start(&b, 0, SRC, DST, 4096);
	EXPECT_EQ(ended(&b), MODEL_DONE);
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
		start(&b, 0, SRC, DST, 4096);
		EXPECT_TRUE(!interrupted(&b, 20));
		EXPECT_EQ(model_bar_read(b.m, 0, REG_STATUS, 4), UINT32_MAX);
		EXPECT_EQ(model_bar_read(b.m, 0, REG_STATUS, 1), 0xff);
		EXPECT_TRUE(model_bar_read(b.m, 0, REG_SRC, 8) == UINT64_MAX);
		EXPECT_EQ(config(&b, 0), UINT32_MAX);
		EXPECT_TRUE(blank(&b, 0, 4096));
		EXPECT_EQ(bench_close(&b).descriptors, at_once ? 0 : 1);
	}
}

/* Stale state is as a dead owner left it: at work, as soon as it may, where nothing is mapped. */
static void test_stale(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy,stale");
	while (busy(&b, 0))
		sched_yield();
	EXPECT_EQ(model_bar_read(b.m, 0, REG_STATUS, 4) >> 8, MODEL_READ_FAULT);
	/* Whether that could be signalled already does not matter. */
	interrupted(&b, 0);
	EXPECT_OK(model_order_faults(b.m, "stale"));
	EXPECT_EQ(ended(&b), MODEL_READ_FAULT);
	counts = bench_close(&b);
	EXPECT_GE(counts.faults, 2);
}

/* The last write of before a reset comes once more, but not without bus mastership. */
static void test_late_write(void)
{
	struct bench b;

	bench_open(&b, "toy");
	start(&b, 0, SRC, DST, 64);
	EXPECT_EQ(ended(&b), MODEL_DONE);
	EXPECT_EQ(n_done(&b), 1);
	EXPECT_OK(model_order_faults(b.m, "late-write=1000"));
	model_reset(b.m);
	memset(b.mem + 2 * SIZE, 0, 8);
	EXPECT_EQ(poll(NULL, 0, 20), 0);
	EXPECT_EQ(n_done(&b), 0);
	set_command(&b, PCI_COMMAND_MASTER);
	while (n_done(&b) == 0)
		poll(NULL, 0, 1);
	EXPECT_EQ(n_done(&b), 1);
	bench_close(&b);
}

/* Broken rules are counted, and the last one has a name. */
static void test_broken(void)
{
	struct model_counts counts;
	struct bench b;

	bench_open(&b, "toy,ns-per-kib=100000000");
	EXPECT_STR(model_last_broken(b.m), "");
	start(&b, 0, SRC, DST, SIZE);
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

/* Software finds identity, BARs, capabilities and their limits where PCI says. */
static void test_config_space(void)
{
	uint32_t ones = UINT32_MAX;
	uint8_t all[300];
	struct bench b;

	bench_open(&b, "toy,no-flr");
	EXPECT_EQ(config(&b, PCI_VENDOR_ID), 0x0d0a1234);
	EXPECT_EQ(config(&b, PCI_CLASS_REVISION), 0x08800000);
	EXPECT_EQ(config(&b, PCI_SUBSYSTEM_VENDOR_ID), 0x11001af4);
	model_config_write(b.m, PCI_VENDOR_ID, &ones, 4);
	EXPECT_EQ(config(&b, PCI_VENDOR_ID), 0x0d0a1234);
	model_config_write(b.m, PCI_BASE_ADDRESS_0, &ones, 4);
	model_config_write(b.m, PCI_BASE_ADDRESS_1, &ones, 4);
	EXPECT_EQ(config(&b, PCI_BASE_ADDRESS_0), 0xffffc004);
	EXPECT_EQ(config(&b, PCI_BASE_ADDRESS_1), 0xffffffff);
	model_config_write(b.m, PCI_BASE_ADDRESS_2, &ones, 4);
	EXPECT_EQ(config(&b, PCI_BASE_ADDRESS_2), 0);
	/* Power management, PCI Express, MSI-X. */
	EXPECT_EQ(config(&b, PCI_CAPABILITY_LIST) & 0xff, 0x40);
	EXPECT_EQ(config(&b, 0x40) & 0xffff, 0x5001);
	EXPECT_EQ(config(&b, 0x50) & 0xffff, 0xb010);
	EXPECT_EQ(config(&b, 0x54) & PCI_EXP_DEVCAP_FLR, 0);
	EXPECT_EQ(config(&b, 0xb0), 0x00010011);
	EXPECT_EQ(config(&b, 0xb4), 0x2000);
	EXPECT_EQ(config(&b, 0xb8), 0x3000);
	/* Without one, a function-level reset changes nothing. */
	model_config_write(b.m, 0x50 + PCI_EXP_DEVCTL, &ones, 2);
	EXPECT_EQ(config(&b, PCI_BASE_ADDRESS_0), 0xffffc004);
	EXPECT_EQ(config(&b, 0x100) >> 20, MODEL_ORDERS);
	EXPECT_EQ(config(&b, MODEL_ORDERS) & 0xffff, PCI_EXT_CAP_ID_VNDR);
	/* Any access, at any place, also beyond the end. */
	model_config_read(b.m, 4000, all, sizeof(all));
	EXPECT_EQ(all[96], 0xff);
	model_config_write(b.m, 4000, all, sizeof(all));
	model_config_write(b.m, PCI_COMMAND + 1, &ones, 1);
	EXPECT_EQ(config(&b, PCI_COMMAND) & 0xffff, 0x0506);
	bench_close(&b);
}

static void *hammer(void *arg)
{
	struct bench *b = arg;

	for (int i = 0; i < 200; i++) {
		start(b, 0, SRC, DST, 4096);
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
		set_command(&b, PCI_COMMAND_MASTER);
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
	RUN(test_orders);
	RUN(test_interrupts);
	RUN(test_hang);
	RUN(test_unplug);
	RUN(test_stale);
	RUN(test_late_write);
	RUN(test_broken);
	RUN(test_config_space);
	RUN(test_hosts_come_first);
	return 0;
}
