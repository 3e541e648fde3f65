/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts the instructions that the machine spends on something, in a machine of one processor whose
 * clock advances by one nanosecond with each instruction (QEMU's -icount).
 *
 * Such a clock counts only while the processor is busy; while it idles it jumps to the next timer. So
 * it is kept busy: a process of the lowest class (SCHED_IDLE) counts as long as nobody else wants the
 * processor. What was spent is the time that passed, less the counts at what one of them costs by
 * itself, the timer's ticks included.
 */
#ifndef MIGOFF_TESTS_BENCH_METER_H
#define MIGOFF_TESTS_BENCH_METER_H

#include <stdint.h>

/* A reading: the clock, and how far the spinner has come. */
struct meter_mark {
	uint64_t ns;
	uint64_t spins;
};

/**
 * meter_start() - Start the spinner, which ends with this process, and find out what a count costs.
 *
 * Ends the program when it cannot.
 */
void meter_start(void);

/*
 * Let the spinner rest, and go on, between measurements: devices that the computer emulates are slow to
 * answer while the processor is busy. It is at work after meter_start().
 */
void meter_rest(void);
void meter_resume(void);

/* Take a reading. */
struct meter_mark meter_now(void);

/**
 * meter_cost() - Instructions spent since a reading by everything but the spinner.
 * @since: the reading.
 *
 * Return: the instructions; near 0, and maybe below, when nothing was done.
 */
double meter_cost(struct meter_mark since);

/* Nanoseconds (and instructions) that one count of the spinner costs. */
double meter_spin_ns(void);

/* Sleep, with the spinner at work: @ms in the machine's own time. */
void meter_sleep_ms(unsigned int ms);

#endif
