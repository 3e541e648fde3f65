/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon for tests: a child that speaks io.migoff and the ring, moves nothing, and behaves or
 * misbehaves as it is told.
 */
#ifndef MIGOFF_TESTS_FAKE_H
#define MIGOFF_TESTS_FAKE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "ring.h"

#define FAKE_MAX_REQUESTS 64
#define FAKE_MAX_RANGES	64

enum fake_mode {
	FAKE_MOVE,		/* every page is said to be on its destination */
	FAKE_ODD_FAIL,		/* every second page is said to be busy */
	FAKE_NOTHING,		/* every page is said to be busy */
	FAKE_HOLD,		/* takes requests, ends them when they are cancelled */
	FAKE_STALL,		/* takes requests and does nothing, cancelled or not */
	FAKE_DIE,		/* exits at the first request */
	FAKE_MOVE_AND_DIE,	/* ends the first request and exits */
	FAKE_GARBAGE,		/* says that a slot which does not exist is done */
	FAKE_ERROR,		/* ends requests with @error */
	FAKE_REFUSE_ATTACH,
	FAKE_REFUSE_TARGET,
	FAKE_VERSION,		/* another layout of the ring */
};

/* What the child was asked for. */
struct fake_request {
	struct ring_request request;
	struct ring_range ranges[FAKE_MAX_RANGES];
};

/* Shared with the child. */
struct fake_log {
	_Atomic int mode;
	_Atomic int error;
	_Atomic unsigned int n_attach;
	_Atomic unsigned int n_open;
	_Atomic unsigned int n_close;
	_Atomic unsigned int n_gone;	/* clients that went */
	_Atomic unsigned int n_requests;
	struct fake_request requests[FAKE_MAX_REQUESTS];
};

struct fake {
	pid_t pid;
	char path[64];
	struct fake_log *log;
};

/**
 * fake_start() - Start the daemon; MIGOFF_SOCKET names it from now on.
 * @f: filled.
 * @mode: how it behaves.
 * @ready: of the ring's head.
 * @min_request: of the ring's head.
 */
void fake_start(struct fake *f, enum fake_mode mode, uint32_t ready, uint64_t min_request);

/**
 * fake_restart() - Kill it and start it anew, at the same place.
 * @f: the daemon; its log goes on.
 * @mode: how it behaves from now on.
 */
void fake_restart(struct fake *f, enum fake_mode mode);

/**
 * fake_stop() - End it, if it has not ended itself.
 * @f: the daemon.
 */
void fake_stop(struct fake *f);

#endif
