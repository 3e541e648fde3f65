/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes wrong with an SDXI function, and what it says that cannot be true: see test-sdxi.c.
 */
#include <errno.h>

#include "macros.h"
#include "puppet.h"
#include "test.h"

/* The engine has failed, in that way; it works when it was recovered. */
static void expect_failed(struct puppet *p, struct engine *e, const char *reason)
{
	struct engine_result results[64];
	uint64_t index = 0;
	int r;

	while ((r = engine_completed(e, results, ARRAY_SIZE(results))) > 0)
		;
	EXPECT_EQ(r, -EIO);
	EXPECT_EQ(engine_state(e), ENGINE_FAILED);
	EXPECT_STR(engine_reason(e), reason);
	EXPECT_OK(engine_recover(e));
	while (engine_completed(e, results, ARRAY_SIZE(results)) > 0)
		;
	EXPECT_EQ(engine_in_flight(e), 0);
	EXPECT_OK(engine_enqueue(e, 4096, 8192, 4096, &index));
	EXPECT_OK(engine_submit(e));
	puppet_complete(p, e, 1, 0);
	EXPECT_EQ(engine_completed(e, results, 1), 1);
	EXPECT_EQ(results[0].status, ENGINE_COPIED);
	EXPECT_EQ(results[0].index, index);
}

/* The log says what is the matter with one that failed; the others are none the worse for it. */
static void test_log(void)
{
	static const struct {
		unsigned int step;
		uint16_t flags;
		enum engine_status status;
	} errors[] = {
		{ 10, 0x07, ENGINE_READ_ERROR },
		{ 10, 0x17, ENGINE_WRITE_ERROR },
		{ 10, 0x03, ENGINE_DEVICE_ERROR },
		{ 7, 0x03, ENGINE_REFUSED },
		{ 11, 0x07, ENGINE_REFUSED },
		{ 12, 0x07, ENGINE_REFUSED },
		{ 1, 0x03, ENGINE_DEVICE_ERROR },
		{ 8, 0x03, ENGINE_DEVICE_ERROR },
		/* Not said of which descriptor, or of which context's. */
		{ 10, 0x05, ENGINE_DEVICE_ERROR },
		{ 10, 0x06, ENGINE_DEVICE_ERROR },
	};
	struct engine_result results[3];
	struct puppet p;
	struct engine *e = puppet_open(&p, true);

	for (uint64_t i = 0; i < 10 * ARRAY_SIZE(errors); i++) {
		size_t kind = i % ARRAY_SIZE(errors);
		uint64_t first = p.bell;

		puppet_enqueue(e, 3);
		EXPECT_OK(engine_submit(e));
		puppet_read(e, p.bell);
		puppet_complete(&p, e, first, 0);
		puppet_log(&p, e, errors[kind].step, errors[kind].flags, first + 1);
		puppet_complete(&p, e, first + 1, SDXI_FLAG_ERROR);
		puppet_interrupt(&p);
		EXPECT_EQ(engine_completed(e, results, 3), 2);
		EXPECT_EQ(results[0].index, 3 * i);
		EXPECT_EQ(results[0].status, ENGINE_COPIED);
		EXPECT_EQ(results[1].index, 3 * i + 1);
		EXPECT_EQ(results[1].status, errors[kind].status);
		EXPECT_EQ(p.err_sts, 0);
		EXPECT_EQ(p.err_rd, i + 1);
		puppet_complete(&p, e, first + 2, 0);
		puppet_interrupt(&p);
		EXPECT_EQ(engine_completed(e, results, 3), 1);
		EXPECT_EQ(results[0].status, ENGINE_COPIED);
	}
	EXPECT_EQ(engine_state(e), ENGINE_RUNNING);
	/* What was in its place before is not taken for the next entry. */
	puppet_enqueue(e, 1);
	EXPECT_OK(engine_submit(e));
	p.err_wrt++;
	p.err_sts = 1;
	puppet_interrupt(&p);
	expect_failed(&p, e, "the error log has an entry of no meaning");
	puppet_close(&p, e);
}

