#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the commands of README.md and docs/*.md, so that none of them is wrong.

usage: run_docs.py ANEMONE SOURCE_ROOT [--list | PAGE ...]

Commands are the lines of ```sh blocks, and of blocks without a language and indented blocks that
begin with what looks like one. Each page has a sandbox, in which its commands run in order; what
they name (MODEL_DIR, OUT, FILE, X.mlpackage, ...) is put there before, from the demo model. Parts
in [brackets] are run with, the first of [--a|--b]. What -o names is removed before.

Not run is what NOT_RUN lists, with the reason, and blocks that say so: ```sh norun=REASON. Commands
that are not run, and those within `anemone ...` spans of the text, must still exist, with all of
their options.
"""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

REASONS = {
    "network": "it needs the network",
    "build": "it builds the whole tree, or runs all tests",
    "server": "it runs until it is stopped; tests/cli and tests/serve have it",
    "long": "it takes minutes and gigabytes",
    "mac": "it needs macOS",
    "setup": "it needs what the tests do not have: torch, or a checkout of coremltools",
}
NOT_RUN = (
    (r"make [a-z0-9]+", "build"),
    (r"(apt|apt-get|brew|npm|pip|git|curl|wget|huggingface-cli)\b.*", "network"),
    (r"anemone pull\b.*", "network"),
    (r"anemone (path|rm) (?!OUT).*", "network"),  # of what was pulled
    (r"(\w+=\S+ )*anemone serve\b.*", "server"),
    (r"(time |/usr/bin/time -v )?build/.*", "long"),
    (r"bench/.*", "long"),
    (r"python3 (tools/demo-model/|tools/coremltools_check).*", "setup"),
    (r"xcrun\b.*", "mac"),
)
# Run as they stand but for how much they do: what takes long is measured by those who want to know.
SHORTER = (
    (r"anemone eval (perplexity|compare)\b.*", "--max-tokens", "60"),
    (r"anemone verify .*--against.*", "--max-tokens", "20"),
    (r"anemone (run|chat)\b.*", "--max-tokens", "8"),
    (r"anemone bench\b.*", "--repeats", "1"),
    (r"anemone bench\b.*", "--prefill", "8"),
    (r"anemone bench\b.*", "--decode", "2"),
    (r"anemone bench\b.*", "--depth", "0"),
    (r"anemone convert\b.*--calibrate .*", "--calibrate-tokens", "256"),
)
LOOKS_LIKE = re.compile(
    r"(\w+=\S* )*(anemone [a-z]|make [a-z0-9]+ *(#|$)|(time |/usr/bin/time \S+ )?build/|bench/\w|"
    r"tools/\w|tests/\w|"
    r"(meson|ninja|python3|curl|npm|brew|apt|apt-get|git|wget|huggingface-cli|xcrun) \S)")
SPAN = re.compile(r"`(anemone [a-z][^`]*)`")
TIMEOUT = 300


class Block:
    def __init__(self, page, line, info, lines):
        self.page, self.line, self.info, self.lines = page, line, info, lines


def fenced_and_indented(page, text):
    """Blocks of code, and the text without them."""
    blocks, prose, current, blank = [], [], None, True
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            if current is None or current.info is None:
                current = Block(page, number, line[3:].strip(), [])
                blocks.append(current)
            else:
                current = None
        elif current is not None and current.info is not None:
            current.lines.append(line)
        elif line.startswith("    ") and (blank or current is not None):
            if current is None:
                current = Block(page, number, None, [])
                blocks.append(current)
            current.lines.append(line[4:])
        else:
            current = None
            prose.append(line)
        blank = not line.strip()
    return blocks, "\n".join(prose)


def commands_of(block):
    """Joined over a backslash at the end; nothing if it is no block of commands."""
    words = (block.info or "").split()
    if words and words[0] not in ("sh", "bash", "console", "shell"):
        return []
    lines = "\n".join(block.lines).replace("\\\n", " ").split("\n")
    lines = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    if not words and not (lines and LOOKS_LIKE.match(lines[0])):
        return []
    return lines


def plain(command):
    """Without the comment and the signs of a synopsis."""
    command = re.sub(r"\s+#.*", "", command).replace("[...]", "")
    command = re.sub(r"(?<= )\[([^\[\]|]*)(?:\|[^\[\]]*)?\]", r"\1", command)
    command = re.sub(r"(--[\w-]+|-n) N\b", r"\1 16", command)
    command = re.sub(r"--max-kl X\b", "--max-kl 1", command)
    return re.sub(r"--temperature T\b", "--temperature 0", command).strip()


def shorter(command):
    """With less to do; before a redirection."""
    body, sign, rest = re.match(r"([^>|]*)([>|]?)(.*)", command, re.S).groups()
    for pattern, option, value in SHORTER:
        if not re.fullmatch(pattern, body.strip()):
            continue
        body = re.sub(rf"{option} \S+", "", body)
        body = f"{body.strip()} {option} {value} "
    return body + sign + rest


def reason_not(block, command):
    """Why it is not run; None: it is."""
    for word in (block.info or "").split():
        if word.startswith("norun"):
            reason = word.partition("=")[2]
            if reason not in REASONS:
                sys.exit(f"{block.page}:{block.line}: norun=REASON, one of {', '.join(REASONS)}")
            return reason
    return next((r for pattern, r in NOT_RUN if re.fullmatch(pattern, command)), None)


# ---- what the command knows ----

class Helps:
    def __init__(self, anemone):
        self.anemone, self.known = anemone, {}

    def text(self, words):
        if words not in self.known:
            done = subprocess.run([self.anemone, *words, "--help"], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=60, check=False)
            self.known[words] = done.stdout if done.returncode == 0 else None
        return self.known[words]

    def problem(self, command):
        """What of "anemone COMMAND ... --option" does not exist; None: all does."""
        for part in re.findall(r"anemone ((?:(?!\banemone\b)[^|;&])*)", command):
            words = part.split()
            if not words or not re.fullmatch(r"[a-z]+", words[0]):
                continue
            text = self.text((words[0],))
            if text is None:
                return f"there is no command {words[0]}"
            if "Kinds:" in text and len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]):
                text = self.text((words[0], words[1]))
                if text is None:
                    return f"there is no {words[0]} {words[1]}"
            for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", part):
                if option not in ("--version",) and not re.search(rf"{option}(?![\w-])", text):
                    return f"{words[0]} has no {option}"
        return None


# ---- the sandbox ----

def write_safetensors(path, name, shape):
    count = 1
    for size in shape:
        count *= size
    head = json.dumps({name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * count]}})
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head.encode() + bytes(4 * count))


class Sandbox:
    def __init__(self, anemone, source, pristine, folder):
        self.anemone, self.source, self.pristine, self.folder = anemone, source, pristine, folder

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def copy(self, name, *target):
        if not os.path.exists(self.path(*target)):
            shutil.copytree(os.path.join(self.pristine, name), self.path(*target))

    def put(self, name, text):
        if not os.path.exists(self.path(name)):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text)

    def package(self, part, *target):
        names = os.listdir(os.path.join(self.pristine, "out"))
        self.copy(os.path.join("out", next(n for n in names if part in n)), *target)

    def link(self, name, *target):
        if not os.path.exists(self.path(name)):
            os.symlink(os.path.join(self.source, *target), self.path(name))

    def makers(self):
        stories = "Once upon a time there was a cat. The cat was happy.\n" * 40
        item = {"context": "Who says meow? The", "choices": ["dog", " cat"], "answer": 1}
        return {
            "MODEL_DIR": lambda: self.link("MODEL_DIR", "models", "demo"),
            "models/demo": lambda: self.link("models", "models"),
            "OUT": lambda: self.copy("out", "OUT"),
            "OUT1": lambda: self.copy("out", "OUT1"),
            "OUT2": lambda: self.copy("out", "OUT2"),
            "OTHER": lambda: self.copy("lut", "OTHER"),
            "REFERENCE_DIR": lambda: self.copy("out", "REFERENCE_DIR"),
            "TEXT": lambda: self.put("TEXT", stories),
            "FILE": lambda: self.put("FILE", stories),
            "FILE.jsonl": lambda: self.put("FILE.jsonl", (json.dumps(item) + "\n") * 3),
            "X.mlpackage": lambda: self.package("lm_head", "X.mlpackage"),
            "OUT/X.mlpackage": lambda: self.package("lm_head", "OUT", "X.mlpackage"),
            "A.mlpackage": lambda: self.copy("parts/infer.mlpackage", "A.mlpackage"),
            "B.mlpackage": lambda: self.copy("parts/prefill.mlpackage", "B.mlpackage"),
            "chunk.mlpackage": lambda: self.copy("parts/infer.mlpackage", "chunk.mlpackage"),
            "chunk_prefill.mlpackage": lambda: self.copy("parts/prefill.mlpackage",
                                                         "chunk_prefill.mlpackage"),
            "in.safetensors": lambda: write_safetensors(self.path("in.safetensors"),
                                                        "hidden_states", [1, 1, 192]),
        }

    def prepare(self, command):
        outputs = re.findall(r"(?:-o|--output) (\S+)", command)
        for output in outputs:
            target = self.path(output)
            if os.path.isdir(target) and not os.path.islink(target):
                shutil.rmtree(target)
            elif os.path.exists(target):
                os.remove(target)
        inputs = re.sub(r"(?:-o|--output) \S+", "", command)
        for name, make in self.makers().items():
            if re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w.-])", inputs):
                make()
        if not re.search(r"OUT/X\.mlpackage", command) and os.path.exists(self.path("OUT")):
            shutil.rmtree(self.path("OUT", "X.mlpackage"), ignore_errors=True)

    def run(self, command):
        self.prepare(command)
        env = dict(os.environ, TERM="dumb", LC_ALL="C.UTF-8", ANEMONE_HISTORY="",
                   ANEMONE_CACHE=self.path(".cache"), ANEMONE_OFFLINE="1", HF_HUB_OFFLINE="1",
                   PATH=os.path.dirname(self.anemone) + os.pathsep + os.environ["PATH"])
        try:
            return subprocess.run(["sh", "-c", command], cwd=self.folder, env=env, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                                  check=False)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"more than {TIMEOUT} s\n")


def make_pristine(anemone, source, folder):
    demo = os.path.join(source, "models", "demo")
    for words in (["convert", demo, "-o", "out"], ["convert", demo, "-o", "lut", "--lut2", "6"]):
        subprocess.run([anemone, *words], cwd=folder, check=True, capture_output=True, timeout=200)
    ffn = next(n for n in os.listdir(os.path.join(folder, "out")) if "_FFN_" in n)
    subprocess.run([anemone, "split", os.path.join("out", ffn), "-o", "parts"], cwd=folder,
                   check=True, capture_output=True, timeout=200)


# ---- pages ----

class Checker:
    def __init__(self, anemone, source, listing):
        self.anemone, self.source, self.listing = anemone, source, listing
        self.helps = Helps(anemone)
        self.failed, self.ran, self.left = 0, 0, {}

    def fail(self, where, command, text):
        self.failed += 1
        print(f"FAILED  {where}: {command}\n        {text.strip()}")

    def check(self, block, line, sandbox):
        command, where = plain(line), f"{block.page}:{block.line}"
        problem = self.helps.problem(command)
        if problem:
            self.fail(where, command, problem)
            return
        reason = reason_not(block, command)
        if reason:
            self.left.setdefault(reason, []).append(f"{where}: {command}")
        elif self.listing:
            print(f"run     {where}: {command}")
        else:
            self.ran += 1
            done = sandbox.run(shorter(command))
            if done.returncode != 0:
                self.fail(where, command, f"exit {done.returncode}: {done.stderr or done.stdout}")

    def page(self, name, pristine):
        with open(os.path.join(self.source, name), encoding="utf-8") as file:
            blocks, prose = fenced_and_indented(name, file.read())
        with tempfile.TemporaryDirectory() as folder:
            sandbox = Sandbox(self.anemone, self.source, pristine, folder)
            for block in blocks:
                for line in commands_of(block):
                    self.check(block, line, sandbox)
        for span in SPAN.findall(prose):
            problem = self.helps.problem(" ".join(span.split()))
            if problem:
                self.fail(name, span, problem)

    def report(self):
        for reason, commands in sorted(self.left.items()):
            print(f"not run, since {REASONS[reason]}:")
            for command in commands:
                print(f"        {command}")
        print(f"{self.ran} commands run, {sum(map(len, self.left.values()))} not, "
              f"{self.failed} wrong")


def main():
    anemone, source = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    words = [w for w in sys.argv[3:] if w != "--list"]
    pages = words or ["README.md"] + sorted(
        "docs/" + n for n in os.listdir(os.path.join(source, "docs")) if n.endswith(".md"))
    checker = Checker(anemone, source, "--list" in sys.argv)
    with tempfile.TemporaryDirectory() as pristine:
        if not checker.listing:
            make_pristine(anemone, source, pristine)
        for page in pages:
            checker.page(page, pristine)
    checker.report()
    return 1 if checker.failed or (not checker.ran and not checker.listing) else 0


sys.exit(main())
