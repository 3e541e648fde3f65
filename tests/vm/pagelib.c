/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pagelib.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "test.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FRAME ((1ULL << 55) - 1)

uint64_t page_frame(const struct target *t, uint64_t va)
{
	uint64_t entry;

	EXPECT_EQ(pread(t->pagemap_fd, &entry, 8, (off_t)(va / PAGE * 8)), 8);
	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_FRAME : 0;
}

static bool frame_has(uint64_t frame, int flag)
{
	_cleanup_close_ int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	uint64_t flags;

	EXPECT_EQ(pread(fd, &flags, 8, (off_t)(frame * 8)), 8);
	return flags >> flag & 1;
}

bool frame_is_free(uint64_t frame)
{
	return frame_has(frame, KPF_BUDDY);
}

bool frame_is_poisoned(uint64_t frame)
{
	return frame_has(frame, KPF_HWPOISON);
}

long in_madvise(long addr, long len, long advice)
{
	return madvise((void *)addr, (size_t)len, (int)advice) ? -errno : 0;
}

/* Without a policy of its own: the task's, which is local, and all processors are on node 0. */
static long in_map_plain(long len, long unused, long unused2)
{
	char *p = mmap(NULL, (size_t)len + HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -errno : (long)ALIGN_UP((uintptr_t)p, HUGE);
}

long map_medium(struct target *t, long len)
{
	long addr;

	if (access(THP "hugepages-64kB/enabled", W_OK))
		return 0;
	write_file(THP "hugepages-64kB/enabled", "always");
	write_file(THP "hugepages-2048kB/enabled", "never");
	addr = EXPECT_OK(target_call(t, in_map_plain, len, 0, 0));
	target_call(t, in_fill, addr, len, 0);
	write_file(THP "hugepages-64kB/enabled", "never");
	write_file(THP "hugepages-2048kB/enabled", "inherit");
	return addr;
}
