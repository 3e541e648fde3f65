#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A program that checks move_pages(2) finds nothing wrong when its calls go to the library, with a
# daemon and without; nor do numactl's tools.
set -euo pipefail
. /src/tests/lib/vm.sh

interposed()
{
	LD_PRELOAD=/build/main/tests/lib/interpose.so LD_LIBRARY_PATH=/build/main/libmigoff "$@"
}

# On which node a process has how many of its anonymous pages: "N0 N1".
pages_of()
{
	awk '/anon=/ { for (i = 1; i <= NF; i++) if (split($i, a, "=") == 2) {
		if (a[1] == "N0") n0 += a[2]; if (a[1] == "N1") n1 += a[2] } }
		END { print n0 + 0, n1 + 0 }' "/proc/$1/numa_maps"
}

checks=/build/main/tests/lib/vm-kernel-checks
echo "the kernel:"
"$checks"
echo "the library, without a daemon:"
interposed "$checks"
start_migoffd "[policy]" "min-folio=4K" "min-request=4K"
echo "the library:"
before=$(counter pagesMoved)
interposed "$checks"
expect "the daemon has moved pages" [ "$(counter pagesMoved)" -gt "$before" ]

echo "migratepages:"
mkfifo "$WORK/in"
numactl --membind=0 python3 -c 'import sys; m = bytearray(b"x" * (32 << 20)); print(flush=True)
sys.stdin.read(); sys.exit(m.count(b"x") != 32 << 20)' <"$WORK/in" >"$WORK/out" &
target=$!
exec 9>"$WORK/in"
until [[ -s $WORK/out ]]; do kill -0 "$target"; sleep 0.05; done
before=$(counter pagesMoved)
interposed migratepages "$target" 0 1
read -r n0 n1 <<<"$(pages_of "$target")"
expect "nearly all on node 1, not $n0 and $n1" [ "$n1" -gt $((32 * 256)) -a "$n0" -lt 64 ]
# on a busy computer the library may give up on the daemon and leave the rest to the kernel
expect "the daemon has moved pages" [ "$(counter pagesMoved)" -gt "$before" ]
exec 9>&-
wait "$target" || fail "the content has changed"
stop_migoffd
