#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ./dev itself, with a root that is only busybox: wrong usage and a lacking computer get their status
# and a message; calls at the same time make one root; a killed call leaves no process, no mount and
# no half-made root behind.
set -euo pipefail
work=$(mktemp -d)
export MIGOFF_CACHE=$work/cache WORK=$work PATH=$work/bin:$PATH
unset MIGOFF_INSIDE

fail()
{
	echo "$*"
	cat "$work"/err* 2>/dev/null
	exit 1
}

# expect STATUS TEXT COMMAND...: it ends so, and says so.
expect()
{
	local wanted=$1 text=$2 status=0
	shift 2
	"$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[[ $status == "$wanted" ]] || fail "$*: status $status, expected $wanted"
	[[ -z $text ]] || grep -qF -- "$text" "$work/out" "$work/err" || fail "$*: does not say '$text'"
}

# until WHAT COMMAND...: soon it succeeds.
until_true()
{
	local what=$1 i
	shift
	for ((i = 0; i < 500; i++)); do
		if "$@"; then
			return
		fi
		sleep 0.02
	done
	fail "did not happen: $what"
}

# Whether a root is being made, by the process that stands in for mmdebstrap.
making()
{
	grep -qsF "$work/fifo" /proc/[0-9]*/cmdline
}

not_making()
{
	! making
}

# Stands for mmdebstrap: notes that it ran, waits until it is let go on, makes a root.
mkdir "$work/bin"
cat >"$work/mmdebstrap" <<'END'
#!/bin/bash
while [[ $1 != trixie ]]; do shift; done
mkdir -p "$2"/{bin,dev,etc,proc,root,run,src,sys,tmp,build,usr/bin}
echo made >>"$WORK/made"
cat "$WORK/fifo" >/dev/null
[[ ! -e $WORK/broken ]] || { echo "no such mirror"; exit 1; }
cp /bin/busybox "$2/bin/"
ln -s /bin/busybox "$2/bin/sh"
ln -s /bin/busybox "$2/usr/bin/env"
echo 0.0.0-test >"$2/etc/migoff-kernel"
END
cat >"$work/bin/df" <<'END'
#!/bin/bash
cat "$WORK/free"
END
# Stands for apt-get on a new computer: without its lists it cannot install.
cat >"$work/bin/apt-get" <<'END'
#!/bin/bash
case $1 in
update) : >"$WORK/updated" ;;
install) [[ -e $WORK/updated ]] && cp "$WORK/mmdebstrap" "$WORK/bin/" ;;
esac
END
chmod +x "$work"/bin/* "$work/mmdebstrap"
echo 100000 >"$work/free"
mkfifo "$work/fifo"
: >"$work/made"

expect 2 "no command 'frobnicate'" /src/dev frobnicate
expect 2 "no suite 'units'" /src/dev test units
expect 2 "does not know the option --fast" /src/dev vm --fast
expect 2 "wants a directory" /src/dev test --kernel /nonexistent
expect 2 "clean wants" /src/dev clean everything
expect 0 "usage:" /src/dev --help
expect 3 "must be root" setpriv --reuid 65534 --clear-groups /src/dev build

echo 100 >"$work/free"
expect 3 "has 100 MiB free" /src/dev shell true
echo 100000 >"$work/free"

[[ -z $(type -P mmdebstrap) ]] || fail "the root has mmdebstrap: this test cannot see it installed"
: >"$work/broken"
(: >"$work/fifo") &
expect 3 "no such mirror" /src/dev shell true
rm "$work/broken"
[[ -z $(compgen -G "$MIGOFF_CACHE/root-*/") ]] || fail "a root that failed is there"

for signal in TERM KILL; do
	/src/dev shell true 2>"$work/err" &
	until_true "a root is being made" making
	mounts=$(</proc/self/mountinfo)
	kill -$signal $!
	wait $! 2>/dev/null && fail "a call that was killed by $signal ended well"
	until_true "its processes end after $signal" not_making
	[[ $(</proc/self/mountinfo) == "$mounts" ]] || fail "a mount appeared here"
	roots=("$MIGOFF_CACHE"/root-????????????)
	[[ ! -d ${roots[0]} ]] || fail "a half-made root was taken for a root"
done

: >"$work/made"
/src/dev shell true 2>"$work/err1" &
first=$!
until_true "a root is being made" making
/src/dev shell true 2>"$work/err2" &
second=$!
until_true "the second one waits" grep -q "waiting for another" "$work/err2"
: >"$work/fifo"
wait $first || fail "the first of two calls failed"
wait $second || fail "the second of two calls failed"
[[ $(wc -l <"$work/made") == 1 ]] || fail "two calls at the same time made two roots"

expect 7 "" /src/dev shell sh -c 'exit 7'
expect 0 "/src" /src/dev shell pwd
expect 1 "Read-only" /src/dev shell sh -c 'echo >/src/file'
touch -d '40 days ago' "$MIGOFF_CACHE"/root-*/etc/migoff-kernel
expect 0 "older than 30 days" /src/dev shell true
expect 0 "" /src/dev clean --root
[[ -z $(compgen -G "$MIGOFF_CACHE/root-*/") ]] || fail "clean --root left the root"
rm -rf "$work"
