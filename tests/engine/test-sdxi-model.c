/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SDXI driver on the model, and on each kind of function that the sources leave open: see
 * test-sdxi.c.
 */
#include <errno.h>
#include <poll.h>

#include "faults.h"
#include "macros.h"
#include "test.h"

static const char *const specs[] = {
	"sdxi", "sdxi,engines=1", "sdxi,eager", "sdxi,early-read", "sdxi,keeps-vl", "sdxi,lives",
};

#define EACH(spec) for (size_t _i = 0; _i < ARRAY_SIZE(specs) && (spec = specs[_i]); _i++)

/* What cannot be is not believed, and what fails at the start is named. */
static void test_absurd(void)
{
	faults_refused("sdxi,absurd-version=0", -EOPNOTSUPP, "version 0.0");
	faults_refused("sdxi,absurd-version=0x50001", -EOPNOTSUPP, "version 5.1");
	faults_refused("sdxi,absurd-contexts=0", -EOPNOTSUPP, "no context beside");
	faults_refused("sdxi,absurd-groups=0", -ENODEV, "not to be able to do anything");
	faults_refused("sdxi,absurd-transfer=15", -ENODEV, "2^36 bytes");
	faults_refused("sdxi,absurd-cap0=0xffffffffffffffff", -ENODEV, "all ones");
	faults_refused("sdxi,absurd-cap1=0xffffffffffffffff", -ENODEV, "all ones");
	faults_refused("sdxi,absurd-bar=0x10000", -ENODEV, "not those of SDXI");
	faults_refused("sdxi,absurd-bar=0", -ENOENT, "cannot be reached");
	faults_refused("sdxi,absurd-doorbells=0x1000", -ENODEV, "doorbells outside");
	faults_refused("sdxi,unplug", -ENODEV, "gone");
	faults_not_started("sdxi,all-faults,error=1", "its context cannot be started");
	faults_not_started("sdxi,all-faults,lose-completion", "its context cannot be started");
	faults_not_started("sdxi,hang", "its context did not do its first descriptor");
	faults_not_started("sdxi,lose-completion", "its context did not do its first descriptor");
	faults_not_started("sdxi,error", "its context did not do its first descriptor");
}

/* What stands in the log is the status of the copy to blame, wherever in the ring that is. */
static void test_errors(void)
{
	static const struct {
		const char *order;
		enum engine_status status;
		const char *reason;
	} errors[] = {
		{ "error=1", ENGINE_READ_ERROR, "its context stopped: it could not read a source" },
		{ "error=1,error-code=7", ENGINE_REFUSED,
		  "its context stopped: it refused a descriptor" },
		{ "error=1,error-code=11", ENGINE_REFUSED,
		  "its context stopped: it refused a descriptor" },
		{ "error=1,error-code=1", ENGINE_DEVICE_ERROR,
		  "its context stopped: it could not go on" },
		{ "error=1,error-code=0x307", ENGINE_REFUSED,
		  "the device halted: its function is in error" },
		/* It goes on. */
		{ "error=1,error-code=0x10a", ENGINE_DEVICE_ERROR, NULL },
		{ "error=1,error-code=0x107", ENGINE_REFUSED, NULL },
	};
	const char *spec;

	EACH(spec) {
		struct rig rig;

		faults_open(&rig, spec);
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
			bool stops = errors[i].reason && !strstr(spec, "lives");
			struct engine_result result;

			faults_works(&rig, 61);
			faults_order(&rig, errors[i].order);
			faults_copy_pages(&rig, rig.n_enqueued, 1);
			EXPECT_EQ(faults_take(&rig, &result, 1), 0);
			EXPECT_EQ(result.status, errors[i].status);
			if (!stops && engine_state(rig.e) == ENGINE_RUNNING)
				continue;
			EXPECT_EQ(rig_wait(&rig, &result, 1), -EIO);
			EXPECT_STR(engine_reason(rig.e), errors[i].reason);
			EXPECT_OK(engine_recover(rig.e));
		}
		rig_close(&rig);
	}
}

