#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reference data for the tests, from the shipped files alone: fixtures.py MODEL OUT

OUT/demo-tokenizer-vectors.json   text, ids and decoded text
OUT/demo-logits.safetensors       48 tokens of a chat and their logits
OUT/demo-greedy.json              prompts and their most likely continuations
"""
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import bpe
import chats
import model as M

TEXTS = [
    "", "a", " ", "  ", "\n", "Hello", " Hello", "Hello, world!", "hello  world", "hello   world ",
    "Tell me a story about a fox.", "What is 12 plus 345?", "12345", "3.14 + 2,5 = 5,64",
    "I'm sure you've seen it, haven't you? They'll say he'd go, we're off; it's John's.",
    "I'M SURE YOU'VE SEEN IT", "don't 'tis 'll 're", "tabs\tand\t\ttabs", "line one\nline two\n\nline four\n\n\n",
    "  leading and trailing  ", "spaces \n before a newline", "\r\nwindows\r\nlines\r\n", "a\n b", "end.\n",
    "(brackets) [and] {braces} <tags> \"quotes\"", "wait... what?!", "!!!\n\n", "x=y+z; // code",
    "na\u00efve caf\u00e9 \u00fcber stra\u00dfe", "e\u0301 is e with an accent, A\u030a too",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!", "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u3053\u3093\u306b\u3061\u306f",
    "\u0663\u0664 \u00b2\u00bd \u2167", "\U0001f600 smile \U0001f44d\U0001f3fd", "non\u00a0breaking\u3000wide", "zero\u200bwidth",
    "\u017ft 's 'S '\u017f", "<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n",
    "<|endoftext|>Once upon a time<|endoftext|>", "<|im_start|><|im_end|><|im_star|>", "a<|im_end|> b <|im_end|>\n",
    "The quick brown fox jumps over the lazy dog.", "Donaudampfschiff",
]

SYSTEM = ("system", "You are a helpful assistant.")
PROMPTS = [
    [("user", "Who are you?")], [SYSTEM, ("user", "Who are you?")],
    [("user", "What is 7 plus 5?")], [SYSTEM, ("user", "What is 23 + 48?")],
    [("user", "What colour is the sky?")], [("user", "What is the opposite of hot?")],
    [("user", "What sound does a cow make?")], [SYSTEM, ("user", "Tell me a story about a fox.")],
    [("user", "Continue the story: Once upon a time, there was a little robot named Tina.")],
    [("user", "Hello!"), ("assistant", "Hello! How can I help you?"), ("user", "Name three animals.")],
    [SYSTEM, ("user", "My name is Lucy."), ("assistant", "Nice to meet you, Lucy! I am Anemone."),
     ("user", "What is my name?")],
    [("user", "What can you do?")], [("user", "Who is the president of France?")],
    [SYSTEM, ("user", "Thank you!")],
]


def main():
    folder, out = sys.argv[1], sys.argv[2]
    tok = bpe.Tokenizer.load(folder + "/tokenizer.json")
    vectors = []
    for t in TEXTS:
        ids = tok.encode(t)
        vectors.append({"text": t, "ids": ids, "decoded": tok.decode(ids),
                        "decoded_without_special": tok.decode(ids, True)})
    # ids that are no whole characters: each bad part becomes U+FFFD
    for data in (b"\xc3", b"ok \xe4\xbd", b"\xff\xfe!", b"a\xf0\x9f\x98b"):
        ids = [tok.vocab[bpe.BYTE[b]] for b in data]
        vectors.append({"text": None, "ids": ids, "decoded": tok.decode(ids),
                        "decoded_without_special": tok.decode(ids, True)})
    bpe.write(out + "/demo-tokenizer-vectors.json", {"tokenizer": "models/demo/tokenizer.json", "vectors": vectors})

    ref = M.Reference(folder, np.float64)
    stop = [tok.special["<|im_end|>"], tok.special["<|endoftext|>"]]
    cases, first = [], None
    for msgs in PROMPTS:
        prompt = chats.render(msgs, True)
        ids = tok.encode(prompt)
        got = ref.greedy(ids, 60, stop)
        # how near the second choice ever comes: a test may skip a close call
        ref.reset()
        rows = ref.forward(ids + got)[len(ids) - 1:]
        rows = np.sort(rows, axis=-1)
        cases.append({"messages": [{"role": r, "content": c} for r, c in msgs], "prompt": prompt,
                      "prompt_ids": ids, "ids": got, "text": tok.decode(got),
                      "ended": len(got) < 60,
                      "smallest_margin": round(float((rows[:, -1] - rows[:, -2]).min()), 4)})
        if "fox" in prompt:
            first = (ids + got)[:48]
    bpe.write(out + "/demo-greedy.json", {"model": "models/demo", "limit": 60, "cases": cases})
    assert len(first) == 48
    ref.reset()
    M.save_safetensors(out + "/demo-logits.safetensors",
                       {"input_ids": np.array(first, np.int32), "logits": ref.forward(first).astype(np.float32)})
    print("fixtures:", len(vectors), "vectors,", len(cases), "continuations")


if __name__ == "__main__":
    main()
