/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of SDXI that software has to keep, and that the model tells of when it does not; each
 * has a test in test-sdxi-rules.c.
 *
 * The text of the specification (SNIA SDXI 1.0a) was not at hand for this: its sections and tables
 * are named as those name them who have read it. So what says a rule is one of these:
 *
 *	(P) the "sdxi" dmaengine series by AMD as posted to dmaengine@vger.kernel.org from September
 *	    2025 to June 2026: its headers for where things are, its comments and messages for rules
 *	(R) its author's answers in review there, and his list of what is left to do
 *	(E) SNIA's example of how descriptors are enqueued, chapter "SDXI Descriptor Ring
 *	    Operation", in that series' first version
 *	(M) a choice of this model where none of them says, always the one that forgives software
 *	    less; what could not be found out is said here or where it would matter
 *
 * Of what the function does no source says these, so that software has to live with either way; the
 * second is an option of the model, and those may be put together:
 *
 *	whether Read_Index is of what was done, in order, or of what was taken up (early-read)
 *	whether the bit vl of what was taken up is cleared, as (E) needs it, or stays (keeps-vl)
 *	whether the error of a descriptor stops its context, or is told of and no more (lives)
 *	whether it waits for the doorbell, or takes up what is valid before it (eager; legal by (R))
 */
#ifndef MIGOFF_TESTS_MODELS_SDXI_RULES_H
#define MIGOFF_TESTS_MODELS_SDXI_RULES_H

/*
 * Name, what is told, who says so.
 *
 * Not modelled, and told of as reserved: MMIO_GRP_ENUM (0x8), the mailbox (4.1.8.5), RKeys (the
 * model says that it has none), virtual functions, PASIDs, atomic operations, DSC_ADM_INTR,
 * DSC_CXT_START_RS, and the descriptor's bits ch, csr and rb, of which no source says what they do.
 */
