/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function of the Smart Data Accelerator Interface (SNIA SDXI 1.0) as hardware, on PCI.
 *
 * The numbers are written down here a second time on purpose: the driver's header is part of what
 * is tested. Sources are as in sdxi_rules.h: where things are is from (P), what no source says and
 * the model had to choose is marked (M).
 */
#ifndef MIGOFF_TESTS_MODELS_SDXI_MODEL_H
#define MIGOFF_TESTS_MODELS_SDXI_MODEL_H

#include "model.h"
#include "sdxi_rules.h"

#define SDXI_CONTEXTS_MAX 16	/* with context 0 (M) */
#define SDXI_ENGINES_MAX 14	/* that do descriptors at the same time (M) */
#define SDXI_RING_MIN 1024	/* Table 3-1: 64 KiB */
#define SDXI_GROUP_ID 0x5d10	/* what firmware is taken to have left in fn_grp_id (M) */
#define SDXI_SFUNC 0x0123	/* (M) */

/* Registers in BAR 0, 64 bits each; doorbells are in BAR 2. (9.1 to 9.3) */
enum {
	SDXI_CTL0 = 0x00000,
	SDXI_CTL2 = 0x00010,
	SDXI_STS0 = 0x00100,
	SDXI_CAP0 = 0x00200,
	SDXI_CAP1 = 0x00208,
	SDXI_VERSION = 0x00210,
	SDXI_CXT_L2 = 0x10000,
	SDXI_RKEY = 0x10100,
	SDXI_ERR_CTL = 0x20000,
	SDXI_ERR_STS = 0x20008,
	SDXI_ERR_CFG = 0x20010,
	SDXI_ERR_WRT = 0x20020,
	SDXI_ERR_RD = 0x20028,

	SDXI_CTL0_PASID_VL = 0x4,
	SDXI_CTL0_ERR_INTR = 0x10,

	SDXI_ERR_STS_STS = 0x1,
	SDXI_ERR_STS_OVF = 0x2,
	SDXI_ERR_STS_ERR = 0x8,
};

/* MMIO_STS0.fn_gsv, and what MMIO_CTL0.fn_gsr asks for. (Table 9-5, Table 9-2) */
enum sdxi_gsv {
	SDXI_STOP, SDXI_INIT, SDXI_ACTIVE, SDXI_STOPG_SF, SDXI_STOPG_HD, SDXI_ERROR,
};

enum sdxi_gsr { SDXI_GSR_RESET, SDXI_GSR_STOP_SF, SDXI_GSR_STOP_HD, SDXI_GSR_ACTIVE };

/* CXT_STS.state (Table 3-6): stopped and stopping by software and by the function. */
enum {
	SDXI_CXT_STOP_SW = 0x0, SDXI_CXT_RUN = 0x1, SDXI_CXT_STOPG_SW = 0x2,
	SDXI_CXT_STOP_FN = 0x4, SDXI_CXT_STOPG_FN = 0x6, SDXI_CXT_ERR_FN = 0xf,
};

/* Type << 16 | subtype << 8 of a descriptor's first word, and its flags. (Table 6-3) */
enum {
	SDXI_OP_NOP = 0x10100, SDXI_OP_COPY = 0x10300, SDXI_OP_INTR = 0x40000,
	SDXI_OP_FN_UPD = 0x20000, SDXI_OP_CXT_UPD = 0x20100, SDXI_OP_AKEY_UPD = 0x20200,
	SDXI_OP_CXT_START = 0x20300, SDXI_OP_CXT_STOP = 0x20400, SDXI_OP_SYNC = 0x20600,
	SDXI_OP_MASK = 0x7ffff00,
	SDXI_OP_TYPE_ADMIN = 0x20000,

	SDXI_DSC_VL = 0x1, SDXI_DSC_SE = 0x2, SDXI_DSC_FE = 0x4,

	SDXI_DSC_NP = 0x1,		/* in its last word: no completion status block */
	SDXI_CST_ER = 1u << 31,

	SDXI_V_HS = 0x40,		/* in vflags: hard stop, or of a start: it has a doorbell */
	SDXI_V_VF = 0x80,
};

