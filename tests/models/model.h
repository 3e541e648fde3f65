/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of a PCI DMA engine: what the hardware is, for drivers to be tested against.
 *
 * A kind of device (struct model_ops, one file each) knows registers, descriptors and the rules for
 * both, and nothing of who drives it. Below it is one core: memory by I/O virtual address,
 * interrupts, configuration space, threads that do the work, the faults that a test orders, and the
 * log of broken rules. Above it is one of two hosts: the vfio-user server, which makes it a device
 * of a virtual machine, or a transport in this process (model_transport.h).
 *
 * A model is strict: software that breaks a rule of the device is told on by model_broken(), and
 * then gets what the hardware would give.
 *
 * There is one lock a device. All ops are called with it held, and all functions below expect it,
 * but for those said to be for hosts and tests. A device has units that work at the same time, each
 * with a thread: a channel, or an engine behind a work queue. model_begin() and model_copy() let go
 * of the lock while they wait or copy; what they found out before may have changed after them.
 */
#ifndef MIGOFF_TESTS_MODELS_MODEL_H
#define MIGOFF_TESTS_MODELS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_N_BARS 6
#define MODEL_UNITS_MAX 16
#define MODEL_VECTORS_MAX 64

/*
 * Software that has only the device, such as a test in a virtual machine, orders faults and reads
 * what has been counted by a vendor-specific extended capability at MODEL_ORDERS in configuration
 * space, all in little endian. To write any of MODEL_ORDERS_COMMAND's values does what it says; to
 * read it gives how that ended: 0, or a positive errno. The programs model-order and model-counts
 * do it for a device at a PCI address.
 *
 *	MODEL_ORDERS_COMMAND	u32: 1 order what stands in the text, as model_order_faults();
 *				2 put what has been counted where it can be read
 *	MODEL_ORDERS_COUNTS	struct model_counts, as of the last command 2
 *	MODEL_ORDERS_TEXT	characters, the last one 0; 4 at a time, aligned
 *
 * A reset of the function empties it, but withdraws nothing that was ordered.
 */
#define MODEL_ORDERS 0xf00
#define MODEL_ORDERS_ID 0x6d6f
#define MODEL_ORDERS_COMMAND (MODEL_ORDERS + 0x08)
#define MODEL_ORDERS_COUNTS (MODEL_ORDERS + 0x10)
#define MODEL_ORDERS_TEXT (MODEL_ORDERS + 0x40)
#define MODEL_ORDERS_TEXT_LEN 128
#define MODEL_ORDERS_LEN 0xc0

struct model;

/**
 * struct model_pci - What configuration space says of a device.
 * @vendor: and the next three are its identity.
 * @device: see there.
 * @revision: see there.
 * @class_code: base class, subclass and interface: 0x088000.
 * @bar_size: bytes of each BAR, all of them memory of 64 bits; a power of two, 0 for none.
 * @n_vectors: of MSI-X; 0 for none.
 * @msix_bar: the BAR with its table and its pending bits, at the next two offsets.
 * @msix_table: see there.
 * @msix_pba: see there.
 * @has_line: it has INTx instead: model_line(). In this process only.
 * @msix_own: the kind is told of accesses to both, for it loses what is in them. In this process
 *	only; in a machine QEMU keeps them to itself.
 */
struct model_pci {
	uint16_t vendor;
	uint16_t device;
	uint8_t revision;
	uint32_t class_code;
	uint64_t bar_size[MODEL_N_BARS];
	unsigned int n_vectors;
	unsigned int msix_bar;
	uint64_t msix_table;
	uint64_t msix_pba;
	bool has_line;
	bool msix_own;
};

/* How an access to memory ended. */
enum model_access {
	MODEL_DONE,
	MODEL_READ_FAULT,	/* the source is not mapped, or the device is no bus master */
	MODEL_WRITE_FAULT,	/* the same of the destination */
	MODEL_STOPPED,		/* model_stop() came meanwhile: forget about it */
};

/**
 * struct model_ops - A kind of device.
 * @name: "ioat", "dsa".
 * @state_size: bytes of its own state, zeroed at first: model_state().
 * @absurd: what model_absurd() is asked for, ended by NULL: "ring", "transfer", ...; may be NULL.
 */
struct model_ops {
	const char *name;
	size_t state_size;
	const char *const *absurd;

	/*
	 * @option: Take an option that the core does not know ("version", "3.3"), before @pci is
	 * asked for; may be NULL. Return: 0, or -EINVAL for one that makes no sense.
	 */
	int (*option)(struct model *m, const char *key, const char *value);

	/* @pci: Say what configuration space shall say, and how many units there are. */
	void (*pci)(struct model *m, struct model_pci *ret, unsigned int *ret_n_units);

