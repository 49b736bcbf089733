#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Qwen 3 architecture in plain torch (for training) and numpy (reference)."""
import json
import struct

import numpy as np

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3",
    "vocab_size": 2048, "hidden_size": 192, "intermediate_size": 512,
    "num_hidden_layers": 6, "num_attention_heads": 6,
    "num_key_value_heads": 2, "head_dim": 32, "hidden_act": "silu",
    "max_position_embeddings": 512, "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0, "rope_scaling": None, "attention_bias": False,
    "attention_dropout": 0.0, "initializer_range": 0.02,
    "tie_word_embeddings": True, "use_cache": True,
    "use_sliding_window": False, "sliding_window": None,
    "max_window_layers": 6, "bos_token_id": None, "eos_token_id": None,
    "pad_token_id": None, "torch_dtype": "float16",
}


def shapes(c):
    """Tensor names (as Hugging Face has them) and shapes."""
    h, f, d = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    q, kv = c["num_attention_heads"] * d, c["num_key_value_heads"] * d
    s = {"model.embed_tokens.weight": (c["vocab_size"], h)}
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        s[p + "input_layernorm.weight"] = (h,)
        s[p + "self_attn.q_proj.weight"] = (q, h)
        s[p + "self_attn.k_proj.weight"] = (kv, h)
        s[p + "self_attn.v_proj.weight"] = (kv, h)
        s[p + "self_attn.o_proj.weight"] = (h, q)
        s[p + "self_attn.q_norm.weight"] = (d,)
        s[p + "self_attn.k_norm.weight"] = (d,)
        s[p + "post_attention_layernorm.weight"] = (h,)
        s[p + "mlp.gate_proj.weight"] = (f, h)
        s[p + "mlp.up_proj.weight"] = (f, h)
        s[p + "mlp.down_proj.weight"] = (h, f)
    s["model.norm.weight"] = (h,)
    return s


# ---------------------------------------------------------------- safetensors
_TYPES = {"F16": np.float16, "F32": np.float32, "I32": np.int32}


