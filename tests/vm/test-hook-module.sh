#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The module cannot be taken away while somebody has the device open; the device is for root alone
# and for one opener; and the module can be loaded and unloaded again and again.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

for _ in 1 2 3 4 5; do
	modprobe migoff
	expect "the device is root's" test "$(stat -c %a:%u /dev/migoff)" = 600:0
	exec 3<>/dev/migoff
	expect "one opener only" test "$( (exec 4<>/dev/migoff) 2>&1 | grep -c 'busy')" = 1
	! rmmod migoff 2>/dev/null || fail "the module was unloaded in use"
	exec 3>&-
	rmmod migoff
done
modprobe migoff
