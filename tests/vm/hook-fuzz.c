/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Property: whatever its opener gives to /dev/migoff, each command ends with a result, the target's content is
 * as it was, and nothing is left when the file is closed.
 *
 * usage: hook-fuzz SECONDS SEED
 *
 * A session is set up without engines (what an engine copies is the opener's word), and no verdict says that
 * one has copied, for the same reason. All else is right to begin with, and then partly something else.
 */
#include "hooklib.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "macros.h"
#include "test.h"

#define LEN	   MIB(8)
#define SEED	   5
#define N_COMMANDS 100
#define AT_ONCE	   4
#define MAX_RANGES 16
#define LIMIT_MS   20000

/* What a command refers to stays as it is until it has ended. */
struct command {
	union {
		struct migoff_prepare prepare;
		struct migoff_finish finish;
	};
	struct migoff_range ranges[MAX_RANGES];
	uint8_t verdicts[65536];
};

static uint64_t state;
static struct target target;
static long area;
static void *guarded;
static struct command commands[AT_ONCE];
static uint64_t n_sessions, n_commands, n_taken, n_finished, n_refused;

static uint32_t below(uint32_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static uint64_t odd_number(void)
{
	const uint64_t odd[] = {
		0, 1, 2, 3, 7, 63, 64, 65, 511, PAGE, PAGE - 1, MIB(2), 65536, 65537, INT32_MAX, UINT32_MAX,
		1ull << 32, 1ull << 47, (1ull << 47) - PAGE, 1ull << 56, INT64_MAX, UINT64_MAX,
		UINT64_MAX - PAGE + 1, 0xffff888000000000, (uintptr_t)guarded, (uintptr_t)&state,
		(uint64_t)area, (uint64_t)area + MIB(1), 10000000000, 1000000,
	};

	return below(8) ? odd[below(ARRAY_SIZE(odd))] : (uint64_t)below(UINT32_MAX) << 32 | below(UINT32_MAX);
}

/* A few of its words, whole or half. */
static void mutate(void *p, size_t len)
{
	for (uint32_t n = below(4); n > 0; n--) {
		uint64_t odd = odd_number();

		if (below(2))
			memcpy((char *)p + below((uint32_t)len / 8) * 8, &odd, 8);
		else
			memcpy((char *)p + below((uint32_t)len / 4) * 4, &odd, 4);
	}
}

static bool open_session(struct hook *h)
{
	struct migoff_setup setup = hook_default_setup();
	int r = -EBUSY;

	setup.n_slots = 1 + below(4);
	setup.n_extents = 16 << below(6);
	/* Short, so that some batches come to it. */
	setup.deadline_ns = 1000000 + below(500000000);
	setup.flags = below(2) ? MIGOFF_SETUP_EXPIRE_COPY : 0;
	if (below(2)) {
		setup.pool_bytes = MIB(1) << below(6);
		setup.pool_age_ns = 1000000 + below(100000000);
	}
	if (below(2))
		mutate(&setup, sizeof(setup));
	for (int i = 0; i < 20000; i++) {
		r = hook_try_open(h, &setup);
		/* The one before is not quite gone. */
		if (r != -EBUSY)
			break;
		usleep(1000);
	}
	if (r == -EBUSY)
		TEST_FAIL("a session does not end");
	n_refused += r < 0;
	return r == 0;
}

static void make_ranges(struct command *c, struct migoff_prepare *p)
{
	uint64_t at = (uint64_t)area;

	p->n_ranges = 1 + below(MAX_RANGES);
	for (uint32_t i = 0; i < p->n_ranges; i++) {
		at += below(3) * 32 * PAGE;
		c->ranges[i] = (struct migoff_range){ .start = at, .len = (1 + below(256)) * PAGE };
		at += c->ranges[i].len;
	}
	if (below(4) == 0)
		mutate(c->ranges, p->n_ranges * sizeof(*c->ranges));
}

static uint32_t make_prepare(struct hook *h, struct command *c)
{
	struct migoff_prepare p = prepare_args(&target, c->ranges, 0, (int)below(2));

	make_ranges(c, &p);
	p.slot = below(h->setup.n_slots);
	p.flags = below(2) ? MIGOFF_PREPARE_MOVE_ALL : 0;
	p.max_bytes = PAGE << below(12);
	if (below(4) == 0) {
		p.flags |= MIGOFF_PREPARE_WHOLE;
		p.n_ranges = 0;
		p.ranges = 0;
	}
	if (below(2))
		mutate(&p, sizeof(p));
	c->prepare = p;
	return MIGOFF_CMD_PREPARE;
}

static uint32_t make_finish(struct hook *h, struct command *c)
{
	static const uint8_t verdicts[] = { MIGOFF_VERDICT_LEAVE, MIGOFF_VERDICT_CPU, MIGOFF_VERDICT_CPU,
					    3, 128, 255 };
	uint32_t slot = below(h->setup.n_slots);
	bool commit = below(4);

	for (uint32_t i = 0; i < hook_info(h, slot)->n_extents; i++)
		c->verdicts[i] = verdicts[below(below(4) ? 3 : ARRAY_SIZE(verdicts))];
	c->finish = hook_finish_args(h, slot, commit ? c->verdicts : NULL);
	if (below(3) == 0)
		mutate(&c->finish, sizeof(c->finish));
	return commit ? MIGOFF_CMD_COMMIT : MIGOFF_CMD_ABORT;
}

static void submit(struct hook *h, struct command *c, uint64_t i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&h->ring);
	uint32_t op = below(2) ? make_prepare(h, c) : make_finish(h, c);
	struct migoff_cmd *cmd;

	EXPECT_TRUE(sqe);
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, h->fd, NULL, 0, 0);
	sqe->cmd_op = below(32) ? op : (uint32_t)odd_number();
	sqe->user_data = i;
	cmd = (struct migoff_cmd *)sqe->cmd;
	*cmd = (struct migoff_cmd){ .arg = (uintptr_t)c };
	if (below(32) == 0)
		mutate(cmd, sizeof(*cmd));
}

