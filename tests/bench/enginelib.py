#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Takes the measurements of ./dev bench that need no machine, in the build root, and leaves them as JSON
for the report.

usage: engines native RESULT [MEASUREMENT...]
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from benchlib import Failure, Program, Results, dpdk, median, spread  # noqa: E402

BATCH = 64
BATCHES = 100
SAMPLES = 9
CHANNEL = "ns-per-kib=4000"
FOLIOS = 32
SCALING_SAMPLES = 5


def enqueue():
    """What taking a copy costs, in turns: nanoseconds."""
    taken = {"migoff": [], "dpdk": []}
    with Program("dma-migoff", "model:ioat,version=3.4") as ours, dpdk("dma_skeleton") as theirs:
        for _ in range(SAMPLES):
            for who, program in (("migoff", ours), ("dpdk", theirs)):
                taken[who].append(float(program.ask("cost", "ns", BATCH, BATCHES)[0]))
    ratios = [m / d for m, d in zip(taken["migoff"], taken["dpdk"])]
    return {"value": median(taken["migoff"]) / median(taken["dpdk"]), "spread": spread(ratios),
            "samples": SAMPLES, "batch": BATCH, "migoff_ns": median(taken["migoff"]),
            "dpdk_ns": median(taken["dpdk"])}


def scaling():
    """The time of one channel by that of four, for the same folios."""
    taken = {1: [], 4: []}
    with Program("folios", f"model:ioat,version=3.4,{CHANNEL}") as one, \
            Program("folios", f"model:ioat,version=3.4,channels=4,{CHANNEL}") as four:
        for _ in range(SCALING_SAMPLES):
            for n, program in ((1, one), (4, four)):
                taken[n].append(int(program.ask("copy", FOLIOS)[0]))
    ratios = [one / four for one, four in zip(taken[1], taken[4])]
    return {"value": median(ratios), "spread": spread(ratios), "samples": SCALING_SAMPLES,
            "folios": FOLIOS, "one_ms": median(taken[1]) / 1e6, "four_ms": median(taken[4]) / 1e6}


def main():
    _, path, *wanted = sys.argv[1:]
    results = Results(path, wanted, about={})
    results.take("enqueue_vs_skeleton", enqueue)
    results.take("scaling_4ch", scaling)
    return int(any("error" in result for result in results.results.values()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(f"bench: {failure}", flush=True)
        sys.exit(1)
