#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With a DMA engine: it copies, it reaches nothing but what is in a batch and only as long, and a copy
# that is wrong is found.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

modprobe migoff
bind_vfio 0000:00:05.0 0000:00:06.0
/build/main/tests/vm/hook-engine
