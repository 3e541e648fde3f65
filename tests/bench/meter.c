/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "meter.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "test.h"

#define CALIBRATE_SHORT_MS 50
#define CALIBRATE_LONG_MS 450
#define CALIBRATE_TIMES 9

static _Atomic uint64_t *spins;
static double spin_ns;
static pid_t spinner;

/* One store a count: nothing here may depend on what the processor's caches hold, or on anything else. */
_Noreturn static void spin(void)
{
	const struct sched_param param = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "spinner");
	if (sched_setscheduler(0, SCHED_IDLE, &param) < 0)
		_exit(1);
	for (uint64_t i = 1;; i++)
		atomic_store_explicit(spins, i, memory_order_relaxed);
}

void meter_rest(void)
{
	EXPECT_TRUE(kill(spinner, SIGSTOP) == 0);
}

void meter_resume(void)
{
	EXPECT_TRUE(kill(spinner, SIGCONT) == 0);
}

void meter_sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

struct meter_mark meter_now(void)
{
	return (struct meter_mark){
		.ns = clock_now_ns(),
		.spins = atomic_load_explicit(spins, memory_order_relaxed),
	};
}

double meter_cost(struct meter_mark since)
{
	struct meter_mark now = meter_now();

	return (double)(now.ns - since.ns) - (double)(now.spins - since.spins) * spin_ns;
}

double meter_spin_ns(void)
{
	return spin_ns;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct meter_mark sleep_measured(unsigned int ms)
{
	struct meter_mark begin = meter_now(), end;

	meter_sleep_ms(ms);
	end = meter_now();
	return (struct meter_mark){ .ns = end.ns - begin.ns, .spins = end.spins - begin.spins };
}

/*
 * What a count costs when nobody else has anything to do: by what a long period has more than a short one,
 * for both begin and end with the same work. The median of some.
 */
static double calibrate(void)
{
	double ns[CALIBRATE_TIMES];

	for (int i = 0; i < CALIBRATE_TIMES; i++) {
		struct meter_mark few = sleep_measured(CALIBRATE_SHORT_MS);
		struct meter_mark many = sleep_measured(CALIBRATE_LONG_MS);

		EXPECT_TRUE(many.spins > few.spins);
		ns[i] = (double)(many.ns - few.ns) / (double)(many.spins - few.spins);
	}
	qsort(ns, CALIBRATE_TIMES, sizeof(ns[0]), compare);
	return ns[CALIBRATE_TIMES / 2];
}

void meter_start(void)
{
	spins = mmap(NULL, sizeof(*spins), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(spins != MAP_FAILED);
	spinner = fork();
	EXPECT_TRUE(spinner >= 0);
	if (spinner == 0)
		spin();
	while (atomic_load(spins) == 0)
		meter_sleep_ms(1);
	spin_ns = calibrate();
}
