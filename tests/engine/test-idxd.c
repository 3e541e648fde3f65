/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is particular to the DSA driver, on the model: batches, the room in the queue, records, halts,
 * and what is wrong with a device. Traps of these devices, who is known to have fallen into them, and
 * what would find it out here:
 *
 *	what a former owner set up is still there (SPDK, issue 2486)	engine-faulty: stale
 *	batches as large as the queue would allow (Linux's selftest)	batch_limit
 *	a batch of one							batches
 *	what the queue has no room for is lost without a word		room
 *	a record that is used again before it is empty			the model's rules
 *	in a batch no record is "copied" or "never begun"		lies_of_batches
 *	a halt that no command ends (dsa-perf-micros, issue 3)		halt
 *	waits end after so many reads, not after a time (DPDK)		engine-faulty: never_reset
 *	a set-up that cannot be changed					fixed
 *	a handle of an interrupt that is not its number			contract, id=11fb
 *	no MOVDIR64B							no_post64
 */
#include <errno.h>

#include "engine_driver.h"
#include "faults.h"
#include "macros.h"
#include "test.h"

static const char *const specs[] = {
	"dsa", "dsa,id=11fb", "dsa,engines=4", "dsa,absurd-batch=0",
};

#define EACH(spec) for (size_t _i = 0; _i < ARRAY_SIZE(specs) && (spec = specs[_i]); _i++)

/* What an engine can do is what its registers say. */
static void test_caps(void)
{
	static const struct {
		const char *spec;
		uint64_t max_len;
	} expected[] = {
		{ "dsa,engines=1", 2 << 20 },
		{ "dsa,engines=2", 1 << 20 },
		{ "dsa,engines=4", 512 << 10 },
		{ "dsa,engines=1,absurd-transfer=16", 64 << 10 },
		/* What firmware has set up, and not what the device could. */
		{ "dsa,engines=1,fixed=dedicated", 256 << 10 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct engine *e;

		EXPECT_OK(model_open_engine(expected[i].spec, &e, NULL));
		EXPECT_EQ(engine_caps(e)->max_len, expected[i].max_len);
		EXPECT_TRUE(engine_caps(e)->reports_dma_errors);
		engine_close(e);
	}
}

/* What cannot be is not believed. */
static void test_absurd(void)
{
	faults_refused("dsa,absurd-ring=0", -ENODEV, "queue of 0 entries");
	faults_refused("dsa,absurd-transfer=0", -ENODEV, "1 bytes");
	faults_refused("dsa,absurd-transfer=11", -ENODEV, "2048 bytes");
	faults_refused("dsa,absurd-queues=0", -ENODEV, "no dedicated queue");
	faults_refused("dsa,absurd-engines=0", -ENODEV, "no dedicated queue");
	faults_refused("dsa,absurd-engines=255", -ENODEV, "no dedicated queue");
	faults_refused("dsa,absurd-groups=0", -ENODEV, "no dedicated queue");
	faults_refused("dsa,absurd-tables=0", -ENODEV, "tables outside");
	faults_refused("dsa,absurd-tables=0xffffffffffffffff", -ENODEV, "tables outside");
	faults_refused("dsa,absurd-version=0", -EOPNOTSUPP, "version 0");
	faults_refused("dsa,absurd-version=0x900", -EOPNOTSUPP, "version 0x900");
	faults_refused("dsa,absurd-bar=0x80", -ENODEV, "not those of a DSA");
	faults_refused("dsa,absurd-portals=0x800", -ENODEV, "not those of a DSA");
	faults_refused("dsa,absurd-portals=0", -ENOENT, "cannot be reached");
	faults_refused("dsa,absurd-gencap=0xffffffffffffffff", -ENODEV, "all ones");
	faults_refused("dsa,unplug", -ENODEV, "gone");
	/* It claims to have more than it then takes. */
	faults_not_started("dsa,lenient,absurd-ring=65535", "the device cannot be enabled");
	faults_not_started("dsa,lenient,absurd-engines=64", "the device cannot be enabled");
	faults_not_started("dsa,lenient,absurd-batch=15", "its queue cannot be enabled");
}

/* A set-up that is not for software to change is used if it can be, and else refused, with what it is. */
static void test_fixed(void)
{
	static const char *const specs_fixed[] = {
		"dsa,fixed=dedicated", "dsa,id=11fb,fixed=dedicated",
	};

	for (size_t i = 0; i < ARRAY_SIZE(specs_fixed); i++) {
		struct rig rig;

		faults_open(&rig, specs_fixed[i]);
		faults_works(&rig, 64);
		EXPECT_OK(engine_stop(rig.e));
		EXPECT_OK(engine_start(rig.e));
		faults_works(&rig, 64);
		rig_close(&rig);
	}
	faults_refused("dsa,fixed=shared", -EOPNOTSUPP, "its set-up is fixed");
	faults_refused("dsa,fixed=idle", -EOPNOTSUPP, "its set-up is fixed");
}

/* Without an instruction that writes 64 bytes at once a DSA is of no use, and that is said. */
static void test_no_post64(void)
{
	faults_refused("dsa,no-post64", -EOPNOTSUPP, "MOVDIR64B");
}

/* Devices of the same vendor that are no engines, or of another kind, as IAX is, are left alone. */
static void test_identity(void)
{
	EXPECT_TRUE(engine_find_driver(0x8086, 0x0b25) == &idxd_ops);
	EXPECT_TRUE(engine_find_driver(0x8086, 0x11fb) == &idxd_ops);
	EXPECT_TRUE(engine_find_driver(0x8086, 0x1212) == &idxd_ops);
	EXPECT_TRUE(!engine_find_driver(0x8086, 0x0cfe));
	EXPECT_TRUE(!engine_find_driver(0x1022, 0x0b25));
}

/* Each failure is that item's alone: what comes behind it is copied, and the engine goes on. */
static void test_errors(void)
{
	static const struct {
		const char *order;
		enum engine_status status;
	} errors[] = {
		{ "error=1,error-code=0x03", ENGINE_READ_ERROR },
		{ "error=1,error-code=0x83", ENGINE_WRITE_ERROR },
		{ "error=1,error-code=0x10", ENGINE_REFUSED },
		{ "error=1,error-code=0x13", ENGINE_REFUSED },
		{ "error=1,error-code=0x1f", ENGINE_WRITE_ERROR },
		{ "error=1,error-code=0x20", ENGINE_DEVICE_ERROR },
		{ "error=1,error-code=0x22", ENGINE_READ_ERROR },
		{ "error=1,error-code=0xa2", ENGINE_WRITE_ERROR },
	};
	const char *spec;

	EACH(spec) {
		struct rig rig;

		faults_open(&rig, spec);
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
			struct engine_result results[16];

			faults_order(&rig, errors[i].order);
			faults_copy_pages(&rig, rig.n_enqueued, 1);
			EXPECT_EQ(faults_take(&rig, results, 1), 0);
			EXPECT_EQ(results[0].status, errors[i].status);

			faults_works(&rig, 16);
		}
		EXPECT_EQ(engine_state(rig.e), ENGINE_RUNNING);
		rig_close(&rig);
	}
}

/* In a batch: one of its copies cannot be made, and no other is the worse for it. */
static void test_error_in_batch(void)
{
	for (uint64_t at = 0; at < 16; at += 5) {
		struct engine_result results[16];
		struct rig rig;
		uint64_t index;

		faults_open(&rig, "dsa,engines=1");
		for (uint64_t i = 0; i < 16; i++)
			EXPECT_OK(engine_enqueue(rig.e, i == at ? 0x10000 : rig.src.iova + i * 4096,
						 rig.dst.iova + i * 4096, 4096, &index));
		rig.n_enqueued = 16;
		EXPECT_OK(engine_submit(rig.e));
		rig_collect(&rig, results, 16);
		rig_each_once(&rig, results, 16, 0);
		for (uint64_t i = 0; i < 16; i++)
			EXPECT_EQ(results[i].status, results[i].index == at ? ENGINE_READ_ERROR :
				  ENGINE_COPIED);
		EXPECT_TRUE(rig_equal(&rig, 0, 0, at * 4096));
		EXPECT_TRUE(rig_blank(&rig, at * 4096, 4096));
		EXPECT_TRUE(rig_equal(&rig, (at + 1) * 4096, (at + 1) * 4096, (15 - at) * 4096));
		/* The record of the failure is not taken for that of a later one. */
		for (int i = 0; i < 100; i++)
			faults_works(&rig, 16);
		rig_close(&rig);
	}
}

/* The queue drops what it has no room for: never is there more in it, and nothing is lost. */
static void test_room(void)
{
	struct engine_result results[600];
	struct rig rig;
	uint64_t index;

	faults_open(&rig, "dsa,absurd-ring=3");
	for (uint64_t i = 0; i < 600; i++) {
		EXPECT_OK(rig_copy(&rig, i * 4096, i * 4096, 4096, &index));
		EXPECT_OK(engine_submit(rig.e));
	}
	rig_collect(&rig, results, 600);
	rig_each_once(&rig, results, 600, 0);
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 600 * 4096));
	rig_close(&rig);
}

