#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every file that can hold a comment names its licence in its first lines; the licences' own texts
# and Markdown are exempt.
set -euo pipefail
. /src/tests/lint/files.sh
bad=0
while read -r file; do
	case $file in
	/src/LICENSES/* | *.md) continue ;;
	esac
	head -n 5 "$file" | grep -q 'SPDX-License-Identifier: ' || {
		echo "${file#/src/}: no SPDX-License-Identifier line"
		bad=1
	}
done < <(files)
exit $bad
