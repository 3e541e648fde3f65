/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The capability at MODEL_ORDERS as software in the machine uses it, through sysfs.
 */
#ifndef MIGOFF_TESTS_MODELS_ORDERS_H
#define MIGOFF_TESTS_MODELS_ORDERS_H

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "model.h"

static inline int orders_read(int fd, unsigned int offset, uint32_t *ret)
{
	ssize_t n = pread(fd, ret, sizeof(*ret), offset);

	if (n != sizeof(*ret))
		return n < 0 ? -errno : -ENODEV;
	*ret = le32toh(*ret);
	return 0;
}

static inline int orders_write(int fd, unsigned int offset, uint32_t value)
{
	ssize_t n;

	value = htole32(value);
	n = pwrite(fd, &value, sizeof(value), offset);
	return n == sizeof(value) ? 0 : n < 0 ? -errno : -ENODEV;
}

/**
 * orders_open() - Find the capability of a device.
 * @bdf: the device.
 *
 * Return: its configuration space; -ENODEV if it has no such capability, is no model, or has
 * vanished; or another negative errno.
 */
static inline int orders_open(const char *bdf)
{
	uint32_t cap = 0, id = 0;
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.16s/config", bdf);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = orders_read(fd, MODEL_ORDERS, &cap);
	if (r == 0)
		r = orders_read(fd, MODEL_ORDERS + PCI_VNDR_HEADER, &id);
	if (r == 0 && ((cap & 0xffff) != PCI_EXT_CAP_ID_VNDR || (id & 0xffff) != MODEL_ORDERS_ID))
		r = -ENODEV;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* Return: 0, what the device says, or a negative errno. */
static inline int orders_command(int fd, uint32_t command)
{
	uint32_t error = 0;
	int r;

	r = orders_write(fd, MODEL_ORDERS_COMMAND, command);
	if (r == 0)
		r = orders_read(fd, MODEL_ORDERS_COMMAND, &error);
	return r < 0 ? r : -(int)error;
}

/* As model_order_faults(). Return: also -E2BIG, or what happened on the way. */
static inline int orders_send(int fd, const char *spec)
{
	char text[MODEL_ORDERS_TEXT_LEN] = "";
	int r;

	if (strlen(spec) >= sizeof(text))
		return -E2BIG;
	strcpy(text, spec);
	for (unsigned int i = 0; i < sizeof(text); i += 4) {
		uint32_t word;

		memcpy(&word, text + i, sizeof(word));
		r = orders_write(fd, MODEL_ORDERS_TEXT + i, le32toh(word));
		if (r < 0)
			return r;
	}
	return orders_command(fd, 1);
}

/* Read what has been counted. Return: 0 or a negative errno. */
static inline int orders_counts(int fd, struct model_counts *ret)
{
	struct model_counts counts;
	uint64_t *values[] = {
		&counts.broken, &counts.descriptors, &counts.interrupts, &counts.faults,
	};
	int r;

	r = orders_command(fd, 2);
	for (unsigned int i = 0; r == 0 && i < sizeof(values) / sizeof(values[0]); i++) {
		uint32_t low = 0, high = 0;

		r = orders_read(fd, MODEL_ORDERS_COUNTS + 8 * i, &low);
		if (r == 0)
			r = orders_read(fd, MODEL_ORDERS_COUNTS + 8 * i + 4, &high);
		*values[i] = (uint64_t)high << 32 | low;
	}
	if (r == 0)
		*ret = counts;
	return r;
}

#endif
