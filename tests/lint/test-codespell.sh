#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No common misspelling in any text of ours. Memory does move to and fro, and a DSA has WQs.
set -euo pipefail
. /src/tests/lint/files.sh
files | grep -v '^/src/LICENSES/' | xargs -d '\n' codespell -L fro,wqs
