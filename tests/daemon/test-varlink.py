# SPDX-License-Identifier: GPL-2.0-or-later
"""The varlink interface, as varlinkctl and as a client see it."""

import fcntl
import json
import mmap
import os
import select
import struct
import subprocess
import unittest

import migoffd
from migoffd import Daemon, Error

METHODS = ("Attach", "OpenTarget", "CloseTarget", "GetStatus", "GetEngines", "GetConfiguration")
# Of common/ring.h.
RING_MAGIC = 0x66666f67696d0001


def varlinkctl(*arguments):
    p = subprocess.run(["varlinkctl", *arguments], capture_output=True, text=True, check=False,
                       timeout=migoffd.TIMEOUT)
    return p.returncode, p.stdout, p.stderr


class WithDaemon(unittest.TestCase):
    """One daemon for all tests, a connection for each."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(Daemon("[policy]\nmax-batches=2\n"))
        # Started, and nobody has connected yet.
        cls.daemon.wait_log("degraded: ")
        cls.n_fds = cls.daemon.lasting_fds()

    def setUp(self):
        self.client = self.enterContext(self.daemon.connect())

    def refused(self, name, method, parameters=None, fds=(), client=None):
        with self.assertRaises(Error) as caught:
            (client or self.client).call(method, parameters, fds)
        self.assertEqual(caught.exception.name, name)
        return caught.exception.parameters


class Interface(WithDaemon):
    """The methods, but for targets."""

    def test_introspect(self):
        """varlinkctl understands the description; every method and error is there, and explained."""
        status, out, err = varlinkctl("introspect", self.daemon.socket, "io.migoff")
        self.assertEqual((status, err), (0, ""))
        lines = out.splitlines()
        for name in METHODS:
            at = next(i for i, line in enumerate(lines) if line.startswith(f"method {name}("))
            self.assertTrue(lines[at - 1].startswith("#"), name)
        for name in ("NotAllowed", "Limit", "BadDescriptor", "NoSuchProcess", "NoSuchTarget"):
            self.assertIn(f"\nerror {name}", out)
        status, out, _ = varlinkctl("info", self.daemon.socket)
        self.assertEqual(status, 0)
        self.assertIn("migoffd", out)
        self.assertIn("org.varlink.service", out)

    def test_varlinkctl_call(self):
        """varlinkctl can call the methods, and sees errors by name."""
        for method in ("GetStatus", "GetEngines", "GetConfiguration"):
            status, out, err = varlinkctl("call", "--json=short", self.daemon.socket,
                                          f"io.migoff.{method}", "{}")
            self.assertEqual(status, 0, err)
            self.assertTrue(json.loads(out))
        status, _, err = varlinkctl("call", self.daemon.socket, "io.migoff.CloseTarget",
                                    '{"target": 1}')
        self.assertNotEqual(status, 0)
        self.assertIn("io.migoff.NotAttached", err)

    def test_replies_match_description(self):
        """A reply has all fields that are promised, and no others."""
        expected = {
            "GetStatus": {"version", "mode", "reason", "remedy", "hook", "uptimeUSec", "nClients",
                          "nRequests", "nBatches", "nClientsCut", "cpu", "total", "clients",
                          "users"},
            "GetEngines": {"engines"},
            "GetConfiguration": {"files", "settings"},
            "Attach": {"version", "ring", "submit", "done", "length", "dataLength", "slots",
                       "targets", "deadlineNSec", "mayMoveAll"},
        }
        self.daemon.wait_status(lambda s: s.get("reason"))
        for method, fields in expected.items():
            self.assertEqual(set(self.client.call(f"io.migoff.{method}")), fields, method)

    def test_configuration(self):
        """The effective configuration names each value's origin."""
        reply = self.client.call("io.migoff.GetConfiguration")
        settings = {(s["section"], s["key"]): s for s in reply["settings"]}
        self.assertEqual(reply["files"], [self.daemon.config_path])
        self.assertEqual(settings["policy", "max-batches"]["value"], "2")
        self.assertEqual(settings["policy", "max-batches"]["source"],
                         f"{self.daemon.config_path}:2")
        self.assertEqual(settings["policy", "deadline"]["value"], "1s")
        self.assertIsNone(settings["policy", "deadline"].get("source"))

    def test_wrong_calls(self):
        """Methods and parameters that do not exist, or are of another type, have their own errors."""
        service = "org.varlink.service."
        self.refused(service + "MethodNotFound", "io.migoff.Frob")
        self.refused(service + "InvalidParameter", "io.migoff.GetStatus", {"verbose": True})
        self.refused(service + "InvalidParameter", "io.migoff.Attach", {"version": 1})
        self.client.call("io.migoff.Attach")
        self.refused(service + "InvalidParameter", "io.migoff.OpenTarget")
        self.refused(service + "InvalidParameter", "io.migoff.OpenTarget", {"pidfd": 0})
        self.refused(service + "InvalidParameter", "io.migoff.OpenTarget",
                     {"pidfd": "0", "pagemap": 1})
        self.refused(service + "InvalidParameter", "io.migoff.CloseTarget", {"target": -1})
        self.refused(service + "InvalidParameter", "io.migoff.CloseTarget", {"target": 1 << 40})
        self.assertEqual(self.client.call("io.migoff.GetStatus")["version"], "0.1.0")

    def test_attach(self):
        """Attach passes the ring, sealed and filled in, and two eventfds; once for a connection."""
        reply = self.client.call("io.migoff.Attach")
        self.assertEqual(len(self.client.fds), 3)
        self.assertEqual({reply["ring"], reply["submit"], reply["done"]}, {0, 1, 2})
        ring = self.client.fds[reply["ring"]]
        self.assertEqual(os.fstat(ring).st_size, reply["length"])
        wanted = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        self.assertEqual(fcntl.fcntl(ring, fcntl.F_GET_SEALS) & wanted, wanted)
        for size in (0, 4096, reply["length"] * 2):
            with self.assertRaises(PermissionError):
                os.ftruncate(ring, size)
        for name in ("submit", "done"):
            self.assertEqual(os.readlink(f"/proc/self/fd/{self.client.fds[reply[name]]}"),
                             "anon_inode:[eventfd]")
        with mmap.mmap(ring, reply["length"]) as m:
            magic, version, n_slots, data_off, data_len, _, deadline, ready = struct.unpack_from(
                "<QIIQQQQI", m)
        self.assertEqual((magic, version, n_slots), (RING_MAGIC, reply["version"], reply["slots"]))
        self.assertEqual(data_len, reply["dataLength"])
        self.assertEqual(data_off + data_len, reply["length"])
        self.assertEqual(deadline, reply["deadlineNSec"])
        self.assertEqual(deadline, 1000000000)
        self.assertEqual(ready, 0)
        self.refused("io.migoff.AlreadyAttached", "io.migoff.Attach")

    def test_detach(self):
        """When the connection ends everything of the client is gone, whatever it had open."""
        # Only this connection, which is not attached.
        self.daemon.wait_fds(self.n_fds + 1)
        for _ in range(20):
            with self.daemon.connect() as c:
                c.call("io.migoff.Attach")
                c.open_target(os.getpid())
        self.daemon.wait_status(lambda s: s["nClients"] == 0 and not s["clients"])
        self.daemon.wait_fds(self.n_fds + 1)

    def test_accounts(self):
        """The status shows who is attached."""
        self.client.call("io.migoff.Attach")
        self.client.open_target(os.getpid())
        ours = [c for c in self.daemon.status()["clients"] if c["pid"] == os.getpid()]
        self.assertEqual(len(ours), 1)
        self.assertEqual(ours[0]["uid"], os.getuid())
        self.assertEqual(ours[0]["targets"], 1)
        self.assertEqual(ours[0]["account"]["requests"], 0)
        self.assertIn(os.getuid(), [u["uid"] for u in self.daemon.status()["users"]])


