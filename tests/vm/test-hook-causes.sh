#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is not moved stays as it is, and the reason is told for every page.
set -euo pipefail
modprobe migoff
exec /build/main/tests/vm/hook-causes
