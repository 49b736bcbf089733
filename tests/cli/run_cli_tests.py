#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the command as a user would and compares what it says.

A test is a file NAME.test: lines "$ command", then the expected output (stdout and stderr
together), then "[exit N]" unless the code is 0. In expected output, a line "..." stands for any
number of lines, and "..." within a line for any text. Commands run in a shell, one after the
other, in an empty directory of the test's own, with $DEMO and $FIXTURES set; "? NAME" as the first
line skips the test unless the environment variable names an existing path.

usage: run_cli_tests.py ANEMONE SOURCE_ROOT [NAME ...]
"""
import os
import re
import subprocess
import sys
import tempfile


def parse(path):
    needs, steps = None, []
    for line in open(path, encoding="utf-8").read().split("\n"):
        if line.startswith("? "):
            needs = line[2:].strip()
        elif line.startswith("#"):
            continue
        elif line.startswith("$ "):
            steps.append({"command": line[2:], "expected": [], "code": 0})
        elif re.fullmatch(r"\[exit \d+\]", line) and steps:
            steps[-1]["code"] = int(line[6:-1])
        elif steps:
            steps[-1]["expected"].append(line)
    return needs, steps


def pattern(expected):
    lines = "\n".join(expected).strip("\n").split("\n")
    out = ""
    for line in lines:
        if line == "...":
            out += r"(?:.*\n)*?"
        else:
            out += r".*?".join(re.escape(part) for part in line.split("...")) + "\n"
    return out


def run(path, env):
    needs, steps = parse(path)
    if needs and not os.path.exists(env.get(needs, "")):
        print(f"SKIPPED: {os.path.basename(path)} needs {needs}")
        return None
    with tempfile.TemporaryDirectory() as folder:
        for step in steps:
            done = subprocess.run(["sh", "-c", step["command"]], cwd=folder, env=env, timeout=280,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            said = done.stdout.decode("utf-8", "replace").replace(folder, "$PWD")
            said = re.sub(r"^anemone: raised at .*\n", "", said, flags=re.M)
            text = said.strip("\n") + "\n"
            if done.returncode != step["code"] or not re.fullmatch(pattern(step["expected"]), text):
                print(f"{path}: $ {step['command']}\n--- expected (exit {step['code']})")
                print("\n".join(step["expected"]))
                print(f"--- got (exit {done.returncode})\n{said}")
                return False
    return True


def main():
    anemone, root = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    env = dict(os.environ, DEMO=os.path.join(root, "models", "demo"), TERM="dumb", LC_ALL="C.UTF-8",
               PATH=os.path.dirname(anemone) + os.pathsep + os.environ["PATH"])
    env.setdefault("FIXTURES", env.get("ANM_FIXTURES", ""))
    folder = os.path.join(root, "tests", "cli")
    names = sys.argv[3:] or sorted(n for n in os.listdir(folder) if n.endswith(".test"))
    failed = 0
    for name in names:
        result = run(os.path.join(folder, name), env)
        tag = {True: "      OK ", False: "  FAILED  ", None: "  SKIPPED "}[result]
        print(f"[{tag}] {name}")
        failed += result is False
    return 1 if failed else 0


sys.exit(main())
