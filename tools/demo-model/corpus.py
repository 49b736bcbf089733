#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The synthetic corpus: documents, and their tokens as numpy arrays.

  corpus.py show [seed]             print a few documents
  corpus.py tokenizer OUT SIZE      train the tokenizer, write it into OUT
  corpus.py build MODEL OUT MTOK SEED [last]   encode MTOK million tokens into OUT
  corpus.py heldout MODEL           write heldout-stories.txt / heldout-chats.txt
"""
import random
import sys

import numpy as np

import bpe
import chats
import stories

HELDOUT_SEED = 987654321
P_STORY = 0.12            # share of documents that are plain stories


def document(rng, last=False):
    """(kind, text): a story with its end mark, or a chat in ChatML."""
    if rng.random() < P_STORY:
        return "story", stories.story(rng)[0] + "<|endoftext|>"
    return "chat", chats.render(chats.chat(rng, last=last)[1]) + "<|endoftext|>"


def encode_chat(tok, text):
    """ids and loss weights: 1 for what the assistant says, less for the rest."""
    ids, w = [], []
    start, end = tok.special["<|im_start|>"], tok.special["<|im_end|>"]
    assistant = False
    for turn in text.split("<|im_start|>")[1:]:
        role = turn.split("\n", 1)[0]
        t = [start] + tok.encode(turn)
        # the role and its newline are given by the template
        head = 1 + len(tok.encode(role + "\n"))
        assistant = role == "assistant"
        x = [0.2] * len(t)
        if assistant:
            stop = t.index(end)
            x = [0.2] * head + [1.0] * (stop + 1 - head) + [0.2] * (len(t) - stop - 1)
        ids += t
        w += x
    return ids, w


def build(tok, tokens, seed, last=False, limit=512):
    rng = random.Random(seed)
    ids, weights, offsets, n = [], [], [0], 0
    while n < tokens:
        kind, text = document(rng, last)
        if kind == "story":
            i = tok.encode(text)
            w = [1.0] * len(i)
        else:
            i, w = encode_chat(tok, text)
        if len(i) > limit:
            continue
        ids.append(np.array(i, np.uint16))
        weights.append((np.array(w) * 10).astype(np.uint8))
        n += len(i)
        offsets.append(n)
    return np.concatenate(ids), np.concatenate(weights), np.array(offsets, np.int64)


def heldout(n_story=120, n_chat=330):
    rng = random.Random(HELDOUT_SEED)
    s = [stories.story(rng)[0] + "<|endoftext|>" for _ in range(n_story)]
    c = [chats.render(chats.chat(rng)[1]) + "<|endoftext|>" for _ in range(n_chat)]
    return s, c


def main():
    cmd = sys.argv[1]
    if cmd == "show":
        rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
        for _ in range(20):
            print(document(rng)[1], "\n---")
    elif cmd == "tokenizer":
        rng = random.Random(1)
        tok = bpe.train((document(rng)[1] for _ in range(60000)), int(sys.argv[3]))
        tok.save(sys.argv[2], 512)
        print("tokenizer:", tok.size, "tokens,", len(tok.merges), "merges")
    elif cmd == "build":
        tok = bpe.Tokenizer.load(sys.argv[2] + "/tokenizer.json")
        i, w, o = build(tok, int(float(sys.argv[4]) * 1e6), int(sys.argv[5]), "last" in sys.argv)
        np.savez(sys.argv[3], ids=i, weights=w, offsets=o)
        print("corpus:", len(i), "tokens,", len(o) - 1, "documents")
    elif cmd == "heldout":
        s, c = heldout()
        for name, docs in (("stories", s), ("chats", c)):
            with open(f"{sys.argv[2]}/heldout-{name}.txt", "w", encoding="utf-8") as f:
                f.write("\n".join(docs) + "\n")


if __name__ == "__main__":
    main()