enum sdxi_filter {
	SDXI_FLT_CXT, SDXI_FLT_STOP, SDXI_FLT_AKEY, SDXI_FLT_RKEY, SDXI_FLT_FN, SDXI_N_FLT,
};

struct sdxi_l1 {			/* Table 3-3 */
	uint64_t ctl;			/* bit 0 vl, 1 ka, 2 pv */
	uint64_t akeys;			/* bits 3:0: log2 of how many, less 8 */
	uint32_t misc;			/* 19:0 PASID, 23:20 max_buffer */
	uint32_t groups;
	uint64_t zero;
};

struct sdxi_ctl {			/* Table 3-4 */
	uint64_t ring;			/* bit 0 vl; qos 3:2, se 4, csa 5 change nothing (M) */
	uint32_t entries;
	uint32_t zero;
	uint64_t sts;
	uint64_t write_index;
	uint64_t zeros[4];
};

struct sdxi_sts {			/* Table 3-5 */
	uint8_t state;
	uint8_t misc;
	uint8_t zero[6];
	uint64_t read_index;
};

struct sdxi_akey {			/* Table 3-7 */
	uint16_t intr;			/* bit 0 vl, 1 iv, 2 pv, 14:4 number */
	uint16_t sfunc;
	uint32_t pasid;
	uint16_t stag;
	uint16_t zero;
	uint16_t rkey;
	uint16_t zero2;
};

struct sdxi_cst {			/* Table 6-4 */
	uint64_t signal;
	uint32_t flags;
	uint32_t zeros[5];
};

union sdxi_desc {
	struct {			/* Table 6-3 */
		uint32_t opcode;
		uint32_t body[13];
		uint64_t csb;
	};
	struct {
		uint32_t opcode;
		uint32_t size;		/* less 1 */
		uint32_t attr;		/* 3:0 of the source, 7:4 of the destination */
		uint16_t akey[2];
		uint64_t addr[2];
		uint64_t zeros[3];
		uint64_t csb;
	} copy;
	struct {
		uint32_t opcode;
		uint32_t zero[2];
		uint16_t akey;
		uint16_t zero2;
		uint64_t zeros[5];
		uint64_t csb;
	} intr;
	struct {
		uint32_t opcode;
		uint8_t cflags;
		uint8_t vflags;
		uint16_t vf;
		uint16_t first;
		uint16_t last;
		uint16_t key_first;
		uint16_t key_last;
		uint64_t doorbell;
		uint64_t zeros[4];
		uint64_t csb;
	} admin;
};

struct sdxi_log_entry {			/* ERRLOG_HD_ENT, 3.4 */
	uint32_t head;			/* bit 0 vl, 13:8 step, 26:16 0x7f7 */
	uint16_t misc;			/* bit 0 cv, 1 div, 2 bv, 6:4 buf, 11:8 sub, 14:12 re */
	uint16_t cxt;
	uint64_t index;
	uint8_t zero[28];
	uint16_t class;
	uint16_t zero2;
	uint32_t vendor[4];
};

_Static_assert(sizeof(struct sdxi_l1) == 32, "CXT_L1_ENT");
_Static_assert(sizeof(struct sdxi_ctl) == 64, "CXT_CTL");
_Static_assert(sizeof(struct sdxi_sts) == 16, "CXT_STS");
_Static_assert(sizeof(struct sdxi_akey) == 16, "AKEY_ENT");
_Static_assert(sizeof(struct sdxi_cst) == 32, "CST_BLK");
_Static_assert(sizeof(union sdxi_desc) == 64, "descriptor");
_Static_assert(sizeof(struct sdxi_log_entry) == 64, "ERRLOG_HD_ENT");

/* "(Flagged) Processing Step", what of it failed, and what the function does then. (3.4) */
enum sdxi_step {
	SDXI_NO_ERROR, SDXI_E_INT, SDXI_E_CXT_L2, SDXI_E_CXT_L1, SDXI_E_CXT_CTL, SDXI_E_CXT_STS,
	SDXI_E_WRT_IDX, SDXI_E_DSC_GEN, SDXI_E_DSC_CSB, SDXI_E_ATOMIC, SDXI_E_DSC_BUF,
	SDXI_E_DSC_AKEY, SDXI_E_FN_RKEY,
};