#define SDXI_RULES(X)                                                                          \
	/* Registers. */                                                                       \
	X(REGISTER, "reserved register", "9.1, 9.2, 9.3 (P)")                                  \
	X(WIDTH, "width of a register", "Table 9-7 mmio64 (P): 64 bits; no others (M)")        \
	X(READ_ONLY, "write to a read-only register", "Tables 9-5 to 9-8 (P)")                 \
	X(REGISTER_BITS, "reserved bits of a register", "Tables 9-2 to 9-13 (P)")              \
	X(GROUP_ID, "MMIO_CTL0.fn_grp_id changes", "Table 9-2 (R)")                            \
	X(CTL0_BUSY, "MMIO_CTL0 of a function that is not stopped", "Table 9-2 (R)")           \
	X(GSR, "fn_gsr asks for what the state does not allow",                                \
	  "Figure 4-1 (P, R); it was not at hand: what no source does is refused (M)")         \
	X(CTL2, "MMIO_CTL2 beyond MMIO_CAP1", "Tables 9-4, 9-7 (P)")                           \
	X(CONFIG_BUSY, "configuration of a function that is not stopped", "4.1.8 (P)")         \
	X(RKEY, "RKeys without rkey_cap", "Tables 9-7, 9-10 (P)")                              \
	X(PASID, "PASID", "Tables 9-2, 3-3, 3-7 (P); the model has none (M)")                  \
	/* The error log. */                                                                   \
	X(LOG_ENABLED, "error log set up while it is enabled", "3.4.2 steps 1, 5, 6 (P)")      \
	X(LOG_SIZE, "size of the error log", "Tables 9-7, 9-13 (P); 64 to max_errlog_sz (M)")  \
	X(LOG_INDEX, "MMIO_ERR_RD behind itself or beyond MMIO_ERR_WRT", "3.4.3 (P)")          \
	X(LOG_MAPPED, "error log is not mapped", "3.4.2 step 3 (P)")                           \
	/* Structures in memory. */                                                            \
	X(BUS_MASTER, "function activated without bus mastership", "4.1.8 (M)")                \
	X(L2, "context level 2 table", "3.2.1, Table 3-2 (P)")                                 \
	X(L1, "context level 1 table", "3.2.2, Table 3-3 (P)")                                 \
	X(L1_LIMITS, "context beyond MMIO_CTL2", "Tables 3-3, 9-4 (P)")                        \
	X(AKEY_TABLE, "AKey table", "Table 3-3 (P); that of context 0, too (R)")               \
	X(CXT_CTL, "context control", "Table 3-4 (P)")                                         \
	X(RING_SIZE, "size of a descriptor ring", "Tables 3-1, 9-6 (P)")                       \
	X(RING, "descriptor ring is not mapped", "Table 3-4 (P)")                              \
	X(CXT_STS, "context status", "Tables 3-5, 3-6 (P)")                                    \
	X(ADMIN_RUN, "context 0 is not in CXTV_RUN at activation", "4.1.8.4.b (P)")            \
	X(WRITE_INDEX, "Write_Index is not mapped", "Table 3-4 (P)")                           \
	X(INDICES, "Write_Index behind Read_Index", "(E)")                                     \
	X(OVERRUN, "more descriptors than the ring has entries", "(E)")                        \
	X(CHANGED, "structures of a context change while it runs",                             \
	  "4.3.1.1 (R): not without DSC_CXT_UPD; when caches end is not known (M)")            \
	X(STS_CHANGED, "context status changes while the context runs", "Table 3-5 (P)")       \
	X(UNMAPPED, "memory unmapped that the function may reach", "4.1, 4.3 (R)")             \
	/* Doorbells. */                                                                       \
	X(DOORBELL, "no doorbell", "Table 9-6 db_stride, Table 9-4 max_cxt (P)")               \
	X(DOORBELL_READ, "read of a doorbell", "(M)")                                          \
	X(DOORBELL_FN, "doorbell of a function that is not active", "4.1.8.10 (P)")            \
	X(DOORBELL_CXT, "doorbell of a context that does not run", "4.3.4 (P)")                \
	X(DOORBELL_AHEAD, "doorbell ahead of Write_Index", "(E)")                              \
	X(DOORBELL_VL, "doorbell of a descriptor that is not valid",                           \
	  "Table 6-3 vl (P); one producer (M)")                                                \
	/* Descriptors. */                                                                     \
	X(DSC_BITS, "reserved field of a descriptor", "Table 6-3 and those of operations (P)") \
	X(OPERATION, "operation", "6.2 type and subtype (P)")                                  \
	X(OPERATION_CXT, "operation of another kind of context", "3.5 (P); also in 0 (M)")     \
	X(FENCE, "context start or stop without fence", "DSC_CXT_START, DSC_CXT_STOP fe (P)")  \
	X(CSB, "pointer to a completion status block", "Table 6-3 np (P)")                     \
	X(CST_MAPPED, "completion status block is not mapped", "Table 6-4 (P)")                \
	X(CST_SIGNAL, "completion status block is not armed", "Table 6-4 signal (P)")          \
	X(CST_BITS, "completion status block is not clear", "Table 6-4 flags (P)")             \
	X(COPY_SIZE, "size of a copy", "Table 3-3 max_buffer (P)")                             \
	X(OVERLAP, "source, destination and completion overlap", "5.6 (P)")                    \
	X(AKEY_INDEX, "AKey beyond its table", "Table 3-3 akey_sz (P)")                        \
	X(AKEY_VL, "AKey that is not valid", "Table 3-7 vl (P)")                               \
	X(AKEY_BITS, "field of an AKey", "Table 3-7 (P, R): of this function, without RKey")   \
	X(AKEY_IV, "interrupt by an AKey that has none", "Table 3-7 iv (P)")                   \
	X(VECTOR, "interrupt number", "Table 3-7 intr_num (P)")                                \
	/* Context 0. */                                                                       \
	X(RANGE, "range of contexts", "DSC_CXT_START, DSC_CXT_STOP, DSC_SYNC (P)")             \
	X(VF, "virtual function", "DSC_CXT_START vf (P); the model has none (M)")              \
	X(START, "start of a context that is not in CXTV_STOP_SW", "4.3.4 (M)")                \
	X(SYNC, "filter of a synchronization", "DSC_SYNC flt (P)")

#define SDXI_RULE_ID(id, name, source) SDXI_RULE_##id,

enum sdxi_rule { SDXI_RULES(SDXI_RULE_ID) SDXI_N_RULES };

extern const struct sdxi_rule_text {
	const char *name;
	const char *source;
} sdxi_rules[SDXI_N_RULES];

#endif
