#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In a machine whose IOMMU is off: the daemon says that this is why it has no engine, and what to do; the
# CPU moves all.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

start_daemon degraded
echo "$(figure "$ENGINE" reason): $(figure "$ENGINE" remedy)"
[[ $(figure "$ENGINE" reason) == *"no IOMMU group"* ]] || fail "the reason is not told"
[[ $(figure "$ENGINE" remedy) == *"intel_iommu=on"* ]] || fail "nor what to do"
out=$(check move huge 16 1)
[[ $out == "engine=0 cpu=$((2 * 16 << 20)) left=0 error=0 expired=0" ]] || fail "not by the CPU: $out"
stop_daemon