	/* @reset: All registers as after power-on. All units are at rest, and stay so. */
	void (*reset)(struct model *m);

	/*
	 * @stale: Registers and units as a former owner leaves them who was killed at work, with
	 * addresses in them that lead nowhere any more. What is ordered by the option "stale"; may
	 * be NULL.
	 */
	void (*stale)(struct model *m);

	/* @read: Of @width bytes (1, 2, 4, 8), naturally aligned and inside the BAR. */
	uint64_t (*read)(struct model *m, unsigned int bar, uint64_t offset, unsigned int width);
	void (*write)(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
		      uint64_t value);

	/*
	 * @config_write: To configuration space from 0x100 on; may be NULL. Reads are of what
	 * model_config_set() has put there.
	 */
	void (*config_write)(struct model *m, unsigned int offset, unsigned int width,
			     uint32_t value);

	/*
	 * @unmapped: What was mapped from @iova to @last is so no more: software says that the
	 * device will not use it. May be NULL; not called for one that is unplugged.
	 */
	void (*unmapped)(struct model *m, uint64_t iova, uint64_t last);

	/* @ready: Whether the unit has something to do. */
	bool (*ready)(struct model *m, unsigned int unit);

	/* @work: Do a piece of it: one descriptor. */
	void (*work)(struct model *m, unsigned int unit);
};

/* A kind that is ready is also in the list in model.c. */
extern const struct model_ops model_ae4dma_ops;
extern const struct model_ops model_ioat_ops;
extern const struct model_ops model_dsa_ops;
extern const struct model_ops model_lsi_ops;
extern const struct model_ops model_ptdma_ops;
extern const struct model_ops model_sdxi_ops;
extern const struct model_ops model_toy_ops;

/* --- for kinds of devices ------------------------------------------------------------------- */

void *model_state(struct model *m);

/* Whether the device may do DMA: bus mastership in its command register. */
bool model_bus_master(const struct model *m);

/*
 * What a read from configuration space gives, from 0x110 up to MODEL_ORDERS; the rest is the
 * core's. It is all zeros at first and after a reset of the function.
 */
void model_config_set(struct model *m, unsigned int offset, unsigned int width, uint32_t value);

/**
 * model_broken() - Software has broken a rule of the device.
 * @m: the device.
 * @rule: its name, a few words without figures: "DMACOUNT moves past the ring". A literal.
 * @fmt: how it was broken, with figures.
 *
 * It is printed when it is first broken, and when the device is freed how often it was in all.
 */
