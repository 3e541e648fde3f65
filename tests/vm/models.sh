# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For test scripts in a machine with models of engines, after lib.sh: . /src/tests/vm/models.sh
# The models are in /run/host/out/models, a line each: the PCI address, and what ./dev was asked for.
# Those without a function reset, `no-flr`, are for tests after which a device may be gone.
PATH+=:/build/main/tests/models:/build/main/tests/engine
[[ -s /run/host/out/models ]] || fail "there are no models: see MIGOFF_MODELS in ./dev --help"

# bind_model BDF...: as bind_vfio, also of those that vfio-pci refuses by its list, as for an erratum.
bind_model()
{
	local allowed=/sys/module/vfio_pci/parameters/disable_denylist
	if [[ ! -e $allowed || $(<$allowed) != Y ]]; then
		modprobe -r vfio-pci
		modprobe vfio-pci disable_denylist=1
	fi
	bind_vfio "$@"
}

# engines: models that a driver knows and that stay; spared: those that need not. A line each, as there.
engines()
{
	grep -vE ' toy|no-flr' /run/host/out/models
}

spared()
{
	grep no-flr /run/host/out/models
}

# all_at_once COMMAND <LINES: COMMAND with each address, all at the same time, for they wait for their
# devices most of the time; what each has said is printed when all have ended.
all_at_once()
{
	local bdf spec pid dir failed='' pids=()
	dir=$(mktemp -d)
	while read -r bdf spec; do
		"$@" "$bdf" >"$dir/$bdf" 2>&1 &
		pids+=("$! $bdf $spec")
	done
	for pid in "${pids[@]}"; do
		read -r pid bdf spec <<<"$pid"
		wait "$pid" || failed="$spec at $bdf"
		echo "$spec at $bdf:"
		cat "$dir/$bdf"
	done
	rm -r "$dir"
	[[ -z $failed ]] || fail "$* $failed"
}