class Targets(WithDaemon):
    """What OpenTarget takes for a proof."""

    def setUp(self):
        super().setUp()
        self.refused("io.migoff.NotAttached", "io.migoff.OpenTarget", {"pidfd": 0, "pagemap": 1})
        self.client.call("io.migoff.Attach")
        self.child = self.start_child()

    def start_child(self):
        child = subprocess.Popen(["sleep", "60"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        # After its exec: that voids what was opened before.
        while os.readlink(f"/proc/{child.pid}/exe") == os.readlink("/proc/self/exe"):
            pass
        return child

    def open(self, path, flags=os.O_RDONLY):
        fd = os.open(path, flags)
        self.addCleanup(os.close, fd)
        return fd

    def pidfd(self, pid):
        fd = os.pidfd_open(pid)
        self.addCleanup(os.close, fd)
        return fd

    def pagemap(self, pid, flags=os.O_RDONLY):
        return self.open(f"/proc/{pid}/pagemap", flags)

    def bad(self, parameter, pidfd, pagemap, parameters=None):
        p = self.refused("io.migoff.BadDescriptor", "io.migoff.OpenTarget",
                         parameters or {"pidfd": 0, "pagemap": 1}, [pidfd, pagemap])
        self.assertEqual(p["parameter"], parameter)
        self.assertTrue(p["message"])

    def test_open_and_close(self):
        """Targets have numbers of their own, are closed once, and cannot be used afterwards."""
        first, second = self.client.open_target(self.child.pid), self.client.open_target(os.getpid())
        self.assertNotEqual(first, second)
        self.assertEqual(self.client.call("io.migoff.CloseTarget", {"target": first}), {})
        self.assertEqual(self.refused("io.migoff.NoSuchTarget", "io.migoff.CloseTarget",
                                      {"target": first}), {"target": first})
        self.refused("io.migoff.NoSuchTarget", "io.migoff.CloseTarget", {"target": 4711})
        self.client.call("io.migoff.CloseTarget", {"target": second})

    def test_limit(self):
        """There are only so many; closing makes room."""
        limit = 64
        targets = [self.client.open_target(self.child.pid) for _ in range(limit)]
        with self.assertRaises(Error) as caught:
            self.client.open_target(self.child.pid)
        self.assertEqual((caught.exception.name, caught.exception.parameters),
                         ("io.migoff.Limit", {"limit": "targets", "value": limit}))
        self.client.call("io.migoff.CloseTarget", {"target": targets[0]})
        me = os.getpid()
        self.daemon.wait_status(
            lambda s: [c["targets"] for c in s["clients"] if c["pid"] == me] == [limit - 1])
        self.client.open_target(self.child.pid)

    def test_wrong_descriptors(self):
        """A descriptor that is missing, or no pidfd, is told; the other is for the hook to look at."""
        pid = self.child.pid
        pidfd, pagemap = self.pidfd(pid), self.pagemap(pid)
        self.bad("pidfd", pagemap, pagemap)
        self.bad("pidfd", self.open("/dev/null"), pagemap)
        self.bad("pidfd", self.open("/proc"), pagemap)
        self.bad("pidfd", pidfd, pagemap, {"pidfd": 2, "pagemap": 1})
        self.bad("pidfd", pidfd, pagemap, {"pidfd": -1, "pagemap": 1})
        self.bad("pagemap", pidfd, pagemap, {"pidfd": 0, "pagemap": 1 << 30})
        self.assertGreater(self.client.open_target(pid), 0)

    def test_gone(self):
        """A process that has ended cannot be a target."""
        pid = self.child.pid
        pidfd, pagemap = self.pidfd(pid), self.pagemap(pid)
        self.child.kill()
        self.refused_process(pidfd, pagemap)
        self.child.wait()
        self.refused_process(pidfd, pagemap)

    def refused_process(self, pidfd, pagemap):
        # The kill is delivered when the pidfd says so.
        select.select([pidfd], [], [], migoffd.TIMEOUT)
        self.refused("io.migoff.NoSuchProcess", "io.migoff.OpenTarget", {"pidfd": 0, "pagemap": 1},
                     [pidfd, pagemap])

    def test_never(self):
        """The daemon itself is never moved."""
        with self.assertRaises(Error) as caught:
            self.client.open_target(self.daemon.process.pid)
        self.assertEqual(caught.exception.name, "io.migoff.NotAllowed")


if __name__ == "__main__":
    migoffd.main()
