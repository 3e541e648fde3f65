# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the real migoffd share: the daemon as a child, a client of its varlink socket that
passes descriptors, and a service manager's end of the notification socket."""

import array
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

MIGOFFD = os.environ["MIGOFFD"]
TIMEOUT = 20


class Error(Exception):
    """An error reply."""

    def __init__(self, name, parameters):
        super().__init__(f"{name} {parameters}")
        self.name = name
        self.parameters = parameters


class Closed(Exception):
    """The daemon closed the connection."""


class Client:
    """A connection to the varlink socket."""

    def __init__(self, path=None, connected=None):
        self.sock = connected or socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if not connected:
            # With a time limit it would fail at once when many are waiting to be accepted.
            self.sock.connect(path)
        self.sock.settimeout(TIMEOUT)
        self.buffer = b""
        self.fds = []
        self.accepted = False

    def close(self):
        self.sock.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def send_raw(self, data, fds=()):
        """The descriptors go with the first byte, as varlink wants it, once the daemon has accepted us."""
        if fds and not self.accepted:
            self.call("org.varlink.service.GetInfo")
        try:
            sent = socket.send_fds(self.sock, [data], list(fds)) if fds else self.sock.send(data)
            self.sock.sendall(data[sent:])
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed from e

    def send(self, method, parameters=None, fds=(), **flags):
        message = {"method": method, "parameters": parameters or {}, **flags}
        self.send_raw(json.dumps(message).encode() + b"\0", fds)

    def receive(self):
        while b"\0" not in self.buffer:
            try:
                data, ancillary, _, _ = self.sock.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
            except ConnectionResetError as e:
                raise Closed from e
            for _, _, payload in ancillary:
                fds = array.array("i")
                fds.frombytes(payload[:len(payload) - len(payload) % fds.itemsize])
                self.fds += fds
            if not data:
                raise Closed
            self.buffer += data
        self.accepted = True
        message, self.buffer = self.buffer.split(b"\0", 1)
        reply = json.loads(message)
        if "error" in reply:
            raise Error(reply["error"], reply.get("parameters", {}))
        return reply.get("parameters", {})

    def call(self, method, parameters=None, fds=()):
        self.send(method, parameters, fds)
        return self.receive()

    def open_target(self, pid):
        pidfd = os.pidfd_open(pid)
        pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY)
        try:
            return self.call("io.migoff.OpenTarget", {"pidfd": 0, "pagemap": 1},
                             [pidfd, pagemap])["target"]
        finally:
            os.close(pidfd)
            os.close(pagemap)


class Manager:
    """What a service manager would receive by NOTIFY_SOCKET. It reads all the time, as the daemon waits
    for a service manager that does not."""

    def __init__(self, path):
        self.messages = queue.Queue()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while message := self.sock.recv(65536):
            self.messages.put(dict(line.split("=", 1) for line in message.decode().splitlines()))

    def close(self):
        self.sock.shutdown(socket.SHUT_RD)
        self.thread.join()
        self.sock.close()

    def wait(self, wanted, timeout=TIMEOUT):
        """The first message not yet seen with this line, or with such a key for "KEY="."""
        key, value = wanted.split("=", 1)
        deadline = time.monotonic() + timeout
        while True:
            message = self.messages.get(timeout=max(deadline - time.monotonic(), 0))
            if key in message and value in ("", message[key]):
                return message

    def forget(self):
        """Drop what came so far."""
        while not self.messages.empty():
            self.messages.get()


class Daemon:
    """A running migoffd with a configuration and a socket of its own."""

    def __init__(self, config="", environment=None, arguments=(), preexec=None, pass_fds=()):
        self.dir = tempfile.mkdtemp(prefix="migoffd-")
        os.chmod(self.dir, 0o755)
        self.config_path = f"{self.dir}/migoffd.conf"
        self.socket = f"{self.dir}/run/io.migoff"
        self.log_path = f"{self.dir}/log"
        self.write_config(config)
        self.manager = Manager(f"{self.dir}/notify")
        env = dict(os.environ, NOTIFY_SOCKET=f"{self.dir}/notify", **(environment or {}))
        env.pop("JOURNAL_STREAM", None)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [MIGOFFD, f"--config={self.config_path}", f"--socket={self.socket}", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, preexec_fn=preexec,
                pass_fds=pass_fds)
        try:
            self.manager.wait("READY=1")
        except queue.Empty:
            self.process.kill()
            self.process.wait()
            sys.exit(f"migoffd does not become ready: {self.log()}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *args):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        log = self.log()
        self.manager.close()
        shutil.rmtree(self.dir)
        # Sanitizers end the daemon with a status of their own.
        if kind is None and self.process.returncode != 0:
            raise AssertionError(f"migoffd ended with {self.process.returncode}:\n{log}")

    def write_config(self, text):
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(text)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, text, times=1):
        deadline = time.monotonic() + TIMEOUT
        while self.log().count(text) < times:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"no '{text}' in the log:\n{self.log()}")
            time.sleep(0.01)

    def connect(self):
        return Client(self.socket)

    def status(self):
        with self.connect() as client:
            return client.call("io.migoff.GetStatus")

    def wait_status(self, condition):
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                status = self.status()
            except Closed:
                # The connections that ended a moment ago may still count.
                status = None
            if status and condition(status):
                return status
            if time.monotonic() > deadline:
                raise AssertionError(f"the status stays {status}")
            time.sleep(0.01)

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        self.process.wait(TIMEOUT)
        return self.process.returncode

    def count_fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def lasting_fds(self):
        """How many it keeps: some, of its start or of a look for the hook, are open for a moment."""
        least = self.count_fds()
        for _ in range(50):
            time.sleep(0.01)
            least = min(least, self.count_fds())
        return least

    def wait_fds(self, n):
        """Until it has so many descriptors: what ended a moment ago may still be open."""
        deadline = time.monotonic() + TIMEOUT
        while self.count_fds() != n:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.count_fds()} descriptors, expected {n}")
            time.sleep(0.01)


def main():
    """Run the tests of the calling program; 77 if all of them were skipped, with the reasons."""
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun and len(result.skipped) == result.testsRun:
        print("skip:", "; ".join(sorted({reason for _, reason in result.skipped})))
        sys.exit(77)
