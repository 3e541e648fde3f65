#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The library is usable from a language without C's headers: Python's ctypes, no callback, no structure
passed by value. Against the real daemon: where it has an engine memory moves, else its errors are seen.

usage: test-ctypes.py LIBRARY MIGOFFD        (starts a daemon, which will be degraded)
       test-ctypes.py LIBRARY --to-node NODE (the one at $MIGOFF_SOCKET)
"""
import contextlib
import ctypes
import errno
import mmap
import os
import select
import subprocess
import sys
import tempfile
import time

PAGE = mmap.PAGESIZE
BLOCK = 2 << 20
LEN = 8 * BLOCK
u32, i32, u64 = ctypes.c_uint32, ctypes.c_int32, ctypes.c_uint64


class Range(ctypes.Structure):
    _fields_ = [('start', u64), ('len', u64)]


class Extent(ctypes.Structure):
    _fields_ = [('va', u64), ('len', u64), ('status', i32), ('cause', ctypes.c_uint16),
                ('order', ctypes.c_uint8), ('flags', ctypes.c_uint8)]


class Request(ctypes.Structure):
    _fields_ = [('size', u32), ('flags', u32), ('to_node', i32), ('n_from_words', u32),
                ('from_nodes', ctypes.POINTER(u64)), ('ranges', ctypes.POINTER(Range)),
                ('n_ranges', u64), ('status', ctypes.POINTER(ctypes.c_int)),
                ('extents', ctypes.POINTER(Extent)), ('n_extents', u64), ('deadline_ns', u64),
                ('cookie', u64), ('reason', u32), ('reserved0', u32), ('reserved', u64 * 4)]


class Result(ctypes.Structure):
    _fields_ = [('size', u32), ('error', i32), ('cookie', u64), ('n_extents', u64),
                ('pages_asked', u64), ('pages_moved', u64), ('pages_by_cause', u64 * 32), ('bytes_engine', u64),
                ('bytes_cpu', u64), ('folios_engine', u64 * 16), ('folios_cpu', u64 * 16),
                ('n_batches', u64), ('n_expired', u64), ('elapsed_ns', u64), ('engine_ns', u64),
                ('blocked_max_ns', u64)]


def load(path):
    lib = ctypes.CDLL(path)
    p = ctypes.c_void_p
    for name, result, arguments in (
            ('open', i32, [ctypes.POINTER(p), ctypes.c_char_p]),
            ('close', p, [p]),
            ('fd', i32, [p]),
            ('target_open', i32, [p, i32, ctypes.POINTER(p)]),
            ('target_close', p, [p]),
            ('submit', i32, [p, ctypes.POINTER(Request), ctypes.POINTER(u64)]),
            ('reap', i32, [p, ctypes.POINTER(Result)]),
            ('progress', i32, [p, u64, ctypes.POINTER(u64)]),
            ('cancel', i32, [p, u64]),
            ('limit_ranges', u64, [p]),
            ('limit_pages', u64, [p]),
            ('limit_extents', u64, [p]),
            ('reconnect', i32, [p]),
            ('cause_name', ctypes.c_char_p, [ctypes.c_uint])):
        function = getattr(lib, 'migoff_' + name)
        function.restype, function.argtypes = result, arguments
    return lib


class Memory:
    """Blocks of which each page has its own content."""

    def __init__(self):
        self.area = mmap.mmap(-1, LEN + BLOCK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.area.madvise(mmap.MADV_HUGEPAGE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.area))
        self.skip = -address % BLOCK
        self.address = address + self.skip
        for i in range(0, LEN, PAGE):
            self.area[self.skip + i:self.skip + i + 8] = i.to_bytes(8, 'little')

    def check(self):
        for i in range(0, LEN, PAGE):
            assert self.area[self.skip + i:self.skip + i + 8] == i.to_bytes(8, 'little'), i


def request(to_node, ranges=None, status=None, cookie=0):
    q = Request(size=ctypes.sizeof(Request), to_node=to_node, cookie=cookie)
    if ranges:
        q.ranges = (Range * len(ranges))(*ranges)
        q.n_ranges = len(ranges)
    if status is not None:
        q.status = status
    return q


def reap(lib, m, seconds=60):
    """One result, as an event loop would get it."""
    result = Result(size=ctypes.sizeof(Result))
    poll = select.poll()
    poll.register(lib.migoff_fd(m), select.POLLIN)
    end = time.monotonic() + seconds
    while (r := lib.migoff_reap(m, result)) == 0:
        assert time.monotonic() < end, 'no result'
        poll.poll(1000)
    return r, result


def test_errors(lib):
    """Each way in which opening fails has its errno; handles may be NULL."""
    m = ctypes.c_void_p()
    assert lib.migoff_open(m, b'/no/such/socket') == -errno.ENOENT
    assert not m.value
    assert lib.migoff_close(None) is None and lib.migoff_target_close(None) is None
    assert lib.migoff_cause_name(6) == b'shared' and lib.migoff_cause_name(999) is None


def test_target(lib, m):
    """A target is a living process that the caller may read."""
    t = ctypes.c_void_p()
    gone = subprocess.Popen(['true'])
    gone.wait()
    assert lib.migoff_target_open(m, gone.pid, t) == -errno.ESRCH
    assert lib.migoff_target_open(m, -1, t) == -errno.EINVAL
    assert lib.migoff_target_open(m, 0, t) == 0
    return t


def test_refused(lib, m, t):
    """What is malformed does not reach the daemon."""
    assert lib.migoff_submit(t, request(-1), None) == -errno.EINVAL
    assert lib.migoff_submit(t, request(0, [Range(1, PAGE)]), None) == -errno.EINVAL
    q = request(0)
    q.size = 8
    assert lib.migoff_submit(t, q, None) == -errno.EINVAL
    assert lib.migoff_limit_ranges(m) >= 1024 and lib.migoff_limit_pages(m) >= 1024


def test_degraded(lib, m, t, memory):
    """A daemon without a hook answers a request with an error, and nothing has moved."""
    status = (ctypes.c_int * (LEN // PAGE))()
    q = request(0, [Range(memory.address, LEN)], status, cookie=4711)
    assert lib.migoff_submit(t, q, None) == 0
    r, result = reap(lib, m)
    assert r == 1 and result.cookie == 4711, (r, result.cookie)
    assert result.error == -errno.ENXIO and result.pages_moved == 0, (result.error, result.pages_moved)
    assert result.bytes_engine == result.bytes_cpu == 0
    assert all(s < 0 for s in status)


def test_move(lib, m, t, memory, node):
    """Requests under way at the same time each get their own blocks moved, by the engine."""
    status = [(ctypes.c_int * (BLOCK // PAGE))() for _ in range(LEN // BLOCK)]
    extents = [(Extent * 1)() for _ in status]
    for i, s in enumerate(status):
        q = request(node, [Range(memory.address + i * BLOCK, BLOCK)], s, cookie=i)
        q.extents, q.n_extents, q.reason = extents[i], 1, 5
        assert lib.migoff_submit(t, q, None) == 0
    cookies = set()
    for _ in status:
        r, result = reap(lib, m)
        assert r == 1 and result.error == 0, (r, result.error)
        assert result.pages_asked == result.pages_moved + sum(result.pages_by_cause)
        assert result.pages_moved == BLOCK // PAGE and result.bytes_engine == BLOCK
        assert result.folios_engine[9] == 1 and result.n_extents == 1
        e = extents[result.cookie][0]
        assert (e.va, e.len) == (memory.address + result.cookie * BLOCK, BLOCK)
        assert (e.status, e.order, e.flags) == (node, 9, 1), (e.status, e.order, e.flags)
        cookies.add(result.cookie)
    assert cookies == set(range(len(status)))
    assert all(value == node for s in status for value in s)
    memory.check()


def test_cancel(lib, m, t):
    """A cancelled request ends, and is not known afterwards."""
    number, done = u64(), u64()
    assert lib.migoff_submit(t, request(0), number) == 0
    assert lib.migoff_cancel(m, number) == 0
    r, result = reap(lib, m)
    assert r == 1 and result.error in (0, -errno.ECANCELED, -errno.ENXIO), (r, result.error)
    assert lib.migoff_progress(m, number, done) == -errno.ENOENT


@contextlib.contextmanager
def running_daemon(migoffd, folder):
    conf, socket = f'{folder}/conf', f'{folder}/socket'
    with open(conf, 'w', encoding='ascii') as file:
        file.write('[policy]\nmin-request=4K\n')
    with contextlib.suppress(FileNotFoundError):
        os.unlink(socket)
    daemon = subprocess.Popen([migoffd, '--config', conf, '--socket', socket])
    try:
        end = time.monotonic() + 30
        while not os.path.exists(socket):
            assert daemon.poll() is None and time.monotonic() < end, 'the daemon does not start'
            time.sleep(0.01)
        yield socket
    finally:
        daemon.kill()
        daemon.wait()


def test_restarted(lib, m, t, socket):
    """The same handles go on with a daemon that was killed and started again."""
    assert reap(lib, m)[0] == -errno.EHOSTDOWN
    assert lib.migoff_submit(t, request(0), None) == -errno.EHOSTDOWN
    assert lib.migoff_reconnect(m) in (-errno.ENOENT, -errno.ECONNREFUSED)
    with running_daemon(sys.argv[2], os.path.dirname(socket)):
        assert lib.migoff_reconnect(m) == 0
        test_cancel(lib, m, t)


def run(lib, socket, node):
    m = ctypes.c_void_p()
    memory = Memory()
    r = lib.migoff_open(m, socket)
    assert r == 0, os.strerror(-r)
    t = test_target(lib, m)
    test_refused(lib, m, t)
    if node is None:
        test_degraded(lib, m, t, memory)
    else:
        test_move(lib, m, t, memory, node)
        test_move(lib, m, t, memory, 0)
    test_cancel(lib, m, t)
    memory.check()
    return m, t


def main():
    lib = load(sys.argv[1])
    test_errors(lib)
    if sys.argv[2] == '--to-node':
        m, t = run(lib, None, int(sys.argv[3]))
        lib.migoff_target_close(t)
        lib.migoff_close(m)
        return
    with tempfile.TemporaryDirectory() as folder:
        with running_daemon(sys.argv[2], folder) as socket:
            m, t = run(lib, socket.encode(), None)
        test_restarted(lib, m, t, socket)
        lib.migoff_target_close(t)
        lib.migoff_close(m)


main()
