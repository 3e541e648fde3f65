#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon is stopped with batches out: each page is there again by the deadline, with its content; when
# it goes on it says what became of them, and works.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

daemon_is_stopped()
{
	[[ $(<"/proc/$DAEMON/stat") == *") T "* ]]
}

# Let it go on when the deadline of what it has out is past.
wake()
{
	until_true 30 daemon_is_stopped
	read -rt 7 <>"$DIR/never" || true
	kill -CONT "$DAEMON"
}

# Copies that take so long that the signal finds batches in the engine, and a deadline that they meet.
start_daemon engine engine.fault=delay:us=900000 policy.deadline=4s
wake &
out=$(check blocked 16 "kill -STOP $DAEMON" 6000)
echo "$out"
(($(value longest_us "$out") > 2000000)) || fail "no batch was out: the test is not right"
(($(value expired "$out") > 0)) || fail "it does not tell which batches the hook has ended"
[[ $out == *" error=0 "* ]] || fail "the request did not go on"
out=$(check move huge 4 1)
echo "$out"
[[ $out == *" left=0 error=0 "* ]] || fail "it does not work after it was stopped"
stop_daemon
