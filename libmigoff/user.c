/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "user.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

static int transfer(bool write, const void *here, const void *there, size_t len)
{
	struct iovec local = { (void *)here, len }, remote = { (void *)there, len };
	ssize_t n;

	if (!len)
		return 0;
	n = write ? process_vm_writev(getpid(), &local, 1, &remote, 1, 0)
		  : process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

int user_read(void *to, const void *from, size_t len)
{
	return transfer(false, to, from, len);
}

int user_write(void *to, const void *from, size_t len)
{
	return transfer(true, from, to, len);
}
