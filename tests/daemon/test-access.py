# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may do what: other users, members of the group, and what MPOL_MF_MOVE_ALL needs. Wants root, to
be others."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import migoffd
from migoffd import Client, Daemon

# Numbers that nobody has on an ordinary system.
MEMBER_UID, STRANGER_UID, GROUP = 61184, 61185, 61186
HERE = os.path.dirname(os.path.abspath(__file__))

# What a child of another user does: it calls what it is told to and prints what it gets.
CALL = """
import json, os, socket, sys
import migoffd
def pass_descriptor():
    socket.send_fds(c.sock, [b'{"method": "io.migoff.GetStatus"}\\0'], [0])
    return c.receive()
with migoffd.Client(sys.argv[1]) as c:
    for line in sys.stdin:
        method, target = json.loads(line)
        try:
            reply = ({"target": c.open_target(target)} if target else
                     pass_descriptor() if method == "pass" else c.call(method))
            print(json.dumps(["ok", reply]), flush=True)
        except migoffd.Error as e:
            print(json.dumps([e.name, e.parameters]), flush=True)
        except migoffd.Closed:
            print(json.dumps(["closed", {}]), flush=True)
        except PermissionError as e:
            print(json.dumps(["denied", str(e)]), flush=True)
"""

# Another: connects, passes the connection on, and execs.
BECOME = """
import os, socket, sys
out = socket.socket(fileno=int(sys.argv[2]))
os.set_inheritable(out.fileno(), False)
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
socket.send_fds(out, [b"x"], [s.fileno()])
os.execv(sys.argv[3], ["sleep", "60"])
"""

CAP_SYS_NICE = 23


class Other:
    """A client in a process of its own, of another user."""

    def __init__(self, daemon, uid, groups=(), wrapper=()):
        def become():
            os.setgroups(list(groups))
            os.setgid(uid)
            os.setuid(uid)

        command = [*wrapper, sys.executable, "-c", CALL, daemon.socket]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        preexec_fn=None if wrapper else become, text=True, cwd=HERE)

    def ask(self, method, target=None):
        self.process.stdin.write(json.dumps([method, target]) + "\n")
        self.process.stdin.flush()
        return tuple(json.loads(self.process.stdout.readline()))

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.process.stdin.close()
        self.process.wait(migoffd.TIMEOUT)
        self.process.stdout.close()


@unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(
            Daemon(f"[access]\ngroup={GROUP}\nmax-clients-per-user=2\n"))

    def member(self, **kwargs):
        return self.enterContext(Other(self.daemon, MEMBER_UID, [GROUP], **kwargs))

    def stranger(self, **kwargs):
        return self.enterContext(Other(self.daemon, STRANGER_UID, **kwargs))

    def test_stranger(self):
        """Who is not in the group gets no memory to share, and is told why; the status is for all."""
        s = self.stranger()
        for method in ("Attach", "OpenTarget", "CloseTarget"):
            name, parameters = s.ask(f"io.migoff.{method}")
            if method == "Attach":
                self.assertEqual(name, "io.migoff.NotAllowed")
                self.assertIn("group=", parameters["message"])
            else:
                self.assertNotEqual(name, "ok")
        for method in ("GetStatus", "GetEngines", "GetConfiguration"):
            self.assertEqual(s.ask(f"io.migoff.{method}")[0], "ok")

    def test_descriptors_of_strangers(self):
        """Descriptors of who may do nothing do not even arrive, accepted or not: to close them could take as long
        as who sent them likes. Members can pass some as soon as they have had an answer."""
        m = self.member()
        self.daemon.process.send_signal(signal.SIGSTOP)
        try:
            s = self.stranger()
            self.assertEqual(s.ask("pass")[0], "denied")
        finally:
            self.daemon.process.send_signal(signal.SIGCONT)
        self.assertEqual(s.ask("io.migoff.GetStatus")[0], "ok")
        self.assertEqual(s.ask("pass")[0], "denied")
        self.assertEqual(m.ask("io.migoff.GetStatus")[0], "ok")
        self.assertEqual(m.ask("pass")[0], "ok")

    def test_member(self):
        """Members may; each proves its right to a process by opening its pagemap, or does not."""
        m = self.member()
        name, reply = m.ask("io.migoff.Attach")
        self.assertEqual(name, "ok")
        self.assertFalse(reply["mayMoveAll"])
        self.assertEqual(m.ask(None, m.process.pid)[0], "ok")
        # A process of root: the kernel does not let it open that file.
        self.assertEqual(m.ask(None, os.getpid())[0], "denied")

    def test_primary_group(self):
        """The group counts as the primary one too."""
        wrapper = ["setpriv", f"--reuid={MEMBER_UID}", f"--regid={GROUP}", "--clear-groups"]
        self.assertEqual(self.member(wrapper=wrapper).ask("io.migoff.Attach")[0], "ok")

    def test_accounts(self):
        """Root and members see all clients, others none but their own."""
        m, s = self.member(), self.stranger()
        m.ask("io.migoff.Attach")
        for asking in (self.daemon.status(), m.ask("io.migoff.GetStatus")[1]):
            self.assertIn(MEMBER_UID, [c["uid"] for c in asking["clients"]])
            self.assertIn(MEMBER_UID, [u["uid"] for u in asking["users"]])
        status = s.ask("io.migoff.GetStatus")[1]
        self.assertEqual((status["clients"], status["users"]), ([], []))
        self.assertEqual(status["nClients"], self.daemon.status()["nClients"])

    def test_limit_of_user(self):
        """One user has so many clients and no more; others do not suffer, root is not limited."""
        members = [self.member() for _ in range(3)]
        self.daemon.wait_status(
            lambda s: all(c["uid"] != MEMBER_UID for c in s["clients"]))
        self.assertEqual([m.ask("io.migoff.Attach")[0] for m in members],
                         ["ok", "ok", "io.migoff.Limit"])
        self.assertEqual(members[2].ask("io.migoff.Attach")[1],
                         {"limit": "clients-per-user", "value": 2})
        clients = [self.enterContext(self.daemon.connect()) for _ in range(4)]
        for c in clients:
            c.call("io.migoff.Attach")

    def test_strangers_are_few(self):
        """Those who may do nothing have few connections, and do not keep members out."""
        strangers = [self.stranger() for _ in range(12)]
        answers = [s.ask("io.migoff.GetEngines")[0] for s in strangers]
        self.assertIn("ok", answers)
        self.assertIn("closed", answers)
        self.assertEqual(self.member().ask("io.migoff.Attach")[0], "ok")

    def test_strangers_expire(self):
        """They cannot keep a connection for ever either."""
        s = self.stranger()
        self.assertEqual(s.ask("io.migoff.GetEngines")[0], "ok")
        started = time.monotonic()
        # The daemon gives it ten seconds.
        while s.ask("io.migoff.GetEngines")[0] == "ok":
            self.assertLess(time.monotonic(), started + migoffd.TIMEOUT)
            time.sleep(0.1)

    def test_move_all_of_root(self):
        """Root has the capability, unless it gave it up."""
        with self.daemon.connect() as c:
            self.assertTrue(c.call("io.migoff.Attach")["mayMoveAll"])
        without = ["setpriv", "--bounding-set=-sys_nice"]
        with Other(self.daemon, 0, wrapper=without) as other:
            self.assertFalse(other.ask("io.migoff.Attach")[1]["mayMoveAll"])

    def test_move_all_of_member(self):
        """A member that was given it has it."""
        wrapper = ["setpriv", f"--reuid={MEMBER_UID}", f"--regid={GROUP}", "--clear-groups",
                   "--inh-caps=+sys_nice", "--ambient-caps=+sys_nice"]
        reply = self.member(wrapper=wrapper).ask("io.migoff.Attach")
        self.assertTrue(reply[1]["mayMoveAll"])

    def test_move_all_of_namespace(self):
        """All capabilities in a user namespace of one's own are worth nothing."""
        wrapper = ["setpriv", f"--reuid={MEMBER_UID}", f"--regid={GROUP}", "--clear-groups",
                   "unshare", "--user", "--map-root-user"]
        try:
            subprocess.run([*wrapper, "true"], check=True, capture_output=True)
        except subprocess.CalledProcessError as e:
            self.skipTest(f"no user namespaces: {e.stderr.decode().strip()}")
        name, reply = self.member(wrapper=wrapper).ask("io.migoff.Attach")
        self.assertEqual(name, "ok")
        self.assertFalse(reply["mayMoveAll"])

    def test_move_all_by_exec(self):
        """Handing the connection on and then execing a program with the capability does not get it."""
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        os.chmod(directory, 0o755)
        sleep = f"{directory}/sleep"
        shutil.copy(os.path.realpath("/usr/bin/sleep"), sleep)
        try:
            subprocess.run(["setcap", "cap_sys_nice+ep", sleep], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as e:
            self.skipTest(f"no file capabilities: {e}")
        for setuid in (False, True):
            if setuid:
                os.chmod(sleep, 0o4755)
            self.assertFalse(self.attach_after_exec(sleep)["mayMoveAll"])

    def attach_after_exec(self, program):
        """A member connects, hands the connection on and becomes `program`; the reply to Attach."""
        ours, theirs = socket.socketpair()
        wrapper = ["setpriv", f"--reuid={MEMBER_UID}", f"--regid={GROUP}", "--clear-groups"]
        p = subprocess.Popen([*wrapper, sys.executable, "-c", BECOME, self.daemon.socket,
                              str(theirs.fileno()), program], pass_fds=[theirs.fileno()])
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        theirs.close()
        with ours:
            _, fds, _, _ = socket.recv_fds(ours, 1, 1)
            # Ends when the exec has closed the other end.
            self.assertEqual(ours.recv(1), b"")
        with open(f"/proc/{p.pid}/status", encoding="utf-8") as f:
            caps = next(line for line in f if line.startswith("CapEff"))
        # It has the capability: there is something to be tricked by.
        self.assertTrue(int(caps.split()[1], 16) & 1 << CAP_SYS_NICE)
        with Client(connected=socket.socket(fileno=fds[0])) as c:
            return c.call("io.migoff.Attach")


if __name__ == "__main__":
    migoffd.main()
