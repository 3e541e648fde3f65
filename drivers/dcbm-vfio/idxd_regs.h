/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers and descriptors of Intel's Data Streaming Accelerator (DSA), versions 1 to 3, as far as
 * they are used here to copy memory.
 *
 * Sources: (L) Linux, drivers/dma/idxd/{registers.h,device.c,init.c,irq.c,submit.c}; (U) Linux,
 * include/uapi/linux/idxd.h; (D) DPDK, drivers/dma/idxd/{idxd_pci.c,idxd_hw_defs.h,idxd_common.c};
 * (A) "Intel Data Streaming Accelerator Architecture Specification".
 */
#ifndef MIGOFF_DCBM_IDXD_REGS_H
#define MIGOFF_DCBM_IDXD_REGS_H

#include <stdint.h>

#define IDXD_PCI_VENDOR 0x8086		/* (L) */
#define IDXD_DEVICE_SPR 0x0b25		/* Sapphire and Emerald Rapids (L) */
#define IDXD_DEVICE_GNRD 0x11fb		/* Granite Rapids-D (L) */
#define IDXD_DEVICE_DMR 0x1212		/* Diamond Rapids (L) */

/* --- the device (L) --------------------------------------------------------------------------- */

#define IDXD_BAR 0
#define IDXD_BAR_MIN 0x100		/* up to and with SWERR */

#define IDXD_VERSION 0x00		/* 32 bits: 0x100 is version 1 (L) */
#define IDXD_VERSION_2 0x200		/* (L) */

#define IDXD_GENCAP 0x10		/* 64 bits (L) */
#define IDXD_GENCAP_CMDCAP (UINT64_C(1) << 4)	/* CMDCAP says what commands there are (L) */
#define IDXD_GENCAP_MAX_XFER(v) ((unsigned int)((v) >> 16 & 0x1f))	/* logarithm of bytes (L) */
#define IDXD_GENCAP_MAX_BATCH(v) ((unsigned int)((v) >> 21 & 0xf))	/* of descriptors (L) */
#define IDXD_GENCAP_CONFIGURABLE (UINT64_C(1) << 31)	/* groups and queues can be written (L) */

#define IDXD_WQCAP 0x20			/* 64 bits (L) */
#define IDXD_WQCAP_ENTRIES(v) ((unsigned int)((v) & 0xffff))	/* of all queues together (L) */
#define IDXD_WQCAP_QUEUES(v) ((unsigned int)((v) >> 16 & 0xff))	/* (L) */
#define IDXD_WQCAP_STRIDE(v) (1u << (5 + ((v) >> 24 & 0xf)))	/* of queues' configurations (L) */
#define IDXD_WQCAP_DEDICATED (UINT64_C(1) << 49)	/* (L) */
#define IDXD_WQCAP_OP_CONFIG (UINT64_C(1) << 54)	/* operations are allowed by queue (L) */

#define IDXD_GRPCAP 0x30		/* 64 bits (L) */
#define IDXD_GRPCAP_GROUPS(v) ((unsigned int)((v) & 0xff))	/* (L) */
#define IDXD_ENGCAP 0x38		/* 64 bits (L) */
#define IDXD_ENGCAP_ENGINES(v) ((unsigned int)((v) & 0xff))	/* (L) */
#define IDXD_OPCAP 0x40			/* 256 bits, one an operation (L) */

#define IDXD_OFFSETS 0x60		/* 64 bits: where tables are, in units of 0x100 (L) */
#define IDXD_OFFSETS_UNIT 0x100
#define IDXD_OFFSETS_GROUPS(v) (((v) & 0xffff) * IDXD_OFFSETS_UNIT)	/* (L) */
#define IDXD_OFFSETS_QUEUES(v) (((v) >> 16 & 0xffff) * IDXD_OFFSETS_UNIT)	/* (L) */
#define IDXD_OFFSETS_MSIX(v) (((v) >> 32 & 0xffff) * IDXD_OFFSETS_UNIT)	/* permissions (L) */

#define IDXD_GENCTRL 0x88		/* 32 bits (L) */
#define IDXD_GENCTRL_ERROR 0x1		/* interrupt on software's errors (L) */
#define IDXD_GENCTRL_HALT 0x2		/* interrupt on a halt (L) */

#define IDXD_GENSTS 0x90		/* 32 bits (L) */
#define IDXD_GENSTS_STATE 0x3		/* (L) */
#define IDXD_GENSTS_DISABLED 0		/* (L) */
#define IDXD_GENSTS_ENABLED 1		/* (L) */
#define IDXD_GENSTS_HALT 3		/* (L) */
#define IDXD_GENSTS_RESET(v) ((v) >> 2 & 0x3)	/* what ends the halt (L) */
#define IDXD_RESET_SOFTWARE 0		/* the command (L) */
#define IDXD_RESET_FLR 1		/* a reset of the function (L) */

#define IDXD_INTCAUSE 0x98		/* 32 bits; write 1 to clear (L) */
#define IDXD_INTCAUSE_ERROR 0x01	/* something in SWERR (L) */
#define IDXD_INTCAUSE_HALT 0x10		/* (L) */
#define IDXD_INTCAUSE_REVOKED 0x80000000u	/* interrupt handles are void (L) */

#define IDXD_CMD 0xa0			/* 32 bits: operand, and the command << 20 (L) */
#define IDXD_CMD_ENABLE_DEVICE 1	/* (L) */
#define IDXD_CMD_RESET_DEVICE 5		/* (L) */
#define IDXD_CMD_ENABLE_QUEUE 6		/* operand: its number (L) */
#define IDXD_CMD_REQUEST_HANDLE 13	/* operand: the entry of MSI-X (L) */
#define IDXD_CMD_SHIFT 20

