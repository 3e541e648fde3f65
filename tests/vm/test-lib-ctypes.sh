#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# From Python, by the asynchronous calls, memory moves by the engine, several requests at the same time.
set -euo pipefail
. /src/tests/lib/vm.sh

start_migoffd "[policy]" "min-request=4K"
/src/tests/lib/test-ctypes.py /build/main/libmigoff/libmigoff.so.0 --to-node 1
expect "the engine has moved 16 MiB back and forth" [ "$(counter bytesEngine)" -ge $((32 << 20)) ]
stop_migoffd
