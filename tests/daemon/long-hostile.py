# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages, descriptors and shared memory at random, for a minute: the daemon goes on, answers others, and
keeps nothing.

MIGOFF_SEED is the seed, as a run has printed it. MIGOFF_FUZZ_CONFIG is the configuration; with it the daemon has
to be in working order, so that requests are carried out."""

import ctypes
import json
import mmap
import os
import random
import struct
import time

import migoffd
from migoffd import Closed, Daemon, Error

SECONDS = 60
ODD = [0, 1, 2, 7, 8, 63, 64, 65, 4095, 4096, 4097, 65536, 1 << 20, (1 << 23) - 8, 1 << 23, (1 << 31) - 1, 1 << 31,
       (1 << 32) - 1, 1 << 32, 1 << 56, (1 << 63) - 1, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1]
# What takes descriptors, and keeps them, more often than the rest.
METHODS = ["Attach", "OpenTarget", "OpenTarget", "OpenTarget", "CloseTarget", "GetStatus", "GetEngines",
           "GetConfiguration", "None", ""]
SUBMIT_TAIL = 64
SUBMIT_ENTRIES = 192
SLOTS = 832


class Fuzz:
    def __init__(self, daemon, seed):
        self.daemon = daemon
        self.rng = random.Random(seed)
        # Something that can be moved.
        self.memory = mmap.mmap(-1, 128 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.memory.write(b"x" * len(self.memory))
        self.own = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.calls = self.kicks = self.closed = 0

    def value(self, depth=0):
        """Any JSON value."""
        kind = self.rng.randrange(8 if depth < 3 else 5)
        if kind < 2:
            return self.rng.choice(ODD) * self.rng.choice((1, -1))
        if kind == 2:
            return self.rng.choice(("", "0", "io.migoff", "\0", "x" * self.rng.randrange(5000), None))
        if kind == 3:
            return self.rng.random() * 10 ** self.rng.randrange(-300, 300)
        if kind == 4:
            return self.rng.choice((True, False, None))
        if kind == 5:
            return [self.value(depth + 1) for _ in range(self.rng.randrange(5))]
        return {self.rng.choice(("pidfd", "pagemap", "target", "x")): self.value(depth + 1)
                for _ in range(self.rng.randrange(4))}

    def message(self):
        """A call, right or nearly so."""
        message = {"method": "io.migoff." + self.rng.choice(METHODS),
                   "parameters": {"pidfd": self.rng.randrange(3), "pagemap": self.rng.randrange(3)}}
        if self.rng.randrange(2):
            message["parameters"] = self.value()
        if self.rng.randrange(8) == 0:
            message[self.rng.choice(("oneway", "more", "upgrade", "method", "parameters", "y"))] = self.value()
        data = bytearray(json.dumps(message).encode())
        for _ in range(self.rng.choice((0, 0, 0, 1, 2, 5))):
            at = self.rng.randrange(len(data))
            data[at:at + self.rng.randrange(3)] = self.rng.randbytes(self.rng.randrange(3))
        return bytes(data).replace(b"\0", b" ") + b"\0"

    def descriptor(self):
        kind = self.rng.randrange(6)
        if kind == 0:
            return os.pidfd_open(os.getpid())
        if kind == 1:
            return os.open(f"/proc/{os.getpid()}/pagemap", os.O_RDONLY)
        if kind == 2:
            return os.memfd_create("any")
        if kind == 3:
            return os.open("/", os.O_PATH)
        if kind == 4:
            return os.eventfd(0)
        return os.open(self.rng.choice(("/dev/null", "/proc/self/maps", "/proc/self/mem")), os.O_RDONLY)

    def talk(self):
        """A connection with some messages; what it is answered does not matter, only that it is."""
        with self.daemon.connect() as c:
            try:
                # No target is opened before that.
                if self.rng.randrange(4):
                    c.call("io.migoff.Attach")
            except (Closed, Error):
                return
            for _ in range(self.rng.randrange(1, 12)):
                fds = [self.descriptor() for _ in range(self.rng.choice((0, 0, 1, 2, 2, 3)))]
                try:
                    c.send_raw(self.message(), fds)
                    self.calls += 1
                    if self.rng.randrange(3):
                        c.sock.settimeout(0.02)
                        c.receive()
                except Error:
                    pass
                except (Closed, TimeoutError, ConnectionError, ValueError):
                    self.closed += 1
                    return
                finally:
                    for fd in fds:
                        os.close(fd)

    def write_slot(self, ring, at, length, target):
        """A request as it should be, and some words of it that are not."""
        words = [0] * (length // 8)
        words[0] = target << 32 | self.rng.choice((0, 0, 1, 2))
        words[1] = self.rng.randrange(2)
        words[18] = 0                       # ranges
        words[19] = self.rng.randrange(1, 4)
        for _ in range(self.rng.randrange(4)):
            words[self.rng.randrange(len(words))] = self.rng.choice(ODD)
        struct.pack_into(f"={len(words)}Q", ring, at, *words)

    def shake(self):
        """An attached client that writes what it likes."""
        with self.daemon.connect() as c:
            try:
                reply = c.call("io.migoff.Attach")
                target = c.open_target(os.getpid())
            except (Closed, Error):
                return
            fds, n_slots = c.fds, reply["slots"]
            with mmap.mmap(fds[reply["ring"]], reply["length"]) as ring:
                head = reply["length"] - reply["dataLength"]
                slot = (head - SLOTS) // n_slots & ~63
                for i in range(self.rng.randrange(1, 40)):
                    ranges = [(self.rng.choice((self.own, self.own, self.rng.choice(ODD) & ~4095)) +
                               self.rng.randrange(64) * 4096 & (1 << 64) - 1, 4096) for _ in range(4)]
                    struct.pack_into("=8Q", ring, head, *(n for r in sorted(ranges) for n in r))
                    self.write_slot(ring, SLOTS + i % n_slots * slot, min(slot, 192), target)
                    for _ in range(self.rng.choice((0, 0, 0, 4))):
                        struct.pack_into("=Q", ring, self.rng.randrange(head // 8) * 8, self.rng.choice(ODD))
                    struct.pack_into("=I", ring, SUBMIT_ENTRIES + i % n_slots * 4,
                                     self.rng.choice((i % n_slots, i % n_slots, self.rng.choice(ODD) & 0xffffffff)))
                    struct.pack_into("=I", ring, SUBMIT_TAIL, i + 1)
                    os.write(fds[reply["submit"]], struct.pack("=Q", 1))
                    self.kicks += 1


def main():
    seed = int(os.environ.get("MIGOFF_SEED") or random.randrange(1 << 32))
    seconds = int(os.environ.get("MIGOFF_FUZZ_SECONDS") or SECONDS)
    config = os.environ.get("MIGOFF_FUZZ_CONFIG", "")
    print(f"MIGOFF_SEED={seed}", flush=True)
    with Daemon(config) as daemon:
        mode = "engine" if config else "degraded"
        daemon.wait_status(lambda s: s["mode"] == mode)
        n_fds = daemon.lasting_fds()
        fuzz = Fuzz(daemon, seed)
        end = next_look = time.monotonic()
        end += seconds
        while time.monotonic() < end:
            fuzz.rng.choice((fuzz.talk, fuzz.shake))()
            if time.monotonic() >= next_look:
                next_look += 15
                daemon.wait_status(lambda s: s["mode"] == mode)
                print(f"progress: {fuzz.calls} messages, {fuzz.kicks} requests", flush=True)
        daemon.wait_status(lambda s: s["nClients"] == 0 and not s["clients"])
        daemon.wait_fds(n_fds)
        status = daemon.status()
        print(f"{fuzz.calls} messages, {fuzz.closed} connections ended early, {fuzz.kicks} requests, "
              f"{status['nClientsCut']} clients cut off, {status['total']['requests']} carried out")
        # Else it has not come far.
        assert fuzz.closed and fuzz.kicks and status["nClientsCut"], status
        assert not config or status["total"]["requests"] > 10, status


if __name__ == "__main__":
    main()
