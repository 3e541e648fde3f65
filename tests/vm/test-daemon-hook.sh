#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Without the module the daemon runs and says so; when it is loaded it is taken up; while it is in use
# it cannot be unloaded, and when the daemon has ended it can.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

rmmod migoff
start_daemon degraded
modprobe migoff
until_true 20 mode_is engine
out=$(check move huge 16 1)
[[ $out == "engine=$((2 * 16 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not used: $out"
! rmmod migoff 2>/dev/null || fail "the module was unloaded while it was in use"
stop_daemon
rmmod migoff
