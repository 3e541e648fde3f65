#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The LSI engine, through VFIO, on the device that QEMU emulates, keeps the engines' contract; and
# what the fault engine makes of it is what is asked for.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

bind_vfio 0000:00:05.0
/build/main/tests/engine/engine-contract 0000:00:05.0
/build/main/tests/engine/test-fault 0000:00:05.0
