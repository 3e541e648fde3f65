# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For tests of the daemon in the machine, after lib.sh: migoffd with an engine, and daemon-check. The
# engine is the LSI, or the device that MIGOFF_TEST_ENGINE names; MIGOFF_TEST_SETTINGS are more settings.

ENGINE=${MIGOFF_TEST_ENGINE:-0000:00:05.0}
BUILD=${MIGOFF_TEST_BUILD:-/build/main}
DIR=$(mktemp -d)
export MIGOFF_SOCKET=$DIR/io.migoff
DAEMON=

# Sanitizers must not be led astray by what the daemon shares with clients.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

check()
{
	/build/main/tests/vm/daemon-check "$@"
}

# until_true SECONDS COMMAND...: stretched as the runner's limits are.
until_true()
{
	local end=$((SECONDS + $1 * ${MIGOFF_TIME_FACTOR:-1}))
	shift
	until "$@"; do
		((SECONDS < end)) || fail "waited in vain for: $*" "$(cat "$DIR/log")"
		read -rt 0.1 <>"$DIR/never" || true
	done
}

log_has()
{
	grep -q -- "$1" "$DIR/log"
}

mode_is()
{
	[[ $(/build/main/migoffctl/migoffctl status --json 2>/dev/null) == *"\"mode\":\"$1\""* ]]
}

# start_daemon MODE [KEY=VALUE...]: section.key=value; wait until it is in that mode.
start_daemon()
{
	local mode=$1 setting
	shift
	# shellcheck disable=SC2086 # several
	for setting in engine.devices=$ENGINE ${MIGOFF_TEST_SETTINGS:-} "$@"; do
		printf '[%s]\n%s\n' "${setting%%.*}" "${setting#*.}"
	done >"$DIR/conf"
	"$BUILD/daemon/migoffd" --config="$DIR/conf" --socket="$MIGOFF_SOCKET" >"$DIR/log" 2>&1 &
	DAEMON=$!
	until_true 30 mode_is "$mode"
}

# SIGTERM: it ends in good time, says that all was well, and leaves nothing behind.
stop_daemon()
{
	kill "$DAEMON"
	wait "$DAEMON" || fail "migoffd ended with $?: $(cat "$DIR/log")"
	DAEMON=
	none_live
}

# Nothing of the hook is in use any more.
none_live()
{
	local file
	for file in /sys/class/misc/migoff/counters/live_*; do
		[[ $(<"$file") == 0 ]] || fail "$(basename "$file") is $(<"$file")"
	done
}

# value KEY TEXT: of "KEY=VALUE" in it.
value()
{
	[[ " $2 " =~ [[:space:]]$1=([0-9]+)[[:space:]] ]] || fail "no $1 in: $2"
	echo "${BASH_REMATCH[1]}"
}

daemon_gone()
{
	[[ ! -S $MIGOFF_SOCKET || -z $DAEMON ]] || ! kill -0 "$DAEMON" 2>/dev/null
}

at_end()
{
	[[ -z $DAEMON ]] || kill -9 "$DAEMON" 2>/dev/null || true
	rm -rf "$DIR"
}
trap at_end EXIT

# figure DEVICE KEY: of that engine, as the daemon tells it.
figure()
{
	/build/main/migoffctl/migoffctl engines --json | python3 -c '
import json, sys
print(next(e[sys.argv[2]] for e in json.load(sys.stdin)["engines"] if e["device"] == sys.argv[1]))' "$@"
}

mkfifo "$DIR/never"
modprobe migoff
# Without an IOMMU no device can be bound.
[[ ! -e /sys/bus/pci/devices/$ENGINE/iommu_group ]] || bind_vfio "$ENGINE"
