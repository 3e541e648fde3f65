#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# clang, too, compiles everything without a warning.
# time limit: 600 s
set -euo pipefail
exec {lock}>>/build/clang.lock
flock $lock
[[ -e /build/clang/build.ninja ]] || CC=clang meson setup --wipe --werror /build/clang /src
ninja -C /build/clang
