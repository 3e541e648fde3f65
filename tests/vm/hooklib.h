/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /dev/migoff for tests: a session of one program, and processes whose memory it moves.
 *
 * All calls end the program with a message when something fails that no test is about.
 */
#ifndef MIGOFF_TESTS_HOOKLIB_H
#define MIGOFF_TESTS_HOOKLIB_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../drivers/migoff-hook/migoff_uapi.h"
#include "engine.h"

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)
#define PAGE 4096
#define HUGE MIB(2)

/**
 * struct hook - an open /dev/migoff and a ring for its commands
 * @fd: the device.
 * @ring: the ring.
 * @setup: what was set up.
 * @areas: the areas of its slots.
 */
struct hook {
	int fd;
	struct io_uring ring;
	struct migoff_setup setup;
	const void *areas[MIGOFF_MAX_SLOTS];
};

/* A session without engines, with two slots: for tests to change before hook_open(). */
struct migoff_setup hook_default_setup(void);
/* The engine at a PCI address, started, and a setup of two slots that uses it. */
struct engine *hook_engine(const char *bdf, struct migoff_setup *ret_setup);
void hook_add_engine(struct migoff_setup *setup, const struct engine *e);
/* Have the engine copy all that is taken in a slot, and wait. Return: how many items it did not copy. */
uint32_t hook_engine_copy(struct engine *e, const struct hook *h, uint32_t slot);
int hook_try_open(struct hook *h, const struct migoff_setup *setup);
/* Waits for a while when the one before is not quite gone. */
void hook_open(struct hook *h, const struct migoff_setup *setup);
void hook_close(struct hook *h);

/* Put a command into the ring; @user_data tells its completion. Return: 0, or a negative errno. */
int hook_submit(struct hook *h, uint32_t op, const void *arg, uint64_t user_data);
/* The completion of @user_data, or -ETIMEDOUT (no command completes with that) after @timeout_ms. */
int hook_wait(struct hook *h, uint64_t user_data, int timeout_ms);
int hook_run(struct hook *h, uint32_t op, const void *arg);

int hook_commit(struct hook *h, uint32_t slot, uint8_t verdict);
int hook_commit_each(struct hook *h, uint32_t slot, const uint8_t *verdicts);
int hook_abort(struct hook *h, uint32_t slot);
struct migoff_finish hook_finish_args(struct hook *h, uint32_t slot, const uint8_t *verdicts);

const struct migoff_batch_info *hook_info(const struct hook *h, uint32_t slot);
const struct migoff_extent *hook_extents(const struct hook *h, uint32_t slot);
/* Pages in the area with this cause, or (moved) with the flag. */
uint64_t hook_pages_with(const struct hook *h, uint32_t slot, enum migoff_cause cause);
uint64_t hook_pages_moved(const struct hook *h, uint32_t slot);
uint64_t hook_pages(const struct hook *h, uint32_t slot);
/* Wait until the batch has ended by itself, at most @timeout_ms. Return: whether it has. */
bool hook_wait_end(const struct hook *h, uint32_t slot, int timeout_ms);

int64_t hook_counter(const char *name);

/**
 * struct target - a process that does what it is told, and whose memory is moved
 */
struct target {
	pid_t pid;
	int pidfd;
	int pagemap_fd;
	int sock;
};

typedef long (*target_fn)(long a, long b, long c);

void target_start(struct target *t);
/* Kill it if it lives, and collect it. */
void target_end(struct target *t);
/* Have it call a function of this program, and wait for the result. */
long target_call(struct target *t, target_fn fn, long a, long b, long c);
void target_send(struct target *t, target_fn fn, long a, long b, long c);
long target_receive(struct target *t);
/* Whether target_receive() would not wait longer than @timeout_ms. */
bool target_answers(struct target *t, int timeout_ms);

/* Functions for target_call(). Content depends on seed and address; a wrong byte is counted. */
long in_map(long len, long node, long huge);	/* anonymous, populated, on a node; address */
long in_fill(long addr, long len, long seed);
long in_check(long addr, long len, long seed);	/* wrong words */
long in_unmap(long addr, long len, long);

struct migoff_range range_of(long addr, size_t len);
struct migoff_prepare prepare_args(const struct target *t, const struct migoff_range *ranges,
				   uint32_t n_ranges, int to_node);

/* How many of the pages are on a node, by move_pages(2). */
size_t pages_on(const struct target *t, uint64_t addr, size_t len, int node);
/* A value of /proc/PID/smaps in kB, of the mapping that begins at or holds @addr. */
long smaps_kib(pid_t pid, uint64_t addr, const char *key);
void write_file(const char *path, const char *text);
uint64_t now_ns(void);

#endif
