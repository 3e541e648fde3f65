#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# migoff-bind takes a device whole or not at all, gives the service's user that group and no other,
# puts back exactly what it found, and takes nothing that is in use.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

RNG=0000:00:09.0 DISK=0000:00:0a.0 IDLE=0000:00:08.0 OTHER=0000:00:06.0
BRIDGE=0000:00:07.0 SHARED=0000:01:01.0 NEIGHBOUR=0000:01:02.0

# state DEVICE: all that a binding changes, in one line.
state()
{
	local node
	node=/dev/vfio/$(group_of "$1")
	echo "$(driver_of "$1") $(<"/sys/bus/pci/devices/$1/driver_override")" \
		"$(stat -c '%U %a' "$node" 2>/dev/null)"
}

# refused DEVICE WHY: it says why, says which device, and has changed nothing.
refused()
{
	local before after said
	before=$(state "$1" 2>/dev/null || true)
	if said=$(migoff-bind bind "$1" 2>&1); then
		fail "bind $1 was not refused"
	fi
	expect "'$2' in '$said'" grep -q "^$1: .*$2" <<<"$said"
	after=$(state "$1" 2>/dev/null || true)
	expect "$1 unchanged: '$before', not '$after'" test "$before" = "$after"
	expect "no record of $1" test ! -e "/run/migoff-bind/$1"
}

# may_open DEVICE: whether the service's user may open the node of the device's group.
may_open()
{
	setpriv --reuid=migoffd --clear-groups bash -c "exec 3<>/dev/vfio/$(group_of "$1")" 2>/dev/null
}

systemd-sysusers
modprobe vfio-pci

# A device with a driver, and one whose override was set by somebody.
before=$(state $RNG)
expect "a driver to begin with, not '$before'" test "${before%% *}" = virtio-pci
expect "bind" migoff-bind bind $RNG
expect "bound and given: $(state $RNG)" test "$(state $RNG)" = "vfio-pci vfio-pci migoffd 600"
expect "the service's user may open it" may_open $RNG
expect "bind again" migoff-bind bind $RNG
expect "unbind" migoff-bind unbind $RNG
expect "put back: '$before', not '$(state $RNG)'" test "$(state $RNG)" = "$before"
expect "no record" test ! -e /run/migoff-bind/$RNG
echo virtio-pci >/sys/bus/pci/devices/$RNG/driver_override
expect "bind with an override" migoff-bind bind $RNG
expect "unbind with an override" migoff-bind unbind
expect "override put back: $(state $RNG)" test "$(state $RNG)" = "virtio-pci virtio-pci "
echo >/sys/bus/pci/devices/$RNG/driver_override

# A device without a driver stays without one; one that was with vfio-pci stays there.
migoff-bind bind $IDLE
migoff-bind unbind $IDLE
expect "no driver as before, not '$(driver_of $IDLE)'" test -z "$(driver_of $IDLE)"
bind_vfio $IDLE
before=$(state $IDLE)
migoff-bind bind $IDLE
expect "given: $(state $IDLE)" test "$(state $IDLE)" = "vfio-pci vfio-pci migoffd 600"
migoff-bind unbind $IDLE
expect "back with its owner: '$before', not '$(state $IDLE)'" test "$(state $IDLE)" = "$before"

# What belongs to somebody else is left alone, and the service's user cannot open it.
if may_open $IDLE; then
	fail "the service's user can open a group that it was not given"
fi
chown nobody "/dev/vfio/$(group_of $IDLE)"
refused $IDLE "was given to user"
unbind $IDLE

# Refusals.
refused 00:05.0 "not a PCI address"
refused 0000:00:05.0/../0000:00:06.0 "not a PCI address"
refused 0000:00:1e.7 "no such device"
refused $SHARED "$NEIGHBOUR, which is in use by virtio-pci"
disk=$(basename /sys/bus/pci/devices/$DISK/virtio*/block/*)
busybox mke2fs "/dev/$disk" >/dev/null
mkdir -p /run/test-bind
mount "/dev/$disk" /run/test-bind
refused $DISK "the disk $disk is in use"
umount /run/test-bind
expect "an idle disk can be had" migoff-bind bind $DISK
expect "and put back" migoff-bind unbind $DISK
expect "with its driver, not '$(driver_of $DISK)'" test "$(driver_of $DISK)" = virtio-pci

# vfio-pci itself refuses bridges: what was begun is undone.
unbind $NEIGHBOUR
refused $BRIDGE "does not take it"
echo $NEIGHBOUR >/sys/bus/pci/drivers_probe

# One that is refused keeps nobody from the others.
if migoff-bind bind 0000:00:1e.7 $RNG 2>/dev/null; then
	fail "a missing device was not reported"
fi
expect "the other one is bound" test "$(driver_of $RNG)" = vfio-pci

# An interruption: noted, but not or no longer bound. Putting back completes it.
echo $RNG >/sys/bus/pci/devices/$RNG/driver/unbind
migoff-bind unbind
expect "put back after an interruption: $(state $RNG)" test "$(state $RNG)" = "virtio-pci (null) "

# Without names: what is configured; what cannot be read is an error, not an empty list.
mkdir -p /etc/migoffd/migoffd.conf.d
printf '[engine]\ndevices=%s soft\n' $OTHER >/etc/migoffd/migoffd.conf.d/test-bind.conf
expect "bind the configured one" migoff-bind bind
expect "it is bound" test "$(driver_of $OTHER)" = vfio-pci
status=$(migoff-bind status --json | python3 -c 'import json, sys
for d in json.load(sys.stdin): print(d["device"], d["state"], d["driver"], d["owner"])')
expect "status: $status" test "$status" = "$OTHER bound vfio-pci migoffd"
expect "status for a person" grep -q "^$OTHER .*bound" <<<"$(migoff-bind status)"
printf '[engine]\ndevices=nonsense\n' >/etc/migoffd/migoffd.conf.d/test-bind.conf
if said=$(migoff-bind bind 2>&1); then
	fail "a wrong configuration was not reported"
fi
expect "the file in '$said'" grep -q 'test-bind.conf:2' <<<"$said"
expect "unbind needs no configuration" migoff-bind unbind
expect "no driver as before" test -z "$(driver_of $OTHER)"
rm /etc/migoffd/migoffd.conf.d/test-bind.conf

status=0
migoff-bind nonsense 2>/dev/null || status=$?
expect "status 2 for wrong usage, not $status" test $status = 2
