#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever its opener gives to /dev/migoff, the kernel takes no harm, and the target keeps its memory.
# time limit: 300 s
set -euo pipefail
. /src/tests/vm/lib/lib.sh

if [[ -n ${MIGOFF_LONG:-} ]]; then
	seconds=120 seed=$((RANDOM << 15 | RANDOM))
else
	seconds=5 seed=1
fi
seed=${MIGOFF_SEED:-$seed}
modprobe migoff
echo "MIGOFF_SEED=$seed"
/build/main/tests/vm/hook-fuzz $seconds "$seed"
expect "unloaded" modprobe -r migoff
