/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lsi_model.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cleanup.h"
#include "engine_driver.h"
#include "macros.h"
#include "model_memory.h"
#include "strict.h"

/*
 * The numbers are those of the chip's manual, written down here a second time on purpose: the
 * driver's header is part of what is tested.
 */
enum {
	REG_DSTAT = 0x0c, REG_ISTAT0 = 0x14, REG_ISTAT1 = 0x15, REG_DSP = 0x2c, REG_DSPS = 0x30,
	REG_DMODE = 0x38, REG_DIEN = 0x39, REG_SIEN0 = 0x40, REG_SIEN1 = 0x41, REG_MMRS = 0xa0,
	REG_MMWS = 0xa4, N_REGS = 0x100,
	IID = 0x01, SIR = 0x04, DFE = 0x80,
	DIP = 0x01, INTF = 0x04, SRST = 0x40, SRUN = 0x02,
};

#define MAX_INSNS 100
#define CHUNK 4096
/* Near the end of what 32 bits reach. */
#define FIRST_IOVA 0xf0000000u

struct lsi_model {
	struct transport transport;
	struct lsi_model_config config;
	pthread_t thread;
	int irq_fd;

	/* What follows is under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint8_t regs[N_REGS];
	struct model_memory memory;
	uint64_t epoch;		/* counts software resets: a script of an earlier one is void */
	bool bus_master, irq_enabled, irq_masked, irq_late, hanging, unplugged, closing;
	unsigned int n_scripts;
};

static struct lsi_model *to_model(struct transport *t)
{
	return container_of(t, struct lsi_model, transport);
}

static uint32_t reg_get32(const struct lsi_model *m, unsigned int reg)
{
	uint32_t value;

	memcpy(&value, &m->regs[reg], sizeof(value));
	return le32toh(value);
}

static void reg_set32(struct lsi_model *m, unsigned int reg, uint32_t value)
{
	value = htole32(value);
	memcpy(&m->regs[reg], &value, sizeof(value));
}

static void irq_deliver(struct lsi_model *m)
{
	uint64_t one = 1;

	m->irq_masked = true;
	STRICT(write(m->irq_fd, &one, sizeof(one)) == sizeof(one), "eventfd: %s", strerror(errno));
}

/* The level of the interrupt line, and what an unmasked one does when it rises. */
static void irq_update(struct lsi_model *m)
{
	if (m->irq_enabled && !m->irq_masked && !m->irq_late && m->regs[REG_ISTAT0] & DIP &&
	    m->regs[REG_DSTAT] & m->regs[REG_DIEN])
		irq_deliver(m);
}

/* What cannot be read reads as zeros, and what cannot be written is not. */
static void dma_read(struct lsi_model *m, uint64_t iova, uint8_t *to, size_t len)
{
	if (m->bus_master && !m->unplugged)
		model_memory_read(&m->memory, iova, to, len);
	else
		memset(to, 0, len);
}

static void dma_write(struct lsi_model *m, uint64_t iova, const uint8_t *from, size_t len)
{
	if (m->bus_master && !m->unplugged)
		model_memory_write(&m->memory, iova, from, len);
}

static uint32_t fetch(struct lsi_model *m)
{
	uint32_t word, dsp = reg_get32(m, REG_DSP);

	dma_read(m, dsp, (uint8_t *)&word, sizeof(word));
	reg_set32(m, REG_DSP, dsp + 4);
	return le32toh(word);
}

/* The lock is let go between chunks, so that the driver can get in between. */
static void move(struct lsi_model *m, uint64_t epoch, uint32_t src, uint32_t dst, uint32_t len)
{
	uint8_t buffer[CHUNK];

	STRICT(((src ^ dst) & 3) == 0, "a move from %#x to %#x, which are not congruent", src, dst);
	while (len > 0 && m->epoch == epoch) {
		uint32_t n = MIN(len, (uint32_t)sizeof(buffer));

		dma_read(m, src, buffer, n);
		dma_write(m, dst, buffer, n);
		src += n;
		dst += n;
		len -= n;
		pthread_mutex_unlock(&m->lock);
		pthread_mutex_lock(&m->lock);
	}
}

static void script_stop(struct lsi_model *m, uint8_t cause)
{
	m->regs[REG_ISTAT1] &= (uint8_t)~SRUN;
	m->regs[REG_DSTAT] |= cause;
	m->regs[REG_ISTAT0] |= DIP;
	irq_update(m);
}

/* One instruction. Return: whether the script goes on. */
static bool execute(struct lsi_model *m, uint64_t epoch)
{
	uint32_t insn = fetch(m), second, third;

	/* An empty word is skipped alone: a script that is not there is one without an end. */
	if (insn == 0)
		return true;
	second = fetch(m);
	reg_set32(m, REG_DSPS, second);
	if (insn >> 24 == 0xc0) {
		third = fetch(m);
		move(m, epoch, second, third, insn & 0xffffff);
		return m->epoch == epoch;
	}
	script_stop(m, insn == 0x98080000 ? SIR : IID);
	return false;
}

