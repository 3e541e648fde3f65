/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane's event loop: one io_uring, one thread, no other place to wait.
 *
 * What is waited for is a struct loop_op, embedded in its owner. Between arming and done() it belongs
 * to the kernel, and its owner must not be freed; done() is called exactly once for each arming, from
 * loop_round(), and may arm it again.
 */
#ifndef MIGOFF_DAEMON_LOOP_H
#define MIGOFF_DAEMON_LOOP_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop_op {
	void (*done)(struct loop_op *op, int res);
	bool armed;
};

/* An op that ends at a time; @ts is read by the kernel when the op is submitted. */
struct loop_timer {
	struct loop_op op;
	struct __kernel_timespec ts;
};

struct loop {
	struct io_uring ring;
	unsigned int n_armed;
};

/**
 * loop_init() - Make the ring. The calling thread is the only one to use it.
 * @l: the loop.
 * @entries: ops that are armed at once, at most; more is slower, not wrong.
 *
 * Return: 0, or a negative errno.
 */
int loop_init(struct loop *l, unsigned int entries);

/**
 * loop_fini() - Free the ring.
 * @l: the loop; nothing is armed.
 */
void loop_fini(struct loop *l);

/**
 * loop_arm_poll() - Wait once until a descriptor is ready.
 * @l: the loop.
 * @op: done() gets the events, or a negative errno.
 * @fd: the descriptor; stays open until done().
 * @events: POLLIN, POLLOUT.
 */
void loop_arm_poll(struct loop *l, struct loop_op *op, int fd, unsigned int events);

/**
 * loop_arm_write() - Write without waiting in the caller.
 * @l: the loop.
 * @op: done() gets the number of bytes, or a negative errno.
 * @fd: the descriptor; stays open until done().
 * @data: what to write; stays until done().
 * @len: how many bytes.
 */
void loop_arm_write(struct loop *l, struct loop_op *op, int fd, const void *data, unsigned int len);

/**
 * loop_arm_command() - Give a command to a device's driver.
 * @l: the loop.
 * @op: done() gets the command's result.
 * @fd: the device.
 * @command: its number.
 * @payload: what goes into the submission itself; copied.
 * @len: its size, at most 16 bytes.
 */
void loop_arm_command(struct loop *l, struct loop_op *op, int fd, uint32_t command,
		      const void *payload, size_t len);

/**
 * loop_arm_timer() - Wait until a time.
 * @l: the loop.
 * @timer: done() gets -ETIME, or -ECANCELED.
 * @at_ns: the time, CLOCK_MONOTONIC.
 */
void loop_arm_timer(struct loop *l, struct loop_timer *timer, uint64_t at_ns);

/**
 * loop_cancel() - Ask for an early end; done() is still to come, with -ECANCELED if it was in time.
 * @l: the loop.
 * @op: the op; nothing happens when it is not armed.
 */
void loop_cancel(struct loop *l, struct loop_op *op);

/**
 * loop_flush() - Give the kernel what was armed, before something that takes time.
 * @l: the loop.
 */
void loop_flush(struct loop *l);

/**
 * loop_round() - Submit, wait until something is done, and call done() for what is done by then.
 * @l: the loop. Something must be armed.
 *
 * What becomes done meanwhile is left to the next round, so that a busy op cannot starve the caller.
 * Now and then nothing is done: the kernel ends a wait as soon as a timer has fired, even if its end can be
 * read by the next wait only.
 *
 * Return: 0, or a negative errno: the ring is broken.
 */
int loop_round(struct loop *l);

#endif