enum sdxi_sub_step { SDXI_E_OTHER, SDXI_E_ATF, SDXI_E_DAF, SDXI_E_DVF };
enum sdxi_reaction { SDXI_RE_INFORM, SDXI_RE_CXT, SDXI_RE_FN, SDXI_RE_LOGGED };

struct sdxi_error {
	enum sdxi_step step;
	enum sdxi_sub_step sub;
	int buf;			/* which buffer, counted from 1; 0: none */
};

/* A descriptor on its way. One that is @active keeps Read_Index from moving past it. */
struct sdxi_item {
	bool active;
	union sdxi_desc d;
	unsigned int cxt;
	uint64_t index;
	struct sdxi_error error;
	enum sdxi_reaction reaction;
	struct model_order order;
};

enum sdxi_run { SDXI_AT_REST, SDXI_RUNNING, SDXI_STOPPING };

/* A context, as the function has cached it from when it started to when it came to rest. */
struct sdxi_cxt {
	enum sdxi_run run;
	uint8_t last_state;		/* in which it will come to rest */
	bool failed;			/* by an error, which software cannot foresee */
	bool told;			/* that structures have changed */
	uint64_t l1_at;
	struct sdxi_l1 l1;
	struct sdxi_ctl ctl;
	struct sdxi_sts sts;		/* as it was written last */
	uint64_t next;			/* the descriptor to be fetched next */
	uint64_t limit;			/* the first that must not be */
	uint64_t bell;			/* the highest doorbell */
	unsigned int n_out;		/* fetched, and not done with */
};

struct sdxi {
	/* Options. */
	unsigned int n_engines, n_contexts;	/* without context 0 */
	bool eager, early_read, keeps_vl, all_faults, lives;

	/* From here on: what a reset of the function forgets. */
	enum sdxi_gsv gsv;
	bool resetting;			/* GSRV_RESET in the error state */
	bool seen;			/* STS0, in the transition at hand */
	uint64_t ctl0, ctl2, cxt_l2;
	uint64_t err_ctl, err_sts, err_cfg, err_wrt, err_rd;
	struct sdxi_cxt cxt[SDXI_CONTEXTS_MAX];
	unsigned int last_cxt;		/* served last: the next one comes first */

	/* One a unit; that of context 0 comes after the engines. */
	struct sdxi_item item[SDXI_ENGINES_MAX + 1];
	bool waiting;			/* context 0 does, in a DSC_SYNC */
	struct sdxi_item held;		/* completed late */
	uint64_t again_at;		/* a completion to be made once more; 0: none */
};

