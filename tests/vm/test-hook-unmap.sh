#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# When something cannot be taken from an engine it is never used again, and nothing else suffers.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

modprobe migoff
bind_vfio 0000:00:05.0
insmod /build/hook/tests/migoff_hole.ko
trap 'rmmod migoff_hole' EXIT
/build/main/tests/vm/hook-unmap
