/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "move.h"

#define KERNEL_MOVE_ALL	(1 << 2)	/* MPOL_MF_MOVE_ALL */
#define ADDRESS_END	(UINT64_C(1) << 56)

static const char help[] =
	"usage: migoffctl move --pid PID [--range START-END]... [--from-node NODE]... --to-node NODE\n"
	"                      [--move-all] [--engine-only] [--json]\n\n"
	"Moves the memory of a process to a NUMA node while the process runs.\n\n"
	"  --pid PID          the process\n"
	"  --range START-END  only these addresses, hexadecimal, as in /proc/PID/maps\n"
	"  --from-node NODES  only what is on these nodes, such as 0 or 0,2-3\n"
	"  --to-node NODE     where it goes\n"
	"  --move-all         also pages that other processes share (needs CAP_SYS_NICE)\n"
	"  --engine-only      leave what migoffd does not take; else the kernel moves that\n"
	"  --json             one JSON object instead of text\n\n"
	"Exit status: 0 all moved; 1 failed; 2 wrong usage; 3 some pages were not moved; 4 migoffd is\n"
	"not running, or with --engine-only degraded; 130 interrupted, what was moved stays moved.\n";

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static int parse_int(const char *s, int *ret)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	if (errno || end == s || *end || n < 0 || n > INT_MAX)
		return -EINVAL;
	*ret = (int)n;
	return 0;
}

/* strtoull() alone would take a sign and blanks. */
static int parse_address(const char *s, char **end, uint64_t *ret)
{
	if (!strchr("0123456789abcdefABCDEF", *s) || !*s)
		return -EINVAL;
	errno = 0;
	*ret = strtoull(s, end, 16);
	return errno ? -errno : 0;
}

static int parse_range(const struct ctl *ctl, const char *s, struct move_args *a)
{
	struct migoff_range *ranges;
	uint64_t start, stop;
	char *end;
	int r;

	r = parse_address(s, &end, &start);
	if (r >= 0)
		r = *end == '-' ? parse_address(end + 1, &end, &stop) : -EINVAL;
	if (r == -ERANGE || (r >= 0 && !*end && MAX(start, stop) > ADDRESS_END))
		return ctl_fail(ctl, CTL_USAGE, "see /proc/PID/maps for what is mapped",
				"range %s reaches beyond what a process can map", s);
	if (r < 0 || *end)
		return ctl_fail(ctl, CTL_USAGE, "write it as in /proc/PID/maps: 7f0000000000-7f0000200000",
				"\"%s\" is not a range", s);
	if (!IS_ALIGNED(start | stop, page_size()))
		return ctl_fail(ctl, CTL_USAGE, "round its start down and its end up",
				"range %s does not begin and end on a page of %" PRIu64 " bytes", s,
				page_size());
	if (start >= stop)
		return ctl_fail(ctl, CTL_USAGE, "its end is the first address after it",
				start > stop ? "range %s ends before it begins" :
					       "range %s is empty", s);

	ranges = reallocarray(a->ranges, a->n_ranges + 1, sizeof(*ranges));
	if (!ranges)
		return ctl_fail(ctl, CTL_FAILED, NULL, "out of memory");
	a->ranges = ranges;
	a->ranges[a->n_ranges++] = (struct migoff_range){ start, stop - start };
	return -1;
}

static int parse_from(const struct ctl *ctl, const char *s, struct move_args *a)
{
	struct nodes n;

	if (!*s || nodes_parse(s, &n) < 0)
		return ctl_fail(ctl, CTL_USAGE, "write 0, or 0,2-3",
				"\"%s\" is not a list of nodes", s);
	for (unsigned int i = 0; i < RING_N_NODE_WORDS; i++)
		a->from.w[i] |= n.w[i];
	a->from_any = false;
	return -1;
}