static void script_run(struct lsi_model *m)
{
	uint64_t epoch = m->epoch;
	unsigned int n = 0;

	while (m->epoch == epoch && !m->closing) {
		/* It fetches nothing while it may do no DMA, and goes on if it is let again. */
		if (m->hanging || m->unplugged || !m->bus_master) {
			pthread_cond_wait(&m->changed, &m->lock);
			continue;
		}
		STRICT(n++ < MAX_INSNS || m->config.lenient, "a script of more than %d instructions",
		       MAX_INSNS);
		if (!execute(m, epoch))
			return;
	}
}

static void *model_thread(void *arg)
{
	struct lsi_model *m = arg;

	pthread_mutex_lock(&m->lock);
	while (!m->closing) {
		if (m->regs[REG_ISTAT1] & SRUN)
			script_run(m);
		else
			pthread_cond_wait(&m->changed, &m->lock);
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

static void software_reset(struct lsi_model *m)
{
	if (m->config.no_reset && m->regs[REG_ISTAT1] & SRUN)
		return;
	memset(m->regs, 0, sizeof(m->regs));
	m->hanging = false;
	m->epoch++;
	pthread_cond_broadcast(&m->changed);
}

static void script_start(struct lsi_model *m)
{
	STRICT(!(m->regs[REG_ISTAT1] & SRUN), "a script was started while one runs");
	STRICT(!(m->regs[REG_ISTAT0] & DIP), "a script was started with status unread");
	m->n_scripts++;
	m->regs[REG_ISTAT1] |= SRUN;
	pthread_cond_broadcast(&m->changed);
}

static void write_byte(struct lsi_model *m, unsigned int reg, uint8_t value)
{
	switch (reg) {
	case REG_ISTAT0:
		if (value & SRST)
			software_reset(m);
		if (value & INTF)
			m->regs[REG_ISTAT0] &= (uint8_t)~INTF;
		STRICT(!(value & ~(SRST | INTF)), "%#x was written to ISTAT0", value);
		break;
	case REG_DSP ... REG_DSP + 3:
		m->regs[reg] = value;
		if (reg == REG_DSP + 3)
			script_start(m);
		break;
	case REG_DIEN:
		m->regs[reg] = value;
		irq_update(m);
		break;
	case REG_DMODE:
	case REG_SIEN0:
	case REG_SIEN1:
	case REG_MMRS ... REG_MMRS + 3:
	case REG_MMWS ... REG_MMWS + 3:
		STRICT(value == 0, "%#x was written to register %#x", value, reg);
		break;
	default:
		STRICT(false, "register %#x was written", reg);
	}
}

static uint8_t read_byte(struct lsi_model *m, unsigned int reg)
{
	uint8_t value = m->regs[reg];

	switch (reg) {
	case REG_DSTAT:
		if (!(m->regs[REG_ISTAT0] & INTF)) {
			m->regs[REG_DSTAT] = 0;
			m->regs[REG_ISTAT0] &= (uint8_t)~DIP;
		}
		/* The processor had seen the line before it fell, and comes to it only now. */
		if (m->irq_late && value)
			irq_deliver(m);
		m->irq_late = false;
		return value | DFE;
	case REG_ISTAT0:
	case REG_ISTAT1:
	case REG_DSP ... REG_DSP + 3:
	case REG_DSPS ... REG_DSPS + 3:
		return value;
	default:
		STRICT(false, "register %#x was read", reg);
		return 0;
	}
}

static void check_access(unsigned int bar, uint64_t offset, unsigned int width)
{
	STRICT(bar == 1 && offset < N_REGS && (width == 1 || width == 4) &&
	       IS_ALIGNED(offset, (uint64_t)width),
	       "%u bytes at BAR %u + %#llx", width, bar, (unsigned long long)offset);
}

static uint64_t model_read(struct transport *t, unsigned int bar, uint64_t offset,
			   unsigned int width)
{
	struct lsi_model *m = to_model(t);
	uint64_t value = 0;

	check_access(bar, offset, width);
	LOCKED(&m->lock);
	for (unsigned int i = 0; i < width; i++) {
		uint8_t byte = m->unplugged ? 0xff : read_byte(m, (unsigned int)offset + i);

		value |= (uint64_t)byte << 8 * i;
	}
	return value;
}

static void model_write(struct transport *t, unsigned int bar, uint64_t offset,
			unsigned int width, uint64_t value)
{
	struct lsi_model *m = to_model(t);

	check_access(bar, offset, width);
	LOCKED(&m->lock);
	for (unsigned int i = 0; i < width && !m->unplugged; i++)
		write_byte(m, (unsigned int)offset + i, (uint8_t)(value >> 8 * i));
}

static int model_bar_open(struct transport *t, unsigned int bar, uint64_t *ret_size)
{
	if (bar != 1)
		return -ENOENT;
	if (ret_size)
		*ret_size = 0x400;
	return 0;
}

static int model_bus_master(struct transport *t, bool on)
{
	struct lsi_model *m = to_model(t);

	LOCKED(&m->lock);
	m->bus_master = on;
	pthread_cond_broadcast(&m->changed);
	return 0;
}

static int model_reset(struct transport *t)
{
	return -EOPNOTSUPP;
}

static int model_dma_alloc(struct transport *t, size_t size, struct dma_area *ret, struct why *why)
{
	struct lsi_model *m = to_model(t);
	int r;

	LOCKED(&m->lock);
	r = model_memory_alloc(&m->memory, size, ret);
	return r < 0 ? why_fail(why, r, "no memory") : 0;
}

static void model_dma_free(struct transport *t, struct dma_area *area)
{
	struct lsi_model *m = to_model(t);

	LOCKED(&m->lock);
	STRICT(!m->bus_master || area->size == 0, "memory was unmapped from a device that may do DMA");
	model_memory_free(&m->memory, area);
}

static int model_irq_enable(struct transport *t, unsigned int n, int *ret_fd)
{
	struct lsi_model *m = to_model(t);

	if (m->config.no_irq || n == 0)
		return -ENOENT;
	LOCKED(&m->lock);
	m->irq_enabled = true;
	irq_update(m);
	*ret_fd = m->irq_fd;
	return 0;
}

static int model_irq_rearm(struct transport *t)
{
	struct lsi_model *m = to_model(t);
	uint64_t count;

	LOCKED(&m->lock);
	if (read(m->irq_fd, &count, sizeof(count)) == sizeof(count)) {
		m->irq_masked = false;
		irq_update(m);
	}
	return 0;
}

static void model_irq_disable(struct transport *t)
{
	struct lsi_model *m = to_model(t);

	LOCKED(&m->lock);
	m->irq_enabled = false;
}

static void model_close(struct transport *t)
{
	struct lsi_model *m = to_model(t);

	pthread_mutex_lock(&m->lock);
	STRICT(!m->memory.n_bad || m->config.lenient, "%u accesses to memory that is not mapped",
	       m->memory.n_bad);
	m->closing = true;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	STRICT(model_memory_empty(&m->memory), "memory was left mapped");
	fd_close(m->irq_fd);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static const struct transport_ops model_ops = {
	.read = model_read,
	.write = model_write,
	.bar_open = model_bar_open,
	.bus_master = model_bus_master,
	.reset = model_reset,
	.dma_alloc = model_dma_alloc,
	.dma_free = model_dma_free,
	.irq_enable = model_irq_enable,
	.irq_rearm = model_irq_rearm,
	.irq_disable = model_irq_disable,
	.close = model_close,
};

int lsi_model_new(const struct lsi_model_config *config, struct transport **ret)
{
	struct lsi_model *m = calloc(1, sizeof(*m));

	STRICT(m, "no memory");
	m->transport.ops = &model_ops;
	m->config = *config;
	m->memory.next_iova = FIRST_IOVA;
	m->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	STRICT(m->irq_fd >= 0, "no eventfd");
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->changed, NULL);
	STRICT(pthread_create(&m->thread, NULL, model_thread, m) == 0, "no thread");
	*ret = &m->transport;
	return 0;
}

int lsi_model_open_engine(const struct lsi_model_config *config, struct engine **ret,
			  struct why *why)
{
	struct transport *t;
	int r;

	r = lsi_model_new(config, &t);
	if (r < 0)
		return r;
	r = lsi53c895a_ops.open(t, ret, why);
	if (r < 0)
		transport_close(t);
	else
		strcpy((*ret)->identity.driver, "lsi-model");
	return r;
}

struct lsi_model *lsi_model_of(struct engine *e)
{
	return to_model(e->transport);
}

void lsi_model_hang(struct lsi_model *m)
{
	LOCKED(&m->lock);
	m->hanging = true;
}

void lsi_model_late_interrupt(struct lsi_model *m)
{
	LOCKED(&m->lock);
	m->irq_late = true;
}

uint32_t lsi_model_code(struct lsi_model *m)
{
	LOCKED(&m->lock);

	return reg_get32(m, REG_DSPS);
}

void lsi_model_stale_interrupt(struct lsi_model *m, uint32_t code)
{
	LOCKED(&m->lock);
	reg_set32(m, REG_DSPS, code);
	m->regs[REG_DSTAT] |= SIR;
	m->regs[REG_ISTAT0] |= DIP;
	irq_update(m);
}

void lsi_model_unplug(struct lsi_model *m)
{
	LOCKED(&m->lock);
	m->unplugged = true;
}

unsigned int lsi_model_n_scripts(struct lsi_model *m)
{
	LOCKED(&m->lock);

	return m->n_scripts;
}

bool lsi_model_bus_master(struct lsi_model *m)
{
	LOCKED(&m->lock);

	return m->bus_master;
}
