#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints a hash of source folders: what the converter writes depends on nothing else of the build.

usage: source_hash.py FOLDER ...
"""
import hashlib
import os
import sys

hash = hashlib.sha256()
for top in sys.argv[1:]:
    for folder, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(n for n in names if n.endswith((".c", ".h", ".proto"))):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                hash.update(f"{os.path.relpath(path, top)}\n".encode() + file.read())
print(hash.hexdigest()[:16])
