#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device that cannot be had is refused with the reason, named, and with what to do about it; and
# once that is done, it can be had.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
program=/build/main/tests/engine/engine-hold
lsi=0000:00:05.0

# refused WORDS COMMAND...: the command is refused, and says all these words.
refused()
{
	local words=$1 said status=0
	shift
	said=$(timeout 20 "$@") || status=$?
	echo "$said"
	expect "a refusal by $*" test $status = 1
	for word in $words; do
		[[ $said == *"$word"* ]] || fail "it does not say \"$word\""
	done
}

# hold COMMAND...: run it in the background until it says that it has the device.
hold()
{
	local line
	coproc output { exec "$@"; }
	# shellcheck disable=SC2154 # coproc sets them
	holder=$output_PID
	read -r -u "${output[0]}" line
	[[ $line == open* ]] || fail "not opened: $line"
}

# let_go: the one that has it dies, as it may at any time.
let_go()
{
	kill -9 "$holder"
	wait "$holder" || true
}

taken()
{
	hold "$@"
	let_go
}

as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)

# No such device, no engine, no driver here for it, no window of that size.
refused "ENODEV 0000:00:1e.0 lspci" $program 0000:00:1e.0
refused "EINVAL nonsense" $program nonsense
bind_vfio 0000:00:08.0
refused "EOPNOTSUPP 1234:11e8" $program 0000:00:08.0
bind_vfio $lsi
refused "ENOSPC 32 bits 4096 MiB max-batch=" $program $lsi $((4 << 30))

# Not bound, or bound to another driver, which is named.
unbind $lsi
refused "ENXIO $lsi vfio-pci driverctl" $program $lsi
if modprobe -q pci-stub; then
	echo pci-stub >/sys/bus/pci/devices/$lsi/driver_override
	echo $lsi >/sys/bus/pci/drivers_probe
	refused "ENXIO $lsi pci-stub vfio-pci" $program $lsi
fi
bind_vfio $lsi
taken $program $lsi $((1 << 30))

# In use.
hold $program $lsi
refused "EBUSY fuser /dev/vfio/$(group_of $lsi)" $program $lsi
let_go
taken $program $lsi

# No permission, and then too little memory that may be locked.
node=/dev/vfio/$(group_of $lsi)
refused "EACCES $node chown" "${as_nobody[@]}" $program $lsi
chown 65534 "$node"
refused "ENOMEM locked 64 KiB LimitMEMLOCK" prlimit --memlock=65536 "${as_nobody[@]}" $program $lsi
taken prlimit --memlock=16777216 "${as_nobody[@]}" $program $lsi
chown 0 "$node"

# In a group with a device that a driver has: that one is named.
shared=0000:01:01.0 neighbour=0000:01:02.0 driver=$(driver_of $neighbour)
bind_vfio $shared
if [[ -n $driver ]]; then
	refused "EBUSY $neighbour $driver slot" $program $shared
	unbind $neighbour
fi
taken $program $shared

[[ -d /sys/bus/pci/drivers/pci-stub ]] || skip "all but a device of another driver: the kernel has no pci-stub"
[[ -n $driver ]] || skip "all but a shared group: the kernel has no driver for the other device in it"
