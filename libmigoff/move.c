/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migoff_move_pages(): the daemon first, then the system call for every page that is not where it
 * should be. What the caller sees is the system call's in each case that this file is not sure about.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "dropin.h"
#include "kernel.h"
#include "macros.h"
#include "migoff.h"
#include "nodes.h"
#include "pagemap.h"
#include "plan.h"
#include "user.h"

/* MPOL_MF_MOVE_ALL of the kernel; <numaif.h> would be the only thing wanted of libnuma. */
#define MOVE_ALL (1 << 2)

/* Entries gone through at once, in order, as the kernel would: it stops at the first error. */
#define SLICE (256 * 1024)

/* Fewer addresses are not worth a question: the system call costs little, and has to cost hardly more. */
#define FEW 8

/* Addresses looked up when few addresses may stand for many large folios. */
#define MAX_LOOKUPS 128

/* Our copies of a part of the caller's arrays. */
struct slice {
	int pid;
	int flags;
	size_t n;
	uint64_t *pages;
	int *nodes;
	int *status;
	bool *settled;
};

static void slice_done(struct slice *s)
{
	free(s->pages);
	free(s->nodes);
	free(s->status);
	free(s->settled);
}

/* The addresses, which are enough to see whether more is worth reading. */
static int slice_read_pages(struct slice *s, void *const pages[])
{
	_Static_assert(sizeof(void *) == sizeof(uint64_t), "LP64");

	s->pages = malloc(s->n * sizeof(*s->pages));
	if (!s->pages)
		return -ENOMEM;
	return user_read(s->pages, pages, s->n * sizeof(*s->pages));
}

/* @status is written with what it holds, so that a bad address is noticed before anything moves. */
static int slice_read_rest(struct slice *s, const int *nodes, int *status)
{
	int r;

	s->nodes = malloc(s->n * sizeof(*s->nodes));
	s->status = malloc(s->n * sizeof(*s->status));
	s->settled = calloc(s->n, sizeof(*s->settled));
	if (!s->nodes || !s->status || !s->settled)
		return -ENOMEM;

	r = user_read(s->nodes, nodes, s->n * sizeof(*s->nodes));
	if (r < 0)
		return r;
	r = user_read(s->status, status, s->n * sizeof(*s->status));
	if (r < 0)
		return r;
	return user_write(status, s->status, s->n * sizeof(*s->status));
}

/* Whether the kernel will find nothing wrong with any of the nodes. */
static bool nodes_are_good(const struct slice *s)
{
	struct nodes wanted = {}, memory, allowed;

	for (size_t i = 0; i < s->n; i++) {
		if (s->nodes[i] < 0 || s->nodes[i] >= NODES_MAX)
			return false;
		nodes_set(&wanted, (unsigned int)s->nodes[i]);
	}
	return nodes_read_sysfs("has_memory", &memory) >= 0 && nodes_subset(&wanted, &memory) &&
	       nodes_read_allowed(s->pid, &allowed) >= 0 && nodes_subset(&wanted, &allowed);
}

/* What the folios behind the addresses can be at most. */
static uint64_t most_bytes(const struct slice *s, uint64_t enough)
{
	uint64_t block = dropin_block(), bytes = 0, last = UINT64_MAX;

	for (size_t i = 0; i < s->n && bytes < enough; i++) {
		uint64_t base = ALIGN_DOWN(s->pages[i], block);

		if (base != last)
			bytes += block;
		last = base;
	}
	return bytes;
}

/* What they are at least, as far as it matters. */
static uint64_t least_bytes(const struct slice *s, uint64_t enough, int pagemap_fd)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), block = dropin_block();
	uint64_t bytes = s->n * page, last = UINT64_MAX;
	unsigned int lookups = 0;

	for (size_t i = 0; i < s->n && bytes < enough && lookups < MAX_LOOKUPS; i++) {
		uint64_t va = ALIGN_DOWN(s->pages[i], page);

		if (ALIGN_DOWN(va, block) == last)
			continue;
		last = ALIGN_DOWN(va, block);
		lookups++;
		if (pagemap_find(pagemap_fd, va, page, PAGEMAP_HUGE))
			bytes += block - page;
	}
	return bytes;
}

/*
 * Whether the daemon is to be asked. A request of a few small pages costs the kernel little, and must
 * cost it hardly more for having come this way: so the cheap questions come first.
 */
static bool worth_it(struct pool_conn *c, const struct slice *s, struct migoff_target **ret)
{
	uint64_t enough = dropin_min_request(c);
	bool yes;

	if (most_bytes(s, enough) < enough || pool_target(c, s->pid, ret) < 0)
		return false;
	yes = least_bytes(s, enough, (*ret)->pagemap_fd) >= enough;
	pool_answered(c, *ret, yes);
	return yes;
}

