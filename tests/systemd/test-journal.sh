#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the daemon logs is in the journal as entries with a priority each, and the kinds of events with a
# number each, by which the catalog explains them.
set -euo pipefail
. /src/tests/systemd/lib/service.sh

# id NAME: the number of a kind.
id()
{
	sed -nE "s/^#define LOG_ID_$1[[:space:]]+\"(.*)\"/\1/p" /src/daemon/log.h
}

# entries MATCH...: of the service since this test began, one JSON object a line.
entries()
{
	journalctl --sync
	journalctl -u migoffd --since "$since" --no-pager -o json "$@"
}

# has NAME PRIORITY WORDS: there is an entry of this kind.
has()
{
	entries "MESSAGE_ID=$(id "$1")" "PRIORITY=$2" | grep -q "\"MESSAGE\":\"[^\"]*$3"
}

since=$(date '+%F %T')
configure "devices=0000:00:1f.7"
expect "start" systemctl start migoffd
wait_for "a message of what is missing" has DEGRADED 4 'degraded: '
wait_for "and of the engine" has ENGINE 4 'engine 0000:00:1f.7: not in use: '
configure "devices=nonsense"
systemctl reload migoffd || true
wait_for "a message of the wrong file" has RELOAD_FAILED 3 'stays as it was'
configure "devices=$ENGINE"
systemctl restart migoff-bind
systemctl reload migoffd
wait_for "a message of the reload" has RELOADED 5 'reloaded'
wait_for "one of the engine" has ENGINE 6 "engine $ENGINE: in use"
wait_for "and one that all is well" has READY 5 'mode: engine'
systemctl stop migoffd
wait_for "a message of the end" has STOPPING 5 'stopping'

# The daemon's own, not what the service manager says about it.
entries _COMM=migoffd >/tmp/entries
expect "some" [ "$(wc -l </tmp/entries)" -ge 7 ]
python3 - /tmp/entries <<'END'
import json
import sys

for line in open(sys.argv[1], encoding="utf-8"):
    entry = json.loads(line)
    assert entry["_TRANSPORT"] == "journal" and entry["PRIORITY"] in "34567", entry
    # No place in the source: it says nothing to an operator.
    assert "CODE_FILE" not in entry, entry
    # One line without what stands for a priority elsewhere.
    assert "\n" not in entry["MESSAGE"] and not entry["MESSAGE"].startswith("<"), entry
END

journalctl --update-catalog
journalctl -u migoffd --since "$since" --no-pager -x "MESSAGE_ID=$(id DEGRADED)" >/tmp/explained
expect "an explanation" grep -q 'migoffd cannot move memory at present' /tmp/explained
expect "where to read on" grep -q 'man:migoff-bind(8)' /tmp/explained
