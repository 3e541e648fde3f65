#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Pages that are being written to swap, here to a device that takes its time, are left alone.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

modprobe migoff
modprobe null_blk nr_devices=0 2>/dev/null || skip "there is no null_blk module"
mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
disk=/sys/kernel/config/nullb/slow
mkdir $disk
echo 1 >$disk/memory_backed
echo 256 >$disk/size
echo 2 >$disk/irqmode
echo 100000000 >$disk/completion_nsec
echo 1 >$disk/power
swap=/dev/slow
[[ -e $swap ]] || swap=/dev/nullb0	# what older kernels call it
trap 'swapoff $swap || true; echo 0 >$disk/power; rmdir $disk' EXIT
mkswap $swap >/dev/null
swapon $swap
/build/main/tests/vm/hook-swap
