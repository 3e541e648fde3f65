#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hundreds of moves in a row over all the public ways (migoffctl, the drop-in calls under unmodified programs,
# requests of well and of badly behaved clients): the daemon has as many descriptors and threads, and as
# much memory, at the end as after the first tenth.
# time limit: 900 s
set -euo pipefail
. /src/tests/lib/vm.sh

ROUNDS=${SOAK_ROUNDS:-50}
LOST_KIB=1024

# daemon NAME: a number of its /proc/PID/status.
daemon()
{
	awk -v name="$1:" '$1 == name { print $2 }' "/proc/$DAEMON_PID/status"
}

# Until the clients that have ended are gone from it.
settle()
{
	local end=$((SECONDS + 30))
	until grep -q '"nClients":0' <(migoffctl status --json); do
		((SECONDS < end)) || fail "clients stay: $(migoffctl status)"
	done
}

look()
{
	settle
	echo "$(daemon_fds) descriptors, $(daemon Threads) threads, $(daemon VmRSS) KiB"
}

start_migoffd "[policy]" "min-folio=4K" "min-request=4K"
start_subject 32
for ((i = 1; i <= ROUNDS; i++)); do
	# the operator
	migoffctl move --pid "$SUBJECT" --to-node 1 >/dev/null
	migoffctl move --pid "$SUBJECT" --range "$START-$END" --to-node 0 --engine-only >/dev/null
	# programs that know nothing of it
	LD_PRELOAD=/build/main/tests/lib/interpose.so migratepages "$SUBJECT" 0 1
	LD_PRELOAD=/build/main/tests/lib/interpose.so migratepages "$SUBJECT" 1 0
	# the asynchronous way
	/build/main/tests/vm/daemon-check move huge 8 1 >/dev/null
	/build/main/tests/vm/daemon-check move small 2 1 >/dev/null
	/build/main/tests/vm/daemon-check die 8 || true
	if ((i == ROUNDS / 10 || i % 10 == 0)); then
		now=$(look)
		echo "progress: after $i rounds $now"
		((i != ROUNDS / 10)) || first=$now
	fi
done
expect "the content as it was" [ "$(ask check)" == ok ]
read -r fds1 _ threads1 _ rss1 _ <<<"$first"
read -r fds2 _ threads2 _ rss2 _ <<<"$now"
expect "as many descriptors" [ "$fds1" == "$fds2" ]
expect "as many threads" [ "$threads1" == "$threads2" ]
expect "as much memory" [ $((rss2 - rss1)) -lt $LOST_KIB ]
expect "the engine moved most of it" [ "$(counter bytesEngine)" -gt $((ROUNDS * 100 << 20)) ]
stop_migoffd
