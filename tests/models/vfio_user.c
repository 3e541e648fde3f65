/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vfio_user.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "cleanup.h"
#include "macros.h"
#include "vfio_user_memory.h"

#define FDS_MAX 16
#define TRANSFER_MAX (1u << 20)
#define CONFIG_SIZE 4096
/* A client gone wild must not fill the disk with what we say about it. */
#define COMPLAINTS_MAX 100

/* Numbers are those of the specification, "Message types" and "Header". */
enum command {
	CMD_VERSION = 1, CMD_DMA_MAP = 2, CMD_DMA_UNMAP = 3, CMD_GET_INFO = 4,
	CMD_GET_REGION_INFO = 5, CMD_GET_IRQ_INFO = 7, CMD_SET_IRQS = 8, CMD_REGION_READ = 9,
	CMD_REGION_WRITE = 10, CMD_RESET = 13,
};

enum {
	FLAG_REPLY = 0x1, FLAG_TYPE = 0xf, FLAG_NO_REPLY = 0x10, FLAG_ERROR = 0x20,
};

struct header {
	uint16_t id;
	uint16_t command;
	uint32_t size;
	uint32_t flags;
	uint32_t error;
};

/* Payloads of which <linux/vfio.h> has no equal. */
struct dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t iova;
	uint64_t size;
};

struct region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[];
};

struct version {
	uint16_t major;
	uint16_t minor;
	char capabilities[];
};

/**
 * struct message - A request, and then the reply to it.
 * @payload: of header.size less the header; a reply has as many bytes or fewer, but for what was read
 *	from a region. There is room for the longest, and a byte of 0 after it.
 */
struct message {
	size_t len;
	int fds[FDS_MAX];
	unsigned int n_fds;
	/* As it goes over the socket from here on. */
	_Alignas(uint64_t) struct header header;
	union {
		uint8_t payload[sizeof(struct region_access) + TRANSFER_MAX + 1];
		struct version version;
		struct dma_map map;
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_device_info info;
		struct vfio_region_info region;
		struct vfio_irq_info irq;
		struct vfio_irq_set irqs;
		struct region_access access;
	};
};

_Static_assert(offsetof(struct message, payload) ==
	       offsetof(struct message, header) + sizeof(struct header), "nothing between them");

struct server {
	int sock;
	pid_t client;
	struct model *m;
	struct vfio_user_memory memory;
	int vectors[MODEL_VECTORS_MAX];
	unsigned int n_complaints;
	struct message msg;
};

__attribute__((format(printf, 2, 3)))
static void complain(struct server *s, const char *fmt, ...)
{
	va_list args;

	if (++s->n_complaints > COMPLAINTS_MAX)
		return;
	fprintf(stderr, "model %s: vfio-user: ", model_name(s->m));
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "%s\n", s->n_complaints == COMPLAINTS_MAX ? " (no more of these)" : "");
}

/* --- requests: each returns 0 or a negative errno, and the length of the reply ---------------- */

static int handle_version(struct server *s, struct message *msg, size_t *ret_len)
{
	static const char ours[] =
		"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}";

	/* What the client offers does not matter, but the reply must not be longer. */
	if (msg->len < sizeof(struct version) + sizeof(ours))
		return -EINVAL;
	if (msg->version.major != 0)
		return -ENOTSUP;
	msg->version.minor = 0;
	memcpy(msg->version.capabilities, ours, sizeof(ours));
	*ret_len = sizeof(struct version) + sizeof(ours);
	return 0;
}

/* ROMs and the like come without a file: the device does not reach them. */
static int handle_map(struct server *s, struct message *msg, size_t *ret_len)
{
	struct dma_map map = msg->map;
	void *va;
	int r;

	if (msg->len < sizeof(map))
		return -EINVAL;
	if (msg->n_fds == 0)
		return 0;
	r = vfio_user_memory_at(&s->memory, msg->fds[0], s->client, map.offset, map.size, &va);
	if (r < 0)
		return r;
	return model_map(s->m, map.iova, va, map.size, map.flags & VFIO_DMA_MAP_FLAG_WRITE);
}

static int handle_unmap(struct server *s, struct message *msg, size_t *ret_len)
{
	/* Up to here it is as the request has it; a bitmap of dirty pages is not asked for. */
	size_t size = offsetof(struct vfio_iommu_type1_dma_unmap, data);

	if (msg->len < size)
		return -EINVAL;
	if (msg->unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL)
		model_unmap(s->m, 0, UINT64_MAX);
	else
		model_unmap(s->m, msg->unmap.iova, msg->unmap.size);
	*ret_len = size;
	return 0;
}

static int handle_info(struct server *s, struct message *msg, size_t *ret_len)
{
	size_t size = offsetof(struct vfio_device_info, cap_offset);

	if (msg->len < size)
		return -EINVAL;
	msg->info = (struct vfio_device_info) {
		.argsz = (uint32_t)size,
		.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
		.num_regions = VFIO_PCI_NUM_REGIONS,
		.num_irqs = VFIO_PCI_NUM_IRQS,
	};
	*ret_len = size;
	return 0;
}

