/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooklib.h"

#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "test.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		TEST_FAIL("%s: %s", path, strerror(errno));
	close(fd);
}

struct migoff_setup hook_default_setup(void)
{
	return (struct migoff_setup){
		.size = sizeof(struct migoff_setup),
		.abi = MIGOFF_ABI_VERSION,
		.n_slots = 2,
		.n_extents = 16384,
		.deadline_ns = 5000000000,
	};
}

void hook_add_engine(struct migoff_setup *setup, const struct engine *e)
{
	struct migoff_device *d = &setup->devices[setup->n_devices++];
	unsigned int segment, bus, dev, fn;

	if (sscanf(engine_identity(e)->bdf, "%x:%x:%x.%x", &segment, &bus, &dev, &fn) != 4)
		TEST_FAIL("no PCI address: %s", engine_identity(e)->bdf);
	*d = (struct migoff_device){
		.fd = engine_identity(e)->device_fd,
		.segment = (uint16_t)segment, .bus = (uint8_t)bus,
		.devfn = (uint8_t)(dev << 3 | fn),
	};
}

struct engine *hook_engine(const char *bdf, struct migoff_setup *ret_setup)
{
	struct engine *e;
	struct why why;
	int r;

	r = engine_open_pci(bdf, MIB(64), &e, &why);
	if (r)
		TEST_FAIL("%s: %s", bdf, strerror(-r));
	EXPECT_OK(engine_start(e));
	*ret_setup = hook_default_setup();
	ret_setup->window_iova = engine_identity(e)->window_iova;
	ret_setup->window_len = engine_identity(e)->window_size;
	hook_add_engine(ret_setup, e);
	return e;
}

static uint32_t collect(struct engine *e)
{
	struct pollfd p = { .fd = engine_event_fd(e), .events = POLLIN };
	struct engine_result results[64];
	uint32_t bad = 0;
	int n;

	while (engine_in_flight(e)) {
		n = engine_completed(e, results, ARRAY_SIZE(results));
		if (n < 0)
			TEST_FAIL("the engine failed: %s", engine_reason(e));
		for (int i = 0; i < n; i++)
			bad += results[i].status != ENGINE_COPIED;
		if (!n)
			poll(&p, 1, 10);
	}
	return bad;
}

uint32_t hook_engine_copy(struct engine *e, const struct hook *h, uint32_t slot)
{
	uint32_t bad = 0;
	uint64_t index;
	int r;

	for (uint32_t i = 0; i < hook_info(h, slot)->n_extents; i++) {
		const struct migoff_extent *x = &hook_extents(h, slot)[i];

		if (!(x->flags & MIGOFF_EXTENT_TAKEN))
			continue;
		r = engine_enqueue(e, x->src_iova, x->dst_iova, x->folio_len, &index);
		if (r == -ENOSPC) {
			EXPECT_OK(engine_submit(e));
			bad += collect(e);
			r = engine_enqueue(e, x->src_iova, x->dst_iova, x->folio_len, &index);
		}
		EXPECT_OK(r);
	}
	EXPECT_OK(engine_submit(e));
	return bad + collect(e);
}

int hook_try_open(struct hook *h, const struct migoff_setup *setup)
{
	*h = (struct hook){ .fd = -1, .setup = *setup };
	h->fd = open("/dev/migoff", O_RDWR | O_CLOEXEC);
	if (h->fd < 0)
		return -errno;
	if (ioctl(h->fd, MIGOFF_IOC_SETUP, &h->setup) < 0) {
		int r = -errno;

		h->fd = fd_close(h->fd);
		return r;
	}
	for (uint32_t i = 0; i < h->setup.n_slots; i++) {
		h->areas[i] = mmap(NULL, h->setup.ret_area_len, PROT_READ, MAP_SHARED, h->fd,
				   (off_t)(i * h->setup.ret_area_len));
		if (h->areas[i] == MAP_FAILED)
			TEST_FAIL("mmap of area %u: %s", i, strerror(errno));
	}
	EXPECT_OK(io_uring_queue_init(256, &h->ring, 0));
	return 0;
}

void hook_open(struct hook *h, const struct migoff_setup *setup)
{
	int r;

	/* A command holds the file a moment longer than its completion tells, a closed ring longer. */
	for (int i = 0; i < 1000; i++) {
		r = hook_try_open(h, setup);
		if (r != -EBUSY)
			break;
		usleep(5000);
	}
	EXPECT_OK(r);
}

void hook_close(struct hook *h)
{
	io_uring_queue_exit(&h->ring);
	for (uint32_t i = 0; i < h->setup.n_slots; i++)
		munmap((void *)h->areas[i], h->setup.ret_area_len);
	h->fd = fd_close(h->fd);
}

