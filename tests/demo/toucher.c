/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process to be moved that notices: it counts up a number in each of its pages, again and again,
 * and tells how long the longest of these touches had to wait for its page.
 *
 * A touch that takes long while the thread did not give up the processor of its own accord was
 * preempted, which says nothing about the page; it is reported apart. A number that is not what it
 * should be was lost, or came from elsewhere.
 *
 * usage: toucher MIB
 *
 * Prints "ready" when all pages are there; then, for each SIGUSR1, a line of four numbers, counted
 * since the line before: the longest wait for a page and the longest preemption in nanoseconds, sweeps
 * over all pages, wrong numbers. Ends by SIGTERM.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "macros.h"

#define HUGE_SIZE (UINT64_C(2) << 20)
/* Shorter touches are not looked into: a page that was away costs a sleep and a wake-up at least. */
#define LONG_NS 20000
/* Between sweeps, so that others have the processor too. */
#define PAUSE_NS 200000

struct findings {
	uint64_t wait_ns;
	uint64_t preempted_ns;
	uint64_t sweeps;
	uint64_t wrong;
};

static volatile sig_atomic_t asked;

static void ask(int sig)
{
	asked = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static long sleeps(void)
{
	struct rusage ru;

	getrusage(RUSAGE_THREAD, &ru);
	return ru.ru_nvcsw;
}

static void sweep(volatile uint64_t *memory, uint64_t words, uint64_t page_words, struct findings *f,
		  uint64_t round)
{
	long slept = sleeps();

	for (uint64_t i = 0; i < words; i += page_words) {
		uint64_t begin = now_ns(), ns;

		f->wrong += memory[i] != round;
		memory[i] = round + 1;
		ns = now_ns() - begin;
		if (ns < LONG_NS)
			continue;
		if (sleeps() != slept)
			f->wait_ns = MAX(f->wait_ns, ns);
		else
			f->preempted_ns = MAX(f->preempted_ns, ns);
		slept = sleeps();
	}
	f->sweeps++;
}

static volatile uint64_t *get_memory(uint64_t size)
{
	uintptr_t p;

	p = (uintptr_t)mmap(NULL, size + HUGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	if (p == (uintptr_t)MAP_FAILED)
		return NULL;
	p = ALIGN_UP(p, HUGE_SIZE);
	madvise((void *)p, size, MADV_HUGEPAGE);
	return (volatile uint64_t *)p;
}

int main(int argc, char *argv[])
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const struct sigaction action = { .sa_handler = ask };
	uint64_t size, page_words = (uint64_t)sysconf(_SC_PAGESIZE) / sizeof(uint64_t);
	struct findings f = { 0 };
	volatile uint64_t *memory;

	size = argc == 2 ? strtoull(argv[1], NULL, 10) << 20 : 0;
	if (size == 0) {
		fprintf(stderr, "usage: toucher MIB\n");
		return 2;
	}
	memory = get_memory(size);
	if (!memory || sigaction(SIGUSR1, &action, NULL) < 0) {
		perror("toucher");
		return 1;
	}
	for (uint64_t round = 0;; round++) {
		sweep(memory, size / sizeof(uint64_t), page_words, &f, round);
		if (round == 0) {
			puts("ready");
			fflush(stdout);
			f = (struct findings){ 0 };
		}
		if (asked) {
			asked = 0;
			printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", f.wait_ns,
			       f.preempted_ns, f.sweeps, f.wrong);
			fflush(stdout);
			f = (struct findings){ 0 };
		}
		nanosleep(&pause, NULL);
	}
}
