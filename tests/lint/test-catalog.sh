#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each kind of message that the daemon logs has an entry in the journal's catalog, and each entry a kind.
set -euo pipefail
diff <(sed -nE 's/^#define LOG_ID_.*"([0-9a-f]{32})"$/\1/p' /src/daemon/log.h | sort) \
	<(sed -nE 's/^-- ([0-9a-f]{32})$/\1/p' /src/systemd/migoffd.catalog | sort) || {
	echo "daemon/log.h (<) and systemd/migoffd.catalog (>) differ"
	exit 1
}
