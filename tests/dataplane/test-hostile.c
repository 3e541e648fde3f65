/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients that write anything into their rings: each gets what it deserves, the others notice nothing.
 */
#include "dataplane.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fake-hook.h"
#include "migoff_uapi.h"
#include "reason.h"
#include "rig.h"
#include "test.h"

#define PAGE	4096ull
#define RUDE_VA	(FAKE_VA + 8 * PAGE)

static struct rig_client rude, good;
static struct dataplane *dp;

static void setup(void)
{
	struct dataplane_config config = rig_config("soft");

	fake_init(0, 64);
	dp = rig_start(&config);
	rig_connect(dp, &rude, 1);
	rig_connect(dp, &good, 2);
}

/* The other client is served, before and after. */
static void check_good(void)
{
	static int to_node;
	const struct ring_result *result;

	to_node = fake.folios[0].node ? 0 : 1;
	result = rig_move(&good, FAKE_VA, 8 * PAGE, to_node);
	EXPECT_EQ(result->error, 0);
	EXPECT_EQ(result->pages_moved, 8);
}

static void teardown(void)
{
	check_good();
	rig_disconnect(dp, &rude);
	rig_disconnect(dp, &good);
	dp = dataplane_stop(dp);
}

static int error_of(void)
{
	rig_submit(&rude, 5);
	EXPECT_EQ(rig_wait(&rude), 5);
	return rude.ring->slots[5].result.error;
}

/* A request from whose valid form only one thing differs, and what that is answered. */
#define EXPECT_REFUSED(errno_, change)                                                         \
	do {                                                                                   \
		struct ring_request *rq = rig_request(&rude, 5, RUDE_VA, 4 * PAGE, 1);         \
		struct ring_range *ranges = rig_ranges(&rude, 5);                              \
		(void)rq, (void)ranges;                                                        \
		change;                                                                        \
		EXPECT_EQ(error_of(), errno_);                                                 \
		EXPECT_EQ(rude.ring->slots[5].result.pages_asked, 0);                          \
	} while (0)

