#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/data/sampling.json: random logits and options, and what the sampler keeps of them.

usage: sampling.py > tests/data/sampling.json

Straight from the definitions in docs/generation.md, sorting everything, in Python's floats; nothing
is shared with src/llm. Cases in which rounding could decide (a sum within 1e-9 of its threshold)
are drawn again.
"""
import json
import math
import random
import struct

COUNT = 160


class Close(Exception):
    """A threshold was met within rounding."""


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def softmax(logits):
    top = max(logits.values())
    weights = {i: math.exp(x - top) for i, x in logits.items()}
    total = math.fsum(weights.values())
    return {i: w / total for i, w in weights.items()}


def apart(x, limit):
    if abs(x - limit) < 1e-9:
        raise Close
    return x


def adjusted(case):
    logits = dict(enumerate(case["logits"]))
    for token, bias in case["logit_bias"]:
        logits[token] = single(logits[token] + bias)
    last = case["penalty_last_n"]
    window = case["history"] if last < 0 else case["history"][-last:] if last else []
    for token in set(window):
        x, times = logits[token], window.count(token)
        x = single(x / case["repeat_penalty"] if x > 0 else x * case["repeat_penalty"])
        logits[token] = single(x - single(single(times * case["frequency_penalty"])
                                          + case["presence_penalty"]))
    return logits


def typical(logits, p):
    probabilities = softmax(logits)
    entropy = -math.fsum(q * math.log(q) for q in probabilities.values())
    order = sorted(logits, key=lambda i: (abs(-math.log(probabilities[i]) - entropy), i))
    kept, total = {}, 0.0
    for i in order:
        kept[i] = logits[i]
        total += probabilities[i]
        if apart(total, p) > p:
            break
    return kept


def nucleus(logits, p):
    probabilities = softmax(logits)
    kept, total = {}, 0.0
    for i in sorted(logits, key=lambda i: (-logits[i], i)):
        kept[i] = logits[i]
        total += probabilities[i]
        if apart(total, p) >= p:
            break
    return kept


def above(logits, p):
    probabilities = softmax(logits)
    top = max(probabilities.values())
    return {i: x for i, x in logits.items() if apart(probabilities[i] / top, p) >= p}


def kept(case):
    logits = adjusted(case)
    if case["temperature"] == 0:
        return {min(logits, key=lambda i: (-logits[i], i)): 1.0}
    if case["top_k"]:
        order = sorted(logits, key=lambda i: (-logits[i], i))
        logits = {i: logits[i] for i in order[:case["top_k"]]}
    if case["typical_p"] < 1:
        logits = typical(logits, case["typical_p"])
    if case["top_p"] < 1:
        logits = nucleus(logits, case["top_p"])
    if case["min_p"] > 0:
        logits = above(logits, case["min_p"])
    return softmax({i: x / case["temperature"] for i, x in logits.items()})


def maybe(rng, value, default):
    return single(value) if rng.random() < 0.5 else default


def make_case(rng):
    size = rng.choice([1, 2, 5, 17, 40])
    case = {
        "logits": [single(rng.gauss(0, 3)) for _ in range(size)],
        "history": [rng.randrange(size) for _ in range(rng.choice([0, 3, 30]))],
        "logit_bias": [[rng.randrange(size), single(rng.gauss(0, 4))]
                       for _ in range(rng.choice([0, 0, 2]))],
        "temperature": rng.choice([0.0, 1.0, single(0.3), single(1.7), single(0.8)]),
        "top_k": rng.choice([0, 0, 1, 4, 20, 100]),
        "top_p": maybe(rng, rng.uniform(0.05, 1), 1.0),
        "min_p": maybe(rng, rng.uniform(0, 0.5), 0.0),
        "typical_p": maybe(rng, rng.uniform(0.05, 1), 1.0),
        "repeat_penalty": maybe(rng, rng.uniform(0.8, 1.5), 1.0),
        "presence_penalty": maybe(rng, rng.uniform(-1, 2), 0.0),
        "frequency_penalty": maybe(rng, rng.uniform(-1, 2), 0.0),
        "penalty_last_n": rng.choice([64, 0, -1, 5]),
    }
    case["kept"] = [[i, p] for i, p in sorted(kept(case).items())]
    return case


def split_mix(state):
    """Uniform in [0, 1): Steele, Lea and Flood 2014, the top 53 bits."""
    mask = 2 ** 64 - 1
    while True:
        state = (state + 0x9e3779b97f4a7c15) & mask
        z = ((state ^ state >> 30) * 0xbf58476d1ce4e5b9) & mask
        z = ((z ^ z >> 27) * 0x94d049bb133111eb) & mask
        yield ((z ^ z >> 31) >> 11) * 2.0 ** -53


def picks(seed, count):
    """Draws from 20000 logits with many ties, top-p 0.9, temperature 3."""
    logits, x = {}, 12345
    for i in range(20000):
        x = (x * 1664525 + 1013904223) % 2 ** 32
        logits[i] = (x >> 24) / 8
    chosen = nucleus(logits, single(0.9))
    probabilities = softmax({i: chosen[i] / 3 for i in chosen})
    ids, uniform = [], split_mix(seed)
    for _ in range(count):
        left = next(uniform)
        for i, p in probabilities.items():
            left -= p
            if apart(left, 0) < 0:
                ids.append(i)
                break
    return ids


def main():
    rng, cases = random.Random(5), []
    while len(cases) < COUNT:
        try:
            cases.append(make_case(rng))
        except Close:
            pass
    lines = ",\n".join(json.dumps(case) for case in cases)
    print('{"cases": [\n' + lines + "\n],")
    print(f'"picks": {picks(42, 16)}}}')


if __name__ == "__main__":
    main()
