# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the scripts about storms (storm.c), after tests/lib/vm.sh.

# The same order of things is had again with the seed that a run has printed.
SEED=${MIGOFF_SEED:-$((RANDOM << 15 | RANDOM))}

start_stormy_migoffd()
{
	start_migoffd "[policy]" "min-folio=4K" "min-request=4K" "deadline=2s" "verify=sampled"
}

# storm SECONDS: in the foreground; what it did is in $WORK/storm.
storm()
{
	echo "MIGOFF_SEED=$SEED: a storm of $1 s"
	/build/main/tests/vm/storm "$1" "$SEED" | tee "$WORK/storm"
	SEED=$((SEED + 1000))
}

# did KEY: how often, in the last storm.
did()
{
	grep -o "\<$1=[0-9]*" "$WORK/storm" | cut -d= -f2
}

# Killed again and again after a time of work, until the process ends. Sets KILLS.
kill_migoffd_while()
{
	KILLS=0
	while kill -0 "$1" 2>/dev/null; do
		sleep "0.$((RANDOM % 10))"
		kill -KILL "$DAEMON_PID"
		wait "$DAEMON_PID" || true
		KILLS=$((KILLS + 1))
		run_migoffd
	done
}
