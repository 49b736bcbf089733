#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills conversions at any moment: a restart must end with the bytes of an undisturbed run.

Kills come at a random system call (by ptrace, where that is allowed) or after a random time, and
the same directory is converted again until it is finished. After each kill nothing may look
finished: meta.yaml is there only beside packages that are all old or all new. Then SIGTERM, SIGINT
and SIGHUP, which must leave no temporary files, for convert and for compile; and two conversions
into one directory.

On a slow machine (or under a sanitizer) it stops killing after the time given and says how far it
came.

usage: kill_conversion.py ANEMONE MODEL_DIR [KILLS [SEED [SECONDS]]]
"""
import ctypes
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

OPTIONS = ["--chunk", "3", "--lut1", "4", "--context", "128"]
OTHERS = ["--chunk", "3", "--lut1", "4", "--context", "256"]
STAGE = ".anemone-convert"
PTRACE_TRACEME, PTRACE_SYSCALL = 0, 24
libc = ctypes.CDLL(None, use_errno=True)
# A traced process cannot be searched for leaks.
TRACED = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")


def tree(folder):
    """Relative path -> content."""
    out = {}
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(path, name)
            with open(full, "rb") as file:
                out[os.path.relpath(full, folder)] = file.read()
    return out


def visible(folder):
    return {k: v for k, v in tree(folder).items() if not k.startswith(STAGE)}


class Converter:
    def __init__(self, anemone, model):
        self.start = [anemone, "convert", model, "-o"]

    def command(self, out, options):
        return self.start + [out] + options

    def run(self, out, options):
        done = subprocess.run(self.command(out, options), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def popen(self, out, options, **more):
        return subprocess.Popen(self.command(out, options), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, **more)


def trace_me():
    libc.ptrace(PTRACE_TRACEME, 0, None, None)


def traced(command, calls, number, look=lambda made: None):
    """Lets a program make so many system calls, then sends it a signal; look() after each. Gives
    how many it made before (None if tracing is not allowed) and its exit code, negative for a
    signal."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               preexec_fn=trace_me, env=TRACED)
    made, sent = 0, False
    while True:
        _, status = os.waitpid(process.pid, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            break
        if made == calls and not sent:
            os.kill(process.pid, number)
            sent = True
            if number == signal.SIGKILL:
                continue
        # A signal stops it too, and arrives when it is passed on.
        arriving = number if os.WSTOPSIG(status) == number else 0
        if libc.ptrace(PTRACE_SYSCALL, process.pid, None, arriving) != 0:
            os.kill(process.pid, signal.SIGKILL)
            made = calls = None
        if made is not None and not sent:
            look(made)
            made += 1
    process.returncode = 0  # it is reaped; Popen must not wait for it
    return made, os.waitstatus_to_exitcode(status)


def count_calls(command):
    """System calls of a whole run; None if it cannot be traced."""
    calls = traced(command, -1, signal.SIGKILL)[0] if sys.platform == "linux" else None
    return calls if calls and calls >= 100 else None  # it ran untraced


class Killer:
    """Chooses a moment, early and late ones alike, and many of the last, when files are moved."""

    def __init__(self, converter, folder, seed, seconds):
        self.converter, self.random = converter, random.Random(seed)
        self.killed, self.end = 0, time.monotonic() + seconds
        trial = os.path.join(folder, "trial")
        self.calls = count_calls(converter.command(trial, OPTIONS))
        shutil.rmtree(trial, ignore_errors=True)
        begin = time.monotonic()
        converter.run(trial, OPTIONS)
        self.seconds = time.monotonic() - begin
        shutil.rmtree(trial)

    def wants(self, kills):
        return self.killed < kills and time.monotonic() < self.end

    def kill(self, out, options):
        """A conversion that is over before its time came does not count."""
        if self.calls and self.random.random() < 0.5:
            low = self.random.choice([0, max(0, self.calls - 400)])
            calls = self.random.randint(low, self.calls)
            command = self.converter.command(out, options)
            self.killed += traced(command, calls, signal.SIGKILL)[0] == calls
            return
        process = self.converter.popen(out, options)
        try:
            process.wait(self.random.uniform(0, self.seconds))
        except subprocess.TimeoutExpired:
            process.kill()
        self.killed += process.wait() != 0


def check_looks(out, states, kill):
    if os.path.exists(os.path.join(out, "meta.yaml")):
        assert visible(out) in states, f"kill {kill}: meta.yaml beside parts of several conversions"


def check_end(converter, out, options, expected, kill):
    said = converter.run(out, options)
    assert tree(out) == expected, f"kill {kill}: the restart wrote something else"
    return "kept" in said


def fresh_kills(converter, killer, folder, expected, kills):
    """Into a new directory, killed a few times over; gives how many restarts kept parts."""
    out, kept = os.path.join(folder, "out"), 0
    while killer.wants(kills):
        killer.kill(out, OPTIONS)
        check_looks(out, [visible_of(expected)], killer.killed)
        if killer.random.random() < 0.5:
            kept += check_end(converter, out, OPTIONS, expected, killer.killed)
            shutil.rmtree(out)
    kept += check_end(converter, out, OPTIONS, expected, "last")
    shutil.rmtree(out)
    return kept


def visible_of(files):
    return {k: v for k, v in files.items() if not k.startswith(STAGE)}


def overwriting_kills(converter, killer, folder, old, new, kills):
    """Over a finished conversion with other options."""
    out = os.path.join(folder, "out")
    while killer.wants(kills):
        if not os.path.exists(out):
            shutil.copytree(os.path.join(folder, "old"), out)
        killer.kill(out, OPTIONS + ["--overwrite"])
        check_looks(out, [visible_of(old), visible_of(new)], killer.killed)
        if killer.random.random() < 0.5:
            check_end(converter, out, OPTIONS + ["--overwrite"], new, killer.killed)
            shutil.rmtree(out)
    shutil.rmtree(out, ignore_errors=True)


def litter(folder):
    return [os.path.join(path, name) for path, folders, names in os.walk(folder)
            for name in folders + names if name.endswith((".partial", ".old")) or name == "lock"]


def signals(converter, killer, folder, expected):
    """A conversion told to end keeps finished parts and nothing else."""
    out, stopped, turn = os.path.join(folder, "out"), 0, 0
    while stopped < 6 and turn < 40:
        number = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP][turn % 3]
        turn += 1
        process = converter.popen(out, OPTIONS)
        time.sleep(killer.random.uniform(0.1, 0.9) * killer.seconds)
        process.send_signal(number)
        code = process.wait()
        assert code in (0, 128 + number, -number), f"signal {number}: exit code {code}"
        assert not litter(folder), litter(folder)
        stopped += code == 128 + number
        check_looks(out, [visible_of(expected)], f"signal {number}")
        if code == 0:
            shutil.rmtree(out)
    check_end(converter, out, OPTIONS, expected, "signals")
    shutil.rmtree(out)
    assert stopped, "no signal came in time"
    return stopped


