/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "puppet.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "test.h"

static struct puppet *to_puppet(struct transport *t)
{
	return container_of(t, struct puppet, t);
}

static void note(struct puppet *p, const char *what)
{
	size_t at = strlen(p->journal);

	snprintf(p->journal + at, sizeof(p->journal) - at, "%s ", what);
}

static uint64_t puppet_read_register(struct transport *t, unsigned int bar, uint64_t offset,
				     unsigned int width)
{
	struct puppet *p = to_puppet(t);

	EXPECT_EQ(bar, SDXI_BAR);
	EXPECT_EQ(width, 8);
	p->n_reads++;
	if (p->gone)
		return UINT64_MAX;
	switch (offset) {
	case SDXI_CTL0:
		return p->ctl0;
	case SDXI_STS0:
		return p->state;
	case SDXI_CAP0:
		return p->cap0;
	case SDXI_CAP1:
		return p->cap1;
	case SDXI_VERSION:
		return p->version;
	case SDXI_ERR_STS:
		return p->err_sts;
	case SDXI_ERR_WRT:
		return p->err_wrt;
	default:
		TEST_FAIL("register %#" PRIx64 " is read", offset);
	}
}

static void puppet_request(struct puppet *p, uint64_t value)
{
	uint64_t request = value & SDXI_CTL0_REQUEST;
	bool changed = request != (p->ctl0 & SDXI_CTL0_REQUEST);

	p->ctl0 = value;
	if (request == SDXI_REQUEST_ACTIVE) {
		note(p, "active");
		p->state = p->deaf_active ? SDXI_STATE_INIT : SDXI_STATE_ACTIVE;
	} else if (request == SDXI_REQUEST_STOP_SOFT && changed) {
		note(p, "soft");
		p->state = p->deaf_soft ? SDXI_STATE_STOPPING_SOFT : SDXI_STATE_STOPPED;
	} else if (request == SDXI_REQUEST_STOP_HARD && changed) {
		note(p, "hard");
		p->state = p->deaf_hard ? SDXI_STATE_STOPPING_HARD : SDXI_STATE_STOPPED;
	} else if (request == SDXI_REQUEST_RESET && changed) {
		note(p, "reset");
		p->state = p->deaf_reset ? p->state : SDXI_STATE_STOPPED;
	}
}

static struct sdxi_context *context(struct puppet *p, unsigned int number)
{
	struct sdxi_life *life = puppet_va(p, p->cxt_l2);

	return number ? &life->client : &life->admin;
}

/* Contexts do their first descriptor, and nothing after it. */
static void puppet_bell(struct puppet *p, uint64_t offset, uint64_t value)
{
	unsigned int number = (unsigned int)(offset / PUPPET_STRIDE);
	struct sdxi_context *c = context(p, number);
	struct sdxi_block *block = &c->completions[0].block;

	EXPECT_EQ(offset % PUPPET_STRIDE, 0);
	EXPECT_EQ(le64toh(c->write_index), value);
	if (p->first_bell == UINT64_MAX)
		p->first_bell = value;
	if (number == SDXI_CLIENT) {
		p->bell = value;
		p->n_bells++;
	}
	if (value != 1 || (number == SDXI_CLIENT ? p->no_first : p->no_start))
		return;
	c->status.read_index = htole64(1);
	block->flags = htole32(p->failed_start && number != SDXI_CLIENT ? SDXI_FLAG_ERROR : 0);
	block->signal = 0;
	if (number != SDXI_CLIENT && !p->hollow_start)
		context(p, SDXI_CLIENT)->status.state = SDXI_CONTEXT_RUNNING;
}

static void puppet_write_register(struct transport *t, unsigned int bar, uint64_t offset,
				  unsigned int width, uint64_t value)
{
	struct puppet *p = to_puppet(t);

	EXPECT_EQ(width, 8);
	if (bar == SDXI_DOORBELL_BAR) {
		puppet_bell(p, offset, value);
		return;
	}
	switch (offset) {
	case SDXI_CTL0:
		puppet_request(p, value);
		break;
	case SDXI_CTL2:
		p->ctl2 = value;
		break;
	case SDXI_CXT_L2:
		note(p, "tables");
		p->cxt_l2 = value;
		break;
	case SDXI_RKEY:
		p->rkey = value;
		break;
	case SDXI_ERR_CTL:
		p->err_ctl = value;
		break;
	case SDXI_ERR_STS:
		p->err_sts &= ~value;
		break;
	case SDXI_ERR_CFG:
		note(p, value ? "log" : "no-log");
		p->err_cfg = value;
		break;
	case SDXI_ERR_WRT:
		p->err_wrt = value;
		break;
	case SDXI_ERR_RD:
		p->err_rd = value;
		break;
	default:
		TEST_FAIL("register %#" PRIx64 " is written", offset);
	}
}

static int puppet_bar_open(struct transport *t, unsigned int bar, uint64_t *ret_size)
{
	struct puppet *p = to_puppet(t);
	uint64_t size = 0;

	if (bar == SDXI_BAR)
		size = p->registers;
	if (bar == SDXI_DOORBELL_BAR)
		size = p->doorbells;
	if (size == 0)
		return -ENOENT;
	*ret_size = size;
	return 0;
}

static int puppet_bus_master(struct transport *t, bool on)
{
	struct puppet *p = to_puppet(t);

	if (on != p->bus_master)
		note(p, on ? "on" : "off");
	p->bus_master = on;
	return 0;
}

