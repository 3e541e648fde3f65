#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several batches at once: copies side by side, deadlines in time, and no page in two of them.
set -euo pipefail
modprobe migoff
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing || true
exec /build/main/tests/vm/hook-workers
