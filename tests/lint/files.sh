# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the checks in this folder: . /src/tests/lint/files.sh

# The checkout's files, without git's own and without what editors and builds leave.
files()
{
	find /src -name .git -prune -o -type f ! -name '.*.sw?' ! -name '*~' ! -name '*.o' ! -name '*.ko' \
		! -name '*.mod*' ! -name '*.cmd' ! -name '*.pyc' -print | sort
}