static int puppet_reset(struct transport *t)
{
	struct puppet *p = to_puppet(t);

	if (p->no_flr)
		return -EOPNOTSUPP;
	note(p, "flr");
	p->state = SDXI_STATE_STOPPED;
	return 0;
}

static int puppet_dma_alloc(struct transport *t, size_t size, struct dma_area *ret, struct why *why)
{
	struct puppet *p = to_puppet(t);

	(void)why;
	p->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(p->memory != MAP_FAILED);
	*ret = (struct dma_area) { .va = p->memory, .iova = PUPPET_IOVA, .size = size };
	return 0;
}

static void puppet_dma_free(struct transport *t, struct dma_area *area)
{
	note(to_puppet(t), "free");
	munmap(area->va, area->size);
	*area = (struct dma_area) {};
}

static int puppet_irq_enable(struct transport *t, unsigned int n, int *ret_fd)
{
	struct puppet *p = to_puppet(t);

	EXPECT_EQ(n, 2);
	*ret_fd = p->irq_fd;
	return p->irq_fd < 0 ? -ENOENT : 0;
}

static int puppet_irq_rearm(struct transport *t)
{
	uint64_t count;

	return read(to_puppet(t)->irq_fd, &count, sizeof(count)) < 0 ? 0 : (int)count;
}

static void puppet_irq_disable(struct transport *t)
{
	(void)t;
}

static void puppet_transport_close(struct transport *t)
{
	note(to_puppet(t), "close");
}

static const struct transport_ops puppet_ops = {
	.read = puppet_read_register,
	.write = puppet_write_register,
	.bar_open = puppet_bar_open,
	.bus_master = puppet_bus_master,
	.reset = puppet_reset,
	.dma_alloc = puppet_dma_alloc,
	.dma_free = puppet_dma_free,
	.irq_enable = puppet_irq_enable,
	.irq_rearm = puppet_irq_rearm,
	.irq_disable = puppet_irq_disable,
	.close = puppet_transport_close,
};

void puppet_init(struct puppet *p, bool interrupts)
{
	*p = (struct puppet) {
		.t = { .ops = &puppet_ops },
		.version = 0x10000,
		/* Doorbells 8 KiB apart, rings of 1024. */
		.cap0 = 0x100000,
		/* 2 MiB at once, one context beside the administrative one, some operations. */
		.cap1 = UINT64_C(0x1600010040),
		.registers = 1 << 18,
		.doorbells = 2 * PUPPET_STRIDE,
		.first_bell = UINT64_MAX,
		.irq_fd = interrupts ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1,
	};
}

struct engine *puppet_open(struct puppet *p, bool interrupts)
{
	struct engine *e;

	puppet_init(p, interrupts);
	EXPECT_OK(sdxi_ops.open(&p->t, &e, NULL));
	EXPECT_OK(engine_start(e));
	*p->journal = '\0';
	return e;
}

void puppet_close(struct puppet *p, struct engine *e)
{
	engine_close(e);
	EXPECT_TRUE(!p->bus_master);
	p->irq_fd = fd_close(p->irq_fd);
}

void *puppet_va(struct puppet *p, uint64_t iova)
{
	return (char *)p->memory + (iova - PUPPET_IOVA);
}

struct sdxi_context *puppet_client(struct engine *e)
{
	return &to_sdxi(e)->life->client;
}

void puppet_read(struct engine *e, uint64_t n)
{
	struct sdxi_context *c = puppet_client(e);

	for (uint64_t i = le64toh(c->status.read_index); i < n; i++)
		c->ring[i % SDXI_RING].opcode &= ~htole32(SDXI_OPCODE_VALID);
	c->status.read_index = htole64(n);
}

void puppet_complete(struct puppet *p, struct engine *e, uint64_t index, uint32_t flags)
{
	struct sdxi_descriptor *d = &puppet_client(e)->ring[index % SDXI_RING];
	struct sdxi_block *block = puppet_va(p, le64toh(d->completion));

	EXPECT_TRUE(!(le64toh(d->completion) & SDXI_COMPLETION_NONE));
	block->flags |= htole32(flags);
	block->signal = htole64(le64toh(block->signal) - 1);
}

void puppet_log(struct puppet *p, struct engine *e, unsigned int step, uint16_t flags,
		uint64_t index)
{
	struct sdxi_log_entry *entry = &to_sdxi(e)->life->log[p->err_wrt++ % SDXI_LOG_ENTRIES];

	*entry = (struct sdxi_log_entry) {
		.opcode = htole32(SDXI_LOG_VALID | step << 8 | SDXI_LOG_TYPE_ERROR << 16),
		.flags = htole16(flags),
		.context = htole16(SDXI_CLIENT),
		.index = htole64(index),
	};
	p->err_sts |= 0x1;
}

void puppet_interrupt(struct puppet *p)
{
	uint64_t one = 1;

	EXPECT_EQ(write(p->irq_fd, &one, sizeof(one)), sizeof(one));
}

void puppet_enqueue(struct engine *e, uint32_t n)
{
	uint64_t index;

	for (uint32_t i = 0; i < n; i++)
		EXPECT_OK(engine_enqueue(e, (2 * i + 1) * UINT64_C(4096),
					 (2 * i + 2) * UINT64_C(4096), 4096, &index));
}
