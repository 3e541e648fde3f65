/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of I/OAT does what the facts say that the hardware does, and notices each rule that is
 * broken.
 */
#include "stand.h"
#include "ioat_model.h"
#include "macros.h"
#include "test.h"

#define CHAN(reg) (IOAT_CHAN_SIZE + (reg))
#define RING 8
#define CMP 0x1000		/* offsets in memory */
#define SRC 0x10000
#define DST 0x200000
#define IOVA(offset) (STAND_IOVA + (offset))
#define DESC(i) IOVA((i) % RING * IOAT_DESC_SIZE)

static void put(struct stand *b, uint64_t reg, unsigned int width, uint64_t value)
{
	model_bar_write(b->m, 0, CHAN(reg), width, value);
}

static uint64_t get(struct stand *b, uint64_t reg, unsigned int width)
{
	return stand_read(b, 0, CHAN(reg), width);
}

static struct ioat_desc *desc(struct stand *b, unsigned int i)
{
	return (struct ioat_desc *)(b->mem + i % RING * IOAT_DESC_SIZE);
}

static void halves(struct stand *b, uint64_t reg, uint64_t value)
{
	put(b, reg, 4, value & 0xffffffff);
	put(b, reg + 4, 4, value >> 32);
}

static void reset(struct stand *b)
{
	put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	stand_poll(b, 0, CHAN(IOAT_CHANCMD), 1, IOAT_CHANCMD_RESET, 0);
	EXPECT_EQ(get(b, IOAT_CHANSTS, 8) & 7, IOAT_HALTED);
}

/* Steps 3 to 5 of the recipe, for a ring of copies of a page each. */
static void start_at(struct stand *b, unsigned int first)
{
	for (unsigned int i = 0; i < RING; i++) {
		*desc(b, i) = (struct ioat_desc) {
			.size = 4096, .ctl = IOAT_CTL_COMPLETION, .src = IOVA(SRC + i * 4096),
			.dst = IOVA(DST + i * 4096), .next = DESC(i + 1),
		};
	}
	model_bar_write(b->m, 0, IOAT_INTRCTRL, 1, IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX);
	put(b, IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_COMPLETION |
	    IOAT_CHANCTRL_ANY_ERR_ABORT | IOAT_CHANCTRL_ERR_INT);
	halves(b, IOAT_CHANCMP, IOVA(CMP));
	halves(b, IOAT_CHAINADDR, DESC(first));
	EXPECT_EQ(get(b, IOAT_CHANSTS, 8) & 7, IOAT_ARMED);
}

static void open_started(struct stand *b, const char *spec)
{
	stand_open(b, spec);
	reset(b);
	start_at(b, 0);
	stand_fill(b, SRC, RING * 4096, 7);
}

static void wait_done(struct stand *b, unsigned int i)
{
	stand_poll_memory(b, CMP, ~7ull, DESC(i));
}

/* --- what it does ----------------------------------------------------------------------------- */

/* Each version says what it is and copies by the recipe, round the ring. */
static void test_recipe(void)
{
	static const struct {
		const char *spec;
		uint8_t version;
		uint16_t device;
		uint32_t capability;
	} versions[] = {
		{ "ioat,version=3.2", 0x32, 0x0e20, 0 },
		{ "ioat,version=3.3", 0x33, 0x0c50, IOAT_CAP_XOR },
		{ "ioat,version=3.4", 0x34, 0x0b00, IOAT_CAP_DPS },
	};

	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		struct stand b;

		open_started(&b, versions[v].spec);
		EXPECT_EQ(model_pci(b.m)->device, versions[v].device);
		EXPECT_EQ(stand_read(&b, 0, IOAT_CHANCNT, 1), 1);
		EXPECT_EQ(stand_read(&b, 0, IOAT_CBVER, 1), versions[v].version);
		EXPECT_EQ(stand_read(&b, 0, IOAT_DMACAPABILITY, 4), versions[v].capability);
		put(&b, IOAT_DMACOUNT, 2, 3);
		wait_done(&b, 2);
		put(&b, IOAT_DMACOUNT, 2, 7);
		wait_done(&b, 6);
		put(&b, IOAT_DMACOUNT, 2, 10);
		wait_done(&b, 9);
		EXPECT_EQ(get(&b, IOAT_CHANSTS, 8), DESC(9) | IOAT_IDLE);
		EXPECT_TRUE(stand_filled(&b, DST, RING * 4096, 7));
		EXPECT_EQ(stand_descriptors(&b), 10);
		stand_close(&b, 0);
	}
}

