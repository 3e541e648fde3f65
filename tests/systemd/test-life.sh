#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The service starts with hook and engine, takes a new configuration by a reload (also another
# engine) and keeps the old one when the new is wrong; a stop leaves nothing of it behind but the
# socket, and who connects to that gets it started.
set -euo pipefail
. /src/tests/systemd/lib/service.sh

OTHER=0000:00:06.0

expect "the units are right" systemd-analyze verify --man=no migoffd.socket migoffd.service \
	migoff-bind.service
configure "devices=$ENGINE"
expect "start" systemctl start migoffd
wait_for "an engine at work" mode_is engine
pid=$(main_pid)
expect "its own user" test "$(stat -c %U "/proc/$pid")" = migoffd
expect "no capabilities" grep -q '^CapEff:[[:space:]]*0*$' "/proc/$pid/status"
expect "nothing swapped" grep -q '^VmSwap:[[:space:]]*0 kB' "/proc/$pid/status"

# Another group is not the service's, whatever it tries.
bind_vfio $OTHER
if nsenter -t "$pid" -m setpriv --reuid=migoffd --clear-groups \
	bash -c "exec 3<>/dev/vfio/$(group_of $OTHER)" 2>/dev/null; then
	fail "the service's user can open the group of another device"
fi
unbind $OTHER

configure "devices=$ENGINE $OTHER"
expect "reload" systemctl reload migoffd
ready() { [[ $(migoffctl engines --json | grep -o '"state":"ready"' | wc -l) == "$1" ]]; }
wait_for "both engines" ready 2
expect "by the same process" test "$(main_pid)" = "$pid"
configure "devices=nonsense"
systemctl reload migoffd || true
expect "still running" service_is active/running
expect "by the same process" test "$(main_pid)" = "$pid"
wait_for "still both engines" ready 2
expect "it says what is wrong" grep -q "$CONFIG:2" <(journalctl -u migoffd --no-pager)

configure "devices=$ENGINE"
expect "stop" systemctl stop migoffd
expect "ended" service_is inactive/dead
gone() { [[ -z $(pgrep -u migoffd) ]] && ! compgen -G '/dev/vfio/[0-9]*'; }
wait_for "no process, no group, no device left" gone
expect "no driver as before" test -z "$(driver_of $ENGINE)"
expect "no record" test -z "$(ls /run/migoff-bind)"
expect "the module can be unloaded" modprobe -r migoff
expect "the socket is there" test -S /run/migoff/io.migoff
# (migoffctl does not wait as long as a start can take on a busy computer.)
wait_for "and started by who connects" migoffctl engines
expect "it runs" service_is active/running
systemctl stop migoffd.service migoffd.socket
expect "no socket" test ! -e /run/migoff/io.migoff
