#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon with ASan and UBSan, through moves, faults, and clients that die: nothing to report.
set -euo pipefail
export MIGOFF_TEST_BUILD=/build/asan
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

[[ -x $BUILD/daemon/migoffd ]] || skip "there is no build with sanitizers"
start_daemon engine engine.fault=error:every=5 policy.deadline=8s policy.min-folio=4K
check move huge 32 1
check move small 4 1
check die 32 || true
stop_daemon

start_daemon engine engine.fault=hang:at=7 policy.deadline=8s
check move huge 32 1
check during 64 "echo $ENGINE >/sys/bus/pci/drivers/vfio-pci/unbind"
stop_daemon
