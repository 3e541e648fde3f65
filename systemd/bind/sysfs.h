/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One attribute of sysfs at a time, by path.
 */
#ifndef MIGOFF_BIND_SYSFS_H
#define MIGOFF_BIND_SYSFS_H

#include <stddef.h>

/**
 * sysfs_read() - Read a file of one line.
 * @ret: the line without its end.
 * @size: room there.
 * @fmt: its path.
 *
 * Return: 0, -E2BIG when there is no room for it, or another negative errno.
 */
int sysfs_read(char *ret, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/**
 * sysfs_write() - Write a line, by one call, as attributes want it.
 * @value: the line without its end.
 * @fmt: path of the attribute, which exists.
 *
 * Return: 0, or a negative errno: also the one with which a driver refused.
 */
int sysfs_write(const char *value, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
