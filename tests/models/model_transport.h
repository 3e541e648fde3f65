/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model as the device below an engine's driver, in this process: no virtual machine is needed.
 */
#ifndef MIGOFF_TESTS_MODELS_MODEL_TRANSPORT_H
#define MIGOFF_TESTS_MODELS_MODEL_TRANSPORT_H

#include "engine.h"
#include "model.h"

/**
 * model_open_engine() - Open the engine that a model is, with the driver that knows its PCI id or class.
 * @spec: as for model_new().
 * @ret: the engine; closing it frees the model.
 * @why: as for engine_open_pci().
 *
 * Closing it ends the test if the driver has broken a rule of the device and @spec does not say
 * "lenient", or if it has left memory mapped.
 *
 * Return: as engine_open_pci(), or -EINVAL for the spec.
 */
int model_open_engine(const char *spec, struct engine **ret, struct why *why);

/* The model below an engine that was opened so. */
struct model *model_of(struct engine *e);

#endif
