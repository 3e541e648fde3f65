/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of I/OAT does what the facts say that the hardware does.
 */
#include "ioat_stand.h"
#include "macros.h"
#include "test.h"

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

		ioat_open_started(&b, versions[v].spec);
		EXPECT_EQ(model_pci(b.m)->device, versions[v].device);
		EXPECT_EQ(stand_read(&b, 0, IOAT_CHANCNT, 1), 1);
		EXPECT_EQ(stand_read(&b, 0, IOAT_CBVER, 1), versions[v].version);
		EXPECT_EQ(stand_read(&b, 0, IOAT_DMACAPABILITY, 4), versions[v].capability);
		ioat_put(&b, IOAT_DMACOUNT, 2, 3);
		ioat_wait_done(&b, 2);
		ioat_put(&b, IOAT_DMACOUNT, 2, 7);
		ioat_wait_done(&b, 6);
		ioat_put(&b, IOAT_DMACOUNT, 2, 10);
		ioat_wait_done(&b, 9);
		EXPECT_EQ(ioat_get(&b, IOAT_CHANSTS, 8), IOAT_DESC(9) | IOAT_IDLE);
		EXPECT_TRUE(stand_filled(&b, IOAT_DST, IOAT_RING * 4096, 7));
		EXPECT_EQ(stand_descriptors(&b), 10);
		stand_close(&b, 0);
	}
}

/* A null descriptor moves nothing and proves that the channel works. */
static void test_null(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat");
	*ioat_desc(&b, 0) = (struct ioat_desc) {
		.size = 8, .ctl = IOAT_CTL_NULL | IOAT_CTL_COMPLETION, .next = IOAT_DESC(1),
	};
	ioat_put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll(&b, 0, IOAT_CHAN(IOAT_CHANSTS), 8, 7, IOAT_IDLE);
	ioat_wait_done(&b, 0);
	stand_close(&b, 0);
}

