#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The runner of tests tells what happened to each, counts all of them, and knows a kernel's complaint
from its ordinary talk."""

import importlib.machinery
import importlib.util
import json
import os
import struct
import subprocess
import sys
import tempfile

RUNNER = "/src/tests/vm/lib/run-tests"

COMPLAINTS = [
    "WARNING: mm/rmap.c:1271 at __folio_add_anon_rmap+0x1d0/0x210, CPU#1: migoffd/412",
    "BUG: unable to handle page fault for address: ffffea0004000000",
    "BUG: Bad page state in process redis-server  pfn:12345",
    "BUG: Bad rss-counter state mm:00000000 type:MM_ANONPAGES val:1",
    "Oops: general protection fault, probably for non-canonical address 0xdead000000000100",
    "BUG: KFENCE: use-after-free read in migoff_finish+0x12/0x80 [migoff]",
    "INFO: task migoffd:412 blocked for more than 20 seconds.",
    "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kworker/1:2:99]",
    "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "refcount_t: underflow; use-after-free.",
    "list_del corruption. prev->next should be ffff8881, but was ffff8882",
    "UBSAN: array-index-out-of-bounds in drivers/x.c:12:3",
    "=============================\nWARNING: suspicious RCU usage",
    "BUG kmalloc-64 (Not tainted): Right Redzone overwritten",
    "pagealloc: memory corruption",
]
ORDINARY = [
    "migoff: loading out-of-tree module taints kernel.",
    "VFIO - User Level meta-driver version: 0.3",
    "DMAR: [DMA Read NO_PASID] Request device [00:05.0] fault addr 0xff75d000 [fault reason 0x06]",
    "workqueue: fill_page_cache_func hogged CPU for >10000us 4 times",
    "Out of memory: Killed process 212 (stress-ng-vm) total-vm:123kB",
    "vfio-pci 0000:00:05.0: resetting",
    "Memory failure: 0x6fd8: Sending SIGBUS to hook-poison:158 due to hardware memory corruption",
    "zram0: detected capacity change from 0 to 524288",
]


def load_runner():
    loader = importlib.machinery.SourceFileLoader("runner", RUNNER)
    spec = importlib.util.spec_from_loader("runner", loader)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def run(*args):
    done = subprocess.run([RUNNER, *args], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def script(folder, name, text):
    path = f"{folder}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/bash\n{text}\n")
    os.chmod(path, 0o755)
    return path


def test_kernel_lines():
    runner = load_runner()
    for line in COMPLAINTS:
        assert runner.COMPLAINT.search(line), line
    for line in ORDINARY:
        assert not runner.COMPLAINT.search(line), line
    assert [bool(runner.DMAR_FAULT.search(line)) for line in ORDINARY].count(True) == 1


def test_results(folder):
    results = f"{folder}/results"
    programs = {
        "good": script(folder, "test-good.sh", "echo fine"),
        "bad": script(folder, "test-bad.sh", "echo out of luck >&2; exit 3"),
        "none": script(folder, "test-none.sh", "echo skip: there is no device; exit 77"),
        "late": script(folder, "test-late.sh", "# time limit: 1 s\nsleep 60 & sleep 60"),
        "dead": script(folder, "test-dead.sh", "kill -SEGV $$"),
    }
    status, out = run("programs", "--results", results, "--suite", "tried", *programs.values())
    assert status == 1
    with open(results, encoding="utf-8") as file:
        found = {record["name"]: record["result"] for record in map(json.loads, file)}
    assert found == {"good": "ok", "bad": "FAIL", "none": "skip", "late": "FAIL", "dead": "FAIL"}
    for text in ("out of luck", "(status 3)", "there is no device", "longer than 1 s", "(SIGSEGV)"):
        assert text in out, text
    assert "fine" not in out

    other = script(folder, "test-other.sh", "true")
    status, out = run("rest", "--results", results, "--suite", "tried", programs["good"], other)
    assert (status, out) == (0, f"{other}\n")
    status, out = run("total", "--results", results)
    assert status == 1 and out.endswith("\n1 passed, 3 failed, 1 skipped\n"), out
    assert "failed: tried: bad\n" in out


def test_totals(folder):
    results = f"{folder}/totals"
    status, out = run("total", "--results", results)
    assert (status, out) == (1, "0 passed, 0 failed, 0 skipped\n"), "no test at all is no success"
    run("record", "--results", results, "--suite", "a", "--name", "x", "--result", "ok")
    run("record", "--results", results, "--suite", "a", "--name", "y", "--result", "skip")
    assert run("total", "--results", results) == (0, "1 passed, 0 failed, 1 skipped\n")


def test_models(folder):
    devices = f"{folder}/devices"
    spaces = {
        "0000:00:05.0": bytes(256),
        "0000:00:06.0": bytes(4096),
        "0000:00:10.0": bytes(0xf00) + struct.pack("<HHHHII4Q", 11, 1, 0x6d6f, 0, 0, 0, 2, 9, 8, 3),
        "0000:00:11.0": bytes(0xf00) + b"\xff" * 0x100,
    }
    for bdf, space in spaces.items():
        os.makedirs(f"{devices}/{bdf}")
        with open(f"{devices}/{bdf}/config", "wb") as file:
            file.write(space.ljust(4096 if len(space) > 256 else 256, b"\0"))
    models = load_runner().Models(devices)
    assert models.counts() == {"0000:00:10.0": (2, 3)}
    with open(f"{devices}/0000:00:10.0/config", "wb") as file:
        file.write(b"\xff" * 4096)
    assert models.counts() == {}, "what was unplugged is not asked"


def main():
    with tempfile.TemporaryDirectory() as folder:
        test_models(folder)
        test_kernel_lines()
        test_results(folder)
        test_totals(folder)


if __name__ == "__main__":
    main()
