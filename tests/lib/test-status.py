#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What migoffctl status says for people, of answers that a test gives in the daemon's place: the CPU time that
was used and given back, how far cycles were counted and why not, and each client's part.

usage: test-status.py MIGOFFCTL
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

MIGOFFCTL = sys.argv[1]
CPU = {'timeNSec': 1_500_000_000, 'hookNSec': 20_000_000}
COUNTED = {'cycles': 3000, 'instructions': 4000, 'countedPercent': 100, 'userOnly': False}
WORKING = {'mode': 'engine', 'version': '1', 'uptimeUSec': 5_000_000,
           'hook': {'ready': True, 'verify': 'off', 'batch': 2 << 20, 'maxBatch': 32 << 20}}


def serve(listener, parameters):
    """One call, one answer; varlink's messages end with a zero byte."""
    peer, _ = listener.accept()
    with peer:
        call = b''
        while not call.endswith(b'\0'):
            call += peer.recv(4096)
        assert json.loads(call[:-1])['method'] == 'io.migoff.GetStatus', call
        peer.sendall(json.dumps({'parameters': parameters}).encode() + b'\0')
        peer.recv(1)


def status(expected=0, **answer):
    """The lines, without the space between words."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(directory, 'socket')
        listener.bind(path)
        listener.listen()
        server = threading.Thread(target=serve, args=(listener, WORKING | answer), daemon=True)
        server.start()
        p = subprocess.run([MIGOFFCTL, '--socket', path, 'status'], capture_output=True, text=True,
                           timeout=60, check=False)
        server.join(10)
    assert p.returncode == expected and not p.stderr, p
    return [' '.join(line.split()) for line in p.stdout.splitlines()]


def expect(lines, wanted):
    assert wanted in lines, (wanted, lines)


def test_given_back():
    """As much as the daemon says, and below 0 in words."""
    lines = status(total={'cpuGivenBackNSec': 2_000_000_000}, cpu=CPU)
    expect(lines, 'CPU time 1.5 s by migoffd, 20.0 ms by the module\'s workers')
    expect(lines, "given back about 2.0 s less than the kernel's own move, by estimate")
    lines = status(total={'cpuGivenBackNSec': -3_000_000}, cpu=CPU)
    expect(lines, "given back about 3.0 ms more than the kernel's own move, by estimate")


def test_counted():
    """Whatever is not counted, or not all the time, is told, and why."""
    lines = status(total={}, cpu=CPU | COUNTED)
    expect(lines, '3000 cycles, 4000 instructions')
    lines = status(total={}, cpu=CPU | COUNTED | {'countedPercent': 25})
    expect(lines, '3000 cycles, 4000 instructions, estimated: counted 25 % of the time')
    lines = status(total={}, cpu=CPU | COUNTED | {'userOnly': True, 'reason': 'not permitted'})
    expect(lines, '3000 cycles, 4000 instructions outside of the kernel')
    expect(lines, 'not all is counted: not permitted')
    lines = status(total={}, cpu=CPU | {'reason': 'the processor has none'})
    expect(lines, 'cycles are not counted: the processor has none')
    assert not any('instructions' in line for line in lines), lines


def test_clients():
    """Each has its own account."""
    lines = status(total={}, cpu=CPU, clients=[
        {'id': 3, 'pid': 77, 'uid': 1000, 'targets': 2,
         'account': {'requests': 5, 'bytesEngine': 4 << 20, 'bytesCpu': 0, 'cpuNSec': 6_000_000}},
        {'id': 4, 'pid': 78, 'uid': 0, 'targets': 1, 'account': {'cpuNSec': 0}}])
    expect(lines, '3 77 1000 2 5 4.0 MiB 0 B 6.0 ms')
    expect(lines, '4 78 0 1 0 0 B 0 B 0 ns')


def test_budget():
    """Batches that missed max-page-blocked=, and those that could not do otherwise."""
    lines = status(total={'batches': 9, 'budgetMisses': 4, 'budgetMissesAlone': 3}, cpu=CPU)
    expect(lines, '4 batches longer than max-page-blocked=, of which 3 of a single folio')


def test_degraded():
    """What is lacking, and what to do."""
    lines = status(4, mode='degraded', reason='no module', remedy='modprobe migoff', total={}, cpu=CPU,
                   hook={'ready': False, 'reason': 'no device'})
    expect(lines, 'because no module')
    expect(lines, 'to do modprobe migoff')
    expect(lines, 'hook not in use: no device')


for test in (test_given_back, test_counted, test_clients, test_budget, test_degraded):
    test()