int hook_submit(struct hook *h, uint32_t op, const void *arg, uint64_t user_data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&h->ring);
	struct migoff_cmd *cmd;

	if (!sqe)
		return -EAGAIN;
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, h->fd, NULL, 0, 0);
	sqe->cmd_op = op;
	sqe->user_data = user_data;
	cmd = (struct migoff_cmd *)sqe->cmd;
	*cmd = (struct migoff_cmd){ .arg = (uintptr_t)arg };
	return MIN(io_uring_submit(&h->ring), 0);
}

int hook_wait(struct hook *h, uint64_t user_data, int timeout_ms)
{
	struct __kernel_timespec ts = {
		.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L,
	};
	struct io_uring_cqe *cqe;
	int r;

	r = io_uring_wait_cqe_timeout(&h->ring, &cqe, &ts);
	if (r == -ETIME)
		return -ETIMEDOUT;
	if (r < 0)
		TEST_FAIL("io_uring_wait_cqe: %s", strerror(-r));
	if (cqe->user_data != user_data)
		TEST_FAIL("command %llu completed, not %" PRIu64, cqe->user_data, user_data);
	r = cqe->res;
	io_uring_cqe_seen(&h->ring, cqe);
	return r;
}

int hook_run(struct hook *h, uint32_t op, const void *arg)
{
	static uint64_t id = 1000;
	int r;

	EXPECT_OK(hook_submit(h, op, arg, ++id));
	r = hook_wait(h, id, 30000);
	if (r == -ETIMEDOUT)
		TEST_FAIL("command %u did not complete", op);
	return r;
}

const struct migoff_batch_info *hook_info(const struct hook *h, uint32_t slot)
{
	return h->areas[slot];
}

const struct migoff_extent *hook_extents(const struct hook *h, uint32_t slot)
{
	return (const void *)((const char *)h->areas[slot] + sizeof(struct migoff_batch_info));
}

struct migoff_finish hook_finish_args(struct hook *h, uint32_t slot, const uint8_t *verdicts)
{
	return (struct migoff_finish){
		.size = sizeof(struct migoff_finish),
		.slot = slot,
		.batch = hook_info(h, slot)->batch,
		.verdicts = (uintptr_t)verdicts,
		.n_verdicts = verdicts ? hook_info(h, slot)->n_extents : 0,
	};
}

int hook_commit_each(struct hook *h, uint32_t slot, const uint8_t *verdicts)
{
	struct migoff_finish f = hook_finish_args(h, slot, verdicts);

	return hook_run(h, MIGOFF_CMD_COMMIT, &f);
}

int hook_commit(struct hook *h, uint32_t slot, uint8_t verdict)
{
	static uint8_t verdicts[65536];

	memset(verdicts, verdict, sizeof(verdicts));
	return hook_commit_each(h, slot, verdicts);
}

int hook_abort(struct hook *h, uint32_t slot)
{
	struct migoff_finish f = hook_finish_args(h, slot, NULL);

	return hook_run(h, MIGOFF_CMD_ABORT, &f);
}

uint64_t hook_pages(const struct hook *h, uint32_t slot)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < hook_info(h, slot)->n_extents; i++)
		n += hook_extents(h, slot)[i].len / PAGE;
	return n;
}

uint64_t hook_pages_with(const struct hook *h, uint32_t slot, enum migoff_cause cause)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < hook_info(h, slot)->n_extents; i++)
		if (hook_extents(h, slot)[i].cause == cause)
			n += hook_extents(h, slot)[i].len / PAGE;
	return n;
}

uint64_t hook_pages_moved(const struct hook *h, uint32_t slot)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < hook_info(h, slot)->n_extents; i++)
		if (hook_extents(h, slot)[i].flags & MIGOFF_EXTENT_MOVED)
			n += hook_extents(h, slot)[i].len / PAGE;
	return n;
}

bool hook_wait_end(const struct hook *h, uint32_t slot, int timeout_ms)
{
	const volatile struct migoff_batch_info *info = hook_info(h, slot);
	uint64_t end = now_ns() + (uint64_t)timeout_ms * 1000000;

	/* The area is plain memory, so there is no event to wait for. */
	while (!info->blocked_ns && now_ns() < end)
		poll(NULL, 0, 1);
	return info->blocked_ns;
}

int64_t hook_counter(const char *name)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[128];
	int64_t value;

	snprintf(path, sizeof(path), "/sys/class/misc/migoff/counters/%s", name);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%" SCNd64, &value) != 1)
		TEST_FAIL("%s cannot be read", path);
	return value;
}

struct request {
	target_fn fn;
	long args[3];
};

static void target_main(int sock)
{
	struct request request;
	long result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The device among them: an inherited descriptor would keep a session from its end. */
	close_range(3, (unsigned int)sock - 1, 0);
	close_range((unsigned int)sock + 1, ~0U, 0);
	while (read(sock, &request, sizeof(request)) == sizeof(request)) {
		result = request.fn(request.args[0], request.args[1], request.args[2]);
		if (write(sock, &result, sizeof(result)) != sizeof(result))
			break;
	}
	_exit(0);
}