/* A null descriptor moves nothing and proves that the channel works. */
static void test_null(void)
{
	struct stand b;

	open_started(&b, "ioat");
	*desc(&b, 0) = (struct ioat_desc) {
		.size = 8, .ctl = IOAT_CTL_NULL | IOAT_CTL_COMPLETION, .next = DESC(1),
	};
	put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll(&b, 0, CHAN(IOAT_CHANSTS), 8, 7, IOAT_IDLE);
	wait_done(&b, 0);
	stand_close(&b, 0);
}

/* An interrupt comes once; the next one waits until it is re-armed, and then is not lost. */
static void test_interrupt(void)
{
	struct stand b;

	open_started(&b, "ioat");
	for (unsigned int i = 0; i < 3; i++)
		desc(&b, i)->ctl |= IOAT_CTL_INT;
	put(&b, IOAT_DMACOUNT, 2, 1);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(stand_read(&b, 0, IOAT_ATTNSTATUS, 4), 1);
	EXPECT_EQ(stand_read(&b, 0, IOAT_ATTNSTATUS, 4), 0);
	put(&b, IOAT_DMACOUNT, 2, 3);
	stand_poll(&b, 0, CHAN(IOAT_CHANSTS), 8, 7, IOAT_IDLE);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	put(&b, IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	stand_close(&b, 0);
}

/* Channels work by themselves, each with its vector. */
static void test_channels(void)
{
	struct stand b;

	open_started(&b, "ioat,channels=4");
	EXPECT_EQ(stand_read(&b, 0, IOAT_CHANCNT, 1), 4);
	EXPECT_EQ(model_pci(b.m)->n_vectors, 4);
	desc(&b, 3)->ctl |= IOAT_CTL_INT;
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t base = i * IOAT_CHAN_SIZE;

		if (i > 0) {
			put(&b, base + IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
			put(&b, base + IOAT_CHANCMP, 8, IOVA(CMP + 64 * i));
			put(&b, base + IOAT_CHAINADDR, 8, DESC(i));
		}
		put(&b, base + IOAT_DMACOUNT, 2, 1);
		stand_poll_memory(&b, CMP + 64 * i, ~7ull, DESC(i));
	}
	EXPECT_EQ(stand_interrupts(&b, 3), 1);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	EXPECT_TRUE(stand_filled(&b, DST, 4 * 4096, 7));
	stand_close(&b, 0);
}

/* A source that is not mapped halts the channel behind the one before it; it is recovered from. */
static void test_read_error(void)
{
	struct stand b;

	open_started(&b, "ioat,version=3.2");
	desc(&b, 2)->src = STAND_NOWHERE;
	put(&b, IOAT_DMACOUNT, 2, 5);
	stand_poll_memory(&b, CMP, ~0ull, DESC(1) | IOAT_HALTED);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(get(&b, IOAT_CHANSTS, 8), DESC(1) | IOAT_HALTED);
	EXPECT_EQ(get(&b, IOAT_CDAR, 8), DESC(2));
	EXPECT_EQ(get(&b, IOAT_CHANERR, 4), IOAT_ERR_READ_DATA);
	EXPECT_TRUE(stand_filled(&b, DST, 2 * 4096, 7) && !b.mem[DST + 3 * 4096]);
	put(&b, IOAT_CHANERR, 4, IOAT_ERR_READ_DATA);
	model_config_write(b.m, IOAT_CFG_CHANERR_INT, &(uint32_t) { ~0u }, 4);
	reset(&b);
	start_at(&b, 3);
	put(&b, IOAT_DMACOUNT, 2, 2);
	wait_done(&b, 4);
	EXPECT_TRUE(stand_filled(&b, DST, 2 * 4096, 7) && b.mem[DST + 3 * 4096] == b.mem[SRC + 3 * 4096]);
	stand_close(&b, 0);
}

/* The same for a destination, and for what is ordered to fail. */
static void test_other_errors(void)
{
	struct stand b;

	open_started(&b, "ioat,version=3.4,error=2,error-code=0x80");
	desc(&b, 0)->dst = STAND_NOWHERE;
	put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll_memory(&b, CMP, ~0ull, IOAT_HALTED);
	EXPECT_EQ(get(&b, IOAT_CHANERR, 4), IOAT_ERR_WRITE_DATA);
	put(&b, IOAT_CHANERR, 4, ~0u);
	reset(&b);
	start_at(&b, 0);
	put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll(&b, 0, CHAN(IOAT_CHANERR), 4, ~0u, 0x80);
	EXPECT_EQ(get(&b, IOAT_CHANSTS, 8) & 7, IOAT_HALTED);
	stand_close(&b, 0);
}

/* SUSPEND lets the descriptor at work end; RESUME goes on behind it. */
static void test_suspend(void)
{
	struct stand b;

	open_started(&b, "ioat,ns-per-descriptor=20000000");
	put(&b, IOAT_DMACOUNT, 2, 3);
	wait_done(&b, 0);
	put(&b, IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	stand_poll(&b, 0, CHAN(IOAT_CHANSTS), 8, 7, IOAT_SUSPENDED);
	EXPECT_TRUE(get(&b, IOAT_CHANSTS, 8) != (DESC(2) | IOAT_SUSPENDED));
	put(&b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	wait_done(&b, 2);
	stand_close(&b, 0);
}

/* A channel that hangs is not suspended, but reset; what it was told of is forgotten. */
static void test_hang(void)
{
	struct stand b;

	open_started(&b, "ioat,version=3.3,hang=2");
	put(&b, IOAT_DMACOUNT, 2, 3);
	wait_done(&b, 0);
	put(&b, IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	EXPECT_EQ(get(&b, IOAT_CHANSTS, 8) & 7, IOAT_ACTIVE);
	reset(&b);
	EXPECT_EQ(get(&b, IOAT_CHANCMP, 8), 0);
	start_at(&b, 0);
	put(&b, IOAT_DMACOUNT, 2, 2);
	wait_done(&b, 1);
	stand_close(&b, 0);
}

/* What a test orders of completions. */
static void test_orders(void)
{
	struct stand b;

	open_started(&b, "ioat,lose-completion=1,twice=2,unsubmitted=4,senseless=5");
	put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll(&b, 0, CHAN(IOAT_CHANSTS), 8, ~0ull, DESC(0) | IOAT_IDLE);
	stand_poll_memory(&b, CMP, ~0ull, 0);
	put(&b, IOAT_DMACOUNT, 2, 3);
	stand_poll(&b, 0, CHAN(IOAT_CHANSTS), 8, ~0ull, DESC(2) | IOAT_IDLE);
	wait_done(&b, 1);
	put(&b, IOAT_DMACOUNT, 2, 4);
	wait_done(&b, 4);
	put(&b, IOAT_DMACOUNT, 2, 5);
	stand_poll_memory(&b, CMP, ~0ull, DESC(4) | IOAT_SENSELESS);
	stand_close(&b, 0);
}

/* Six sources and their sum, by an extended descriptor; then that it is the sum, and is not. */
static void test_xor(void)
{
	struct stand b;
	uint64_t *ext;

	open_started(&b, "ioat,version=3.3");
	for (unsigned int i = 0; i < 6; i++)
		memset(b.mem + SRC + i * 4096, 1 << i, 4096);
	*desc(&b, 0) = (struct ioat_desc) {
		.size = 4096, .ctl = (uint32_t)IOAT_OP_XOR << 24 | 4 << 5, .src = IOVA(SRC),
		.dst = IOVA(DST), .next = DESC(1),
		.more = { IOVA(SRC + 4096), IOVA(SRC + 8192), IOVA(SRC + 12288), IOVA(SRC + 16384) },
	};
	ext = (uint64_t *)desc(&b, 1);
	memset(ext, 0, IOAT_DESC_SIZE);
	ext[0] = IOVA(SRC + 20480);
	ext[3] = DESC(2);
	*desc(&b, 2) = *desc(&b, 0);
	desc(&b, 2)->ctl = (uint32_t)IOAT_OP_XOR_VAL << 24 | 4 << 5 | IOAT_CTL_COMPLETION;
	desc(&b, 2)->next = DESC(3);
	memcpy(desc(&b, 3), ext, IOAT_DESC_SIZE);
	((uint64_t *)desc(&b, 3))[3] = DESC(4);
	*desc(&b, 4) = *desc(&b, 2);
	put(&b, IOAT_DMACOUNT, 2, 4);
	wait_done(&b, 2);
	EXPECT_EQ(b.mem[DST], 0x3f);
	EXPECT_EQ(b.mem[DST + 4095], 0x3f);
	b.mem[DST + 77] ^= 1;
	put(&b, IOAT_DMACOUNT, 2, 6);
	stand_poll_memory(&b, CMP, ~0ull, DESC(2) | IOAT_HALTED);
	EXPECT_EQ(get(&b, IOAT_CHANERR, 4), IOAT_ERR_XOR_P);
	stand_close(&b, 0);
}

/* A former owner's channel is at work where nothing is mapped; by the recipe it is brought to rest. */
static void test_stale(void)
{
	struct stand b;

	stand_open(&b, "ioat,version=3.2");
	stand_bus_master(&b, false);
	EXPECT_OK(model_order_faults(b.m, "stale"));
	EXPECT_EQ(get(&b, IOAT_CHANSTS, 8) & 7, IOAT_ACTIVE);
	put(&b, IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	stand_poll(&b, 0, CHAN(IOAT_CHANSTS), 8, 7, IOAT_SUSPENDED);
	model_config_write(b.m, IOAT_CFG_CHANERR_INT, &(uint32_t) { ~0u }, 4);
	reset(&b);
	stand_bus_master(&b, true);
	start_at(&b, 0);
	put(&b, IOAT_DMACOUNT, 2, 1);
	wait_done(&b, 0);
	stand_close(&b, 0);
}

static void test_absurd(void)
{
	struct stand b;

	stand_open(&b, "ioat,absurd-channels=0,absurd-transfer=63");
	EXPECT_EQ(stand_read(&b, 0, IOAT_CHANCNT, 1), 0);
	EXPECT_EQ(stand_read(&b, 0, IOAT_XFERCAP, 1), 63);
	stand_close(&b, 0);
}

/* --- rules ------------------------------------------------------------------------------------ */

static void ring_one(struct stand *b)
{
	put(b, IOAT_DMACOUNT, 2, 1);
}

static void reserved_register(struct stand *b)
{
	model_bar_write(b->m, 0, 0x40, 4, 1);
}

static void channel_beyond(struct stand *b)
{
	put(b, IOAT_CHAN_SIZE + IOAT_CHANCTRL, 2, 0);
}

static void wrong_width(struct stand *b)
{
	put(b, IOAT_CHANCTRL, 4, 0);
}

static void wide_doorbell(struct stand *b)
{
	put(b, IOAT_CHANCMD, 4, 1 << 16);
}

static void write_status(struct stand *b)
{
	put(b, IOAT_CHANSTS, 8, 0);
}

static void reserved_control(struct stand *b)
{
	put(b, IOAT_CHANCTRL, 2, 0x80);
}

static void two_commands(struct stand *b)
{
	put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET | IOAT_CHANCMD_SUSPEND);
}

static void resume_armed(struct stand *b)
{
	put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
}

static void reset_running(struct stand *b)
{
	ring_one(b);
	wait_done(b, 0);
	put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
}

static void reset_twice(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "never-reset"));
	put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
}

static void doorbell_in_reset(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "never-reset"));
	put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	ring_one(b);
}

