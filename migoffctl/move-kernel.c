/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a move that the caller makes itself: what is mapped, and move_pages(2) for all of it that
 * is not where it should be. What counts is where a page is found afterwards, not what the call says:
 * for the second address within a large folio the kernel says "busy" although the folio moves.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
#include "macros.h"
#include "move.h"
#include "pagemap.h"
#include "progress.h"

#define KERNEL_MOVE	(1 << 1)	/* MPOL_MF_MOVE */
#define KERNEL_MOVE_ALL	(1 << 2)	/* MPOL_MF_MOVE_ALL */

#define CHUNK		8192	/* pages asked about at once */
#define UNTOUCHED	4096	/* no node, no errno */

static int append(struct migoff_range **list, size_t *n, size_t *size, struct migoff_range r)
{
	struct migoff_range *bigger;

	if (*n == *size) {
		*size = *size * 2 + 64;
		bigger = reallocarray(*list, *size, sizeof(**list));
		if (!bigger)
			return -ENOMEM;
		*list = bigger;
	}
	(*list)[(*n)++] = r;
	return 0;
}

/* The kernel's own pages, which a process cannot have anywhere else. */
static bool is_special(const char *line)
{
	return strstr(line, "[vdso]") || strstr(line, "[vvar") || strstr(line, "[vsyscall]");
}

/* The ranges of @a, or everything, as far as it lies in [start, end). */
static int append_parts(const struct move_args *a, uint64_t start, uint64_t end,
			struct migoff_range **list, size_t *n, size_t *size)
{
	int r;

	if (!a->ranges)
		return append(list, n, size, (struct migoff_range){ start, end - start });
	for (size_t i = 0; i < a->n_ranges; i++) {
		uint64_t s = MAX(start, a->ranges[i].start);
		uint64_t e = MIN(end, a->ranges[i].start + a->ranges[i].len);

		if (s >= e)
			continue;
		r = append(list, n, size, (struct migoff_range){ s, e - s });
		if (r < 0)
			return r;
	}
	return 0;
}

int move_mapped(const struct move_args *a, struct migoff_range **ret, size_t *ret_n)
{
	_cleanup_free_ struct migoff_range *list = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	size_t n = 0, size = 0, line_size = 0;
	uint64_t start, end;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/maps", a->pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	while (getline(&line, &line_size, f) >= 0) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2 || is_special(line))
			continue;
		r = append_parts(a, start, end, &list, &n, &size);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(list);
	*ret_n = n;
	return 0;
}

/* One walk over the pages. */
struct walk {
	const struct move_args *a;
	struct move_kernel *k;
	const volatile sig_atomic_t *stop;
	void (*step)(uint64_t pages);
	int pagemap_fd;
	bool full;	/* the node is: nothing more will fit */
	uint64_t page;
	uint64_t n_gone;
	size_t n_pages;	/* gathered */
	void *pages[CHUNK];
	int status[CHUNK];
	int nodes[CHUNK];
};

static void count_errors(struct walk *w, int error, size_t n)
{
	w->k->pages_by_errno[MIN((unsigned int)error, MOVE_MAX_ERRNO - 1u)] += n;
}

static long query(struct walk *w, void **pages, size_t n, int *status)
{
	return syscall(SYS_move_pages, w->a->pid, n, pages, NULL, status, 0);
}

/* Sorts what one call said of @pages; the first of them become those it said nothing of. */
static size_t judge(struct walk *w, void **pages, size_t n, const int *said, const int *found)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (found[i] == w->a->to_node)
			w->k->pages_moved++;
		else if (said[i] == UNTOUCHED)
			pages[left++] = pages[i];
		else
			count_errors(w, said[i] < 0 ? -said[i] : found[i] < 0 ? -found[i] : EBUSY, 1);
	}
	return left;
}

/*
 * The call gives up at the first page that refuses, and does not say which: then both halves of what it
 * did not come to are tried by themselves.
 */
static int try_pages(struct walk *w, void **pages, size_t n)
{
	_cleanup_free_ int *said = malloc(n * sizeof(*said)), *found = malloc(n * sizeof(*found));
	size_t before = n;
	long ret;
	int r;

	if (!said || !found)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		said[i] = UNTOUCHED;
	ret = syscall(SYS_move_pages, w->a->pid, n, pages, w->nodes, said,
		      w->a->move_all ? KERNEL_MOVE_ALL : KERNEL_MOVE);
	if (ret < 0 && errno != ENOMEM)
		return -errno;
	w->full = ret < 0;
	if (query(w, pages, n, found) < 0)
		return -errno;

	n = judge(w, pages, n, said, found);
	if (!n)
		return 0;
	if (before == 1 || w->full) {
		count_errors(w, w->full ? ENOMEM : EBUSY, n);
		return 0;
	}
	r = try_pages(w, pages, (n + 1) / 2);
	if (r < 0 || n == 1)
		return r;
	return try_pages(w, pages + (n + 1) / 2, n / 2);
}

/* Moves what has been gathered. Each call costs the machine a round over all CPUs: so few calls. */
static int flush(struct walk *w)
{
	size_t n = w->n_pages, wanted = 0;

	w->n_pages = 0;
	if (!n)
		return 0;
	if (query(w, w->pages, n, w->status) < 0)
		return -errno;
	for (size_t i = 0; i < n; i++)
		if (w->status[i] >= 0 && nodes_test(&w->a->from, (unsigned int)w->status[i]))
			w->pages[wanted++] = w->pages[i];
	w->n_gone += n;
	if (w->step)
		w->step(w->n_gone);
	if (w->full)
		count_errors(w, ENOMEM, wanted);
	return wanted && !w->full ? try_pages(w, w->pages, wanted) : 0;
}

static int gather(struct walk *w, uint64_t start, uint64_t end)
{
	int r;

	for (; start < end && !*w->stop; start += w->page) {
		w->pages[w->n_pages++] = (void *)start;
		if (w->n_pages < CHUNK)
			continue;
		r = flush(w);
		if (r < 0)
			return r;
	}
	return 0;
}

static int walk_range(struct walk *w, uint64_t start, uint64_t len)
{
	uint64_t end = start + len;
	struct page_region present;
	int n, r;

	while (start < end && !*w->stop) {
		n = pagemap_scan(w->pagemap_fd, start, end, PAGE_IS_PRESENT, CHUNK, &present);
		if (!n)
			break;
		if (n < 0)
			present = (struct page_region){ .start = start, .end = end };
		r = gather(w, present.start, present.end);
		if (r < 0)
			return r;
		start = present.end;
	}
	return 0;
}

int move_by_kernel(const struct move_args *a, const volatile sig_atomic_t *stop, void (*step)(uint64_t pages),
		   struct move_kernel *ret)
{
	_cleanup_free_ struct migoff_range *mapped = NULL;
	_cleanup_free_ struct walk *w = calloc(1, sizeof(*w));
	_cleanup_close_ int fd = -1;
	uint64_t begin = clock_now_ns();
	char path[64];
	size_t n;
	int r;

	*ret = (struct move_kernel){};
	if (!w)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", a->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	w->a = a;
	w->k = ret;
	w->stop = stop;
	w->step = step;
	w->pagemap_fd = fd;
	w->page = (uint64_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < CHUNK; i++)
		w->nodes[i] = a->to_node;

	r = move_mapped(a, &mapped, &n);
	for (size_t i = 0; r >= 0 && i < n && !*stop; i++)
		r = walk_range(w, mapped[i].start, mapped[i].len);
	if (r >= 0 && !*stop)
		r = flush(w);
	ret->elapsed_ns = clock_now_ns() - begin;
	return r;
}
