/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rig (rig.h) whose engine is a driver on a model that can be ordered to fail: in this process, or,
 * where there is a machine with models, behind VFIO.
 */
#ifndef MIGOFF_TESTS_ENGINE_FAULTS_H
#define MIGOFF_TESTS_ENGINE_FAULTS_H

#include "model_transport.h"
#include "rig.h"

/* Nothing is ever mapped there. */
#define FAULTS_NOWHERE (UINT64_C(1) << 38)

/**
 * faults_open() - Open a rig, with the engine started.
 * @rig: the rig.
 * @spec: the model in this process, as for model_new(); or the PCI address of one in the machine.
 */
void faults_open(struct rig *rig, const char *spec);

/* The same with a fault ordered before, "" for none. */
void faults_open_with(struct rig *rig, const char *spec, const char *fault);

/* Whether @spec, as for faults_open(), is a device of the machine. */
bool faults_is_device(const char *spec);

/* Order faults from its model from now on. */
void faults_order(struct rig *rig, const char *spec);

/* What its model has counted since it was opened. */
void faults_counts(struct rig *rig, struct model_counts *ret);

/* How many descriptors it has taken up; wait until it is one more. */
uint64_t faults_begun(struct rig *rig);
void faults_wait_begun(struct rig *rig, uint64_t before);

/* Enqueue copies of a page each, @n of them, from the @first page on, and submit them. */
void faults_copy_pages(struct rig *rig, uint64_t first, uint64_t n);

/*
 * Take results of @n items until there are no more or the engine fails; those that follow are from
 * after its recovery, with all faults withdrawn. What is reported as copied is copied. Return: how
 * it failed, or 0.
 */
int faults_take(struct rig *rig, struct engine_result *results, size_t n);

/* A recovered engine works: all of @n pages. */
void faults_works(struct rig *rig, uint64_t n);

/* Whether the device may do DMA. */
bool faults_bus_master(struct rig *rig);

/* @spec cannot be opened: error @expected, with a cause that has @cause in it, and a remedy. */
void faults_refused(const char *spec, int expected, const char *cause);

/* It can be opened, but not started: -EIO, with that for a reason, and no DMA. */
void faults_not_started(const char *spec, const char *reason);

#endif
