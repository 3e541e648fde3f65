#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's ioatdma takes the models of I/OAT 3.2, 3.3 and 3.4 for what they model: it probes each, its
# self-tests pass, and 1000 copies by the kernel's dmatest arrive, each with one interrupt and none
# with the driver's help for channels that are stuck.
# time limit: 300 s
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/kernel-drivers/kernel-drivers.sh

# What the driver says when it had to help, or gives up; others have troubles of their own.
HELPED='(ioat|dmatest|dma[0-9]+chan).*(Reset channel|Restart channel|CHANSTS|CHANERR|Freeing|halted|timeout|timed out|fail|[Ee]rror|Self-test)'

try_device()
{
	local bdf=$1 version=$2 channel before after n=1000
	[[ $(driver_of "$bdf") == ioatdma ]] || fail "$version: ioatdma did not take it: $(kernel_said)"
	channel=$(channel_of "$bdf")
	[[ -n $channel ]] || fail "$version: it has no channel"
	(($(model_count "$bdf" descriptors) >= 2)) || fail "$version: there was no self-test"
	before=$(model_count "$bdf" descriptors),$(model_count "$bdf" interrupts),$(irq_count "$bdf")
	run_dmatest "$channel" $n
	after=$(model_count "$bdf" descriptors),$(model_count "$bdf" interrupts),$(irq_count "$bdf")
	echo "$version $bdf $channel: descriptors, interrupts sent and taken: from $before to $after"
	! complains "$HELPED" || fail "$version: the driver had to help"
	no_rule_broken "$bdf"
	# An XOR, which only 3.3 has and dmatest tries beside copies, is more than one descriptor.
	[[ $version == 3.3 ]] || same_steps "$before" "$after" ||
		fail "$version: descriptors and interrupts are not as many"
}

# same_steps A,B,C A,B,C: all have grown by as much, and by no less than the copies.
same_steps()
{
	local IFS=, from to
	read -ra from <<<"$1"
	read -ra to <<<"$2"
	((to[0] - from[0] >= 1000 && to[0] - from[0] == to[1] - from[1] && to[1] - from[1] == to[2] - from[2]))
}

mark
modprobe ioatdma
! complains "$HELPED" || fail "the driver complains"
for version in 3.2=0x0e20 3.3=0x0c50 3.4=0x0b00; do
	bdf=$(find_model "${version#*=}")
	[[ -n $bdf ]] || fail "there is no model of ${version%=*}"
	try_device "$bdf" "${version%=*}"
done
rmmod dmatest
modprobe -r ioatdma
for version in 3.2=0x0e20 3.3=0x0c50 3.4=0x0b00; do
	no_rule_broken "$(find_model "${version#*=}")"
done
