/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "storm.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "macros.h"
#include "test.h"

#define PAGES	(STORM_LEN / STORM_PAGE)
#define SCRATCH	(STORM_LEN + STORM_BLOCK)
#define RW	(PROT_READ | PROT_WRITE)
/* One word in 64 bytes: each piece that any copy could lose. */
#define STEP	64
#define NICE	10

struct part {
	struct storm *storm;
	int storm_fd;
	char *base;
	uint64_t random;
	bool first;
	/* What a page was filled from; 0: it was never written. */
	uint32_t expected[PAGES];
};

static struct part parts[STORM_THREADS];

uint32_t storm_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static uint32_t below(struct part *p, size_t n)
{
	return storm_random(&p->random) % (uint32_t)n;
}

static uint64_t word(uint32_t value, size_t page, size_t at)
{
	return value ? ((uint64_t)value << 32 | page << 12 | at) * 0x9e3779b97f4a7c15 : 0;
}

static void fill(struct part *p, size_t page, uint32_t value)
{
	for (size_t at = 0; at < STORM_PAGE; at += STEP)
		*(volatile uint64_t *)(p->base + page * STORM_PAGE + at) = word(value, page, at);
	p->expected[page] = value;
}

static bool is_right(const struct part *p, size_t page)
{
	for (size_t at = 0; at < STORM_PAGE; at += STEP) {
		uint64_t found = *(volatile uint64_t *)(p->base + page * STORM_PAGE + at);

		if (found != word(p->expected[page], page, at)) {
			fprintf(stderr, "pid %d: at %p is %" PRIx64 ", not %" PRIx64 " (value %x)\n", getpid(),
				(void *)(p->base + page * STORM_PAGE + at), found,
				word(p->expected[page], page, at), p->expected[page]);
			return false;
		}
	}
	return true;
}

static void check(const struct part *p, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		if (!is_right(p, i))
			_exit(1);
}

static void must(struct part *p, bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "pid %d: %s: %s\n", getpid(), what, strerror(errno));
		_exit(1);
	}
}

static void op_touch(struct part *p, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		check(p, i, 1);
		fill(p, i, storm_random(&p->random) | 1);
	}
}

static void op_check(struct part *p, size_t first, size_t n)
{
	check(p, first, n);
}

static void op_dontneed(struct part *p, size_t first, size_t n)
{
	must(p, !madvise(p->base + first * STORM_PAGE, n * STORM_PAGE, MADV_DONTNEED), "MADV_DONTNEED");
	memset(p->expected + first, 0, n * sizeof(*p->expected));
}

static void op_remap(struct part *p, size_t first, size_t n)
{
	char *at = p->base + first * STORM_PAGE;

	must(p, !munmap(at, n * STORM_PAGE), "munmap");
	must(p, mmap(at, n * STORM_PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at, "mmap");
	memset(p->expected + first, 0, n * sizeof(*p->expected));
}

/* To another place and back. */
static void op_mremap(struct part *p, size_t first, size_t n)
{
	char *at = p->base + first * STORM_PAGE, *to = p->base + SCRATCH;
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	/* Parts of different mappings it may refuse; then nothing has happened. */
	if (mremap(at, n * STORM_PAGE, n * STORM_PAGE, flags, to) == MAP_FAILED)
		return;
	must(p, mremap(to, n * STORM_PAGE, n * STORM_PAGE, flags, at) == at, "mremap");
	check(p, first, n);
}

static void op_mprotect(struct part *p, size_t first, size_t n)
{
	char *at = p->base + first * STORM_PAGE;

	must(p, !mprotect(at, n * STORM_PAGE, PROT_READ), "PROT_READ");
	check(p, first, n);
	must(p, !mprotect(at, n * STORM_PAGE, PROT_NONE), "PROT_NONE");
	must(p, !mprotect(at, n * STORM_PAGE, RW), "PROT_WRITE");
	check(p, first, n);
}

static void op_advise(struct part *p, size_t first, size_t n)
{
	static const int advice[] = { MADV_HUGEPAGE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLD };
	char *block = p->base + ALIGN_DOWN(first * STORM_PAGE, STORM_BLOCK);

	must(p, !madvise(p->base, STORM_LEN, advice[below(p, ARRAY_SIZE(advice))]), "madvise");
	/* It may find no memory, or pages that are on their way. */
	(void)madvise(block, STORM_BLOCK, MADV_COLLAPSE);
	check(p, first, n);
}

static void op_lock(struct part *p, size_t first, size_t n)
{
	char *at = p->base + first * STORM_PAGE;

	must(p, !mlock(at, n * STORM_PAGE), "mlock");
	check(p, first, n);
	must(p, !munlock(at, n * STORM_PAGE), "munlock");
}

/* The child has the same, and what it writes is its own. */
static void op_fork(struct part *p, size_t first, size_t n)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		op_touch(p, first, n);
		check(p, first, n);
		_exit(0);
	}
	if (pid < 0)
		return;
	op_touch(p, first, n);
	must(p, waitpid(pid, &status, 0) == pid, "waitpid");
	must(p, status == 0, "a child found its memory changed");
	check(p, first, n);
}

