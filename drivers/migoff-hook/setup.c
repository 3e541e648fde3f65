// SPDX-License-Identifier: GPL-2.0-only
/*
 * SETUP: which engines, proven to be what they are said to be, and which part of their address spaces is
 * ours. iommu_map() checks nothing, so all that can be wrong with a window is looked at here.
 */
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/pci.h>
#include <linux/random.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/vmalloc.h>

#include "migoff.h"

#define DEADLINE_MAX_NS		(10ULL * NSEC_PER_SEC)
#define POOL_AGE_MIN_NS		NSEC_PER_MSEC
#define POOL_AGE_MAX_NS		(3600ULL * NSEC_PER_SEC)
#define EXTENTS_MIN		16
#define EXTENTS_MAX		65536
#define WINDOW_ALIGN		SZ_4M
#define HALF_ALIGN		SZ_2M

/*
 * A VFIO device file has a struct vfio_device_file, private to VFIO, whose first member points to the
 * struct vfio_device; and that is the first member of what vfio-pci keeps as the driver data of the
 * PCI device. Both pointers are compared and nothing else: what does not fit is refused.
 */
static bool file_is_of(struct file *file, struct pci_dev *pdev)
{
	struct device_driver *driver = READ_ONCE(pdev->dev.driver);
	const struct vfio_device *device = dev_get_drvdata(&pdev->dev);
	struct vfio_device *const *of_file = file->private_data;

	if (!driver || strcmp(driver->name, "vfio-pci") || !device || !of_file)
		return false;
	return *of_file == device && device->dev == &pdev->dev;
}

/* All that is promised about a domain; the aperture and the rest of the window come later. */
static bool domain_usable(struct pci_dev *pdev, struct iommu_domain *domain)
{
	return domain && domain->type == IOMMU_DOMAIN_UNMANAGED &&
	       domain->pgsize_bitmap & PAGE_SIZE &&
	       device_iommu_capable(&pdev->dev, IOMMU_CAP_CACHE_COHERENCY);
}

static int window_avoids_reserved(struct device *dev, const struct migoff_setup *arg)
{
	struct iommu_group *group = iommu_group_get(dev);
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int r;

	if (!group)
		return -ENXIO;
	r = iommu_get_group_resv_regions(group, &regions);
	iommu_group_put(group);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (region->type != IOMMU_RESV_DIRECT_RELAXABLE &&
		    arg->window_iova < region->start + region->length &&
		    region->start < arg->window_iova + arg->window_len)
			r = -EADDRINUSE;
		kfree(region);
	}
	return r;
}

static int window_fits(struct iommu_domain *domain, const struct migoff_setup *arg)
{
	const struct iommu_domain_geometry *g = &domain->geometry;
	u64 at;

	if (g->force_aperture && (arg->window_iova < g->aperture_start ||
				  arg->window_iova + arg->window_len - 1 > g->aperture_end))
		return -ERANGE;
	for (at = 0; at < arg->window_len; at += PAGE_SIZE) {
		if (iommu_iova_to_phys(domain, arg->window_iova + at))
			return -EADDRINUSE;
		if (at % SZ_16M == 0)
			cond_resched();
	}
	return 0;
}

static int add_domain(struct session *s, struct iommu_domain *domain,
		      const struct migoff_setup *arg)
{
	u32 i;
	int r;

	for (i = 0; i < s->n_domains; i++)
		if (s->domains[i] == domain)
			return 0;
	r = window_fits(domain, arg);
	if (r)
		return r;
	s->domains[s->n_domains++] = domain;
	return 0;
}

static int engine_check(struct session *s, struct file *file, struct pci_dev *pdev,
			const struct migoff_setup *arg)
{
	struct iommu_domain *domain;

	if (!vfio_file_is_valid(file) || vfio_file_is_group(file))
		return -EBADF;
	if (!file_is_of(file, pdev))
		return -EPERM;
	domain = iommu_get_domain_for_dev(&pdev->dev);
	if (!domain_usable(pdev, domain))
		return -ENXIO;
	return window_avoids_reserved(&pdev->dev, arg) ?: add_domain(s, domain, arg);
}

