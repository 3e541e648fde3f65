/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel DSA as hardware: version 1 (8086:0b25) and 2 (8086:11fb), with dedicated work queues and
 * without PASIDs.
 *
 * The numbers are written down here a second time on purpose: the driver's header is part of what
 * is tested. Sources: (L) Linux 6.12, drivers/dma/idxd/registers.h, (U) its
 * include/uapi/linux/idxd.h, for where things are; (K) what its idxd module does and expects; (D)
 * DPDK's drivers/dma/idxd; (M) a choice of this model where no source says, always the one that
 * forgives software less.
 */
#ifndef MIGOFF_TESTS_MODELS_DSA_MODEL_H
#define MIGOFF_TESTS_MODELS_DSA_MODEL_H

#include "model.h"

#define DSA_WQS_MAX 16
#define DSA_ENGINES_MAX 8
#define DSA_GROUPS_MAX 8
#define DSA_WQ_ENTRIES 128	/* of all queues together */
#define DSA_READ_BUFFERS 96
#define DSA_MAX_TRANSFER 31	/* log2 */
#define DSA_MAX_BATCH 10	/* log2 */

/* Registers in BAR 0. (L) */
enum {
	DSA_VERSION = 0x00,		/* 32 bits */
	DSA_GENCAP = 0x10,		/* 64 bits, and so are the next ones */
	DSA_WQCAP = 0x20,
	DSA_GRPCAP = 0x30,
	DSA_ENGCAP = 0x38,
	DSA_OPCAP = 0x40,		/* 4 times 64 bits */
	DSA_OFFSETS = 0x60,		/* 2 times 64 bits */
	DSA_GENCFG = 0x80,		/* 32 bits, and so are the next ones */
	DSA_GENCTRL = 0x88,
	DSA_GENSTS = 0x90,
	DSA_INTCAUSE = 0x98,
	DSA_CMD = 0xa0,
	DSA_CMDSTS = 0xa8,
	DSA_CMDCAP = 0xb0,
	DSA_SWERR = 0xc0,		/* 4 times 64 bits */

	/* The tables' places are a choice; software reads them from DSA_OFFSETS. (M) */
	DSA_GRPCFG = 0x400,
	DSA_GRPCFG_SIZE = 64,
	DSA_WQCFG = 0x800,
	DSA_MSIXPERM = 0xc00,		/* 8 bytes each, of which 32 bits count */

	DSA_PORTAL_SIZE = 0x4000,	/* BAR 2: a queue's; 4 pages */

	DSA_GENCTRL_SWERR = 0x1,
	DSA_GENCTRL_HALT = 0x2,
	DSA_GENCTRL_KNOWN = 0x3,	/* without the event log */
	DSA_GENCFG_KNOWN = 0x10ff,	/* limit of read buffers, user interrupts; no event log */

	DSA_INTC_ERR = 0x1,
	DSA_INTC_CMD = 0x2,
	DSA_INTC_HALT = 0x10,

	DSA_CMD_INT = 1u << 31,
	DSA_CMDSTS_ACTIVE = 1u << 31,

	DSA_SWERR_VALID = 0x1,
	DSA_SWERR_OVERFLOW = 0x2,

	DSA_WQ_DEDICATED = 0x1,		/* in word 2 */
	DSA_WQ_MODE_SUPPORT = 1u << 29,	/* in word 6, with its occupancy */
	DSA_WQ_STATE_ENABLED = 1u << 30,
};

/* GENSTS (L) */
enum dsa_state { DSA_DISABLED, DSA_ENABLED, DSA_DRAINING, DSA_HALTED };
/* Groups and queues that software cannot set up, and what they are like. */
enum dsa_fixed { DSA_CONFIGURABLE, DSA_FIXED_DEDICATED, DSA_FIXED_SHARED, DSA_FIXED_IDLE };
enum dsa_reset_type { DSA_RESET_SOFTWARE, DSA_RESET_FLR, DSA_RESET_WARM, DSA_RESET_COLD };

