#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In a machine with models of engines: each is where ./dev says, on its node and alone in its IOMMU
# group but for bridges; faults can be ordered from inside, nonsense is refused; and what it counts
# can be read, before and after a reset of the function.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/models.sh
declare -A count

read_counts()
{
	local name value
	while read -r name value; do
		count[$name]=$value
	done < <(model-counts "$1")
}

# expect_node BDF SPEC
expect_node()
{
	local node=-1
	[[ $2 != *@* ]] || node=${2##*@}
	[[ $(</sys/bus/pci/devices/"$1"/numa_node) == "$node" ]] || fail "$1 is not on node $node"
}

# expect_alone BDF: the others of its IOMMU group are bridges.
expect_alone()
{
	local dev
	for dev in /sys/bus/pci/devices/"$1"/iommu_group/devices/*; do
		[[ ${dev##*/} == "$1" || $(<"$dev"/class) == 0x0604* ]] || fail "${dev##*/} is in the group of $1"
	done
}

while read -r bdf spec; do
	[[ -e /sys/bus/pci/devices/$bdf ]] || fail "there is no $bdf ($spec)"
	expect_node "$bdf" "$spec"
	expect_alone "$bdf"
	bind_model "$bdf"
	[[ -e /dev/vfio/$(group_of "$bdf") ]] || fail "$bdf: its IOMMU group cannot be had"

	model-order "$bdf" allow=1,error=3
	! model-order "$bdf" no-such-fault 2>/dev/null || fail "$bdf: nonsense was ordered"
	! model-order "$bdf" vectors=1 2>/dev/null || fail "$bdf: it was built anew"
	model-order "$bdf" none,allow=0
	read_counts "$bdf"
	[[ ${#count[@]} == 4 && ${count[broken]} == 0 && ${count[faults]} == 0 ]] ||
		fail "$bdf: ${count[*]@K}"
	[[ $spec == *no-flr* ]] || echo 1 >/sys/bus/pci/devices/"$bdf"/reset
	model-order "$bdf" none
done </run/host/out/models
! model-order 0000:00:05.0 none 2>/dev/null || fail "the LSI was taken for a model"
