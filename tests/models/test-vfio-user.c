/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vfio-user server, by a client that sends what QEMU sends, and what it should not.
 */
#include "vfio_user.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "clock.h"
#include "macros.h"
#include "test.h"

#define SIZE (UINT64_C(32) << 20)
#define IOVA UINT64_C(0x40000000)

enum { VERSION = 1, MAP = 2, UNMAP = 3, INFO = 4, REGION_INFO = 5, IRQ_INFO = 7, SET_IRQS = 8,
	READ = 9, WRITE = 10, RESET = 13, NO_REPLY = 0x10, ERROR = 0x20 };

struct header {
	uint16_t id;
	uint16_t command;
	uint32_t size;
	uint32_t flags;
	uint32_t error;
};

struct map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t iova;
	uint64_t size;
};

struct access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[256];
};

/**
 * struct client - A machine with a toy and SIZE bytes of memory, half of them read-only for it.
 * @end: what vfio_user_serve() returned.
 */
struct client {
	struct model *m;
	pthread_t thread;
	int sock, server_sock;
	int memfd;
	uint8_t *mem;
	uint16_t id;
	int end;
};

static void *server_thread(void *arg)
{
	struct client *c = arg;

	c->end = vfio_user_serve(c->server_sock, c->m);
	close(c->server_sock);
	return NULL;
}

static void send_request(struct client *c, uint16_t command, uint32_t flags, const void *payload,
			 size_t len, const int *fds, unsigned int n_fds)
{
	struct header header = {
		.id = ++c->id, .command = command, .size = (uint32_t)(sizeof(header) + len),
		.flags = flags,
	};
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)payload, .iov_len = len },
	};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (n_fds > 0) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		*CMSG_FIRSTHDR(&msg) = (struct cmsghdr) {
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(n_fds * sizeof(int)),
		};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fds, n_fds * sizeof(int));
	}
	EXPECT_EQ(sendmsg(c->sock, &msg, MSG_NOSIGNAL), (ssize_t)(sizeof(header) + len));
}

/* Return: the length of the reply's payload, or its negative errno. */
static int get_reply(struct client *c, uint16_t command, void *ret, size_t max)
{
	struct header header;
	size_t len;

	EXPECT_EQ(recv(c->sock, &header, sizeof(header), MSG_WAITALL), sizeof(header));
	EXPECT_EQ(header.id, c->id);
	EXPECT_EQ(header.command, command);
	len = header.size - sizeof(header);
	EXPECT_TRUE(len <= max);
	if (len > 0)
		EXPECT_EQ(recv(c->sock, ret, len, MSG_WAITALL), (ssize_t)len);
	EXPECT_EQ(header.flags & ~(uint32_t)ERROR, 1);
	if (header.flags & ERROR) {
		EXPECT_EQ(len, 0);
		return -(int)header.error;
	}
	return (int)len;
}

/* Ask; the reply takes the place of the request. Return: as get_reply(). */
static int ask(struct client *c, uint16_t command, void *payload, size_t len, size_t max)
{
	send_request(c, command, 0, payload, len, NULL, 0);
	return get_reply(c, command, payload, max);
}

static int map(struct client *c, uint64_t iova, uint64_t offset, uint64_t size, uint32_t flags)
{
	struct map request = { sizeof(request), flags, offset, iova, size };

	send_request(c, MAP, 0, &request, sizeof(request), &c->memfd, 1);
	return get_reply(c, MAP, NULL, 0);
}

static int unmap(struct client *c, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap request = { 24, 0, iova, size };

	return ask(c, UNMAP, &request, 24, 24);
}

static int get(struct client *c, uint32_t region, uint64_t offset, void *ret, uint32_t count)
{
	struct access access = { .offset = offset, .region = region, .count = count };
	int r = ask(c, READ, &access, 16, sizeof(access));

	if (r > 0)
		memcpy(ret, access.data, count);
	return r;
}

static uint64_t reg(struct client *c, uint64_t offset, uint32_t width)
{
	uint64_t value = 0;

	EXPECT_EQ(get(c, 0, offset, &value, width), (int)(16 + width));
	return value;
}

/* To a register as QEMU does it: without a reply. */
static void set(struct client *c, uint64_t offset, uint64_t value, uint32_t width)
{
	struct access access = { .offset = offset, .region = 0, .count = width };

	memcpy(access.data, &value, width);
	send_request(c, WRITE, NO_REPLY, &access, 16 + width, NULL, 0);
}

static int set_config(struct client *c, uint64_t offset, uint32_t value, uint32_t width)
{
	struct access access = { .offset = offset, .region = VFIO_PCI_CONFIG_REGION_INDEX,
		.count = width };

	memcpy(access.data, &value, width);
	return ask(c, WRITE, &access, 16 + width, sizeof(access));
}

