#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon is killed about each second, for minutes, while all memory of many busy processes is moved to and
# fro: nobody finds a byte changed, and it goes on each time it is started.
# time limit: 900 s
set -euo pipefail
. /src/tests/lib/vm.sh
. /src/tests/vm/storm.sh

start_stormy_migoffd
storm "${STORM_S:-150}" &
storm=$!
kill_migoffd_while $storm
wait $storm || fail "the storm ended with status $?"
echo "killed $KILLS times"
expect "killed often" [ "$KILLS" -gt $((${STORM_S:-150} / 10)) ]
expect "in the middle" [ "$(did lost)" -ge 5 ]
expect "and it has moved all the same" [ "$(did engine)" -gt $((8 << 20)) ]
stop_migoffd