static int parse_one(const struct ctl *ctl, int c, char **argv, struct move_args *a)
{
	switch (c) {
	case 'p':
		if (parse_int(optarg, &a->pid) < 0 || !a->pid)
			return ctl_fail(ctl, CTL_USAGE, NULL, "\"%s\" is not a process id", optarg);
		return -1;
	case 'r':
		return parse_range(ctl, optarg, a);
	case 'f':
		return parse_from(ctl, optarg, a);
	case 't':
		if (parse_int(optarg, &a->to_node) < 0)
			return ctl_fail(ctl, CTL_USAGE, NULL, "\"%s\" is not a node", optarg);
		return -1;
	case 'a':
		a->move_all = true;
		return -1;
	case 'e':
		a->engine_only = true;
		return -1;
	case 'j':
		return -1;
	case 'h':
		fputs(help, stdout);
		return CTL_OK;
	default:
		return ctl_bad_option(ctl, c, argv);
	}
}

static int parse_options(const struct ctl *ctl, int argc, char **argv, struct move_args *a)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "range", required_argument, NULL, 'r' },
		{ "from-node", required_argument, NULL, 'f' },
		{ "to-node", required_argument, NULL, 't' },
		{ "move-all", no_argument, NULL, 'a' },
		{ "engine-only", no_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int c, r;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) >= 0) {
		r = parse_one(ctl, c, argv, a);
		if (r >= 0)
			return r;
	}
	if (optind != argc)
		return ctl_fail(ctl, CTL_USAGE, "see --help", "move takes no argument: \"%s\"",
				argv[optind]);
	if (!a->pid)
		return ctl_fail(ctl, CTL_USAGE, "see --help", "--pid is missing");
	if (a->to_node < 0)
		return ctl_fail(ctl, CTL_USAGE, "see --help", "--to-node is missing");
	return -1;
}

static int by_start(const void *a, const void *b)
{
	const struct migoff_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Whoever names something twice means it once. */
static void merge_ranges(struct move_args *a)
{
	size_t n = 0;

	if (a->n_ranges)
		qsort(a->ranges, a->n_ranges, sizeof(*a->ranges), by_start);
	for (size_t i = 0; i < a->n_ranges; i++) {
		struct migoff_range r = a->ranges[i], *last = n ? &a->ranges[n - 1] : NULL;

		if (last && r.start <= last->start + last->len)
			last->len = MAX(last->start + last->len, r.start + r.len) - last->start;
		else
			a->ranges[n++] = r;
	}
	a->n_ranges = n;
}

static void read_comm(struct move_args *a)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", a->pid);
	f = fopen(path, "re");
	if (!f || !fgets(a->comm, sizeof(a->comm), f))
		strcpy(a->comm, "?");
	a->comm[strcspn(a->comm, "\n")] = '\0';
}

static int check_process(const struct ctl *ctl, struct move_args *a)
{
	_cleanup_close_ int fd = -1;
	char path[64];

	if (kill(a->pid, 0) < 0 && errno == ESRCH)
		return ctl_fail(ctl, CTL_FAILED, NULL, "there is no process %d", a->pid);
	read_comm(a);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", a->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return ctl_fail(ctl, CTL_FAILED, "be root, or its owner (and it must be dumpable)",
				"you may not read the memory of process %d (%s)", a->pid, a->comm);
	if (fd < 0 && (errno == ENOENT || errno == ESRCH))
		return ctl_fail(ctl, CTL_FAILED, NULL,
				"process %d (%s) has ended, or is a thread of the kernel", a->pid,
				a->comm);
	if (fd < 0)
		return ctl_fail(ctl, CTL_FAILED, NULL, "cannot open %s: %m", path);
	return -1;
}

