/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "subject.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "macros.h"
#include "migoff.h"
#include "test.h"

/* Of <numaif.h>. */
#define MOVE 2
/* Of a thread, between two writes. */
#define THREAD_PAUSE_NS 200000

static struct {
	volatile char *begin;
	uint64_t len;
} memory;

static void *write_here_and_there(void *arg)
{
	const struct timespec pause_time = { .tv_nsec = THREAD_PAUSE_NS };
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	for (;;) {
		memory.begin[(uint64_t)rand_r(&seed) * SUBJECT_PAGE % memory.len]++;
		nanosleep(&pause_time, NULL);
	}
	return NULL;
}

/* The memory, at an address known to the parent: it was mapped, and not touched, before the fork. */
_Noreturn static void subject_main(uint64_t size, unsigned int n_threads, int ready_fd)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What one page holds differs from what the next one does. */
	for (uint64_t at = 0; at < memory.len; at += SUBJECT_PAGE)
		memory.begin[at] = (char)(at / SUBJECT_PAGE % 251 + 1);
	for (uintptr_t i = 1; i <= n_threads; i++)
		if (pthread_create(&thread, NULL, write_here_and_there, (void *)i) != 0)
			_exit(1);
	if (write(ready_fd, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void map_memory(uint64_t len, uint64_t size)
{
	uintptr_t p;

	p = (uintptr_t)mmap(NULL, len + SUBJECT_HUGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	EXPECT_TRUE(p != (uintptr_t)MAP_FAILED);
	memory.begin = (void *)ALIGN_UP(p, SUBJECT_HUGE);
	memory.len = len;
	EXPECT_OK(madvise((void *)memory.begin, len, size == SUBJECT_HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
}

static void make_arguments(struct subject *s, uint64_t size)
{
	s->pages = malloc(s->n * sizeof(*s->pages));
	s->nodes[0] = calloc(s->n, sizeof(*s->nodes[0]));
	s->nodes[1] = malloc(s->n * sizeof(*s->nodes[1]));
	s->status = malloc(s->n * sizeof(*s->status));
	EXPECT_TRUE(s->pages && s->nodes[0] && s->nodes[1] && s->status);
	for (size_t i = 0; i < s->n; i++) {
		s->pages[i] = (void *)(memory.begin + i * size);
		s->nodes[1][i] = 1;
		s->status[i] = 0;
	}
}

void subject_start(struct subject *ret, size_t n, uint64_t size, unsigned int n_threads)
{
	struct subject s = { .n = n };
	int fds[2];
	char byte;

	map_memory(n * size, size);
	make_arguments(&s, size);
	EXPECT_OK(pipe(fds));
	s.pid = fork();
	EXPECT_TRUE(s.pid >= 0);
	if (s.pid == 0) {
		close(fds[0]);
		subject_main(size, n_threads, fds[1]);
	}
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		TEST_FAIL("the subject did not start");
	close(fds[0]);
	munmap((void *)memory.begin, memory.len);
	if (subject_elsewhere(&s, 0))
		TEST_FAIL("the subject's memory is not on node 0 to begin with");
	*ret = s;
}

void subject_stop(struct subject *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	free(s->pages);
	free(s->nodes[0]);
	free(s->nodes[1]);
	free(s->status);
	*s = (struct subject){ 0 };
}

static long move_part(struct subject *s, enum mover mover, int node, size_t first, size_t n)
{
	if (mover == MOVER_MIGOFF)
		return migoff_move_pages(s->pid, n, s->pages + first, s->nodes[node], s->status + first, MOVE);
	return syscall(SYS_move_pages, s->pid, n, s->pages + first, s->nodes[node], s->status + first, MOVE);
}

size_t subject_move(struct subject *s, enum mover mover, int node, size_t per_call)
{
	size_t failed = 0;

	for (size_t first = 0; first < s->n; first += per_call)
		if (move_part(s, mover, node, first, MIN(per_call, s->n - first)) < 0)
			TEST_FAIL("moving pages: %s", strerror(errno));
	for (size_t i = 0; i < s->n; i++)
		failed += s->status[i] != node;
	return failed;
}

size_t subject_elsewhere(struct subject *s, int node)
{
	size_t elsewhere = 0;

	EXPECT_OK(syscall(SYS_move_pages, s->pid, s->n, s->pages, NULL, s->status, 0));
	for (size_t i = 0; i < s->n; i++)
		elsewhere += s->status[i] != node;
	return elsewhere;
}
