# SPDX-License-Identifier: GPL-2.0-or-later
"""An allocation of the control plane fails, the first, then the second, and so on: a call may fail, a reload
takes all or nothing, nothing is kept, and the daemon goes on as before."""

import collections
import mmap
import os
import signal
import struct
import unittest

import migoffd
from migoffd import Closed, Daemon, Error

PRELOAD = os.environ["NOMEM_PRELOAD"]
# Far more than anything makes that is tried.
MOST = 20000


class NoMemory(unittest.TestCase):
    """Each test has a daemon of its own."""

    def setUp(self):
        fd = os.memfd_create("nomem")
        self.addCleanup(os.close, fd)
        os.ftruncate(fd, 4096)
        self.nomem = mmap.mmap(fd, 4096)
        self.daemon = self.enterContext(Daemon(
            "[policy]\nmin-request=1M\n", {"LD_PRELOAD": PRELOAD, "NOMEM_FD": str(fd)}, pass_fds=[fd]))
        self.daemon.wait_log("degraded: ")
        self.n_fds = self.daemon.lasting_fds()

    def arm(self, nth):
        self.nomem[0:16] = struct.pack("<qq", nth, 0)

    def disarm(self):
        """Whether one has failed."""
        _, failed = struct.unpack("<qq", self.nomem[0:16])
        self.nomem[0:16] = bytes(16)
        return failed

    def each(self, body):
        """Return: how often an allocation has failed."""
        for nth in range(1, MOST):
            self.arm(nth)
            body()
            if not self.disarm():
                return nth - 1
            self.assertIsNone(self.daemon.process.poll(), self.daemon.log())
        raise AssertionError("it never ends")

    def calls(self, *methods):
        """All of these over one connection, with failures at each step; nothing is kept of it."""
        outcomes = collections.Counter()

        def call_all(timeout):
            with self.daemon.connect() as client:
                client.sock.settimeout(timeout)
                for method in methods:
                    if method == "OpenTarget":
                        client.open_target(os.getpid())
                    else:
                        client.call(f"io.migoff.{method}")

        def body():
            try:
                call_all(0.3)
                outcomes["reply"] += 1
            except Error as e:
                outcomes[e.name] += 1
            except Closed:
                outcomes["closed"] += 1
            except TimeoutError:
                # sd-varlink, out of memory while it reads, waits for the client to hang up.
                outcomes["silent"] += 1

        n = self.each(body)
        print(methods, n, "allocations:", dict(outcomes))
        self.assertGreater(n, 10)
        call_all(migoffd.TIMEOUT)
        self.assertEqual(self.daemon.wait_status(lambda s: s["nClients"] == 0)["nClients"], 0)
        self.daemon.wait_fds(self.n_fds)

    def test_status(self):
        """What is shown."""
        self.calls("GetStatus", "GetEngines", "GetConfiguration")

    def test_attach(self):
        """What a client needs before its first request."""
        self.calls("Attach", "OpenTarget")

    def test_leave(self):
        """A client is forgotten when it goes, whether or not there is memory then."""
        for nth in range(1, 6):
            with self.daemon.connect() as client:
                client.call("io.migoff.Attach")
                self.arm(nth)
            self.daemon.wait_fds(self.n_fds)
            self.disarm()

    def test_reload(self):
        """A configuration counts whole, or the one before does."""
        sizes = {"1M": "1048576", "2M": "2097152"}
        before = "1M"
        for nth in range(1, MOST):
            wanted = "2M" if before == "1M" else "1M"
            self.daemon.write_config(f"[policy]\nmin-request={wanted}\n")
            self.daemon.manager.forget()
            self.arm(nth)
            self.daemon.process.send_signal(signal.SIGHUP)
            self.daemon.manager.wait("READY=1")
            failed = self.disarm()
            with self.daemon.connect() as client:
                settings = client.call("io.migoff.GetConfiguration")["settings"]
            now = next(s["value"] for s in settings if s["key"] == "min-request")
            self.assertIn(now, {*sizes, *sizes.values()})
            if not failed:
                self.assertIn(now, (wanted, sizes[wanted]))
                break
            before = next(k for k, v in sizes.items() if now in (k, v))
        print("reload:", nth - 1, "allocations")
        self.assertGreater(nth, 5)
        self.daemon.wait_fds(self.n_fds)


if __name__ == "__main__":
    migoffd.main()
