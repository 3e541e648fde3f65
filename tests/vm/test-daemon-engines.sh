#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two engines at once: both work on one request, what they did adds up to what was moved, and when one
# is taken away the other goes on.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh
other=0000:00:06.0

ready()
{
	[[ $(figure "$ENGINE" state) == ready ]]
}

not_ready()
{
	! ready
}

bind_vfio $other
# Left alone they copy in no time at all, and one is always free.
start_daemon engine engine.devices=$other engine.fault=delay:us=2000
out=$(check move huge 128 2)
echo "$out"
[[ $out == "engine=$((4 * 128 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not all by the engines"
first=$(figure "$ENGINE" bytes) second=$(figure $other bytes)
echo "$ENGINE: $first bytes, $other: $second bytes"
# They are equally fast and equally near, but the smaller share is that of the one that was slow when the
# computer was busy.
((first >= 8 << 20 && second >= 8 << 20)) || fail "one has hardly worked"
((first + second == 4 * 128 << 20)) || fail "together they have not copied what was moved"

# The kernel asks for it at once, then every 10 s: it must not have to ask twice.
out=$(check during 128 "bash -c 'SECONDS=0; echo $ENGINE >/sys/bus/pci/drivers/vfio-pci/unbind; ((SECONDS < $((10 * ${MIGOFF_TIME_FACTOR:-1}))))'")
echo "$out"
[[ $out == *" left=0 error=0 "* ]] || fail "the request did not go on"
until_true 10 not_ready
mode_is engine || fail "not in working order with one engine"
second=$(figure $other bytes)
out=$(check move huge 32 1)
[[ $out == "engine=$((2 * 32 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not by the other: $out"
(($(figure $other bytes) - second == 2 * 32 << 20)) || fail "not all of it by the other"

echo "$ENGINE" >/sys/bus/pci/drivers/vfio-pci/bind
until_true 20 ready
out=$(check move huge 128 1)
[[ $out == "engine=$((2 * 128 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not by both: $out"
(($(figure "$ENGINE" bytes) >= 4 << 20)) || fail "the one that came back has hardly worked"
stop_daemon