/* Commands and what becomes of them. (L) */
enum {
	DSA_CMD_ENABLE = 1, DSA_CMD_DISABLE, DSA_CMD_DRAIN_ALL, DSA_CMD_ABORT_ALL, DSA_CMD_RESET,
	DSA_CMD_ENABLE_WQ, DSA_CMD_DISABLE_WQ, DSA_CMD_DRAIN_WQ, DSA_CMD_ABORT_WQ, DSA_CMD_RESET_WQ,
	DSA_CMD_DRAIN_PASID, DSA_CMD_ABORT_PASID, DSA_CMD_REQUEST_HANDLE, DSA_CMD_RELEASE_HANDLE,

	DSA_ERR_CMD = 0x01, DSA_ERR_WQ = 0x02, DSA_ERR_HARDWARE = 0x03,
	DSA_ERR_IS_ENABLED = 0x10, DSA_ERR_BUS_MASTER = 0x12, DSA_ERR_SIZES = 0x14,
	DSA_ERR_GROUP_WQS = 0x15, DSA_ERR_GROUP_ENGINES = 0x16, DSA_ERR_GROUP_HALF = 0x17,
	DSA_ERR_GROUP_FLAGS = 0x18,
	DSA_ERR_DEVICE_OFF = 0x20, DSA_ERR_WQ_IS_ENABLED = 0x21, DSA_ERR_WQ_SIZE = 0x22,
	DSA_ERR_WQ_PRIORITY = 0x23, DSA_ERR_WQ_MODE = 0x24, DSA_ERR_WQ_BOF = 0x25,
	DSA_ERR_WQ_PASID = 0x26, DSA_ERR_WQ_BATCH = 0x27, DSA_ERR_WQ_TRANSFER = 0x28,
	DSA_ERR_DISABLE = 0x31, DSA_ERR_NOT_ENABLED = 0x32,
	DSA_ERR_HANDLE = 0x41,
};

/* Descriptors and completion records. (U) */
enum {
	DSA_OP_NOOP = 0, DSA_OP_BATCH = 1, DSA_OP_DRAIN = 2, DSA_OP_MEMMOVE = 3,

	DSA_FLAG_FENCE = 0x1, DSA_FLAG_RECORD_VALID = 0x4, DSA_FLAG_RECORD = 0x8,
	DSA_FLAG_INTERRUPT = 0x10, DSA_FLAG_CACHE = 0x100,

	DSA_OK = 0x01, DSA_PAGE_FAULT = 0x03, DSA_BATCH_FAILED = 0x05, DSA_BATCH_FAULT = 0x06,
	DSA_BAD_OPCODE = 0x10, DSA_BAD_FLAGS = 0x11, DSA_NOT_ZERO = 0x12, DSA_BAD_SIZE = 0x13,
	DSA_BAD_COUNT = 0x14, DSA_OVERLAP = 0x16, DSA_LIST_ALIGNMENT = 0x18, DSA_BAD_HANDLE = 0x19,
	DSA_RECORD_FAULT = 0x1a, DSA_RECORD_ALIGNMENT = 0x1b, DSA_HARDWARE = 0x20,
	DSA_SENSELESS = 0x6e,		/* no code (M) */
	DSA_WAS_WRITE = 0x80,
};

struct dsa_desc {
	uint32_t pasid_priv;		/* both ignored by a dedicated queue (K) */
	uint32_t op_flags;
	uint64_t record;
	uint64_t src;			/* of a batch: its list */
	uint64_t dst;
	uint32_t size;			/* of a batch: how many */
	uint16_t handle;
	uint16_t zero;
	uint64_t more[3];
};

struct dsa_record {
	uint8_t status;
	uint8_t result;
	uint8_t fault_info;
	uint8_t zero;
	uint32_t done;			/* bytes, or descriptors of a batch */
	uint64_t fault_addr;
	uint32_t invalid_flags;
	uint32_t zeros[3];
};

/* A descriptor on its way, and how it ended. */
struct dsa_item {
	struct dsa_desc d;
	unsigned int wq;
	int batch;			/* the batch it is in, -1: none */
	unsigned int index;		/* therein */
	struct dsa_record r;
	struct model_order order;
};

/* A batch that has been taken up; at most one for each engine. */
struct dsa_batch {
	bool active;
	struct dsa_item outer;
	unsigned int count;		/* of its descriptors; less, once it is given up */
	unsigned int next;		/* the one to be fetched next */
	unsigned int n_done;
	bool failed;
	bool fault;			/* the list cannot be read */
};

