# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that do what they should not: the daemon goes on, and others do not notice."""

import ctypes
import json
import mmap
import os
import random
import resource
import select
import socket
import struct
import subprocess
import sys
import unittest

import migoffd
from migoffd import Closed, Daemon, Error

# Where common/ring.h has the client's side of the submit queue, and the first slot.
SUBMIT_TAIL = 64
SUBMIT_ENTRIES = 192
SLOTS = 832
N_SLOTS = 64


class Attached:
    """A client with its ring in hand."""

    def __init__(self, daemon):
        self.client = daemon.connect()
        reply = self.client.call("io.migoff.Attach")
        fds = self.client.fds
        self.length = reply["length"]
        self.head_length = self.length - reply["dataLength"]
        self.ring = mmap.mmap(fds[reply["ring"]], self.length)
        self.submit, self.done = fds[reply["submit"]], fds[reply["done"]]

    def kick(self):
        os.write(self.submit, struct.pack("=Q", 1))

    def close(self):
        self.ring.close()
        self.client.close()


class Hostile(unittest.TestCase):
    """One daemon for all tests; after each it has to be as before."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(
            Daemon("[access]\nmax-clients=8\nmax-clients-per-user=8\n"))
        # Started, and nobody has connected yet.
        cls.daemon.wait_log("degraded: ")
        cls.n_fds = cls.daemon.lasting_fds()

    def tearDown(self):
        self.daemon.wait_status(lambda s: s["nClients"] == 0 and not s["clients"])
        self.daemon.wait_fds(self.n_fds)

    def closed(self, data, fds=()):
        """Whoever sends this is disconnected."""
        with self.daemon.connect() as c:
            with self.assertRaises(Closed):
                c.send_raw(data, fds)
                c.receive()

    def test_garbage(self):
        """What is not a varlink call ends the connection."""
        rng = random.Random(4711)
        for data in (b"\0", b"{}\0", b"[]\0", b"{\0", b"nonsense\0", b'{"method": 7}\0',
                     b'{"method": "a"} trailing\0', b'{"method":"io.migoff.GetStatus","x":1}\0',
                     b'{"method":"io.migoff.GetStatus","parameters":[]}\0', b"\xff\xfe\0",
                     b"[" * 100000 + b"\0"):
            self.closed(data)
        for _ in range(50):
            self.closed(rng.randbytes(rng.randrange(1, 5000)).replace(b"\0", b"x") + b"\0")

    def test_endless_message(self):
        """A message without an end is given up at 16 MiB, and others are served meanwhile."""
        with self.daemon.connect() as c:
            chunk = b" " * (1 << 20)
            with self.assertRaises(Closed):
                for _ in range(64):
                    c.send_raw(chunk)
                    self.daemon.status()

    def test_stops_reading(self):
        """Who asks and does not read is cut off at some point, and others are served meanwhile."""
        call = json.dumps({"method": "io.migoff.GetConfiguration"}).encode() + b"\0"
        with self.daemon.connect() as c:
            c.sock.settimeout(0.2)
            try:
                for _ in range(200000):
                    c.send_raw(call * 100)
            except (Closed, TimeoutError):
                pass
            self.assertEqual(self.daemon.status()["mode"], "degraded")

    def test_no_reply_wanted(self):
        """Calls that want no reply change nothing, and do not confuse the one after them."""
        with self.daemon.connect() as c:
            c.send("io.migoff.Attach", oneway=True)
            c.send("io.migoff.OpenTarget", {"pidfd": 0, "pagemap": 1}, oneway=True)
            self.assertEqual(c.call("io.migoff.GetStatus")["clients"], [])
            self.assertEqual(c.call("io.migoff.Attach")["version"], 2)

    def test_descriptor_flood(self):
        """Descriptors that nobody asked for are closed, whatever they came with."""
        with self.daemon.connect() as c:
            for _ in range(20):
                null = os.open("/dev/null", os.O_RDONLY)
                c.send("io.migoff.GetStatus", fds=[null] * 250)
                os.close(null)
                c.receive()
        null = os.open("/dev/null", os.O_RDONLY)
        self.closed(b"nonsense\0", [null] * 250)
        os.close(null)

    def test_too_many_clients(self):
        """So many and no more can attach; who is refused is told, and there is room again afterwards."""
        clients = [Attached(self.daemon) for _ in range(8)]
        with self.daemon.connect() as c:
            with self.assertRaises(Error) as caught:
                c.call("io.migoff.Attach")
            self.assertEqual((caught.exception.name, caught.exception.parameters),
                             ("io.migoff.Limit", {"limit": "clients", "value": 8}))
        clients.pop().close()
        self.daemon.wait_status(lambda s: len(s["clients"]) == 7)
        clients.append(Attached(self.daemon))
        for c in clients:
            c.close()

    def test_too_many_connections(self):
        """Connections have a limit too; when some end others are let in."""
        connections = []
        for _ in range(200):
            connections.append(self.daemon.connect())
        refused = 0
        for c in connections:
            try:
                c.call("io.migoff.GetEngines")
            except Closed:
                refused += 1
        self.assertGreater(refused, 50)
        self.assertLess(refused, 190)
        for c in connections:
            c.close()
        self.daemon.wait_log("refused a connection of user")

    def test_killed_client(self):
        """A client that is killed is cleaned up after."""
        script = ("import sys, migoffd\n"
                  "c = migoffd.Client(sys.argv[1])\n"
                  "c.call('io.migoff.Attach')\n"
                  "c.open_target(int(sys.argv[2]))\n"
                  "print('ready', flush=True)\n"
                  "sys.stdin.read()\n")
        for _ in range(5):
            p = subprocess.Popen([sys.executable, "-c", script, self.daemon.socket, str(os.getpid())],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 cwd=os.path.dirname(os.path.abspath(__file__)))
            self.assertEqual(p.stdout.readline(), b"ready\n")
            p.kill()
            p.communicate()

    def test_dies_at_once(self):
        """A client that is gone before it is answered leaves nothing either."""
        for i in range(200):
            c = self.daemon.connect()
            c.send("io.migoff.Attach")
            if i % 2:
                c.sock.shutdown(socket.SHUT_WR)
            c.close()

    def test_garbage_in_ring(self):
        """Whatever is in the ring, the daemon goes on, and so does another client."""
        rng = random.Random(815)
        other = Attached(self.daemon)
        for _ in range(30):
            a = Attached(self.daemon)
            # The data is only looked at where the slots point.
            for at in range(0, a.head_length, 4096):
                a.ring[at:at + 4096] = rng.randbytes(4096)
            for _ in range(3):
                a.kick()
            a.close()
            self.assertEqual(other.client.call("io.migoff.GetStatus")["mode"], "degraded")
        other.close()

    def test_garbage_requests(self):
        """Requests that make no sense end with an error or cut the client off, one by one."""
        rng = random.Random(42)
        for _ in range(10):
            a = Attached(self.daemon)
            slot_len = (a.head_length - SLOTS) // N_SLOTS & ~63
            for i in range(N_SLOTS):
                at = SLOTS + rng.randrange(N_SLOTS) * slot_len
                a.ring[at:at + 256] = bytes(rng.choice((0, 1, 255)) for _ in range(256))
                struct.pack_into("=I", a.ring, SUBMIT_ENTRIES + i * 4,
                                 rng.choice((i, i, i, rng.randrange(1 << 32))))
                struct.pack_into("=I", a.ring, SUBMIT_TAIL, i + 1)
                a.kick()
            a.close()

    def test_full_eventfd(self):
        """A client that does not want to hear that a request is done cannot make the daemon wait."""
        a, other = Attached(self.daemon), Attached(self.daemon)
        os.set_blocking(a.done, True)
        os.write(a.done, struct.pack("=Q", (1 << 64) - 2))
        for i in range(10):
            struct.pack_into("=I", a.ring, SUBMIT_ENTRIES + i * 4, i)
            struct.pack_into("=I", a.ring, SUBMIT_TAIL, i + 1)
            a.kick()
        struct.pack_into("=I", other.ring, SUBMIT_TAIL, 1)
        other.kick()
        self.assertEqual(select.select([other.done], [], [], migoffd.TIMEOUT)[0], [other.done])
        a.close()
        other.close()

    def test_punched_ring(self):
        """A client that frees the ring's memory harms nobody but itself."""
        a = Attached(self.daemon)
        libc = ctypes.CDLL(None)
        # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
        self.assertEqual(libc.fallocate64(a.client.fds[0], 3, ctypes.c_int64(0),
                                          ctypes.c_int64(a.length)), 0)
        a.kick()
        self.assertEqual(self.daemon.status()["mode"], "degraded")
        a.close()


class OutOfDescriptors(unittest.TestCase):
    """A daemon that may have few descriptors."""

    def test_recovers(self):
        """When they run out new clients wait, and are served when there are some again."""
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

        with Daemon(preexec=limit) as d:
            connections = [d.connect() for _ in range(60)]
            d.wait_log("cannot accept a connection")
            for c in connections[:50]:
                c.close()
            self.assertEqual(connections[-1].call("io.migoff.GetStatus")["mode"], "degraded")
            for c in connections[50:]:
                c.close()


if __name__ == "__main__":
    migoffd.main()