def save_safetensors(path, tensors):
    names = {np.dtype(v): k for k, v in _TYPES.items()}
    head, at = {"__metadata__": {"format": "pt"}}, 0
    for k in sorted(tensors):
        t = tensors[k]
        head[k] = {"dtype": names[t.dtype], "shape": list(t.shape),
                   "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for k in sorted(tensors):
            f.write(np.ascontiguousarray(tensors[k]).tobytes())


def load_safetensors(path):
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    out = {}
    for k, v in json.loads(data[8:8 + n]).items():
        if k != "__metadata__":
            a, b = v["data_offsets"]
            out[k] = np.frombuffer(data[8 + n + a:8 + n + b],
                                   _TYPES[v["dtype"]]).reshape(v["shape"])
    return out


# ------------------------------------------------------- reference, in numpy
class Reference:
    """Forward pass in float64 (or float32) with a key-value cache."""

    def __init__(self, folder, dtype=np.float64):
        with open(folder + "/config.json", encoding="utf-8") as f:
            self.c = json.load(f)
        self.t = dtype
        self.w = {k: v.astype(dtype) for k, v in
                  load_safetensors(folder + "/model.safetensors").items()}
        self.peak = 0.0
        self.reset()

    def reset(self):
        self.k = [None] * self.c["num_hidden_layers"]
        self.v = [None] * self.c["num_hidden_layers"]
        self.n = 0

    def norm(self, x, w):
        m = np.mean(x * x, axis=-1, keepdims=True)
        return x / np.sqrt(m + self.t(self.c["rms_norm_eps"])) * w

    def rope(self, x, pos):
        d = self.c["head_dim"]
        inv = self.c["rope_theta"] ** (-np.arange(0, d, 2, dtype=np.float64) / d)
        a = pos[:, None] * inv[None, :]
        a = np.concatenate([a, a], axis=-1)[None]
        rot = np.concatenate([-x[..., d // 2:], x[..., :d // 2]], axis=-1)
        return x * np.cos(a).astype(self.t) + rot * np.sin(a).astype(self.t)

    def forward(self, ids):
        """Logits of every position of ids, which follow what came before."""
        c, w, d = self.c, self.w, self.c["head_dim"]
        nh, nk = c["num_attention_heads"], c["num_key_value_heads"]
        n, pos = len(ids), np.arange(self.n, self.n + len(ids))
        x = w["model.embed_tokens.weight"][np.asarray(ids)]
        for i in range(c["num_hidden_layers"]):
            p = f"model.layers.{i}."
            h = self.norm(x, w[p + "input_layernorm.weight"])
            p += "self_attn."
            q = (h @ w[p + "q_proj.weight"].T).reshape(n, nh, d).transpose(1, 0, 2)
            k = (h @ w[p + "k_proj.weight"].T).reshape(n, nk, d).transpose(1, 0, 2)
            v = (h @ w[p + "v_proj.weight"].T).reshape(n, nk, d).transpose(1, 0, 2)
            q = self.rope(self.norm(q, w[p + "q_norm.weight"]), pos)
            k = self.rope(self.norm(k, w[p + "k_norm.weight"]), pos)
            if self.k[i] is not None:
                k = np.concatenate([self.k[i], k], axis=1)
                v = np.concatenate([self.v[i], v], axis=1)
            self.k[i], self.v[i] = k, v
            s = q @ np.repeat(k, nh // nk, axis=0).transpose(0, 2, 1)
            s = s * self.t(d ** -0.5)
            s = np.where(np.arange(k.shape[1])[None, None, :] > pos[None, :, None],
                         self.t(-np.inf), s)
            s = np.exp(s - s.max(axis=-1, keepdims=True))
            s /= s.sum(axis=-1, keepdims=True)
            a = (s @ np.repeat(v, nh // nk, axis=0)).transpose(1, 0, 2)
            x = x + a.reshape(n, nh * d) @ w[p + "o_proj.weight"].T
            p = f"model.layers.{i}."
            h = self.norm(x, w[p + "post_attention_layernorm.weight"])
            g = h @ w[p + "mlp.gate_proj.weight"].T
            u = g / (1 + np.exp(-g)) * (h @ w[p + "mlp.up_proj.weight"].T)
            x = x + u @ w[p + "mlp.down_proj.weight"].T
            self.seen("stream", i, x)
            self.seen("inner", i, u)
        self.n += n
        x = self.norm(x, w["model.norm.weight"])
        return x @ w["model.embed_tokens.weight"].T

    def seen(self, what, layer, x):
        """The largest activation; a subclass may want to know more."""
        self.peak = max(self.peak, float(np.abs(x).max()))

    def greedy(self, ids, limit, stop):
        """The most likely continuation; the stop token is not part of it."""
        self.reset()
        row, out = self.forward(ids)[-1], []
        while len(out) < limit:
            t = int(row.argmax())
            if t in stop:
                break
            out.append(t)
            row = self.forward([t])[-1]
        return out


# ------------------------------------------------------------ torch, training
def torch_model(config):
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Norm(torch.autograd.Function):
        """RMSNorm with a hand-written gradient: fewer passes over memory."""

        @staticmethod
        def forward(ctx, x, w, eps):
            r = torch.rsqrt(x.square().mean(-1, keepdim=True).add_(eps))
            n = x * r
            ctx.save_for_backward(n, r, w)
            return n * w

        @staticmethod
        def backward(ctx, gy):
            n, r, w = ctx.saved_tensors
            gw = (gy * n).flatten(0, -2).sum(0)
            g = gy * w
            g -= n * (g * n).mean(-1, keepdim=True)
            return g.mul_(r), gw, None

    class NormRope(torch.autograd.Function):
        """Per-head RMSNorm, then rotary positions: x is [batch, n, heads, d]."""

        @staticmethod
        def forward(ctx, x, w, cos, sin, eps):
            r = torch.rsqrt(x.square().mean(-1, keepdim=True).add_(eps))
            n = x * r
            y = n * w
            ctx.save_for_backward(n, r, w, cos, sin)
            return (y * cos).add_(y.roll(x.shape[-1] // 2, -1).mul_(sin))

        @staticmethod
        def backward(ctx, gy):
            n, r, w, cos, sin = ctx.saved_tensors
            # the roll is half the width, so it is its own inverse
            g = (gy * cos).add_((gy * sin).roll(n.shape[-1] // 2, -1))
            gw = (g * n).sum((0, 1))
            g *= w
            g -= n * (g * n).mean(-1, keepdim=True)
            return g.mul_(r), gw, None, None, None

    class SwiGLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx, gu):
            f = gu.shape[-1] // 2
            gu32 = gu.float()
            g, u = gu32[:, :f], gu32[:, f:]
            s = torch.sigmoid(g)
            a = g * s
            ctx.save_for_backward(s, a, u)
            return (a * u).to(gu.dtype)

        @staticmethod
        def backward(ctx, gy):
            s, a, u = ctx.saved_tensors
            f = s.shape[-1]
            out = torch.empty(gy.shape[0], 2 * f, dtype=gy.dtype)
            y = gy.float()
            out[:, f:] = y * a
            y *= u
            # silu'(g) = s + a (1 - s)
            out[:, :f] = y.mul_(s + a - a * s)
            return out

    class Loss(torch.autograd.Function):
        """Weighted cross entropy; the softmax is computed once, for both ways."""

        @staticmethod
        def forward(ctx, logits, y, w):
            x = logits.float()
            top = x.max(-1, keepdim=True)[0]
            at = x.gather(1, y[:, None])
            p = x.sub_(top).exp_()
            s = p.sum(-1, keepdim=True)
            loss = ((s.log() + top - at)[:, 0] * w).sum()
            p *= (w[:, None] / s)
            p.scatter_add_(1, y[:, None], -w[:, None])
            ctx.save_for_backward(p.to(logits.dtype))
            return loss

        @staticmethod
        def backward(ctx, g):
            return ctx.saved_tensors[0], None, None    # g is 1

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.c, self.names = config, {}
            for name, shape in shapes(config).items():
                if len(shape) == 1:
                    w = torch.ones(shape)
                else:
                    std = 0.02 if "embed" in name else shape[1] ** -0.5 * 0.7
                    if "o_proj" in name or "down_proj" in name:
                        std /= (2 * config["num_hidden_layers"]) ** 0.5
                    w = torch.randn(shape) * std
                self.names[name] = name.replace(".", "_")
                self.register_parameter(self.names[name], nn.Parameter(w))
            d = config["head_dim"]
            inv = config["rope_theta"] ** (-torch.arange(0, d, 2).double() / d)
            a = torch.arange(config["max_position_embeddings"]).double()[:, None] * inv
            a = torch.cat([a, a], -1)
            heads = config["num_attention_heads"] + config["num_key_value_heads"]
            cos, sin = a.cos().float(), a.sin().float()
            sin[:, :d // 2] *= -1          # rotate_half's sign, put in here
            self.register_buffer("cos", cos[:, None].repeat(1, heads, 1), persistent=False)
            self.register_buffer("sin", sin[:, None].repeat(1, heads, 1), persistent=False)

        def get(self, name):
            return getattr(self, self.names[name])

        def tensors(self):
            return {k: self.get(k).detach() for k in self.names}

        def forward(self, ids, dt, y=None, w=None):
            c, d = self.c, self.c["head_dim"]
            nh, nk, eps = c["num_attention_heads"], c["num_key_value_heads"], c["rms_norm_eps"]
            b, n = ids.shape
            e = self.get("model.embed_tokens.weight")
            x = F.embedding(ids.reshape(-1), e)
            mask = torch.full((n, n), -1e4, dtype=dt).triu_(1).repeat(nh // nk, 1)
            for i in range(c["num_hidden_layers"]):
                p = f"model.layers.{i}."
                h = Norm.apply(x, self.get(p + "input_layernorm.weight"), eps).to(dt)
                s = p + "self_attn."
                qkv = torch.cat([self.get(s + k + "_proj.weight") for k in "qkv"]).to(dt)
                qk, v = F.linear(h, qkv).split([(nh + nk) * d, nk * d], -1)
                g = torch.cat([(self.get(s + "q_norm.weight") * d ** -0.5).expand(nh, d),
                               self.get(s + "k_norm.weight").expand(nk, d)])
                qk = NormRope.apply(qk.float().view(b, n, nh + nk, d), g,
                                    self.cos[:n], self.sin[:n], eps).to(dt)
                q, k = qk[:, :, :nh], qk[:, :, nh:]
                # queries of one key head together: [b * nk, group * n, d]
                q = q.unflatten(2, (nk, nh // nk)).permute(0, 2, 3, 1, 4).reshape(b * nk, -1, d)
                k = k.permute(0, 2, 3, 1).reshape(b * nk, d, n)
                v = v.reshape(b, n, nk, d).transpose(1, 2).reshape(b * nk, n, d)
                a = torch.bmm(q, k).add_(mask)
                a = torch.bmm(torch.softmax(a, -1), v)
                a = a.view(b, nk, nh // nk, n, d).permute(0, 3, 1, 2, 4).reshape(b * n, nh * d)
                x = x + F.linear(a, self.get(s + "o_proj.weight").to(dt))
                h = Norm.apply(x, self.get(p + "post_attention_layernorm.weight"), eps).to(dt)
                gate, up, down = (self.get(p + f"mlp.{name}_proj.weight")
                                  for name in ("gate", "up", "down"))
                gu = torch.cat([gate, up]).to(dt)
                x = x + F.linear(SwiGLU.apply(F.linear(h, gu)), down.to(dt))
            h = Norm.apply(x, self.get("model.norm.weight"), eps).to(dt)
            logits = F.linear(h, e.to(dt))
            return logits if y is None else Loss.apply(logits, y, w)

    return Model()
