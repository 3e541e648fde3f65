// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For hook-unmap only: takes a page out of a device's IOMMU domain behind the back of who mapped it. So
 * an unmap of that stops early, which nothing else can bring about.
 *
 *	/sys/module/migoff_hole/parameters/
 *	at	written: "0000:00:05.0 IOVA", in hex: a page; read: its frame number in hex, 0 if not mapped
 *	punch	written: 1: take that page out
 */
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>

static u32 bdf[4];
static u64 iova;
static DEFINE_MUTEX(lock);

/* Has a reference on the device, and with it the domain, for as long as the test keeps it open. */
static int with_domain(int (*fn)(struct iommu_domain *domain, char *buffer), char *buffer)
{
	struct pci_dev *pdev = pci_get_domain_bus_and_slot(bdf[0], bdf[1],
							   PCI_DEVFN(bdf[2], bdf[3]));
	struct iommu_domain *domain = pdev ? iommu_get_domain_for_dev(&pdev->dev) : NULL;
	int r = domain && domain->type == IOMMU_DOMAIN_UNMANAGED ? fn(domain, buffer) : -ENODEV;

	pci_dev_put(pdev);
	return r;
}

static int print_frame(struct iommu_domain *domain, char *buffer)
{
	return sysfs_emit(buffer, "%llx\n",
			  (u64)iommu_iova_to_phys(domain, iova) >> PAGE_SHIFT);
}

static int unmap_page(struct iommu_domain *domain, char *buffer)
{
	return iommu_unmap(domain, iova, PAGE_SIZE) == PAGE_SIZE ? 0 : -EINVAL;
}

static int at_set(const char *value, const struct kernel_param *kp)
{
	guard(mutex)(&lock);
	return sscanf(value, "%x:%x:%x.%x %llx", &bdf[0], &bdf[1], &bdf[2], &bdf[3], &iova) == 5 ?
		0 : -EINVAL;
}

static int at_get(char *buffer, const struct kernel_param *kp)
{
	guard(mutex)(&lock);
	return with_domain(print_frame, buffer);
}

static int punch_set(const char *value, const struct kernel_param *kp)
{
	guard(mutex)(&lock);
	return with_domain(unmap_page, NULL);
}

static const struct kernel_param_ops at_ops = { .set = at_set, .get = at_get };
static const struct kernel_param_ops punch_ops = { .set = punch_set };

module_param_cb(at, &at_ops, NULL, 0600);
module_param_cb(punch, &punch_ops, NULL, 0200);

MODULE_DESCRIPTION("Makes holes in the IOMMU domain of a device, to test who has to live with them");
MODULE_LICENSE("GPL");