/* Garbage in each field of a request is answered with an errno of its own, and moves nothing. */
static void test_fields(void)
{
	setup();
	EXPECT_REFUSED(-EINVAL, rq->flags = 4);
	EXPECT_REFUSED(-EINVAL, rq->flags = UINT32_MAX);
	EXPECT_REFUSED(-EPERM, rq->flags = RING_MOVE_ALL);
	EXPECT_REFUSED(-EINVAL, rq->flags = RING_WHOLE);
	EXPECT_REFUSED(-ENOENT, rq->target = 99);
	EXPECT_REFUSED(-ENODEV, rq->to_node = -1);
	EXPECT_REFUSED(-ENODEV, rq->to_node = 1024);
	EXPECT_REFUSED(-EACCES, rq->to_node = 2);
	EXPECT_REFUSED(-EACCES, rq->to_node = 1023);
	EXPECT_REFUSED(-EINVAL, rq->reason = _REASON_MAX);
	EXPECT_REFUSED(-EINVAL, rq->extents += 4);
	EXPECT_REFUSED(-EFAULT, (rq->extents = RIG_DATA_LEN - 16, rq->n_extents = 1));
	EXPECT_REFUSED(-EFAULT, rq->n_extents = UINT64_MAX / 24 + 2);
	EXPECT_REFUSED(-EINVAL, rq->reserved[3] = 1);
	EXPECT_REFUSED(-EINVAL, rq->ranges += 4);
	EXPECT_REFUSED(-EFAULT, rq->ranges = RIG_DATA_LEN);
	EXPECT_REFUSED(-EFAULT, rq->ranges = UINT64_MAX - 7);
	EXPECT_REFUSED(-EINVAL, rq->n_ranges = 0);
	EXPECT_REFUSED(-E2BIG, rq->n_ranges = UINT64_MAX);
	EXPECT_REFUSED(-E2BIG, rq->n_ranges = RING_MAX_RANGES + 1);
	EXPECT_REFUSED(-EFAULT, (rq->n_ranges = 3, rq->ranges = RIG_DATA_LEN - 32));
	EXPECT_REFUSED(-EINVAL, rq->status += 4);
	EXPECT_REFUSED(-EFAULT, rq->status = RIG_DATA_LEN - 8);
	EXPECT_REFUSED(-EFAULT, rq->status = UINT64_MAX - 7);
	EXPECT_REFUSED(-EINVAL, rq->n_status = 3);
	EXPECT_REFUSED(-EINVAL, rq->n_status = 5);
	EXPECT_REFUSED(-EFAULT, rq->n_status = UINT64_MAX / 4 + 2);
	EXPECT_REFUSED(-EINVAL, ranges->start += 1);
	EXPECT_REFUSED(-EINVAL, ranges->len = 0);
	EXPECT_REFUSED(-EINVAL, ranges->len = 100);
	EXPECT_REFUSED(-EFAULT, ranges->start = 1ull << 56);
	EXPECT_REFUSED(-EFAULT, ranges->len = (1ull << 56) - RUDE_VA + PAGE);
	EXPECT_REFUSED(-EFAULT, ranges->start = -PAGE);
	EXPECT_REFUSED(-EFAULT, ranges->len = -PAGE);
	/* Overlapping, and descending. */
	EXPECT_REFUSED(-EINVAL, (rq->n_ranges = 2, ranges[1] = (struct ring_range){ RUDE_VA + PAGE, PAGE }));
	EXPECT_REFUSED(-EINVAL, (rq->n_ranges = 2, ranges[1] = (struct ring_range){ PAGE, PAGE }));
	for (unsigned int f = 0; f < 64; f++)
		EXPECT_EQ(fake.folios[f].node, 0);
	rig_request(&rude, 5, RUDE_VA, 4 * PAGE, 1);
	EXPECT_EQ(error_of(), 0);
	EXPECT_EQ(rude.ring->slots[5].result.pages_moved, 4);
	teardown();
}

static bool has_cut(const struct dataplane_status *status)
{
	return status->n_cut > 0;
}

static void expect_cut(const char *why)
{
	const char *said;
	uint64_t id;

	rig_until(dp, has_cut);
	EXPECT_EQ(dataplane_next_cut(dp, &id, &said), 1);
	EXPECT_EQ(id, rude.id);
	EXPECT_STR(said, why);
	EXPECT_EQ(dataplane_next_cut(dp, &id, &said), 0);
	teardown();
}

static void kick(void)
{
	uint64_t one = 1;

	EXPECT_EQ(write(rude.kick_fd, &one, sizeof(one)), sizeof(one));
}

/* A slot that does not exist has no place for an answer. */
static void test_bad_slot(void)
{
	setup();
	rig_submit(&rude, RING_N_SLOTS);
	expect_cut("a slot was submitted that does not exist");
}

/* A slot that is submitted while it is in work is not the client's to submit. */
static void test_slot_twice(void)
{
	setup();
	fake.prepare_delay_ns = 300000000;
	rig_request(&rude, 3, RUDE_VA, 4 * PAGE, 1);
	rig_submit(&rude, 3);
	rig_submit(&rude, 3);
	expect_cut("a slot was submitted that had not ended");
}

/* More is submitted than there are slots. */
static void test_queue_index(void)
{
	setup();
	rude.ring->submit.tail += RING_N_SLOTS + 1;
	kick();
	expect_cut("the indices of the submit queue make no sense");
}

/* An index that goes back is the same. */
static void test_queue_backwards(void)
{
	setup();
	rude.ring->submit.tail--;
	kick();
	expect_cut("the indices of the submit queue make no sense");
}

