/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rig whose engine is a driver on a model (rig.h), and what goes wrong with any such engine.
 */
#ifndef MIGOFF_TESTS_ENGINE_FAULTS_H
#define MIGOFF_TESTS_ENGINE_FAULTS_H

#include "model_transport.h"
#include "rig.h"

/* Open a rig on the model that @spec describes, with the engine started. */
void faults_open(struct rig *rig, const char *spec);

/* Order faults from its model from now on. */
void faults_order(struct rig *rig, const char *spec);

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

/* Properties of all engines on models, each on @spec, which has no comma at its end. */
void faults_stale(const char *spec);
void faults_lost_interrupt(const char *spec);
void faults_lost_completion(const char *spec);
void faults_hang(const char *spec);
void faults_lies(const char *spec, const char *order, const char *reason);
void faults_unplug(const char *spec);
void faults_never_reset(const char *spec);
void faults_late_write(const char *spec);
void faults_bus_mastership(const char *spec);
void faults_unmapped(const char *spec);
void faults_silence(const char *spec);

#endif
