// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose memory a PREPARE is about, and the proof that it may be moved.
 *
 * Opening /proc/PID/pagemap is the check that move_pages(2) makes (PTRACE_MODE_READ), and the open file
 * is bound to an address space, not to a process: the kernel keeps that in its private_data. So the
 * file is the proof, as long as it names the address space that the target has now.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/memcontrol.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>

#include "migoff.h"

/* The file operations are not exported; an inode of pidfs has the struct pid in i_private. */
static struct task_struct *pidfd_task(int fd)
{
	struct task_struct *task;
	struct inode *inode;

	CLASS(fd, f)(fd);
	if (fd_empty(f))
		return ERR_PTR(-EBADF);
	inode = file_inode(fd_file(f));
	if (inode->i_sb->s_magic != PID_FS_MAGIC || !S_ISREG(inode->i_mode))
		return ERR_PTR(-EBADF);
	task = get_pid_task(inode->i_private, PIDTYPE_TGID);
	return task ?: ERR_PTR(-ESRCH);
}

/* @mm is compared, not used: the file's own reference keeps it from being another one meanwhile. */
static int pagemap_proves(struct session *s, int fd, struct mm_struct *mm)
{
	CLASS(fd, f)(fd);
	if (fd_empty(f) || fd_file(f)->f_op != s->pagemap_fops)
		return -EBADF;
	return fd_file(f)->private_data == mm ? 0 : -EPERM;
}

/*
 * A number that is, in all likelihood, the same for no two pairs of a memory control group and a user. Both
 * outlive the process, so that what has its content needs no reference on either.
 */
static u64 owner_of(const struct session *s, struct task_struct *task, struct mm_struct *mm)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(mm);
	u64 owner = siphash_2u64(mem_cgroup_id(memcg), __kuid_val(task_cred_xxx(task, euid)),
				 &s->owner_key);

	mem_cgroup_put(memcg);
	return owner == NOBODY ? owner + 1 : owner;
}

static int task_get_mm(struct session *s, int pagemap_fd, struct task_struct *task,
		       struct mm_struct **ret_mm, u64 *ret_owner)
{
	struct mm_struct *mm;
	int r = -EPERM;

	if (task->flags & PF_KTHREAD || is_global_init(task))
		return -EPERM;
	mm = get_task_mm(task);
	if (!mm)
		return -ESRCH;
	if (mm != s->mm && mm != current->mm)
		r = pagemap_proves(s, pagemap_fd, mm);
	if (r) {
		mmput_async(mm);
		return r;
	}
	count(live_mms, 1);
	*ret_mm = mm;
	*ret_owner = owner_of(s, task, mm);
	return 0;
}

/**
 * target_get_mm() - Find the target's address space, and check that it may be moved.
 * @s: the session.
 * @p: names the target, by pidfd, and has the proof.
 * @ret_mm: the address space, to be dropped by mmput_async(): this thread must not be the one that
 *	tears it down.
 * @ret_owner: whose content is in it.
 *
 * Return: 0; -EBADF for descriptors of another kind, -ESRCH when the target is gone, -EPERM for
 * kernel threads, init, the opener itself, or when the proof is of another address space.
 */
int target_get_mm(struct session *s, const struct migoff_prepare *p, struct mm_struct **ret_mm,
		  u64 *ret_owner)
{
	struct task_struct *task = pidfd_task(p->pidfd);
	int r;

	if (IS_ERR(task))
		return PTR_ERR(task);
	r = task_get_mm(s, p->pagemap_fd, task, ret_mm, ret_owner);
	put_task_struct(task);
	return r;
}