/* An interrupt comes once; the next one waits until it is re-armed, and then is not lost. */
static void test_interrupt(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat");
	for (unsigned int i = 0; i < 3; i++)
		ioat_desc(&b, i)->ctl |= IOAT_CTL_INT;
	ioat_put(&b, IOAT_DMACOUNT, 2, 1);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(stand_read(&b, 0, IOAT_ATTNSTATUS, 4), 1);
	EXPECT_EQ(stand_read(&b, 0, IOAT_ATTNSTATUS, 4), 0);
	ioat_put(&b, IOAT_DMACOUNT, 2, 3);
	stand_poll(&b, 0, IOAT_CHAN(IOAT_CHANSTS), 8, 7, IOAT_IDLE);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	ioat_put(&b, IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	stand_close(&b, 0);
}

/* Where a reset of a channel wipes out MSI-X, nothing interrupts until that is there again. */
static void test_msix_lost(void)
{
	uint64_t address, data;
	struct stand b;

	stand_open(&b, "ioat,version=3.3,loses-msix");
	address = stand_read(&b, 0, IOAT_MSIX_ADDRESS, 8);
	data = stand_read(&b, 0, IOAT_MSIX_DATA, 8);
	ioat_do_reset(&b);
	EXPECT_EQ(stand_read(&b, 0, IOAT_MSIX_ADDRESS, 8), 0);
	ioat_start_at(&b, 0);
	ioat_desc(&b, 0)->ctl |= IOAT_CTL_INT;
	ioat_desc(&b, 1)->ctl |= IOAT_CTL_INT;
	ioat_put(&b, IOAT_DMACOUNT, 2, 1);
	ioat_wait_done(&b, 0);
	stand_poll(&b, 0, IOAT_ATTNSTATUS, 4, 1, 1);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	model_bar_write(b.m, 0, IOAT_MSIX_ADDRESS, 8, address);
	model_bar_write(b.m, 0, IOAT_MSIX_DATA, 8, data);
	ioat_put(&b, IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	ioat_put(&b, IOAT_DMACOUNT, 2, 2);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	stand_close(&b, 0);
	stand_open(&b, "ioat,version=3.3,loses-msix");
	model_bar_write(b.m, 0, IOAT_MSIX_DATA, 8, UINT64_MAX);
	stand_close(&b, 1);
}

/* Channels work by themselves, each with its vector. */
static void test_channels(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat,channels=4");
	EXPECT_EQ(stand_read(&b, 0, IOAT_CHANCNT, 1), 4);
	EXPECT_EQ(model_pci(b.m)->n_vectors, 4);
	ioat_desc(&b, 3)->ctl |= IOAT_CTL_INT;
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t base = i * IOAT_CHAN_SIZE;

		if (i > 0) {
			ioat_put(&b, base + IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
			ioat_put(&b, base + IOAT_CHANCMP, 8, STAND_AT(IOAT_CMP + 64 * i));
			ioat_put(&b, base + IOAT_CHAINADDR, 8, IOAT_DESC(i));
		}
		ioat_put(&b, base + IOAT_DMACOUNT, 2, 1);
		stand_poll_memory(&b, IOAT_CMP + 64 * i, ~7ull, IOAT_DESC(i));
	}
	EXPECT_EQ(stand_interrupts(&b, 3), 1);
	EXPECT_TRUE(!stand_interrupted(&b, 0));
	EXPECT_TRUE(stand_filled(&b, IOAT_DST, 4 * 4096, 7));
	stand_close(&b, 0);
}

/* A source that is not mapped halts the channel behind the one before it; it is recovered from. */
static void test_read_error(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat,version=3.2");
	ioat_desc(&b, 2)->src = STAND_NOWHERE;
	ioat_put(&b, IOAT_DMACOUNT, 2, 5);
	stand_poll_memory(&b, IOAT_CMP, ~0ull, IOAT_DESC(1) | IOAT_HALTED);
	EXPECT_EQ(stand_interrupts(&b, 0), 1);
	EXPECT_EQ(ioat_get(&b, IOAT_CHANSTS, 8), IOAT_DESC(1) | IOAT_HALTED);
	EXPECT_EQ(ioat_get(&b, IOAT_CDAR, 8), IOAT_DESC(2));
	EXPECT_EQ(ioat_get(&b, IOAT_CHANERR, 4), IOAT_ERR_READ_DATA);
	EXPECT_TRUE(stand_filled(&b, IOAT_DST, 2 * 4096, 7) && !b.mem[IOAT_DST + 3 * 4096]);
	ioat_put(&b, IOAT_CHANERR, 4, IOAT_ERR_READ_DATA);
	model_config_write(b.m, IOAT_CFG_CHANERR_INT, &(uint32_t) { ~0u }, 4);
	ioat_do_reset(&b);
	ioat_start_at(&b, 3);
	ioat_put(&b, IOAT_DMACOUNT, 2, 2);
	ioat_wait_done(&b, 4);
	EXPECT_TRUE(stand_filled(&b, IOAT_DST, 2 * 4096, 7));
	EXPECT_EQ(b.mem[IOAT_DST + 3 * 4096], b.mem[IOAT_SRC + 3 * 4096]);
	stand_close(&b, 0);
}

/* The same for a destination, and for what is ordered to fail. */
static void test_other_errors(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat,version=3.4,error=2,error-code=0x80");
	ioat_desc(&b, 0)->dst = STAND_NOWHERE;
	ioat_put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll_memory(&b, IOAT_CMP, ~0ull, IOAT_HALTED);
	EXPECT_EQ(ioat_get(&b, IOAT_CHANERR, 4), IOAT_ERR_WRITE_DATA);
	ioat_put(&b, IOAT_CHANERR, 4, ~0u);
	ioat_do_reset(&b);
	ioat_start_at(&b, 0);
	ioat_put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll(&b, 0, IOAT_CHAN(IOAT_CHANERR), 4, ~0u, 0x80);
	EXPECT_EQ(ioat_get(&b, IOAT_CHANSTS, 8) & 7, IOAT_HALTED);
	stand_close(&b, 0);
}

/* SUSPEND lets the descriptor at work end; RESUME goes on behind it. */
static void test_suspend(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat,ns-per-descriptor=200000000");
	ioat_put(&b, IOAT_DMACOUNT, 2, 3);
	ioat_wait_done(&b, 0);
	ioat_put(&b, IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	stand_poll(&b, 0, IOAT_CHAN(IOAT_CHANSTS), 8, 7, IOAT_SUSPENDED);
	EXPECT_TRUE(ioat_get(&b, IOAT_CHANSTS, 8) != (IOAT_DESC(2) | IOAT_SUSPENDED));
	ioat_put(&b, IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	ioat_wait_done(&b, 2);
	stand_close(&b, 0);
}

/* A channel that hangs is not suspended, but reset; what it was told of is forgotten. */
static void test_hang(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat,version=3.3,hang=2");
	ioat_put(&b, IOAT_DMACOUNT, 2, 3);
	ioat_wait_done(&b, 0);
	ioat_put(&b, IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	EXPECT_EQ(ioat_get(&b, IOAT_CHANSTS, 8) & 7, IOAT_ACTIVE);
	ioat_do_reset(&b);
	EXPECT_EQ(ioat_get(&b, IOAT_CHANCMP, 8), 0);
	ioat_start_at(&b, 0);
	ioat_put(&b, IOAT_DMACOUNT, 2, 2);
	ioat_wait_done(&b, 1);
	stand_close(&b, 0);
}

/* What a test orders of completions. */
static void test_orders(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat,lose-completion=1,twice=2,unsubmitted=4,senseless=5");
	ioat_put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll(&b, 0, IOAT_CHAN(IOAT_CHANSTS), 8, ~0ull, IOAT_DESC(0) | IOAT_IDLE);
	stand_poll_memory(&b, IOAT_CMP, ~0ull, 0);
	ioat_put(&b, IOAT_DMACOUNT, 2, 3);
	stand_poll(&b, 0, IOAT_CHAN(IOAT_CHANSTS), 8, ~0ull, IOAT_DESC(2) | IOAT_IDLE);
	ioat_wait_done(&b, 1);
	ioat_put(&b, IOAT_DMACOUNT, 2, 4);
	ioat_wait_done(&b, 4);
	ioat_put(&b, IOAT_DMACOUNT, 2, 5);
	stand_poll_memory(&b, IOAT_CMP, ~0ull, IOAT_DESC(4) | IOAT_SENSELESS);
	stand_close(&b, 0);
}

/* Six sources and their sum, by an extended descriptor; then that it is the sum, and is not. */
static void test_xor(void)
{
	struct stand b;
	uint64_t *ext;

	ioat_open_started(&b, "ioat,version=3.3");
	for (unsigned int i = 0; i < 6; i++)
		memset(b.mem + IOAT_SRC + i * 4096, 1 << i, 4096);
	*ioat_desc(&b, 0) = (struct ioat_desc) {
		.size = 4096, .ctl = (uint32_t)IOAT_OP_XOR << 24 | 4 << 5,
		.src = STAND_AT(IOAT_SRC), .dst = STAND_AT(IOAT_DST), .next = IOAT_DESC(1),
		.more = {
			STAND_AT(IOAT_SRC + 4096), STAND_AT(IOAT_SRC + 8192),
			STAND_AT(IOAT_SRC + 12288), STAND_AT(IOAT_SRC + 16384),
		},
	};
	ext = (uint64_t *)ioat_desc(&b, 1);
	memset(ext, 0, IOAT_DESC_SIZE);
	ext[0] = STAND_AT(IOAT_SRC + 20480);
	ext[3] = IOAT_DESC(2);
	*ioat_desc(&b, 2) = *ioat_desc(&b, 0);
	ioat_desc(&b, 2)->ctl = (uint32_t)IOAT_OP_XOR_VAL << 24 | 4 << 5 | IOAT_CTL_COMPLETION;
	ioat_desc(&b, 2)->next = IOAT_DESC(3);
	memcpy(ioat_desc(&b, 3), ext, IOAT_DESC_SIZE);
	((uint64_t *)ioat_desc(&b, 3))[3] = IOAT_DESC(4);
	*ioat_desc(&b, 4) = *ioat_desc(&b, 2);
	ioat_put(&b, IOAT_DMACOUNT, 2, 4);
	ioat_wait_done(&b, 2);
	EXPECT_EQ(b.mem[IOAT_DST], 0x3f);
	EXPECT_EQ(b.mem[IOAT_DST + 4095], 0x3f);
	b.mem[IOAT_DST + 77] ^= 1;
	ioat_put(&b, IOAT_DMACOUNT, 2, 6);
	stand_poll_memory(&b, IOAT_CMP, ~0ull, IOAT_DESC(2) | IOAT_HALTED);
	EXPECT_EQ(ioat_get(&b, IOAT_CHANERR, 4), IOAT_ERR_XOR_P);
	stand_close(&b, 0);
}

/* A former owner's channel is at work where nothing is mapped: the recipe brings it to rest. */
static void test_stale(void)
{
	struct stand b;

	stand_open(&b, "ioat,version=3.2");
	stand_bus_master(&b, false);
	EXPECT_OK(model_order_faults(b.m, "stale"));
	EXPECT_EQ(ioat_get(&b, IOAT_CHANSTS, 8) & 7, IOAT_ACTIVE);
	ioat_put(&b, IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	stand_poll(&b, 0, IOAT_CHAN(IOAT_CHANSTS), 8, 7, IOAT_SUSPENDED);
	model_config_write(b.m, IOAT_CFG_CHANERR_INT, &(uint32_t) { ~0u }, 4);
	ioat_do_reset(&b);
	stand_bus_master(&b, true);
	ioat_start_at(&b, 0);
	ioat_put(&b, IOAT_DMACOUNT, 2, 1);
	ioat_wait_done(&b, 0);
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

/*
 * A doorbell may cross an error on its way. It does nothing, and no rule is broken by it: not before software
 * has read of the error.
 */
static void test_crossing_error(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat");
	EXPECT_OK(model_order_faults(b.m, "error"));
	ioat_put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll_memory(&b, IOAT_CMP, 7, IOAT_HALTED);
	ioat_put(&b, IOAT_DMACOUNT, 2, 2);
	EXPECT_EQ(ioat_get(&b, IOAT_DMACOUNT, 2), 2);
	EXPECT_EQ(ioat_get(&b, IOAT_CHANSTS, 8), IOAT_HALTED);
	EXPECT_EQ(ioat_get(&b, IOAT_CHANERR, 4), IOAT_ERR_READ_DATA);
	EXPECT_EQ(stand_descriptors(&b), 1);
	ioat_put(&b, IOAT_DMACOUNT, 2, 3);
	stand_poll_broken(&b, 1, "DMACOUNT with errors standing");
	stand_close(&b, 1);
}

/* The same where an error of one channel shows in the configuration space that all of them share. */
static void test_crossing_error_of_another(void)
{
	struct stand b;

	ioat_open_started(&b, "ioat,version=3.2,channels=2");
	ioat_halves(&b, IOAT_CHAN_SIZE + IOAT_CHANCMP, STAND_AT(IOAT_CMP + 64));
	ioat_halves(&b, IOAT_CHAN_SIZE + IOAT_CHAINADDR, IOAT_DESC(4));
	EXPECT_OK(model_order_faults(b.m, "error"));
	ioat_put(&b, IOAT_DMACOUNT, 2, 1);
	stand_poll_memory(&b, IOAT_CMP, 7, IOAT_HALTED);
	ioat_put(&b, IOAT_CHAN_SIZE + IOAT_DMACOUNT, 2, 1);
	stand_poll_memory(&b, IOAT_CMP + 64, ~7ull, IOAT_DESC(4));
	EXPECT_EQ(ioat_get(&b, IOAT_CHANERR, 4), IOAT_ERR_READ_DATA);
	ioat_put(&b, IOAT_CHAN_SIZE + IOAT_DMACOUNT, 2, 2);
	stand_poll_broken(&b, 1, "DMACOUNT with errors in CHANERR_INT");
	stand_close(&b, 1);
}

int main(void)
{
	RUN(test_recipe);
	RUN(test_null);
	RUN(test_interrupt);
	RUN(test_msix_lost);
	RUN(test_channels);
	RUN(test_read_error);
	RUN(test_other_errors);
	RUN(test_suspend);
	RUN(test_hang);
	RUN(test_orders);
	RUN(test_xor);
	RUN(test_stale);
	RUN(test_absurd);
	RUN(test_crossing_error);
	RUN(test_crossing_error_of_another);
	return 0;
}
