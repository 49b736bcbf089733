#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles each public header alone, and twice in one file, as the given standard of C or C++.

usage: check_headers.py INCLUDE_DIR c99|c++11 [COMPILER ...]

Without a compiler (no words after the standard) it says so and exits 77, which meson counts as
skipped.
"""
import os
import subprocess
import sys

FLAGS = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]


def public_headers(include_dir):
    for folder, _, names in sorted(os.walk(include_dir)):
        for name in sorted(names):
            if name.endswith(".h"):
                path = os.path.relpath(os.path.join(folder, name), include_dir)
                yield path.replace(os.sep, "/")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    include_dir, standard, compiler = sys.argv[1], sys.argv[2], sys.argv[3:]
    if not compiler:
        print(f"SKIPPED: no compiler for {standard} was found")
        return 77
    language = "c++" if standard.startswith("c++") else "c"
    headers, failed = list(public_headers(include_dir)), 0
    for header in headers:
        source = f'#include "{header}"\n' * 2 + "int main(void);\n"
        command = compiler + [f"-std={standard}", *FLAGS, "-I", include_dir, "-x", language, "-"]
        result = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
        if result.returncode != 0:
            failed += 1
            print(f"{header} as {standard}:\n{result.stderr}")
    print(f"{len(headers)} headers as {standard}, {failed} failed")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
