#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon is killed with batches out: each page is there again by the deadline, with its content.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

# Copies that take so long that the signal finds batches in the engine, and a deadline that they meet.
start_daemon engine engine.fault=delay:us=900000 policy.deadline=4s
out=$(check blocked 16 "kill -9 $DAEMON" 2000)
echo "$out"
[[ $out == *" error=112 "* ]] || fail "the request of a killed daemon ends with EHOSTDOWN"
wait "$DAEMON" || true
DAEMON=
none_live