/* The open device file keeps the container, and so the domain, as it is. */
static int engine_add(struct session *s, const struct migoff_device *d,
		      const struct migoff_setup *arg)
{
	struct pci_dev *pdev;
	struct file *file;
	int r;

	file = fget(d->fd);
	if (!file)
		return -EBADF;
	pdev = pci_get_domain_bus_and_slot(d->segment, d->bus, d->devfn);
	r = pdev ? engine_check(s, file, pdev, arg) : -ENODEV;
	pci_dev_put(pdev);
	if (r) {
		fput(file);
		return r;
	}
	s->vfio[s->n_vfio++] = file;
	count(live_vfio_files, 1);
	return 0;
}

static bool window_valid(const struct migoff_setup *arg)
{
	u64 half = arg->window_len / arg->n_slots / 2, end;

	if (!arg->n_devices)
		return !arg->window_iova && !arg->window_len;
	return IS_ALIGNED(arg->window_iova, WINDOW_ALIGN) && half && half % HALF_ALIGN == 0 &&
	       half * 2 * arg->n_slots == arg->window_len &&
	       !check_add_overflow(arg->window_iova, arg->window_len, &end);
}

static bool pool_valid(const struct migoff_setup *arg)
{
	if (!arg->pool_bytes)
		return !arg->pool_age_ns && !(arg->flags & MIGOFF_SETUP_POOL_SHARED);
	return arg->pool_age_ns >= POOL_AGE_MIN_NS && arg->pool_age_ns <= POOL_AGE_MAX_NS;
}

static bool setup_valid(const struct migoff_setup *arg)
{
	const u32 verify = MIGOFF_SETUP_VERIFY_SAMPLED | MIGOFF_SETUP_VERIFY_FULL;
	const u32 flags = verify | MIGOFF_SETUP_EXPIRE_COPY | MIGOFF_SETUP_POOL_SHARED;

	return !(arg->flags & ~flags) && (arg->flags & verify) != verify &&
	       arg->n_devices <= MIGOFF_MAX_DEVICES && arg->n_workers <= MIGOFF_MAX_SLOTS &&
	       arg->n_slots && arg->n_slots <= MIGOFF_MAX_SLOTS &&
	       arg->n_extents >= EXTENTS_MIN && arg->n_extents <= EXTENTS_MAX &&
	       arg->deadline_ns && arg->deadline_ns <= DEADLINE_MAX_NS &&
	       !arg->reserved0 && !memchr_inv(arg->reserved, 0, sizeof(arg->reserved)) &&
	       !arg->ret_area_len && !arg->ret_max_batch && pool_valid(arg) && window_valid(arg);
}

/* Our own pagemap tells the file operations that all of them have. */
static int learn_pagemap(struct session *s)
{
	struct file *file = filp_open("/proc/self/pagemap", O_RDONLY, 0);
	int r = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (file_inode(file)->i_sb->s_magic == PROC_SUPER_MAGIC && file->private_data == current->mm)
		s->pagemap_fops = file->f_op;
	else
		r = -ENXIO;
	filp_close(file, NULL);
	return r;
}