/* One that does nothing keeps nobody else's work, as long as there are places. */
static void test_independent(void)
{
	struct model_counts before, counts;
	struct engine_result results[64];
	struct rig rig;

	faults_open(&rig, "sdxi,engines=4");
	model_counts(model_of(rig.e), &before);
	faults_order(&rig, "hang=1");
	engine_set_events(rig.e, false);
	faults_copy_pages(&rig, 0, 1);
	/* It is this one that hangs. */
	do
		model_counts(model_of(rig.e), &counts);
	while (counts.descriptors == before.descriptors);
	for (int round = 0; round < 10; round++) {
		faults_copy_pages(&rig, rig.n_enqueued, 60);
		for (size_t got = 0; got < 60;)
			got += (size_t)EXPECT_OK(engine_completed(rig.e, results + got, 60 - got));
		for (size_t i = 0; i < 60; i++)
			EXPECT_EQ(results[i].status, ENGINE_COPIED);
	}
	EXPECT_EQ(engine_in_flight(rig.e), 601);
	rig_close(&rig);
}

/* However much is submitted at once, it is one interrupt, and the last one. */
static void test_one_interrupt(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct engine_result results[64];
	struct model_counts before, after;
	const char *spec;

	EACH(spec) {
		struct rig rig;

		faults_open(&rig, spec);
		pfd.fd = engine_event_fd(rig.e);
		model_counts(model_of(rig.e), &before);
		faults_copy_pages(&rig, 0, 64);
		EXPECT_EQ(poll(&pfd, 1, 10000), 1);
		EXPECT_EQ(engine_completed(rig.e, results, 64), 64);
		model_counts(model_of(rig.e), &after);
		EXPECT_EQ(after.interrupts - before.interrupts, 1);
		rig_close(&rig);
	}
}

/* Whoever waits only for events, while more is submitted all the time, waits for none in vain. */
static void test_events_while_busy(void)
{
	const char *spec;

	EACH(spec) {
		struct engine_result results[64];
		struct pollfd pfd = { .events = POLLIN };
		struct rig rig;
		uint64_t index;
		int n = 0;

		faults_open(&rig, spec);
		pfd.fd = engine_event_fd(rig.e);
		for (uint64_t i = 0; i < 3000; i++) {
			EXPECT_OK(rig_copy(&rig, 0, i % 512 * 4096, 1 + i * 37 % 4096, &index));
			EXPECT_OK(engine_submit(rig.e));
			if (engine_in_flight(rig.e) < 1 + i % 7)
				continue;
			do {
				EXPECT_EQ(poll(&pfd, 1, 10000), 1);
				n = (int)EXPECT_OK(engine_completed(rig.e, results, 64));
			} while (n == 0);
		}
		rig_close(&rig);
	}
}

/*
 * More than fits, again and again, each copy with an interrupt: what waits is seen to by events
 * alone.
 */
static void test_overfull(void)
{
	const char *spec;

	EACH(spec) {
		struct engine_result results[1024];
		struct rig rig;
		uint64_t index;

		faults_open(&rig, spec);
		for (uint64_t round = 0; round < 4; round++) {
			for (uint64_t i = 0; i < 1024; i++) {
				EXPECT_OK(rig_copy(&rig, i * 4096, (i + round) % 1024 * 4096, 4096,
						   &index));
				if (round % 2)
					EXPECT_OK(engine_submit(rig.e));
			}
			EXPECT_OK(engine_submit(rig.e));
			rig_collect(&rig, results, 1024);
			rig_each_once(&rig, results, 1024, round * 1024);
			for (uint64_t i = 0; i < 1024; i++)
				EXPECT_TRUE(rig_equal(&rig, i * 4096, (i + round) % 1024 * 4096,
						      4096));
		}
		rig_close(&rig);
	}
}

int main(void)
{
	RUN(test_absurd);
	RUN(test_errors);
	RUN(test_independent);
	RUN(test_one_interrupt);
	RUN(test_events_while_busy);
	RUN(test_overfull);
	return 0;
}
