#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device is unbound in the middle of a request: unbinding does not hang, the request goes on
# without it, and when it is bound again it is used again. It may also be missing at first.
set -euo pipefail
. /src/tests/vm/lib/lib.sh
. /src/tests/vm/daemon.sh

start_daemon engine engine.fault=delay:us=20000
out=$(check during 128 "echo $ENGINE >/sys/bus/pci/drivers/vfio-pci/unbind")
echo "$out"
[[ $out == *" left=0 error=0 "* ]] || fail "the request did not go on"
(($(value cpu "$out") > 0)) || fail "nothing was moved without the device"
until_true 10 mode_is degraded
out=$(check move huge 16 1)
[[ $out == "engine=0 cpu=$((2 * 16 << 20)) left=0 error=0 expired=0" ]] || fail "not by the CPU: $out"
echo "$ENGINE" >/sys/bus/pci/drivers/vfio-pci/bind
until_true 20 mode_is engine
out=$(check move huge 16 1)
[[ $out == "engine=$((2 * 16 << 20)) cpu=0 left=0 error=0 expired=0" ]] || fail "not used again: $out"
stop_daemon

echo "$ENGINE" >/sys/bus/pci/drivers/vfio-pci/unbind
start_daemon degraded
echo "$ENGINE" >/sys/bus/pci/drivers/vfio-pci/bind
until_true 20 mode_is engine
stop_daemon
