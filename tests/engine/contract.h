/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of the contract that stand in files of their own.
 */
#ifndef MIGOFF_TESTS_ENGINE_CONTRACT_H
#define MIGOFF_TESTS_ENGINE_CONTRACT_H

/* Copies that are taken together. */
void contract_arrays(void);

#endif
