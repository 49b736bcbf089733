#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bring large activations down without changing what the model says.

  balance.py MODEL

Every layer reads the residual stream through an RMSNorm, so the stream may be
made smaller as a whole: the embedding and all that writes into the stream are
divided by a power of two, and the last norm is multiplied by it, since the
embedding is also the output matrix.  The same goes for the inner values of an
MLP, which down_proj takes back.  Powers of two are exact in fp16.
"""
import os
import random
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import bpe
import corpus
import model as M

LIMIT = 255.0             # its square is still a finite fp16 number


class Watched(M.Reference):
    def __init__(self, folder):
        super().__init__(folder, np.float32)
        self.stream, self.inner = 0.0, [0.0] * self.c["num_hidden_layers"]

    def seen(self, what, layer, x):
        top = float(np.abs(x).max())
        if what == "stream":
            self.stream = max(self.stream, top)
        else:
            self.inner[layer] = max(self.inner[layer], top)


def power(top):
    s = 1.0
    while top / s > LIMIT:
        s *= 2
    return s


def main():
    folder = sys.argv[1]
    tok = bpe.Tokenizer.load(folder + "/tokenizer.json")
    rng = random.Random(5)
    docs = [tok.encode(corpus.document(rng)[1])[:512] for _ in range(200)]

    def measure():
        ref = Watched(folder)
        rows = []
        for d in docs:
            ref.reset()
            rows.append(ref.forward(d))
        return ref, rows

    ref, before = measure()
    path = folder + "/model.safetensors"
    w = {k: v.astype(np.float32) for k, v in M.load_safetensors(path).items()}
    s = power(ref.stream)
    for k in w:
        if k == "model.embed_tokens.weight" or "o_proj" in k or "down_proj" in k:
            w[k] = w[k] / s
    w["model.norm.weight"] = w["model.norm.weight"] * s
    for i, top in enumerate(ref.inner):
        t, p = power(top), f"model.layers.{i}.mlp."
        w[p + "up_proj.weight"] = w[p + "up_proj.weight"] / t
        w[p + "down_proj.weight"] = w[p + "down_proj.weight"] * t
    M.save_safetensors(path, {k: v.astype(np.float16) for k, v in w.items()})
    after, rows = measure()
    diff = max(float(np.abs(a - b).max()) for a, b in zip(before, rows))
    print(f"balance: stream {ref.stream:.0f} -> {after.stream:.0f}, "
          f"MLP {max(ref.inner):.0f} -> {max(after.inner):.0f}, logits moved by at most {diff:.4f}")


if __name__ == "__main__":
    main()
