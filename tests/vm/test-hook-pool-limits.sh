#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The pool where memory ends: nodes too small for a request, memory that goes offline, memory errors.
set -euo pipefail

# What was made movable is as it was.
restore()
{
	local block
	for block in /sys/devices/system/node/node1/memory[0-9]*; do
		[[ $(<"$block/valid_zones") == Movable* ]] || continue
		timeout 20 sh -c "echo offline >$block/state" && echo online_kernel >"$block/state"
	done
}

modprobe migoff
trap restore EXIT
/build/main/tests/vm/hook-pool-limits
