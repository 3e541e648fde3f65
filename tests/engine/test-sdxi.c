/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is particular to the SDXI driver: here, in test-sdxi-ring.c and in test-sdxi-errors.c on a
 * puppet of a function, which is moved by hand, in test-sdxi-model.c on the model.
 *
 * Rules of the specification (1.0a; numbers are those of its tables and sections, as those quote it
 * who are named in sdxi_regs.h: its text was not at hand) that the driver relies on or keeps, and
 * what would find out if it did not: a test of one of these four, of
 * engine-contract or of engine-faulty, or in all of them the model, which logs broken rules.
 *
 *	PCI 1.19	class 0x120100 is SDXI, whatever the id		identity
 *	3-1	a ring has 1024 descriptors at least			tables; model
 *	3-2	level-2 entries: valid, address of 4 KiB		tables; model
 *	3-3	level-1 entries: valid, limits within CTL2		tables; model
 *	3-4	context control: valid, addresses and alignment		tables; model
 *	3-5	the read index never decreases, nor passes the other	lies
 *	3-6	only a context that runs can be used			not_started, stopped
 *	3-7	keys of function 0 are our own; interrupts have one	tables, interrupts
 *	3.4	errors have vector 0, the log 64 entries at least	order; model
 *	3.5	context 0 is administrative, and starts the others	start, not_started
 *	4.1	states of the function, and ways between them		ladder; model
 *	4.1.8	order of activation; CTL2 is no more than CAP1		order, facts; model
 *	4.1.8.4	context 0 runs before the function is active		tables; model
 *	4.1.8.10	its doorbell is rung with 0 first		start
 *	4.3.1.1	tables in use are not changed				model
 *	5.6	no buffers overlap					contract: refused
 *	5.6	error flags are final when the signal is 0		signal_last
 *	6-2	operations and their groups				facts, injected
 *	6-3	what is valid is complete; fences			interrupts, places; model
 *	6-4	a signal counts down from 1 to 0, once			lies, astray; model
 *	6-8	sizes are less 1; keys, addresses			copies
 *	6-12	interrupts have a key, and no completion		interrupts
 *	6-14	a range of contexts to start, with a fence		start; model
 *	9-2	the group id is not ours				order; model
 *	9-6	doorbells are where the stride says			start, facts
 *	9-12, 9-13	the log is off while it is set up; bits that are written are cleared
 *									order, log, log_lies; model
 *
 * Traps that Linux' driver is known from its reviews to have fallen into, and what would find out
 * here:
 *
 *	completions come in any order				out_of_order; faulty: late
 *	memory is freed after a stop that was not seen to end	proven_stop
 *	a soft stop that does not end is given up with		ladder
 *	a reset of what is stopped seems to end at once		ladder
 *	a place is used again while its completion is out	places
 *	a full ring, or a context that stopped, is waited for for ever
 *								announced, stopped; faulty: hang
 *	a copy that failed is taken for one			log, no_log
 *	a completion of a former life is taken for one of this	lives; faulty: late_write
 */
#include <errno.h>

#include "macros.h"
#include "puppet.h"
#include "test.h"

/* What the registers say that cannot be, or is of no use, is refused. */
static void test_facts(void)
{
	static const struct {
		size_t offset;
		uint64_t value;
		int error;
		const char *cause;
	} bad[] = {
#define BAD(field, value, error, cause) { offsetof(struct puppet, field), value, error, cause }
		BAD(version, 0, -EOPNOTSUPP, "version 0.0"),
		BAD(version, 0x20003, -EOPNOTSUPP, "version 2.3"),
		BAD(version, UINT64_MAX, -ENODEV, "gone"),
		BAD(cap0, UINT64_MAX, -ENODEV, "all ones"),
		BAD(cap0, 0x700000, -ENODEV, "doorbells outside"),
		BAD(cap1, UINT64_MAX, -ENODEV, "all ones"),
		BAD(cap1, UINT64_C(0x1600000040), -EOPNOTSUPP, "no context beside"),
		BAD(cap1, 0x10040, -ENODEV, "not to be able to do anything"),
		BAD(cap1, UINT64_C(0x160001004c), -ENODEV, "2^33 bytes"),
		BAD(registers, 0x20000, -ENODEV, "not those of SDXI"),
		BAD(registers, 0, -ENOENT, "cannot be reached"),
		BAD(doorbells, 0, -ENOENT, "cannot be reached"),
		BAD(doorbells, 2 * PUPPET_STRIDE - 1, -ENODEV, "doorbells outside"),
#undef BAD
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct why why = {};
		struct engine *e;
		struct puppet p;

		puppet_init(&p, false);
		memcpy((char *)&p + bad[i].offset, &bad[i].value, sizeof(bad[i].value));
		EXPECT_EQ(sdxi_ops.open(&p.t, &e, &why), bad[i].error);
		if (!strstr(why.cause, bad[i].cause))
			TEST_FAIL("the cause is \"%s\", not \"%s\"", why.cause, bad[i].cause);
		EXPECT_TRUE(*why.remedy);
		EXPECT_STR(p.journal, "");
	}
}

