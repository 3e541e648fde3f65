#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Without a hook and without an engine the service runs and says what it lacks, to the service manager
# and to who asks; what appears later is taken up by the same process.
set -euo pipefail
. /src/tests/systemd/lib/service.sh

mkdir -p /run/modprobe.d
echo 'install migoff /bin/false' >/run/modprobe.d/test.conf
systemctl mask --runtime --quiet migoff-bind
configure "devices=$ENGINE"

expect "start without hook and engine" systemctl start migoffd
expect "it runs" service_is active/running
wait_for "degraded" mode_is degraded
pid=$(main_pid)
status_says() { [[ $(systemctl show -P StatusText migoffd) == degraded:*/dev/migoff* ]]; }
wait_for "the reason in systemctl status" status_says
status=$(migoffctl status) || true
expect "the reason in '$status'" grep -q 'because .*/dev/migoff' <<<"$status"
expect "and the engine's" grep -q "$ENGINE" <<<"$(migoffctl engines)"
expect "no engine is open" test ! -e "/dev/vfio/$(group_of $ENGINE)"

# The hook is loaded later. The device policy was made when the service started.
rm /run/modprobe.d/test.conf
modprobe migoff
given() { [[ $(stat -c '%U %a' /dev/migoff) == "migoffd 600" ]]; }
wait_for "/dev/migoff is the service's" given
taken_up() { [[ $(migoffctl status --json) == *'"hook":{"ready":true'* ]]; }
wait_for "the hook is taken up" taken_up
in_use() { ! modprobe -q -r migoff; }
expect "the module cannot be unloaded in use" in_use

# And the engine is handed over later.
expect "bind" migoff-bind bind
wait_for "the engine is taken up" mode_is engine
expect "by the same process" test "$(main_pid)" = "$pid"
systemctl stop migoffd
migoff-bind unbind
