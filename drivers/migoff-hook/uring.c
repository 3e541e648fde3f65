// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands. PREPARE can wait (for memory, for the target's lock), so it is run by io_uring's
 * workers. COMMIT and ABORT are never queued behind it: their arguments are copied when they are
 * issued, and the rest happens on the module's own workqueues.
 *
 * None is cancelable, because each completes by itself in bounded time.
 */
#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "migoff.h"

static atomic64_t last_batch;

static struct slot *find_slot(struct session *s, u32 index)
{
	return index < s->n_slots ? &s->slots[array_index_nospec(index, s->n_slots)] : NULL;
}

static int check_prepare(const struct session *s, const struct migoff_prepare *p)
{
	const u32 flags = MIGOFF_PREPARE_MOVE_ALL | MIGOFF_PREPARE_WHOLE;
	u32 n_ranges = p->flags & MIGOFF_PREPARE_WHOLE ? 1 : p->n_ranges;

	if (p->size != sizeof(*p) || p->flags & ~flags ||
	    memchr_inv(p->reserved, 0, sizeof(p->reserved)) ||
	    (p->flags & MIGOFF_PREPARE_WHOLE ? p->n_ranges || p->ranges : !p->n_ranges) ||
	    p->cursor_range > n_ranges || p->min_order > MAX_PAGE_ORDER ||
	    p->deadline_ns > s->deadline_ns)
		return -EINVAL;
	if (p->to_node < 0 || p->to_node >= MAX_NUMNODES || !node_state(p->to_node, N_MEMORY))
		return -ENODEV;
	return 0;
}

static int prepare_batch(struct slot *slot, const struct migoff_prepare *p)
{
	struct mm_struct *mm;
	int r;

	r = target_get_mm(slot->session, p, &mm, &slot->owner);
	if (r)
		return r;
	memset(&slot->info, 0, sizeof(slot->info));
	slot->info.batch = atomic64_inc_return(&last_batch);
	slot->n_folios = 0;
	slot->n_planned = 0;
	r = look(slot, p, mm);
	mmput_async(mm);
	count(live_mms, -1);
	if (r)
		return r;
	take(slot, p);
	if (slot->info.n_taken) {
		count(prepared, 1);
		count(live_batches, 1);
		slot->state = SLOT_OUT;
	} else {
		finish_nothing(slot);
	}
	finish_publish(slot);
	return slot->info.n_taken;
}

static int prepare(struct session *s, const void __user *arg)
{
	struct migoff_prepare p;
	struct slot *slot;
	int r;

	if (copy_from_user(&p, arg, sizeof(p)))
		return -EFAULT;
	r = check_prepare(s, &p);
	if (r)
		return r;
	if (!memchr_inv(p.from_nodes, 0, sizeof(p.from_nodes)))
		memset(p.from_nodes, 0xff, sizeof(p.from_nodes));
	slot = find_slot(s, p.slot);
	if (!slot)
		return -EINVAL;
	guard(mutex)(&slot->lock);
	if (slot->state != SLOT_IDLE || READ_ONCE(s->suspended))
		return -EBUSY;
	return prepare_batch(slot, &p);
}

static void complete_in_task(struct io_tw_req tw_req, io_tw_token_t tw)
{
	struct io_uring_cmd *cmd = io_uring_cmd_from_tw(tw_req);

	io_uring_cmd_done(cmd, *io_uring_cmd_to_pdu(cmd, int), IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);
}

/**
 * uring_finish() - The work of a COMMIT or ABORT.
 * @work: slot->finish_work.
 */
void uring_finish(struct work_struct *work)
{
	struct slot *slot = container_of(work, struct slot, finish_work);
	struct io_uring_cmd *cmd = slot->finish.cmd;
	u64 began_ns;
	int r;

	mutex_lock(&slot->lock);
	/* The worker's time is nobody's; whoever counts what moving costs has it from here. */
	began_ns = ktime_get_ns();
	r = finish_by_daemon(slot);
	count(finish_ns, ktime_get_ns() - began_ns);
	mutex_unlock(&slot->lock);
	/* From here on the daemon may send the next one. */
	clear_bit_unlock(0, &slot->finishing);
	*io_uring_cmd_to_pdu(cmd, int) = r;
	io_uring_cmd_complete_in_task(cmd, complete_in_task);
}

static int check_finish(const struct session *s, const struct migoff_finish *f, bool commit)
{
	if (f->size != sizeof(*f) || f->reserved0 || f->reserved[0] || f->reserved[1] ||
	    f->n_verdicts > s->n_extents || (!commit && (f->verdicts || f->n_verdicts)))
		return -EINVAL;
	return 0;
}

static int start_finish(struct session *s, struct io_uring_cmd *cmd, const void __user *arg,
			bool commit)
{
	struct migoff_finish f;
	struct slot *slot;
	bool copies;
	int r;

	if (copy_from_user(&f, arg, sizeof(f)))
		return -EFAULT;
	r = check_finish(s, &f, commit);
	if (r)
		return r;
	slot = find_slot(s, f.slot);
	if (!slot)
		return -EINVAL;
	if (test_and_set_bit_lock(0, &slot->finishing))
		return -EBUSY;
	if (copy_from_user(slot->verdicts, u64_to_user_ptr(f.verdicts), f.n_verdicts)) {
		clear_bit_unlock(0, &slot->finishing);
		return -EFAULT;
	}
	slot->finish = (struct finish_request){
		.cmd = cmd, .batch = f.batch, .n_verdicts = f.n_verdicts, .commit = commit,
	};
	copies = memchr(slot->verdicts, MIGOFF_VERDICT_CPU, f.n_verdicts);
	queue_work(copies ? s->copy_wq : migoff_wq, &slot->finish_work);
	return -EIOCBQUEUED;
}

/**
 * uring_cmd() - Take up a command.
 * @cmd: the command.
 * @issue_flags: how it is issued.
 *
 * Return: its result, -EIOCBQUEUED, or -EAGAIN to be called again by one of io_uring's workers.
 */
int uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	const struct migoff_cmd *c = io_uring_sqe_cmd(cmd->sqe, struct migoff_cmd);
	struct session *s = cmd->file->private_data;
	const void __user *arg = u64_to_user_ptr(READ_ONCE(c->arg));

	if (READ_ONCE(c->reserved) || issue_flags & IO_URING_F_COMPAT)
		return -EINVAL;
	if (!smp_load_acquire(&s->ready)) /* pairs with setup_session() */
		return -ENXIO;
	switch (cmd->cmd_op) {
	case MIGOFF_CMD_PREPARE:
		if (issue_flags & IO_URING_F_NONBLOCK)
			return -EAGAIN;
		return prepare(s, arg);
	case MIGOFF_CMD_COMMIT:
	case MIGOFF_CMD_ABORT:
		return start_finish(s, cmd, arg, cmd->cmd_op == MIGOFF_CMD_COMMIT);
	default:
		return -ENOTTY;
	}
}
