/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pci.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

/* An imitation of sysfs, made anew for each test. */
static char root[] = "/tmp/test-pci-XXXXXX";

static void run(const char *fmt, const char *a, const char *b)
{
	char command[3 * PATH_MAX];

	snprintf(command, sizeof(command), fmt, root, a, b);
	EXPECT_EQ(system(command), 0);
}

static void device_make(const char *bdf, const char *driver)
{
	run("mkdir -p %1$s/bus/pci/devices/%2$s && cd %1$s/bus/pci/devices/%2$s && "
	    "echo 0x1000 >vendor && echo 0x0012 >device && echo 0x010000 >class && "
	    "echo 1 >numa_node", bdf, "");
	if (*driver)
		run("mkdir -p %1$s/bus/pci/drivers/%3$s && "
		    "ln -s ../../drivers/%3$s %1$s/bus/pci/devices/%2$s/driver", bdf, driver);
}

static void group_add(const char *bdf, const char *group)
{
	run("mkdir -p %1$s/kernel/iommu_groups/%3$s/devices && "
	    "ln -s ../../../../bus/pci/devices/%2$s %1$s/kernel/iommu_groups/%3$s/devices/%2$s && "
	    "ln -s ../../../../kernel/iommu_groups/%3$s %1$s/bus/pci/devices/%2$s/iommu_group",
	    bdf, group);
}

static void sysfs_wipe(void)
{
	run("rm -rf %1$s/bus %1$s/kernel %1$s/module", "", "");
}

/* Only the full name of a function is one, for it becomes part of a path. */
static void test_bdf(void)
{
	EXPECT_TRUE(pci_bdf_valid("0000:00:05.0"));
	EXPECT_TRUE(pci_bdf_valid("abcd:ef:1f.7"));
	EXPECT_TRUE(!pci_bdf_valid(""));
	EXPECT_TRUE(!pci_bdf_valid("00:05.0"));
	EXPECT_TRUE(!pci_bdf_valid("0000:00:05.0 "));
	EXPECT_TRUE(!pci_bdf_valid("0000:00:05."));
	EXPECT_TRUE(!pci_bdf_valid("0000:00:0G.0"));
	EXPECT_TRUE(!pci_bdf_valid("ABCD:00:05.0"));
	EXPECT_TRUE(!pci_bdf_valid("../../../etc"));
}

/* What sysfs says of a device arrives; what it does not say has its neutral value. */
static void test_facts(void)
{
	struct pci_facts facts;

	device_make("0000:00:05.0", "vfio-pci");
	group_add("0000:00:05.0", "7");
	EXPECT_OK(pci_read_facts(root, "0000:00:05.0", &facts));
	EXPECT_EQ(facts.vendor, 0x1000);
	EXPECT_EQ(facts.device, 0x0012);
	EXPECT_EQ(facts.class_code, 0x010000);
	EXPECT_EQ(facts.node, 1);
	EXPECT_EQ(facts.group, 7);
	EXPECT_STR(facts.driver, "vfio-pci");
	EXPECT_TRUE(facts.vfio);

	device_make("0000:00:06.0", "");
	EXPECT_OK(pci_read_facts(root, "0000:00:06.0", &facts));
	EXPECT_EQ(facts.group, -1);
	EXPECT_STR(facts.driver, "");
	EXPECT_TRUE(!facts.vfio);

	/* A variant of vfio-pci is known by what it makes of the device. */
	device_make("0000:00:07.0", "some-vfio-pci");
	run("mkdir -p %1$s/bus/pci/devices/%2$s/vfio-dev/vfio0", "0000:00:07.0", "");
	EXPECT_OK(pci_read_facts(root, "0000:00:07.0", &facts));
	EXPECT_TRUE(facts.vfio);

	EXPECT_EQ(pci_read_facts(root, "0000:00:08.0", &facts), -ENODEV);
	sysfs_wipe();
}

/* Of a group's devices the one is named that a driver has which does DMA through the kernel. */
static void test_blocker(void)
{
	struct pci_blocker blocker;

	EXPECT_EQ(pci_group_blocker(root, 7, NULL, &blocker), -ENOENT);
	device_make("0000:01:00.0", "vfio-pci");
	device_make("0000:01:00.1", "");
	device_make("0000:01:00.2", "pci-stub");
	device_make("0000:00:1c.0", "pcieport");
	group_add("0000:01:00.0", "7");
	group_add("0000:01:00.1", "7");
	group_add("0000:01:00.2", "7");
	group_add("0000:00:1c.0", "7");
	EXPECT_EQ(pci_group_blocker(root, 7, NULL, &blocker), -ENOENT);

	device_make("0000:01:00.3", "e1000e");
	group_add("0000:01:00.3", "7");
	EXPECT_OK(pci_group_blocker(root, 7, NULL, &blocker));
	EXPECT_STR(blocker.bdf, "0000:01:00.3");
	EXPECT_STR(blocker.driver, "e1000e");
	sysfs_wipe();
}

/* What vfio-pci refuses is known before it is tried, and so is that it was told not to. */
static void test_refused(void)
{
	struct pci_facts dsa = { .vendor = 0x8086, .device = 0x0b25 };
	struct pci_facts newer = { .vendor = 0x8086, .device = 0x11fb };
	struct pci_facts other = { .vendor = 0x1000, .device = 0x0b25 };

	/* Not loaded yet. */
	EXPECT_TRUE(pci_vfio_refuses(root, &dsa));
	run("mkdir -p %1$s/module/vfio_pci/parameters && "
	    "echo N >%1$s/module/vfio_pci/parameters/disable_denylist", "", "");
	EXPECT_TRUE(pci_vfio_refuses(root, &dsa));
	EXPECT_TRUE(!pci_vfio_refuses(root, &newer));
	EXPECT_TRUE(!pci_vfio_refuses(root, &other));
	run("echo Y >%1$s/module/vfio_pci/parameters/disable_denylist", "", "");
	EXPECT_TRUE(!pci_vfio_refuses(root, &dsa));
	sysfs_wipe();
}

/* One that is listed and does not answer is told from those that do, or of which that is not known. */
static void test_gone(void)
{
	device_make("0000:00:05.0", "vfio-pci");
	EXPECT_TRUE(!pci_is_gone(root, "0000:00:05.0"));
	run("printf '\\377\\377\\377\\377\\000\\000\\020\\000\\001\\000\\200\\010' "
	    ">%1$s/bus/pci/devices/%2$s/config", "0000:00:05.0", "");
	EXPECT_TRUE(!pci_is_gone(root, "0000:00:05.0"));
	run("printf '\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377' "
	    ">%1$s/bus/pci/devices/%2$s/config", "0000:00:05.0", "");
	EXPECT_TRUE(pci_is_gone(root, "0000:00:05.0"));
	EXPECT_TRUE(!pci_is_gone(root, "0000:00:06.0"));
	sysfs_wipe();
}

int main(void)
{
	EXPECT_TRUE(mkdtemp(root));
	RUN(test_bdf);
	RUN(test_facts);
	RUN(test_gone);
	RUN(test_blocker);
	RUN(test_refused);
	EXPECT_EQ(rmdir(root), 0);
	return 0;
}