void model_broken(struct model *m, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Something has changed: let units look whether they are ready. */
void model_kick(struct model *m);

/* Whether the unit is in the middle of a piece of work. */
bool model_working(const struct model *m, unsigned int unit);

/*
 * Let the unit give up the piece of work that it is in the middle of, if any: what it waits for
 * in model_begin() or model_copy() ends with MODEL_STOPPED. Does not wait for it.
 */
void model_stop(struct model *m, unsigned int unit);

/**
 * struct model_order - What a test has ordered for the descriptor at hand.
 * @fail: report a hardware error for it, whatever is in it. @code says which one, 0: as usual.
 * @lose: do not write its completion.
 * @twice: complete it twice.
 * @never: complete one that was never submitted, beside it.
 * @senseless: complete it with a code that has no meaning.
 * @late: let one that comes after it be completed first, if that is legal for the device.
 */
struct model_order {
	bool fail;
	uint32_t code;
	bool lose;
	bool twice;
	bool never;
	bool senseless;
	bool late;
};

/**
 * model_begin() - Take up a descriptor: it counts, and its set time passes.
 * @m: the device.
 * @unit: who does.
 * @ret: what is ordered for it.
 *
 * Return: MODEL_DONE, or MODEL_STOPPED.
 */
enum model_access model_begin(struct model *m, unsigned int unit, struct model_order *ret);

/**
 * model_copy() - Copy as a descriptor says, byte by byte upwards.
 * @m: the device.
 * @unit: who does.
 * @src: where to read.
 * @dst: where to write.
 * @len: bytes.
 * @ret_done: bytes copied before it ended; may be NULL.
 *
 * A set time for each byte passes; a wrong byte that was ordered is made here.
 */
enum model_access model_copy(struct model *m, unsigned int unit, uint64_t src, uint64_t dst,
			     uint64_t len, uint64_t *ret_done);

/* Small accesses, made at once: descriptors, completion records. Nothing is written in part. */
enum model_access model_dma_read(struct model *m, uint64_t iova, void *to, size_t len);
enum model_access model_dma_write(struct model *m, uint64_t iova, const void *from, size_t len);

/* Signal an interrupt, if it is switched on and not ordered to be lost. */
void model_interrupt(struct model *m, unsigned int vector);

/*
 * The interrupt line is that high from now on. It interrupts when it rises, and as long as it is high
 * whenever whoever took the last one lets it again.
 */
void model_line(struct model *m, bool high);

/**
 * model_absurd() - Whether a capability is ordered to be absurd.
 * @m: the device.
 * @what: one of ops.absurd; the option is "absurd-" and this.
 * @ret: the value that was ordered.
 */
bool model_absurd(const struct model *m, const char *what, uint64_t *ret);

/* Whether it is ordered that the device's own command to reset, once given, does not end. */
bool model_never_resets(const struct model *m);

/* --- for hosts and tests: without the lock ---------------------------------------------------- */

/**
 * model_new() - Make a device, and power it on.
 * @spec: "KIND[,OPTION[=VALUE]]...": "ioat,version=3.3,ns-per-kib=400". Options of all kinds are
 *	in model_help().
 * @ret: the device.
 *
 * Return: 0; -EINVAL with a line on the standard error; or another negative errno.
 */
int model_new(const char *spec, struct model **ret);

/* The same of a kind that is in no list; @options is what follows the KIND, or NULL. */
int model_new_kind(const struct model_ops *ops, const char *options, struct model **ret);

/* Let all units come to rest, and free it. Return: NULL. NULL is allowed. */
struct model *model_free(struct model *m);

static inline void model_freep(struct model **m)
{
	*m = model_free(*m);
}

/* What options there are, for --help. */
const char *model_help(void);

/**
 * model_order_faults() - Order faults, or other costs, from now on.
 * @m: the device.
 * @spec: "OPTION[=VALUE],...". Descriptors are counted from now on: "error=3" fails the third one
 *	from here. What is not named stays as it is; "none" withdraws all faults.
 *
 * Return: 0, or -EINVAL: then nothing has changed.
 */
int model_order_faults(struct model *m, const char *spec);

/* The name of its kind. */
const char *model_name(const struct model *m);

const struct model_pci *model_pci(const struct model *m);

/* What the options "no-post64", "no-flr" and "lenient" say, which hosts act on. */
bool model_can_post64(const struct model *m);
bool model_can_reset(const struct model *m);
bool model_lenient(const struct model *m);

/* Registers, as a host gets at them: bounds, alignment and what is unplugged are looked at here. */
uint64_t model_bar_read(struct model *m, unsigned int bar, uint64_t offset, unsigned int width);
void model_bar_write(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
		     uint64_t value);

/* Configuration space, of any kind of access: bus mastership, function-level reset. */
void model_config_read(struct model *m, unsigned int offset, void *ret, size_t len);
void model_config_write(struct model *m, unsigned int offset, const void *from, size_t len);

/* Reset the function: returns with all units at rest. */
void model_reset(struct model *m);

/**
 * model_map() - Let the device reach memory.
 * @m: the device.
 * @iova: where it finds it.
 * @va: where this process has it.
 * @len: bytes.
 * @writable: whether it may write there too.
 *
 * Return: 0, -EEXIST where something is mapped already, -EINVAL for a length of 0 or beyond the
 * last address, or -ENOMEM.
 */
int model_map(struct model *m, uint64_t iova, void *va, uint64_t len, bool writable);

/**
 * model_unmap() - Undo it, for all mappings that have a byte in a range.
 * @m: the device.
 * @iova: where the range begins.
 * @len: bytes.
 *
 * Guarantees: on return no unit reads or writes what those mapped, nor ever will.
 *
 * Return: how many mappings there were.
 */
unsigned int model_unmap(struct model *m, uint64_t iova, uint64_t len);

/* How many mappings there are. */
size_t model_n_mapped(struct model *m);

/* Signal vector @vector by that eventfd, or not at all (-1). It stays the caller's. */
void model_set_vector(struct model *m, unsigned int vector, int fd);

/* Signal the interrupt line by that eventfd, or not at all (-1), as for a vector. */
void model_set_line(struct model *m, int fd);

/* What it signalled last was taken: it may again. */
void model_unmask_line(struct model *m);

/**
 * struct model_counts - What has happened since power-on.
 * @broken: rules that software broke, without those that the option "allow" expects.
 * @descriptors: taken up.
 * @interrupts: signalled.
 * @faults: accesses to memory that is not mapped so: what an IOMMU would report.
 */
struct model_counts {
	uint64_t broken;
	uint64_t descriptors;
	uint64_t interrupts;
	uint64_t faults;
};

void model_counts(struct model *m, struct model_counts *ret);

/* The name of the rule broken last, "" if none was. */
const char *model_last_broken(struct model *m);

#endif
