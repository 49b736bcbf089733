#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts single tests in meson's log, says what was skipped, and gives the run's verdict.

usage: count_tests.py LOG STATUS (that of `meson test`)
"""
import re
import sys


def sections(text):
    """(name, body) of each test program in the log."""
    parts = re.split(r"^=+ \d+/\d+ =+$", text, flags=re.M)[1:]
    for part in parts:
        name = re.search(r"^test:\s+(.*)$", part, flags=re.M)
        result = re.search(r"^result:\s+(.*)$", part, flags=re.M)
        yield (name.group(1) if name else "?"), part, (result.group(1) if result else "?")


def main():
    text = open(sys.argv[1], errors="replace").read()
    passed = failed = skipped = 0
    for name, body, result in sections(text):
        ok = len(re.findall(r"^\[\s+OK \]", body, flags=re.M))
        bad = len(set(re.findall(r"^\[  FAILED  \] (?!\d)(\S+?):? ?$", body, flags=re.M)))
        skip = len(set(re.findall(r"^\[  SKIPPED \] (?!\d)(\S+)$", body, flags=re.M)))
        if ok + bad + skip == 0:  # not a cmocka program: it counts as one test
            ok, skip = int(result.startswith("exit status 0")), int("exit status 77" in result)
        if not result.startswith("exit status 0") and "exit status 77" not in result:
            bad = max(bad, 1)
        passed, failed, skipped = passed + ok, failed + bad, skipped + skip
        for line in re.findall(r"^SKIPPED: .*$", body, flags=re.M):
            print(f"{name}: {line}")
    if int(sys.argv[2]) and not failed:
        failed = 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


sys.exit(main())
