#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device that fails, hangs, loses completions or lies, below its driver and the daemon: no content is
# ever wrong, each folio is whole, and what is reported is what happened. With --long every fault.
# time limit: 900 s
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/models.sh
declare -A by

while read -r bdf spec; do
	bind_model "$bdf"
	by[${spec%%,*}]=$bdf
done < <(engines | sed 's/@.*//')
MIGOFF_TEST_ENGINE=${by[ioat]}
. /src/tests/vm/daemon.sh

# faulty ORDER WANT [KEY=VALUE...]: move there and back; WANT is an arithmetic condition.
faulty()
{
	local order=$1 want=$2 out engine cpu left
	shift 2
	# So far that the CPU has made its copies by then, however slow the machine is.
	start_daemon engine policy.deadline=8s "$@"
	model-order "$ENGINE" "$order"
	out=$(check move huge 32 1)
	model-order "$ENGINE" none
	echo "$ENGINE, $order: $out"
	# shellcheck disable=SC2034 # the condition names them
	engine=$(value engine "$out") cpu=$(value cpu "$out") left=$(value left "$out")
	((want)) || fail "with $order it should be that $want"
	[[ $out == *" error=0 expired=0" ]] || fail "$order must not fail the request"
	stop_daemon
}

for ENGINE in "${by[ioat]}" "${by[dsa]}"; do
	faulty error=5 'left == 0 && cpu > 0 && engine > 0'
	faulty hang=7 'left == 0 && cpu > 0'
	[[ -n ${MIGOFF_LONG:-} ]] || continue
	faulty error=5/5 'left == 0 && cpu > 0'
	faulty lose-interrupt=2 'left == 0 && engine > 0'
	faulty lose-completion=1 'left == 0'
	faulty unsubmitted=3/1 'left == 0 && cpu > 0'
	faulty twice=3/1 'left == 0'
	faulty senseless=3/1 'left == 0 && cpu > 0'
	faulty late=2/3 'left == 0 && cpu == 0'
	faulty ns-per-kib=1000,ns-per-descriptor=100000 'left == 0 && engine > 0'
	model-order "$ENGINE" ns-per-kib=0,ns-per-descriptor=0
	faulty wrong-byte=2/3 'left > 0 && engine > 0' policy.verify=full engine.max-errors=0
	faulty never-reset,hang=3 'left == 0 && cpu > 0'
done
