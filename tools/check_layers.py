#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the layers of docs/architecture.md.

Fails on an #include that the table does not allow, on a quoted include that is not written from
the root, on two files of src/ with one name, and on a source file without its SPDX line.

usage: check_layers.py ROOT
"""
import collections
import os
import re
import sys

ROOTS = ("bench", "include", "src", "tests", "tools")
SOURCE = (".c", ".h", ".py", ".proto", ".sh")
SPDX = "SPDX-License-Identifier: MIT"
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]*)"|<([^>]*)>)')


def read_table(path):
    """Layer -> layers it may include, from the table whose first column is headed 'layer'."""
    table, inside = {}, False
    with open(path, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                inside = False
            elif cells[0] == "layer":
                inside = True
            elif inside and not cells[0].startswith("-"):
                names = [name.strip() for name in cells[1].split(",") if name.strip()]
                table[cells[0]] = set(names)
    for layer, allowed in table.items():
        for name in allowed - set(table):
            sys.exit(f"{path}: layer {layer} may include {name}, which is no layer")
    if not table:
        sys.exit(f"{path}: no table with a column 'layer'")
    return table


def source_files(root):
    """Paths below the root, '/' between parts, of everything that should carry an SPDX line."""
    for name in ("meson.build", "meson_options.txt"):
        if os.path.exists(os.path.join(root, name)):
            yield name
    for top in ROOTS:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__pycache__")))
            for name in sorted(names):
                if name.endswith(SOURCE) or name == "meson.build":
                    yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def includes_of(root, path):
    """(line number, name, quoted) of each #include."""
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1) or match.group(2), match.group(1) is not None


def refusal(root, table, path, name, quoted):
    """Why `path` must not include `name`; None if it may."""
    parts = path.split("/")
    ours = name.startswith(("src/", "tests/", "anemone/"))
    if not quoted:
        return "our own headers are included in quotes" if ours else None
    if not ours:
        return 'not written from the root, as "src/...", "anemone/..." or "tests/..."'
    there = name if not name.startswith("anemone/") else "include/" + name
    if not name.endswith(".pb-c.h") and not os.path.exists(os.path.join(root, there)):
        return "there is no such file"
    if parts[0] in ("bench", "tests") or name.startswith("anemone/"):
        return None
    if name.startswith("tests/"):
        return "only tests include test headers"
    if parts[0] == "include":
        return "a public header includes public headers only"
    layer, other = parts[1], name.split("/")[1]
    if layer == other or other in table[layer]:
        return None
    return f"layer {layer} must not include layer {other}"


def check_includes(root, table, files):
    errors = []
    for path in files:
        if not path.endswith((".c", ".h")) or path.startswith("tools/"):
            continue
        parts = path.split("/")
        if parts[0] == "src" and (len(parts) < 3 or parts[1] not in table):
            errors.append(f"{path}: not in a layer of docs/architecture.md")
            continue
        for number, name, quoted in includes_of(root, path):
            reason = refusal(root, table, path, name, quoted)
            if reason:
                errors.append(f"{path}:{number}: \"{name}\": {reason}")
    return errors


def check_names(files):
    places = collections.defaultdict(list)
    for path in files:
        if path.startswith("src/") and not path.endswith("/meson.build"):
            places[path.rsplit("/", 1)[1]].append(path)
    return [f"{name}: the name of {len(paths)} files: {', '.join(paths)}"
            for name, paths in places.items() if len(paths) > 1]


def check_licences(root, files):
    errors = []
    for path in files:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            head = [file.readline(), file.readline()]
        # A script's first line says what runs it.
        line = head[1] if head[0].startswith("#!") else head[0]
        if SPDX not in line:
            errors.append(f"{path}:1: no line '{SPDX}'")
    return errors


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = sys.argv[1]
    table = read_table(os.path.join(root, "docs", "architecture.md"))
    files = list(source_files(root))
    errors = check_includes(root, table, files) + check_names(files) + check_licences(root, files)
    for error in errors:
        print(error)
    print(f"{len(files)} files, {len(table)} layers, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
