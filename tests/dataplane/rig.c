/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "fake-hook.h"
#include "loop.h"
#include "macros.h"
#include "test.h"

#define WAIT_MS 20000

#define DATA_OFF ALIGN_UP(sizeof(struct ring_head), 4096ul)
#define SLOT_DATA (RIG_DATA_LEN / RING_N_SLOTS)
#define SLOT_RANGES (SLOT_DATA / 2)

struct dataplane_config rig_config(const char *device)
{
	struct dataplane_config config = {
		.hook = "/dev/none",
		.n_slots = 8,
		/* A test that is about them sets them; others must not meet them on a busy computer. */
		.deadline_ns = 20000000000ull,
		.engine_timeout_ms = 5000,
		.max_clients = 16,
		.max_requests = 4,
		.copy_workers = 4,
		.policy = {
			.min_folio = 4096,
			.max_batch = 16ull << 20,
			.max_errors = 3,
			.retry_after_ns = 60000000000ull,
		},
	};

	if (device) {
		config.n_devices = 1;
		snprintf(config.devices[0], sizeof(config.devices[0]), "%s", device);
	}
	return config;
}

static void wait_readable(int fd, const char *what)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t n;

	if (poll(&pfd, 1, WAIT_MS) != 1)
		TEST_FAIL("waited in vain for %s", what);
	EXPECT_TRUE(read(fd, &n, sizeof(n)) == sizeof(n) || errno == EAGAIN);
}

void rig_wait_event(struct dataplane *dp)
{
	wait_readable(dataplane_event_fd(dp), "an event of the data plane");
}

static bool is_opened(const struct dataplane_status *s)
{
	return s->hook_ready || strcmp(s->hook_why.cause, "not opened yet");
}

int rig_try_start(const struct dataplane_config *config, struct dataplane **ret)
{
	int r = dataplane_start(config, ret);

	if (r >= 0)
		rig_until(*ret, is_opened);
	return r;
}

struct dataplane *rig_start(const struct dataplane_config *config)
{
	struct dataplane *dp;

	EXPECT_OK(rig_try_start(config, &dp));
	return dp;
}

int rig_post(struct dataplane *dp, struct dataplane_msg *msg)
{
	struct dataplane_msg *back;

	dataplane_post(dp, msg);
	while (!(back = dataplane_reap(dp)))
		rig_wait_event(dp);
	EXPECT_TRUE(back == msg);
	return msg->result;
}

int rig_order(struct dataplane *dp, enum dataplane_op op)
{
	struct dataplane_msg msg = { .op = op };

	return rig_post(dp, &msg);
}

void rig_until(struct dataplane *dp, bool (*reached)(const struct dataplane_status *status))
{
	struct dataplane_status status;

	for (;;) {
		dataplane_snapshot(dp, &status);
		if (reached(&status))
			return;
		rig_wait_event(dp);
	}
}

bool rig_is_ready(const struct dataplane_status *status)
{
	return status->ready;
}

bool rig_is_not_ready(const struct dataplane_status *status)
{
	return !status->ready;
}