static uint64_t region_size(const struct server *s, uint32_t region)
{
	if (region < MODEL_N_BARS)
		return model_pci(s->m)->bar_size[region];
	return region == VFIO_PCI_CONFIG_REGION_INDEX ? CONFIG_SIZE : 0;
}

static int handle_region_info(struct server *s, struct message *msg, size_t *ret_len)
{
	uint32_t index = msg->region.index;
	uint64_t size;

	if (msg->len < sizeof(msg->region) || index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	size = region_size(s, index);
	msg->region = (struct vfio_region_info) {
		.argsz = sizeof(msg->region),
		.flags = size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0,
		.index = index,
		.size = size,
	};
	*ret_len = sizeof(msg->region);
	return 0;
}

/* MSI-X; and that errors of the bus can be reported, or QEMU warns that they cannot. */
static uint32_t irq_count(const struct server *s, uint32_t index)
{
	if (index == VFIO_PCI_MSIX_IRQ_INDEX)
		return model_pci(s->m)->n_vectors;
	return index == VFIO_PCI_ERR_IRQ_INDEX;
}

static int handle_irq_info(struct server *s, struct message *msg, size_t *ret_len)
{
	uint32_t index = msg->irq.index;

	if (msg->len < sizeof(msg->irq) || index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	msg->irq = (struct vfio_irq_info) {
		.argsz = sizeof(msg->irq),
		.flags = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE,
		.index = index,
		.count = irq_count(s, index),
	};
	*ret_len = sizeof(msg->irq);
	return 0;
}

static void set_vector(struct server *s, uint32_t vector, int fd)
{
	model_set_vector(s->m, vector, fd);
	fd_close(s->vectors[vector]);
	s->vectors[vector] = fd;
}

static int handle_set_irqs(struct server *s, struct message *msg, size_t *ret_len)
{
	struct vfio_irq_set irqs = msg->irqs;
	uint32_t has = irq_count(s, irqs.index);

	if (msg->len < sizeof(irqs) || irqs.start > has || irqs.count > has - irqs.start)
		return -EINVAL;
	if (irqs.index != VFIO_PCI_MSIX_IRQ_INDEX)
		return 0;
	/* Nothing for none is how all are switched off. */
	if (irqs.count == 0)
		irqs.count = has - irqs.start;
	else if (msg->n_fds != 0 && msg->n_fds != irqs.count)
		return -EINVAL;
	for (uint32_t i = 0; i < irqs.count; i++)
		set_vector(s, irqs.start + i, i < msg->n_fds ? TAKE_FD(msg->fds[i]) : -1);
	return 0;
}

/* Whether the access is of a region that there is; single registers the model looks at. */
static int check_access(const struct server *s, const struct message *msg)
{
	const struct region_access *access = &msg->access;
	uint64_t size;

	if (msg->len < sizeof(*access) || access->count > TRANSFER_MAX)
		return -EINVAL;
	size = region_size(s, access->region);
	if (access->offset > size || access->count > size - access->offset)
		return -EINVAL;
	if (access->region != VFIO_PCI_CONFIG_REGION_INDEX && access->count > sizeof(uint64_t))
		return -EINVAL;
	return 0;
}

static int handle_read(struct server *s, struct message *msg, size_t *ret_len)
{
	struct region_access *access = &msg->access;
	uint64_t value;
	int r;

	r = check_access(s, msg);
	if (r < 0)
		return r;
	if (access->region == VFIO_PCI_CONFIG_REGION_INDEX) {
		model_config_read(s->m, (unsigned int)access->offset, access->data, access->count);
	} else {
		value = model_bar_read(s->m, access->region, access->offset, access->count);
		memcpy(access->data, &value, access->count);
	}
	*ret_len = sizeof(*access) + access->count;
	return 0;
}

static int handle_write(struct server *s, struct message *msg, size_t *ret_len)
{
	struct region_access *access = &msg->access;
	uint64_t value = 0;
	int r;

	r = check_access(s, msg);
	if (r < 0)
		return r;
	if (msg->len < sizeof(*access) + access->count)
		return -EINVAL;
	if (access->region == VFIO_PCI_CONFIG_REGION_INDEX) {
		model_config_write(s->m, (unsigned int)access->offset, access->data, access->count);
	} else {
		memcpy(&value, access->data, access->count);
		model_bar_write(s->m, access->region, access->offset, access->count, value);
	}
	*ret_len = sizeof(*access);
	return 0;
}

static int handle_reset(struct server *s, struct message *msg, size_t *ret_len)
{
	model_reset(s->m);
	return 0;
}

static int handle(struct server *s, struct message *msg, size_t *ret_len)
{
	static int (*const handlers[])(struct server *, struct message *, size_t *) = {
		[CMD_VERSION] = handle_version,
		[CMD_DMA_MAP] = handle_map,
		[CMD_DMA_UNMAP] = handle_unmap,
		[CMD_GET_INFO] = handle_info,
		[CMD_GET_REGION_INFO] = handle_region_info,
		[CMD_GET_IRQ_INFO] = handle_irq_info,
		[CMD_SET_IRQS] = handle_set_irqs,
		[CMD_REGION_READ] = handle_read,
		[CMD_REGION_WRITE] = handle_write,
		[CMD_RESET] = handle_reset,
	};
	unsigned int command = msg->header.command;

	*ret_len = 0;
	if (command >= ARRAY_SIZE(handlers) || !handlers[command])
		return -ENOTSUP;
	return handlers[command](s, msg, ret_len);
}

/* --- the socket ------------------------------------------------------------------------------- */

/* Return: 1; 0 if the client is gone, also in the middle; or a negative errno. */
static int receive(int sock, void *to, size_t len)
{
	uint8_t *p = to;

	while (len > 0) {
		ssize_t n = recv(sock, p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno != ECONNRESET ? -errno : 0;
		p += n;
		len -= (size_t)n;
	}
	return 1;
}

static void take_fds(struct message *msg, struct msghdr *hdr)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		msg->n_fds = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(msg->fds, CMSG_DATA(c), msg->n_fds * sizeof(int));
	}
}

/* The header, and the descriptors that come with it. Return: as receive(). */
static int receive_header(int sock, struct message *msg)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct iovec iov = { .iov_base = &msg->header, .iov_len = sizeof(msg->header) };
	struct msghdr hdr = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n;

	msg->n_fds = 0;
	do {
		n = recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 && errno != ECONNRESET ? -errno : 0;
	take_fds(msg, &hdr);
	return receive(sock, (uint8_t *)&msg->header + n, sizeof(msg->header) - (size_t)n);
}

/* Return: as receive(). */
static int receive_message(struct server *s, struct message *msg)
{
	size_t max = sizeof(struct region_access) + TRANSFER_MAX;
	int r;

	r = receive_header(s->sock, msg);
	if (r <= 0)
		return r;
	msg->len = msg->header.size - sizeof(msg->header);
	if (msg->header.size < sizeof(msg->header) || msg->len > max ||
	    (msg->header.flags & FLAG_TYPE) != 0)
		return -EPROTO;
	memset(msg->payload, 0, sizeof(struct vfio_region_info));
	return receive(s->sock, msg->payload, msg->len);
}

/* Return: as receive(). */
static int reply(struct server *s, struct message *msg, int error, size_t len)
{
	const uint8_t *p = (const uint8_t *)&msg->header;
	size_t left = sizeof(msg->header) + (error < 0 ? 0 : len);

	msg->header.flags = FLAG_REPLY | (error < 0 ? FLAG_ERROR : 0);
	msg->header.error = error < 0 ? (uint32_t)-error : 0;
	msg->header.size = (uint32_t)left;
	while (left > 0) {
		ssize_t n = send(s->sock, p, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EPIPE || errno == ECONNRESET ? 0 : -errno;
		p += n;
		left -= (size_t)n;
	}
	return 1;
}

/* Return: as receive(). */
static int serve_one(struct server *s)
{
	struct message *msg = &s->msg;
	unsigned int command;
	size_t len;
	int r, error;

	r = receive_message(s, msg);
	command = msg->header.command;
	error = r > 0 ? handle(s, msg, &len) : 0;
	for (unsigned int i = 0; i < msg->n_fds; i++)
		fd_close(msg->fds[i]);
	if (r <= 0)
		return r;
	if (error < 0)
		complain(s, "request %u: %s", command, strerror(-error));
	/* It will not get better, and all that is copied from here on would be wrong, silently. */
	if (error == -EREMOTEIO) {
		complain(s, "the machine's memory is not shared: it must be a memfd with share=on");
		return error;
	}
	return msg->header.flags & FLAG_NO_REPLY ? 1 : reply(s, msg, error, len);
}

static int find_client(int sock, pid_t *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret = cred.pid;
	return 0;
}

int vfio_user_serve(int sock, struct model *m)
{
	_cleanup_free_ struct server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->sock = sock;
	s->m = m;
	for (size_t i = 0; i < MODEL_VECTORS_MAX; i++)
		s->vectors[i] = -1;
	r = find_client(sock, &s->client);
	while (r >= 0 && (r = serve_one(s)) > 0)
		;
	for (uint32_t i = 0; i < MODEL_VECTORS_MAX; i++)
		set_vector(s, i, -1);
	model_unmap(m, 0, UINT64_MAX);
	vfio_user_memory_done(&s->memory);
	if (r < 0)
		complain(s, "the connection ends: %s", strerror(-r));
	return r;
}
