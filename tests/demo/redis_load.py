# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of redis over a unix socket: fills it, digests it, and keeps it busy.

Nobody writes to the big values once they are there. Their bytes are all from one random block, each
value beginning elsewhere in it, so every part of each can be checked by whoever has the block.
"""

import hashlib
import random
import socket
import threading
import time


class RedisError(Exception):
    """The server said no, or what it said made no sense."""


class Redis:
    """One connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb", buffering=1 << 16)

    def get_into(self, key, buffer):
        """Get a value that fills the buffer: faster than new memory for each."""
        self.send("GET", key)
        line = self.file.readline()
        if line != b"$%d\r\n" % len(buffer):
            raise RedisError(f"{key} is not what was stored: {line[:60]}")
        done = 0
        while done < len(buffer):
            got = self.file.readinto1(buffer[done:])
            if not got:
                raise RedisError("the connection ended")
            done += got
        self.file.read(2)

    def send(self, *words):
        """Send a command; a word is bytes, a str, an int, or a list of buffers to be joined."""
        self.socket.sendall(b"*%d\r\n" % len(words))
        for word in words:
            parts = word if isinstance(word, list) else [word]
            parts = [str(p).encode() if isinstance(p, (str, int)) else p for p in parts]
            self.socket.sendall(b"$%d\r\n" % sum(map(len, parts)))
            for part in parts:
                self.socket.sendall(part)
            self.socket.sendall(b"\r\n")

    def reply(self):
        """Receive an answer: bytes, an int, or None."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise RedisError("the connection ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"$" and rest == b"-1":
            return None
        if kind == b"$":
            data = self.file.read(int(rest) + 2)
            if len(data) != int(rest) + 2:
                raise RedisError("the connection ended")
            return data[:-2]
        raise RedisError(line.decode(errors="replace").strip())

    def call(self, *words):
        self.send(*words)
        return self.reply()


class Values:
    """The big values."""

    def __init__(self, count, size):
        self.count = count
        self.size = size
        self.block = memoryview(random.Random(1).randbytes(size))

    def start(self, i):
        """Where in the block value i begins: never at the same place within a page's worth."""
        return i * (self.size // self.count) // 8 * 8 + i * 8

    def store(self, redis):
        for i in range(self.count):
            start = self.start(i)
            if redis.call("SET", f"big:{i}", [self.block[start:], self.block[:start]]) != b"OK":
                raise RedisError(f"cannot store big:{i}")

    def digest(self, redis):
        """MD5 over all values, as the server gives them: enough against accidents, and fast."""
        digest = hashlib.md5(usedforsecurity=False)
        buffer = memoryview(bytearray(self.size))
        for i in range(self.count):
            redis.get_into(f"big:{i}", buffer)
            digest.update(buffer)
        return digest.hexdigest()

    def is_part(self, i, offset, data):
        at = (self.start(i) + offset) % self.size
        first = self.block[at:at + len(data)]
        return data == bytes(first) + bytes(self.block[:len(data) - len(first)])


class Load(threading.Thread):
    """Writes and reads small values, reads parts of the big ones, and checks all that it reads."""

    KEYS = 1000
    PART = 16384

    def __init__(self, path, values):
        super().__init__(daemon=True)
        self.redis = Redis(path)
        self.values = values
        self.random = random.Random(2)
        self.written = {}
        self.stopping = False
        self.lock = threading.Lock()
        self.requests = self.total = self.slowest = self.slowest_ever = 0
        self.errors = []

    def timed(self, *words):
        start = time.monotonic()
        answer = self.redis.call(*words)
        took = time.monotonic() - start
        with self.lock:
            self.requests += 1
            self.total += 1
            self.slowest = max(self.slowest, took)
        return answer

    def since_last(self):
        """Requests and the longest time that one took, since this was last asked."""
        with self.lock:
            found = self.requests, self.slowest
            self.requests = self.slowest = 0
        return found

    def step(self):
        key = f"small:{self.random.randrange(self.KEYS)}"
        found = self.timed("GET", key)
        if found != self.written.get(key):
            self.errors.append(f"{key} is not what was written")
        self.written[key] = self.random.randbytes(100)
        if self.timed("SET", key, self.written[key]) != b"OK":
            self.errors.append(f"cannot write {key}")
        i = self.random.randrange(self.values.count)
        offset = self.random.randrange(self.values.size - self.PART)
        found = self.timed("GETRANGE", f"big:{i}", offset, offset + self.PART - 1)
        if len(found) != self.PART or not self.values.is_part(i, offset, found):
            self.errors.append(f"big:{i} is wrong at {offset}")

    def run(self):
        try:
            while not self.stopping:
                self.step()
        except (OSError, RedisError) as error:
            self.errors.append(f"the load ended: {error}")

    def finish(self):
        """Stop; return what went wrong since the start."""
        self.stopping = True
        self.join(10)
        if self.is_alive():
            self.errors.append("a request was not answered within 10 s")
        return self.errors
