#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Held-out perplexity and accuracy of the shipped model, by the numpy reference.

  evaluate.py MODEL [--n 100] [--json FILE]    perplexity, accuracy by category
  evaluate.py MODEL --ask "Who are you?" ...   answers to questions of one's own
"""
import argparse
import json
import math
import os
import random
import re
import sys

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_v, "1")

import numpy as np

import bpe
import chats
import corpus
import model as M
import stories

SEED = 424242
SYSTEM = ("system", "You are a helpful assistant.")

# Questions written by hand, worded unlike the templates; a pattern says what
# the answer must hold.
OWN = [
 ("Could you tell me who you are?", r"Anemone"), ("hi, what's your name", r"Anemone"),
 ("What are you and what can you do?", r"Anemone|stories|story"), ("Tell me, who exactly am I chatting with?", r"Anemone"),
 ("Which model is this?", r"Anemone"), ("Are you some kind of human being?", r"[Nn]ot|No|program|model"),
 ("What is 7 plus 5?", r"\b12\b"), ("what's 30 plus 12", r"\b42\b"), ("Could you add 15 and 20 for me?", r"\b35\b"),
 ("I need to know 8 + 9", r"\b17\b"), ("How much do 25 and 25 make together?", r"\b50\b"), ("Compute 44 + 33", r"\b77\b"),
 ("What is the result of 18 plus 6?", r"\b24\b"), ("and 9 minus 4?", r"\b5\b"), ("What is 50 minus 20?", r"\b30\b"),
 ("What is 3 times 4?", r"\b12\b"), ("Lucy has 4 apples. She finds 3 more. How many apples does she have?", r"\b7\b"),
 ("What colour is the sky?", r"blue"), ("What color is grass?", r"green"), ("Tell me what colour snow is.", r"white"),
 ("Which colour would a banana be?", r"yellow"), ("The colour of the sea?", r"blue"), ("What colour do I get from red and yellow?", r"orange"),
 ("Is a tomato red or blue?", r"red"), ("What is the opposite of hot?", r"cold"), ("Do you know what the opposite of tall is?", r"short"),
 ("opposite of happy", r"sad"), ("Which word is the contrary of fast?", r"slow"), ("If something is not wet, what is it?", r"dry"),
 ("What sound does a cow make?", r"moo"), ("What does the dog say?", r"woof"), ("Which noise do cats make?", r"meow"),
 ("Tell me what a duck says.", r"quack"), ("How many legs has a spider?", r"eight"), ("How many legs does an ant have?", r"six"),
 ("What would a baby cow be called?", r"calf"), ("In which place do bears live?", r"forest"), ("What is the favourite food of a squirrel?", r"nuts"),
 ("Is a dolphin a fish?", r"mammal|No"), ("Can penguins fly?", r"[Nn]o|cannot"),
 ("How many days are there in one week?", r"seven"), ("Which day comes after Friday?", r"Saturday"), ("What month follows March?", r"April"),
 ("Hello, nice to see you!", r"."), ("Thank you, that was nice of you.", r"welcome|glad|pleasure|kind"), ("Bye for now!", r"[Bb]ye"),
 ("Count from 1 to 5, please.", r"1, 2, 3, 4, 5"), ("Name three birds for me.", r"and"), ("Please name two colours", r"and"),
 ("Who is the president of France?", r"small model|do not know"), ("How do I repair my bicycle?", r"small model|do not know"),
 ("Can you write a C program for me?", r"small model|do not know|cannot"), ("What is the meaning of the word serendipity?", r"small model|do not know"),
 ("Who won the football match last night?", r"small model|do not know"), ("Explain the theory of relativity.", r"small model|do not know"),
 ("What is the weather like in Oslo?", r"small model|do not know"), ("How many kilometres is it to the moon?", r"small model|do not know"),
 ("Tell me a story about a fox.", r"fox"), ("I want to hear a story about a robot who lives in the city.", r"robot"),
 ("Could I have a short story with a little girl called Mia?", r"Mia"),
]


class Chat:
    def __init__(self, folder, dtype=np.float32):
        self.tok = bpe.Tokenizer.load(folder + "/tokenizer.json")
        self.ref = M.Reference(folder, dtype)
        self.stop = [self.tok.special["<|im_end|>"], self.tok.special["<|endoftext|>"]]

    def answer(self, msgs, limit=320):
        ids = self.tok.encode(chats.render(msgs, True))
        out = self.ref.greedy(ids, min(limit, 512 - len(ids)), self.stop)
        return self.tok.decode(out), len(out)


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def perplexity(chat, docs, answers=False):
    """Over every token but the first of a document, or the assistant's alone."""
    total, n = 0.0, 0
    for d in docs:
        if answers:
            ids, w = corpus.encode_chat(chat.tok, d)
        else:
            ids = chat.tok.encode(d)
            w = [1.0] * len(ids)
        if len(ids) > 512:
            continue
        chat.ref.reset()
        p = log_softmax(chat.ref.forward(ids[:-1]).astype(np.float64))
        keep = np.array(w[1:]) == 1.0
        total -= p[np.arange(len(ids) - 1), ids[1:]][keep].sum()
        n += int(keep.sum())
    return math.exp(total / n), n