/* What it has got when this fails is freed by setup_done(). */
static int slot_init(struct session *s, u32 index)
{
	struct slot *slot = &s->slots[index];

	mutex_init(&slot->lock);
	slot->session = s;
	slot->index = index;
	INIT_WORK(&slot->finish_work, uring_finish);
	INIT_WORK(&slot->expire_work, finish_expire);
	hrtimer_setup(&slot->deadline, finish_deadline, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	slot->area = vmalloc_user(s->area_len);
	slot->extents = kvcalloc(s->n_extents, sizeof(*slot->extents), GFP_KERNEL_ACCOUNT);
	slot->folios = kvcalloc(s->n_extents, sizeof(*slot->folios), GFP_KERNEL_ACCOUNT);
	slot->verdicts = kvcalloc(s->n_extents, sizeof(*slot->verdicts), GFP_KERNEL_ACCOUNT);
	return slot->area && slot->extents && slot->folios && slot->verdicts ? 0 : -ENOMEM;
}

static void slot_done(struct slot *slot)
{
	hrtimer_cancel(&slot->deadline);
	cancel_work_sync(&slot->expire_work);
	vfree(slot->area);
	kvfree(slot->extents);
	kvfree(slot->folios);
	kvfree(slot->verdicts);
	mutex_destroy(&slot->lock);
}

static int make_slots(struct session *s, u32 n)
{
	int r = 0;

	s->slots = kvcalloc(n, sizeof(*s->slots), GFP_KERNEL_ACCOUNT);
	if (!s->slots)
		return -ENOMEM;
	while (s->n_slots < n && !r)
		r = slot_init(s, s->n_slots++);
	return r;
}

static int make_copy_queue(struct session *s, u32 n_workers)
{
	u32 n = n_workers ?: min_t(u32, num_online_cpus(), MIGOFF_DEFAULT_WORKERS);

	s->copy_wq = alloc_workqueue("migoff-copy", WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM, n);
	return s->copy_wq ? 0 : -ENOMEM;
}

static int make_session(struct session *s, struct migoff_setup *arg)
{
	u32 i;
	int r;

	get_random_bytes(&s->owner_key, sizeof(s->owner_key));
	s->flags = arg->flags;
	s->deadline_ns = arg->deadline_ns;
	s->n_extents = arg->n_extents;
	s->area_len = PAGE_ALIGN(sizeof(struct migoff_batch_info) +
				 arg->n_extents * sizeof(struct migoff_extent));
	s->window_iova = arg->window_iova;
	s->half = arg->window_len / arg->n_slots / 2;
	s->max_batch = arg->n_devices ? s->half : BATCH_MAX_BYTES;
	r = learn_pagemap(s);
	for (i = 0; i < arg->n_devices && !r; i++)
		r = engine_add(s, &arg->devices[i], arg);
	return r ?: make_copy_queue(s, arg->n_workers) ?: pool_new(arg, &s->pool) ?:
	       make_slots(s, arg->n_slots);
}

static int read_setup(struct migoff_setup *arg, struct migoff_setup __user *uarg)
{
	if (copy_from_user(arg, uarg, sizeof(*arg)))
		return -EFAULT;
	if (arg->abi != MIGOFF_ABI_VERSION) {
		if (put_user(MIGOFF_ABI_VERSION, &uarg->abi))
			return -EFAULT;
		return -EPROTONOSUPPORT;
	}
	return arg->size == sizeof(*arg) && setup_valid(arg) ? 0 : -EINVAL;
}

/**
 * setup_session() - MIGOFF_IOC_SETUP.
 * @s: a session that is not set up; nothing is kept when it fails.
 * @uarg: struct migoff_setup of the opener.
 *
 * Return: 0; -EBUSY when it is set up already; -EBADF for a file that is no VFIO device, -ENODEV when
 * there is no such PCI device, -EPERM when the file is of another one; -ENXIO for a domain that
 * cannot be used; -ERANGE or -EADDRINUSE for the window; -EINVAL, -EFAULT, -ENOMEM.
 */
int setup_session(struct session *s, struct migoff_setup __user *uarg)
{
	struct migoff_setup arg;
	int r;

	r = read_setup(&arg, uarg);
	if (r)
		return r;
	guard(mutex)(&s->setup_lock);
	if (s->ready)
		return -EBUSY;
	r = make_session(s, &arg);
	arg.ret_area_len = s->area_len;
	arg.ret_max_batch = s->max_batch;
	if (!r && copy_to_user(uarg, &arg, sizeof(arg)))
		r = -EFAULT;
	if (r) {
		setup_done(s);
		return r;
	}
	smp_store_release(&s->ready, true); /* pairs with all who look at it */
	return 0;
}

/**
 * setup_done() - Undo setup_session().
 * @s: the session, also half set up; no batch is out and no command on its way. The VFIO files go last,
 *	for the domains live no longer than they.
 */
void setup_done(struct session *s)
{
	while (s->n_slots)
		slot_done(&s->slots[--s->n_slots]);
	kvfree(s->slots);
	s->slots = NULL;
	pool_free(s->pool);
	s->pool = NULL;
	if (s->copy_wq)
		destroy_workqueue(s->copy_wq);
	s->copy_wq = NULL;
	s->n_domains = 0;
	while (s->n_vfio) {
		fput(s->vfio[--s->n_vfio]);
		count(live_vfio_files, -1);
	}
}
