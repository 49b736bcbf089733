#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of `anemone serve` through its socket.

usage: serve_tests.py ANEMONE SOURCE_ROOT MODULE [unittest's arguments]

MODULE is one of test_*.py here, without its ending.
"""
import os
import sys
import unittest


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    os.environ["ANM_TEST_COMMAND"] = os.path.abspath(sys.argv[1])
    os.environ["ANM_TEST_ROOT"] = os.path.abspath(sys.argv[2])
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    unittest.main(module=sys.argv[3], argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)


if __name__ == "__main__":
    main()
