#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# stress-ng, which checks its own memory, survives being moved back and forth all the time.
set -euo pipefail
. /src/tests/lib/vm.sh

slow=${MIGOFF_TIME_FACTOR:-1}
start_migoffd "[policy]" "min-folio=4K" "min-request=4K"
stress-ng --vm 2 --vm-bytes 96M --vm-method all --verify --vm-madvise hugepage --timeout $((15 * slow)) \
	>"$WORK/stress" 2>&1 &
stress=$!
moves=0
while kill -0 "$stress" 2>/dev/null; do
	for pid in $(pgrep -f 'stress-ng-vm' || true); do
		status=0
		migoffctl move --pid "$pid" --to-node $((moves % 2)) >"$WORK/move" 2>&1 || status=$?
		# a worker may end, or change what is being moved; and on a slow kernel, which has little time left
		# for the daemon, that may not answer in time
		[[ $status == [013] || ($slow != 1 && $status == 4) ]] || fail "status $status: $(cat "$WORK/move")"
		moves=$((moves + 1))
	done
done
wait "$stress" || fail "stress-ng ended with status $?: $(cat "$WORK/stress")"
echo "$moves moves"
expect "some moves" [ "$moves" -ge $((slow == 1 ? 4 : 1)) ]
expect "the engine took part" [ "$(counter bytesEngine)" -gt 0 ]
stop_migoffd
