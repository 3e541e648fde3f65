#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The sources of moved folios become destinations: clean, counted, bounded, and only as long as needed.
set -euo pipefail
modprobe migoff
exec /build/main/tests/vm/hook-pool
