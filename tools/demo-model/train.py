#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train the demo model: train.py --corpus C.npz --out DIR [--steps N] [--minutes M]

Documents of like length go together, so there is little padding and no document
sees another one.  The learning rate falls by a cosine to the last step; with
--minutes it follows the clock when that is ahead of the steps.
"""
import argparse
import json
import math
import os
import sys
import time

import numpy as np
import torch

import bpe
import model as M


def batches(offsets, rng, tokens):
    """Lists of documents whose padded size is at most `tokens`; then a new order."""
    n = len(offsets) - 1
    while True:
        order = rng.permutation(n)
        out = []
        for at in range(0, n, 20000):
            pool = order[at:at + 20000]
            size = offsets[pool + 1] - offsets[pool]
            pool, size = pool[np.argsort(size, kind="stable")], np.sort(size)
            i = 0
            while i < len(pool):
                j = i + 1
                while j < len(pool) and (j + 1 - i) * pad(size[j]) <= tokens:
                    j += 1
                out.append(pool[i:j])
                i = j
        for k in rng.permutation(len(out)):
            yield out[k]


def pad(n):
    return int(-(-(n - 1) // 8) * 8)


def tensor_batch(data, docs):
    ids, weights, offsets = data
    width = pad(max(offsets[d + 1] - offsets[d] for d in docs))
    x = np.zeros((len(docs), width), np.int64)
    y = np.zeros((len(docs), width), np.int64)
    w = np.zeros((len(docs), width), np.float32)
    for r, d in enumerate(docs):
        a, b = offsets[d], offsets[d + 1]
        n = b - a - 1
        x[r, :n], y[r, :n] = ids[a:b - 1], ids[a + 1:b]
        w[r, :n] = weights[a + 1:b] * 0.1
    return torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(w)


class Muon:
    """Momentum whose update is made orthogonal (five Newton-Schulz steps) before
    it is applied; for the matrices inside the layers.  Equal shapes go together."""

    def __init__(self, params, lr, momentum=0.95, decay=0.05):
        groups = {}
        for p in params:
            groups.setdefault(tuple(p.shape), []).append(p)
        self.groups = [(g, torch.zeros(len(g), *s)) for s, g in groups.items()]
        self.lr, self.momentum, self.decay = lr, momentum, decay

    @torch.no_grad()
    def step(self, scale):
        lr = self.lr * scale
        for params, m in self.groups:
            g = torch.stack([p.grad for p in params])
            m.mul_(self.momentum).add_(g, alpha=1 - self.momentum)
            x = g.lerp_(m, self.momentum)                    # Nesterov
            rows, cols = x.shape[1:]
            if rows > cols:
                x = x.transpose(1, 2)
            x = (x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-12)).bfloat16()
            for _ in range(5):
                a = torch.bmm(x, x.transpose(1, 2).contiguous())
                b = a * -4.7750 + torch.bmm(a, a) * 2.0315
                x = x * 3.4445 + torch.bmm(b, x)
            x = x.float()
            if rows > cols:
                x = x.transpose(1, 2)
            for p, u in zip(params, x):
                p.mul_(1 - lr * self.decay).add_(u, alpha=-lr * max(1, rows / cols) ** 0.5)


def export(net, folder):
    """fp16 safetensors with the config files beside it."""
    os.makedirs(folder, exist_ok=True)
    t = {}
    for k, v in net.tensors().items():
        v = v.float().numpy()
        assert np.isfinite(v).all() and np.abs(v).max() < 1000, k
        t[k] = v.astype(np.float16)
    M.save_safetensors(folder + "/model.safetensors", t)
    bpe.write(folder + "/config.json", net.c)
    bpe.write(folder + "/generation_config.json", {
        "bos_token_id": net.c["bos_token_id"], "pad_token_id": net.c["pad_token_id"],
        "eos_token_id": [net.c["eos_token_id"], net.c["pad_token_id"]],
        "do_sample": False})


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--corpus", required=True)
    ap.add_argument("--tokenizer", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--steps", type=int, default=7000)
    ap.add_argument("--minutes", type=float, default=1e9)
    ap.add_argument("--tokens", type=int, default=1024, help="of one micro batch")
    ap.add_argument("--micro", type=int, default=3, help="micro batches of a step")
    ap.add_argument("--lr", type=float, default=4e-3)
    ap.add_argument("--muon", type=float, default=0.03, help="its learning rate; 0: AdamW for all")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--dtype", default="bf16", choices=["bf16", "fp32"])
    ap.add_argument("--init", help="a folder whose weights to go on from")
    ap.add_argument("--save-every", type=int, default=500)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    tok = bpe.Tokenizer.load(a.tokenizer)
    c = dict(M.CONFIG, vocab_size=tok.size, bos_token_id=tok.special["<|endoftext|>"],
             eos_token_id=tok.special["<|im_end|>"], pad_token_id=tok.special["<|endoftext|>"])
    net = M.torch_model(c)
    if a.init:
        for k, v in M.load_safetensors(a.init + "/model.safetensors").items():
            net.get(k).data.copy_(torch.from_numpy(v.astype(np.float32)))
    z = np.load(a.corpus)
    data = z["ids"], z["weights"], z["offsets"]
    named = list(net.named_parameters())
    inner = [p for n, p in named if p.dim() > 1 and "embed" not in n] if a.muon else []
    muon = Muon(inner, a.muon) if inner else None
    big = [p for n, p in named if p.dim() > 1 and (not a.muon or "embed" in n)]
    one = [p for p in net.parameters() if p.dim() == 1]
    opt = torch.optim.AdamW([{"params": big, "weight_decay": 0.1},
                             {"params": one, "weight_decay": 0.0}],
                            lr=a.lr, betas=(0.9, 0.98), eps=1e-9, foreach=True)
    print("parameters:", sum(p.numel() for p in net.parameters()),
          "corpus:", len(data[0]), "tokens", flush=True)
    dt = torch.bfloat16 if a.dtype == "bf16" else torch.float32
    it = batches(data[2], np.random.default_rng(a.seed), a.tokens)
    start, seen, part, count, step = time.time(), 0, 0.0, 0.0, 0
    log = start
    while True:
        done = max(step / a.steps, (time.time() - start) / 60 / a.minutes)
        if done >= 1:
            break
        factor = min(1, (step + 1) / 150) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))
        lr = a.lr * factor
        for g in opt.param_groups:
            g["lr"] = lr
        total, sums = 0.0, []
        work = [tensor_batch(data, next(it)) for _ in range(a.micro)]
        scale = 1 / sum(float(w.sum()) for _, _, w in work)
        for x, y, w in work:
            loss = net(x, dt, y.view(-1), w.view(-1) * scale)
            loss.backward()
            total += float(loss.detach())
            seen += int((w > 0).sum())
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        if muon:
            muon.step(factor)
        for p in net.parameters():
            p.grad = None
        part, count, step = part + total, count + 1, step + 1
        if step % 100 == 0 or time.time() - log > 60:
            now = time.time()
            print(f"step {step} loss {part / count:.4f} lr {lr:.2e} "
                  f"{seen / 1e6:.2f} Mtok {seen / (now - start):.0f} tok/s "
                  f"{(now - start) / 60:.1f} min", flush=True)
            part, count, log = 0.0, 0.0, now
        if step % a.save_every == 0:
            export(net, a.out)
    export(net, a.out)
    print(f"done: {step} steps, {seen} tokens, {(time.time() - start) / 60:.1f} min", flush=True)
    stages = []
    if a.init:
        with open(a.init + "/training.json", encoding="utf-8") as f:
            stages = json.load(f)["stages"]
    stages.append({"steps": step, "tokens": seen, "minutes": round((time.time() - start) / 60, 1),
                   "seed": a.seed, "lr": a.lr, "muon": a.muon})
    bpe.write(a.out + "/training.json", {"stages": stages})


if __name__ == "__main__":
    main()
