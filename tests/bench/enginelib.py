# SPDX-License-Identifier: GPL-2.0-or-later
"""The measurements of ./dev bench that are of engines by themselves: on models in the process, and in a
machine on models behind VFIO, there beside DPDK's driver of I/OAT."""

from benchlib import Program, bind_vfio, dpdk, median, run, spread

BATCH = 64
BATCHES = 100
SAMPLES = 9
CHANNEL = "ns-per-kib=4000"
FOLIOS = 32
SCALING_SAMPLES = 5
RATE_SAMPLES = 9
RATE_COPIES = 64 * 1000
COUNTED_BATCHES = 31


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


def models():
    """The PCI addresses of the machine's models, given to vfio-pci."""
    run("modprobe", "vfio-pci")
    with open("/run/host/out/models", encoding="ascii") as file:
        devices = [line.split()[0] for line in file]
    for device in devices:
        bind_vfio(device)
    return devices


def ask_both(devices, samples, *words):
    """Ask our driver and DPDK's in turns, each with a device of its own; return the answers of each, as
    lists of numbers."""
    answers = {"migoff": [], "dpdk": []}
    with Program("dma-migoff", devices[0]) as ours, dpdk(devices[1]) as theirs:
        for _ in range(samples):
            for who, program in (("migoff", ours), ("dpdk", theirs)):
                answers[who].append([float(word) for word in program.ask(*words)])
    return answers["migoff"], answers["dpdk"]


def rate(devices):
    """Copies in a second, by those of DPDK."""
    answers = ask_both(devices, RATE_SAMPLES + 1, "rate", BATCH, RATE_COPIES)
    # Before the first one neither of them has done anything yet.
    ours, theirs = ([answer[0] for answer in each[1:]] for each in answers)
    ratios = [t / o for o, t in zip(ours, theirs)]
    return {"value": median(ratios), "spread": spread(ratios), "samples": RATE_SAMPLES, "batch": BATCH,
            "migoff_per_s": 1e9 / median(ours), "dpdk_per_s": 1e9 / median(theirs)}


def instructions(devices):
    """Instructions in enqueue, submit and completed, of one copy, by those of DPDK."""
    (ours,), (theirs,) = ask_both(devices, 1, "cost", "steps", BATCH, COUNTED_BATCHES)
    return {"value": sum(ours) / sum(theirs), "batch": BATCH, "samples": COUNTED_BATCHES,
            "migoff": dict(zip(("enqueue", "submit", "completed"), ours)),
            "dpdk": dict(zip(("enqueue", "submit", "completed"), theirs))}
