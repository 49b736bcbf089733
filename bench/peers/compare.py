#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""anemone beside llama.cpp and ik_llama.cpp, on models of one shape and as many bits.

Every round starts each program once for a measurement, one after the other, so that a slow moment
of the machine does not fall on one of them alone; what is printed are medians over the rounds.
The peers are built by whoever runs this. See README.md in this folder.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys

SHAPE = "qwen3-0.6b"
PAIRS = {  # our package's options; the peers' type
    "lut4": (["--lut1", "4", "--lut2", "4", "--lut3", "4"], "q4_0"),
    "lut6": (["--lut1", "6", "--lut2", "6", "--lut3", "6"], "q6_k"),
    "lut8": (["--lut1", "8", "--lut2", "8", "--lut3", "8"], "q8_0"),
    "fp16": ([], "bf16"),
}
LONG = "lut4-4096"
REPEATS = 2  # of each start; the first is warmed up


class Measurement:
    """Prefill of `tokens`, or as many generated `depth` tokens into the text."""

    def __init__(self, kind, model, tokens, depth=0):
        self.kind, self.model, self.tokens, self.depth = kind, model, tokens, depth
        self.bits = model.split("-")[0]
        self.gguf = PAIRS[self.bits][1]

    def name(self):
        at = f" at {self.depth}" if self.kind == "decode" else ""
        return f"{self.kind} {self.tokens}{at}, {self.bits} / {self.gguf}"


def measurements():
    for model in PAIRS:
        yield Measurement("decode", model, 32)
    for depth in 512, 2048:
        yield Measurement("decode", LONG, 16, depth)
    for tokens in 64, 512:
        for model in PAIRS:
            yield Measurement("prefill", model, tokens)


def run(command, options):
    done = subprocess.run(shlex.split(options.prefix) + command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=options.timeout)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)}\nfailed with {done.returncode}:\n{done.stderr[-2000:]}")
    try:
        return json.loads(done.stdout[done.stdout.index("[" if command[-1] != "--json" else "{"):])
    except ValueError:
        sys.exit(f"{shlex.join(command)}\nprinted no JSON:\n{done.stdout[-2000:]}")


class Anemone:
    name = "anemone"

    def __init__(self, options):
        self.options = options

    def rates(self, m, threads):
        """{"": tokens/s of each repeat}, and the time over that of reading the bytes."""
        case = ["-p", str(m.tokens), "-d", "0", "-n", "1"]
        if m.kind == "decode":
            case = ["-p", "1", "-d", str(m.depth), "-n", str(m.tokens)]
        cpu = ["--cpu", self.options.cpu] if self.options.cpu else []
        model = os.path.join(self.options.models, m.model)
        out = run([self.options.anemone, "bench", model, "-t", str(threads), "-r", str(REPEATS),
                   *case, *cpu, "--json"], self.options)
        found = [c for c in out["cases"]
                 if c["kind"] == m.kind and (c["tokens"], c["depth"]) == (m.tokens, m.depth)]
        if not found:
            sys.exit(f"{model}: no {m.name()}: is its context long enough?")
        rates = [m.tokens / s for s in found[0]["seconds"]]
        data = found[0]["weight_bytes_per_token"] + found[0].get("cache_bytes_per_token", 0)
        limit = data / out["bandwidth"] if m.kind == "decode" else 0
        return {"": rates}, limit


class LlamaBench:
    """llama-bench, of llama.cpp (depth by -d) or of ik_llama.cpp (by -gp, weights repacked)."""

    def __init__(self, name, program, options, ik):
        self.name, self.program, self.options, self.ik = name, program, options, ik

    def case(self, m):
        if m.kind == "prefill":
            return ["-p", str(m.tokens), "-n", "0"]
        if not m.depth:
            return ["-p", "0", "-n", str(m.tokens)]
        if self.ik:
            return ["-p", "0", "-n", "0", "-gp", f"{m.depth},{m.tokens}"]
        return ["-p", "0", "-n", str(m.tokens), "-d", str(m.depth)]

    def rates(self, m, threads):
        """{"fa0": .., "fa1": ..}: with and without the peer's fused attention."""
        model = os.path.join(self.options.models, m.gguf + ".gguf")
        repack = ["-rtr", "1"] if self.ik else []
        by_form = {}
        for flash in self.options.flash_attn.split(","):
            out = run([self.program, "-m", model, "-t", str(threads), "-r", str(REPEATS), "-fa",
                       flash, *self.case(m), *repack, "-o", "json"], self.options)
            by_form["fa" + flash] = [rate for test in out for rate in test["samples_ts"]]
        return by_form, 0


def take_turns(engines, m, threads, rounds):
    """{engine: {form: rates}}, and the median limit in seconds."""
    rates, limits = {e.name: {} for e in engines}, []
    for _ in range(rounds):
        for engine in engines:
            forms, limit = engine.rates(m, threads)
            for form, samples in forms.items():
                rates[engine.name].setdefault(form, []).extend(samples)
            if limit:
                limits.append(limit)
    return rates, statistics.median(limits) if limits else 0


