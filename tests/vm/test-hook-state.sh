#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a page is, besides its content, goes with it, and memory is not used up.
set -euo pipefail
modprobe migoff
exec /build/main/tests/vm/hook-state
