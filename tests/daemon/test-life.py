# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon's life: start without hook and device, notifications, reload, and the end."""

import fcntl
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import migoffd
from migoffd import Daemon


class Life(unittest.TestCase):
    def test_degraded(self):
        """Without a hook or a device it starts all the same, and says everywhere what is missing."""
        with Daemon("[engine]\ndevices=0000:7f:1f.7\n") as d:
            status = d.manager.wait("STATUS=")["STATUS"]
            self.assertTrue(status.startswith("degraded: "), status)
            self.assertTrue(status.endswith("engines: 0 of 1"), status)
            d.wait_log("<4>degraded: ")
            d.wait_log("<4>engine 0000:7f:1f.7: not in use: ")
            s = d.wait_status(lambda s: s["reason"])
            self.assertEqual(s["mode"], "degraded")
            self.assertTrue(s["remedy"])
            self.assertFalse(s["hook"]["ready"])
            self.assertIn(s["reason"], status)
            with d.connect() as c:
                engine, = c.call("io.migoff.GetEngines")["engines"]
            self.assertEqual((engine["device"], engine["state"]), ("0000:7f:1f.7", "absent"))
            self.assertTrue(engine["reason"])

    def test_watchdog(self):
        """The watchdog is fed again and again, and not while the daemon is stopped."""
        with Daemon(environment={"WATCHDOG_USEC": "2000000"}) as d:
            d.manager.wait("WATCHDOG=1")
            d.manager.wait("WATCHDOG=1")
            os.kill(d.process.pid, signal.SIGSTOP)
            d.manager.forget()
            with self.assertRaises(queue.Empty):
                d.manager.wait("WATCHDOG=1", timeout=2.5)
            os.kill(d.process.pid, signal.SIGCONT)
            d.manager.wait("WATCHDOG=1")

    def test_idle(self):
        """With nothing to do its threads get the processor less than once a second, watchdog included."""
        with Daemon(environment={"WATCHDOG_USEC": "10000000"}) as d:
            d.manager.wait("STATUS=")
            tasks = f"/proc/{d.process.pid}/task"

            def switches():
                n = 0
                for task in os.listdir(tasks):
                    with open(f"{tasks}/{task}/status", encoding="ascii") as f:
                        n += sum(int(line.split()[1]) for line in f if line.startswith("voluntary"))
                return n

            time.sleep(1)
            before = switches()
            time.sleep(6)
            self.assertLessEqual(switches() - before, 6)

    def settings(self, d):
        with d.connect() as c:
            return {s["key"]: s["value"] for s in c.call("io.migoff.GetConfiguration")["settings"]}

    def test_reload(self):
        """A reload takes everything or nothing, and tells the service manager when it is done."""
        with Daemon("[policy]\ndeadline=2s\n") as d:
            self.assertEqual(self.settings(d)["deadline"], "2s")
            d.write_config("[policy]\ndeadline=3s\n[engine]\nmax-errors=5\n")
            d.process.send_signal(signal.SIGHUP)
            started = d.manager.wait("RELOADING=1")
            self.assertGreater(int(started["MONOTONIC_USEC"]), 0)
            d.manager.wait("READY=1")
            self.assertEqual(self.settings(d)["deadline"], "3s")
            self.assertEqual(self.settings(d)["max-errors"], "5")

            d.write_config("[policy]\ndeadline=4s\nverify=maybe\n")
            d.process.send_signal(signal.SIGHUP)
            d.manager.wait("RELOADING=1")
            d.manager.wait("READY=1")
            d.wait_log(f"<3>{d.config_path}:3: [policy] verify=maybe: expected one of auto, off, "
                       "sampled, full\n")
            self.assertEqual(self.settings(d)["deadline"], "3s")

            os.unlink(d.config_path)
            d.process.send_signal(signal.SIGHUP)
            d.wait_log(f"<3>{d.config_path}: cannot be read: No such file or directory\n")
            self.assertEqual(self.settings(d)["max-errors"], "5")

    def test_reload_storm(self):
        """Reloads that come faster than they are done end with the last configuration."""
        with Daemon() as d:
            for i in range(50):
                d.write_config(f"[policy]\ndeadline={i + 100}ms\n")
                d.process.send_signal(signal.SIGHUP)
            d.write_config("[policy]\ndeadline=7s\n")
            d.process.send_signal(signal.SIGHUP)
            while self.settings(d)["deadline"] != "7s":
                d.manager.wait("READY=1")

    def test_leaves_nothing(self):
        """After SIGTERM and SIGINT neither the socket nor its directory is left, with clients or not."""
        for sig in (signal.SIGTERM, signal.SIGINT):
            with Daemon() as d:
                c = d.connect()
                c.call("io.migoff.Attach")
                target = c.open_target(os.getpid())
                self.assertGreater(target, 0)
                self.assertTrue(os.path.exists(d.socket))
                self.assertEqual(d.stop(sig), 0)
                self.assertFalse(os.path.exists(os.path.dirname(d.socket)))
                d.manager.wait("STOPPING=1")
                with self.assertRaises(migoffd.Closed):
                    c.receive()
                c.close()

    def test_two_daemons(self):
        """A second daemon on the same socket refuses, and the first goes on; a stale socket is no obstacle."""
        with Daemon() as d:
            second = subprocess.run([migoffd.MIGOFFD, f"--config={d.config_path}",
                                     f"--socket={d.socket}"], capture_output=True, text=True,
                                    check=False, timeout=migoffd.TIMEOUT)
            self.assertEqual(second.returncode, 1)
            self.assertIn(f"cannot listen on {d.socket}: Address already in use", second.stderr)
            self.assertEqual(d.status()["mode"], "degraded")
            d.stop(signal.SIGKILL)
            self.assertTrue(os.path.exists(d.socket))
            third = subprocess.Popen([migoffd.MIGOFFD, f"--config={d.config_path}",
                                      f"--socket={d.socket}"], stderr=subprocess.DEVNULL,
                                     env=dict(os.environ, NOTIFY_SOCKET=f"{d.dir}/notify"))
            d.manager.wait("READY=1")
            self.assertEqual(d.status()["mode"], "degraded")
            third.terminate()
            self.assertEqual(third.wait(migoffd.TIMEOUT), 0)
            self.assertFalse(os.path.exists(d.socket))
            d.process.returncode = 0

    def test_no_socket_over_a_file(self):
        """A file that is in the way is not removed."""
        with tempfile.NamedTemporaryFile() as f:
            p = subprocess.run([migoffd.MIGOFFD, "--config=/dev/null", f"--socket={f.name}"],
                               capture_output=True, text=True, check=False, timeout=migoffd.TIMEOUT)
            self.assertEqual(p.returncode, 1)
            self.assertIn("File exists", p.stderr)
            self.assertTrue(os.path.exists(f.name))


