#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Messages and shared memory at random (tests/daemon/long-hostile.py), to a daemon that carries requests out.
# time limit: 300 s
set -euo pipefail
. /src/tests/vm/lib/lib.sh

modprobe migoff
bind_vfio 0000:00:05.0
export MIGOFF_FUZZ_CONFIG=$'[engine]\ndevices=0000:00:05.0\n[policy]\nmin-folio=4K\nmin-request=4K\n'
MIGOFFD=/build/main/daemon/migoffd exec python3 /src/tests/daemon/long-hostile.py
