#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The public header needs no other before it, and is strict C11 and C++.
# usage: test-header.sh HEADER
set -eu
header=$1
${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c "$header"
${CXX:-c++} -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ "$header"
