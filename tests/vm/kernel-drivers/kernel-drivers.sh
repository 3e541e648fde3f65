# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the tests here, after lib.sh. The models of engines are driven by the kernel's own drivers, which
# somebody else wrote for the hardware: where these complain, or a model does, the model is wrong.

MODULES=/build/kernel-drivers

# need_module NAME/FILE: that was built from the kernel's source.
need_module()
{
	[[ -e $MODULES/$1 ]] || skip "$(cat $MODULES/why 2>/dev/null || echo "./dev test vm builds it: $1")"
}

# find_model DEVICE: the PCI addresses of devices of Intel's with that id.
find_model()
{
	local dev
	for dev in /sys/bus/pci/devices/*; do
		[[ $(<"$dev/vendor"),$(<"$dev/device") != "0x8086,$1" ]] || basename "$dev"
	done
}

# model_count BDF WHAT: what the model has counted.
model_count()
{
	/build/main/tests/models/model-counts "$1" | sed -n "s/^$2 //p"
}

# irq_count BDF: interrupts of the device that the processors have taken.
irq_count()
{
	local number line n=0 columns
	columns=$(head -n1 /proc/interrupts | wc -w)
	for number in /sys/bus/pci/devices/"$1"/msi_irqs/*; do
		line=$(grep "^ *$(basename "$number"):" /proc/interrupts) || continue
		n=$((n + $(awk -v c="$columns" '{ for (i = 2; i < 2 + c; i++) s += $i } END { print s }' <<<"$line")))
	done
	echo $n
}

# mark: kernel_said is about what comes after it.
mark()
{
	MARK="migoff test $RANDOM$RANDOM"
	echo "$MARK" >/dev/kmsg
}

kernel_said()
{
	dmesg --notime | sed "1,/$MARK/d"
}

# complains PATTERN: whether the kernel has said such a thing since, other than in a test's summary.
complains()
{
	kernel_said | grep -v "^dmatest: " | grep -E -- "$1"
}

# channel_of BDF: the name of the device's first DMA channel.
channel_of()
{
	local channel
	for channel in /sys/class/dma/dma*chan*; do
		[[ $(readlink -f "$channel/device") != */$1 ]] || basename "$channel"
	done | head -n1
}

# no_rule_broken BDF: nor has the device met an address that is not mapped.
no_rule_broken()
{
	[[ $(model_count "$1" broken),$(model_count "$1" faults) == 0,0 ]] ||
		fail "$1: $(/build/main/tests/models/model-counts "$1" | tr '\n' ' ')"
}

# run_dmatest CHANNEL N: N copies, of up to 16 KiB, compared with all that is around them.
run_dmatest()
{
	local channel=$1 n=$2 parameters=/sys/module/dmatest/parameters start=$SECONDS
	need_module dmatest/dmatest.ko
	[[ -d $parameters ]] || insmod "$MODULES/dmatest/dmatest.ko"
	echo "$n" >"$parameters/iterations"
	echo 3000 >"$parameters/timeout"
	mark
	echo "$channel" >"$parameters/channel"
	echo 1 >"$parameters/run"
	# Returns when it has ended.
	cat "$parameters/wait" >/dev/null
	kernel_said | grep -E "$channel.*summary" || fail "no summary: $(kernel_said)"
	! kernel_said | grep -E "$channel.*summary" | grep -v " $n tests, 0 failures" ||
		fail "copies failed: $(kernel_said)"
	# One lost interrupt costs its drivers 200 ms, which they do not mention.
	((SECONDS - start < 60 * ${MIGOFF_TIME_FACTOR:-1})) || fail "it took $((SECONDS - start)) s"
}
