#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# migoffctl move takes what it is told to where it is told, by the engine, says so, and nothing else moves.
set -euo pipefail
. /src/tests/lib/vm.sh

# run STATUS ARGUMENT...: migoffctl move on the subject, whose object is left in $WORK/json.
run()
{
	local expected=$1 status=0
	shift
	migoffctl move --pid "$SUBJECT" --json "$@" >"$WORK/json" 2>"$WORK/err" || status=$?
	[[ $status == "$expected" ]] ||
		fail "migoffctl move $*: status $status, expected $expected: $(cat "$WORK/json" "$WORK/err")"
}

# shellcheck disable=SC2119 # no lines beyond those that it has by itself
start_migoffd "[policy]" "min-folio=64K"
start_subject 64
expect "all on node 0" [ "$(ask nodes)" == 0:32 ]

echo "the whole process"
run 0 --to-node 1
json "$WORK/json" 'j["bytesEngine"] == 64 << 20 and j["pagesFailed"] == 0'
json "$WORK/json" '{"size": 2 << 20, "engine": 32, "cpu": 0} in j["folios"]'
json "$WORK/json" 'j["pagesAsked"] == j["pagesMoved"] + sum(j["pagesByCause"].values())'
json "$WORK/json" 'j["kernel"]["asked"] and j["kernel"]["pagesMoved"] > 0'
json "$WORK/json" '0 < j["blockedMaxNSec"] <= j["daemonNSec"] and 0 < j["engineNSec"]'
expect "all on node 1" [ "$(ask nodes)" == 1:32 ]
expect "the content as it was" [ "$(ask check)" == ok ]

echo "once more: there already"
run 0 --to-node 1 --engine-only
json "$WORK/json" 'j["bytesEngine"] == 0 and j["pagesByCause"]["already-there"] >= 64 << 8'

echo "a range, from named nodes"
run 0 --to-node 0 --from-node 0,1 --range "$START-$(printf %x $((0x$START + (8 << 20))))" --engine-only
json "$WORK/json" 'j["bytesEngine"] == 8 << 20'
expect "a range of four on node 0" [ "$(ask nodes)" == "0:4 1:28" ]
run 2 --to-node 1 --from-node 1
expect "as before" [ "$(ask nodes)" == "0:4 1:28" ]

echo "ranges, one inside a huge page"
run 0 --to-node 0 --range "$(printf '%x-%x' $((0x$START + (9 << 20))) $((0x$START + (9 << 20) + 4096)))" \
	--range "$(printf '%x-%x' $((0x$END - (2 << 20))) "0x$END")"
expect "two more on node 0" [ "$(ask nodes)" == "0:6 1:26" ]

echo "text"
migoffctl move --pid "$SUBJECT" --to-node 0 | tee "$WORK/text"
grep -q "^Moved .* MiB of process $SUBJECT .* to node 0 in " "$WORK/text"
# The subject's own heap may have become a huge page, too.
grep -Eq '^  by engine  .* 2[67] x 2.0 MiB$' "$WORK/text"
grep -q '^Longest time a page was unavailable: ' "$WORK/text"
expect "all on node 0" [ "$(ask nodes)" == 0:32 ]

echo "refusals"
run 1 --to-node 0 --range 1000-2000
run 1 --to-node 7
SUBJECT=2 run 1 --to-node 1
expect "nothing has moved" [ "$(ask nodes)" == 0:32 ]
expect "the content as it was" [ "$(ask check)" == ok ]
status=0
setpriv --reuid=65534 --clear-groups /build/main/migoffctl/migoffctl move --pid "$SUBJECT" --to-node 1 \
	2>"$WORK/err" || status=$?
expect "refused" [ "$status" == 1 ]
expect "the reason" grep -q 'you may not read the memory' "$WORK/err"

echo "the account"
migoffctl status --json >"$WORK/json"
json "$WORK/json" 'j["mode"] == "engine" and j["total"]["bytesEngine"] in ((64 + 8 + 4 + 52) << 20, (64 + 8 + 4 + 54) << 20)'
migoffctl engines --json >"$WORK/json"
json "$WORK/json" 'j["engines"][0]["state"] == "ready" and j["engines"][0]["errors"] == 0'
stop_migoffd
