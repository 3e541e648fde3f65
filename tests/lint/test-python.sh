#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every Python program compiles without a warning.
set -euo pipefail
. /src/tests/lint/files.sh
files | xargs -d '\n' awk 'FNR == 1 { if (/^#!.*python/ || FILENAME ~ /\.py$/) print FILENAME; nextfile }' |
	while read -r file; do
		python3 -W error - "$file" <<-'END'
			import sys
			with open(sys.argv[1], encoding="utf-8") as file:
			    compile(file.read(), sys.argv[1], "exec")
		END
	done