static void chain_in_reset(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "never-reset"));
	put(b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	put(b, IOAT_CHAINADDR, 8, DESC(0));
}

static void chain_misaligned(struct stand *b)
{
	halves(b, IOAT_CHAINADDR, DESC(0) + 32);
}

static void chain_while_active(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	ring_one(b);
	put(b, IOAT_CHAINADDR, 8, DESC(1));
}

static void completion_misaligned(struct stand *b)
{
	halves(b, IOAT_CHANCMP, IOVA(CMP) + 4);
}

static void completion_while_active(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "hang"));
	ring_one(b);
	put(b, IOAT_CHANCMP, 8, IOVA(CMP + 64));
}

static void completion_unmapped(struct stand *b)
{
	halves(b, IOAT_CHANCMP, STAND_NOWHERE);
	ring_one(b);
}

static void half_completion(struct stand *b)
{
	put(b, IOAT_CHANCMP, 4, (uint32_t)IOVA(CMP));
	ring_one(b);
}

static void no_completion(struct stand *b)
{
	halves(b, IOAT_CHANCMP, 0);
	ring_one(b);
}

static void no_chain(struct stand *b)
{
	reset(b);
	ring_one(b);
}

static void no_bus_master(struct stand *b)
{
	stand_bus_master(b, false);
	ring_one(b);
}

