#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A drop-in call whose process ends or begins another program in the middle ends in time, as the system call
# would, and neither the caller nor the daemon keeps anything of it.
# time limit: 400 s
set -euo pipefail
. /src/tests/lib/vm.sh

# Slow and in small batches, so that there is a middle.
start_migoffd "fault=delay:us=30000" "[policy]" "max-batch=4M" "min-request=4K"
before=$(daemon_fds)
/build/main/tests/lib/vm-gone "${MIGOFF_LONG:+1}3" 30 | tee "$WORK/gone"
gone=$(<"$WORK/gone")
expect "most calls in the middle" [ "${gone#gone=}" -ge 7 ]
expect "the engine took part" [ "$(counter bytesEngine)" -gt 0 ]
# The connections of the clients that have ended are closed by then.
end=$((SECONDS + 20))
until [[ $(daemon_fds) == "$before" ]]; do
	((SECONDS < end)) || fail "$(daemon_fds) descriptors, $before before: $(ls -l "/proc/$DAEMON_PID/fd")"
done
stop_migoffd
