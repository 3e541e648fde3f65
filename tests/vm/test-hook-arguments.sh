#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Arguments that make no sense are refused, and change nothing.
set -euo pipefail
modprobe migoff
exec /build/main/tests/vm/hook-arguments
