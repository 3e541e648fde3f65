/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "faults.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <sched.h>
#include <string.h>

#include "cleanup.h"
#include "macros.h"
#include "orders.h"
#include "test.h"

#define PAGE UINT64_C(4096)
#define N_PAGES (RIG_SIZE / PAGE)

static char faults_spec[128];
static struct model_counts counts_before;

bool faults_is_device(const char *spec)
{
	return strchr(spec, ':');
}

static int open_orders(void)
{
	return (int)EXPECT_OK(orders_open(faults_spec));
}

static void order_device(const char *spec)
{
	_cleanup_close_ int fd = open_orders();

	EXPECT_OK(orders_send(fd, spec));
}

static void count_device(struct model_counts *ret)
{
	_cleanup_close_ int fd = open_orders();

	EXPECT_OK(orders_counts(fd, ret));
}

static int open_model(struct engine **ret, struct why *why)
{
	if (faults_is_device(faults_spec))
		return engine_open_pci(faults_spec, 0, ret, why);
	return model_open_engine(faults_spec, ret, why);
}

void faults_open_with(struct rig *rig, const char *spec, const char *fault)
{
	bool device = faults_is_device(spec);

	snprintf(faults_spec, sizeof(faults_spec), "%s%s%s", spec, device ? "" : ",",
		 device ? "" : fault);
	counts_before = (struct model_counts) {};
	if (device) {
		order_device("none,allow=0");
		order_device(fault);
		count_device(&counts_before);
	}
	rig_open_engine = open_model;
	rig_open(rig);
}

void faults_open(struct rig *rig, const char *spec)
{
	faults_open_with(rig, spec, "");
}

void faults_order(struct rig *rig, const char *spec)
{
	if (faults_is_device(faults_spec))
		order_device(spec);
	else
		EXPECT_OK(model_order_faults(model_of(rig->e), spec));
}

void faults_counts(struct rig *rig, struct model_counts *ret)
{
	if (faults_is_device(faults_spec))
		count_device(ret);
	else
		model_counts(model_of(rig->e), ret);
	ret->broken -= counts_before.broken;
	ret->descriptors -= counts_before.descriptors;
	ret->interrupts -= counts_before.interrupts;
	ret->faults -= counts_before.faults;
}

uint64_t faults_begun(struct rig *rig)
{
	struct model_counts counts;

	faults_counts(rig, &counts);
	return counts.descriptors;
}

void faults_wait_begun(struct rig *rig, uint64_t before)
{
	while (faults_begun(rig) <= before)
		sched_yield();
}

bool faults_bus_master(struct rig *rig)
{
	_cleanup_close_ int fd = -1;
	uint32_t command = 0;

	if (faults_is_device(faults_spec)) {
		fd = open_orders();
		EXPECT_OK(orders_read(fd, PCI_COMMAND, &command));
	} else {
		model_config_read(model_of(rig->e), PCI_COMMAND, &command, sizeof(command));
		command = le32toh(command);
	}
	return command & PCI_COMMAND_MASTER;
}

void faults_copy_pages(struct rig *rig, uint64_t first, uint64_t n)
{
	uint64_t index;

	for (uint64_t i = first; i < first + n; i++)
		EXPECT_OK(rig_copy(rig, i % N_PAGES * PAGE, i % N_PAGES * PAGE, PAGE, &index));
	EXPECT_OK(engine_submit(rig->e));
}

int faults_take(struct rig *rig, struct engine_result *results, size_t n)
{
	int r, error = 0;

	for (size_t got = 0; got < n;) {
		r = rig_wait(rig, results + got, n - got);
		if (r < 0) {
			/* It fails once, and says why. */
			EXPECT_EQ(error, 0);
			EXPECT_EQ(engine_state(rig->e), ENGINE_FAILED);
			EXPECT_TRUE(*engine_reason(rig->e));
			error = r;
			faults_order(rig, "none");
			EXPECT_OK(engine_recover(rig->e));
			continue;
		}
		for (int i = 0; i < r; i++) {
			uint64_t at = results[got + i].index % N_PAGES * PAGE;

			if (results[got + i].status == ENGINE_COPIED)
				EXPECT_TRUE(rig_equal(rig, at, at, PAGE));
		}
		got += (size_t)r;
	}
	return error;
}

void faults_works(struct rig *rig, uint64_t n)
{
	struct engine_result results[64];
	uint64_t first = rig->n_enqueued;

	EXPECT_TRUE(n <= ARRAY_SIZE(results));
	for (uint64_t i = first; i < first + n; i++)
		rig_wipe(rig, i % N_PAGES * PAGE, PAGE);
	faults_copy_pages(rig, first, n);
	rig_collect(rig, results, n);
	rig_each_once(rig, results, n, first);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = (first + i) % N_PAGES * PAGE;

		EXPECT_EQ(results[i].status, ENGINE_COPIED);
		EXPECT_TRUE(rig_equal(rig, at, at, PAGE));
	}
}

void faults_refused(const char *spec, int expected, const char *cause)
{
	struct why why = {};
	struct engine *e;

	EXPECT_EQ(model_open_engine(spec, &e, &why), expected);
	if (!strstr(why.cause, cause))
		TEST_FAIL("%s: the cause is \"%s\"", spec, why.cause);
	EXPECT_TRUE(*why.remedy);
}

void faults_not_started(const char *spec, const char *reason)
{
	struct engine *e;
	uint16_t command;

	EXPECT_OK(model_open_engine(spec, &e, NULL));
	EXPECT_EQ(engine_start(e), -EIO);
	EXPECT_EQ(engine_state(e), ENGINE_FAILED);
	EXPECT_STR(engine_reason(e), reason);
	model_config_read(model_of(e), PCI_COMMAND, &command, sizeof(command));
	EXPECT_TRUE(!(le16toh(command) & PCI_COMMAND_MASTER));
	engine_close(e);
}
