#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# On a terminal migoffctl shows how far a move is that takes long, in one line that it takes back in the end;
# into a file, and on a terminal that cannot do that, it writes the report and nothing else.
set -euo pipefail
. /src/tests/lib/vm.sh

# Huge pages that take a quarter of a second each: twice as long in all as a move without a bar may take.
start_migoffd "fault=delay:us=250000" "[policy]" "max-batch=4M" "min-folio=2M" "deadline=5s"
start_subject 32

# on_terminal NODE [VARIABLE=VALUE]: what comes on a terminal of 80 columns, a line for each state of its last line.
on_terminal()
{
	local node=$1
	shift
	script -qec "stty cols 80; env TERM=xterm $* /build/main/migoffctl/migoffctl move --pid $SUBJECT --to-node $node \
		--engine-only" /dev/null </dev/null | tr '\r' '\n' >"$WORK/terminal"
	sed 's/\x1b\[K//g' "$WORK/terminal" | grep 'by engine \[' >"$WORK/bars" || true
}

on_terminal 1
cat "$WORK/terminal"
expect "several states of a bar" [ "$(wc -l <"$WORK/bars")" -ge 3 ]
expect "all of them within the line" [ "$(awk 'length > 79' "$WORK/bars" | wc -l)" == 0 ]
expect "all of them a bar" [ "$(grep -cE '^by engine \[#* *\] +[0-9]+ %  .* of .*/s' "$WORK/bars")" == "$(wc -l <"$WORK/bars")" ]
expect "the line taken back" grep -q $'^\x1b\[K' "$WORK/terminal"
expect "and the report" grep -q 'node 1' "$WORK/terminal"

on_terminal 0 TERM=dumb
expect "no bar on a dumb terminal" [ ! -s "$WORK/bars" ]
expect "nothing that it could not show" [ "$(grep -c $'\x1b' "$WORK/terminal")" == 0 ]
on_terminal 1 NO_COLOR=1
expect "no bar where plain text is wanted" [ ! -s "$WORK/bars" ]

TERM=xterm migoffctl move --pid "$SUBJECT" --to-node 0 --engine-only >"$WORK/report" 2>&1
expect "no bar in a file" [ "$(tr '\r' '\n' <"$WORK/report" | grep -c 'by engine \[')" == 0 ]
expect "the content as it was" [ "$(ask check)" == ok ]
stop_migoffd