void target_start(struct target *t)
{
	char path[64];
	int socks[2];

	EXPECT_OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks));
	t->pid = fork();
	if (t->pid == 0) {
		close(socks[0]);
		target_main(socks[1]);
	}
	close(socks[1]);
	t->sock = socks[0];
	t->pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", t->pid);
	t->pagemap_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (t->pid < 0 || t->pidfd < 0 || t->pagemap_fd < 0)
		TEST_FAIL("cannot start a target: %s", strerror(errno));
}

void target_end(struct target *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
	}
	t->pid = 0;
	t->sock = fd_close(t->sock);
	t->pidfd = fd_close(t->pidfd);
	t->pagemap_fd = fd_close(t->pagemap_fd);
}

void target_send(struct target *t, target_fn fn, long a, long b, long c)
{
	struct request request = { .fn = fn, .args = { a, b, c } };

	if (write(t->sock, &request, sizeof(request)) != sizeof(request))
		TEST_FAIL("the target does not listen: %s", strerror(errno));
}

long target_receive(struct target *t)
{
	long result;

	if (read(t->sock, &result, sizeof(result)) != sizeof(result))
		TEST_FAIL("the target does not answer: %s", strerror(errno));
	return result;
}

bool target_answers(struct target *t, int timeout_ms)
{
	struct pollfd p = { .fd = t->sock, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

long target_call(struct target *t, target_fn fn, long a, long b, long c)
{
	target_send(t, fn, a, b, c);
	return target_receive(t);
}

long in_map(long len, long node, long huge)
{
	size_t align = MAX((size_t)len, HUGE);
	unsigned long mask = 1UL << node;
	char *p, *aligned;

	p = mmap(NULL, (size_t)len + align, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	aligned = (char *)ALIGN_UP((uintptr_t)p, HUGE);
	munmap(p, (size_t)(aligned - p));
	munmap(aligned + len, align - (size_t)(aligned - p));
	if (mbind(aligned, (size_t)len, MPOL_BIND, &mask, 64, 0) ||
	    madvise(aligned, (size_t)len, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		return -errno;
	for (long i = 0; i < len; i += PAGE)
		*(volatile char *)(aligned + i) = 1;
	/* The policy was for the first placement only. */
	if (mbind(aligned, (size_t)len, MPOL_DEFAULT, NULL, 0, 0))
		return -errno;
	return (long)aligned;
}

static uint64_t word(uint64_t addr, long seed)
{
	uint64_t x = (addr / 8 + 1) * 0x9e3779b97f4a7c15 + (uint64_t)seed * 0xbf58476d1ce4e5b9;

	return x ^ x >> 29;
}

long in_fill(long addr, long len, long seed)
{
	for (long a = addr; a < addr + len; a += 8)
		*(volatile uint64_t *)a = word((uint64_t)a, seed);
	return 0;
}

long in_check(long addr, long len, long seed)
{
	long wrong = 0;

	for (long a = addr; a < addr + len; a += 8)
		wrong += *(volatile uint64_t *)a != word((uint64_t)a, seed);
	return wrong;
}

long in_unmap(long addr, long len, long unused)
{
	return munmap((void *)addr, (size_t)len) ? -errno : 0;
}

struct migoff_range range_of(long addr, size_t len)
{
	return (struct migoff_range){ .start = (uint64_t)addr, .len = len };
}

struct migoff_prepare prepare_args(const struct target *t, const struct migoff_range *ranges,
				   uint32_t n_ranges, int to_node)
{
	return (struct migoff_prepare){
		.size = sizeof(struct migoff_prepare),
		.pidfd = t->pidfd,
		.pagemap_fd = t->pagemap_fd,
		.to_node = to_node,
		.ranges = (uintptr_t)ranges,
		.n_ranges = n_ranges,
		.max_bytes = UINT64_MAX,
	};
}

size_t pages_on(const struct target *t, uint64_t addr, size_t len, int node)
{
	size_t n = len / PAGE, found = 0;
	_cleanup_free_ void **pages = calloc(n, sizeof(*pages));
	_cleanup_free_ int *status = calloc(n, sizeof(*status));

	for (size_t i = 0; i < n; i++)
		pages[i] = (void *)(addr + i * PAGE);
	if (move_pages(t->pid, n, pages, NULL, status, 0) < 0)
		TEST_FAIL("move_pages: %s", strerror(errno));
	for (size_t i = 0; i < n; i++)
		found += status[i] == node;
	return found;
}

long smaps_kib(pid_t pid, uint64_t addr, const char *key)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[512];
	uint64_t start, end;
	bool here = false;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2)
			here = addr >= start && addr < end;
		else if (here && !strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			return strtol(line + strlen(key) + 1, NULL, 10);
	}
	TEST_FAIL("no %s at %" PRIx64 " in %s", key, addr, path);
}