/* Has the daemon move a group of items. What fails is left to the system call. */
static int move_group(struct pool_conn *c, struct migoff_target *t, const struct slice *s,
		      const struct plan *p, size_t first, size_t end)
{
	size_t max_ranges = MIN(end - first, (size_t)migoff_limit_ranges(c->m));
	size_t max_pages = MIN(end - first, (size_t)migoff_limit_pages(c->m));
	_cleanup_free_ struct migoff_range *ranges = malloc(max_ranges * sizeof(*ranges));
	_cleanup_free_ int *status = malloc(max_pages * sizeof(*status));
	struct plan_part part = { .ranges = ranges };
	int r;

	if (!ranges || !status)
		return -ENOMEM;

	for (; first < end; first += part.n_items) {
		struct migoff_request q = {
			.size = sizeof(q),
			.flags = s->flags & MOVE_ALL ? MIGOFF_MOVE_ALL : 0,
			.ranges = ranges,
			.status = status,
		};

		plan_part(p, first, end, max_ranges, max_pages, &part);
		q.to_node = part.node;
		q.n_ranges = part.n_ranges;
		r = dropin_run(c, t, &q);
		if (r < 0)
			return r;
		plan_apply(p, &part, status, s->settled);
	}
	return 0;
}

static void ask_daemon(struct pool_conn *c, struct migoff_target *t, const struct slice *s)
{
	_cleanup_(plan_done) struct plan p = {};
	size_t n;

	if (plan_init(&p, s->pages, s->nodes, s->n, (uint64_t)sysconf(_SC_PAGESIZE),
		      dropin_block()) < 0)
		return;
	for (size_t i = 0; i < p.n_items; i += n) {
		n = plan_group(&p, i);
		if (move_group(c, t, s, &p, i, i + n) < 0)
			return;
	}
}

/* The system call for what is not settled, in the caller's order. Reuses the arrays of @s. */
static long ask_kernel(const struct slice *s)
{
	_cleanup_free_ uint32_t *index = malloc(s->n * sizeof(*index));
	_cleanup_free_ int *status = malloc(s->n * sizeof(*status));
	size_t n = 0;
	long ret;

	if (!index || !status) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (s->settled[i]) {
			s->status[i] = s->nodes[i];
			continue;
		}
		index[n] = (uint32_t)i;
		status[n] = s->status[i];
		s->pages[n] = s->pages[i];
		s->nodes[n++] = s->nodes[i];
	}
	if (!n)
		return 0;
	ret = kernel_move_pages(s->pid, n, s->pages, s->nodes, status, s->flags);
	for (size_t i = 0; i < n; i++)
		s->status[index[i]] = status[i];
	return ret;
}

/* As the system call on a part of the arrays. */
static long move_slice(struct pool_conn *c, int pid, size_t n, void *const pages[],
		       const int *nodes, int *status, int flags)
{
	_cleanup_(slice_done) struct slice s = { .pid = pid, .flags = flags, .n = n };
	struct migoff_target *t;
	long ret;

	if (c->m->lost || slice_read_pages(&s, pages) < 0 || !worth_it(c, &s, &t) ||
	    slice_read_rest(&s, nodes, status) < 0 || !nodes_are_good(&s))
		return kernel_move_pages(pid, n, pages, nodes, status, flags);

	/* No pages: whether the kernel lets us at all, and in its own words if not. */
	if (kernel_move_pages(pid, 0, NULL, NULL, NULL, flags) < 0)
		return -1;

	ask_daemon(c, t, &s);
	ret = ask_kernel(&s);
	if (user_write(status, s.status, n * sizeof(*status)) < 0) {
		errno = EFAULT;
		return -1;
	}
	return ret;
}

static long move_all(struct pool_conn *c, int pid, unsigned long count, void *const pages[],
		     const int *nodes, int *status, int flags)
{
	long ret = 0;

	for (unsigned long i = 0; i < count && !ret; i += SLICE) {
		unsigned long n = MIN(count - i, (unsigned long)SLICE);

		ret = move_slice(c, pid, n, pages + i, nodes + i, status + i, flags);
		/* The kernel counts what it did not come to. */
		if (ret > 0)
			ret += (long)(count - i - n);
	}
	return ret;
}

long migoff_move_pages(int pid, unsigned long count, void *const pages[], const int nodes[],
		       int status[], int flags)
{
	struct dropin d;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), min_bytes, max_bytes;
	long ret;
	int r;

	if (count < FEW || !nodes)
		return kernel_move_pages(pid, count, pages, nodes, status, flags);

	if (__builtin_mul_overflow(count, page, &min_bytes))
		min_bytes = UINT64_MAX;
	if (__builtin_mul_overflow(count, dropin_block(), &max_bytes))
		max_bytes = UINT64_MAX;
	r = dropin_begin(&d, pid, min_bytes, max_bytes);
	if (r < 0) {
		errno = -r;
		return dropin_end(&d, -1);
	}
	if (!r)
		ret = kernel_move_pages(pid, count, pages, nodes, status, flags);
	else
		ret = move_all(d.conn, pid, count, pages, nodes, status, flags);
	return dropin_end(&d, ret);
}
