/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside a struct migoff: the varlink connection, which stands for the daemon's life, and the ring.
 */
#ifndef MIGOFF_LIBMIGOFF_CLIENT_H
#define MIGOFF_LIBMIGOFF_CLIENT_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-varlink.h>

#include "migoff.h"
#include "ring.h"
#include "span.h"

/* A request between migoff_submit() and migoff_reap(); @id 0: the slot is free. */
struct flight {
	uint64_t id;
	uint64_t cookie;
	int *status;
	uint64_t status_off;
	uint64_t n_status;
	struct migoff_extent *extents;
	uint64_t extents_off;
	uint64_t n_extents;
	struct span span;
};

struct migoff {
	char *path;
	sd_varlink *link;
	int link_fd;	/* the link's own */
	int submit_fd;
	int done_fd;
	int epoll_fd;	/* readable when done_fd is, or the link is gone */
	struct ring_head *ring;
	size_t ring_len;
	char *data;
	uint64_t data_len;
	uint32_t submit_tail;	/* what we believe, not what is in the ring */
	uint32_t done_head;
	uint64_t last_id;
	uint32_t n_slots;
	bool lost;
	bool silenced;		/* epoll_fd watches nothing any more */
	struct span_pool spans;
	struct flight flights[RING_N_SLOTS];
	struct migoff_target *targets;
};

struct migoff_target {
	struct migoff *m;
	struct migoff_target *next;
	uint32_t id;
	int error;	/* why a new daemon did not take it; 0 */
	pid_t pid;
	int pidfd;
	int pagemap_fd;
};

/**
 * client_lost() - Whether the daemon has gone.
 * @m: the connection.
 */
bool client_lost(struct migoff *m);

/**
 * client_silence() - A daemon that has gone has nothing more to say: migoff_fd() is not readable any more.
 * @m: the connection.
 */
void client_silence(struct migoff *m);

#endif
