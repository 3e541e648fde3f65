/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a virtual machine, in this process: the files that its memory is, each mapped once.
 */
#ifndef MIGOFF_TESTS_MODELS_VFIO_USER_MEMORY_H
#define MIGOFF_TESTS_MODELS_VFIO_USER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define VFIO_USER_FILES_MAX 16

struct vfio_user_file {
	dev_t dev;
	ino_t ino;
	uint8_t *va;
	uint64_t len;
};

/* All zero is none. */
struct vfio_user_memory {
	struct vfio_user_file files[VFIO_USER_FILES_MAX];
	unsigned int n;
};

void vfio_user_memory_done(struct vfio_user_memory *mem);

/**
 * vfio_user_memory_at() - Where a piece of a file is in this process.
 * @mem: the files known.
 * @fd: the file; stays the caller's.
 * @pid: the client, who has it mapped, too.
 * @offset: where in the file.
 * @len: bytes.
 * @ret: the address.
 *
 * Return: 0; -EINVAL beyond the end; -EREMOTEIO if the client does not share it (share=off): what it
 * writes would not be seen here, nor what is written here there; or another negative errno.
 */
int vfio_user_memory_at(struct vfio_user_memory *mem, int fd, pid_t pid, uint64_t offset,
			uint64_t len, void **ret);

#endif
