#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the library exports, the version script lists and the header declares is the same.

usage: test-symbols.py LIBRARY VERSION-SCRIPT HEADER
"""
import re
import subprocess
import sys

library, script, header = sys.argv[1:4]

output = subprocess.run(['nm', '-D', '--defined-only', library],
                        capture_output=True, text=True, check=True).stdout
exported = {line.split()[-1] for line in output.splitlines() if ' A ' not in line}
without_version = {name for name in exported if '@@LIBMIGOFF_0.1' not in name}
exported = {name.partition('@')[0] for name in exported}

listed = set(re.findall(r'^\s*(\w+);', open(script).read().partition('local:')[0], re.M))
text = re.sub(r'/\*.*?\*/', '', open(header).read(), flags=re.S)
declared = set(re.findall(r'\b(migoff_\w+)\s*\(', text))

assert declared, 'no function found in the header'
for what, names in (('exported without a version', without_version),
                    ('exported, not declared', exported - declared),
                    ('declared, not exported', declared - exported),
                    ('listed, not declared', listed - declared),
                    ('declared, not listed', declared - listed)):
    assert not names, f'{what}: {", ".join(sorted(names))}'
print(len(declared), 'functions')
