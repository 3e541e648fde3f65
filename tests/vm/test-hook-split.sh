#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Folios may be split and collapsed at any moment.
# time limit: 400 s
set -euo pipefail
modprobe migoff
exec /build/main/tests/vm/hook-split
