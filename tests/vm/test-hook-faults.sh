#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# time limit: 600 s
#
# Whatever allocation fails, all is undone or done without.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

modprobe migoff
bind_vfio 0000:00:05.0
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
# What fails on purpose need not be told each time.
for fault in failslab fail_page_alloc fail_usercopy; do
	[[ ! -e /sys/kernel/debug/$fault/verbose ]] || echo 0 >/sys/kernel/debug/$fault/verbose
done
if [[ ! -e /proc/self/fail-nth || ! -d /sys/kernel/debug/failslab ]]; then
	insmod /build/hook/tests/migoff_fail.ko
	trap 'rmmod migoff_fail' EXIT
fi
/build/main/tests/vm/hook-faults
