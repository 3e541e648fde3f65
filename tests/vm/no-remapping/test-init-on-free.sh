#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A kernel that zeroes what is freed keeps its promise: the pool takes in nothing that has somebody's content.
# (This machine's kernel is told to; it has that besides, which saves one more machine.)
set -euo pipefail
. /src/tests/vm/lib/lib.sh

grep -qw init_on_free=1 /proc/cmdline || skip "the kernel does not zero what is freed (init_on_free=1)"
modprobe vfio_iommu_type1
unsafe=/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
echo 1 >$unsafe
trap 'echo 0 >$unsafe' EXIT
bind_vfio 0000:00:05.0
modprobe migoff
/build/main/tests/vm/hook-pool-owners zeroed