static int set_irqs(struct client *c, uint32_t flags, uint32_t start, uint32_t count, const int *fds,
		    unsigned int n_fds)
{
	struct vfio_irq_set request = {
		.argsz = sizeof(request), .flags = flags, .index = VFIO_PCI_MSIX_IRQ_INDEX,
		.start = start, .count = count,
	};

	send_request(c, SET_IRQS, 0, &request, sizeof(request), fds, n_fds);
	return get_reply(c, SET_IRQS, NULL, 0);
}

static void client_connect(struct client *c, const char *spec, int sharing)
{
	int socks[2];

	*c = (struct client) {};
	EXPECT_OK(model_new(spec, &c->m));
	EXPECT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks));
	c->sock = socks[0];
	c->server_sock = socks[1];
	c->memfd = (int)EXPECT_OK(memfd_create("machine", MFD_CLOEXEC));
	EXPECT_OK(ftruncate(c->memfd, (off_t)SIZE));
	c->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, sharing, c->memfd, 0);
	EXPECT_TRUE(c->mem != MAP_FAILED);
	for (uint64_t i = 0; i < SIZE / 2; i++)
		c->mem[i] = (uint8_t)(i * 11 + (i >> 12));
	EXPECT_EQ(pthread_create(&c->thread, NULL, server_thread, c), 0);
}

static void client_open(struct client *c, const char *spec)
{
	client_connect(c, spec, MAP_SHARED);
	EXPECT_OK(map(c, IOVA, 0, SIZE / 2, VFIO_DMA_MAP_FLAG_READ));
	EXPECT_OK(map(c, IOVA + SIZE / 2, SIZE / 2, SIZE / 2,
		      VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE));
	EXPECT_OK(set_config(c, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2));
}

static void client_close(struct client *c)
{
	close(c->sock);
	pthread_join(c->thread, NULL);
	EXPECT_EQ(model_n_mapped(c->m), 0);
	model_free(c->m);
	munmap(c->mem, SIZE);
	close(c->memfd);
}

static void start(struct client *c, uint64_t src, uint64_t dst, uint64_t len)
{
	set(c, 0x00, src, 8);
	set(c, 0x08, dst, 8);
	set(c, 0x10, len, 8);
	set(c, 0x20, 1, 4);
}

static uint64_t status(struct client *c)
{
	uint64_t value;

	while ((value = reg(c, 0x24, 4)) & 1)
		;
	return value >> 8;
}

