#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A client may ask for the memory that it shares with the daemon to be moved, and for all of its own: nothing
# hangs, each page has a status, and the daemon goes on for others.
set -euo pipefail
. /src/tests/lib/vm.sh

start_migoffd "[policy]" "min-folio=4K" "min-request=4K"
start_subject 16
/build/main/tests/lib/vm-ring
migoffctl move --pid "$SUBJECT" --to-node 1 --engine-only >/dev/null
expect "all on node 1" [ "$(ask nodes)" == 1:8 ]
expect "no client was cut off" grep -q '"nClientsCut":0' <(migoffctl status --json)
stop_migoffd
