#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two engines at once: both work on one request, and what they did adds up to what was moved.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh
other=0000:00:06.0

bind_vfio $other
# Left alone they copy in no time at all, and one is always free.
start_daemon engine engine.devices=$other engine.fault=delay:us=2000
out=$(check move huge 128 2)
echo "$out"
[[ $out == "engine=$((4 * 128 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not all by the engines"
first=$(figure $LSI bytes) second=$(figure $other bytes)
echo "$LSI: $first bytes, $other: $second bytes"
# They are equally fast and equally near.
((first >= 64 << 20 && second >= 64 << 20)) || fail "one has hardly worked"
((first + second == 4 * 128 << 20)) || fail "together they have not copied what was moved"
stop_daemon