/* What QEMU asks when it begins, and what it makes of the answers. */
static void test_begin(void)
{
	static const char offer[] = "{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,"
		"\"pgsizes\":4096,\"max_dma_maps\":65535,\"write_multiple\":true}}";
	char version[4 + sizeof(offer)] = { 0 };
	struct vfio_region_info region;
	struct vfio_device_info info;
	struct vfio_irq_info irq;
	struct client c;
	uint32_t id;
	int len;

	client_open(&c, "toy");
	memcpy(version + 4, offer, sizeof(offer));
	len = ask(&c, VERSION, version, sizeof(version), sizeof(version));
	EXPECT_TRUE(len > 4 && version[len - 1] == '\0');
	EXPECT_TRUE(strstr(version + 4, "max_msg_fds"));
	EXPECT_TRUE(!strstr(version + 4, "write_multiple"));

	EXPECT_EQ(ask(&c, INFO, &info, 16, 16), 16);
	EXPECT_EQ(info.flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	EXPECT_EQ(info.num_regions, 9);
	EXPECT_EQ(info.num_irqs, 5);
	for (uint32_t i = 0; i < 9; i++) {
		region = (struct vfio_region_info) { .argsz = sizeof(region), .index = i };
		EXPECT_EQ(ask(&c, REGION_INFO, &region, 32, 32), 32);
		EXPECT_EQ(region.size, i == 0 ? 0x4000 : i == 7 ? 4096 : 0);
		EXPECT_EQ(region.flags & VFIO_REGION_INFO_FLAG_MMAP, 0);
	}
	for (uint32_t i = 0; i < 5; i++) {
		irq = (struct vfio_irq_info) { .argsz = sizeof(irq), .index = i };
		EXPECT_EQ(ask(&c, IRQ_INFO, &irq, 16, 16), 16);
		EXPECT_EQ(irq.count, i == 2 ? 2 : i == 3);
	}
	EXPECT_EQ(get(&c, 7, 0, &id, 4), 20);
	EXPECT_EQ(id, 0x0d0a1234);
	client_close(&c);
	EXPECT_EQ(c.end, 0);
}

/* The device copies in the machine's memory, and interrupts by the descriptor that it was given. */
static void test_copy(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct client c;

	client_open(&c, "toy");
	pfd.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* As QEMU begins: vector 0 without, then all with one. */
	EXPECT_OK(set_irqs(&c, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, NULL, 0));
	EXPECT_OK(set_irqs(&c, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1,
			   &pfd.fd, 1));
	start(&c, IOVA, IOVA + SIZE / 2, SIZE / 2);
	EXPECT_EQ(poll(&pfd, 1, 10000), 1);
	EXPECT_EQ(status(&c), MODEL_DONE);
	EXPECT_TRUE(!memcmp(c.mem, c.mem + SIZE / 2, SIZE / 2));
	/* Both halves are in one file, but the first is not for writing. */
	start(&c, IOVA + SIZE / 2, IOVA, 4096);
	EXPECT_EQ(status(&c), MODEL_WRITE_FAULT);

	EXPECT_EQ(eventfd_read(pfd.fd, &(eventfd_t) {}), 0);
	EXPECT_OK(set_irqs(&c, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0, NULL, 0));
	start(&c, IOVA, IOVA + SIZE / 2, 1);
	EXPECT_EQ(status(&c), MODEL_DONE);
	EXPECT_EQ(poll(&pfd, 1, 10), 0);
	client_close(&c);
	close(pfd.fd);
}

/* However long a copy takes, requests are answered, and so is an unmap of what it copies. */
static void test_answers_at_once(void)
{
	uint64_t begin_ns = clock_now_ns();
	struct client c;

	/* 16 MiB in about 16 s. */
	client_open(&c, "toy,ns-per-kib=1000000");
	start(&c, IOVA, IOVA + SIZE / 2, SIZE / 2);
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(reg(&c, 0x24, 4), 1);
	EXPECT_EQ(unmap(&c, IOVA, SIZE), 24);
	EXPECT_TRUE(clock_now_ns() - begin_ns < 5 * NSEC_PER_SEC);
	EXPECT_EQ(status(&c), MODEL_READ_FAULT);
	start(&c, IOVA, IOVA + SIZE / 2, SIZE / 2);
	EXPECT_OK(ask(&c, RESET, NULL, 0, 0));
	EXPECT_EQ(reg(&c, 0x00, 8), 0);
	EXPECT_OK(map(&c, IOVA, 0, SIZE / 2, VFIO_DMA_MAP_FLAG_READ));
	client_close(&c);
}

/* ROMs come without a file: the device does not reach them, and nothing goes wrong. */
static void test_map_without_file(void)
{
	struct map request = { sizeof(request), 1, 0, 0xc0000, 0x40000 };
	struct client c;

	client_open(&c, "toy");
	EXPECT_EQ(ask(&c, MAP, &request, sizeof(request), sizeof(request)), 0);
	start(&c, 0xc0000, IOVA + SIZE / 2, 64);
	EXPECT_EQ(status(&c), MODEL_READ_FAULT);
	EXPECT_EQ(unmap(&c, 0xc0000, 0x40000), 24);
	client_close(&c);
}

/* Memory that the machine does not share would be copied wrongly, in silence: it is refused. */
static void test_not_shared(void)
{
	struct client c;
	struct map request = { sizeof(request), 3, 0, IOVA, SIZE };
	char byte;

	client_connect(&c, "toy", MAP_PRIVATE);
	send_request(&c, MAP, 0, &request, sizeof(request), &c.memfd, 1);
	EXPECT_EQ(recv(c.sock, &byte, 1, 0), 0);
	client_close(&c);
	EXPECT_EQ(c.end, -EREMOTEIO);
}

/* The right number of faults, ordered and counted from inside. */
static void test_orders(void)
{
	const char spec[24] = "error=2,wrong-byte=1";
	uint64_t counts[4];
	struct client c;
	uint32_t result;

	client_open(&c, "toy");
	for (uint32_t i = 0; i < sizeof(spec); i += 4) {
		memcpy(&result, spec + i, 4);
		EXPECT_OK(set_config(&c, MODEL_ORDERS_TEXT + i, result, 4));
	}
	EXPECT_OK(set_config(&c, MODEL_ORDERS_COMMAND, 1, 4));
	EXPECT_EQ(get(&c, 7, MODEL_ORDERS_COMMAND, &result, 4), 20);
	EXPECT_EQ(result, 0);
	start(&c, IOVA, IOVA + SIZE / 2, 4096);
	EXPECT_EQ(status(&c), MODEL_DONE);
	EXPECT_TRUE(memcmp(c.mem, c.mem + SIZE / 2, 4096));
	start(&c, IOVA, IOVA + SIZE / 2, 4096);
	EXPECT_EQ(status(&c), MODEL_READ_FAULT);
	reg(&c, 0x1000, 8);
	EXPECT_OK(set_config(&c, MODEL_ORDERS_COMMAND, 2, 4));
	EXPECT_EQ(get(&c, 7, MODEL_ORDERS_COUNTS, counts, sizeof(counts)), 48);
	EXPECT_EQ(counts[0], 1);
	EXPECT_EQ(counts[1], 2);
	/* What makes no sense is said to. */
	EXPECT_OK(set_config(&c, MODEL_ORDERS_TEXT, 'x', 4));
	EXPECT_OK(set_config(&c, MODEL_ORDERS_COMMAND, 1, 4));
	EXPECT_EQ(get(&c, 7, MODEL_ORDERS_COMMAND, &result, 4), 20);
	EXPECT_EQ(result, EINVAL);
	client_close(&c);
}

/* Requests that no client should send are refused, and the next one is served. */
static void test_refused(void)
{
	struct vfio_region_info region = { .argsz = 32, .index = 9 };
	struct vfio_irq_info irq = { .argsz = 16, .index = 5 };
	char bytes[64] = { 0 };
	struct client c;
	int fds[2];

	client_open(&c, "toy");
	fds[0] = fds[1] = c.memfd;
	for (uint16_t command = 0; command < 20; command++)
		if (command != RESET)
			EXPECT_TRUE(ask(&c, command, NULL, 0, 0) < 0);
	EXPECT_EQ(ask(&c, REGION_INFO, &region, 32, 32), -EINVAL);
	EXPECT_EQ(ask(&c, IRQ_INFO, &irq, 16, 16), -EINVAL);
	EXPECT_EQ(get(&c, 8, 0, bytes, 4), -EINVAL);
	EXPECT_EQ(get(&c, 0xffffffff, 0, bytes, 4), -EINVAL);
	EXPECT_EQ(get(&c, 0, 0x4000, bytes, 4), -EINVAL);
	EXPECT_EQ(get(&c, 0, UINT64_MAX, bytes, 4), -EINVAL);
	EXPECT_EQ(get(&c, 0, 0, bytes, 0xffffffff), -EINVAL);
	EXPECT_EQ(get(&c, 0, 0, bytes, 16), -EINVAL);
	EXPECT_EQ(get(&c, 7, 4095, bytes, 2), -EINVAL);
	EXPECT_EQ(map(&c, IOVA, 0, 4096, 1), -EEXIST);
	EXPECT_EQ(map(&c, 0, SIZE, 4096, 1), -EINVAL);
	EXPECT_EQ(map(&c, 0, UINT64_MAX, 4096, 1), -EINVAL);
	EXPECT_EQ(map(&c, UINT64_MAX - 4095, 0, 8192, 1), -EINVAL);
	EXPECT_EQ(set_irqs(&c, VFIO_IRQ_SET_DATA_EVENTFD, 2, 1, fds, 1), -EINVAL);
	EXPECT_EQ(set_irqs(&c, VFIO_IRQ_SET_DATA_EVENTFD, 0, 3, NULL, 0), -EINVAL);
	EXPECT_EQ(set_irqs(&c, VFIO_IRQ_SET_DATA_EVENTFD, 0, 1, fds, 2), -EINVAL);
	EXPECT_EQ(set_irqs(&c, VFIO_IRQ_SET_DATA_EVENTFD, 0xffffffff, 2, NULL, 0), -EINVAL);
	start(&c, IOVA, IOVA + SIZE / 2, 1 << 20);
	EXPECT_EQ(status(&c), MODEL_DONE);
	EXPECT_TRUE(!memcmp(c.mem, c.mem + SIZE / 2, 1 << 20));
	client_close(&c);
}

/* What cannot be a message ends the connection, and nothing stays mapped. */
static void test_no_message(void)
{
	static const struct header bad[] = {
		{ .command = READ, .size = 15 },
		{ .command = READ, .size = 0 },
		{ .command = READ, .size = UINT32_MAX },
		{ .command = READ, .size = 32, .flags = 1 },
	};
	struct client c;
	char byte;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		client_open(&c, "toy");
		EXPECT_EQ(send(c.sock, &bad[i], sizeof(bad[i]), 0), sizeof(bad[i]));
		EXPECT_EQ(recv(c.sock, &byte, 1, 0), 0);
		client_close(&c);
		EXPECT_EQ(c.end, -EPROTO);
	}
	/* A client that dies in the middle of a message is just gone. */
	client_open(&c, "toy");
	EXPECT_EQ(send(c.sock, &bad[3], 7, 0), 7);
	client_close(&c);
	EXPECT_EQ(c.end, 0);
}

int main(void)
{
	RUN(test_begin);
	RUN(test_copy);
	RUN(test_answers_at_once);
	RUN(test_map_without_file);
	RUN(test_not_shared);
	RUN(test_orders);
	RUN(test_refused);
	RUN(test_no_message);
	return 0;
}