static int check_mapped(const struct ctl *ctl, const struct move_args *a)
{
	_cleanup_free_ struct migoff_range *mapped = NULL;
	size_t n = 0, j = 0;
	int r;

	r = move_mapped(a, &mapped, &n);
	if (r < 0)
		return ctl_fail(ctl, CTL_FAILED, NULL, "cannot read what process %d maps: %s", a->pid,
				strerror(-r));
	if (!a->ranges && !n)
		return ctl_fail(ctl, CTL_FAILED, NULL,
				"process %d (%s) has no memory of its own: a thread of the kernel, or it "
				"has ended", a->pid, a->comm);
	for (size_t i = 0; i < a->n_ranges; i++) {
		uint64_t end = a->ranges[i].start + a->ranges[i].len;

		while (j < n && mapped[j].start + mapped[j].len <= a->ranges[i].start)
			j++;
		if (j == n || mapped[j].start >= end)
			return ctl_fail(ctl, CTL_FAILED, "see /proc/PID/maps for what is mapped",
					"process %d (%s) maps nothing in the range %" PRIx64 "-%" PRIx64,
					a->pid, a->comm, a->ranges[i].start, end);
	}
	return -1;
}

struct text {
	char s[128];
};

/* The kernel's lists are short, and for people already. */
static struct text sysfs_list(const char *name)
{
	_cleanup_fclose_ FILE *f = NULL;
	struct text list = { "?" };
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/%s", name);
	f = fopen(path, "re");
	if (f && fgets(list.s, sizeof(list.s), f))
		list.s[strcspn(list.s, "\n")] = '\0';
	return list;
}

static int check_nodes(const struct ctl *ctl, struct move_args *a)
{
	struct nodes memory, online, allowed;
	unsigned int to = (unsigned int)a->to_node;

	if (nodes_read_sysfs("has_memory", &memory) < 0 || nodes_read_sysfs("online", &online) < 0)
		return ctl_fail(ctl, CTL_FAILED, "is /sys mounted?",
				"cannot read which nodes there are: %m");
	if (!nodes_test(&online, to))
		return ctl_fail(ctl, CTL_FAILED, NULL, "there is no node %u; there are: %s", to,
				sysfs_list("online").s);
	if (!nodes_test(&memory, to))
		return ctl_fail(ctl, CTL_FAILED, NULL, "node %u has no memory; these have: %s", to,
				sysfs_list("has_memory").s);
	if (nodes_read_allowed(a->pid, &allowed) < 0)
		return ctl_fail(ctl, CTL_FAILED, NULL, "process %d has ended", a->pid);
	if (!nodes_test(&allowed, to))
		return ctl_fail(ctl, CTL_FAILED, "add the node to cpuset.mems of its control group",
				"process %d (%s) may not have memory on node %u", a->pid, a->comm,
				to);

	if (a->from_any)
		a->from = memory;
	else if (!nodes_subset(&a->from, &online))
		return ctl_fail(ctl, CTL_FAILED, NULL,
				"--from-node names a node that does not exist; there are: %s",
				sysfs_list("online").s);
	nodes_clear(&a->from, to);
	if (!a->from_any && !nodes_weight(&a->from))
		return ctl_fail(ctl, CTL_USAGE, NULL, "what is on node %u needs no move to node %u",
				to, to);
	return -1;
}

static int check_privilege(const struct ctl *ctl, const struct move_args *a)
{
	/* No pages: only whether the kernel would let us. */
	if (a->move_all &&
	    syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, KERNEL_MOVE_ALL) < 0)
		return ctl_fail(ctl, CTL_FAILED, "be root, or leave --move-all out",
				"you may not move pages that others share: %m");
	return -1;
}

int move_parse(const struct ctl *ctl, int argc, char **argv, struct move_args *a)
{
	int r;

	*a = (struct move_args){ .to_node = -1, .from_any = true };
	r = parse_options(ctl, argc, argv, a);
	if (r < 0)
		r = check_process(ctl, a);
	if (r < 0)
		r = check_nodes(ctl, a);
	if (r < 0)
		r = check_privilege(ctl, a);
	if (r < 0) {
		merge_ranges(a);
		r = check_mapped(ctl, a);
	}
	return r;
}

void move_args_done(struct move_args *a)
{
	free(a->ranges);
	*a = (struct move_args){};
}
