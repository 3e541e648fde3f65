#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The proof that a client may move a process is the pagemap file of its address space, from whatever mount of
# /proc: a client in a container has its own. Another file, or that of another process, moves nothing, and
# the client is told.
set -euo pipefail
. /src/tests/lib/vm.sh

# shellcheck disable=SC2119 # no lines beyond those that it has by itself
start_migoffd

echo "in a container"
before=$(counter bytesEngine)
# shellcheck disable=SC2016 # for the shell in there
unshare --mount --pid --fork --kill-child --mount-proc /bin/bash -euo pipefail -c '
	. /src/tests/lib/vm.sh
	export MIGOFF_SOCKET=$1
	[[ $$ == 1 ]] || fail "not in a PID namespace"
	start_subject 16
	((SUBJECT < 100)) || fail "the number $SUBJECT is not of this namespace"
	migoffctl move --pid "$SUBJECT" --to-node 1 --engine-only --json >"$WORK/json"
	json "$WORK/json" "j[\"bytesEngine\"] >= 16 << 20"
	expect "all on node 1" [ "$(ask nodes)" == 1:8 ]
	expect "the content as it was" [ "$(ask check)" == ok ]' container "$MIGOFF_SOCKET"
expect "the engine has moved it" [ $(($(counter bytesEngine) - before)) -ge $((16 << 20)) ]

start_subject 16
sleep 1000 &
other=$!
until [[ $(readlink "/proc/$other/exe") == */sleep ]]; do :; done

# refused WORDS FILE: with FILE in the place of its pagemap, a move fails and says why.
refused()
{
	local status=0
	unshare --mount /bin/bash -euo pipefail -c "
		mount --bind $2 /proc/$SUBJECT/pagemap
		exec /build/main/migoffctl/migoffctl move --pid $SUBJECT --range $START-$END --to-node 1 \
			--engine-only" >"$WORK/refused" 2>&1 || status=$?
	[[ $status == 1 ]] || fail "$2: status $status: $(cat "$WORK/refused")"
	grep -q "$1" "$WORK/refused" || fail "$2: $(cat "$WORK/refused")"
}

echo "with another file"
refused "another file" /dev/null
refused "another file" "/proc/$SUBJECT/maps"
refused "another file" "$WORK/conf"
mkfifo "$WORK/fifo"
exec {fifo}<>"$WORK/fifo"
refused "another file" "$WORK/fifo"
refused "another program" "/proc/$other/pagemap"
refused "another program" "/proc/$$/pagemap"
expect "nothing has moved" [ "$(ask nodes)" == 0:8 ]
exec {fifo}>&-

echo "and on it goes"
migoffctl move --pid "$SUBJECT" --to-node 1 --engine-only >/dev/null
expect "all on node 1" [ "$(ask nodes)" == 1:8 ]
expect "the content as it was" [ "$(ask check)" == ok ]
kill "$other"
stop_migoffd
