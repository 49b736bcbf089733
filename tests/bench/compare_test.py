#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/peers/compare.py beside programs that only print: what it asks, and what it refuses.

usage: compare_test.py COMPARE
"""
import json
import os
import subprocess
import sys
import tempfile

WEIGHTS = 596_000_000
OURS = """import json, sys
a = sys.argv
tokens = {"prefill": int(a[a.index("-p") + 1]), "decode": int(a[a.index("-n") + 1])}
cpu = a[a.index("--cpu") + 1] if "--cpu" in a else "all"
seconds = {"avx2": 2.0, "avx512": 1.0, "all": 0.5}[cpu]
print(json.dumps({"bandwidth": 3e10, "cases": [
    {"kind": kind, "tokens": n, "depth": int(a[a.index("-d") + 1]), "seconds": [seconds] * 2,
     "weight_bytes_per_token": 300e6 * (kind == "decode"), "cache_bytes_per_token": 0}
    for kind, n in tokens.items()]}))
"""
PEER = """import json, sys
a = sys.argv
value = lambda name, other: int(a[a.index(name) + 1]) if name in a else other
p, n = value("-p", 512), value("-n", 128)
print(json.dumps([{"n_prompt": p, "n_gen": n, "n_depth": value("-d", 0),
    "model_size": 335_300_000, "model_n_params": 596_000_000,
    "samples_ts": [p + n, p + n], "samples_ns": [10**9, 10**9]} | CHANGE]))
"""


def script(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!{sys.executable}\n{text}")
    os.chmod(path, 0o755)
    return path


class Bench:
    def __init__(self, compare, folder):
        self.compare, self.folder = compare, folder
        self.ours = script(folder, "anemone", OURS)
        self.failures = 0

    def peer(self, name, change):
        return script(self.folder, name, PEER.replace("CHANGE", repr(change)))

    def run(self, *options):
        results = os.path.join(self.folder, "results.json")
        done = subprocess.run(
            [sys.executable, self.compare, "--anemone", self.ours, "--models", self.folder,
             "--threads", "2", "--rounds", "1", "--only", "64, lut4", "--json", results, *options],
            capture_output=True, text=True, timeout=60)
        rows = []
        if done.returncode == 0:
            with open(results, encoding="utf-8") as file:
                rows = json.load(file)
        return rows, done.stderr

    def expect(self, what, holds, seen):
        if not holds:
            self.failures += 1
            print(f"{what}: {seen}")

    def refuses(self, what, change, *words):
        rows, said = self.run("--llama-bench", self.peer("changed", change))
        self.expect(what, not rows and all(word in said for word in words), (rows, said))


def levels(bench):
    """Each level is measured beside the peer that was built for it."""
    given = []
    for level, rate in ("avx2", 16.0), ("avx512", 128.0):
        peer = bench.peer(level, {"samples_ts": [rate] * 2, "samples_ns": [int(64e9 / rate)] * 2})
        given += ["--llama-bench", f"{level}={peer}"]
    rows, said = bench.run("--cpu", "avx2,avx512", *given)
    seen = [(row["level"], row["anemone"], row["llama.cpp"]["rate"], row["ratio"]) for row in rows]
    wanted = [("avx2", 32.0, 16.0, 2.0), ("avx512", 64.0, 128.0, 0.5)]
    bench.expect("two levels", seen == wanted, (seen, said))
    rows, said = bench.run("--cpu", "avx2", "--llama-bench", bench.peer("any", {}))
    bench.expect("a build for all instructions beside --cpu avx2",
                 not rows and "--llama-bench avx2=PROGRAM" in said, (rows, said))
    rows, said = bench.run("--llama-bench", bench.peer("any", {}))
    bench.expect("all instructions", [row["ratio"] for row in rows] == [2.0], (rows, said))
    twice = {"model_size": 422_800_000, "model_n_params": WEIGHTS + 151936 * 1024}
    rows, said = bench.run("--ik-bench", bench.peer("twice", twice))
    bench.expect("a tied head counted twice", len(rows) == 1, (rows, said))


def main():
    with tempfile.TemporaryDirectory() as folder:
        for model in "lut4", "q4_0.gguf":
            with open(os.path.join(folder, model), "wb"):
                pass
        bench = Bench(sys.argv[1], folder)
        levels(bench)
        bench.refuses("fewer tokens", {"n_prompt": 32}, "n_prompt is 32 instead of 64")
        bench.refuses("a prompt before", {"n_depth": 512}, "n_depth is 512 instead of 0")
        bench.refuses("one repeat", {"samples_ts": [64.0]}, "not one test of 2 repeats")
        bench.refuses("rates of other tokens", {"samples_ts": [128.0] * 2}, "are not 64 tokens")
        bench.refuses("other bits", {"model_size": 489_000_000}, "6.56 bits", "instead of 4.5")
        bench.refuses("another shape", {"model_size": 670_600_000, "model_n_params": 2 * WEIGHTS},
                      "1192000000 weights", "about 600000000")
    sys.exit(1 if bench.failures else 0)


if __name__ == "__main__":
    main()
