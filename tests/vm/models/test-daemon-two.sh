#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two engines of different kinds, one on each node: the one on the destination's node comes first, both work on
# a large request, and when one fails in the middle of a batch the other copies what it has left, not the
# CPU. The one that failed is taken out, with the reason, once in the log, and comes back by itself.
# time limit: 600 s
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/models.sh
declare -A by

while read -r bdf spec; do
	bind_model "$bdf"
	by[${spec%%[,@]*}]=$bdf
done < <(engines | grep -E ' (dsa@0|ioat,version=3.3@1)$')
first=${by[dsa]} second=${by[ioat]}
MIGOFF_TEST_ENGINE=$first
. /src/tests/vm/daemon.sh

# all_by_engines MIB: what was moved there and back is right, and no CPU has copied any of it.
all_by_engines()
{
	local out
	out=$(check move huge "$1" 1)
	[[ $out == "engine=$((2 * $1 << 20)) cpu=0 left=0 error=0 expired=0" ]] ||
		fail "not by the engines: $out" "$(cat "$DIR/log")"
}

# by_both MIB CPU_MIB: the same, but that the CPU may have copied so much of it.
by_both()
{
	local out
	out=$(check move huge "$1" 1)
	echo "$out"
	[[ $out == *" left=0 error=0 expired=0" ]] || fail "not all was moved: $out" "$(cat "$DIR/log")"
	(($(value engine "$out") + $(value cpu "$out") == 2 * $1 << 20)) || fail "the sums do not agree: $out"
	(($(value cpu "$out") <= $2 << 20)) || fail "too much by the CPU: $out" "$(cat "$DIR/log")"
}

# total KEY: of all clients.
total()
{
	/build/main/migoffctl/migoffctl status --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["total"][sys.argv[1]])' "$1"
}

second_is()
{
	[[ $(figure "$second" state) == "$1" ]]
}

# times WORDS: how often the log has them.
times()
{
	grep -c -- "$1" "$DIR/log" || true
}

start_daemon engine engine.devices="$second" engine.max-errors=1 engine.retry-after=10s \
	policy.deadline=10s policy.max-page-blocked=0 policy.max-batch=4M policy.max-batches=4
out=$(/build/main/migoffctl/migoffctl engines)
echo "$out"
for words in "$first .*ready .* idxd .* 0 .* $(group_of "$first") " "is .* 8086:0b25, version 1.0, .* 64-bit" \
	"$second .*ready .* ioat .* 1 .* $(group_of "$second") " "is .* 8086:[0-9a-f]*, version 3.3, "; do
	grep -q "$words" <<<"$out" || fail "it does not say: $words"
done

# One batch there, by the one that is there, and one back, by the other.
all_by_engines 4
[[ $(figure "$first" bytes) == $((4 << 20)) && $(figure "$second" bytes) == $((4 << 20)) ]] ||
	fail "an engine of the wrong node has copied"

all_by_engines 64
for bdf in "$first" "$second"; do
	(($(figure "$bdf" bytes) >= 16 << 20)) || fail "$bdf has hardly worked"
done

# In the middle of a batch: a channel that halts takes with it what it had. What it says that it could not read
# is for the CPU, a folio at most; the rest is for the other engine, if the machine is not too slow for that.
# The daemon may ring for more before it can know of the halt, which is no fault of its.
model-order "$second" error=18,allow=1
by_both 64 2
model-order "$second" none,allow=0
echo "$(figure "$second" state): $(figure "$second" reason)"
(($(total bytesAgain) > 0)) || fail "the other has not copied what was left" "$(cat "$DIR/log")"
(($(figure "$second" outages) == 1)) || fail "it was not taken out"
[[ $(times "engine $second: out of service: ") == 1 ]] || fail "the log does not say so once" "$(cat "$DIR/log")"

until_true 60 second_is ready
(($(figure "$second" tries) >= 1)) || fail "it is back without having been tried"
[[ $(times "engine $second: in use") == 2 ]] || fail "the log does not say that it is back"
all_by_engines 64

# The other one hangs. By the time that this is known, what waited for it may be for the CPU.
model-order "$first" hang=20
by_both 64 128
model-order "$first" none
(($(figure "$first" outages) == 1)) || fail "the other was not taken out"
stop_daemon
