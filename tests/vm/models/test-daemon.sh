#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon's own tests with each model for its engine. In the normal run just whether it moves memory
# right by each, and is killed with one; with --long all.
# time limit: 1800 s
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/models.sh

# with BDF TEST...: of the machine without models.
with()
{
	local bdf=$1 name
	shift
	bind_model "$bdf"
	for name; do
		echo "--- $name, by $bdf"
		# Each page of 4 KiB that is mapped for a model is a message to it.
		MIGOFF_TEST_ENGINE=$bdf MIGOFF_TEST_SETTINGS=policy.deadline=10s \
			"/src/tests/vm/test-daemon-$name.sh" </dev/null || fail "$name, by $bdf"
	done
}

while read -r bdf spec; do
	if [[ -n ${MIGOFF_LONG:-} ]]; then
		with "$bdf" move clients device faults killed stopped pressure
	elif [[ $spec == dsa* ]]; then
		with "$bdf" move killed
	else
		with "$bdf" move
	fi
done < <(engines)
