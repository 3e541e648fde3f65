#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each model that a driver knows keeps the engines' contract, through VFIO, without breaking a rule
# of the device, but for the one by which the contract has it refuse something.
# time limit: 600 s
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/models.sh

while read -r bdf _; do
	bind_model "$bdf"
	model-order "$bdf" allow=1
done < <(engines)
engines | all_at_once engine-contract
