#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A move that is interrupted, or whose process ends or begins another program, ends at once, says so, and
# leaves nothing behind; the daemon goes on.
set -euo pipefail
. /src/tests/lib/vm.sh

# The engine is slowed down, so that there is a middle, but not as much as to be given up after a quarter of
# the deadline. A small batch, so that it is reached soon; and nothing but the huge pages, which are counted.
start_migoffd "fault=delay:us=200000" "[policy]" "max-batch=4M" "min-folio=2M"

# begin: starts to move the subject, and waits until some of it has moved.
begin()
{
	local before
	before=$(counter batches)
	# the program itself, to be sent signals
	/build/main/migoffctl/migoffctl move --pid "$SUBJECT" --to-node 1 --json >"$WORK/json" \
		2>"$WORK/err" &
	move=$!
	until (($(counter batches) > before)); do kill -0 "$move" || return 0; done
}

# finish: sets status.
finish()
{
	status=0
	wait "$move" || status=$?
	cat "$WORK/json" "$WORK/err"
}

echo "Ctrl-C"
start_subject 128
begin
kill -INT "$move"
finish
[[ $status == 130 ]] || fail "status $status"
json "$WORK/json" 'j["interrupted"] and not j["kernel"]["asked"] and 0 < j["bytesMoved"] < 128 << 20'
expect "the content as it was" [ "$(ask check)" == ok ]
read -r on0 on1 <<<"$(ask nodes)"
json "$WORK/json" "j['bytesMoved'] == ${on1#1:} * (2 << 20) and ${on0#0:} > 0"

echo "exec"
begin
echo exec >&"${SUBJECT_IO[1]}"
finish
[[ $status == [013] ]] || fail "status $status"
kill -KILL "$SUBJECT"
wait "$SUBJECT" || true

echo "exit"
start_subject 128
begin
kill -KILL "$SUBJECT"
finish
[[ $status == [01] ]] || fail "status $status"
[[ $status == 0 ]] || json "$WORK/json" '"ended" in j["error"]'

echo "and on it goes"
start_subject 16
migoffctl move --pid "$SUBJECT" --to-node 1 >/dev/null
expect "all on node 1" [ "$(ask nodes)" == 1:8 ]
expect "the content as it was" [ "$(ask check)" == ok ]
stop_migoffd
