# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the tests of libmigoff and migoffctl in the machine: a daemon with the emulated LSI controller.
. /src/tests/vm/lib/lib.sh

DEVICE=0000:00:05.0
WORK=$(mktemp -d)
chmod 755 "$WORK"
export MIGOFF_SOCKET=$WORK/socket
DAEMON_PID=

migoffctl()
{
	/build/main/migoffctl/migoffctl "$@"
}

# start_migoffd [LINE...]: with these lines of configuration; returns when it is in working order.
start_migoffd()
{
	modprobe migoff
	[[ $(driver_of "$DEVICE") == vfio-pci ]] || bind_vfio "$DEVICE"
	configure_migoffd "$@"
	run_migoffd
}

configure_migoffd()
{
	printf '%s\n' '[engine]' "devices=$DEVICE" "$@" >"$WORK/conf"
}

# reload_migoffd [LINE...]: with these lines instead; returns when they count.
reload_migoffd()
{
	local before end=$((SECONDS + 30))
	before=$(grep -c "configuration reloaded" "$WORK/log" || true)
	configure_migoffd "$@"
	kill -HUP "$DAEMON_PID"
	until (($(grep -c "configuration reloaded" "$WORK/log") > before)); do
		((SECONDS < end)) || { cat "$WORK/log"; fail "migoffd does not reload"; }
		sleep 0.1
	done
}

# Again, with the same configuration.
run_migoffd()
{
	local end=$((SECONDS + 30))
	/build/main/daemon/migoffd --config="$WORK/conf" --strict --socket="$MIGOFF_SOCKET" \
		2>>"$WORK/log" &
	DAEMON_PID=$!
	until migoffctl status >"$WORK/status" 2>&1; do
		if ((SECONDS >= end)) || ! kill -0 "$DAEMON_PID"; then
			cat "$WORK/log" "$WORK/status"
			fail "migoffd does not come into working order"
		fi
		sleep 0.1
	done
}

stop_migoffd()
{
	kill "$DAEMON_PID"
	wait "$DAEMON_PID" || { cat "$WORK/log"; fail "migoffd ended with status $?"; }
}

# counter KEY: a number of the daemon's total account.
counter()
{
	migoffctl status --json | grep -o '"total":{.*' | grep -o "\"$1\":[0-9]*" | sed 's/.*://;q'
}

# How many descriptors the daemon keeps; some, of a look for the hook, are there for a moment only.
daemon_fds()
{
	local i n least=9999
	for ((i = 0; i < 10; i++)); do
		n=$(find "/proc/$DAEMON_PID/fd" -mindepth 1 -maxdepth 1 | wc -l)
		((n >= least)) || least=$n
	done
	echo "$least"
}

# start_subject MIB: a process on node 0 with so much in huge pages. Sets SUBJECT, START and END.
start_subject()
{
	local len
	coproc SUBJECT_IO { exec numactl --preferred=0 /src/tests/lib/vm-subject.py "$1"; }
	# shellcheck disable=SC2034
	SUBJECT=$SUBJECT_IO_PID
	read -r START len <&"${SUBJECT_IO[0]}"
	# shellcheck disable=SC2034
	END=$(printf %x $((0x$START + 0x$len)))
}

# ask WORD: the subject's answer.
ask()
{
	local answer
	echo "$1" >&"${SUBJECT_IO[1]}"
	read -r answer <&"${SUBJECT_IO[0]}"
	echo "$answer"
}

# json FILE EXPRESSION: a Python expression over the object j is true.
json()
{
	python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
if not eval(sys.argv[2]):
    sys.exit(f"not so: {sys.argv[2]}\n{json.dumps(j, indent=1)}")' "$@"
}
