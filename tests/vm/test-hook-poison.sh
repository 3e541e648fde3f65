#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A page with a memory error stays where it is, and all others move.
set -euo pipefail
modprobe migoff
exec /build/main/tests/vm/hook-poison
