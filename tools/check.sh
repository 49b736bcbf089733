#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs meson's tests of a build folder and ends with "N passed, N failed, N skipped": the tests
# that a cmocka program holds count one by one.
set -eu
build=${1:-build}
log=$build/meson-logs/testlog.txt
status=0
meson test -C "$build" --print-errorlogs || status=$?
exec python3 "$(dirname "$0")/count_tests.py" "$log" "$status"