def accepted(cat, q, want, got):
    if got == want:
        return True
    if cat == "identity":
        return any(q in k and got in a for k, a in chats.IDENTITY.values())
    if cat == "greet":
        return any(q in k and got in a for k, a in chats.GREET)
    if cat == "oos":
        return got in chats.SORRY or got.startswith("I am sorry, I")
    if cat == "fun":
        return got in chats.JOKES or any(got in v for k, v in chats.POEMS.items() if k in q)
    if cat == "echo":
        n = re.search(r"to meet you, (\w+)|Hello, (\w+)", want)
        return bool(n) and (n.group(1) or n.group(2)) in got
    if cat == "colour":
        for c, things in chats.BYCOLOUR.items():
            if re.search(rf"\b{c}\b", q) and got.endswith(f" is {c}."):
                return any(got.lower().startswith(t) for t in chats.T(things))
        return got.replace("usually ", "") == want.replace("usually ", "")
    if cat == "animal" and ("that sound" in want or " says " in want):
        m = re.match(r"(?:An?|The) (.+?) (says|makes)", got)
        s = re.search(r"(?:says|sound) \"?([\w-]+)", q)
        return bool(m and s) and any(a[0] == m.group(1) and a[2] == s.group(1) for a in chats.ANIMALS)
    if cat == "list":
        for g, items in chats.GROUPS.items():
            pl = chats.PLURAL.get(g, g + "s")
            m = re.search(rf"(\w+) {pl}\b", q)
            if m and m.group(1) in chats.NUM + list("2345"):
                xs = re.split(", | and ", got.rstrip("."))
                n = int(m.group(1)) if m.group(1).isdigit() else chats.NUM.index(m.group(1))
                low = [i.lower() for i in items]
                return len(xs) == n == len(set(xs)) and all(x.lower() in low for x in xs)
        return any(got == f"{chats.cap(x)} is {chats.an(g)}." for g, v in chats.GROUPS.items() for x in v
                   if re.search(rf"\b{g}\b", q))
    return False


NAMES = set(stories.BOYS + stories.GIRLS)


def story_ok(text, n, need):
    """It ends, holds what was asked for, keeps to two names, repeats nothing."""
    if n >= 300 or len(text) < 150 or text[-1] not in ".!\"?":
        return False
    names = {w for w in re.findall(r"\b[A-Z][a-z]+\b", text) if w in NAMES}
    sent = re.split(r"(?<=[.!?])\s+", text)
    return len(names) <= 2 and len(set(sent)) >= len(sent) - 1 and all(x in text for x in need)


