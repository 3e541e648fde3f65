# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For tests of the units: . /src/tests/systemd/lib/service.sh
. /src/tests/vm/lib/lib.sh

# shellcheck disable=SC2034 # the tests use it
ENGINE=0000:00:05.0
CONFIG=/run/migoffd/migoffd.conf.d/test.conf

# wait_for WHAT COMMAND...: it must succeed within a minute. What is waited for are other programs.
wait_for()
{
	local what=$1 end=$((SECONDS + 60))
	shift
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS > end)); then
			systemctl status --no-pager migoffd migoff-bind >&2 || true
			fail "expected within a minute: $what"
		fi
		sleep 0.1
	done
}

# configure [LINE...]: what follows [engine] in the configuration.
configure()
{
	mkdir -p "${CONFIG%/*}"
	printf '%s\n' '[engine]' "$@" >$CONFIG
}

mode_is()
{
	[[ $(migoffctl status --json) == *"\"mode\":\"$1\""* ]]
}

service_is()
{
	[[ $(systemctl show -P ActiveState migoffd)/$(systemctl show -P SubState migoffd) == "$1" ]]
}

main_pid()
{
	systemctl show -P MainPID migoffd
}

# As after the machine's start.
reset_service()
{
	systemctl stop migoffd.service migoffd.socket migoff-bind.service 2>/dev/null
	systemctl reset-failed migoffd.service 2>/dev/null || true
	systemctl unmask --runtime --quiet migoff-bind
	rm -f $CONFIG /run/modprobe.d/test.conf
	modprobe -q -r migoff || true
}
trap reset_service EXIT
reset_service
