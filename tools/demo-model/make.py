#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Retrain the demo model from nothing: make.py [--minutes M] [--out DIR]

Needs Debian's python3-torch and python3-numpy (and, for speed,
libopenblas0-pthread); no network, no GPU, no other package.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
STEPS = 3300, 828      # as shipped


def run(script, *args):
    # Large blocks are kept by malloc: without this torch asks the system anew
    # for every tensor.
    env = dict(os.environ, MALLOC_MMAP_THRESHOLD_="4000000000",
               MALLOC_TRIM_THRESHOLD_="8000000000", MALLOC_TOP_PAD_="268435456")
    print("+", script, *args, flush=True)
    subprocess.run([sys.executable, os.path.join(HERE, script), *args], env=env, check=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", default=os.path.join(ROOT, "models", "demo"))
    ap.add_argument("--fixtures", default=os.path.join(ROOT, "tests", "data"))
    ap.add_argument("--minutes", type=float, default=1e9, help="let the clock end the training")
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    os.makedirs(a.out, exist_ok=True)
    os.makedirs(a.fixtures, exist_ok=True)
    if not os.path.exists(a.out + "/README.md"):
        shutil.copy(os.path.join(ROOT, "models", "demo", "README.md"), a.out)
    common = ["--tokenizer", a.out + "/tokenizer.json", "--out", a.out, "--threads", str(a.threads)]
    work = tempfile.mkdtemp(prefix="demo-model-")
    try:
        run("corpus.py", "tokenizer", a.out, "2048")
        # all kinds of document first, then more of what is learned late
        run("corpus.py", "build", a.out, work + "/first.npz", "16", "1")
        run("train.py", "--corpus", work + "/first.npz", "--steps", str(STEPS[0]),
            "--minutes", str(a.minutes * 0.75), *common)
        run("corpus.py", "build", a.out, work + "/last.npz", "5", "2", "last")
        run("train.py", "--corpus", work + "/last.npz", "--steps", str(STEPS[1]),
            "--minutes", str(a.minutes * 0.25), "--init", a.out, "--seed", "2",
            "--lr", "1.6e-3", "--muon", "0.012", *common)
        run("balance.py", a.out)
        run("corpus.py", "heldout", a.out)
        run("evaluate.py", a.out, "--json", a.out + "/evaluation.json")
        run("card.py", a.out)
        run("fixtures.py", a.out, a.fixtures)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
