#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Models that are late, silent, lie and in the end vanish, through VFIO: each driver does what engines
# have to, and breaks no rule of the device. The last one vanishes from under the daemon, which ends the
# request without it.
# time limit: 300 s
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/models.sh
declare -A victim

# faulty BDF: all but that it vanishes.
faulty()
{
	engine-faulty "$1" stale lost_interrupt lost_completion error wrong_byte late hang lies never_reset late_write \
		bus_mastership unmapped silence
}

# What leads nowhere is tried on purpose.
echo any >"$MIGOFF_EXPECT_DMAR_FILE"
while read -r bdf spec; do
	victim[${spec%%,*}]=$bdf
	bind_model "$bdf"
done < <(spared)
spared | all_at_once faulty
for bdf in "${victim[@]}"; do
	[[ $(model-counts "$bdf") == *"broken 0"* ]] || fail "$bdf: a rule was broken"
done
engine-faulty "${victim[ioat]}" unplug

MIGOFF_TEST_ENGINE=${victim[dsa]}
. /src/tests/vm/daemon.sh
start_daemon engine engine.fault=delay:us=20000
out=$(check during 64 "model-order $ENGINE unplug=3")
echo "$out"
[[ $out == *" left=0 error=0 "* ]] || fail "the request did not go on"
(($(value cpu "$out") > 0)) || fail "nothing was moved without the device"
out=$(check move huge 16 1)
[[ $out == "engine=0 cpu=$((2 * 16 << 20)) left=0 error=0 expired=0" ]] || fail "not by the CPU: $out"
[[ $(figure "$ENGINE" state) != ready ]] || fail "the device that is gone is in use"
stop_daemon
