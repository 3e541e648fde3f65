#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A process to be moved: fills memory, then answers each line of its input.

usage: vm-subject.py MIB

It prints the address and size of its memory; then, for each line: "check" - "ok" or "changed"; "nodes" -
how many of its 2 MiB blocks begin on which node; "exec" - becomes another program.
"""
import ctypes
import mmap
import os
import sys

BLOCK = 2 << 20
LEN = int(sys.argv[1]) << 20

area = mmap.mmap(-1, LEN + BLOCK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
area.madvise(mmap.MADV_HUGEPAGE)
address = ctypes.addressof(ctypes.c_char.from_buffer(area))
skip = -address % BLOCK
view = memoryview(area)[skip:skip + LEN]
pattern = bytes(i * 7 % 251 for i in range(65536))


def check():
    return all(view[i:i + 65536] == pattern for i in range(0, LEN, 65536))


def nodes():
    libc = ctypes.CDLL(None, use_errno=True)
    count = LEN // BLOCK
    pages = (ctypes.c_void_p * count)(*(address + skip + i * BLOCK for i in range(count)))
    status = (ctypes.c_int * count)()
    sys_move_pages = 279
    assert libc.syscall(sys_move_pages, 0, ctypes.c_ulong(count), pages, None, status, 0) == 0
    return ' '.join(f'{node}:{list(status).count(node)}' for node in sorted(set(status)))


for start in range(0, LEN, 65536):
    view[start:start + 65536] = pattern
print(f'{address + skip:x} {LEN:x}', flush=True)
for line in sys.stdin:
    match line.strip():
        case 'check':
            print('ok' if check() else 'changed', flush=True)
        case 'nodes':
            print(nodes(), flush=True)
        case 'exec':
            os.execlp('sleep', 'sleep', '60')