def stop_compile(killer, command, calls):
    """Its exit code; told to stop at a system call, or after a random time if calls is None."""
    if calls is not None:
        return traced(command, calls, signal.SIGTERM)[1]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(killer.random.uniform(0, 0.03))
    process.send_signal(signal.SIGTERM)
    return process.wait()


def changes(command, place):
    """Numbers of the system calls beside which the names in a directory change."""
    numbers, before = set(), sorted(os.listdir(place))

    def look(made):
        now = sorted(name for _, folders, files in os.walk(place) for name in folders + files)
        if now != before:
            numbers.update(range(max(0, made - 2), made + 3))
            before[:] = now

    made = traced(command, -1, signal.SIGKILL, look)[0] if sys.platform == "linux" else None
    return sorted(numbers) if made else []


def compile_signals(anemone, killer, folder, seconds):
    """A compilation told to stop, where files come and go if it can be traced: all or nothing."""
    package = os.path.join(folder, "old", "qwen_FFN_PF_chunk_01of03.mlpackage")
    place = os.path.join(folder, "compiled")
    command = [anemone, "compile", package, "-o", place]
    os.mkdir(place)
    found = changes(command, place)
    rest = found[10:-10]
    killer.random.shuffle(rest)
    moments = found[:10] + found[-10:] + rest + [None] * 6  # as far as the time reaches
    shutil.rmtree(place)
    end, stopped = time.monotonic() + seconds, 0
    for calls in moments:
        if time.monotonic() > end:
            break
        os.mkdir(place)
        code = stop_compile(killer, command, calls)
        assert code in (0, 128 + signal.SIGTERM, -signal.SIGTERM), code
        there = os.listdir(place)  # a signal may come when all is done
        assert there == [] if code > 0 else "partial" not in "".join(there), (calls, code, there)
        assert code != 0 or there
        stopped += code != 0
        shutil.rmtree(place)
    return stopped


def two_at_once(converter, folder, expected):
    out = os.path.join(folder, "out")
    both = [subprocess.Popen(converter.command(out, OPTIONS), stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [p.communicate()[1] for p in both]
    codes = [p.returncode for p in both]
    assert 0 in codes, said
    for code, text in zip(codes, said):
        assert code in (0, 3) and (code == 0 or "in use by another process" in text), text
    assert tree(out) == expected
    shutil.rmtree(out)


def main():
    anemone, model = sys.argv[1:3]
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 20
    seconds = float(sys.argv[5]) if len(sys.argv) > 5 else 40
    converter = Converter(anemone, model)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # to sync takes no time there
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        converter.run(os.path.join(folder, "new"), OPTIONS)
        converter.run(os.path.join(folder, "old"), OTHERS)
        new, old = (tree(os.path.join(folder, name)) for name in ("new", "old"))
        killer = Killer(converter, folder, seed, seconds)
        print(f"a conversion: {killer.seconds:.2f} s, {killer.calls or 'untraced'} system calls")
        kept = fresh_kills(converter, killer, folder, new, kills - kills // 3)
        overwriting_kills(converter, killer, folder, old, new, kills)
        stopped = signals(converter, killer, folder, new)
        compiles = compile_signals(anemone, killer, folder, seconds / 4)
        two_at_once(converter, folder, new)
        print(f"{killer.killed} of {kills} kills: every restart ended with the same bytes, {kept} "
              f"kept parts; {stopped} conversions and {compiles} compilations told to end did so "
              "in good order")


sys.exit(main())
