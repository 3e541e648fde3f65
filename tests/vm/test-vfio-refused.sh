#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device that cannot be had is refused with the reason, named, and with what to do about it; and
# once that is done, it can be had.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
hold=/build/main/tests/engine/engine-hold
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

# taken COMMAND...: it opens the device.
taken()
{
	local said
	said=$(timeout --preserve-status 2 "$@") || true
	[[ $said == open* ]] || fail "not opened: $said"
}

as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)

# No such device, no engine, no driver here for it, no window of that size.
refused "ENODEV 0000:00:1e.0 lspci" $hold 0000:00:1e.0
refused "EINVAL nonsense" $hold nonsense
bind_vfio 0000:00:08.0
refused "EOPNOTSUPP 1234:11e8" $hold 0000:00:08.0
bind_vfio $lsi
refused "ENOSPC 4096 MiB smaller" $hold $lsi $((4 << 30))

# Not bound, or bound to another driver, which is named.
unbind $lsi
refused "ENXIO $lsi vfio-pci driverctl" $hold $lsi
modprobe pci-stub
echo pci-stub >/sys/bus/pci/devices/$lsi/driver_override
echo $lsi >/sys/bus/pci/drivers_probe
refused "ENXIO $lsi pci-stub vfio-pci" $hold $lsi
bind_vfio $lsi
taken $hold $lsi $((1 << 30))

# In use.
coproc other { exec $hold $lsi; }
# shellcheck disable=SC2154 # coproc sets it
read -r -u "${other[0]}" line
expect "the first one has it" test "$line" = open
refused "EBUSY fuser /dev/vfio/$(group_of $lsi)" $hold $lsi
# shellcheck disable=SC2154
kill -9 "$other_PID"
wait "$other_PID" || true
taken $hold $lsi

# No permission, and then too little memory that may be locked.
node=/dev/vfio/$(group_of $lsi)
refused "EACCES $node chown" "${as_nobody[@]}" $hold $lsi
chown 65534 "$node"
refused "ENOMEM locked 64 KiB LimitMEMLOCK" prlimit --memlock=65536 "${as_nobody[@]}" $hold $lsi
taken prlimit --memlock=16777216 "${as_nobody[@]}" $hold $lsi
chown 0 "$node"

# In a group with a device that a driver has: that one is named.
shared=0000:01:01.0 neighbour=0000:01:02.0
bind_vfio $shared
refused "EBUSY $neighbour $(driver_of $neighbour) slot" $hold $shared
unbind $neighbour
taken $hold $shared
