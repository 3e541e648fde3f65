#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A live process's memory goes to the other node and back, by the engine: content, places and statuses
# agree; small folios too when they are wanted, and to the CPU when the request is too small.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

start_daemon engine
out=$(check move huge 64 2)
echo "$out"
[[ $out == "engine=$((4 * 64 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not all by the engine"
out=$(check move small 8 2)
echo "$out"
(($(value engine "$out") >= 30 << 20)) || fail "small folios were not taken"
stop_daemon

start_daemon engine policy.min-folio=64K
out=$(check move small 4 1)
echo "$out"
(($(value engine "$out") == 0)) || fail "small folios were taken"
stop_daemon

start_daemon engine policy.min-request=32M
out=$(check move huge 16 1)
echo "$out"
[[ $out == "engine=0 cpu=$((2 * 16 << 20)) left=0 error=0 expired=0" ]] || fail "not all by the CPU"
stop_daemon
