/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "usage.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
#include "macros.h"

#define PARANOID "/proc/sys/kernel/perf_event_paranoid"

/* One counter, by its name in libpfm4, which knows how each processor counts it. */
static int counter_open(const char *event, bool user_only)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	pfm_perf_encode_arg_t arg = { .attr = &attr, .size = sizeof(arg) };
	int levels = PFM_PLM3 | (user_only ? 0 : PFM_PLM0), r;
	long fd;

	r = pfm_get_os_event_encoding(event, levels, PFM_OS_PERF_EVENT, &arg);
	if (r != PFM_SUCCESS)
		return r == PFM_ERR_NOTFOUND || r == PFM_ERR_NOTSUPP ? -ENOENT : -EIO;
	attr.inherit = 1;
	attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

void usage_explain(int error, struct why *why)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		why_fail(why, error, "not permitted (see " PARANOID ")");
		why_remedy(why, error, "give migoffd CAP_PERFMON and the call perf_event_open, see migoffd(8)");
		return;
	case -ENOENT:
	case -ENODEV:
	case -EOPNOTSUPP:
		why_fail(why, error, "the processor has no such counters, or the machine hides them");
		return;
	case -ENOSYS:
		why_fail(why, error, "the kernel has no perf_event_open(2)");
		return;
	default:
		why_fail(why, error, "perf_event_open: %s", strerror(-error));
	}
}

static int counters_open(struct usage_counters *u)
{
	u->cycles_fd = counter_open("PERF_COUNT_HW_CPU_CYCLES", u->user_only);
	if (u->cycles_fd < 0)
		return u->cycles_fd;
	u->instructions_fd = counter_open("PERF_COUNT_HW_INSTRUCTIONS", u->user_only);
	return u->instructions_fd;
}

void usage_open(struct usage_counters *ret)
{
	struct usage_counters u = { .cycles_fd = -1, .instructions_fd = -1 };
	int r = -ENOENT;

	if (pfm_initialize() == PFM_SUCCESS) {
		r = counters_open(&u);
		if (r == -EACCES) {
			usage_explain(r, &u.why);
			u.user_only = true;
			usage_close(&u);
			r = counters_open(&u);
		}
	}
	if (r < 0) {
		u.user_only = false;
		usage_close(&u);
		usage_explain(r, &u.why);
	}
	*ret = u;
}

void usage_close(struct usage_counters *u)
{
	u->cycles_fd = fd_close(u->cycles_fd);
	u->instructions_fd = fd_close(u->instructions_fd);
}

struct usage_count usage_scale(uint64_t value, uint64_t enabled_ns, uint64_t running_ns)
{
	double share;

	if (running_ns == 0)
		return (struct usage_count){ 0 };
	if (running_ns >= enabled_ns)
		return (struct usage_count){ .value = value, .share = 100 };
	share = (double)running_ns / (double)enabled_ns;
	return (struct usage_count){
		.value = (uint64_t)MIN((double)value / share, 1.8e19),
		.share = MAX((unsigned int)(100 * share), 1u),
	};
}

int usage_read(int fd, struct usage_count *ret)
{
	struct {
		uint64_t value;
		uint64_t enabled_ns;
		uint64_t running_ns;
	} now;
	ssize_t n;

	if (fd < 0)
		return -ENOENT;
	n = read(fd, &now, sizeof(now));
	if (n != sizeof(now))
		return n < 0 ? -errno : -EIO;
	*ret = usage_scale(now.value, now.enabled_ns, now.running_ns);
	return 0;
}

uint64_t usage_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

int usage_hook_ns(const char *path, uint64_t *ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	uint64_t ns;

	if (!f)
		return -errno;
	if (fscanf(f, "%" SCNu64, &ns) != 1)
		return -EIO;
	*ret = ns;
	return 0;
}

/*
 * GB/s of move_pages(2) by one processor, by the order of the folios: "vanilla" in the cover letter of
 * the third version of the kernel series for batch offload, 6.16 on an EPYC with Zen 3.
 */
static const double kernel_gb_per_s[] = { 3.73, 4.6, 5.53, 5.7, 5.90, 6.34, 6.50, 6.86, 6.92, 10.67 };

/* Of the same processor: with folios of 2 MiB 97 % of the time is the copy. */
#define KERNEL_COPY_GB_PER_S 11.0

#define COPY_LEN	(2ul << 20)
#define COPY_TIMES	4

double usage_copy_rate(void)
{
	uint8_t *area = mmap(NULL, 2 * COPY_LEN, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	uint64_t best_ns = UINT64_MAX;

	if (area == MAP_FAILED)
		return 0;
	for (int i = 0; i < COPY_TIMES; i++) {
		uint64_t began_ns = clock_now_ns(), took_ns;

		memcpy(area + COPY_LEN, area, COPY_LEN);
		/* So that it cannot be left out. */
		__asm__ volatile("" : : "r"(area) : "memory");
		took_ns = MAX(clock_now_ns() - began_ns, UINT64_C(1));
		best_ns = MIN(best_ns, took_ns);
	}
	munmap(area, 2 * COPY_LEN);
	return (double)COPY_LEN / (double)best_ns;
}

uint64_t usage_kernel_ns(const uint64_t *folios, size_t n_orders, double copy_rate)
{
	double ns = 0;

	for (size_t order = 0; order < n_orders; order++) {
		size_t i = MIN(order, ARRAY_SIZE(kernel_gb_per_s) - 1);

		ns += (double)folios[order] * (double)(4096ull << order) / kernel_gb_per_s[i];
	}
	if (copy_rate > 0)
		ns *= KERNEL_COPY_GB_PER_S / copy_rate;
	return (uint64_t)MIN(ns, 4e18);
}

int64_t usage_given_back_ns(const uint64_t *folios_engine, const uint64_t *folios_cpu,
			    size_t n_orders, double copy_rate, uint64_t used_ns)
{
	uint64_t kernel_ns = usage_kernel_ns(folios_engine, n_orders, copy_rate) +
			     usage_kernel_ns(folios_cpu, n_orders, copy_rate);

	return (int64_t)kernel_ns - (int64_t)MIN(used_ns, (uint64_t)INT64_MAX);
}
