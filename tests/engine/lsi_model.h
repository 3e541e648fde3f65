/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of the LSI 53C895A's SCRIPTS processor in this process: a register file, and a thread
 * that executes scripts. Behind a transport, the driver cannot tell it from the chip.
 *
 * It is strict where the chip, or QEMU's model of it, is merely unpleasant, and ends the test:
 * a script started while another runs or while status is unread, a script that runs into the
 * limit of instructions, a register touched that no copy engine needs, an access of the wrong
 * width. When it is closed, no copy may have touched what was not mapped.
 */
#ifndef MIGOFF_TESTS_ENGINE_LSI_MODEL_H
#define MIGOFF_TESTS_ENGINE_LSI_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "transport.h"

struct lsi_model;

/**
 * struct lsi_model_config - What is unusual about it.
 * @no_irq: it has no interrupt.
 * @lenient: accesses outside of mapped memory are allowed; they read zeros and write nothing.
 * @no_reset: SRST has no effect while a script runs: the device never comes to rest.
 */
struct lsi_model_config {
	bool no_irq;
	bool lenient;
	bool no_reset;
};

/**
 * lsi_model_new() - A chip with its registers as after power-on.
 * @config: copied.
 * @ret: the transport to it; closing it ends the model.
 *
 * Return: 0 or a negative errno.
 */
int lsi_model_new(const struct lsi_model_config *config, struct transport **ret);

/* The LSI driver on a new model. Return: as engine_open_pci(). */
int lsi_model_open_engine(const struct lsi_model_config *config, struct engine **ret,
			  struct why *why);

struct lsi_model *lsi_model_of(struct engine *e);

/* From the next script on, scripts do not get anywhere, until the next software reset. */
void lsi_model_hang(struct lsi_model *m);

/* The next interrupt reaches the processor only once its cause has been taken. */
void lsi_model_late_interrupt(struct lsi_model *m);

/* The code of the script that ended last. */
uint32_t lsi_model_code(struct lsi_model *m);

/* An interrupt that is not of the script that runs, but of one with that code. */
void lsi_model_stale_interrupt(struct lsi_model *m, uint32_t code);

/* From now on it is as if it were unplugged: all reads give ones, nothing is copied. */
void lsi_model_unplug(struct lsi_model *m);

/* How many scripts were started. */
unsigned int lsi_model_n_scripts(struct lsi_model *m);

/* Whether it may do DMA. */
bool lsi_model_bus_master(struct lsi_model *m);

#endif
