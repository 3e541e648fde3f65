/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-check BDF: vfio.h held against a device. For the tests in the machine: with QEMU's "edu"
 * also interrupts of both kinds and a BAR that is mapped.
 */
#include "vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* QEMU's docs/specs/edu.rst. */
#define EDU_ID 0x00
#define EDU_ID_VALUE 0x010000ed
#define EDU_INVERT 0x04
#define EDU_IRQ_RAISE 0x60
#define EDU_IRQ_ACK 0x64
#define EDU_DMA_SRC 0x80
#define EDU_DMA_DST 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_START 1
#define EDU_DMA_TO_RAM 2
#define EDU_BUFFER 0x40000
#define EDU_MASK ((UINT64_C(1) << 28) - 1)

static const char *arg_bdf;

static struct vfio_device *device_open(uint64_t mask)
{
	struct vfio_device *dev = NULL;
	struct why why = {};
	int r;

	r = vfio_open(arg_bdf, mask, &dev, &why);
	if (r < 0)
		TEST_FAIL("%s: %s; %s", strerror(-r), why.cause, why.remedy);
	return dev;
}

static bool is_edu(struct vfio_device *dev)
{
	uint16_t vendor;

	EXPECT_OK(vfio_config_read(dev, PCI_VENDOR_ID, &vendor, sizeof(vendor)));
	return vendor == 0x1234;
}

/* A device just opened cannot do DMA, can be told to, and to stop again. */
static void test_bus_master(void)
{
	struct vfio_device *dev = device_open(UINT32_MAX);
	uint16_t command;

	EXPECT_OK(vfio_config_read(dev, PCI_COMMAND, &command, sizeof(command)));
	EXPECT_TRUE(!(command & PCI_COMMAND_MASTER));
	EXPECT_TRUE(command & PCI_COMMAND_MEMORY);
	EXPECT_OK(vfio_bus_master(dev, true));
	EXPECT_OK(vfio_config_read(dev, PCI_COMMAND, &command, sizeof(command)));
	EXPECT_TRUE(command & PCI_COMMAND_MASTER);
	EXPECT_OK(vfio_bus_master(dev, false));
	EXPECT_OK(vfio_config_read(dev, PCI_COMMAND, &command, sizeof(command)));
	EXPECT_TRUE(!(command & PCI_COMMAND_MASTER));
	vfio_close(dev);
}

/* A program that is executed does not get the device along. */
static void test_close_on_exec(void)
{
	struct vfio_device *dev = device_open(UINT32_MAX);

	EXPECT_TRUE(fcntl(vfio_device_fd(dev), F_GETFD) & FD_CLOEXEC);
	EXPECT_TRUE(fcntl(vfio_request_fd(dev), F_GETFD) & FD_CLOEXEC);
	vfio_close(dev);
}

/* A reset that is not offered is refused as such; one that is offered works. */
static void test_reset(void)
{
	struct vfio_device *dev = device_open(UINT32_MAX);
	int r = vfio_reset(dev);

	EXPECT_TRUE(r == 0 || r == -EOPNOTSUPP);
	vfio_close(dev);
}

static bool overlap(const struct dma_area *a, uint64_t iova, uint64_t size)
{
	return a->iova < iova + size && iova < a->iova + a->size;
}

/* The window is where it was promised to be, and no memory ever lies in it. */
static void test_window(void)
{
	struct vfio_device *dev = device_open(UINT32_MAX);
	struct dma_area areas[64] = {};
	uint64_t window = 0;

	EXPECT_EQ(vfio_window_reserve(dev, 4096, &window, NULL), -EINVAL);
	EXPECT_EQ(vfio_window_reserve(dev, 4 * GIB, &window, NULL), -ENOSPC);
	EXPECT_EQ(window, 0);
	EXPECT_OK(vfio_window_reserve(dev, 3 * GIB / 2, &window, NULL));
	EXPECT_EQ(window % GIB, 0);
	EXPECT_TRUE(window > 0 && window + 3 * GIB / 2 <= 4 * GIB);
	for (size_t i = 0; i < 64; i++) {
		EXPECT_OK(vfio_dma_alloc(dev, i % 2 ? 2 * MIB : 4096 + i, &areas[i], NULL));
		EXPECT_TRUE(!overlap(&areas[i], window, 3 * GIB / 2));
		EXPECT_TRUE(!overlap(&areas[i], 0xfee00000, MIB));
		EXPECT_TRUE(areas[i].iova > 0 && areas[i].iova + areas[i].size <= 4 * GIB);
		for (size_t j = 0; j < i; j++)
			EXPECT_TRUE(!overlap(&areas[i], areas[j].iova, areas[j].size));
		if (areas[i].size >= 2 * MIB)
			EXPECT_EQ((areas[i].iova ^ (uintptr_t)areas[i].va) % (2 * MIB), 0);
	}
	for (size_t i = 0; i < 64; i += 3)
		vfio_dma_free(dev, &areas[i]);
	EXPECT_EQ(areas[0].size, 0);
	vfio_dma_free(dev, &areas[0]);
	/* What is left goes with the device. */
	vfio_close(dev);
}

