/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration space: a header of type 0, power management, PCI Express, MSI-X; from 0x100 on a
 * serial number, room for the kind of device, and at MODEL_ORDERS the capability by which software
 * orders faults. Numbers and layout are those of the PCI Express Base Specification, which
 * <linux/pci_regs.h> has names for.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "macros.h"
#include "model_internal.h"

#define CAP_PM 0x40
#define CAP_EXP 0x50
#define CAP_MSIX 0xb0
#define BAR_FLAGS (PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64)
#define COMMAND_WRITABLE (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | \
			  PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

static void put(struct model *m, unsigned int offset, unsigned int width, uint32_t value)
{
	value = htole32(value);
	memcpy(m->config + offset, &value, width);
}

static uint32_t get(const struct model *m, unsigned int offset, unsigned int width)
{
	uint32_t value = 0;

	memcpy(&value, m->config + offset, width);
	return le32toh(value);
}

static void reset_header(struct model *m)
{
	const struct model_pci *pci = &m->pci;

	put(m, PCI_VENDOR_ID, 2, pci->vendor);
	put(m, PCI_DEVICE_ID, 2, pci->device);
	put(m, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	put(m, PCI_CLASS_REVISION, 4, pci->class_code << 8 | pci->revision);
	/* As pci.ids has it for what QEMU emulates: for us a write in pieces is as good as one. */
	put(m, PCI_SUBSYSTEM_VENDOR_ID, 2, m->orders.no_post64 ? pci->vendor : 0x1af4);
	put(m, PCI_SUBSYSTEM_ID, 2, m->orders.no_post64 ? pci->device : 0x1100);
	put(m, PCI_CAPABILITY_LIST, 1, CAP_PM);
	for (unsigned int i = 0; i < MODEL_N_BARS; i++)
		if (pci->bar_size[i])
			put(m, PCI_BASE_ADDRESS_0 + 4 * i, 4, BAR_FLAGS);
}

static void reset_capabilities(struct model *m)
{
	put(m, CAP_PM + PCI_CAP_LIST_ID, 1, PCI_CAP_ID_PM);
	put(m, CAP_PM + PCI_CAP_LIST_NEXT, 1, CAP_EXP);
	/* Version 3; a change of power state does not reset it. */
	put(m, CAP_PM + PCI_PM_PMC, 2, 3);
	put(m, CAP_PM + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET);

	put(m, CAP_EXP + PCI_CAP_LIST_ID, 1, PCI_CAP_ID_EXP);
	put(m, CAP_EXP + PCI_CAP_LIST_NEXT, 1, m->pci.n_vectors ? CAP_MSIX : 0);
	put(m, CAP_EXP + PCI_EXP_FLAGS, 2, PCI_EXP_TYPE_ENDPOINT << 4 | 2);
	put(m, CAP_EXP + PCI_EXP_DEVCAP, 4,
	    PCI_EXP_DEVCAP_RBER | (m->orders.no_flr ? 0 : PCI_EXP_DEVCAP_FLR));
	put(m, CAP_EXP + PCI_EXP_LNKCAP, 4, 1 | 1 << 4);
	put(m, CAP_EXP + PCI_EXP_LNKSTA, 2, 1 | 1 << 4);

	if (m->pci.n_vectors) {
		put(m, CAP_MSIX + PCI_CAP_LIST_ID, 1, PCI_CAP_ID_MSIX);
		put(m, CAP_MSIX + PCI_MSIX_FLAGS, 2, m->pci.n_vectors - 1);
		put(m, CAP_MSIX + PCI_MSIX_TABLE, 4, (uint32_t)m->pci.msix_table | m->pci.msix_bar);
		put(m, CAP_MSIX + PCI_MSIX_PBA, 4, (uint32_t)m->pci.msix_pba | m->pci.msix_bar);
	}

	/* The list of extended capabilities must begin at its beginning. */
	put(m, PCI_CFG_SPACE_SIZE, 4, PCI_EXT_CAP_ID_DSN | 1 << 16 | (uint32_t)MODEL_ORDERS << 20);
	put(m, PCI_CFG_SPACE_SIZE + 4, 4, 1);
	put(m, MODEL_ORDERS, 4, PCI_EXT_CAP_ID_VNDR | 1 << 16);
	put(m, MODEL_ORDERS + PCI_VNDR_HEADER, 4,
	    MODEL_ORDERS_ID | 1 << 16 | MODEL_ORDERS_LEN << 20);
}

void model_config_reset(struct model *m)
{
	memset(m->config, 0, sizeof(m->config));
	reset_header(m);
	reset_capabilities(m);
}

bool model_bus_master(const struct model *m)
{
	return get(m, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

void model_config_set(struct model *m, unsigned int offset, unsigned int width, uint32_t value)
{
	put(m, offset, width, value);
}

void model_config_read(struct model *m, unsigned int offset, void *ret, size_t len)
{
	MODEL_LOCKED(m);

	memset(ret, 0xff, len);
	if (!m->unplugged && offset < MODEL_CONFIG_SIZE)
		memcpy(ret, m->config + offset, MIN(len, (size_t)MODEL_CONFIG_SIZE - offset));
}

/* The part of a BAR that can be written: all ones give its size. */
static uint32_t bar_mask(const struct model *m, unsigned int offset)
{
	unsigned int i = (offset - PCI_BASE_ADDRESS_0) / 4;

	if (m->pci.bar_size[i])
		return (uint32_t)~(m->pci.bar_size[i] - 1) & 0xfffffff0;
	if (i > 0 && m->pci.bar_size[i - 1])
		return (uint32_t)(~(m->pci.bar_size[i - 1] - 1) >> 32);
	return 0;
}

/* What software can change in the aligned word at @offset below 0x100. */
static uint32_t writable(const struct model *m, unsigned int offset)
{
	switch (offset) {
	case PCI_COMMAND:
		return COMMAND_WRITABLE;
	case PCI_BASE_ADDRESS_0 ... PCI_BASE_ADDRESS_5:
		return bar_mask(m, offset);
	case PCI_CACHE_LINE_SIZE:
	case PCI_INTERRUPT_LINE:
		return 0xff;
	case CAP_PM + PCI_PM_CTRL:
		return PCI_PM_CTRL_STATE_MASK;
	case CAP_EXP + PCI_EXP_DEVCTL:
		return 0xffff & ~PCI_EXP_DEVCTL_BCR_FLR;
	case CAP_MSIX:
		return m->pci.n_vectors ?
			(uint32_t)(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) << 16 : 0;
	default:
		return 0;
	}
}

static bool is_flr(const struct model *m, unsigned int offset, uint32_t value)
{
	return offset == CAP_EXP + PCI_EXP_DEVCTL && value & PCI_EXP_DEVCTL_BCR_FLR &&
	       !m->orders.no_flr;
}

/* @value and @touched are of the whole aligned word. */
static void write_word(struct model *m, unsigned int offset, uint32_t value, uint32_t touched)
{
	uint32_t mask = writable(m, offset) & touched;

	put(m, offset, 4, (get(m, offset, 4) & ~mask) | (value & mask));
	if (is_flr(m, offset, value & touched))
		model_reset_locked(m);
}

static int take_orders_command(struct model *m, uint32_t command)
{
	uint64_t counts[] = {
		htole64(m->counts.broken), htole64(m->counts.descriptors),
		htole64(m->counts.interrupts), htole64(m->counts.faults),
	};
	char text[MODEL_ORDERS_TEXT_LEN];

	switch (command) {
	case 1:
		memcpy(text, m->config + MODEL_ORDERS_TEXT, sizeof(text));
		text[sizeof(text) - 1] = '\0';
		return model_order_faults_locked(m, text);
	case 2:
		memcpy(m->config + MODEL_ORDERS_COUNTS, counts, sizeof(counts));
		return 0;
	default:
		return -EINVAL;
	}
}

static void write_orders(struct model *m, unsigned int offset, unsigned int width, uint32_t value)
{
	if (offset == MODEL_ORDERS_COMMAND)
		put(m, offset, 4, (uint32_t)-take_orders_command(m, value));
	else if (offset >= MODEL_ORDERS_TEXT && offset < MODEL_ORDERS_TEXT + MODEL_ORDERS_TEXT_LEN)
		put(m, offset, width, value);
}

static void write_piece(struct model *m, unsigned int offset, unsigned int width, uint32_t value)
{
	unsigned int shift = 8 * (offset & 3);
	uint32_t touched = width == 4 ? UINT32_MAX : (UINT32_C(1) << 8 * width) - 1;

	if (offset < PCI_CFG_SPACE_SIZE)
		write_word(m, offset & ~3u, value << shift, touched << shift);
	else if (offset >= MODEL_ORDERS)
		write_orders(m, offset, width, value);
	else if (m->ops->config_write)
		m->ops->config_write(m, offset, width, value);
}

void model_config_write(struct model *m, unsigned int offset, const void *from, size_t len)
{
	const uint8_t *p = from;
	MODEL_LOCKED(m);

	while (len > 0 && offset < MODEL_CONFIG_SIZE && !m->unplugged) {
		unsigned int width = 4;
		uint32_t value = 0;

		while (width > len || !IS_ALIGNED(offset, width))
			width /= 2;
		memcpy(&value, p, width);
		write_piece(m, offset, width, le32toh(value));
		p += width;
		offset += width;
		len -= width;
	}
	/* Bus mastership may be what a unit waits for. */
	model_kick(m);
}