class Activation(unittest.TestCase):
    """Descriptors passed as a service manager does it."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="migoffd-")
        self.manager = migoffd.Manager(f"{self.dir}/notify")
        self.addCleanup(shutil.rmtree, self.dir)
        self.addCleanup(self.manager.close)

    def start(self, names, sockets):
        def place_descriptors():
            copies = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 100) for s in sockets]
            for i, copy in enumerate(copies):
                os.dup2(copy, 3 + i)
                os.close(copy)

        env = dict(os.environ, NOTIFY_SOCKET=f"{self.dir}/notify", LISTEN_FDS=str(len(sockets)),
                   LISTEN_FDNAMES=":".join(names))
        return subprocess.Popen(["sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', migoffd.MIGOFFD,
                                 "--config=/dev/null", f"--socket={self.dir}/unused"], env=env,
                                preexec_fn=place_descriptors, close_fds=False,
                                stderr=subprocess.PIPE, text=True)

    def bind(self, name, kind=socket.SOCK_STREAM):
        s = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(s.close)
        s.bind(f"{self.dir}/{name}")
        if kind == socket.SOCK_STREAM:
            s.listen()
        return s

    def test_by_name(self):
        """Of the sockets that are passed the one with the right name is used, and it is not removed."""
        p = self.start(["other", "io.migoff"], [self.bind("other"), self.bind("ours")])
        self.manager.wait("READY=1")
        with migoffd.Client(f"{self.dir}/ours") as c:
            self.assertEqual(c.call("io.migoff.GetStatus")["mode"], "degraded")
        self.assertFalse(os.path.exists(f"{self.dir}/unused"))
        p.terminate()
        _, err = p.communicate(timeout=migoffd.TIMEOUT)
        self.assertEqual(p.returncode, 0, err)
        self.assertIn("no use for the passed descriptor other", err)
        self.assertTrue(os.path.exists(f"{self.dir}/ours"))

    def test_wrong_kind(self):
        """Something else than a listening socket is refused, clearly."""
        p = self.start(["io.migoff"], [self.bind("datagram", socket.SOCK_DGRAM)])
        _, err = p.communicate(timeout=migoffd.TIMEOUT)
        self.assertEqual(p.returncode, 1)
        self.assertIn("the socket that was passed cannot be used", err)


if __name__ == "__main__":
    migoffd.main()
