/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Property: whatever is given to migoffctl move, it is refused with a complaint and the right exit status, or
 * the ranges are what the rest takes for granted: whole pages, ascending, apart, within an address space.
 *
 * The inputs are generated (fuzz.h).
 */
#include "move.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "macros.h"
#include "test.h"

#define MAX_ARGS 12
#define MAX_LEN	 64

static struct fuzz fuzz;
static int complaints;
static char base[MAX_LEN], own_pid[MAX_LEN];

static uint64_t below(uint64_t n)
{
	return fuzz_random(&fuzz) % n;
}

static void number(char *s)
{
	static const uint64_t edges[] = { 0, 1, 4095, 4096, 1ull << 47, (1ull << 56) - 4096, 1ull << 56,
					  (1ull << 56) + 1, INT64_MAX, UINT64_MAX, UINT64_MAX - 4095 };
	uint64_t page = strtoull(base, NULL, 16) + below(16) * 4096;

	switch (below(4)) {
	case 0:
		sprintf(s, "%" PRIx64, edges[below(ARRAY_SIZE(edges))]);
		break;
	case 1:
		sprintf(s, "%s%" PRIx64, below(2) ? "0x" : "+", page);
		break;
	default:
		sprintf(s, "%" PRIx64, page);
	}
}

/* A text such as it should be, and now and then one with a letter changed, lost or doubled. */
static void value(char *s)
{
	size_t len, at;

	number(s);
	strcat(s, "-");
	number(s + strlen(s));
	if (below(3))
		return;
	len = strlen(s);
	at = below(len);
	switch (below(3)) {
	case 0:
		s[at] = (char)(1 + below(255));
		break;
	case 1:
		memmove(s + at, s + at + 1, len - at);
		break;
	default:
		memmove(s + at + 1, s + at, len - at + 1);
	}
}

static void check(const struct move_args *a)
{
	uint64_t end = 0;

	EXPECT_EQ(a->pid, getpid());
	for (size_t i = 0; i < a->n_ranges; i++) {
		EXPECT_TRUE(a->ranges[i].len && a->ranges[i].start >= end);
		EXPECT_TRUE(i == 0 || a->ranges[i].start > end);
		EXPECT_EQ((a->ranges[i].start | a->ranges[i].len) % 4096, 0);
		end = a->ranges[i].start + a->ranges[i].len;
		EXPECT_TRUE(end <= 1ull << 56);
	}
}

static void once(void)
{
	static char values[MAX_ARGS][2 * MAX_LEN];
	static const char *const names[] = { "--range", "--range", "--range", "--range", "--from-node", "--to",
					     "--pid", "--move-all", "--engine-only", "--x", "-r" };
	char *argv[2 * MAX_ARGS + 8] = { (char *)"move", (char *)"--pid", own_pid, (char *)"--to-node",
					 (char *)"0" };
	const struct ctl ctl = { .socket = "/nonexistent" };
	struct move_args a;
	int argc = 5, r;

	for (uint64_t n = below(MAX_ARGS); n > 0; n--) {
		/* Mostly ranges, so that some calls are right. */
		argv[argc++] = (char *)names[below(8) ? below(4) : below(ARRAY_SIZE(names))];
		value(values[n]);
		argv[argc++] = values[n];
	}
	EXPECT_EQ(ftruncate(complaints, 0), 0);
	optind = 0;
	r = move_parse(&ctl, argc, argv, &a);
	fflush(stderr);
	if (r < 0)
		check(&a);
	else
		EXPECT_TRUE(r == CTL_USAGE || r == CTL_FAILED);
	/* Whatever is refused was complained of. */
	EXPECT_EQ(r > 0, lseek(complaints, 0, SEEK_END) > 0);
	move_args_done(&a);
}

/* What a failed check had to say went there too. */
static void show_complaints(void)
{
	char text[1024];
	ssize_t n = pread(complaints, text, sizeof(text), 0);

	printf("%.*s", n > 0 ? (int)n : 0, text);
}

int main(void)
{
	void *mem = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_TRUE(mem != MAP_FAILED);
	memset(mem, 1, 16 * 4096);
	sprintf(base, "%" PRIxPTR, (uintptr_t)mem);
	sprintf(own_pid, "%d", getpid());
	fuzz = fuzz_begin(1000);
	complaints = memfd_create("complaints", MFD_CLOEXEC);
	EXPECT_GE(dup2(complaints, STDERR_FILENO), 0);
	EXPECT_EQ(fcntl(STDERR_FILENO, F_SETFL, O_APPEND), 0);
	opterr = 0;
	atexit(show_complaints);
	while (fuzz_more(&fuzz))
		once();
	return 0;
}
