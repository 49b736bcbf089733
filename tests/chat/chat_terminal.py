#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`anemone chat` at pseudo-terminals of several widths, and in a pipe.

usage: chat_terminal.py ANEMONE DEMO_CHECKPOINT
"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

PROMPT = re.compile(r"(?:^|\n|\r)(?:\d+% )?> $")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()=>][0-9A-B]?|\x07")
STORY = "Tell me a story."


class Chat:
    """A chat at a terminal; `say` gives what appeared until the next prompt."""

    def __init__(self, command, columns=80, **environment):
        environment.setdefault("ANEMONE_HISTORY", "")  # no home is left with a file
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            variables = {
                "PATH": os.environ["PATH"],
                "TERM": "xterm",
                "LANG": "C.UTF-8",
                "HOME": environment.get("HOME", "/nonexistent"),
            }
            os.execve(command[0], command, variables | environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.raw = ""
        self.until_prompt()

    def read_some(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)

    def until(self, done, what):
        end = time.monotonic() + 60
        while not done():
            if time.monotonic() > end:
                raise AssertionError(f"{what} does not come; so far: {self.raw[-400:]!r}")
            self.read_some(0.2)
        return self.raw

    def until_prompt(self):
        """A prompt and then silence: what is typed before the editor listens is shown twice."""
        at_prompt = lambda: PROMPT.search(plain(self.raw))
        return self.until(
            lambda: at_prompt() and not self.read_some(0.3) and at_prompt(), "a prompt"
        )

    def send(self, text):
        self.raw = ""
        os.write(self.fd, text.encode())

    def say(self, line):
        """What appeared after the line that was typed, before the next prompt."""
        self.send(line + "\n")
        self.until(lambda: "\n" in plain(self.raw), "the line typed")
        text = plain(self.until_prompt())
        return text.split("\n", 1)[1].rsplit("\n", 1)[0].strip("\n") if "\n" in text else ""

    def close(self):
        os.write(self.fd, b"\x04")
        end = time.monotonic() + 20
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            self.read_some(0.05)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError("Ctrl-D does not end the chat")


def plain(text):
    return ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(got, wanted, what):
    check(got == wanted, f"{what}: got {got!r}, not {wanted!r}")


def words(text):
    return " ".join(text.split())


def piped(command, text, **environment):
    result = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"]} | environment,
    )
    return result.returncode, result.stdout, result.stderr


def test_pipe(command, _):
    code, out, err = piped(command, f"{STORY}\n/reset\n{STORY}\n", TERM="xterm")
    equal((code, err), (0, ""), "from a pipe")
    check("\x1b" not in out, "no colour in a pipe")
    first, second = out.strip().split("\n")
    equal(second, first, "after /reset the same story")
    check(len(first) > 100, "a story, unwrapped")


def test_widths(command, _):
    _, out, _ = piped(command, STORY + "\n")
    for columns in (40, 23, 120):
        chat = Chat(command, columns)
        rows = chat.say(STORY).split("\n")
        equal(words(" ".join(rows)), words(out), f"the same words in {columns} columns")
        widest = max(map(len, rows))
        check(columns - 14 < widest <= columns, f"{columns} columns: rows of {widest}")
        check(max(map(len, chat.say("/help").split("\n"))) <= max(columns, 30), "help fits")
        equal(chat.close(), 0, "end")


def test_interrupt(command, _):
    chat = Chat(command)
    chat.send(STORY + "\n")
    chat.until(lambda: len(words(chat.raw)) > len(STORY) + 20, "the start of an answer")
    os.write(chat.fd, b"\x03")
    chat.until_prompt()
    check("[prompt" in chat.say("/stats"), "the chat goes on")
    os.write(chat.fd, b"half a line")
    time.sleep(0.3)
    chat.send("\x03")
    chat.until_prompt()
    equal(chat.close(), 0, "Ctrl-C at the prompt does not end the chat")


