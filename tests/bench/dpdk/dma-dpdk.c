/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The measurements of dma.h on DPDK: dma-dpdk DEVICE [EAL-ARGUMENT...]. DEVICE is what DPDK calls it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include <rte_dmadev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "../dma.h"

static int16_t dev;

static void dma_allocate(struct dma_buffer *ret)
{
	ret->va = rte_zmalloc(NULL, DMA_RING * DMA_LEN, 4096);
	EXPECT_TRUE(ret->va);
	ret->iova = rte_malloc_virt2iova(ret->va);
}

static void dma_open(const char *device)
{
	const struct rte_dma_vchan_conf channel = { .direction = RTE_DMA_DIR_MEM_TO_MEM,
						    .nb_desc = DMA_RING };
	const struct rte_dma_conf conf = { .nb_vchans = 1 };
	int id = rte_dma_get_dev_id_by_name(device), stdout_fd;

	if (id < 0)
		TEST_FAIL("DPDK has no device %s", device);
	dev = (int16_t)id;
	EXPECT_OK(rte_dma_configure(dev, &conf));
	EXPECT_OK(rte_dma_vchan_setup(dev, 0, &channel));
	dma_allocate(&dma_src);
	dma_allocate(&dma_dst);
	/* Its driver of I/OAT tells something then, where answers are expected. */
	stdout_fd = dup(STDOUT_FILENO);
	EXPECT_TRUE(stdout_fd >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0);
	EXPECT_OK(rte_dma_start(dev));
	fflush(stdout);
	EXPECT_TRUE(dup2(stdout_fd, STDOUT_FILENO) >= 0);
	close(stdout_fd);
}

static void dma_close(void)
{
	EXPECT_OK(rte_dma_stop(dev));
	EXPECT_OK(rte_dma_close(dev));
	rte_eal_cleanup();
}

static inline void dma_enqueue(const struct engine_copy *copies, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (rte_dma_copy(dev, 0, copies[i].src, copies[i].dst, (uint32_t)copies[i].len, 0) < 0)
			TEST_FAIL("DPDK does not take a copy");
}

static inline void dma_submit(void)
{
	EXPECT_OK(rte_dma_submit(dev, 0));
}

static inline unsigned int dma_completed(unsigned int n)
{
	bool has_error;
	uint16_t last;

	n = rte_dma_completed(dev, 0, (uint16_t)n, &last, &has_error);
	if (has_error)
		TEST_FAIL("DPDK reports an error");
	return n;
}

/* Seen to before. */
static void dma_expect_copied(unsigned int n)
{
}

int main(int argc, char **argv)
{
	const char *device = argv[1];

	if (argc < 2) {
		fprintf(stderr, "usage: %s DEVICE [EAL-ARGUMENT...]\n", argv[0]);
		return 2;
	}
	argv[1] = argv[0];
	if (rte_eal_init(argc - 1, argv + 1) < 0)
		TEST_FAIL("DPDK does not start: %s", rte_strerror(rte_errno));
	dma_serve(device);
	return 0;
}
