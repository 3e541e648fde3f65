# SPDX-License-Identifier: GPL-2.0-or-later
"""What the measurements of ./dev bench share, in the machine: the daemon, the programs that measure,
and statistics."""

import functools
import json
import os
import subprocess
import sys
import tempfile
import time

BUILD = "/build/main"
DPDK = "/build/dpdk"
# Of 2 MiB, for what DPDK's devices reach; half of them are on the node that it takes them from.
HUGE_PAGES = 64
ENGINE = "0000:00:05.0"
# Like it, for what the engine does by itself, without the daemon.
OTHER_ENGINE = "0000:00:06.0"
# All that differs from the shipped defaults: without a device there is nothing to measure, and
# comparing what was copied is measured apart, as verify_cost.
SETTINGS = {"engine.devices": ENGINE, "policy.verify": "off"}
SOCKET = "/run/bench.sock"

# Runs with the computer's clock, whatever this machine's own one counts.
WALL_CLOCK = "/sys/class/rtc/rtc0/since_epoch"


class Failure(Exception):
    """Why something could not be measured."""


def wall_clock():
    if not os.path.exists(WALL_CLOCK):
        return int(time.time())
    with open(WALL_CLOCK, encoding="ascii") as file:
        return int(file.read())


@functools.cache
def start_time():
    """When it was first asked for."""
    return wall_clock()


def say(text):
    print(f"[{wall_clock() - start_time():4} s] {text}", flush=True)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def run(*command):
    """Run a program that must succeed; return what it wrote."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def bind_vfio(device):
    """Give a device to vfio-pci."""
    where = f"/sys/bus/pci/devices/{device}"
    write(f"{where}/driver_override", "vfio-pci")
    if os.path.exists(f"{where}/driver"):
        write(f"{where}/driver/unbind", device)
    write("/sys/bus/pci/drivers_probe", device)


def prepare():
    """The machine, as all measurements want it."""
    os.environ["MIGOFF_SOCKET"] = SOCKET
    os.environ["MIGOFF_FALLBACK"] = "no"
    write("/sys/kernel/mm/transparent_hugepage/enabled", "madvise")
    run("modprobe", "vfio-pci")
    run("modprobe", "migoff")
    bind_vfio(ENGINE)
    bind_vfio(OTHER_ENGINE)


def counter(name):
    """A counter of the module."""
    with open(f"/sys/class/misc/migoff/counters/{name}", encoding="ascii") as file:
        return int(file.read())


def processor_times():
    """What each process has had of the processor, in ticks, by number and name."""
    times = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                name, fields = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        times[pid, name] = sum(map(int, fields.split()[11:13]))
    return times


def busy():
    """Who has the processor, besides those that measure."""
    before = processor_times()
    time.sleep(1)
    used = {key: ticks - before.get(key, 0) for key, ticks in processor_times().items()}
    return ", ".join(f"{name} {ticks} ticks" for (_, name), ticks in
                     sorted(used.items(), key=lambda item: -item[1])[:4] if ticks)


class Daemon:
    """migoffd, with the settings above and some more."""

    def __init__(self, **more):
        self.settings = SETTINGS | {key.replace("__", ".").replace("_", "-"): value
                                    for key, value in more.items()}
        self.log = tempfile.TemporaryFile("w+")
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
            for key, value in self.settings.items():
                section, name = key.split(".")
                conf.write(f"[{section}]\n{name}={value}\n")
            conf.flush()
            # As in the unit: it locks its memory.
            self.process = subprocess.Popen(
                ["prlimit", "--memlock=unlimited", f"{BUILD}/daemon/migoffd",
                 f"--config={conf.name}", "--strict", f"--socket={SOCKET}"], stderr=self.log)
            self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + 60
        while self.status().get("mode") != "engine":
            if self.process.poll() is not None or time.monotonic() > end:
                self.log.seek(0)
                raise Failure(f"migoffd is not ready: {self.log.read()}")
            time.sleep(0.05)

    def status(self):
        done = subprocess.run([f"{BUILD}/migoffctl/migoffctl", "status", "--json"],
                              capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.stdout else {}

    def total(self, name):
        """A number of the daemon's account of all that it did."""
        return self.status()["total"][name]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        if self.process.wait() != 0 and sys.exc_info()[0] is None:
            raise Failure(f"migoffd ended with status {self.process.returncode}")
        # The kernel closes what the ring of an ended process held a moment later.
        while counter("live_sessions"):
            time.sleep(0.01)


class Program:
    """A program of ours that takes commands, one a line, and answers each with one line."""

    def __init__(self, name, *args, path=None):
        self.name = name
        self.process = subprocess.Popen([path or f"{BUILD}/tests/bench/bench-{name}", *args], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)

    def ask(self, *words):
        """Return the words of the answer."""
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            raise Failure(f"{self.name}: {' '.join(map(str, words))}: {self.process.stderr.read().strip()}")
        if answer == "restless\n":
            raise Failure(f"the machine does not come to rest: {busy()}")
        return answer.split()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


def dpdk(device):
    """The program that measures DPDK, on a device that is called so there: its skeleton or a PCI device."""
    if not os.path.exists(f"{DPDK}/dma-dpdk"):
        with open(f"{DPDK}/why", encoding="utf-8") as file:
            raise Failure(file.read())
    if device == "dma_skeleton":
        eal_arguments = ("--no-pci", f"--vdev={device}", "--no-shconf", "--no-huge", "-m", "64")
    else:
        eal_arguments = ("-a", device, "--iova-mode=va", "--in-memory", "-m", str(HUGE_PAGES))
        write("/proc/sys/vm/nr_hugepages", str(HUGE_PAGES))
    return Program("dma-dpdk", device, "--no-telemetry", "--log-level=error", "-l", "0", *eal_arguments,
                   path=f"{DPDK}/dma-dpdk")


def median(values):
    """The middle one, or the mean of the two in the middle."""
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def spread(values):
    """How far the values lie apart, as a share of their median."""
    return (max(values) - min(values)) / median(values)


def percentile(values, share):
    """The smallest value that so large a share of the values does not exceed."""
    values = sorted(values)
    return values[max(0, -int(-share * len(values) // 1) - 1)]


class Results:
    """What was measured, kept after each step: a machine that dies takes only the rest with it."""

    def __init__(self, path, wanted, about=None):
        self.path = path
        self.wanted = wanted
        self.about = {"settings": SETTINGS, "kernel": os.uname().release} if about is None else about
        self.results = {}

    def keep(self, key, result):
        self.results[key] = result
        with open(self.path, "w", encoding="ascii") as file:
            json.dump(self.about | {"results": self.results}, file)

    def take(self, key, measure, *args):
        """Measure, if it is wanted. What fails does not keep the rest from being measured."""
        if self.wanted and key not in self.wanted:
            return
        try:
            self.keep(key, measure(*args))
            say(f"{key} {self.results[key]['value']:.3f}")
        except (Failure, OSError, ValueError, KeyError, ZeroDivisionError) as error:
            self.keep(key, {"error": " ".join(str(error).split()) or repr(error)})
            say(f"{key}: {self.results[key]['error']}")
