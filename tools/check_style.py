#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what a formatter would, and the length of functions.

usage: check_style.py text ROOT       tabs, trailing spaces, long lines, markers of unfinished work
       check_style.py functions ROOT  functions over 100 lines; needs universal-ctags, without it
                                      exits 77

tools/style-allow.txt names, each with its reason, functions that may be longer ("path:function")
and files whose lines may be longer ("path:columns"). Entries no longer needed are pointed out.
"""
import os
import re
import shutil
import subprocess
import sys

ROOTS = ("bench", "include", "src", "tests", "tools", "docs")
CODE = (".c", ".h", ".py", ".proto", ".sh", "meson.build")
MAX_COLUMNS = 100
MAX_FUNCTION = 100
# Put together here, so that this file does not find itself.
MARKER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
SKIPPED = 77
ALLOW = "tools/style-allow.txt"
LONG_LINE = "{} columns, at most " + str(MAX_COLUMNS)


def read_allowed(root):
    """'path:function' or 'path:columns' -> reason."""
    allowed, path = {}, os.path.join(root, ALLOW)
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith("#"):
                continue
            name, _, reason = line.strip().partition(" ")
            if ":" not in name or len(reason.strip()) < 10:
                sys.exit(f"{path}:{number}: expected 'path:function reason'")
            allowed[name] = reason.strip()
    return allowed


def point_out(unused):
    for name in sorted(unused):
        print(f"note: {ALLOW}: {name} is not needed any more")


def files_below(root, endings):
    for top in ROOTS:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__pycache__")))
            # Data of the tests may hold anything.
            if os.path.relpath(folder, root).replace(os.sep, "/") == "tests":
                folders[:] = [f for f in folders if f != "data"]
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def check_line(line, max_columns):
    text = line.rstrip("\n")
    if text != text.rstrip():
        yield "space at the end of the line"
    if "\t" in text:
        yield "a tab"
    if "\r" in text:
        yield "a carriage return"
    if len(text) > max_columns:
        yield LONG_LINE.format(len(text))
    if MARKER.search(text):
        yield "a marker of unfinished work"


def check_text(root):
    allowed = {name for name in read_allowed(root) if name.endswith(":columns")}
    errors, count, unused = [], 0, set(allowed)
    for path in files_below(root, CODE + (".md", ".mil")):
        count += 1
        with open(os.path.join(root, path), encoding="utf-8", newline="") as file:
            lines = file.readlines()
        limit = MAX_COLUMNS if path.endswith(CODE) else sys.maxsize
        if f"{path}:columns" in allowed:
            if any(len(line) > limit + 1 for line in lines):
                unused.discard(f"{path}:columns")
            limit = sys.maxsize
        for number, line in enumerate(lines, 1):
            errors += [f"{path}:{number}: {error}" for error in check_line(line, limit)]
        if path.endswith(CODE) and lines and not lines[-1].endswith("\n"):
            errors.append(f"{path}:{len(lines)}: no newline at the end")
    point_out(unused)
    return errors, f"{count} files"


def universal_ctags():
    for name in ("ctags", "universal-ctags", "ctags-universal"):
        path = shutil.which(name)
        if not path:
            continue
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if "Universal Ctags" in version.stdout:
            return path
    return None


def function_lengths(root, ctags):
    """(path, name, first line, lines) of every C function."""
    files = list(files_below(root, (".c", ".h")))
    command = [ctags, "--options=NONE", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f",
               "--fields=+ne", "-f", "-", "-L", "-"]
    result = subprocess.run(command, input="\n".join(files), capture_output=True, text=True,
                            check=True, cwd=root)
    for line in result.stdout.splitlines():
        if line.startswith("!"):
            continue
        head, _, fields = line.partition(';"\t')
        name, path = head.split("\t")[:2]
        values = dict(field.split(":", 1) for field in fields.split("\t") if ":" in field)
        if "end" in values:
            first = int(values["line"])
            yield path, name, first, int(values["end"]) - first + 1


def check_functions(root):
    ctags = universal_ctags()
    if not ctags:
        print("SKIPPED: function lengths: universal-ctags is not installed")
        sys.exit(SKIPPED)
    allowed = {name for name in read_allowed(root) if not name.endswith(":columns")}
    errors, lengths, unused = [], [], set(allowed)
    for path, name, first, lines in function_lengths(root, ctags):
        lengths.append(lines)
        if lines <= MAX_FUNCTION:
            continue
        if f"{path}:{name}" in allowed:
            unused.discard(f"{path}:{name}")
        else:
            errors.append(f"{path}:{first}: {name} has {lines} lines, at most {MAX_FUNCTION} "
                          f"unless {ALLOW} gives the reason")
    point_out(unused)
    lengths.sort()
    if not lengths:
        sys.exit("ctags found no function at all")
    median, p90 = lengths[len(lengths) // 2], lengths[len(lengths) * 9 // 10]
    return errors, f"{len(lengths)} functions, lines: median {median}, p90 {p90}"


def main():
    checks = {"text": check_text, "functions": check_functions}
    if len(sys.argv) != 3 or sys.argv[1] not in checks:
        sys.exit(__doc__)
    errors, summary = checks[sys.argv[1]](sys.argv[2])
    for error in errors:
        print(error)
    print(f"{summary}, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
