#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A daemon that was started without a hook and without a device takes both up when they appear. And
# capabilities in a user namespace do not count, which a build root cannot try.
set -euo pipefail
. /src/tests/vm/lib/lib.sh

socket=/run/migoff-test/io.migoff
config=$(mktemp)
log=$(mktemp)

status()
{
	varlinkctl call --json=short $socket io.migoff.GetStatus '{}'
}

# await TEXT: in the status. What could not be had is looked for again after some seconds.
await()
{
	local deadline=$((SECONDS + 30))
	until status 2>/dev/null | grep -qF "$1"; do
		((SECONDS < deadline)) || fail "no $1 in the status: $(status) $(cat "$log")"
		read -rt 0.05 <> <(:) || true
	done
}

# What earlier tests have left.
modprobe -rq migoff
unbind 0000:00:05.0

printf '[engine]\ndevices=0000:00:05.0\n' >"$config"
/build/main/daemon/migoffd --config="$config" --socket=$socket 2>"$log" &
daemon=$!
await '"mode":"degraded"'
await 'migoff is not loaded'

modprobe migoff
await '"hook":{"ready":true'
await '"mode":"degraded"'
bind_vfio 0000:00:05.0
await '"mode":"engine"'
varlinkctl call --json=short $socket io.migoff.GetEngines '{}' | grep -qF '"state":"ready"' ||
	fail "the engine is not ready"
grep -q 'engine 0000:00:05.0: in use' "$log" || fail "the log does not say that the engine is in use"

kill $daemon
wait $daemon || fail "migoffd ended with $?: $(cat "$log")"
expect "nothing is left" test ! -e ${socket%/*}
rmmod migoff

MIGOFFD=/build/main/daemon/migoffd PYTHONDONTWRITEBYTECODE=1 python3 /src/tests/daemon/test-access.py \
	Access.test_move_all_of_namespace
