#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails on links between the project's pages that lead nowhere. usage: check_links.py ROOT"""
import os
import re
import subprocess
import sys

root = sys.argv[1]
listed = subprocess.run(["git", "-C", root, "ls-files", "*.md"], capture_output=True, text=True)
pages = listed.stdout.split() or ["README.md"]
bad = 0
for page in pages:
    path = os.path.join(root, page)
    if not os.path.exists(path):
        continue
    text = re.sub(r"```.*?```", "", open(path, encoding="utf-8").read(), flags=re.S)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" in target:
            continue
        if not os.path.exists(os.path.join(os.path.dirname(path), target)):
            print(f"{page}: link to {target}, which does not exist")
            bad += 1
print(f"{len(pages)} pages, {bad} dead links")
sys.exit(1 if bad else 0)