/* No batch is larger than the device says that it may be. */
static void test_batch_limit(void)
{
	struct model_counts before, after;
	struct rig rig;

	faults_open(&rig, "dsa,engines=1,absurd-batch=2");
	faults_counts(&rig, &before);
	faults_works(&rig, 64);
	faults_counts(&rig, &after);
	EXPECT_EQ(after.descriptors - before.descriptors, 64 + 64 / 4);
	rig_close(&rig);
}

/*
 * What a device says of a batch is believed only if it can be so; nothing in it is taken for copied
 * that was not.
 */
static void test_lies_of_batches(void)
{
	static const struct {
		const char *order, *reason;
	} lies[] = {
		{ "error=1,error-code=0x00000005", "the device gave up in the middle of a batch" },
		{ "error=1,error-code=0x00000006", "the device gave up in the middle of a batch" },
		{ "error=1,error-code=0x00110005", "the device completed what it was not given" },
		{ "error=1,error-code=0xffff0006", "the device completed what it was not given" },
		{ "error=1,error-code=0x03", "the device could not read a batch" },
		{ "error=1,error-code=0x18", "the device refused a batch" },
		{ "error=1,error-code=0x20", "the device failed with a batch" },
		{ "error=1,error-code=0x7f", "the device completed with a code of no meaning" },
		{ "senseless=1", "the device completed with a code of no meaning" },
		{ "senseless=2", "the device completed with a code of no meaning" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct engine_result results[16];
		struct rig rig;
		int r;

		faults_open(&rig, "dsa,engines=1");
		faults_order(&rig, lies[i].order);
		faults_copy_pages(&rig, 0, 16);
		while ((r = rig_wait(&rig, results, 16)) > 0)
			for (int j = 0; j < r; j++)
				EXPECT_TRUE(results[j].status != ENGINE_COPIED ||
					    rig_equal(&rig, results[j].index * 4096,
						      results[j].index * 4096, 4096));
		EXPECT_EQ(r, -EIO);
		EXPECT_STR(engine_reason(rig.e), lies[i].reason);
		faults_order(&rig, "none");
		EXPECT_OK(engine_recover(rig.e));
		while (engine_completed(rig.e, results, 16) > 0)
			;
		faults_works(&rig, 16);
		rig_close(&rig);
	}
}

/* What is flushed at once is one submission for each engine; a single copy goes by itself. */
static void test_batches(void)
{
	struct model_counts before, after;
	struct engine_result results[64];
	struct rig rig;

	faults_open(&rig, "dsa,engines=1");
	model_counts(model_of(rig.e), &before);
	faults_copy_pages(&rig, 0, 64);
	rig_collect(&rig, results, 64);
	model_counts(model_of(rig.e), &after);
	EXPECT_EQ(after.interrupts - before.interrupts, 1);
	EXPECT_EQ(after.descriptors - before.descriptors, 65);

	faults_works(&rig, 1);
	model_counts(model_of(rig.e), &before);
	EXPECT_EQ(before.descriptors - after.descriptors, 1);
	rig_close(&rig);
}

/* A folio is spread over the engines. */
static void test_spread(void)
{
	struct engine_result result;
	struct engine_stats stats;
	struct rig rig;
	uint64_t index;

	faults_open(&rig, "dsa,engines=4");
	EXPECT_OK(rig_copy(&rig, 0, 0, 2 << 20, &index));
	EXPECT_OK(engine_submit(rig.e));
	rig_collect(&rig, &result, 1);
	EXPECT_EQ(result.status, ENGINE_COPIED);
	EXPECT_TRUE(rig_equal(&rig, 0, 0, 2 << 20));
	engine_stats(rig.e, &stats);
	EXPECT_EQ(stats.descriptors, 4);
	rig_close(&rig);
}

/* A device that halts is put out of service at once, and set to work again by what it asks for. */
static void test_halt(void)
{
	static const char *const orders[] = {
		"error=3,error-code=0x100", "error=3,error-code=0x101",
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct engine_result results[16];
		struct rig rig;

		faults_open(&rig, "dsa");
		faults_order(&rig, orders[i]);
		faults_copy_pages(&rig, 0, 16);
		EXPECT_EQ(faults_take(&rig, results, 16), -EIO);
		faults_works(&rig, 16);
		rig_close(&rig);
	}
}

/* One that only a reset of the computer would end stays out of service, and says so. */
static void test_halt_for_good(void)
{
	struct engine_result results[16];
	struct rig rig;
	int r;

	faults_open(&rig, "dsa");
	faults_order(&rig, "error=3,error-code=0x103");
	faults_copy_pages(&rig, 0, 16);
	while ((r = rig_wait(&rig, results, 16)) > 0)
		;
	EXPECT_EQ(r, -EIO);
	EXPECT_STR(engine_reason(rig.e), "the device halted");
	EXPECT_EQ(engine_recover(rig.e), -EIO);
	EXPECT_STR(engine_reason(rig.e),
		   "the device halted, and only a reset of the computer helps");
	EXPECT_TRUE(!faults_bus_master(&rig));
	rig_close(&rig);
}

int main(void)
{
	RUN(test_caps);
	RUN(test_absurd);
	RUN(test_fixed);
	RUN(test_no_post64);
	RUN(test_identity);
	RUN(test_errors);
	RUN(test_error_in_batch);
	RUN(test_room);
	RUN(test_batches);
	RUN(test_batch_limit);
	RUN(test_lies_of_batches);
	RUN(test_spread);
	RUN(test_halt);
	RUN(test_halt_for_good);
	return 0;
}
