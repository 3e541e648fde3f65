#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device that the daemon cannot have: at its start it says why and what to do, in its log and to who asks;
# the CPU moves all. Once that is done the device is in use, without a restart where it can be.
# (Interrupt remapping, the IOMMU itself, and vfio-pci's list want machines of their own.)
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

# refused DEVICE REASON REMEDY: patterns; the daemon is running.
refused()
{
	local reason remedy
	[[ $(figure "$1" state) == absent ]] || fail "$1 is $(figure "$1" state)" "$(cat "$DIR/log")"
	reason=$(figure "$1" reason) remedy=$(figure "$1" remedy)
	echo "$1: $reason; $remedy"
	# shellcheck disable=SC2053 # they are patterns
	[[ $reason == $2 && $remedy == $3 ]] || fail "the reason or the remedy is not told"
	log_has "engine $1: not in use: $reason; $remedy" || fail "the log does not say so" "$(cat "$DIR/log")"
	out=$(check move huge 8 1)
	[[ $out == "engine=0 cpu=$((2 * 8 << 20)) left=0 error=0 expired=0" ]] || fail "not by the CPU: $out"
}

# It has another driver, or none.
unbind "$ENGINE"
start_daemon degraded
refused "$ENGINE" "* bound to no driver, not to vfio-pci" "*driverctl set-override $ENGINE vfio-pci"
bind_vfio "$ENGINE"
until_true 30 mode_is engine
stop_daemon

# Another driver has a device of its group.
shared=0000:01:01.0 neighbour=0000:01:02.0 driver=$(driver_of $neighbour)
bind_vfio $shared
own=$ENGINE
if [[ -n $driver ]]; then
	ENGINE=$shared
	start_daemon degraded
	refused $shared "*group*shared with $neighbour, which the driver $driver has" "*unbind $neighbour*"
	unbind $neighbour
	# No event tells of that: the daemon looks by itself.
	until_true 30 mode_is engine
	stop_daemon
	unbind $shared
	echo $neighbour >"/sys/bus/pci/drivers/$driver/bind"
	ENGINE=$own
fi

# Memory that may be locked is too little, for a user who is bound by that.
group=/dev/vfio/$(group_of "$ENGINE")
chown 65534 "$DIR" "$group" /dev/migoff
BUILD=$DIR/limited
mkdir -p "$BUILD/daemon"
cat >"$BUILD/daemon/migoffd" <<END
#!/bin/sh
exec prlimit --memlock=4095 setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \\
	--bounding-set=-all /build/main/daemon/migoffd "\$@"
END
chmod -R a+rx "$DIR"
start_daemon degraded
refused "$ENGINE" "the limit of locked memory is 3 KiB, and * KiB are needed for $ENGINE" "*LimitMEMLOCK=infinity*"
stop_daemon
sed -i 's/--memlock=4095/--memlock=unlimited/' "$BUILD/daemon/migoffd"
start_daemon engine
out=$(check move huge 8 1)
[[ $out == "engine=$((2 * 8 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not by the engine: $out"
stop_daemon
chown 0 "$group" /dev/migoff
[[ -n $driver ]] || skip "all but a shared group: the kernel has no driver for the other device in it"