static void fail_first(struct stand *b)
{
	EXPECT_OK(model_order_faults(b->m, "error"));
	ring_one(b);
	stand_poll(b, 0, CHAN(IOAT_CHANSTS), 8, 7, IOAT_HALTED);
}

static void doorbell_in_error(struct stand *b)
{
	fail_first(b);
	ring_one(b);
}

static void chain_in_error(struct stand *b)
{
	fail_first(b);
	halves(b, IOAT_CHAINADDR, DESC(0));
}

/* Only 3.2 has it. */
static void error_in_config(struct stand *b)
{
	fail_first(b);
	put(b, IOAT_CHANERR, 4, ~0u);
	halves(b, IOAT_CHAINADDR, DESC(0));
	ring_one(b);
}

static void doorbell_back(struct stand *b)
{
	put(b, IOAT_DMACOUNT, 2, 3);
	wait_done(b, 2);
	put(b, IOAT_DMACOUNT, 2, 2);
}

static void doorbell_past_ring(struct stand *b)
{
	put(b, IOAT_DMACOUNT, 2, RING + 1);
}

static void doorbell_past_known_ring(struct stand *b)
{
	put(b, IOAT_DMACOUNT, 2, RING);
	wait_done(b, RING - 1);
	put(b, IOAT_DMACOUNT, 2, 2 * RING + 1);
}