/* Not even when there is no other room left. */
static void test_window_is_kept(void)
{
	struct vfio_device *dev = device_open(64 * MIB - 1);
	struct dma_area area;
	uint64_t window = 0;
	int n = 0;

	EXPECT_OK(vfio_window_reserve(dev, 32 * MIB, &window, NULL));
	EXPECT_EQ(window, 32 * MIB);
	while (vfio_dma_alloc(dev, 2 * MIB, &area, NULL) == 0) {
		EXPECT_TRUE(!overlap(&area, window, 32 * MIB));
		n++;
	}
	/* The first 2 MiB cannot be used whole, for there is no address 0. */
	EXPECT_EQ(n, 15);
	vfio_close(dev);
}

/* Address space that is used up is refused, and can be used again once given back. */
static void test_address_space(void)
{
	struct vfio_device *dev = device_open(16 * MIB - 1);
	struct dma_area areas[9] = {};
	struct why why = {};
	int n = 0;

	while (n < 9 && vfio_dma_alloc(dev, 2 * MIB, &areas[n], &why) == 0)
		n++;
	EXPECT_EQ(n, 7);
	EXPECT_TRUE(strstr(why.cause, "addresses"));
	EXPECT_EQ(vfio_dma_alloc(dev, 2 * MIB, &areas[7], NULL), -ENOSPC);
	vfio_dma_free(dev, &areas[3]);
	EXPECT_OK(vfio_dma_alloc(dev, 2 * MIB, &areas[3], NULL));
	vfio_close(dev);
}

/* One device, one user: a second open is refused, and one after the first has closed is not. */
static void test_busy(void)
{
	struct vfio_device *dev = device_open(UINT32_MAX), *second = NULL;
	struct why why = {};

	EXPECT_EQ(vfio_open(arg_bdf, UINT32_MAX, &second, &why), -EBUSY);
	EXPECT_TRUE(strstr(why.cause, "in use"));
	EXPECT_TRUE(*why.remedy);
	vfio_close(dev);
	vfio_close(device_open(UINT32_MAX));
}

/* The host can ask for the device back: there is an event for it. */
static void test_request_fd(void)
{
	struct vfio_device *dev = device_open(UINT32_MAX);
	struct pollfd pfd = { .fd = vfio_request_fd(dev), .events = POLLIN };

	EXPECT_GE(pfd.fd, 0);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	vfio_close(dev);
}

/* Registers are read and written as they are, of each width, and a BAR that is not there is not. */
static void test_edu_registers(void)
{
	struct vfio_device *dev = device_open(EDU_MASK);
	uint64_t size = 0;

	EXPECT_OK(vfio_bar_open(dev, 0, &size));
	EXPECT_OK(vfio_bar_open(dev, 0, NULL));
	EXPECT_EQ(size, MIB);
	EXPECT_EQ(vfio_bar_open(dev, 2, &size), -ENOENT);
	EXPECT_EQ(vfio_read32(dev, 0, EDU_ID), EDU_ID_VALUE);
	vfio_write32(dev, 0, EDU_INVERT, 0x12345678);
	EXPECT_EQ(vfio_read32(dev, 0, EDU_INVERT), 0xedcba987);
	vfio_write64(dev, 0, EDU_DMA_SRC, 0x1122334455667788);
	EXPECT_EQ(vfio_read64(dev, 0, EDU_DMA_SRC), 0x1122334455667788);
	vfio_close(dev);
}

static bool signalled(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t count;

	if (poll(&pfd, 1, timeout_ms) == 0)
		return false;
	EXPECT_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	return true;
}

