#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The report of ./dev bench: each bound is judged in its own direction, what is missing is told and makes
it fail, the JSON is one object, the help names each key, and only code counts as lines of code."""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
report, help_text = sys.argv[1:]
sys.path.insert(0, os.path.dirname(report))
from benchlib import median, percentile, spread  # noqa: E402

CODE = """/* a comment
 * of two lines */
#define TEXT "/* none */" // but this is

int x; /* code before it */
"""
RESULTS = {
    "cpu_2m_init_ratio": {"value": 0.04}, "cpu_2m_noinit_ratio": {"value": 0.0671},
    "efficiency_2m": {"value": 0.7}, "idle_wakeups_per_s": {"value": 0}, "daemon_mib": {"value": 64},
    "verify_cost": {"value": 0.1, "sampled": 0.1, "full": 0.5}, "flatness": {"error": "why"},
    "self_check": {"value": 12},
}


def run(directory, *arguments):
    return subprocess.run([sys.executable, report, *arguments, directory, f"{directory}/result"],
                          capture_output=True, text=True, check=False)


with tempfile.TemporaryDirectory() as source:
    os.makedirs(f"{source}/drivers/migoff-hook")
    with open(f"{source}/drivers/migoff-hook/a.c", "w", encoding="ascii") as file:
        file.write(CODE)
    with open(f"{source}/result", "w", encoding="ascii") as file:
        json.dump({"results": RESULTS, "settings": {"policy.verify": "off"}, "kernel": "1"}, file)

    done = run(source, "--json")
    assert done.returncode == 1, "figures are missing"
    j = json.loads(done.stdout)
    met = {key: bound["met"] for key, bound in j["bounds"].items()}
    assert met == {"cpu_2m_init_ratio": True, "cpu_2m_noinit_ratio": False, "efficiency_2m": True,
                   "idle_wakeups_per_s": True, "daemon_mib": True, "hook_lines": True}, met
    assert j["cpu_2m_noinit_ratio"] == 0.0671 and j["hook_lines"] == 2, j
    assert j["verify_cost"] == {"sampled": 0.1, "full": 0.5}
    assert j["failed"]["flatness"] == "why" and "cpu_small_ratio" in j["failed"]
    assert j["settings"] == {"policy.verify": "off"} and j["self_check"] == {"self_check": 12}

    table = run(source).stdout
    for key in [*j["bounds"], *j["failed"], "verify_cost"]:
        assert key in table, key
    with open(help_text, encoding="ascii") as file:
        text = file.read()
    for key in [*j, *j["failed"]]:
        assert f"\n  {key} " in text or key == "kernel", key

    # What was not asked for is not missing.
    done = run(source, "--json", "--only", "efficiency_2m")
    assert done.returncode == 0 and json.loads(done.stdout)["efficiency_2m"] == 0.7
    done = run(source, "--machines", "--only", "hook_lines", "--only", "efficiency_2m")
    assert done.stdout == "time\n", done.stdout

assert median([3, 1, 2]) == 2 and median([4, 1, 2, 3]) == 2.5
assert percentile(list(range(1, 1001)), 0.999) == 999 and percentile([7], 0.999) == 7
assert percentile([5, 1, 3, 2, 4], 0.5) == 3
assert spread([9, 10, 11]) == 0.2
