#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the programs of examples/ on the demo model and checks what they say.

usage: run_examples.py EXAMPLES_DIR DEMO_MODEL [ANEMONE]

The checkpoint is converted by the example for it, into two chunks by the command if that is given.
What the command is given for is compared with what the command itself answers.
"""
import os
import subprocess
import sys
import tempfile

PROMPT = "Once upon a time there was a little girl who lived in a house near the forest. She"
LONG = " ".join([PROMPT] * 6)  # several batches of prefill
TOKENS = "24"


class Runner:
    def __init__(self, folder, where):
        self.folder, self.where = folder, where

    def __call__(self, name, *words, text=None, code=0):
        program = name if os.path.isabs(name) else os.path.join(self.folder, "example-" + name)
        done = subprocess.run([program, *words], cwd=self.where, input=text or "", text=True,
                              capture_output=True, timeout=120, check=False)
        if done.returncode != code:
            sys.exit(f"{name} {words}: exit {done.returncode}, not {code}\n{done.stdout}"
                     f"{done.stderr}")
        return done.stdout, done.stderr


def expect(what, truth):
    if not truth:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def ids_of_stream(text):
    return [line.split(" ")[0] for line in text.splitlines()
            if line.split(" ")[0].lstrip("-").isdigit() and not line.startswith("-1 ")]


def check_convert(run, demo):
    said, progress = run("convert", demo, "out")
    names = said.split()
    expect("convert lists what it wrote", all(os.path.exists(os.path.join(run.where, "out", name))
                                             for name in names) and len(names) > 3)
    expect("convert shows progress up to the end", "100 %" in progress)
    run("convert", demo, "/dev/null/out", code=1)
    return sorted(name for name in names if name.endswith(".mlpackage"))


def parts_of(run, out):
    names = sorted(n for n in os.listdir(os.path.join(run.where, out)) if n.endswith(".mlpackage"))
    pick = lambda word: [os.path.join(out, n) for n in names if word in n]
    return pick("_embeddings") + pick("_FFN_") + pick("_lm_head")


def check_pipeline(run, out):
    for name, prompt in (("short", PROMPT), ("long", LONG)):
        streamed, _ = run("stream", out, prompt, TOKENS)
        by_hand, _ = run("pipeline", prompt, TOKENS, out, *parts_of(run, out))
        expect(f"{out}, a {name} prompt: the pipeline by hand gives anm_generate's tokens",
               len(by_hand.split()) > 4 and by_hand.split() == ids_of_stream(streamed))
    run("pipeline", PROMPT, TOKENS, out, *parts_of(run, out)[:-1], "absent.mlpackage", code=1)


def check_sampler(run):
    streamed, _ = run("stream", "out", PROMPT, TOKENS)
    greedy, _ = run("sampler", "out", PROMPT, TOKENS, "0")
    expect("a sampler that avoids nothing is greedy", greedy.split() == ids_of_stream(streamed))
    varied = run("sampler", "out", PROMPT, TOKENS, "8")[0].split()
    windows = [varied[i:i + 8] for i in range(len(varied))]
    expect("a sampler that avoids the last 8 repeats none of them",
           varied and all(len(set(w)) == len(w) for w in windows))


def check_stream(run):
    said, why = run("stream", "out", PROMPT, TOKENS)
    expect("stream tells why it ended", "enough tokens" in why or "the model ended" in why)
    words = "".join(line.split('"', 1)[1].rsplit('"', 1)[0] for line in said.splitlines()
                    if '"' in line).split()
    said, why = run("stream", "out", PROMPT, "200", "--until", words[2])
    expect("the callback stops", "the callback stopped" in why and words[2] in said)


def check_chat(run, anemone):
    questions = "Who are you?\nTell me a story.\n"
    said, _ = run("chat", "out", text=questions)
    expect("chat answers twice", len(said.strip().splitlines()) >= 2)
    if anemone:
        expect("chat says what `anemone chat` says",
               said == run(anemone, "chat", "out", text=questions)[0])
    run("chat", "absent", code=1)


def check_predict(run):
    head = parts_of(run, "out")[-1]
    zeros, _ = run("predict", head)
    ones, _ = run("predict", head + ":main", "hidden_states=1,-2")
    expect("predict runs on named inputs", zeros != ones and ones.startswith("logits1:"))
    run("predict", head, "nothing=1", code=1)
    run("predict", head + ":absent", code=1)


def main():
    folder, demo = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    anemone = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
    with tempfile.TemporaryDirectory() as where:
        run = Runner(folder, where)
        check_convert(run, demo)
        check_pipeline(run, "out")
        if anemone:
            run(anemone, "convert", demo, "-o", "two", "--chunk", "2")
            check_pipeline(run, "two")
        check_stream(run)
        check_sampler(run)
        check_chat(run, anemone)
        check_predict(run)


main()
