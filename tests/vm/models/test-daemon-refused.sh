#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A DSA that vfio-pci refuses by its list, as for an erratum: the daemon says that this is why it is not in use,
# and what to do; and once that is done, it is.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/models.sh
. /src/tests/vm/daemon.sh

read -r dsa _ < <(engines | grep -E ' dsa(@[0-9])?$')
[[ $(<"/sys/bus/pci/devices/$dsa/device") == 0x0b25 ]] || fail "$dsa is not on the list"
ENGINE=$dsa
modprobe -r vfio-pci
modprobe vfio-pci
echo vfio-pci >"/sys/bus/pci/devices/$dsa/driver_override"
echo "$dsa" >/sys/bus/pci/drivers_probe 2>/dev/null || true
[[ -z $(driver_of "$dsa") ]] || fail "vfio-pci has taken it"

start_daemon degraded
reason=$(figure "$dsa" reason) remedy=$(figure "$dsa" remedy)
echo "$reason; $remedy"
[[ $reason == "$dsa is bound to no driver, not to vfio-pci" ]] || fail "the reason is not told"
[[ $remedy == *"disable_denylist=1"*"driverctl set-override $dsa vfio-pci" ]] || fail "nor what to do"
out=$(check move huge 8 1)
[[ $out == "engine=0 cpu=$((2 * 8 << 20)) left=0 error=0 expired=0" ]] || fail "not by the CPU: $out"

bind_model "$dsa"
until_true 30 mode_is engine
out=$(check move huge 8 1)
[[ $out == "engine=$((2 * 8 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not by the engine: $out"
stop_daemon