static void op_exec(struct part *p, size_t first, size_t n)
{
	char fd[16], seed[32];

	check(p, 0, PAGES);
	snprintf(fd, sizeof(fd), "%d", p->storm_fd);
	snprintf(seed, sizeof(seed), "%" PRIu64, p->random);
	execl("/proc/self/exe", "storm", "worker", fd, seed, NULL);
	must(p, false, "exec");
}

static void op_exit(struct part *p, size_t first, size_t n)
{
	_exit(0);
}

static const struct {
	const char *name;
	void (*run)(struct part *p, size_t first, size_t n);
	unsigned int weight;
	size_t max_pages;
} ops[] = {
	{ "touch", op_touch, 400, 64 },
	{ "check", op_check, 400, 512 },
	{ "dontneed", op_dontneed, 80, 256 },
	{ "remap", op_remap, 80, 256 },
	{ "mremap", op_mremap, 80, 512 },
	{ "mprotect", op_mprotect, 80, 256 },
	{ "advise", op_advise, 60, 64 },
	{ "lock", op_lock, 40, 64 },
	{ "fork", op_fork, 40, 64 },
	{ "exec", op_exec, 4, 1 },
	{ "exit", op_exit, 4, 1 },
};

/* The last two end all threads of the process: one of them does that. */
#define N_OPS(p) (ARRAY_SIZE(ops) - ((p)->first ? 0 : 2))

const char *storm_op_name(unsigned int op)
{
	return op < ARRAY_SIZE(ops) ? ops[op].name : NULL;
}

static unsigned int choose(struct part *p)
{
	unsigned int sum = 0, at, i = 0;

	for (unsigned int k = 0; k < N_OPS(p); k++)
		sum += ops[k].weight;
	for (at = below(p, sum); at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return i;
}

static void *part_main(void *arg)
{
	struct part *p = arg;

	while (!atomic_load(&p->storm->stop)) {
		unsigned int op = choose(p);
		size_t n = 1 + below(p, ops[op].max_pages), first = below(p, PAGES - n + 1);

		atomic_fetch_add(&p->storm->n_ops[op], 1);
		ops[op].run(p, first, n);
	}
	check(p, 0, PAGES);
	return NULL;
}

/* There may be too many for a moment: those of the program before the exec. */
static void start_thread(pthread_t *thread, struct part *p)
{
	int r = EAGAIN;

	for (int i = 0; i < 1000 && r == EAGAIN; i++) {
		r = pthread_create(thread, NULL, part_main, p);
		if (r == EAGAIN)
			usleep(1000);
	}
	errno = r;
	must(p, r == 0, "pthread_create");
}

void storm_worker(struct storm *s, int storm_fd, uint64_t seed)
{
	pthread_t threads[STORM_THREADS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* More threads than processors, which never rest: what moves their memory must get its turn. */
	setpriority(PRIO_PROCESS, 0, NICE);
	/* What threads had forked that an exec has ended: it ends with them, or in a moment. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	for (size_t i = 0; i < STORM_THREADS; i++) {
		struct part *p = &parts[i];

		*p = (struct part){ .storm = s, .storm_fd = storm_fd, .base = STORM_AT(i),
				    .random = seed + i * 7919, .first = i == 0 };
		must(p, mmap(p->base, STORM_LEN, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
			p->base, "mmap");
		if (below(p, 3))
			must(p, !madvise(p->base, STORM_LEN, MADV_HUGEPAGE), "madvise");
		start_thread(&threads[i], p);
	}
	for (size_t i = 0; i < STORM_THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}