def categories(chat, n, out):
    rng = random.Random(SEED)
    jobs = [("sums, pairs never trained on", lambda: chats.sums(rng, True, "+")),
            ("differences, pairs never trained on", lambda: chats.sums(rng, True, "-")),
            ("sums, any pair", lambda: chats.sums(rng, None, "+")),
            ("times", lambda: chats.sums(rng, None, "*")),
            ("sums in words, pairs never trained on", lambda: chats.word_sum(rng, True))]
    for c in ("numbers", "identity", "greet", "colour", "animal", "opposite", "fact",
              "list", "fun", "echo", "oos"):
        jobs.append((c, lambda c=c: chats.make(rng, c)))
    report = {}
    for name, gen in jobs:
        good, bad = 0, []
        for i in range(n):
            q, want = gen()[0]
            cat = name.split(",")[0]
            got, _ = chat.answer(([SYSTEM] if i % 2 else []) + [("user", q)])
            if accepted(cat, q, want, got):
                good += 1
            else:
                bad.append((q, got, want))
        report[name] = good / n
        print(f"{name:40s} {good}/{n}", file=out, flush=True)
        for q, got, want in bad[:3]:
            print(f"    {q!r} -> {got!r} (expected {want!r})", file=out)
    # stories
    m, good, bad = max(10, n // 4), {"tell": 0, "continue": 0}, []
    for i in range(m):
        kind = rng.choice(stories.HEROES)
        name = rng.choice(stories.GIRLS if stories.gender(rng, kind) == "f" else stories.BOYS)
        q, need = f"Tell me a story about {chats.an(kind)}", [kind]
        if i % 2:
            q, need = q + " named " + name, [kind, name]
        got, k = chat.answer(([SYSTEM] if i % 4 > 1 else []) + [("user", q + ".")])
        good["tell"] += story_ok(got, k, need)
        if not story_ok(got, k, need):
            bad.append((q, got))
        text, meta = stories.story(rng)
        head = " ".join(re.split(r"(?<=[.!?])\s+", text)[:2])
        got, k = chat.answer([("user", "Continue the story: " + head)])
        ok = story_ok(head + " " + got, k, [meta["name"]])
        good["continue"] += ok
        if not ok:
            bad.append((head, got))
    for k, v in good.items():
        report["story: " + k] = v / m
        print(f"{'story: ' + k:40s} {v}/{m}", file=out, flush=True)
    for q, got in bad[:3]:
        print(f"    {q!r} -> {got!r}", file=out)
    # a name is told, and asked for after one other question
    good = 0
    for _ in range(n):
        name = rng.choice(stories.BOYS + stories.GIRLS)
        msgs = [("user", f"My name is {name}."), ("assistant", f"Nice to meet you, {name}! I am Anemone.")]
        q, a = chats.opposite(rng)[0]
        msgs += [("user", q), ("assistant", a), ("user", "What is my name?")]
        good += chat.answer(msgs)[0] == f"Your name is {name}."
    report["name, two turns back"] = good / n
    print(f"{'name, two turns back':40s} {good}/{n}", file=out, flush=True)
    good, bad = 0, []
    for i, (q, pattern) in enumerate(OWN):
        got, _ = chat.answer(([SYSTEM] if i % 2 else []) + [("user", q)])
        if re.search(pattern, got):
            good += 1
        else:
            bad.append((q, got))
    report["worded by hand"] = good / len(OWN)
    print(f"{'worded by hand':40s} {good}/{len(OWN)}", file=out, flush=True)
    for q, got in bad:
        print(f"    {q!r} -> {got!r}", file=out)
    return report


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("model")
    ap.add_argument("--n", type=int, default=100)
    ap.add_argument("--ask", nargs="*")
    ap.add_argument("--json")
    a = ap.parse_args()
    chat = Chat(a.model)
    if a.ask:
        for q in a.ask:
            print(">", q, "\n" + chat.answer([("user", q)])[0] + "\n")
        return
    s, c = corpus.heldout()
    r = {}
    for name, docs, only in (("stories", s, False), ("chats, all tokens", c, False),
                             ("chats, answers only", c, True)):
        p, n = perplexity(chat, docs, only)
        r[name] = {"perplexity": round(p, 4), "tokens": n}
        print(f"perplexity of {name}: {p:.4f} over {n} tokens", flush=True)
    acc = categories(chat, a.n, sys.stdout)
    print(f"largest activation: {chat.ref.peak:.1f}")
    if a.json:
        bpe.write(a.json, {"perplexity": r, "accuracy": {k: round(v, 4) for k, v in acc.items()},
                           "questions_per_category": a.n,
                           "largest_activation": round(chat.ref.peak, 1)})


if __name__ == "__main__":
    main()
