#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What migoffctl says to bad input, and without a daemon. Nothing here moves anything.

usage: test-migoffctl.py MIGOFFCTL
"""
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile

MIGOFFCTL = sys.argv[1]
SOCKET = os.path.join(tempfile.gettempdir(), f'migoff-no-daemon-{os.getpid()}')


def run(*args, **kwargs):
    return subprocess.run([MIGOFFCTL, '--socket', SOCKET, *args], capture_output=True, text=True,
                          timeout=60, **kwargs)


def expect(status, words, *args, **kwargs):
    """The exit status, the cause named on standard error, nothing on standard output."""
    p = run(*args, **kwargs)
    assert p.returncode == status, (args, p)
    assert words in p.stderr, (args, p.stderr)
    assert p.stdout == '', (args, p.stdout)


def expect_json(status, words, *args):
    """The same with --json: exactly one object, which names the cause as well."""
    p = run(*args, '--json')
    assert p.returncode == status, (args, p)
    answer = json.loads(p.stdout)
    assert words in answer['error'], (args, answer)
    assert answer['exitStatus'] == status
    assert words in p.stderr


def test_help():
    for args in (['--help'], ['status', '--help'], ['engines', '--help'], ['move', '--help']):
        p = run(*args)
        assert p.returncode == 0 and p.stdout.startswith('usage: ') and not p.stderr, (args, p)
    assert run('--version').stdout.startswith('migoffctl ')


def test_usage():
    expect(2, 'a command is missing')
    expect(2, 'no command "fly"', 'fly')
    expect(2, 'no option --fast', 'status', '--fast')
    expect(2, '"now"', 'engines', 'now')
    expect(2, '--pid is missing', 'move', '--to-node', '0')
    expect(2, '--to-node is missing', 'move', '--pid', '1')
    expect(2, 'wants a value', 'move', '--pid')
    for pid in ('0', '-1', '1x', '', '99999999999999'):
        expect(2, 'is not a process id', 'move', '--to-node', '0', '--pid', pid)
    for node in ('-1', 'zero', '1.5', ''):
        expect(2, 'is not a node', 'move', '--pid', '1', '--to-node', node)
    expect(2, 'is not a list of nodes', 'move', '--pid', '1', '--from-node', '1-', '--to-node', '0')


def test_ranges(pid):
    def bad(words, text, status=2):
        expect(status, words, 'move', '--pid', str(pid), '--to-node', '0', '--range', text)

    for text in ('', '-', '1000', '1000-', '-1000', 'x-y', '1000-2000x', '+1000-2000', '1000--2000'):
        bad('is not a range', text)
    bad('does not begin and end on a page', '1001-3000')
    bad('does not begin and end on a page', '1000-3001')
    bad('is empty', '1000-1000')
    bad('ends before it begins', '3000-1000')
    bad('reaches beyond', '0-fffffffffffff000')
    bad('reaches beyond', '0-123456789abcdef0123456789')
    bad('maps nothing in the range 1000-3000', '1000-3000', status=1)


def test_process(pid):
    gone = subprocess.Popen(['true'])
    gone.wait()
    expect(1, f'there is no process {gone.pid}', 'move', '--pid', str(gone.pid), '--to-node', '0')
    if os.getuid() == 0:
        expect(1, 'you may not read the memory', 'move', '--pid', str(pid), '--to-node', '0',
               user=65534)
        expect(1, 'pages that others share', 'move', '--pid', str(os.getpid()), '--to-node', '0',
               '--move-all', preexec_fn=drop_capabilities)


def drop_capabilities():
    """Root without CAP_SYS_NICE, also after exec."""
    prctl_drop_bounding, cap_sys_nice = 24, 23
    ctypes.CDLL(None).prctl(prctl_drop_bounding, cap_sys_nice, 0, 0, 0)


def test_nodes(pid):
    pid = str(pid)
    expect(1, 'there is no node 1023', 'move', '--pid', pid, '--to-node', '1023')
    expect(1, 'a node that does not exist', 'move', '--pid', pid, '--from-node', '900', '--to-node',
           '0')
    expect(2, 'needs no move', 'move', '--pid', pid, '--from-node', '0', '--to-node', '0')


def test_no_daemon(pid):
    move = ('move', '--pid', str(pid), '--to-node', '0')
    for args in (('status',), ('engines',), move):
        expect(4, 'migoffd is not running', *args)
        expect_json(4, 'migoffd is not running', *args)
    expect_json(2, 'is empty', *move, '--range', '1000-1000')


def main():
    if not os.path.exists('/sys/devices/system/node/has_memory'):
        print('skip: no NUMA information in /sys')
        sys.exit(77)
    target = subprocess.Popen(['sleep', '60'])
    try:
        test_help()
        test_usage()
        test_ranges(target.pid)
        test_process(target.pid)
        test_nodes(target.pid)
        test_no_daemon(target.pid)
    finally:
        target.send_signal(signal.SIGKILL)
        target.wait()


main()
