/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope-bound ownership: a local marked _cleanup_(f) is handed to f when its scope ends, and
 * TAKE_FD()/TAKE_PTR() give it away before that.
 */
#ifndef MIGOFF_COMMON_CLEANUP_H
#define MIGOFF_COMMON_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

#define TAKE_FD(fd)			\
	({				\
		int *_fd = &(fd);	\
		int _taken = *_fd;	\
		*_fd = -1;		\
		_taken;			\
	})

#define TAKE_PTR(p)			\
	({				\
		typeof(p) *_p = &(p);	\
		typeof(p) _taken = *_p;	\
		*_p = NULL;		\
		_taken;			\
	})

/**
 * fd_close() - Close a descriptor, keeping errno.
 * @fd: the descriptor, or negative for none.
 *
 * Return: -1, so that `fd = fd_close(fd)` leaves nothing to close twice.
 */
static inline int fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return -1;
}

static inline void fd_closep(int *fd)
{
	*fd = fd_close(*fd);
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void file_closep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _cleanup_close_ _cleanup_(fd_closep)
#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_fclose_ _cleanup_(file_closep)
#define _cleanup_closedir_ _cleanup_(dir_closep)

#endif
