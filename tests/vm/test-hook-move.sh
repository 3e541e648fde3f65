#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What can be moved is moved by the CPU's verdict, with content, node and folio size as they should be.
set -euo pipefail
modprobe migoff
exec /build/main/tests/vm/hook-move
