/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading and writing the caller's arrays as the kernel does: a bad address is an error, not a signal.
 */
#ifndef MIGOFF_LIBMIGOFF_USER_H
#define MIGOFF_LIBMIGOFF_USER_H

#include <stddef.h>

/**
 * user_read() - Copy from memory that may not be there.
 * @to: destination.
 * @from: any address.
 * @len: bytes.
 *
 * Return: 0; -EFAULT; another negative errno where the way is barred (seccomp).
 */
int user_read(void *to, const void *from, size_t len);

/**
 * user_write() - Copy to memory that may not be there.
 * @to: any address.
 * @from: source.
 * @len: bytes.
 *
 * Return: as user_read().
 */
int user_write(void *to, const void *from, size_t len);

#endif
