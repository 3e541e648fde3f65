#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# stress-ng, which checks its own memory, survives being moved back and forth all the time.
set -euo pipefail
. /src/tests/lib/vm.sh

start_migoffd "[policy]" "min-folio=4K" "min-request=4K"
stress-ng --vm 2 --vm-bytes 96M --vm-method all --verify --vm-madvise hugepage --timeout 15 \
	>"$WORK/stress" 2>&1 &
stress=$!
moves=0
while kill -0 "$stress" 2>/dev/null; do
	for pid in $(pgrep -f 'stress-ng-vm' || true); do
		status=0
		migoffctl move --pid "$pid" --to-node $((moves % 2)) >"$WORK/move" 2>&1 || status=$?
		# a worker may end, or change what is being moved
		[[ $status == [013] ]] || fail "status $status: $(cat "$WORK/move")"
		moves=$((moves + 1))
	done
done
wait "$stress" || fail "stress-ng ended with status $?: $(cat "$WORK/stress")"
echo "$moves moves"
expect "some moves" [ "$moves" -ge 4 ]
expect "the engine took part" [ "$(counter bytesEngine)" -gt 0 ]
stop_migoffd
