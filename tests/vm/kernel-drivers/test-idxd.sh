#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel's idxd, with the two changes that an emulated processor forces (build has them), takes the
# models of DSA 1 and 2 for what they model: it probes them, and a dedicated work queue of the kernel's
# makes 1000 copies of dmatest, each with one interrupt.
# time limit: 300 s
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/kernel-drivers/kernel-drivers.sh

DSA=/sys/bus/dsa
# What the driver says when something is wrong; others have troubles of their own.
WRONG='(idxd|dsa[0-9]|dmatest|dma[0-9]+chan).*(HALTED|halted|err\[|Unexpected|[Ff]ail|[Ee]rror|timed out|fault)'

# set_up DSAN: one group with an engine, and a queue for the kernel.
set_up()
{
	local n=${1#dsa} wq
	wq=$DSA/devices/$1/wq$n.0
	echo 0 >"$DSA/devices/$1/engine$n.0/group_id"
	echo 0 >"$wq/group_id"
	echo dedicated >"$wq/mode"
	echo 16 >"$wq/size"
	echo 10 >"$wq/priority"
	echo kernel >"$wq/type"
	echo dmatest >"$wq/name"
	echo dmaengine >"$wq/driver_name"
	echo "$1" >$DSA/drivers/idxd/bind
	echo "wq$n.0" >$DSA/drivers/dmaengine/bind
	[[ $(<"$wq/state") == enabled ]] || fail "$1: the queue is $(<"$wq/state"): $(kernel_said)"
}

take_down()
{
	echo "wq${1#dsa}.0" >$DSA/drivers/dmaengine/unbind
	echo "$1" >$DSA/drivers/idxd/unbind
}

try_device()
{
	local bdf=$1 name channel before after
	[[ $(driver_of "$bdf") == idxd ]] || fail "$bdf: idxd did not take it: $(kernel_said)"
	name=$(basename "/sys/bus/pci/devices/$bdf"/dsa*)
	set_up "$name"
	channel=$(channel_of "$bdf")
	[[ -n $channel ]] || fail "$name has no channel"
	before=$(model_count "$bdf" descriptors),$(irq_count "$bdf")
	run_dmatest "$channel" 1000
	after=$(model_count "$bdf" descriptors),$(irq_count "$bdf")
	echo "$name $bdf $channel: descriptors and interrupts: from $before to $after"
	((${after%,*} - ${before%,*} == 1000 && ${after#*,} - ${before#*,} == 1000)) ||
		fail "$name: not 1000 descriptors and interrupts"
	rmmod dmatest
	take_down "$name"
	! complains "$WRONG" || fail "$name: the driver complains"
}

need_module idxd/idxd.ko
mark
modprobe -q idxd_bus || insmod "$MODULES/idxd/idxd_bus.ko"
insmod "$MODULES/idxd/idxd.ko"
# The models count nothing for perf, and have no PASIDs; and the module has no signature.
! complains "$WRONG" | grep -vE 'perfmon|PASID|module verification' || fail "the driver complains"
for id in 0x0b25 0x11fb; do
	bdf=$(find_model $id)
	[[ -n $bdf ]] || fail "there is no model of $id"
	try_device "$bdf"
done
rmmod idxd
for id in 0x0b25 0x11fb; do
	no_rule_broken "$(find_model $id)"
done
