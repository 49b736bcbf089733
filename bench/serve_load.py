#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Streams from a running `anemone serve`, several at once, for a while.

usage: serve_load.py URL [--streams 8] [--seconds 120] [--tokens 64] [--model ID] [--key KEY]
                         [--check]

Prints the time to the first token and the whole time of a request (p50, p99), tokens per second,
and the server's resident memory as /metrics gives it, at each tenth of the time. With --check every
answer (at temperature 0) must equal the first one to its prompt: nothing lost, nothing mixed up.
Only Python's standard library.
"""
import argparse
import http.client
import json
import re
import sys
import threading
import time
import urllib.parse

PROMPTS = ["Who are you?", "Tell me a story about a fox.", "Tell me a story about a crow.",
           "What can you do?", "Tell me about a mouse and a cat.", "Hello! How are you today?",
           "Tell me a story about a king who lost his crown.", "Where do you live?",
           "Tell me a story about a cat.", "Tell me a story about two friends and a bridge."]


class Load:
    def __init__(self, options):
        self.options = options
        self.url = urllib.parse.urlsplit(options.url)
        self.lock = threading.Lock()
        self.first, self.whole, self.tokens, self.errors = [], [], 0, []
        self.answers = {}
        self.end = 0

    def connect(self):
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=120)

    def headers(self):
        key = {"Authorization": f"Bearer {self.options.key}"} if self.options.key else {}
        return dict(key, **{"Content-Type": "application/json"})

    def body(self, prompt):
        body = {"messages": [{"role": "user", "content": prompt}], "temperature": 0,
                "max_tokens": self.options.tokens, "stream": True,
                "stream_options": {"include_usage": True}}
        return json.dumps(dict(body, model=self.options.model) if self.options.model else body)

    def ask(self, connection, prompt):
        """(seconds to the first text, seconds in all, tokens, text)"""
        start, first, text, tokens, done = time.monotonic(), None, [], 0, False
        connection.request("POST", "/v1/chat/completions", self.body(prompt), self.headers())
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {response.read()[:200]}")
        for line in response:
            if line.startswith(b"data: [DONE]"):
                done = True
            elif line.startswith(b"data: "):
                chunk = json.loads(line[6:])
                for choice in chunk["choices"]:
                    text.append(choice["delta"].get("content") or "")
                if first is None and text and text[-1]:
                    first = time.monotonic() - start
                if chunk.get("usage"):
                    tokens = chunk["usage"]["completion_tokens"]
        if not done:
            raise RuntimeError("the stream ended before its end")
        return first, time.monotonic() - start, tokens, "".join(text)

    def note(self, prompt, first, whole, tokens, text):
        with self.lock:
            self.tokens += tokens
            self.whole.append(whole)
            if first is not None:
                self.first.append(first)
            known = self.answers.setdefault(prompt, text)
            if self.options.check and known != text:
                self.errors.append(f"{prompt!r}: {text!r}, before {known!r}")

    def run(self, number):
        connection, turn = self.connect(), number
        while time.monotonic() < self.end:
            prompt = PROMPTS[turn % len(PROMPTS)]
            turn += 1
            try:
                self.note(prompt, *self.ask(connection, prompt))
            except (OSError, RuntimeError, ValueError, http.client.HTTPException) as error:
                with self.lock:
                    self.errors.append(repr(error))
                connection.close()
                connection = self.connect()
        connection.close()

    def resident(self):
        connection = self.connect()
        connection.request("GET", "/metrics", headers=self.headers())
        text = connection.getresponse().read().decode()
        connection.close()
        match = re.search(r"^process_resident_memory_bytes (\d+)$", text, re.M)
        return int(match.group(1)) if match else 0

    def measure(self):
        resident = [self.resident()]
        start = time.monotonic()
        self.end = start + self.options.seconds
        threads = [threading.Thread(target=self.run, args=(i,))
                   for i in range(self.options.streams)]
        for thread in threads:
            thread.start()
        for tenth in range(1, 11):
            time.sleep(max(0, start + tenth * self.options.seconds / 10 - time.monotonic()))
            resident.append(self.resident())
        for thread in threads:
            thread.join()
        return time.monotonic() - start, resident


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def report(load, seconds, resident):
    print(f"{load.options.streams} streams, {seconds:.1f} s, {len(load.whole)} answers, "
          f"{len(load.errors)} errors")
    for name, values in (("first token", load.first), ("whole answer", load.whole)):
        print(f"{name:13} p50 {percentile(values, 0.5) * 1000:8.1f} ms   "
              f"p99 {percentile(values, 0.99) * 1000:8.1f} ms")
    print(f"tokens/s      {load.tokens / seconds:.1f}")
    print("resident MB   " + " ".join(f"{size / 1e6:.1f}" for size in resident))
    for error in load.errors[:5]:
        print(f"error: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--model")
    parser.add_argument("--key")
    parser.add_argument("--check", action="store_true")
    load = Load(parser.parse_args())
    seconds, resident = load.measure()
    report(load, seconds, resident)
    return 1 if load.errors or not load.whole else 0


if __name__ == "__main__":
    sys.exit(main())
