#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A node begins to have memory, and is pulled out with folios of it in the pool: nothing is lost, and nothing
# keeps it. (This machine has memory that can be, which saves one more machine.)
set -euo pipefail
. /src/tests/vm/lib/lib.sh

[[ -e /sys/devices/system/node/node2 ]] || skip "there is no memory that can be pulled out of node 2"
modprobe migoff
/build/main/tests/vm/hook-node