static void rig_make_ring(struct rig_client *c)
{
	int fd;

	c->ring_len = DATA_OFF + RIG_DATA_LEN;
	EXPECT_TRUE((fd = memfd_create("ring", MFD_CLOEXEC)) >= 0);
	EXPECT_TRUE(ftruncate(fd, (off_t)c->ring_len) == 0);
	c->ring = mmap(NULL, c->ring_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT_TRUE(c->ring != MAP_FAILED);
	fd_close(fd);
	c->ring->magic = RING_MAGIC;
	c->ring->version = RING_VERSION;
	c->ring->n_slots = RING_N_SLOTS;
	c->ring->data_off = DATA_OFF;
	c->ring->data_len = RIG_DATA_LEN;
	c->data = (uint8_t *)c->ring + DATA_OFF;
}

static int rig_add_target(struct dataplane *dp, struct rig_client *c)
{
	struct dataplane_msg msg = {
		.op = DATAPLANE_ADD_TARGET,
		.target = { .client = c->id, .id = RIG_TARGET, .pidfd = -1, .pagemap_fd = -1,
			    .nodes = { 3 } },
	};

	return rig_post(dp, &msg);
}

static void rig_free(struct rig_client *c)
{
	EXPECT_EQ(munmap(c->ring, c->ring_len), 0);
	c->kick_fd = fd_close(c->kick_fd);
	c->done_fd = fd_close(c->done_fd);
}

int rig_try_connect(struct dataplane *dp, struct rig_client *c, uint64_t id)
{
	struct dataplane_msg msg = { .op = DATAPLANE_ADD_CLIENT };
	int r;

	memset(c, 0, sizeof(*c));
	c->id = id;
	rig_make_ring(c);
	EXPECT_TRUE((c->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
	EXPECT_TRUE((c->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
	msg.client = (struct dataplane_client){
		.id = id,
		.ring = c->ring,
		.ring_len = c->ring_len,
		.kick_fd = c->kick_fd,
		.done_fd = c->done_fd,
		.account = &c->account,
	};
	r = rig_post(dp, &msg);
	if (r < 0) {
		rig_free(c);
		return r;
	}
	r = rig_add_target(dp, c);
	if (r < 0)
		rig_disconnect(dp, c);
	return r;
}

void rig_connect(struct dataplane *dp, struct rig_client *c, uint64_t id)
{
	EXPECT_OK(rig_try_connect(dp, c, id));
}

void rig_disconnect(struct dataplane *dp, struct rig_client *c)
{
	struct dataplane_msg msg = { .op = DATAPLANE_REMOVE_CLIENT, .client_id = c->id };

	if (dp)
		EXPECT_OK(rig_post(dp, &msg));
	rig_free(c);
}

struct dataplane *rig_begin(const struct dataplane_config *config, struct rig_client *c)
{
	struct dataplane *dp = rig_start(config);

	rig_connect(dp, c, 1);
	return dp;
}

struct dataplane *rig_end(struct dataplane *dp, struct rig_client *c)
{
	rig_disconnect(dp, c);
	EXPECT_EQ(fake.n_out, 0);
	EXPECT_TRUE(fake_content_ok());
	return dataplane_stop(dp);
}

struct ring_range *rig_ranges(struct rig_client *c, uint32_t slot)
{
	return (struct ring_range *)(c->data + slot * SLOT_DATA);
}

int32_t *rig_status(struct rig_client *c, uint32_t slot)
{
	return (int32_t *)(c->data + slot * SLOT_DATA + SLOT_RANGES);
}

struct ring_request *rig_request(struct rig_client *c, uint32_t slot, uint64_t start, uint64_t len,
				 int to_node)
{
	struct ring_request *rq = &c->ring->slots[slot].request;

	*rq = (struct ring_request){
		.target = RIG_TARGET,
		.to_node = to_node,
		.ranges = slot * SLOT_DATA,
		.n_ranges = 1,
	};
	*rig_ranges(c, slot) = (struct ring_range){ start, len };
	if (len / 4096 * sizeof(int32_t) <= SLOT_DATA - SLOT_RANGES) {
		rq->status = slot * SLOT_DATA + SLOT_RANGES;
		rq->n_status = len / 4096;
	}
	c->ring->slots[slot].cancel = 0;
	return rq;
}

void rig_submit(struct rig_client *c, uint32_t slot)
{
	struct ring_queue *q = &c->ring->submit;
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
	uint64_t one = 1;

	atomic_store_explicit(&q->entries[tail % RING_N_SLOTS], slot, memory_order_relaxed);
	atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
	EXPECT_EQ(write(c->kick_fd, &one, sizeof(one)), sizeof(one));
}

static void check_sums(const struct ring_result *result)
{
	uint64_t sum = result->pages_moved;

	for (size_t i = 0; i < RING_N_CAUSES; i++)
		sum += result->pages_by_cause[i];
	EXPECT_EQ(sum, result->pages_asked);
}

uint32_t rig_wait(struct rig_client *c)
{
	struct ring_queue *q = &c->ring->done;
	uint32_t slot;

	while (atomic_load_explicit(&q->tail, memory_order_acquire) == c->done_head)
		wait_readable(c->done_fd, "the end of a request");
	slot = atomic_load_explicit(&q->entries[c->done_head++ % RING_N_SLOTS], memory_order_relaxed);
	EXPECT_TRUE(slot < RING_N_SLOTS);
	check_sums(&c->ring->slots[slot].result);
	return slot;
}

const struct ring_result *rig_move(struct rig_client *c, uint64_t start, uint64_t len, int to_node)
{
	rig_request(c, 0, start, len, to_node);
	rig_submit(c, 0);
	EXPECT_EQ(rig_wait(c), 0);
	return &c->ring->slots[0].result;
}
