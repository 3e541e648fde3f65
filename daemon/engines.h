/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configured devices: opened when they are there, watched on the loop, taken out of service when
 * they fail, given back when the host wants them.
 *
 * A device that is to be closed first loses its work (device_withdraw(): every copy is reported, DMA
 * is at rest), then the hook must be closed, which holds its VFIO file, then device_is_quiet() says
 * when engines_close_withdrawn() may close it. A thread of its own does that; until it has,
 * the device is CLOSING, and is not opened again.
 */
#ifndef MIGOFF_DAEMON_ENGINES_H
#define MIGOFF_DAEMON_ENGINES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "accounts.h"
#include "dataplane.h"
#include "engine.h"
#include "loop.h"
#include "policy.h"

struct engines;

/**
 * struct device - One configured device.
 * @set: all of them.
 * @spec: as configured.
 * @engine: NULL unless it is open.
 * @state: see enum dataplane_engine_state; READY when open, also while @withdrawn.
 * @withdrawn: it takes no work and waits to be closed.
 * @released: not to be opened again until asked for.
 * @wanted: the host wants it back.
 * @not_before_ns: and until then it is not opened again, so that the host can have it.
 * @started: it is in use with the hook.
 * @why: the reason when it is not READY.
 * @health: how it has behaved.
 * @n_outages: how often it went out of service since it was configured.
 * @n_tries: how often it was tried again.
 * @line: batches that are its; the mover counts them.
 * @in_flight: bytes of copies that are its, enqueued or not; the same.
 * @turn: when it was given something last, see struct policy_engine.
 * @pace: how long its batches take.
 * @flow: how long the PREPAREs of its batches take, and the copies.
 * @event: its completions.
 * @request: the host wants it back.
 * @error: the bus reported an error.
 * @deadline: when to look at it at the latest.
 */
struct device {
	struct engines *set;
	char spec[DATAPLANE_SPEC_LEN];
	struct engine *engine;
	enum dataplane_engine_state state;
	bool withdrawn;
	bool released;
	bool wanted;
	uint64_t not_before_ns;
	bool started;
	struct why why;
	struct policy_health health;
	uint64_t n_outages;
	uint64_t n_tries;
	struct policy_line line;
	uint64_t in_flight;
	uint64_t turn;
	struct policy_pace pace;
	struct policy_flow flow;
	struct loop_op event;
	struct loop_op request;
	struct loop_op error;
	struct loop_timer deadline;
};

/**
 * struct closing - A thread that closes a device.
 * @set: all of them.
 * @thread: the thread.
 * @engine: what it closes, and nobody else touches; NULL: there is no such thread.
 * @spec: what the device was configured as.
 * @device: is CLOSING meanwhile; NULL: it is configured no more.
 * @is_closed: the thread is about to end.
 */
struct closing {
	struct engines *set;
	pthread_t thread;
	struct engine *engine;
	char spec[DATAPLANE_SPEC_LEN];
	struct device *device;
	_Atomic bool is_closed;
};

/**
 * struct engines - All configured devices.
 * @loop: the loop.
 * @policy: when a device is out of service.
 * @timeout_ms: engine_set_timeout().
 * @fault: appended to what is opened, for tests.
 * @closings: for each device that is being closed, also for those of a configuration before.
 * @n_closing: how many.
 * @closed_fd: eventfd; one was closed.
 * @closed: waits for that.
 * @turns: how often devices were given something.
 * @completed: called for each copy that ended, well or not.
 * @failed: called when a device takes no more work, after its copies were reported.
 * @changed: called when a state changed that the status shows.
 * @user: for them.
 */
struct engines {
	struct loop *loop;
	struct policy_config policy;
	uint32_t timeout_ms;
	void (*completed)(void *user, struct device *d, const struct engine_result *result);
	void (*failed)(void *user, struct device *d);
	void (*changed)(void *user);
	void *user;
	struct device devices[DATAPLANE_MAX_DEVICES];
	uint32_t n_devices;
	struct closing closings[DATAPLANE_MAX_DEVICES];
	uint32_t n_closing;
	int closed_fd;
	struct loop_op closed;
	uint64_t turns;
	char fault[DATAPLANE_SPEC_LEN];
};

/**
 * engines_init() - Begin, with nothing configured.
 * @s: the set, zeroed but for @loop.
 *
 * Return: 0, or a negative errno.
 */
int engines_init(struct engines *s);

/**
 * engines_fini() - Wait until all is closed that engines_close_withdrawn() has begun to close.
 * @s: the set; the loop need not be there any more.
 */
void engines_fini(struct engines *s);

/**
 * engines_configure() - Set which devices there are.
 * @s: the set; no device is open.
 * @config: the configuration.
 */
void engines_configure(struct engines *s, const struct dataplane_config *config);

/**
 * engines_retune() - Take over what can be changed while devices are open.
 * @s: the set.
 * @config: the configuration, with the same devices.
 */
void engines_retune(struct engines *s, const struct dataplane_config *config);

/**
 * engines_open() - Try to open what is configured and not open.
 * @s: the set.
 * @window_len: bytes of address space that each keeps for the hook.
 *
 * All have their window at the same address, for the hook has one for all.
 *
 * Return: how many were opened now.
 */
