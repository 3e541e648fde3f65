#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Opening, memory, address space, interrupts and registers through VFIO: on a device with neither
# MSI nor a BAR that can be mapped, and on one with both that reaches 28 address bits.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

bind_vfio 0000:00:05.0 0000:00:08.0
/build/main/tests/engine/vfio-check 0000:00:05.0
/build/main/tests/engine/vfio-check 0000:00:08.0