def test_commands(command, folder):
    chat = Chat(command)
    path = os.path.join(folder, "chat.json")
    answer = words(chat.say(STORY))
    check("will be the same" in chat.say("/regen"), "greedy answers do not vary")
    chat.say("/set temperature 1.5")
    other = words(chat.say("/regen"))
    check(answer not in other, "a sampled answer varies")
    check("2 messages" in chat.say(f"/save {path}"), "saved")
    with open(path, encoding="utf-8") as file:
        saved = json.load(file)["messages"]
    equal([m["role"] for m in saved], ["user", "assistant"], "roles")
    equal(words(saved[1]["content"]), other, "the answer that was shown")
    chat.say("/undo")
    check("no answer" in chat.say("/regen"), "nothing is left")
    check("2 messages" in chat.say(f"/load {path}"), "loaded")
    check("temperature" in chat.say("/set temperature -1"), "refused")
    check(re.search(r"temperature +1.5", chat.say("/set")), "and unchanged")
    check("no setting" in chat.say("/set colour red"), "unknown setting")
    check("fixed" in chat.say("/set precision fp32"), "fixed setting")
    check("needs a FILE" in chat.say("/save"), "argument missing")
    check("There is no command /foo" in chat.say("/foo"), "unknown command")
    check("without thoughts" in chat.say("/think"), "no thoughts")
    check("No such file" in chat.say("/load /nonexistent/x.json"), "no file")
    equal(chat.close(), 0, "end")


def test_bad_files(command, folder):
    cases = {
        "{": "line 1",
        "{}": "no saved chat",
        '[{"role": "cook", "content": "x"}]': "message 1",
        '[{"role": "user"}]': "content",
    }
    chat = Chat(command)
    for text, told in cases.items():
        path = os.path.join(folder, "bad.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        check(told in words(chat.say(f"/load {path}")), f"{text} is refused with {told}")
    equal(chat.close(), 0, "end")


def test_many_lines(command, folder):
    path = os.path.join(folder, "lines.json")
    chat = Chat(command)
    chat.send('"""one\n')
    chat.until(lambda: "... " in plain(chat.raw), "a continuation")
    chat.say('two"""')
    chat.send("three \\\n")
    chat.until(lambda: "... " in plain(chat.raw), "a continuation")
    chat.say("four")
    chat.say(f"/save {path}")
    with open(path, encoding="utf-8") as file:
        questions = [m["content"] for m in json.load(file)["messages"] if m["role"] == "user"]
    equal(questions, ["one\ntwo", "three \nfour"], "texts of two lines")
    equal(chat.close(), 0, "end")


def test_completion(command, _):
    chat = Chat(command)
    check("[prompt" in chat.say("/sta\t"), "Tab completes a command")
    equal(chat.close(), 0, "end")


def test_history(command, folder):
    home = os.path.join(folder, "home")
    path = os.path.join(home, "state/anemone/chat_history")
    chat = Chat(command, HOME=home, ANEMONE_HISTORY=path)
    chat.say("/stats")
    equal(chat.close(), 0, "end")
    with open(path, encoding="utf-8") as file:
        check("/stats" in file.read(), "the line is kept")
    equal(os.stat(path).st_mode & 0o777, 0o600, "for its owner only")


def thinking_model(model, folder):
    """The demo model with a template that begins answers with a thought that never ends."""
    copy = os.path.join(folder, "thinking")
    shutil.copytree(model, copy)
    path = os.path.join(copy, "tokenizer_config.json")
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    settings["chat_template"] += "{{ '<think>\\n' }}"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(settings, file)
    return copy


def test_thoughts(command, folder):
    model = thinking_model(command[2], folder)
    chat = Chat([command[0], "chat", model])
    chat.send(STORY + "\n")
    shown = chat.until_prompt()
    check("\x1b[0;2m" in shown, "thoughts are dim")
    chat.say("/think fold")
    story = words(chat.say("/think"))
    check(len(story) > 20, "the last thoughts")
    chat.say("/reset")
    folded = words(chat.say(STORY))
    check("thought for" in folded and story not in folded, "folded to a line")
    equal(words(chat.say("/think")), story, "the thoughts are kept")
    check("takes show" in chat.say("/think loudly"), "unknown way to think")
    equal(chat.close(), 0, "end")


def main():
    anemone, checkpoint = sys.argv[1:3]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "demo")
        subprocess.run(
            [anemone, "convert", checkpoint, "-o", model], check=True, stdout=subprocess.DEVNULL
        )
        command = [os.path.abspath(anemone), "chat", model]
        for name, test in sorted(globals().items()):
            if not name.startswith("test_"):
                continue
            try:
                test(command, folder)
                print("ok", name, flush=True)
            except AssertionError as error:
                failed += 1
                print("FAILED", name, error, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