unsigned int engines_open(struct engines *s, uint64_t window_len);

/**
 * device_start() - Let a device work, and watch it.
 * @d: the device, open, not withdrawn. If it does not start it is out of service.
 */
void device_start(struct device *d);

/**
 * device_withdraw() - Bring a device to rest and let it take nothing new.
 * @d: the device; nothing happens when it is not open.
 *
 * Every copy that it has is reported before this returns.
 */
void device_withdraw(struct device *d);

/**
 * device_is_quiet() - Whether the loop has nothing of it any more.
 * @d: the device.
 */
bool device_is_quiet(const struct device *d);

/**
 * engines_close_withdrawn() - Begin to close what was withdrawn.
 * @s: the set. All that is withdrawn is quiet, and the hook is closed.
 *
 * Of so many devices that hang that there is no place for another thread, or without memory for it, it
 * closes the rest itself.
 *
 * Return: how many there were.
 */
unsigned int engines_close_withdrawn(struct engines *s);

/**
 * engines_take_closed() - Note what has been closed.
 * @s: the set.
 *
 * Return: whether something was: it may be opened again.
 */
bool engines_take_closed(struct engines *s);

/**
 * engines_listen() - Wake the loop when something has been closed, if something is being closed.
 * @s: the set.
 */
void engines_listen(struct engines *s);

/**
 * engines_hold() - Whether the host would not get a device: it is open, or being closed.
 * @s: the set.
 * @spec: its configured name.
 */
bool engines_hold(const struct engines *s, const char *spec);

/**
 * device_submit() - Begin what was enqueued. A failure is reported by @failed.
 * @d: the device.
 */
void device_submit(struct device *d);

/**
 * device_reap() - Report what has ended.
 * @d: the device.
 */
void device_reap(struct device *d);

/**
 * device_usable() - Whether it takes copies.
 * @d: the device.
 */
bool device_usable(const struct device *d);

/**
 * device_too_slow() - Give up on what a device has in flight; @completed is called for all of it.
 * @d: the device.
 */
void device_too_slow(struct device *d);

/**
 * device_worked() - The hook has committed what the device copied, and found nothing wrong with it.
 * @d: the device.
 */
void device_worked(struct device *d);

/**
 * device_lied() - The hook found that a copy reported as made was not.
 * @d: the device.
 */
void device_lied(struct device *d);

/**
 * engines_choose() - The device for a batch that is prepared.
 * @s: the set.
 * @route: which way it goes.
 * @except: not those whose device_bit() is set.
 *
 * Return: a device, or NULL: the CPU.
 */
struct device *engines_choose(struct engines *s, const struct policy_route *route, uint32_t except);

/**
 * engines_choose_next() - The device for a batch that is yet to be prepared.
 * @s: the set.
 * @route: which way it goes.
 *
 * Return: a device, or NULL when none has room for one more: see policy_has_room().
 */
struct device *engines_choose_next(struct engines *s, const struct policy_route *route);

/**
 * device_bit() - A device as a member of a set.
 * @d: the device.
 */
static inline uint32_t device_bit(const struct device *d)
{
	return 1u << (d - d->set->devices);
}

/**
 * engines_missing() - Whether engines_open() has something to try.
 * @s: the set.
 * @now_ns: the time.
 */
bool engines_missing(const struct engines *s, uint64_t now_ns);

/**
 * engines_due() - Whether something is out of service and due for another try.
 * @s: the set.
 * @now_ns: the time.
 */
bool engines_due(const struct engines *s, uint64_t now_ns);

/**
 * engines_hurry() - Let everything that is out of service be due.
 * @s: the set.
 */
void engines_hurry(struct engines *s);

/**
 * engines_retry() - Try again what is out of service and due: reset it, and have it make a copy.
 * @s: the set.
 * @now_ns: the time.
 */
void engines_retry(struct engines *s, uint64_t now_ns);

/* For the other parts of it: */

/**
 * engines_adopt_closings() - Let those of the devices just configured that are being closed wait for it.
 * @s: the set.
 */
void engines_adopt_closings(struct engines *s);

/**
 * device_take_out() - A device goes, or stays, out of service.
 * @d: the device, open.
 * @fmt: why.
 *
 * Every copy that it has is reported before this returns.
 */
void device_take_out(struct device *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * device_is_missing() - Whether it is time to open it.
 * @d: the device.
 * @now_ns: the time.
 */
bool device_is_missing(const struct device *d, uint64_t now_ns);

/**
 * device_watch() - Wait for what it has to say.
 * @d: the device, open.
 */
void device_watch(struct device *d);

/**
 * device_changed() - Its state is to be published.
 * @d: the device.
 */
void device_changed(struct device *d);

/**
 * engines_find() - A device by its configured name.
 * @s: the set.
 * @spec: the name.
 *
 * Return: the device, or NULL.
 */
struct device *engines_find(struct engines *s, const char *spec);

/**
 * engines_n_usable() - How many devices take copies.
 * @s: the set.
 */
unsigned int engines_n_usable(const struct engines *s);

#endif
