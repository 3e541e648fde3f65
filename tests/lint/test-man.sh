#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every man page is valid scdoc.
set -euo pipefail
shopt -s nullglob
bad=0
pages=(/src/man/*.scd)
((${#pages[@]})) || { echo "skip: there are no man pages" && exit 77; }
for page in "${pages[@]}"; do
	scdoc <"$page" >/dev/null || {
		echo "${page#/src/}: scdoc refuses it"
		bad=1
	}
done
exit $bad
