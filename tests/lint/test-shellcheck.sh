#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every shell script, whatever its name, is clean under shellcheck.
set -euo pipefail
. /src/tests/lint/files.sh
mapfile -t scripts < <(files | xargs -d '\n' grep -lE -m1 '^#!.*\b(ba|da)?sh$|^# shellcheck shell=' |
	xargs -d '\n' awk 'FNR == 1 && /^#!.*sh$/ || FNR <= 3 && /^# shellcheck shell=/ { print FILENAME; nextfile }')
((${#scripts[@]})) || exit 1
exec shellcheck --external-sources "${scripts[@]}"
