/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "test.h"

void bench_command(struct bench *b, uint16_t command)
{
	model_config_write(b->m, PCI_COMMAND, &command, sizeof(command));
}

uint32_t bench_config(struct bench *b, unsigned int offset)
{
	uint32_t value;

	model_config_read(b->m, offset, &value, sizeof(value));
	return value;
}

void bench_open(struct bench *b, const char *spec)
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
	bench_command(b, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

struct model_counts bench_counts(struct bench *b)
{
	struct model_counts counts;

	model_counts(b->m, &counts);
	return counts;
}

struct model_counts bench_close(struct bench *b)
{
	struct model_counts counts = bench_counts(b);

	b->m = model_free(b->m);
	munmap(b->mem, 2 * SIZE + 4096);
	close(b->irq);
	return counts;
}

void bench_start(struct bench *b, unsigned int unit, uint64_t src, uint64_t dst, uint64_t len)
{
	uint64_t at = unit * UNIT;

	model_bar_write(b->m, 0, at + REG_SRC, 8, src);
	model_bar_write(b->m, 0, at + REG_DST, 8, dst);
	model_bar_write(b->m, 0, at + REG_LEN, 8, len);
	model_bar_write(b->m, 0, at + REG_DONE, 8, DONE + 8 * unit);
	model_bar_write(b->m, 0, at + REG_COMMAND, 4, COPY);
}

bool bench_busy(struct bench *b, unsigned int unit)
{
	return model_bar_read(b->m, 0, unit * UNIT + REG_STATUS, 4) & 1;
}

bool bench_interrupted(struct bench *b, int timeout_ms)
{
	struct pollfd pfd = { .fd = b->irq, .events = POLLIN };
	uint64_t n;

	return poll(&pfd, 1, timeout_ms) == 1 && read(b->irq, &n, sizeof(n)) == sizeof(n);
}

enum model_access bench_ended(struct bench *b)
{
	EXPECT_TRUE(bench_interrupted(b, 10000));
	EXPECT_TRUE(!bench_busy(b, 0));
	return (enum model_access)(model_bar_read(b->m, 0, REG_STATUS, 4) >> 8);
}

bool bench_copied(const struct bench *b, uint64_t at, uint64_t len)
{
	return !memcmp(b->mem + at, b->mem + SIZE + at, len);
}

bool bench_blank(const struct bench *b, uint64_t at, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		if (b->mem[SIZE + at + i])
			return false;
	return true;
}

uint64_t bench_n_done(struct bench *b)
{
	return __atomic_load_n((uint64_t *)(b->mem + 2 * SIZE), __ATOMIC_ACQUIRE);
}
