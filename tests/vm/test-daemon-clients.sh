#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A client that dies with requests in flight, and a target that does: nothing stays behind, the others
# are served. The daemon that is told to end with requests in flight ends in good time.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

no_clients()
{
	[[ $(/build/main/migoffctl/migoffctl status --json) == *'"clients":[]'* ]]
}

start_daemon engine engine.fault=delay:us=10000
for _ in 1 2 3; do
	check die 64 || true
done
until_true 10 no_clients
out=$(check move huge 16 1)
[[ $out == *" left=0 error=0 "* ]] || fail "the others are not served: $out"

check during 128 "kill $DAEMON"
wait "$DAEMON" || fail "migoffd ended with $?: $(cat "$DIR/log")"
DAEMON=
none_live
