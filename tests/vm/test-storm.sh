#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For some seconds what the long-storm tests do for minutes: memory of busy processes is moved to and fro, also
# while the daemon is killed, and nobody finds a byte changed.
set -euo pipefail
. /src/tests/lib/vm.sh
. /src/tests/vm/storm.sh

SEED=${MIGOFF_SEED:-1}
start_stormy_migoffd
storm 5
expect "requests that move" [ "$(did moved)" -gt 100 ]
expect "by the engine" [ "$(did engine)" -gt 0 ]
storm 5 &
storm=$!
kill_migoffd_while $storm
wait $storm || fail "the storm ended with status $?"
stop_migoffd