/* Known by its class and by nothing else; what has an id that a driver knows is that driver's. */
static void test_identity(void)
{
	EXPECT_TRUE(engine_find_driver_of_class(0x120100) == &sdxi_ops);
	EXPECT_TRUE(!engine_find_driver_of_class(0x120000));
	EXPECT_TRUE(!engine_find_driver_of_class(0x088000));
	EXPECT_TRUE(!engine_find_driver_of_class(0));
}

/* What stands in our memory leads the function from the level-2 table to the ring. */
static void test_tables(void)
{
	struct puppet p;
	struct engine *e = puppet_open(&p, true);
	uint64_t *level2 = puppet_va(&p, p.cxt_l2);
	struct sdxi_level1 *level1 = puppet_va(&p, le64toh(level2[0]) & ~UINT64_C(0xfff));

	EXPECT_EQ(p.cxt_l2 & 0xfff, 0);
	EXPECT_EQ(le64toh(level2[0]) & 0xfff, SDXI_LEVEL2_VALID);
	EXPECT_EQ(level2[1], 0);
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t word = le64toh(level1[i].control);
		const struct sdxi_control *control = puppet_va(&p, word & ~UINT64_C(0x3f));
		const struct sdxi_akey *keys = puppet_va(&p, le64toh(level1[i].akeys));

		EXPECT_EQ(word & 0x3f, SDXI_LEVEL1_VALID | SDXI_LEVEL1_KA);
		EXPECT_EQ(le64toh(level1[i].akeys) & 0xfff, 0);
		EXPECT_EQ(level1[i].limits, 0);
		EXPECT_EQ(le32toh(level1[i].operations), 0x16);
		EXPECT_EQ(le64toh(control->ring) & 0x3f, 0x31);
		EXPECT_EQ(le32toh(control->n_entries), 1024);
		EXPECT_EQ(le64toh(control->status) & 0xf, 0);
		EXPECT_EQ(le64toh(control->write_index) & 0x7, 0);
		EXPECT_EQ(le16toh(keys[0].interrupt), SDXI_AKEY_VALID);
		EXPECT_EQ(le16toh(keys[1].interrupt), i ? 0x13 : 0);
		EXPECT_EQ(keys[0].function | keys[1].function, 0);
	}
	EXPECT_EQ(level1[2].control, 0);
	EXPECT_EQ(to_sdxi(e)->life->admin.status.state, SDXI_CONTEXT_RUNNING);
	puppet_close(&p, e);
}

/* All is set up before the function is active, and nothing of a former owner's is left. */
static void test_order(void)
{
	struct engine *e;
	struct puppet p;

	puppet_init(&p, true);
	p.state = SDXI_STATE_ACTIVE;
	p.ctl0 = UINT64_C(0xabcd123400deed17);
	p.rkey = 0x5001;
	p.err_sts = 0xb;
	p.err_wrt = 77;
	EXPECT_OK(sdxi_ops.open(&p.t, &e, NULL));
	EXPECT_OK(engine_start(e));
	EXPECT_STR(p.journal, "soft tables no-log log on active ");
	EXPECT_EQ(p.ctl0, UINT64_C(0xabcd123400000013));
	EXPECT_EQ(p.ctl2, UINT64_C(0x1600010000));
	EXPECT_EQ(p.rkey, 0);
	EXPECT_EQ(p.err_ctl, 1);
	EXPECT_EQ(p.err_cfg & 0xfff, 0x3);
	EXPECT_EQ(p.err_sts | p.err_wrt | p.err_rd, 0);
	puppet_close(&p, e);
}

