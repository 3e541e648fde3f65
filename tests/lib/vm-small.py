#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A process that moves memory of its own by migoff_move_pages(), all the time over the same connection.

usage: vm-small.py LIBRARY

For each line "SIZE N NODE" of its input it moves N folios of SIZE (4K or 2M), and answers with how many of
them are not on the node then.
"""
import ctypes
import mmap
import sys

BLOCK = 2 << 20
SIZES = {'4K': 4096, '2M': BLOCK}
LEN = 16 * BLOCK
MOVE = 2

migoff_move_pages = ctypes.CDLL(sys.argv[1], use_errno=True).migoff_move_pages
migoff_move_pages.restype = ctypes.c_long
areas = []


def make(advice):
    """Address of memory that has been written, and stays."""
    area = mmap.mmap(-1, LEN + BLOCK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area.madvise(advice)
    areas.append(area)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    address += -address % BLOCK
    for at in range(0, LEN, 4096):
        ctypes.c_char.from_address(address + at).value = 1
    return address


def move(address, size, n, node):
    pages = (ctypes.c_void_p * n)(*(address + i * size for i in range(n)))
    status = (ctypes.c_int * n)()
    assert migoff_move_pages(0, ctypes.c_ulong(n), pages, (ctypes.c_int * n)(*[node] * n), status, MOVE) >= 0
    assert migoff_move_pages(0, ctypes.c_ulong(n), pages, None, status, 0) == 0
    return n - list(status).count(node)


memory = {'4K': make(mmap.MADV_NOHUGEPAGE), '2M': make(mmap.MADV_HUGEPAGE)}
for line in sys.stdin:
    folio, count, to_node = line.split()
    print(move(memory[folio], SIZES[folio], int(count), int(to_node)), flush=True)
