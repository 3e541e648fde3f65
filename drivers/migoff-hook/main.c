// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module and its device. One opener at a time: whoever has it open with an engine can read and write
 * the memory of every process that it may name.
 */
#include <linux/memory.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/suspend.h>
#include <linux/vmalloc.h>

#include "migoff.h"

struct workqueue_struct *migoff_wq;

/* Who has the device open, or NULL. */
static struct session *session;
static DEFINE_MUTEX(session_lock);

static int migoff_open(struct inode *inode, struct file *file)
{
	struct session *s;

	guard(mutex)(&session_lock);
	if (session)
		return -EBUSY;
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	mutex_init(&s->setup_lock);
	s->mm = current->mm;
	mmgrab(s->mm);
	file->private_data = s;
	session = s;
	count(live_sessions, 1);
	return 0;
}

/* All commands have completed: each has a reference on the file. */
static int migoff_release(struct inode *inode, struct file *file)
{
	struct session *s = file->private_data;

	guard(mutex)(&session_lock);
	if (s->ready) {
		finish_all(s, MIGOFF_END_NONE);
		setup_done(s);
	}
	session = NULL;
	mmdrop(s->mm);
	mutex_destroy(&s->setup_lock);
	kfree(s);
	count(live_sessions, -1);
	return 0;
}

static long migoff_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != MIGOFF_IOC_SETUP)
		return -ENOTTY;
	return setup_session(file->private_data, (struct migoff_setup __user *)arg);
}

/* An area that outlived the opener in a child would keep the file from being released. */
static int migoff_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct session *s = file->private_data;
	unsigned long pages, index;

	if (!smp_load_acquire(&s->ready)) /* pairs with setup_session() */
		return -ENXIO;
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EPERM;
	pages = s->area_len >> PAGE_SHIFT;
	index = vma->vm_pgoff / pages;
	if (vma->vm_pgoff % pages || index >= s->n_slots ||
	    vma->vm_end - vma->vm_start > s->area_len)
		return -EINVAL;
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYWRITE | VM_MAYEXEC);
	return remap_vmalloc_range(vma, s->slots[index].area, 0);
}

static const struct file_operations migoff_fops = {
	.owner = THIS_MODULE,
	.open = migoff_open,
	.release = migoff_release,
	.unlocked_ioctl = migoff_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = migoff_mmap,
	.uring_cmd = uring_cmd,
};

struct miscdevice migoff_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "migoff",
	.fops = &migoff_fops,
	.groups = migoff_counter_groups,
	.mode = 0600,
};

/* Locked folios would stop the freezer, and the engines lose their mappings while the system sleeps. */
static int migoff_pm(struct notifier_block *nb, unsigned long event, void *data)
{
	bool suspended = event == PM_SUSPEND_PREPARE || event == PM_HIBERNATION_PREPARE ||
			 event == PM_RESTORE_PREPARE;

	guard(mutex)(&session_lock);
	if (!session || !smp_load_acquire(&session->ready)) /* pairs with setup_session() */
		return NOTIFY_DONE;
	WRITE_ONCE(session->suspended, suspended);
	if (suspended)
		finish_all(session, MIGOFF_END_SYSTEM);
	pool_stop(session->pool, NUMA_NO_NODE, POOL_STOP_SLEEP, suspended);
	return NOTIFY_OK;
}

/* Memory that goes offline has to be free: folios of a batch, or the pool, cannot be moved out of it. */
static int migoff_memory(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct memory_notify *memory = data;
	int node = pfn_to_nid(memory->start_pfn);

	if (event != MEM_GOING_OFFLINE && event != MEM_CANCEL_OFFLINE && event != MEM_OFFLINE)
		return NOTIFY_DONE;
	guard(mutex)(&session_lock);
	if (!session || !smp_load_acquire(&session->ready)) /* pairs with setup_session() */
		return NOTIFY_DONE;
	pool_stop(session->pool, node, POOL_STOP_OFFLINE, event == MEM_GOING_OFFLINE);
	if (event == MEM_GOING_OFFLINE)
		finish_all(session, MIGOFF_END_SYSTEM);
	return NOTIFY_OK;
}

static struct notifier_block pm_notifier = { .notifier_call = migoff_pm };
static struct notifier_block memory_notifier = { .notifier_call = migoff_memory };

/* It does no harm to what was not registered. */
static void unprepare(void)
{
	unregister_memory_notifier(&memory_notifier);
	unregister_pm_notifier(&pm_notifier);
	destroy_workqueue(migoff_wq);
}

static int __init migoff_init(void)
{
	int r;

	r = resolve_symbols();
	if (r)
		return r;
	migoff_wq = alloc_workqueue("migoff", WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	if (!migoff_wq)
		return -ENOMEM;
	r = register_pm_notifier(&pm_notifier) ?: register_memory_notifier(&memory_notifier) ?:
	    misc_register(&migoff_misc);
	if (r)
		unprepare();
	return r;
}

static void __exit migoff_exit(void)
{
	misc_deregister(&migoff_misc);
	unprepare();
}

module_init(migoff_init);
module_exit(migoff_exit);

MODULE_DESCRIPTION("Lets a user-space DMA engine copy the pages that move between NUMA nodes");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL");
