#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The machine is what the other tests take for granted: two nodes with memory of which one has no
# processor, nothing that moves pages by itself, an IOMMU group for each device that has one of its
# own and one group for those behind the bridge, VFIO, and a kernel that has not complained.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

for node in 0 1; do
	kib=$(awk '/MemTotal/ { print $4 }' /sys/devices/system/node/node$node/meminfo)
	expect "node $node has memory, not $kib KiB" test "$kib" -gt 1000000
done
expect "node 1 has no processor" test -z "$(</sys/devices/system/node/node1/cpulist)"
expect "numa_balancing is off" test "$(</proc/sys/kernel/numa_balancing)" = 0
expect "the limit of hung tasks is 20 s" test "$(</proc/sys/kernel/hung_task_timeout_secs)" = 20
if [[ -e /sys/module/damon_stat ]]; then
	expect "damon_stat is off" test "$(</sys/module/damon_stat/parameters/enabled)" = N
fi

for bdf in 0000:00:05.0 0000:00:06.0 0000:00:08.0; do
	devices=(/sys/bus/pci/devices/"$bdf"/iommu_group/devices/*)
	expect "$bdf is alone in its group" test ${#devices[@]} = 1
done
shared=$(group_of 0000:01:01.0)
expect "the devices behind the bridge share a group" test "$shared" = "$(group_of 0000:01:02.0)"
expect "one of them has a driver of its own" test -n "$(driver_of 0000:01:02.0)"

bind_vfio 0000:00:05.0
expect "vfio offers the group" test -c "/dev/vfio/$(group_of 0000:00:05.0)"
unbind 0000:00:05.0
expect "the device is free again" test -z "$(driver_of 0000:00:05.0)"

# Only out-of-tree and unsigned modules (bits 12 and 13) may have tainted the kernel.
taint=$(</proc/sys/kernel/tainted)
expect "no taint, not $taint" test $((taint & ~(1 << 12 | 1 << 13))) = 0
