#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How exact the engine is: the table of docs/accuracy.md.

Converts the demo model and stories260K with every width of tables, takes the fixtures' own
packages, and holds the logits of each level of instructions against the interpreter's fp32
arithmetic of the same packages (bench/engine_accuracy.c). Exits with 1 when a bar is missed.

usage: bench/accuracy.py BUILD_DIR [--tokens N] [--only WORD] [--fixtures DIR]
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FORMS = [("fp16", [])]
FORMS += [(f"LUT{b}", ["--lut1", str(b), "--lut2", str(b), "--lut3", str(b)])
          for b in (1, 2, 3, 4, 6, 8)]
FORMS += [("LUT4 columns", ["--lut2", "4", "--lut3", "4", "--lut-axis", "1"]),
          ("LUT4 tensor", ["--lut2", "4", "--lut3", "4", "--per-tensor"]),
          ("LUT4 scales", ["--lut2", "4", "--lut3", "4", "--per-channel-scale"])]


def converted(build, scratch, source, form):
    name, options = form
    out = os.path.join(scratch, os.path.basename(source) + "-" + name.replace(" ", "-"))
    subprocess.run([f"{build}/src/cli/anemone", "convert", source, "-o", out, *options],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


def models(args, scratch):
    """Yields name, form, directory, and what tells engine_accuracy the tokens."""
    text = f"{ROOT}/models/demo/heldout-chats.txt"
    for form in FORMS:
        if args.only in "demo " + form[0]:
            out = converted(args.build, scratch, f"{ROOT}/models/demo", form)
            yield "demo", form[0], out, [str(args.tokens), text]
    stories = f"{args.fixtures}/models/stories260K-hf"
    if not os.path.isdir(stories):
        print("SKIPPED: no fixtures (--fixtures DIR)", file=sys.stderr)
        return
    ids = json.load(open(f"{stories}/greedy_reference.json"))["greedy_ids"]
    for form in FORMS:
        if args.only in "stories260K " + form[0]:
            out = converted(args.build, scratch, stories, form)
            yield "stories260K", form[0], out, ["--ids", *map(str, ids)]
    for meta in sorted(glob.glob(f"{args.fixtures}/anemll/*/*/*.mlpackage")):
        folder = os.path.dirname(meta)
        model, form = folder.split("/")[-2:]
        if meta != min(glob.glob(f"{folder}/*.mlpackage")) or args.only not in f"{model} {form}":
            continue
        ids = json.load(open(f"{args.fixtures}/anemll/{model}/tokens.json"))["tokens"]
        yield model, form, folder, ["--ids", *map(str, ids)]


def measure(build, folder, tokens):
    done = subprocess.run([f"{build}/bench/engine_accuracy", folder, *tokens], text=True,
                          capture_output=True)
    if done.returncode > 1:
        sys.exit(f"{folder}: {done.stderr}")
    rows = [line.split() for line in done.stdout.splitlines()]
    return {(r[0], r[1]): r for r in rows}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--only", default="")
    parser.add_argument("--fixtures", default=os.environ.get("ANM_FIXTURES", ""))
    args = parser.parse_args()
    missed, worst, levels = [], {}, None
    with tempfile.TemporaryDirectory() as scratch:
        for model, form, folder, tokens in models(args, scratch):
            rows = measure(args.build, folder, tokens)
            if levels is None:
                levels = list(dict.fromkeys(level for level, _ in rows))
                print("| model | weights |", " | ".join(levels), "|")
                print("|---" * (len(levels) + 2) + "|")
            cells = [" / ".join("%.1e" % float(rows[level, path][2])
                                for path in ("decode", "prefill")) for level in levels]
            print(f"| {model} | {form} |", " | ".join(cells), "|", flush=True)
            for (level, path), r in rows.items():
                w = worst.setdefault((level, path), [0.0, 0.0, 1.0, 0.0])
                w[0], w[1] = max(w[0], float(r[2])), max(w[1], float(r[3]))
                w[2], w[3] = min(w[2], float(r[5])), max(w[3], float(r[6]))
                if r[7] != "held" and level != "interpreter":
                    missed.append(f"{model} {form} {' '.join(r)}")
    print("\n| level | path | largest mean KL | largest KL of a token | least top-1 |"
          " widest margin turned, in rms |\n|---|---|---|---|---|---|")
    for (level, path), w in worst.items():
        print(f"| {level} | {path} | {w[0]:.1e} | {w[1]:.1e} | {100 * w[2]:.1f} % | {w[3]:.1f} |")
    print("\n" + ("\n".join("missed: " + m for m in missed) if missed else "All bars are held."))
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