/* A copy that failed, with nothing in the log, or something of another context, is no copy. */
static void test_no_log(void)
{
	struct engine_result result;
	struct puppet p;
	struct engine *e = puppet_open(&p, false);

	puppet_enqueue(e, 1);
	EXPECT_OK(engine_submit(e));
	puppet_complete(&p, e, 1, SDXI_FLAG_ERROR);
	EXPECT_EQ(engine_completed(e, &result, 1), 1);
	EXPECT_EQ(result.status, ENGINE_DEVICE_ERROR);
	puppet_enqueue(e, 1);
	EXPECT_OK(engine_submit(e));
	puppet_log(&p, e, SDXI_STEP_BUFFER, 0x7, 2);
	to_sdxi(e)->life->log[0].context = htole16(SDXI_CONTEXT_ADMIN);
	puppet_complete(&p, e, 2, SDXI_FLAG_ERROR);
	EXPECT_EQ(engine_completed(e, &result, 1), 1);
	EXPECT_EQ(result.status, ENGINE_DEVICE_ERROR);
	puppet_close(&p, e);
}

/* A log that cannot be right is not used; one that has lost something says so. */
static void test_log_lies(void)
{
	static const char blames[] = "the error log blames what was not given";
	static const char senseless[] = "the error log has an entry of no meaning";
	static const char full[] = "there were more errors than the log has room for";
	static const struct {
		uint64_t n, status, index;
		unsigned int type;
		const char *reason;
	} lies[] = {
		{ 1, 0x1, 4, SDXI_LOG_TYPE_ERROR, blames },
		{ 1, 0x1, 0, SDXI_LOG_TYPE_ERROR, blames },
		{ 1, 0x1, UINT64_MAX, SDXI_LOG_TYPE_ERROR, blames },
		{ 1, 0x1, 1, 0x001, senseless },
		{ 2, 0x1, 1, SDXI_LOG_TYPE_ERROR, senseless },
		{ 65, 0x1, 1, SDXI_LOG_TYPE_ERROR, full },
		{ 1, 0x3, 1, SDXI_LOG_TYPE_ERROR, full },
		{ 0, 0x8, 1, SDXI_LOG_TYPE_ERROR,
		  "the device failed, and could not write of what" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct puppet p;
		struct engine *e = puppet_open(&p, true);
		struct sdxi_log_entry *log = to_sdxi(e)->life->log;

		puppet_enqueue(e, 2);
		EXPECT_OK(engine_submit(e));
		puppet_log(&p, e, SDXI_STEP_BUFFER, 0x7, lies[i].index);
		log[0].opcode = htole32(SDXI_LOG_VALID | SDXI_STEP_BUFFER << 8 |
					lies[i].type << 16);
		p.err_wrt = lies[i].n;
		p.err_sts = lies[i].status;
		puppet_interrupt(&p);
		expect_failed(&p, e, lies[i].reason);
		puppet_close(&p, e);
	}
}

/*
 * A context that stopped is out of service at once: what it blames is reported so, even without a
 * completion. So is a function that stopped, and one that is gone.
 */
static void test_stopped(void)
{
	static const struct {
		unsigned int context, function, step;
		uint16_t flags;
		enum engine_status status;
		const char *reason;
	} stops[] = {
		{ 0xf, 2, 10, 0x07, ENGINE_READ_ERROR,
		  "its context stopped: it could not read a source" },
		{ 0xf, 2, 10, 0x17, ENGINE_WRITE_ERROR,
		  "its context stopped: it could not write a destination" },
		{ 0x4, 2, 7, 0x03, ENGINE_REFUSED, "its context stopped: it refused a descriptor" },
		{ 0xf, 2, 8, 0x03, ENGINE_DEVICE_ERROR, "its context stopped: it could not go on" },
		{ 0x0, 2, 0, 0x00, ENGINE_CANCELLED,
		  "its context stopped, for no reason that was given" },
		{ 0x1, 5, 1, 0x00, ENGINE_CANCELLED,
		  "the device halted: its function is in error" },
		{ 0x1, 0, 0, 0x00, ENGINE_CANCELLED, "the device switched itself off" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		struct engine_result results[2];
		struct puppet p;
		struct engine *e = puppet_open(&p, true);

		puppet_enqueue(e, 2);
		EXPECT_OK(engine_submit(e));
		if (stops[i].step)
			puppet_log(&p, e, stops[i].step, stops[i].flags, 2);
		puppet_client(e)->status.state = (uint8_t)stops[i].context;
		p.state = stops[i].function;
		puppet_interrupt(&p);
		if (stops[i].status != ENGINE_CANCELLED) {
			EXPECT_EQ(engine_completed(e, results, 2), 1);
			EXPECT_EQ(results[0].index, 1);
			EXPECT_EQ(results[0].status, stops[i].status);
		}
		expect_failed(&p, e, stops[i].reason);
		puppet_close(&p, e);
	}
}

/* Silence is looked into, if polling is in vain for long: without an interrupt, too. */
static void test_silence(void)
{
	struct engine_result result;
	struct puppet p;
	struct engine *e = puppet_open(&p, false);
	int r = 0;

	puppet_enqueue(e, 1);
	EXPECT_OK(engine_submit(e));
	p.gone = true;
	for (int i = 0; r == 0 && i < 10000; i++)
		r = engine_completed(e, &result, 1);
	EXPECT_EQ(r, -EIO);
	EXPECT_STR(engine_reason(e), "the device is gone: its registers read all ones");
	EXPECT_EQ(engine_recover(e), -ENODEV);
	EXPECT_TRUE(!p.bus_master);
	p.gone = false;
	EXPECT_OK(engine_recover(e));
	puppet_close(&p, e);
}

static void complete_twice(struct puppet *p, struct engine *e)
{
	puppet_complete(p, e, 1, 0);
	puppet_complete(p, e, 1, 0);
}

static void complete_beside(struct puppet *p, struct engine *e)
{
	puppet_complete(p, e, 1, 0);
	puppet_client(e)->completions[1].guard.signal = 0;
}

static void complete_half(struct puppet *p, struct engine *e)
{
	(void)p;
	puppet_client(e)->completions[1].block.signal = htole64(UINT64_C(1) << 32);
}

static void complete_with_flags(struct puppet *p, struct engine *e)
{
	puppet_complete(p, e, 1, 0x1);
}

static void read_too_far(struct puppet *p, struct engine *e)
{
	(void)p;
	puppet_client(e)->status.read_index = htole64(4);
}

static void read_backwards(struct puppet *p, struct engine *e)
{
	(void)p;
	puppet_client(e)->status.read_index = 0;
}

/* What cannot be true is not believed, at once. */
static void test_lies(void)
{
	static const char not_given[] = "the device completed what it was not given";
	static const char senseless[] = "the device completed with a code of no meaning";
	static const struct {
		void (*lie)(struct puppet *p, struct engine *e);
		const char *reason;
	} lies[] = {
		{ complete_twice, not_given },
		{ complete_beside, not_given },
		{ complete_half, senseless },
		{ complete_with_flags, senseless },
		{ read_too_far, not_given },
		{ read_backwards, not_given },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct puppet p;
		struct engine *e = puppet_open(&p, false);

		puppet_enqueue(e, 2);
		EXPECT_OK(engine_submit(e));
		lies[i].lie(&p, e);
		expect_failed(&p, e, lies[i].reason);
		puppet_close(&p, e);
	}
}

/*
 * A completion of what was not given, or a second one, is found when its place is used, not
 * believed.
 */
static void test_astray(void)
{
	for (uint64_t at = 0; at < SDXI_RING; at += 341) {
		struct engine_result result;
		struct puppet p;
		struct engine *e = puppet_open(&p, false);
		uint64_t i = 0;
		int r = 0;

		puppet_client(e)->completions[at].block.signal = 0;
		for (; r == 0 && i < SDXI_RING; i++) {
			puppet_enqueue(e, 1);
			r = engine_submit(e);
			if (r < 0)
				break;
			puppet_read(e, p.bell);
			puppet_complete(&p, e, i + 1, 0);
			EXPECT_EQ(engine_completed(e, &result, 1), 1);
		}
		EXPECT_EQ((i + 1) % SDXI_RING, at);
		EXPECT_EQ(p.bell, i + 1);
		expect_failed(&p, e, "the device completed what it was not given");
		puppet_close(&p, e);
	}
}

/* What the life before writes late hits nothing of this one; two lives on, it is long at rest. */
static void test_lives(void)
{
	struct engine_result result;
	struct puppet p;
	struct engine *e = puppet_open(&p, false);
	struct sdxi_life *before = to_sdxi(e)->life;

	puppet_enqueue(e, 2);
	EXPECT_OK(engine_submit(e));
	EXPECT_OK(engine_stop(e));
	EXPECT_EQ(engine_completed(e, &result, 1), 1);
	EXPECT_EQ(result.status, ENGINE_CANCELLED);
	EXPECT_EQ(engine_completed(e, &result, 1), 1);
	EXPECT_OK(engine_start(e));
	EXPECT_TRUE(to_sdxi(e)->life != before);
	puppet_enqueue(e, 2);
	EXPECT_OK(engine_submit(e));
	before->client.completions[1].block.signal = 0;
	before->client.completions[2].block =
		(struct sdxi_block) { .flags = htole32(SDXI_FLAG_ERROR) };
	before->client.status.read_index = htole64(77);
	before->client.status.state = 0xf;
	EXPECT_EQ(engine_completed(e, &result, 1), 0);
	puppet_complete(&p, e, 2, 0);
	EXPECT_EQ(engine_completed(e, &result, 1), 1);
	EXPECT_EQ(result.index, 3);
	EXPECT_EQ(result.status, ENGINE_COPIED);
	EXPECT_OK(engine_stop(e));
	EXPECT_OK(engine_start(e));
	EXPECT_TRUE(to_sdxi(e)->life == before);
	EXPECT_EQ(before->client.completions[1].block.signal, htole64(1));
	puppet_close(&p, e);
}

/* What is injected is something that no function has, also if it has to wait for its place. */
static void test_injected(void)
{
	struct engine_result results[SDXI_RING];
	struct puppet p;
	struct engine *e = puppet_open(&p, false);
	const struct sdxi_descriptor *ring = puppet_client(e)->ring;

	EXPECT_OK(engine_inject_error(e));
	puppet_enqueue(e, SDXI_RING - 1);
	EXPECT_OK(engine_inject_error(e));
	puppet_enqueue(e, 1);
	EXPECT_OK(engine_submit(e));
	EXPECT_EQ(le32toh(ring[1].opcode), 0x07ffff01);
	EXPECT_EQ(le32toh(ring[2].opcode), 0x00010301);
	for (uint64_t i = 1; i < p.bell; i++)
		puppet_complete(&p, e, i, 0);
	puppet_read(e, p.bell);
	EXPECT_EQ(engine_completed(e, results, SDXI_RING), SDXI_RING - 1);
	EXPECT_EQ(le32toh(ring[0].opcode), 0x07ffff01);
	puppet_close(&p, e);
}

int main(void)
{
	RUN(test_log);
	RUN(test_no_log);
	RUN(test_log_lies);
	RUN(test_stopped);
	RUN(test_silence);
	RUN(test_lies);
	RUN(test_astray);
	RUN(test_lives);
	RUN(test_injected);
	return 0;
}
