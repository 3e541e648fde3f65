#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Moving memory again and again costs no memory: what is free at best in the last ten of 50 moves is
# what was free at best in the first ten. Half a page lost for each huge page that is moved would be
# seen.
set -euo pipefail
. /src/tests/lib/vm.sh

MOVES=50
TEN=10
# 40 moves lie between the two, of 64 huge pages each.
LOST_KIB=$((40 * 64 * 4 / 2))

# With what each processor keeps at hand: after such moves tens of MiB, which are free all the same. And with
# what the module keeps for the next move.
free_kib()
{
	awk '$1 == "nr_free_pages" || $1 == "count:" { n += $2 } END { print 4 * n }' /proc/zoneinfo
	echo $(($(</sys/class/misc/migoff/counters/live_pooled_bytes) / 1024))
}

# shellcheck disable=SC2119 # no lines beyond those that it has by itself
start_migoffd
start_subject 128
# What is set up once is not counted: caches, and lists of the kernel.
for i in 1 0 1 0; do migoffctl move --pid "$SUBJECT" --to-node $i >/dev/null; done

first=0
last=0
for ((i = 1; i <= MOVES; i++)); do
	migoffctl move --pid "$SUBJECT" --to-node $((i % 2)) >/dev/null
	free=$(free_kib | awk '{ n += $1 } END { print n }')
	((i > TEN || free <= first)) || first=$free
	((i <= MOVES - TEN || free <= last)) || last=$free
done
echo "free at best: $first KiB in the first ten moves, $last KiB in the last ten"
expect "the content as it was" [ "$(ask check)" == ok ]
expect "less than half a page lost for each huge page" [ $((first - last)) -lt $LOST_KIB ]
stop_migoffd
