#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A destination without room for all of it: what fits is moved, the rest is where it was and says why;
# nothing hangs and nothing is lost.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

reserved=/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages

start_daemon engine
free_kib=$(sed -n 's/.*MemFree: *\([0-9]*\) kB/\1/p' /sys/devices/system/node/node1/meminfo)
# Huge pages set aside are gone for everybody else, and quicker to get than a process's memory.
echo $(((free_kib / 1024 - 100) / 2)) >"$reserved"
out=$(check move huge 160 1)
echo "$out"
(($(value engine "$out") > 16 << 20)) || fail "nothing was moved"
(($(value left "$out") > 0)) || fail "all of it found room: the test is not right"
echo 0 >"$reserved"
stop_daemon
