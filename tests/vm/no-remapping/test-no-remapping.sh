#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In a machine whose IOMMU does not remap interrupts: the daemon says that this is why it has no engine, and
# what to do; the CPU moves all; and once that is done, the engine is used.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh
unsafe=/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts

start_daemon degraded
echo "$(figure "$ENGINE" reason): $(figure "$ENGINE" remedy)"
[[ $(figure "$ENGINE" reason) == *"no interrupt remapping"* ]] || fail "the reason is not told"
[[ $(figure "$ENGINE" remedy) == *"intremap=on"*"allow_unsafe_interrupts=1"* ]] || fail "nor what to do"
out=$(check move huge 16 1)
[[ $out == "engine=0 cpu=$((2 * 16 << 20)) left=0 error=0 expired=0" ]] || fail "not by the CPU: $out"

echo 1 >$unsafe
until_true 30 mode_is engine
out=$(check move huge 16 1)
[[ $out == "engine=$((2 * 16 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not by the engine: $out"
stop_daemon
