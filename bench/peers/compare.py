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
GGUF_BITS = {"q4_0": 4.5, "q6_k": 6.5625, "q8_0": 8.5, "bf16": 16}  # a weight, scales included
OWN_BITS = {"lut4": 4, "lut6": 6, "lut8": 8, "fp16": 16}  # without tables
TIED_HEAD = 151936 * 1024  # weights that are embeddings and head; ik_llama.cpp counts them twice
LONG = "lut4-4096"
BEST = ""  # no level named: all that the machine has
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


def fail(program, m, text):
    """A figure that is not what was asked for is worse than none."""
    sys.exit(f"{program}, {m.name()}: {text}")


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

    def __init__(self, options, level):
        self.options, self.level = options, level

    def rates(self, m, threads):
        """{"": tokens/s of each repeat}, and the time over that of reading the bytes."""
        case = ["-p", str(m.tokens), "-d", "0", "-n", "1"]
        if m.kind == "decode":
            case = ["-p", "1", "-d", str(m.depth), "-n", str(m.tokens)]
        cpu = ["--cpu", self.level] if self.level else []
        model = os.path.join(self.options.models, m.model)
        out = run([self.options.anemone, "bench", model, "-t", str(threads), "-r", str(REPEATS),
                   *case, *cpu, "--json"], self.options)
        found = [c for c in out["cases"]
                 if c["kind"] == m.kind and (c["tokens"], c["depth"]) == (m.tokens, m.depth)]
        if not found:
            sys.exit(f"{model}: no {m.name()}: is its context long enough?")
        rates = [m.tokens / s for s in found[0]["seconds"]]
        m.own_bytes = max(c["weight_bytes_per_token"] for c in out["cases"])  # decode's
        data = m.own_bytes + found[0].get("cache_bytes_per_token", 0)
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
            self.check(out, m)
            by_form["fa" + flash] = out[0]["samples_ts"]
        return by_form, 0

    def check(self, out, m):
        """That what it says it measured is what was asked for: tokens, depth, repeats, bits."""
        if len(out) != 1 or len(out[0]["samples_ts"]) != REPEATS:
            fail(self.program, m, f"not one test of {REPEATS} repeats")
        test = out[0]
        prompt = m.tokens if m.kind == "prefill" else m.depth if self.ik else 0
        tokens = {"n_prompt": prompt, "n_gen": m.tokens if m.kind == "decode" else 0}
        if not self.ik:
            tokens["n_depth"] = m.depth
        for field, asked in tokens.items():
            if test.get(field) != asked:
                fail(self.program, m, f"{field} is {test.get(field)} instead of {asked}")
        for rate, ns in zip(test["samples_ts"], test["samples_ns"]):
            if abs(rate * ns / 1e9 - m.tokens) > 0.01 * m.tokens:
                fail(self.program, m, f"{rate:.1f} tokens/s in {ns / 1e9:.3f} s are not "
                                      f"{m.tokens} tokens")
        check_size(self.program, m, test)


def check_size(program, m, test):
    """That both have one shape, each at its bits: norms and tables are all that may be more."""
    weights, size = test["model_n_params"], test["model_size"]
    bits = 8 * size / weights
    if not 0.99 < bits / GGUF_BITS[m.gguf] < 1.02:
        fail(program, m, f"{bits:.2f} bits a weight instead of {GGUF_BITS[m.gguf]}")
    own = 8 * m.own_bytes / OWN_BITS[m.bits]
    if not any(0.99 < own / counted < 1.12 for counted in (weights, weights - TIED_HEAD)):
        fail(program, m, f"{weights} weights, where our package has about {own:.0f}")


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


def report(m, threads, engines, peers, rates, limit):
    ours, _, spread = best(rates["anemone"])
    level = engines[0].level or "all"
    row = {"case": m.name(), "level": level, "threads": threads, "anemone": ours, "spread": spread}
    text = f"{level:10} {m.name():32} {threads:2} {ours:9.1f} +-{spread:4.1f} %"
    if limit:
        row["time_over_limit"] = 1 / ours / limit
        text += f"  {row['time_over_limit']:5.2f}"
    else:
        text += "      -"
    theirs = 0
    for name in peers:
        if name not in rates:
            text += f"  {'-':>20}"
            continue
        rate, form, spread = best(rates[name])
        row[name] = {"rate": rate, "form": form, "spread": spread}
        theirs = max(theirs, rate)
        text += f"  {rate:8.1f} +-{spread:4.1f} % {form}"
    if theirs:
        row["ratio"] = ours / theirs
        text += f"  {row['ratio']:5.2f}"
    print(text, flush=True)
    return row


def print_head(peers):
    columns = "".join(f"  {name + ' tokens/s':>20}" for name in peers)
    print(f"{'level':10} {'case':32} {'threads':>2} {'tokens/s':>5} {'':7}  {'/limit':>5}{columns}"
          "  ratio")


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
    p.add_argument("--llama-bench", action="append", default=[], metavar="[LEVEL=]PROGRAM",
                   help="of llama.cpp; once for each level that it was built for")
    p.add_argument("--ik-bench", action="append", default=[], metavar="[LEVEL=]PROGRAM",
                   help="llama-bench of ik_llama.cpp, likewise")
    p.add_argument("--threads", default="2,1")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", default="", help="cases whose name has this in it, as in 'decode'")
    p.add_argument("--cpu", default=BEST, metavar="LEVEL,..",
                   help="levels of instructions: ours is restricted to each, beside the peers "
                        "given for it (default: all that the machine has)")
    p.add_argument("--flash-attn", default="1", help="forms of the peers to try: 0, 1 or 0,1")
    p.add_argument("--prefix", default="", help="before every command, as in 'chrt -f 50'")
    p.add_argument("--timeout", type=float, default=600, help="seconds for each start")
    p.add_argument("--json", help="file for the results")
    options = p.parse_args()
    if options.make and not options.tools:
        p.error("--make needs --tools")
    return options


def by_level(programs):
    """{level: program} of [LEVEL=]PROGRAM, a path with = in it being one."""
    found = {}
    for text in programs:
        level, equals, program = text.partition("=")
        if equals and "/" not in level:
            found[level] = program
        else:
            found[BEST] = text
    return found


def engines_of(options, level):
    """Ours restricted to the level, and the peers built for it; no other build stands in."""
    engines = [Anemone(options, level)]
    for name, given in ("llama.cpp", options.llama_bench), ("ik", options.ik_bench):
        program = by_level(given).get(level)
        if program:
            engines.append(LlamaBench(name, program, options, name == "ik"))
    if (options.llama_bench or options.ik_bench) and len(engines) == 1:
        sys.exit(f"no peer was given for --cpu {level}: --llama-bench {level}=PROGRAM"
                 if level else "peers are given for other levels only: name them with --cpu")
    return engines


def main():
    options = parse()
    cases = [m for m in measurements() if options.only in m.name()]
    levels = {level: engines_of(options, level) for level in options.cpu.split(",")}
    if options.make:
        make_models(options)
    peers = list(dict.fromkeys(e.name for engines in levels.values() for e in engines[1:]))
    print_head(peers)
    rows = []
    for threads in options.threads.split(","):
        for engines in levels.values():
            for m in cases:
                prepare_case(options, m)
                rates, limit = take_turns(engines, m, int(threads), options.rounds)
                rows.append(report(m, int(threads), engines, peers, rates, limit))
                if options.json:
                    with open(options.json, "w") as out:
                        json.dump(rows, out, indent=1)


if __name__ == "__main__":
    main()
