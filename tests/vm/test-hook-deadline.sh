#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Batches end by themselves: at the deadline, and when the daemon goes; nothing waits for ever.
set -euo pipefail
modprobe migoff
exec /build/main/tests/vm/hook-deadline
