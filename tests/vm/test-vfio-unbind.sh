#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device that is being unbound while it copies is given back at once, in whatever state it is;
# its user goes on without it; and it can be had again.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
lsi=0000:00:05.0
slow=${MIGOFF_TIME_FACTOR:-1}

give_back()
{
	local engine=$1 line

	bind_vfio $lsi
	coproc user { exec /build/main/tests/engine/engine-hold "$engine" $((1 << 30)); }
	# Once the coprocess has ended, its variables are gone.
	# shellcheck disable=SC2154
	local pid=$user_PID from=${user[0]}
	exec 3<&"$from"
	read -r -u 3 line
	expect "it is open, not: $line" test "${line%%,*}" = open
	# The kernel asks at once, then every 10 s: it must not have to ask twice (where it is not slow itself).
	SECONDS=0
	timeout $((30 * slow)) bash -c "echo $lsi >/sys/bus/pci/drivers/vfio-pci/unbind"
	expect "unbinding took less than $((10 * slow)) s, not $SECONDS" test $SECONDS -lt $((10 * slow))
	read -r -u 3 line
	echo "$engine: $line"
	expect "it was given back, not: $line" test "${line% after*}" = "given back"
	read -r -u 3 line
	expect "it went on, not: $line" test "$line" = "went on"
	exec 3<&-
	expect "it ended well" wait "$pid"
	expect "the device is free" test -z "$(driver_of $lsi)"
}

for _ in 1 2 3; do
	give_back $lsi
done
give_back $lsi+delay:us=100