def best(forms):
    """The faster form's median, its name, and half its range in percent."""
    form = max(forms, key=lambda f: statistics.median(forms[f]))
    rate = statistics.median(forms[form])
    return rate, form, 50 * (max(forms[form]) - min(forms[form])) / rate


def report(m, threads, engines, rates, limit):
    ours, _, spread = best(rates["anemone"])
    row = {"case": m.name(), "threads": threads, "anemone": ours, "spread": spread}
    text = f"{m.name():32} {threads:2} {ours:9.1f} +-{spread:4.1f} %"
    if limit:
        row["time_over_limit"] = 1 / ours / limit
        text += f"  {row['time_over_limit']:5.2f}"
    else:
        text += "      -"
    theirs = 0
    for engine in engines[1:]:
        rate, form, spread = best(rates[engine.name])
        row[engine.name] = {"rate": rate, "form": form, "spread": spread}
        theirs = max(theirs, rate)
        text += f"  {rate:8.1f} +-{spread:4.1f} % {form}"
    if theirs:
        row["ratio"] = ours / theirs
        text += f"  {row['ratio']:5.2f}"
    print(text, flush=True)
    return row


def print_head(engines):
    peers = "".join(f"  {e.name + ' tokens/s':>20}" for e in engines[1:])
    print(f"{'case':32} {'threads':>2} {'tokens/s':>5} {'':7}  {'/limit':>5}{peers}  ratio")


def make_models(options):
    """The checkpoint, our packages and the peers' files, those that are not there yet."""
    at = lambda name: os.path.join(options.models, name)
    os.makedirs(options.models, exist_ok=True)
    tools = options.tools

    def make(path, *command):
        if not os.path.exists(path):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    make(at("checkpoint"), os.path.join(tools, "make_checkpoint"), at("checkpoint"), "--preset",
         SHAPE)
    for name, (bits, gguf) in PAIRS.items():
        make(at(name), options.anemone, "convert", at("checkpoint"), "-o", at(name), *bits)
        make(at(gguf + ".gguf"), os.path.join(tools, "make_gguf"), at("checkpoint"),
             at(gguf + ".gguf"), gguf)
    make(at(LONG), options.anemone, "convert", at("checkpoint"), "-o", at(LONG), "-c", "4096",
         *PAIRS["lut4"][0])


def files_of(path):
    if os.path.isfile(path):
        yield path
    for folder, _, names in os.walk(path):
        for name in names:
            yield os.path.join(folder, name)


def forget(path):
    """Drops files from the page cache."""
    for name in files_of(path):
        with open(name, "rb", buffering=0) as file:
            if hasattr(os, "posix_fadvise"):
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_all(path):
    for name in files_of(path):
        with open(name, "rb", buffering=0) as file:
            while file.read(1 << 24):
                pass


def prepare_case(options, case):
    """Has this case's files in the page cache and no others, read in the same way.

    On virtual machines some of the memory is slower than the rest; what fills the cache first
    gets the better part. How the files were written no longer counts either.
    """
    forget(options.models)
    for name in (case.model, case.gguf + ".gguf"):
        read_all(os.path.join(options.models, name))


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--anemone", required=True, help="the command")
    p.add_argument("--models", required=True, help="folder of packages and GGUF files")
    p.add_argument("--make", action="store_true", help="first make the models that are missing")
    p.add_argument("--tools", help="folder of make_checkpoint and make_gguf (build/bench)")
    p.add_argument("--llama-bench", help="of llama.cpp")
    p.add_argument("--ik-bench", help="llama-bench of ik_llama.cpp")
    p.add_argument("--threads", default="2,1")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", default="", help="cases whose name has this in it, as in 'decode'")
    p.add_argument("--cpu", help="our level of instructions, for peers built alike")
    p.add_argument("--flash-attn", default="1", help="forms of the peers to try: 0, 1 or 0,1")
    p.add_argument("--prefix", default="", help="before every command, as in 'chrt -f 50'")
    p.add_argument("--timeout", type=float, default=600, help="seconds for each start")
    p.add_argument("--json", help="file for the results")
    options = p.parse_args()
    if options.make and not options.tools:
        p.error("--make needs --tools")
    return options


def main():
    options = parse()
    cases = [m for m in measurements() if options.only in m.name()]
    if options.make:
        make_models(options)
    engines = [Anemone(options)]
    if options.llama_bench:
        engines.append(LlamaBench("llama.cpp", options.llama_bench, options, False))
    if options.ik_bench:
        engines.append(LlamaBench("ik", options.ik_bench, options, True))
    print_head(engines)
    rows = []
    for threads in options.threads.split(","):
        for m in cases:
            prepare_case(options, m)
            rates, limit = take_turns(engines, m, int(threads), options.rounds)
            rows.append(report(m, int(threads), engines, rates, limit))
            if options.json:
                with open(options.json, "w") as out:
                    json.dump(rows, out, indent=1)


if __name__ == "__main__":
    main()
