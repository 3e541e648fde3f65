#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The drop-in calls do what the system calls do, as root and as somebody else, with folios of every size
# for the engine and with huge pages only; and the engine does take part.
# time limit: 240 s
set -euo pipefail
. /src/tests/lib/vm.sh

as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# moves WHO COMMAND...: it succeeds, and the engine has moved something meanwhile.
moves()
{
	local who=$1 before
	shift
	before=$(counter bytesEngine)
	"$@"
	expect "the engine has moved something for $who" [ "$(counter bytesEngine)" -gt "$before" ]
}

ulimit -l unlimited
same=/build/main/tests/lib/vm-same
start_migoffd "[policy]" "min-folio=4K" "min-request=4K" "[access]" "group=nogroup"
moves root "$same"
moves nobody as_nobody "$same" kinds
expect "no batch has reached its deadline" [ "$(counter batchesExpired)" -eq 0 ]
stop_migoffd

start_migoffd "[policy]" "min-folio=2M" "min-request=4K"
moves "root, huge pages only" "$same" kinds
stop_migoffd
