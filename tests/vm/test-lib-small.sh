#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is too small for the engine does not leave the library, by the thresholds of the moment: a reload changes
# them also for who is attached. However small, all arrives.
set -euo pipefail
. /src/tests/lib/vm.sh

# shellcheck disable=SC2119 # no lines beyond those that it has by itself
start_migoffd
coproc MOVER { exec numactl --preferred=0 /src/tests/lib/vm-small.py /build/main/libmigoff/libmigoff.so.0; }
declare -A node=([4K]=0 [2M]=0)

# The numbers of those who are attached.
clients()
{
	migoffctl status --json | python3 -c 'import json, sys
print(*(client["id"] for client in json.load(sys.stdin)["clients"]))'
}

# moves SIZE N REQUESTS BYTES: so many folios, to the other node; they cost so many requests, and its engine
# copies at least half of so much (not all of small pages can be had at any moment), or nothing.
moves()
{
	local requests bytes elsewhere
	requests=$(counter requests) bytes=$(counter bytesEngine)
	node[$1]=$((1 - node[$1]))
	echo "$1 $2 ${node[$1]}" >&"${MOVER[1]}"
	read -r elsewhere <&"${MOVER[0]}"
	expect "$2 of $1 on node ${node[$1]}" [ "$elsewhere" == 0 ]
	requests=$(($(counter requests) - requests)) bytes=$(($(counter bytesEngine) - bytes))
	expect "$3 requests for $2 of $1, not $requests" [ "$requests" == "$3" ]
	expect "about $4 bytes of $2 of $1, not $bytes" [ $((bytes <= $4 && 2 * bytes >= $4)) == 1 ]
}

echo "as shipped"
moves 4K 256 1 $((1 << 20))
client=$(clients)
moves 4K 16 0 0
moves 4K 255 0 0

echo "more is small"
reload_migoffd "[policy]" "min-request=2M"
moves 4K 256 0 0
moves 2M 8 1 $((16 << 20))

echo "small folios are, whatever the request"
reload_migoffd "[policy]" "min-request=8K" "min-folio=2M"
moves 4K 256 1 0
moves 2M 8 1 $((16 << 20))

echo "nothing is"
reload_migoffd "[policy]" "min-request=4K"
moves 4K 16 1 $((64 << 10))
expect "the mover is the same client" [ "$(clients)" == "$client" ]
stop_migoffd
