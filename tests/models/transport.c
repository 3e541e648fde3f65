/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model_transport.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "cleanup.h"
#include "engine_driver.h"
#include "macros.h"

#define HUGE_PAGE ((size_t)2 << 20)
/* Where addresses for the device begin: high enough to tell one that has lost its upper half. */
#define FIRST_IOVA_HIGH UINT64_C(0x123480000000)
#define FIRST_IOVA_LOW UINT64_C(0xf0000000)

struct transport_model {
	struct transport transport;
	struct model *m;
	uint64_t next_iova;
	int irq_fd;
};

static struct transport_model *to_model(struct transport *t)
{
	return container_of(t, struct transport_model, transport);
}

static uint64_t transport_model_read(struct transport *t, unsigned int bar, uint64_t offset,
				     unsigned int width)
{
	return model_bar_read(to_model(t)->m, bar, offset, width);
}

static void transport_model_write(struct transport *t, unsigned int bar, uint64_t offset,
				  unsigned int width, uint64_t value)
{
	model_bar_write(to_model(t)->m, bar, offset, width, value);
}

/* Nobody else writes to the device meanwhile, so in pieces is as good as at once. */
static void transport_model_post64(struct transport *t, unsigned int bar, uint64_t offset,
				   const void *from)
{
	uint64_t words[8];

	memcpy(words, from, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		model_bar_write(to_model(t)->m, bar, offset + 8 * i, 8, le64toh(words[i]));
}

static int transport_model_can_post64(struct transport *t, unsigned int bar)
{
	return model_can_post64(to_model(t)->m) ? 0 : -EOPNOTSUPP;
}

static uint32_t transport_model_config_read(struct transport *t, unsigned int offset,
					    unsigned int width)
{
	uint32_t value = 0;

	model_config_read(to_model(t)->m, offset, &value, width);
	return le32toh(value);
}

static void transport_model_config_write(struct transport *t, unsigned int offset,
					 unsigned int width, uint32_t value)
{
	value = htole32(value);
	model_config_write(to_model(t)->m, offset, &value, width);
}

static int transport_model_bar_open(struct transport *t, unsigned int bar, uint64_t *ret_size)
{
	uint64_t size = bar < MODEL_N_BARS ? model_pci(to_model(t)->m)->bar_size[bar] : 0;

	if (size == 0)
		return -ENOENT;
	*ret_size = size;
	return 0;
}

static int transport_model_bus_master(struct transport *t, bool on)
{
	uint32_t command = transport_model_config_read(t, PCI_COMMAND, 2);

	if (command == 0xffff)
		return -EIO;
	command = on ? command | PCI_COMMAND_MASTER : command & ~(uint32_t)PCI_COMMAND_MASTER;
	transport_model_config_write(t, PCI_COMMAND, 2, command);
	return 0;
}

/* As the kernel does it: the command register is as before. */
static int transport_model_reset(struct transport *t)
{
	uint32_t command = transport_model_config_read(t, PCI_COMMAND, 2);

	if (!model_can_reset(to_model(t)->m))
		return -EOPNOTSUPP;
	model_reset(to_model(t)->m);
	transport_model_config_write(t, PCI_COMMAND, 2, command);
	return 0;
}

static int transport_model_dma_alloc(struct transport *t, size_t size, struct dma_area *ret,
				     struct why *why)
{
	struct transport_model *tm = to_model(t);
	size_t align = size < HUGE_PAGE ? (size_t)getpagesize() : HUGE_PAGE;
	void *va;
	int r;

	size = ALIGN_UP(size, align);
	va = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (va == MAP_FAILED)
		return why_fail(why, -errno, "no memory");
	/* Most of the time of a test goes into the faults of pages, and there is no need for them. */
	madvise(va, size, MADV_HUGEPAGE);
	tm->next_iova = ALIGN_UP(tm->next_iova, align);
	r = model_map(tm->m, tm->next_iova, va, size, true);
	if (r < 0) {
		munmap(va, size);
		return why_fail(why, r, "the model does not take the mapping");
	}
	*ret = (struct dma_area) { .va = va, .iova = tm->next_iova, .size = size };
	/* An address is never used again, and a page between shows who runs over an end. */
	tm->next_iova += size + (size_t)getpagesize();
	return 0;
}

static void transport_model_dma_free(struct transport *t, struct dma_area *area)
{
	if (area->size > 0) {
		model_unmap(to_model(t)->m, area->iova, area->size);
		munmap(area->va, area->size);
	}
	*area = (struct dma_area) {};
}

static void transport_model_irq_disable(struct transport *t)
{
	struct transport_model *tm = to_model(t);

	for (unsigned int i = 0; i < MODEL_VECTORS_MAX; i++)
		model_set_vector(tm->m, i, -1);
	model_set_line(tm->m, -1);
	tm->irq_fd = fd_close(tm->irq_fd);
}

static int transport_model_irq_enable(struct transport *t, unsigned int n, int *ret_fd)
{
	struct transport_model *tm = to_model(t);
	const struct model_pci *pci = model_pci(tm->m);

	n = MIN(n, pci->n_vectors);
	if (n == 0 && !pci->has_line)
		return -ENOENT;
	transport_model_irq_disable(t);
	tm->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (tm->irq_fd < 0)
		return -errno;
	for (unsigned int i = 0; i < n; i++)
		model_set_vector(tm->m, i, tm->irq_fd);
	if (n == 0)
		model_set_line(tm->m, tm->irq_fd);
	*ret_fd = tm->irq_fd;
	return 0;
}

static int transport_model_irq_rearm(struct transport *t)
{
	struct transport_model *tm = to_model(t);
	uint64_t count;

	if (read(tm->irq_fd, &count, sizeof(count)) < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (model_pci(tm->m)->has_line)
		model_unmask_line(tm->m);
	return (int)count;
}

/* What a test does not ask for, but must not pass with. */
static void check_at_end(struct model *m)
{
	struct model_counts counts;

	model_counts(m, &counts);
	/* Of what nothing can bring to rest a driver may leave it to the transport, as VFIO's drivers do. */
	if (model_n_mapped(m) > 0 && model_can_reset(m)) {
		fprintf(stderr, "model %s: memory was left mapped\n", model_name(m));
		abort();
	}
	if (counts.broken > 0 && !model_lenient(m)) {
		fprintf(stderr, "model %s: rules were broken, \"%s\" the last one\n",
			model_name(m), model_last_broken(m));
		abort();
	}
}

static void transport_model_close(struct transport *t)
{
	struct transport_model *tm = to_model(t);

	transport_model_bus_master(t, false);
	transport_model_irq_disable(t);
	check_at_end(tm->m);
	model_free(tm->m);
	free(tm);
}

static const struct transport_ops transport_model_ops = {
	.read = transport_model_read,
	.write = transport_model_write,
	.post64 = transport_model_post64,
	.can_post64 = transport_model_can_post64,
	.config_read = transport_model_config_read,
	.config_write = transport_model_config_write,
	.bar_open = transport_model_bar_open,
	.bus_master = transport_model_bus_master,
	.reset = transport_model_reset,
	.dma_alloc = transport_model_dma_alloc,
	.dma_free = transport_model_dma_free,
	.irq_enable = transport_model_irq_enable,
	.irq_rearm = transport_model_irq_rearm,
	.irq_disable = transport_model_irq_disable,
	.close = transport_model_close,
};

/* On success the transport owns the model. */
static int transport_new_model(struct model *m, uint64_t address_mask, struct transport **ret)
{
	struct transport_model *tm = calloc(1, sizeof(*tm));

	if (!tm)
		return -ENOMEM;
	tm->transport.ops = &transport_model_ops;
	tm->m = m;
	tm->next_iova = address_mask > 2 * FIRST_IOVA_HIGH ? FIRST_IOVA_HIGH : FIRST_IOVA_LOW;
	tm->irq_fd = -1;
	transport_model_config_write(&tm->transport, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	*ret = &tm->transport;
	return 0;
}

int model_open_engine(const char *spec, struct engine **ret, struct why *why)
{
	_cleanup_(model_freep) struct model *m = NULL;
	_cleanup_(transport_closep) struct transport *t = NULL;
	const struct engine_ops *ops;
	struct engine *e;
	int r;

	r = model_new(spec, &m);
	if (r < 0)
		return why_fail(why, r, "there is no such model: \"%.64s\"", spec);
	ops = engine_find_driver(model_pci(m)->vendor, model_pci(m)->device);
	if (!ops)
		ops = engine_find_driver_of_class(model_pci(m)->class_code);
	if (!ops)
		return why_fail(why, -EOPNOTSUPP, "no driver knows the model \"%.64s\"", spec);
	r = transport_new_model(m, ops->caps.address_mask, &t);
	if (r < 0)
		return why_fail(why, r, "no memory");
	TAKE_PTR(m);
	r = ops->open(t, &e, why);
	if (r < 0)
		return r;
	e->identity.vendor = model_pci(to_model(t)->m)->vendor;
	e->identity.device = model_pci(to_model(t)->m)->device;
	snprintf(e->identity.driver, sizeof(e->identity.driver), "%s", ops->name);
	TAKE_PTR(t);
	*ret = e;
	return 0;
}

struct model *model_of(struct engine *e)
{
	return to_model(e->transport)->m;
}
