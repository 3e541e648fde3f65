#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# While memory is moved back and forth without a pause, the daemon is killed, stopped, continued and started
# anew: each call of the library ends in time with all pages moved, and no byte changes.
set -euo pipefail
. /src/tests/lib/vm.sh

start_migoffd "[policy]" "min-request=4K"
/build/main/tests/lib/vm-mover 40 >"$WORK/moves" &
mover=$!

# Waits until the mover has made so many more moves.
moves()
{
	local goal=$(($(wc -l <"$WORK/moves") + $1)) end=$((SECONDS + 60))
	until (($(wc -l <"$WORK/moves") >= goal)); do
		kill -0 "$mover" || { cat "$WORK/moves"; fail "the mover has ended"; }
		((SECONDS < end)) || fail "the mover makes no progress"
		sleep 0.01
	done
}

moves 3
kill -KILL "$DAEMON_PID"
wait "$DAEMON_PID" || true
moves 3
run_migoffd
moves 6
kill -STOP "$DAEMON_PID"
moves 3
kill -CONT "$DAEMON_PID"
moves 3
kill "$mover" || true
wait "$mover" || fail "the mover ended with status $?: $(tail -n 3 "$WORK/moves")"
expect "the new daemon has moved something" [ "$(counter bytesEngine)" -gt 0 ]
stop_migoffd
