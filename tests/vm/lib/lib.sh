# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For test scripts in the machine: . /src/tests/vm/lib/lib.sh

fail()
{
	echo "$*" >&2
	exit 1
}

skip()
{
	echo "skip: $*"
	exit 77
}

# expect WHAT COMMAND...: the command must succeed.
expect()
{
	local what=$1
	shift
	"$@" || fail "expected: $what"
}

# bind_vfio BDF...: give the devices to vfio-pci, whatever has them now.
bind_vfio()
{
	local bdf dev
	modprobe vfio-pci
	for bdf; do
		dev=/sys/bus/pci/devices/$bdf
		echo vfio-pci >"$dev/driver_override"
		[[ ! -e $dev/driver ]] || echo "$bdf" >"$dev/driver/unbind"
		echo "$bdf" >/sys/bus/pci/drivers_probe
		[[ $(driver_of "$bdf") == vfio-pci ]] || fail "$bdf is not bound to vfio-pci"
	done
}

# unbind BDF...: take the devices from their driver, and let any driver have them again.
unbind()
{
	local bdf dev
	for bdf; do
		dev=/sys/bus/pci/devices/$bdf
		echo >"$dev/driver_override"
		[[ ! -e $dev/driver ]] || echo "$bdf" >"$dev/driver/unbind"
	done
}

driver_of()
{
	[[ ! -e /sys/bus/pci/devices/$1/driver ]] ||
		basename "$(readlink "/sys/bus/pci/devices/$1/driver")"
}

# The number of a device's IOMMU group: its file is /dev/vfio/NUMBER once it is bound.
group_of()
{
	basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")"
}
