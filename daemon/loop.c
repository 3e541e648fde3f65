/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "clock.h"


int loop_init(struct loop *l, unsigned int entries)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP,
	};

	l->n_armed = 0;
	return io_uring_queue_init_params(entries, &l->ring, &params);
}

void loop_fini(struct loop *l)
{
	assert(l->n_armed == 0);
	io_uring_queue_exit(&l->ring);
}

/* When the queue is full the kernel is given what is in it, which empties it. */
static struct io_uring_sqe *loop_sqe(struct loop *l)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&l->ring)))
		io_uring_submit_and_get_events(&l->ring);
	return sqe;
}

static struct io_uring_sqe *loop_begin(struct loop *l, struct loop_op *op)
{
	struct io_uring_sqe *sqe = loop_sqe(l);

	assert(!op->armed && op->done);
	op->armed = true;
	l->n_armed++;
	return sqe;
}

void loop_arm_poll(struct loop *l, struct loop_op *op, int fd, unsigned int events)
{
	struct io_uring_sqe *sqe = loop_begin(l, op);

	io_uring_prep_poll_add(sqe, fd, events);
	io_uring_sqe_set_data(sqe, op);
}

void loop_arm_write(struct loop *l, struct loop_op *op, int fd, const void *data, unsigned int len)
{
	struct io_uring_sqe *sqe = loop_begin(l, op);

	io_uring_prep_write(sqe, fd, data, len, 0);
	io_uring_sqe_set_data(sqe, op);
}

void loop_arm_command(struct loop *l, struct loop_op *op, int fd, uint32_t command,
		      const void *payload, size_t len)
{
	struct io_uring_sqe *sqe = loop_begin(l, op);

	assert(len <= sizeof(struct io_uring_sqe) - offsetof(struct io_uring_sqe, cmd));
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = command;
	memcpy(sqe->cmd, payload, len);
	io_uring_sqe_set_data(sqe, op);
}

void loop_arm_timer(struct loop *l, struct loop_timer *timer, uint64_t at_ns)
{
	struct io_uring_sqe *sqe = loop_begin(l, &timer->op);

	timer->ts.tv_sec = (long long)(at_ns / NSEC_PER_SEC);
	timer->ts.tv_nsec = (long long)(at_ns % NSEC_PER_SEC);
	io_uring_prep_timeout(sqe, &timer->ts, 0, IORING_TIMEOUT_ABS);
	io_uring_sqe_set_data(sqe, &timer->op);
}

void loop_cancel(struct loop *l, struct loop_op *op)
{
	struct io_uring_sqe *sqe;

	if (!op->armed)
		return;
	sqe = loop_sqe(l);
	io_uring_prep_cancel(sqe, op, 0);
	/* Nobody waits for the cancelling itself; what counts is the op's own end. */
	io_uring_sqe_set_data(sqe, NULL);
}

void loop_flush(struct loop *l)
{
	/* What it refuses is submitted by the next round. */
	if (io_uring_sq_ready(&l->ring))
		io_uring_submit(&l->ring);
}

static void loop_dispatch(struct loop *l, struct loop_op *op, int res)
{
	if (!op)
		return;
	assert(op->armed && l->n_armed > 0);
	op->armed = false;
	l->n_armed--;
	op->done(op, res);
}

int loop_round(struct loop *l)
{
	struct io_uring_cqe *cqe;
	unsigned int n;
	int r;

	assert(l->n_armed > 0);
	r = io_uring_submit_and_wait(&l->ring, 1);
	if (r < 0 && r != -EINTR && r != -EAGAIN && r != -EBUSY && r != -ETIME)
		return r;
	for (n = io_uring_cq_ready(&l->ring); n > 0; n--) {
		struct loop_op *op;

		if (io_uring_peek_cqe(&l->ring, &cqe) < 0)
			break;
		op = io_uring_cqe_get_data(cqe);
		r = cqe->res;
		io_uring_cqe_seen(&l->ring, cqe);
		loop_dispatch(l, op, r);
	}
	return 0;
}
