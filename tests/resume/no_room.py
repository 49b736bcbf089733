#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Full disks, read-only ones, folders that one may not write to, limits on the size of files.

Every command that writes must say where and why it could not, with exit code 3, and leave nothing
half-written; a conversion goes on when there is room. A disk of a few megabytes needs the right to
mount; where that is missing the test says so, and the limit on file size stands in for it.

usage: no_room.py ANEMONE MODEL_DIR
"""
import contextlib
import os
import resource
import subprocess
import sys
import tempfile

OPTIONS = ["--chunk", "3", "--context", "128"]
NOBODY = 65534


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    return done.returncode, done.stderr


def names(folder):
    return sorted(os.path.relpath(os.path.join(path, name), folder)
                  for path, folders, files in os.walk(folder) for name in folders + files)


def expect(result, reason):
    code, said = result
    assert code == 3, (code, said)
    lines = [line for line in said.splitlines() if line.startswith("anemone: ")]
    errors = [line for line in lines if "warning: " not in line and "raised at " not in line]
    assert len(errors) == 1 and reason in errors[0], said


class Commands:
    """Each command with an output below a folder; the packages are made before."""

    def __init__(self, anemone, model, parts):
        self.anemone, self.model = anemone, model
        self.ffn = os.path.join(parts, "qwen_FFN_PF_chunk_01of03.mlpackage")
        self.head = os.path.join(parts, "qwen_lm_head.mlpackage")

    def convert(self, out):
        return [self.anemone, "convert", self.model, "-o", out] + OPTIONS

    def others(self, folder):
        yield [self.anemone, "compile", self.ffn, "-o", folder]
        yield [self.anemone, "combine", self.ffn + ":infer", self.head + ":head", "-o",
               os.path.join(folder, "c.mlpackage")]
        yield [self.anemone, "split", self.ffn, "-o", folder]


@contextlib.contextmanager
def disk(folder, size):
    """A file system of that size; None without the right to mount one."""
    os.mkdir(folder)
    code, _ = run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield folder if code == 0 else None
    finally:
        if code == 0:
            run("umount", folder)
        os.rmdir(folder)


def full_disk(commands, folder, reference):
    with disk(os.path.join(folder, "disk"), "1500k") as place:
        if not place:
            print("SKIPPED: a full disk (no right to mount a small one)")
            return
        for command in commands.others(place):
            expect(run(*command), "No space left on device")
            assert names(place) == [], names(place)
        out = os.path.join(place, "out")
        expect(run(*commands.convert(out)), "No space left on device")
        assert os.listdir(out) == [".anemone-convert"], names(out)
        assert not any("partial" in name for name in names(out)), names(out)
        assert run("mount", "-o", "remount,size=32m", place)[0] == 0
        assert run(*commands.convert(out))[0] == 0
        assert run("diff", "-r", out, reference)[0] == 0
        assert run("mount", "-o", "remount,ro", place)[0] == 0
        expect(run(*commands.convert(os.path.join(place, "more"))), "Read-only file system")
        for command in commands.others(os.path.join(place, "more")):
            expect(run(*command), "Read-only file system")


def file_limit(commands, folder):
    place = os.path.join(folder, "limited")
    os.mkdir(place)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

    for command in commands.others(place):
        expect(run(*command, preexec_fn=limit), "File too large")
        assert names(place) == [], names(place)
    expect(run(*commands.convert(os.path.join(place, "out")), preexec_fn=limit), "File too large")
    assert names(place) == [], names(place)


def no_permission(commands, folder):
    place = os.path.join(folder, "closed")
    os.mkdir(place, 0o555)
    who = {"user": NOBODY, "group": NOBODY} if os.getuid() == 0 else {}
    if who and run(commands.anemone, "--version", **who)[0] != 0:
        print("SKIPPED: folders without permission (the command cannot be run by another user)")
        return
    for command in [commands.convert(os.path.join(place, "out")), *commands.others(place)]:
        expect(run(*command, **who), "Permission denied")
        assert names(place) == [], names(place)


def main():
    anemone, model = map(os.path.abspath, sys.argv[1:3])
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        os.chmod(folder, 0o755)
        reference = os.path.join(folder, "reference")
        commands = Commands(anemone, model, reference)
        assert run(*commands.convert(reference))[0] == 0
        full_disk(commands, folder, reference)
        file_limit(commands, folder)
        no_permission(commands, folder)
    return 0


sys.exit(main())