#define sdxi_broken(m, rule, ...) \
	model_broken(m, sdxi_rules[SDXI_RULE_##rule].name, __VA_ARGS__)

/* Software may take bus mastership away at any time: what then cannot be read is no rule broken. */
static inline bool sdxi_told(const struct model *m, enum sdxi_sub_step sub)
{
	return (sub != SDXI_E_ATF && sub != SDXI_E_DAF) || model_bus_master(m);
}

static inline unsigned int sdxi_n_vectors(const struct sdxi *s)
{
	return 1 + s->n_contexts;
}

static inline uint64_t sdxi_l2_base(const struct sdxi *s)
{
	return s->cxt_l2 & ~UINT64_C(0xfff);
}

static inline uint64_t sdxi_ring_base(const struct sdxi_cxt *c)
{
	return c->ctl.ring & ~UINT64_C(0x3f);
}

static inline uint64_t sdxi_akey_base(const struct sdxi_cxt *c)
{
	return c->l1.akeys & ~UINT64_C(0xfff);
}

static inline unsigned int sdxi_n_akeys(const struct sdxi_cxt *c)
{
	return 256u << (c->l1.akeys & 0xf);
}

/* Bytes of the error log. */
static inline uint64_t sdxi_log_size(const struct sdxi *s)
{
	return (s->err_cfg >> 1 & 0x1f) * 64 * sizeof(struct sdxi_log_entry);
}

/* --- sdxi.c: registers ------------------------------------------------------------------------ */

uint64_t sdxi_cap0(struct model *m);
uint64_t sdxi_cap1(struct model *m);

/* As after power-on. */
void sdxi_forget(struct sdxi *s);

/* --- sdxi_function.c: its state, and its error log -------------------------------------------- */

void sdxi_write_ctl0(struct model *m, uint64_t value);
void sdxi_write_log(struct model *m, unsigned int offset, uint64_t value);

/*
 * An error has been found. @cxt and @index are those of the descriptor, -1 and 0 for none; what the
 * function does about it is logged here, and done by the caller.
 */
void sdxi_log(struct model *m, const struct sdxi_error *error, enum sdxi_reaction reaction, int cxt,
	      uint64_t index);

/* All comes to an end at once, and only a reset helps. */
void sdxi_fail_function(struct model *m);

/* What the last unit does: transitions end when all has come to rest. */
bool sdxi_function_ready(struct model *m);
void sdxi_function_end(struct model *m);

/* As dsa_hurry_command(): a transition that was seen to take time ends now, if it can. */
void sdxi_hurry_function(struct model *m);

/* --- sdxi_context.c: structures in memory, rings ---------------------------------------------- */

/**
 * sdxi_start_cxt() - Read the structures of a context that is at rest, and let it run.
 * @m: the function.
 * @n: which context.
 * @state: what CXT_STS has to say: by whom it is started.
 * @ret: what is wrong.
 */
bool sdxi_start_cxt(struct model *m, unsigned int n, uint8_t state, struct sdxi_error *ret);

/* Let it come to rest: it takes up no more; if @hard what it has taken up is given up. */
void sdxi_stop_cxt(struct model *m, unsigned int n, bool by_function, bool hard);

/* An error of it: logged, and what the reaction says. */
void sdxi_fail_cxt(struct model *m, unsigned int n, const struct sdxi_error *error,
		   enum sdxi_reaction reaction, uint64_t index);

/* DSC_CXT_UPD: what is cached of it is read again. */
void sdxi_update_cxt(struct model *m, unsigned int n);

void sdxi_doorbell(struct model *m, unsigned int n, uint64_t value);

/* Whether a descriptor can be taken up: a fence waits for those before it. */
bool sdxi_may_fetch(struct model *m, unsigned int n);

/* Take it up. Return: whether there was one. */
bool sdxi_fetch(struct model *m, unsigned int n, struct sdxi_item *ret);

/* A descriptor of it is done with, and its item not active any more. */
void sdxi_release(struct model *m, unsigned int n);

/* One was given up: it was not done, nor was any after it. */
void sdxi_unfetch(struct model *m, struct sdxi_item *it);

/* --- sdxi_work.c: engines, and what all descriptors have in common ---------------------------- */

bool sdxi_engine_ready(struct model *m, unsigned int engine);
void sdxi_engine_work(struct model *m, unsigned int engine);

/* A field is wrong: told by its rule, and noted as the item's error. */
#define sdxi_wrong(m, it, rule, step, sub)                                                     \
	({                                                                                     \
		if (sdxi_told(m, sub))                                                         \
			sdxi_broken(m, rule, "context %u, descriptor %llu, opcode %#x",        \
				    (it)->cxt, (unsigned long long)(it)->index,                \
				    (it)->d.opcode);                                           \
		(it)->error = (struct sdxi_error) { step, sub, 0 };                            \
		false;                                                                         \
	})

/* What Table 6-3 says of each. */
bool sdxi_check_generic(struct model *m, struct sdxi_item *it);

/* An error that was ordered. */
void sdxi_order_error(struct sdxi_item *it);

/* Signal the completion, let go of it, and react to its error. */
void sdxi_finish(struct model *m, struct sdxi_item *it);

/* --- sdxi_admin.c: context 0 ------------------------------------------------------------------ */

bool sdxi_admin_ready(struct model *m);
void sdxi_admin_work(struct model *m);

#endif