static void next_misaligned(struct stand *b)
{
	desc(b, 0)->next += 8;
	put(b, IOAT_DMACOUNT, 2, 2);
}

static void first_unmapped(struct stand *b)
{
	halves(b, IOAT_CHAINADDR, STAND_NOWHERE);
	ring_one(b);
}

static void next_unmapped(struct stand *b)
{
	desc(b, 0)->next = STAND_NOWHERE;
	put(b, IOAT_DMACOUNT, 2, 2);
}

static void no_length(struct stand *b)
{
	desc(b, 0)->size = 0;
	ring_one(b);
}

static void too_long(struct stand *b)
{
	desc(b, 0)->size = (1 << 20) + 1;
	ring_one(b);
}

static void no_operation(struct stand *b)
{
	desc(b, 0)->ctl |= 1u << 24;
	ring_one(b);
}

static void reserved_in_descriptor(struct stand *b)
{
	desc(b, 0)->ctl |= 1u << 12;
	ring_one(b);
}

static void half_extended(struct stand *b)
{
	desc(b, 0)->ctl = (uint32_t)IOAT_OP_XOR << 24 | 4 << 5;
	ring_one(b);
}

/* For each: it is told by its name, and the channel halts with that error if it does so at all. */
static const struct {
	void (*break_it)(struct stand *b);
	const char *rule;
	uint32_t chanerr;
	const char *spec;
} rules[] = {
	{ reserved_register, "reserved register", 0, NULL },
	{ channel_beyond, "reserved register", 0, NULL },
	{ wrong_width, "width of a register", 0, NULL },
	{ wide_doorbell, "width of a register", 0, NULL },
	{ write_status, "write to a read-only register", 0, NULL },
	{ reserved_control, "reserved bits of CHANCTRL", 0, NULL },
	{ two_commands, "CHANCMD is no command", IOAT_ERR_CHANCMD, NULL },
	{ resume_armed, "resume of what is not suspended", 0, NULL },
	{ reset_running, "reset without suspend", 0, NULL },
	{ reset_twice, "CHANCMD during a reset", 0, NULL },
	{ doorbell_in_reset, "DMACOUNT during a reset", 0, NULL },
	{ chain_in_reset, "CHAINADDR during a reset", 0, NULL },
	{ chain_misaligned, "CHAINADDR is not aligned", IOAT_ERR_CHAIN_ADDR, NULL },
	{ chain_while_active, "CHAINADDR while active", 0, NULL },
	{ completion_misaligned, "CHANCMP is not aligned", IOAT_ERR_COMPLETION_ADDR, NULL },
	{ completion_while_active, "CHANCMP while active", 0, NULL },
	{ completion_unmapped, "CHANCMP is not mapped", IOAT_ERR_COMPLETION_ADDR, NULL },
	{ half_completion, "DMACOUNT with half an address", 0, NULL },
	{ no_completion, "DMACOUNT before CHANCMP", 0, NULL },
	{ no_chain, "DMACOUNT before CHAINADDR", IOAT_ERR_CHAIN_ADDR, NULL },
	{ no_bus_master, "DMACOUNT without bus mastership", 0, NULL },
	{ doorbell_in_error, "DMACOUNT with errors standing", IOAT_ERR_READ_DATA, NULL },
	{ chain_in_error, "CHAINADDR with errors standing", IOAT_ERR_READ_DATA, NULL },
	{ error_in_config, "DMACOUNT with errors in CHANERR_INT", 0, "ioat,version=3.2" },
	{ doorbell_back, "DMACOUNT moves backwards", 0, NULL },
	{ doorbell_past_ring, "DMACOUNT moves past the ring", IOAT_ERR_COUNT, NULL },
	{ doorbell_past_known_ring, "DMACOUNT moves past the ring", IOAT_ERR_COUNT, NULL },
	{ next_misaligned, "next descriptor is not aligned", IOAT_ERR_ALIGNMENT, NULL },
	{ first_unmapped, "descriptor is not mapped", IOAT_ERR_CHAIN_ADDR, NULL },
	{ next_unmapped, "descriptor is not mapped", IOAT_ERR_NEXT_ADDR, NULL },
	{ no_length, "length", IOAT_ERR_LENGTH, NULL },
	{ too_long, "length", IOAT_ERR_LENGTH, NULL },
	{ no_operation, "operation", IOAT_ERR_CONTROL, NULL },
	{ reserved_in_descriptor, "reserved bits of a descriptor's control", IOAT_ERR_CONTROL, NULL },
	{ half_extended, "extended descriptor beyond DMACOUNT", IOAT_ERR_COUNT, "ioat,version=3.3" },
};

static void test_rules(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct stand b;

		open_started(&b, rules[i].spec ?: "ioat");
		rules[i].break_it(&b);
		stand_poll_broken(&b, 1, rules[i].rule);
		if (rules[i].chanerr) {
			stand_poll(&b, 0, CHAN(IOAT_CHANERR), 4, ~0u, rules[i].chanerr);
			EXPECT_EQ(get(&b, IOAT_CHANSTS, 8) & 7, IOAT_HALTED);
		}
		stand_close(&b, 1);
	}
}

int main(void)
{
	RUN(test_recipe);
	RUN(test_null);
	RUN(test_interrupt);
	RUN(test_channels);
	RUN(test_read_error);
	RUN(test_other_errors);
	RUN(test_suspend);
	RUN(test_hang);
	RUN(test_orders);
	RUN(test_xor);
	RUN(test_stale);
	RUN(test_absurd);
	RUN(test_rules);
	return 0;
}
