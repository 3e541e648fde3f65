#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Engines that fail, hang, lose completions or lie: no content is ever wrong, and what is reported is
# what happened.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

# faulty FAULT WANT [KEY=VALUE...]: move there and back; WANT is an arithmetic condition.
faulty()
{
	local fault=$1 want=$2 out engine cpu left
	shift 2
	# So far that the CPU has made its copies by then, however slow the machine is.
	start_daemon engine "engine.fault=$fault" policy.deadline=8s "$@"
	out=$(check move huge 32 1)
	echo "$fault: $out"
	# shellcheck disable=SC2034 # the condition names them
	engine=$(value engine "$out") cpu=$(value cpu "$out") left=$(value left "$out")
	((want)) || fail "with $fault it should be that $want"
	[[ $out == *" error=0 expired=0" ]] || fail "$fault must not fail the request"
	stop_daemon
}

faulty error:every=5 'left == 0 && cpu > 0 && engine > 0' engine.max-errors=100
faulty error:every=1 'left == 0 && engine == 0'
faulty hang:at=7 'left == 0 && cpu > 0 && engine > 0'
faulty hang:at=7,recover:times=100 'left == 0 && cpu > 0'
faulty lost:at=3 'left == 0 && cpu > 0'
faulty delay:us=2000 'left == 0 && cpu == 0'
faulty wrong:every=4 'left > 0 && engine > 0' policy.verify=full engine.max-errors=0
