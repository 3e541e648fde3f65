/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vfio_user_memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cleanup.h"

void vfio_user_memory_done(struct vfio_user_memory *mem)
{
	while (mem->n > 0) {
		struct vfio_user_file *file = &mem->files[--mem->n];

		munmap(file->va, file->len);
	}
}

/* Whether a process has a file mapped, and all its mappings of it are shared ones. */
static int is_shared(pid_t pid, dev_t dev, ino_t ino)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[32], line[512];
	bool shared = false;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		unsigned int dev_major, dev_minor;
		unsigned long line_ino;
		char perms[5];

		if (sscanf(line, "%*s %4s %*s %x:%x %lu", perms, &dev_major, &dev_minor,
			   &line_ino) != 4 || line_ino != ino || dev_major != major(dev) ||
		    dev_minor != minor(dev))
			continue;
		if (perms[3] != 's')
			return false;
		shared = true;
	}
	return shared;
}

static int file_open(struct vfio_user_memory *mem, int fd, pid_t pid, const struct stat *st,
		     struct vfio_user_file **ret)
{
	struct vfio_user_file *file = &mem->files[mem->n];
	void *va;
	int r;

	if (mem->n == VFIO_USER_FILES_MAX)
		return -EMFILE;
	r = is_shared(pid, st->st_dev, st->st_ino);
	if (r <= 0)
		return r < 0 ? r : -EREMOTEIO;
	va = mmap(NULL, (size_t)st->st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (va == MAP_FAILED)
		return -errno;
	*file = (struct vfio_user_file) {
		.dev = st->st_dev, .ino = st->st_ino, .va = va, .len = (uint64_t)st->st_size,
	};
	mem->n++;
	*ret = file;
	return 0;
}

int vfio_user_memory_at(struct vfio_user_memory *mem, int fd, pid_t pid, uint64_t offset,
			uint64_t len, void **ret)
{
	struct vfio_user_file *file = mem->files;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	while (file < mem->files + mem->n && (file->dev != st.st_dev || file->ino != st.st_ino))
		file++;
	if (file == mem->files + mem->n) {
		r = file_open(mem, fd, pid, &st, &file);
		if (r < 0)
			return r;
	}
	if (offset > file->len || len > file->len - offset)
		return -EINVAL;
	*ret = file->va + offset;
	return 0;
}