/* What the daemon has written before may be overwritten, it does not read it. */
static void test_scribble(void)
{
	setup();
	for (int i = 0; i < 200; i++) {
		struct ring_head *ring = rude.ring;

		ring->n_slots = ring->version = 0xffffffff;
		ring->data_off = ring->data_len = UINT64_MAX;
		ring->submit.head = ring->done.head = (uint32_t)i * 77777;
		rig_move(&rude, RUDE_VA, 8 * PAGE, !fake.folios[8].node);
		memset(&ring->slots[0].result, 0xff, sizeof(ring->slots[0].result));
		ring->slots[0].progress = UINT64_MAX;
	}
	teardown();
}

/* Atomic, so that of the races that are tested here none is the test's own. */
static void scribble(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* A client that changes its ranges and its request while they are worked on changes only its results. */
static void test_change(void)
{
	setup();
	fake.prepare_delay_ns = 2000000;
	for (int i = 0; i < 50; i++) {
		struct ring_request *rq = rig_request(&rude, 0, RUDE_VA, 8 * PAGE, i % 2);

		rig_submit(&rude, 0);
		for (int j = 0; j < 20000; j++) {
			scribble(&rq->n_status, UINT64_MAX - (uint64_t)j);
			scribble(&rq->n_ranges, UINT64_MAX - (uint64_t)j);
			scribble(&rq->status, (uint64_t)j * 8);
			scribble(&rq->ranges, (uint64_t)j * 8);
			scribble(&rig_ranges(&rude, 0)->len, (uint64_t)j * PAGE);
		}
		rig_wait(&rude);
	}
	teardown();
}

/* A client that fills both eventfds and makes them blocking makes nobody wait. */
static void test_eventfds(void)
{
	uint64_t full = UINT64_MAX - 1;

	setup();
	EXPECT_EQ(fcntl(rude.done_fd, F_SETFL, 0), 0);
	EXPECT_EQ(fcntl(rude.kick_fd, F_SETFL, 0), 0);
	EXPECT_EQ(write(rude.done_fd, &full, sizeof(full)), sizeof(full));
	for (uint32_t slot = 0; slot < 8; slot++) {
		rig_request(&rude, slot, RUDE_VA, 8 * PAGE, slot % 2);
		rig_submit(&rude, slot);
	}
	for (int i = 0; i < 20; i++)
		check_good();
	teardown();
}

/* A client that takes back what it kicked, before the daemon can read it, makes nobody wait either. */
static void test_kick_stolen(void)
{
	setup();
	EXPECT_EQ(fcntl(rude.kick_fd, F_SETFL, 0), 0);
	for (int i = 0; i < 20000; i++) {
		uint64_t n;
		struct iovec iov = { .iov_base = &n, .iov_len = sizeof(n) };

		kick();
		if (preadv2(rude.kick_fd, &iov, 1, -1, RWF_NOWAIT) < 0)
			EXPECT_EQ(errno, EAGAIN);
	}
	teardown();
}

/* A client that kicks without end, and submits nothing, does not keep the others from being served. */
static void test_kick_storm(void)
{
	setup();
	for (int i = 0; i < 20; i++) {
		for (int j = 0; j < 1000; j++)
			kick();
		check_good();
	}
	teardown();
}

/* Slots that are submitted again without reading their ends: the ends are lost, nothing else is. */
static void test_not_reading(void)
{
	setup();
	for (int round = 0; round < 10; round++)
		for (uint32_t slot = 0; slot < RING_N_SLOTS; slot++) {
			uint32_t tail = rude.ring->done.tail;

			rig_request(&rude, slot, RUDE_VA, PAGE, round % 2);
			rig_submit(&rude, slot);
			while (atomic_load(&rude.ring->done.tail) == tail)
				;
		}
	teardown();
}

int main(void)
{
	RUN(test_fields);
	RUN(test_bad_slot);
	RUN(test_slot_twice);
	RUN(test_queue_index);
	RUN(test_queue_backwards);
	RUN(test_scribble);
	RUN(test_change);
	RUN(test_eventfds);
	RUN(test_kick_stolen);
	RUN(test_kick_storm);
	RUN(test_not_reading);
	return 0;
}
