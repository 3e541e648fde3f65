#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# time limit: 240 s
#
# While a process is moved to and fro without a pause, the service is killed, and then stopped until
# the watchdog notices: it comes back and moves again, the engine stays bound, no page of the process
# is away for longer than a deadline and what is done at it, and none loses a count.
set -euo pipefail
. /src/tests/systemd/lib/service.sh

# The deadline is 1 s; ending a batch, on a machine that is busy, takes a while too.
LONGEST_WAIT_NS=5000000000

configure "devices=$ENGINE"
systemctl start migoffd
wait_for "an engine at work" mode_is engine
watchdog_s=$(($(systemctl show -P WatchdogUSec migoffd | sed 's/[^0-9]//g')))

coproc TOUCHER { exec numactl --preferred=0 /build/main/tests/demo/toucher 32; }
toucher=$TOUCHER_PID
read -r line <&"${TOUCHER[0]}"
expect "the toucher is ready" test "$line" = ready

# --engine-only: what is not moved by the daemon is not moved.
move_to()
{
	migoffctl move --engine-only --json --pid "$toucher" --to-node "$1"
}
moves_again()
{
	local n
	for n in 1 0; do
		grep -qE '"bytesEngine":[1-9]' <<<"$(move_to $n)" && return 0
	done
	return 1
}
(while move_to 1 || true; do move_to 0 || true; done) &>/dev/null &
mover=$!

# check_pages WHAT: nothing lost, and no page away for too long, since the last time.
check_pages()
{
	local wait preempted sweeps wrong
	kill -USR1 "$toucher"
	read -r wait preempted sweeps wrong <&"${TOUCHER[0]}"
	echo "$1: longest wait for a page $((wait / 1000000)) ms in $sweeps sweeps" \
		"(preempted for $((preempted / 1000000)) ms)"
	expect "no count lost, not $wrong" test "$wrong" = 0
	expect "the pages were touched" test "$sweeps" -gt 0
	expect "no page away for $wait ns" test "$wait" -lt $LONGEST_WAIT_NS
}

# restarted N: by Restart=, so many times. That it is there proves nothing: the mover's next connection to
# the socket would start it, too.
restarted()
{
	[[ $(systemctl show -P NRestarts migoffd) == "$1" ]] && service_is active/running
}

bound=$(systemctl show -P ActiveEnterTimestampMonotonic migoff-bind)
wait_for "it is moved" moves_again
check_pages "undisturbed"

systemctl kill --signal=KILL migoffd
wait_for "restarted after SIGKILL" restarted 1
wait_for "moved again" moves_again
check_pages "killed"

begin=$SECONDS
systemctl kill --signal=STOP migoffd
wait_for "killed by the watchdog and restarted" restarted 2
echo "the watchdog of $watchdog_s s took $((SECONDS - begin)) s"
expect "for that reason" grep -q 'Watchdog timeout' <(journalctl -u migoffd --no-pager)
wait_for "moved again" moves_again
check_pages "stopped"

expect "the engine stayed bound" \
	test "$(systemctl show -P ActiveEnterTimestampMonotonic migoff-bind)" = "$bound"
kill $mover
kill "$toucher"
