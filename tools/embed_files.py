#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a C file that holds the files of a folder, for src/serve/webfiles.h.

usage: embed_files.py OUT.c FOLDER DEPFILE

A folder that does not exist has no files. DEPFILE names what OUT.c was made of, for ninja.
"""
import hashlib
import os
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


def files_below(folder):
    """Names with '/' between parts, sorted, and the folders seen."""
    names, folders = [], []
    for here, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        folders.append(here)
        names += [os.path.relpath(os.path.join(here, name), folder).replace(os.sep, "/")
                  for name in files if not name.startswith(".")]
    return sorted(names), folders


def array_of(data):
    lines = [", ".join(str(byte) for byte in data[i:i + 20]) for i in range(0, len(data), 20)]
    return ",\n    ".join(lines)


def embed(folder, names):
    out = ["/* Made by tools/embed_files.py. */", '#include "src/serve/webfiles.h"', ""]
    table = []
    for number, name in enumerate(names):
        ending = os.path.splitext(name)[1]
        if ending not in TYPES:
            sys.exit(f"embed_files.py: {name}: no MIME type for *{ending}; add it to TYPES")
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        out += [f"static const unsigned char data_{number}[] = {{",
                f"    {array_of(data + bytes(1))}", "};"]
        etag = hashlib.sha256(data).hexdigest()[:24]
        table.append(f'    {{"{name}", "{TYPES[ending]}", "\\"{etag}\\"", data_{number}, '
                     f"{len(data)}}},")
    return "\n".join(out + ["const anm_web_file anm_web_files[] = {"] + table
                     + ["    {0},", "};", ""])


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    out, folder, depfile = sys.argv[1:]
    names, folders = files_below(folder)
    with open(out, "w", encoding="utf-8") as file:
        file.write(embed(folder, names))
    sources = folders + [os.path.join(folder, name) for name in names]
    with open(depfile, "w", encoding="utf-8") as file:
        file.write(f"{out}: " + " ".join(source.replace(" ", "\\ ") for source in sources) + "\n")


if __name__ == "__main__":
    main()