/* Our context is started by context 0, which is told that there is nothing to do before there is. */
static void test_start(void)
{
	struct puppet p;
	struct engine *e = puppet_open(&p, false);
	const struct sdxi_descriptor *d = &to_sdxi(e)->life->admin.ring[0];

	EXPECT_EQ(p.first_bell, 0);
	EXPECT_EQ(le32toh(d->opcode), 0x00020305);
	EXPECT_EQ(le32toh(d->attributes), 0x00010001);
	EXPECT_EQ(d->size | d->source_akey | d->destination_akey, 0);
	EXPECT_EQ(d->source | d->destination, 0);
	EXPECT_EQ(le64toh(d->completion) % 32, 0);
	EXPECT_EQ(p.n_bells, 1);
	puppet_close(&p, e);
}

/* One that does not come to be active, or does not start our context, is not used, and quiet. */
static void test_not_started(void)
{
	static const struct {
		size_t offset;
		const char *reason;
	} bad[] = {
		{ offsetof(struct puppet, deaf_active), "the device cannot be activated" },
		{ offsetof(struct puppet, no_start), "its context cannot be started" },
		{ offsetof(struct puppet, failed_start), "its context cannot be started" },
		{ offsetof(struct puppet, hollow_start), "its context was not started" },
		{ offsetof(struct puppet, no_first),
		  "its context did not do its first descriptor" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct engine *e;
		struct puppet p;

		puppet_init(&p, false);
		*((bool *)&p + bad[i].offset) = true;
		EXPECT_OK(sdxi_ops.open(&p.t, &e, NULL));
		EXPECT_EQ(engine_start(e), -EIO);
		EXPECT_STR(engine_reason(e), bad[i].reason);
		EXPECT_TRUE(!p.bus_master);
		*((bool *)&p + bad[i].offset) = false;
		EXPECT_OK(engine_recover(e));
		puppet_close(&p, e);
	}
}

/*
 * A stop is gentle, then hard; a reset is only for what is in error. Then there is no more DMA in
 * any case.
 */
static void test_ladder(void)
{
	static const struct {
		unsigned int state;
		unsigned int deaf;
		int r;
		const char *journal;
	} stops[] = {
		{ SDXI_STATE_STOPPED, 0, 0, "off " },
		{ SDXI_STATE_STOPPED, 7, 0, "off " },
		{ SDXI_STATE_INIT, 0, 0, "soft off " },
		{ SDXI_STATE_ACTIVE, 0, 0, "soft off " },
		{ SDXI_STATE_ACTIVE, 1, 0, "soft hard off " },
		{ SDXI_STATE_STOPPING_SOFT, 1, 0, "hard off " },
		{ SDXI_STATE_STOPPING_HARD, 0, -EIO, "off " },
		{ SDXI_STATE_ACTIVE, 3, -EIO, "soft hard off " },
		{ SDXI_STATE_ERROR, 0, 0, "reset off " },
		{ SDXI_STATE_ERROR, 4, -EIO, "reset off " },
		/* There is no such state. */
		{ 7, 0, -EIO, "off " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		struct puppet p;
		struct engine *e = puppet_open(&p, true);

		p.state = stops[i].state;
		p.deaf_soft = stops[i].deaf & 1;
		p.deaf_hard = stops[i].deaf & 2;
		p.deaf_reset = stops[i].deaf & 4;
		EXPECT_EQ(engine_stop(e), stops[i].r);
		EXPECT_STR(p.journal, stops[i].journal);
		EXPECT_TRUE(!p.bus_master);
		if (stops[i].r < 0) {
			EXPECT_TRUE(strstr(engine_reason(e), "the device never"));
			EXPECT_EQ(engine_start(e), -EINVAL);
		}
		p.deaf_soft = p.deaf_hard = p.deaf_reset = false;
		EXPECT_OK(engine_recover(e));
		puppet_close(&p, e);
	}
}

/*
 * What the function could reach is freed when it was seen to be at rest, or has been reset as a
 * whole; if neither can be had, by nobody but who gives the device back.
 */
static void test_proven_stop(void)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct puppet p;
		struct engine *e = puppet_open(&p, true);

		p.deaf_soft = p.deaf_hard = p.deaf_reset = i > 0;
		p.no_flr = i > 1;
		puppet_close(&p, e);
		EXPECT_STR(p.journal, i == 0 ? "soft off free close " :
			   i == 1 ? "soft hard off flr free close " : "soft hard off close ");
	}
}

int main(void)
{
	RUN(test_facts);
	RUN(test_identity);
	RUN(test_tables);
	RUN(test_order);
	RUN(test_start);
	RUN(test_not_started);
	RUN(test_ladder);
	RUN(test_proven_stop);
	return 0;
}
