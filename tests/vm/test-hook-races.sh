#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever a target does while its pages are in a batch, nobody takes harm.
# time limit: 400 s
set -euo pipefail
modprobe migoff
exec /build/main/tests/vm/hook-races
