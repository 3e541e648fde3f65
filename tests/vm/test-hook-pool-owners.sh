#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No engine's lie shows one program what was another's.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

modprobe migoff
bind_vfio 0000:00:05.0
/build/main/tests/vm/hook-pool-owners
