#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Batches end when memory goes offline and before the system is suspended.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

run=/build/main/tests/vm/hook-system

# A block that has nothing unmovable in it; the kernel asks before it begins to empty it.
offline()
{
	local block blocks=(/sys/devices/system/node/node1/memory[0-9]*)
	for block in "${blocks[@]:${#blocks[@]} / 2}"; do
		if echo offline >"$block/state" 2>/dev/null; then
			echo online >"$block/state"
			return
		fi
	done
	return 1
}

if [[ ${1:-} == offline ]]; then
	offline
	exit
fi
modprobe migoff
$run "$0 offline"

[[ -e /sys/power/pm_test ]] || skip "offlining only: the kernel has no pm_test"
echo freezer >/sys/power/pm_test
$run "echo freeze >/sys/power/state"