#define IDXD_CMDSTS 0xa8		/* 32 bits (L) */
#define IDXD_CMDSTS_ACTIVE 0x80000000u	/* (L) */
#define IDXD_CMDSTS_ERROR(v) ((v) & 0xff)	/* (L) */
#define IDXD_CMDSTS_RESULT(v) ((uint16_t)((v) >> 8 & 0xffff))	/* (L) */
#define IDXD_CMDCAP 0xb0		/* 32 bits, one a command (L) */

#define IDXD_SWERR 0xc0			/* 4 times 64 bits (L) */
#define IDXD_SWERR_VALID 0x1		/* (L) */
#define IDXD_SWERR_ACK 0x3		/* to be written to it (L) */

/* --- tables (L) ------------------------------------------------------------------------------- */

#define IDXD_GROUP_STRIDE 64		/* (L) */
#define IDXD_GROUP_QUEUES 0		/* 4 times 64 bits, one a queue (L) */
#define IDXD_GROUP_ENGINES 32		/* 64 bits, one an engine (L) */
#define IDXD_GROUP_FLAGS 40		/* 64 bits (L) */
#define IDXD_GROUP_CLASSES_1_1 0x9	/* traffic classes, necessary up to version 2 (L) */

#define IDXD_QUEUE_SIZE 0x00		/* 32 bits: entries (L) */
#define IDXD_QUEUE_THRESHOLD 0x04	/* 32 bits: of a shared one (L) */
#define IDXD_QUEUE_MODE 0x08		/* 32 bits (L) */
#define IDXD_QUEUE_DEDICATED 0x1	/* (L) */
#define IDXD_QUEUE_PRIORITY_1 0x10	/* the lowest (L) */
#define IDXD_QUEUE_LIMITS 0x0c		/* 32 bits (L) */
#define IDXD_QUEUE_MAX_XFER(log2) (log2)	/* (L) */
#define IDXD_QUEUE_MAX_BATCH(log2) ((log2) << 5)	/* (L) */
#define IDXD_QUEUE_MAX_XFER_OF(v) ((v) & 0x1f)	/* (L) */
#define IDXD_QUEUE_MAX_BATCH_OF(v) ((v) >> 5 & 0xf)	/* (L) */
#define IDXD_QUEUE_STATE 0x18		/* 32 bits (L) */
#define IDXD_QUEUE_STATE_OF(v) ((v) >> 30)	/* (L) */
#define IDXD_QUEUE_ENABLED 1		/* (L) */
#define IDXD_QUEUE_OPERATIONS 0x20	/* 256 bits, with IDXD_WQCAP_OP_CONFIG (L) */

#define IDXD_MSIX_STRIDE 8		/* of permissions; 0 is: without PASID (L) */

/* --- portals (L) ------------------------------------------------------------------------------ */

#define IDXD_PORTAL_BAR 2		/* queue 0's is the first; 4 pages a queue (L) */
#define IDXD_PORTAL_SIZE 0x1000u	/* any 64 bytes in it will do (L) */

/* --- descriptors: 64 bytes, aligned to 64 (U) ------------------------------------------------- */

struct idxd_descriptor {
	uint32_t pasid;		/* and privilege; 0 (U) */
	uint32_t flags;		/* and the operation << 24 (U) */
	uint64_t record;	/* address of a struct idxd_record (U) */
	uint64_t source;	/* or of a batch's descriptors (U) */
	uint64_t destination;
	uint32_t size;		/* bytes, or descriptors of a batch (U) */
	uint16_t interrupt;	/* handle (U) */
	uint16_t reserved[13];
};

#define IDXD_FLAG_RECORD_VALID 0x04	/* it has an address: failures are written (U, A) */
#define IDXD_FLAG_RECORD 0x08		/* success is written, too (U, A) */
#define IDXD_FLAG_INTERRUPT 0x10	/* when it is done (U) */

#define IDXD_OP_SHIFT 24
#define IDXD_OP_BATCH 1			/* (U) */
#define IDXD_OP_MOVE 3			/* (U) */
#define IDXD_OP_NONE 0xff		/* no operation has that number (U) */

/* A completion record: 32 bytes, aligned to 32. (U) */
struct idxd_record {
	uint8_t status;		/* 0 until it is written (U) */
	uint8_t result;
	uint8_t fault_info;
	uint8_t reserved;
	uint32_t completed;	/* bytes, or descriptors of a batch (U) */
	uint64_t fault_address;
	uint64_t more[2];
};

#define IDXD_STATUS_CODE 0x7f		/* (U) */
#define IDXD_STATUS_WRITE 0x80		/* it was a write that faulted (U) */
#define IDXD_STATUS_SUCCESS 0x01	/* (U) */
#define IDXD_STATUS_PAGE_FAULT 0x03	/* (U) */
#define IDXD_STATUS_PAGE_FAULT_BLOCKED 0x04	/* the same, nothing came of waiting (U) */
#define IDXD_STATUS_BATCH_FAILED 0x05	/* some of its descriptors did (U) */
#define IDXD_STATUS_BATCH_FAULT 0x06	/* its list could not be read on (U) */
#define IDXD_STATUS_OPCODE 0x10		/* the first of those that refuse a descriptor (U) */
#define IDXD_STATUS_CLASSES 0x1e	/* the last of them (U) */
#define IDXD_STATUS_READBACK_FAULT 0x1f	/* the destination could not be read back (U) */
#define IDXD_STATUS_HARDWARE 0x20	/* (U) */
#define IDXD_STATUS_HARDWARE_READBACK 0x21	/* (U) */
#define IDXD_STATUS_TRANSLATION 0x22	/* an address leads nowhere (U) */

#endif
