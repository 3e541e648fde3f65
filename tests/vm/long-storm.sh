#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Processes whose threads touch, map, unmap, protect, lock, fork, exec and exit while all of their memory is
# moved to and fro: nobody finds a byte changed, each page of each request has a status, and what is free
# afterwards stays the same from storm to storm.
# time limit: 900 s
set -euo pipefail
. /src/tests/lib/vm.sh
. /src/tests/vm/storm.sh

ROUNDS=4
# Of hundreds of thousands of pages that each storm moves.
LOST_KIB=$((12 << 10))

# With what each processor keeps at hand; of ten looks the best.
free_kib()
{
	local i n best=0
	echo 3 >/proc/sys/vm/drop_caches
	for ((i = 0; i < 10; i++)); do
		n=$(awk '$1 == "nr_free_pages" || $1 == "count:" { n += $2 } END { print 4 * n }' /proc/zoneinfo)
		((n <= best)) || best=$n
		sleep 0.1
	done
	echo "$best"
}

start_stormy_migoffd
free=()
for ((i = 0; i < ROUNDS; i++)); do
	storm "${STORM_S:-50}"
	for op in touch dontneed remap mremap mprotect advise lock fork exec exit requests calls; do
		expect "some $op" [ "$(did $op)" -gt 0 ]
	done
	expect "requests that move" [ "$(did moved)" -gt 1000 ]
	expect "by the engine" [ "$(did engine)" -gt $((8 << 20)) ]
	free+=("$(free_kib)")
	echo "progress: ${free[-1]} KiB free"
done
expect "as much free as after the second" [ $((free[1] - free[-1])) -lt $LOST_KIB ]
expect "nothing about what should not be in its log" [ "$(grep -c -i "stuck\|assert\|cut off" "$WORK/log")" == 0 ]
stop_migoffd
