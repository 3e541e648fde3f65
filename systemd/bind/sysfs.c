/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

/* Longer than any attribute that is read or written here. */
#define LINE_LEN 256

int sysfs_read(char *ret, size_t size, const char *fmt, ...)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX], line[LINE_LEN];
	va_list ap;
	ssize_t n;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, line, sizeof(line) - 1);
	if (n < 0)
		return -errno;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strlen(line) >= size)
		return -E2BIG;
	strcpy(ret, line);
	return 0;
}

int sysfs_write(const char *value, const char *fmt, ...)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX], line[LINE_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	n = snprintf(line, sizeof(line), "%s\n", value);
	if (n >= (int)sizeof(line))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, line, n) < 0 ? -errno : 0;
}