/* MSI comes for each cause; INTx comes once, and again only after its unmasking. */
static void test_edu_interrupts(void)
{
	struct vfio_device *dev = device_open(EDU_MASK);
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	EXPECT_OK(vfio_bar_open(dev, 0, NULL));
	EXPECT_EQ(vfio_irq_count(dev, VFIO_PCI_MSI_IRQ_INDEX), 1);
	EXPECT_EQ(vfio_irq_count(dev, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	EXPECT_OK(vfio_bus_master(dev, true));
	EXPECT_OK(vfio_irq_enable(dev, VFIO_PCI_MSI_IRQ_INDEX, 1, &fd));
	for (int i = 0; i < 3; i++) {
		vfio_write32(dev, 0, EDU_IRQ_RAISE, 1);
		EXPECT_TRUE(signalled(fd, 5000));
		vfio_write32(dev, 0, EDU_IRQ_ACK, 1);
		EXPECT_OK(vfio_irq_unmask(dev));
	}

	EXPECT_OK(vfio_irq_enable(dev, VFIO_PCI_INTX_IRQ_INDEX, 1, &fd));
	vfio_write32(dev, 0, EDU_IRQ_RAISE, 1);
	EXPECT_TRUE(signalled(fd, 5000));
	vfio_write32(dev, 0, EDU_IRQ_RAISE, 2);
	EXPECT_TRUE(!signalled(fd, 50));
	EXPECT_OK(vfio_irq_unmask(dev));
	EXPECT_TRUE(signalled(fd, 5000));
	vfio_write32(dev, 0, EDU_IRQ_ACK, 3);
	EXPECT_OK(vfio_irq_unmask(dev));
	EXPECT_TRUE(!signalled(fd, 50));

	vfio_irq_disable(dev);
	vfio_irq_disable(dev);
	close(fd);
	vfio_close(dev);
}

static void edu_dma(struct vfio_device *dev, uint64_t src, uint64_t dst, uint64_t len, uint32_t to)
{
	vfio_write64(dev, 0, EDU_DMA_SRC, src);
	vfio_write64(dev, 0, EDU_DMA_DST, dst);
	vfio_write64(dev, 0, EDU_DMA_COUNT, len);
	vfio_write32(dev, 0, EDU_DMA_COMMAND, EDU_DMA_START | to);
	for (int i = 0; vfio_read32(dev, 0, EDU_DMA_COMMAND) & EDU_DMA_START; i++) {
		EXPECT_TRUE(i < 5000);
		poll(NULL, 0, 1);
	}
}

/* A device of 28 address bits gets memory that it reaches, and reaches it while it may. */
static void test_edu_dma(void)
{
	struct vfio_device *dev = device_open(EDU_MASK);
	struct dma_area area;
	char *va;

	EXPECT_OK(vfio_bar_open(dev, 0, NULL));
	EXPECT_OK(vfio_dma_alloc(dev, 4 * MIB, &area, NULL));
	EXPECT_TRUE(area.iova + area.size - 1 <= EDU_MASK);
	va = area.va;
	strcpy(va, "over there and back");
	EXPECT_OK(vfio_bus_master(dev, true));
	edu_dma(dev, area.iova, EDU_BUFFER, 64, 0);
	edu_dma(dev, EDU_BUFFER, area.iova + 3 * MIB, 64, EDU_DMA_TO_RAM);
	EXPECT_STR(va + 3 * MIB, "over there and back");

	/* And not when it may not. */
	EXPECT_OK(vfio_bus_master(dev, false));
	edu_dma(dev, EDU_BUFFER, area.iova + 2 * MIB, 64, EDU_DMA_TO_RAM);
	EXPECT_EQ(va[2 * MIB], 0);
	vfio_dma_free(dev, &area);
	vfio_close(dev);
}

int main(int argc, char **argv)
{
	struct vfio_device *dev;
	bool edu;

	if (argc != 2) {
		fprintf(stderr, "usage: %s BDF\n", argv[0]);
		return 2;
	}
	arg_bdf = argv[1];
	dev = device_open(UINT32_MAX);
	edu = is_edu(dev);
	vfio_close(dev);

	RUN(test_bus_master);
	RUN(test_close_on_exec);
	RUN(test_reset);
	RUN(test_window);
	RUN(test_window_is_kept);
	RUN(test_address_space);
	RUN(test_busy);
	RUN(test_request_fd);
	if (edu) {
		RUN(test_edu_registers);
		RUN(test_edu_interrupts);
		RUN(test_edu_dma);
	}
	return 0;
}
