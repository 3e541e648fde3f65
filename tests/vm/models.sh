# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For test scripts in a machine with models of engines, after lib.sh: . /src/tests/vm/models.sh
# The models are in /run/host/out/models, a line each: the PCI address, and what ./dev was asked for.
PATH+=:/build/main/tests/models

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