struct dsa_wq {
	uint32_t cfg[16];		/* word 6 apart from occupancy and state */
	bool enabled;
	bool closing;			/* being disabled, or reset */
	unsigned int head;
	unsigned int n_queued;
	unsigned int n_running;		/* taken up, and not completed */
	struct dsa_desc queue[DSA_WQ_ENTRIES];
};

struct dsa_group {
	uint64_t wqs[4];
	uint64_t engines;
	uint64_t flags;
};

struct dsa_slot {			/* of a portal: 64 bytes that come in pieces */
	uint64_t at;			/* where; 0: free */
	unsigned int n;			/* words that have come */
	uint64_t words[8];
};

#define DSA_SLOTS 64

struct dsa {
	uint16_t id;
	unsigned int n_wqs, n_engines, n_groups;
	enum dsa_fixed fixed;

	enum dsa_state state;
	enum dsa_reset_type reset_type;
	bool resetting;
	uint32_t gencfg, genctrl, intcause;
	uint32_t cmd, cmdsts;
	bool seen_active;		/* CMDSTS, of the command at hand */
	uint64_t swerr[4];
	uint32_t msixperm[DSA_WQS_MAX + 1];
	bool handle[DSA_WQS_MAX + 1];	/* requested */
	struct dsa_group group[DSA_GROUPS_MAX];
	struct dsa_wq wq[DSA_WQS_MAX];
	struct dsa_slot slot[DSA_SLOTS];

	uint64_t epoch;			/* counts resets and halts: what began before is void */
	unsigned int last_wq;		/* taken from last: the next one comes first */
	bool executing[DSA_ENGINES_MAX];
	unsigned int executing_wq[DSA_ENGINES_MAX];
	struct dsa_batch batch[DSA_ENGINES_MAX];
	struct dsa_item held;		/* completed late */
	bool has_held;
	uint64_t again_at;		/* a record to be written once more; 0: none */
	struct dsa_record again;
};

static inline unsigned int dsa_wqcfg_size(const struct dsa *s)
{
	return s->id == 0x11fb ? 64 : 32;
}

static inline unsigned int dsa_n_vectors(const struct dsa *s)
{
	return 1 + s->n_wqs;
}

/* Whether interrupt handles have to be asked for, and are no vector's number. (K) */
static inline bool dsa_has_handles(const struct dsa *s)
{
	return s->id == 0x11fb;
}

/* Descriptors of the queue that are not completed. */
static inline unsigned int dsa_outstanding(const struct dsa_wq *wq)
{
	return wq->n_queued + wq->n_running;
}

/* Something that vector 0 tells of. */
void dsa_cause(struct model *m, uint32_t cause);

/* The device has halted, and wants that kind of reset. */
void dsa_halt(struct model *m, enum dsa_reset_type type);

/* No registers are set, nothing is queued. Engines that are at work give it up. */
void dsa_clear(struct model *m);

/* Log an error that cannot be told in a completion record. */
void dsa_swerr(struct model *m, const struct dsa_item *item, uint8_t error);

/* --- dsa_table.c: BAR 0 from DSA_GRPCFG on ---------------------------------------------------- */

/* Where in the tables an offset is: the 64 bits or 32 bits there; NULL for nothing. */
void *dsa_table_word(struct dsa *s, uint64_t offset, unsigned int width);

uint64_t dsa_table_read(struct dsa *s, uint64_t offset, unsigned int width);
void dsa_table_write(struct model *m, uint64_t offset, unsigned int width, uint64_t value);

/* --- dsa_command.c: what the unit after the engines does -------------------------------------- */

void dsa_command(struct model *m, uint32_t value);
bool dsa_command_ready(struct model *m);
void dsa_command_end(struct model *m);

/*
 * A command has been seen to take time: if it can end it does so now, at the latest. However busy the
 * computer, a unit that is not let run is not taken for a device that hangs.
 */
void dsa_hurry_command(struct model *m);

/* --- dsa_work.c: engines ---------------------------------------------------------------------- */

/* A descriptor has come through a portal. */
void dsa_submit(struct model *m, unsigned int wq, const struct dsa_desc *d);

bool dsa_engine_ready(struct model *m, unsigned int engine);
void dsa_engine_work(struct model *m, unsigned int engine);

#endif