static void reap(struct hook *h, uint32_t n)
{
	struct __kernel_timespec ts = { .tv_sec = LIMIT_MS / 1000 };
	struct io_uring_cqe *cqe;

	for (; n > 0; n--) {
		if (io_uring_wait_cqe_timeout(&h->ring, &cqe, &ts) < 0)
			TEST_FAIL("a command does not end");
		n_commands++;
		n_taken += cqe->res > 0 && commands[cqe->user_data].prepare.size == sizeof(struct migoff_prepare);
		n_finished += cqe->res >= 0;
		io_uring_cqe_seen(&h->ring, cqe);
	}
}

/* With batches out when it ends, now and then. */
static void session(void)
{
	struct hook h;

	if (!open_session(&h))
		return;
	n_sessions++;
	for (uint32_t i = 0; i < N_COMMANDS; i += AT_ONCE) {
		for (uint32_t k = 0; k < AT_ONCE; k++)
			submit(&h, &commands[k], k);
		EXPECT_EQ(io_uring_submit(&h.ring), AT_ONCE);
		reap(&h, AT_ONCE);
	}
	hook_close(&h);
}

int main(int argc, char **argv)
{
	uint64_t begin = now_ns(), next = 0, seconds;

	EXPECT_EQ(argc, 3);
	seconds = strtoull(argv[1], NULL, 10);
	state = strtoull(argv[2], NULL, 10);
	guarded = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(guarded != MAP_FAILED);
	target_start(&target);
	area = EXPECT_OK(target_call(&target, in_map, LEN, 0, 1));
	EXPECT_EQ(target_call(&target, in_fill, area, LEN, SEED), 0);
	/* A hole, and a folio that is mapped in part. */
	EXPECT_EQ(target_call(&target, in_unmap, area + (long)LEN / 2, PAGE, 0), 0);
	for (uint64_t s = 0; s < seconds; s = (now_ns() - begin) / 1000000000) {
		session();
		EXPECT_EQ(target_call(&target, in_check, area, LEN / 2, SEED), 0);
		EXPECT_EQ(target_call(&target, in_check, area + (long)LEN / 2 + PAGE, LEN / 2 - PAGE, SEED), 0);
		if (s < next)
			continue;
		next += 15;
		printf("progress: %3" PRIu64 " s of %" PRIu64 ", %" PRIu64 " sessions and %" PRIu64
		       " commands\n", s, seconds, n_sessions, n_commands);
		fflush(stdout);
	}
	target_end(&target);
	printf("sessions=%" PRIu64 " refused=%" PRIu64 " commands=%" PRIu64 " good=%" PRIu64 " taken=%" PRIu64 "\n",
	       n_sessions, n_refused, n_commands, n_finished, n_taken);
	/* Else it has not come far. */
	EXPECT_TRUE(n_refused && n_taken && n_finished < n_commands);
	return 0;
}
