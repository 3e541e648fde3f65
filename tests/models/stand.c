/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stand.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "clock.h"
#include "macros.h"
#include "test.h"

#define LIMIT_NS (10 * NSEC_PER_SEC)

void stand_bus_master(struct stand *b, bool on)
{
	uint16_t command = PCI_COMMAND_MEMORY | (on ? PCI_COMMAND_MASTER : 0);

	model_config_write(b->m, PCI_COMMAND, &command, sizeof(command));
}

void stand_open(struct stand *b, const char *spec)
{
	EXPECT_OK(model_new(spec, &b->m));
	b->mem = mmap(NULL, STAND_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(b->mem != MAP_FAILED);
	EXPECT_OK(model_map(b->m, STAND_IOVA, b->mem, STAND_SIZE, true));
	for (unsigned int i = 0; i < STAND_VECTORS; i++) {
		b->irq[i] = eventfd(0, EFD_CLOEXEC);
		EXPECT_TRUE(b->irq[i] >= 0);
		model_set_vector(b->m, i, b->irq[i]);
	}
	stand_bus_master(b, true);
}

void stand_close(struct stand *b, uint64_t n_broken)
{
	struct model_counts counts;

	model_counts(b->m, &counts);
	if (counts.broken != n_broken)
		TEST_FAIL("%" PRIu64 " rules were broken, not %" PRIu64 "; last: %s", counts.broken,
			  n_broken, model_last_broken(b->m));
	model_free(b->m);
	for (unsigned int i = 0; i < STAND_VECTORS; i++)
		close(b->irq[i]);
	munmap(b->mem, STAND_SIZE);
}

uint64_t stand_read(struct stand *b, unsigned int bar, uint64_t offset, unsigned int width)
{
	return model_bar_read(b->m, bar, offset, width);
}

void stand_poll(struct stand *b, unsigned int bar, uint64_t offset, unsigned int width,
		uint64_t mask, uint64_t value)
{
	uint64_t now, give_up_ns = clock_now_ns() + LIMIT_NS;

	while (((now = stand_read(b, bar, offset, width)) & mask) != value) {
		if (clock_now_ns() > give_up_ns)
			TEST_FAIL("%#" PRIx64 " is %#" PRIx64 ", expected %#" PRIx64, offset, now,
				  value);
		sched_yield();
	}
}

void stand_poll_memory(struct stand *b, uint64_t offset, uint64_t mask, uint64_t value)
{
	const uint64_t *at = (const uint64_t *)(b->mem + offset);
	uint64_t now, give_up_ns = clock_now_ns() + LIMIT_NS;

	while (((now = __atomic_load_n(at, __ATOMIC_ACQUIRE)) & mask) != value) {
		if (clock_now_ns() > give_up_ns)
			TEST_FAIL("memory at %#" PRIx64 " is %#" PRIx64 ", expected %#" PRIx64,
				  offset, now, value);
		sched_yield();
	}
}

void stand_poll_broken(struct stand *b, uint64_t n, const char *rule)
{
	uint64_t give_up_ns = clock_now_ns() + LIMIT_NS;
	struct model_counts counts;

	for (;;) {
		model_counts(b->m, &counts);
		if (counts.broken >= n)
			break;
		if (clock_now_ns() > give_up_ns)
			TEST_FAIL("nobody noticed: %s", rule);
		sched_yield();
	}
	EXPECT_STR(model_last_broken(b->m), rule);
}

bool stand_interrupted(struct stand *b, unsigned int vector)
{
	struct pollfd pfd = { .fd = b->irq[vector], .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

uint64_t stand_interrupts(struct stand *b, unsigned int vector)
{
	struct pollfd pfd = { .fd = b->irq[vector], .events = POLLIN };
	uint64_t n = 0;

	EXPECT_EQ(poll(&pfd, 1, LIMIT_NS / NSEC_PER_MSEC), 1);
	EXPECT_EQ(read(b->irq[vector], &n, sizeof(n)), sizeof(n));
	return n;
}

uint64_t stand_descriptors(struct stand *b)
{
	struct model_counts counts;

	model_counts(b->m, &counts);
	return counts.descriptors;
}

void stand_poll_descriptors(struct stand *b, uint64_t n)
{
	uint64_t give_up_ns = clock_now_ns() + LIMIT_NS;

	while (stand_descriptors(b) < n) {
		if (clock_now_ns() > give_up_ns)
			TEST_FAIL("only %" PRIu64 " of %" PRIu64 " descriptors were taken up",
				  stand_descriptors(b), n);
		sched_yield();
	}
}

void stand_fill(struct stand *b, uint64_t offset, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		b->mem[offset + i] = (uint8_t)(seed + 13 * i + (i >> 8));
}

bool stand_filled(struct stand *b, uint64_t offset, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++) {
		if (b->mem[offset + i] != (uint8_t)(seed + 13 * i + (i >> 8)))
			return false;
	}
	return true;
}
