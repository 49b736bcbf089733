#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tiny Gemma 3 checkpoints and their logits, computed in double precision.

usage: gemma3.py OUT_DIR

Written from transformers' modeling_gemma3.py, apart from our own code and without its libraries, so
that the converter has something to be held against. For each case OUT_DIR/CASE gets config.json,
model.safetensors (random weights) and reference.safetensors:

  tokens   the input
  logits   of every position; exact but for the last bit of the arithmetic
  rounded  the same, with the constants that a package holds in fp16 rounded to it: rotary tables,
           norm gains, scaled embeddings, epsilons, the scale of queries. What is left between these
           and a package that runs in fp32 is the arithmetic.
"""
import json
import math
import os
import random
import struct
import sys

TOKENS = 40


# ---- numbers in files ----

def half(x):
    return struct.unpack("<e", struct.pack("<e", x))[0]


def single(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def to_bf16(x):
    bits = struct.unpack("<I", struct.pack("<f", x))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def bf16(x):
    return struct.unpack("<f", struct.pack("<I", to_bf16(x) << 16))[0]


ELEMENT = {
    "BF16": (bf16, lambda v: struct.pack(f"<{len(v)}H", *map(to_bf16, v))),
    "F16": (half, lambda v: struct.pack(f"<{len(v)}e", *v)),
    "F32": (single, lambda v: struct.pack(f"<{len(v)}f", *v)),
    "I32": (int, lambda v: struct.pack(f"<{len(v)}i", *v)),
}


def write_safetensors(path, tensors):
    """tensors: name -> (dtype, shape, flat values)"""
    header, data = {}, b""
    for name in sorted(tensors):
        dtype, shape, values = tensors[name]
        raw = ELEMENT[dtype][1](values)
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


# ---- the model ----

class Model:
    """A Gemma 3 text model; rounded: with a package's fp16 constants."""

    def __init__(self, config, weights, dtype, rounded=False):
        self.c, self.w, self.rounded = config, weights, rounded
        self.keep = half if rounded else lambda x: x
        root = ELEMENT[dtype][0](math.sqrt(config["hidden_size"]))
        self.bound = root * max(map(abs, weights["model.embed_tokens.weight"])) + sum(
            math.sqrt(config["hidden_size"]) * max(abs(1 + x) for x in values)
            for name, values in weights.items() if "post_" in name)
        self.scale = 1.0
        while rounded and self.scale * self.bound > 65504:
            self.scale /= 2
        self.embedding = [self.keep(x * root * self.scale)
                          for x in weights["model.embed_tokens.weight"]]
        self.rope = {"full_attention": self.frequencies(config["rope_theta"], config["factor"]),
                     "sliding_attention": self.frequencies(config["rope_local_base_freq"], 1)}
        self.cache = [([], []) for _ in config["layer_types"]]

    def frequencies(self, theta, factor):
        size = self.c["head_dim"]
        return [theta ** (-2 * i / size) / factor for i in range(size // 2)]

    def linear(self, name, x):
        weight, bias, n = self.w[name + ".weight"], self.w.get(name + ".bias"), len(x)
        rows = len(weight) // n
        return [math.fsum(weight[r * n + i] * x[i] for i in range(n)) + (bias[r] if bias else 0)
                for r in range(rows)]

    def norm(self, name, x, of_stream=False, to_stream=False):
        eps = self.c["rms_norm_eps"]
        if self.rounded:
            eps = half(max(eps * (self.scale ** 2 if of_stream else 1), 2.0 ** -24))
        factor = self.scale if to_stream else 1
        root = math.sqrt(math.fsum(v * v for v in x) / len(x) + eps)
        return [v / root * self.keep((1 + g) * factor) for v, g in zip(x, self.w[name + ".weight"])]

    def rotate(self, kind, head, position):
        middle = len(head) // 2
        out = list(head)
        for i, frequency in enumerate(self.rope[kind]):
            cos = self.keep(math.cos(position * frequency))
            sin = self.keep(math.sin(position * frequency))
            a, b = head[i], head[i + middle]
            out[i], out[i + middle] = a * cos - b * sin, b * cos + a * sin
        return out

    def heads(self, prefix, kind, x, position, norm):
        size = self.c["head_dim"]
        flat = self.linear(prefix + "_proj", x)
        split = [flat[i:i + size] for i in range(0, len(flat), size)]
        if not norm:
            return split
        return [self.rotate(kind, self.norm(prefix + "_norm", h), position) for h in split]

    def mix(self, query, keys, values):
        cap, scale = self.c.get("attn_logit_softcapping"), self.c["query_pre_attn_scalar"] ** -0.5
        query = [v * self.keep(scale) for v in query]
        scores = [math.fsum(a * b for a, b in zip(query, key)) for key in keys]
        if cap:
            scores = [cap * math.tanh(s / cap) for s in scores]
        most = max(scores)
        shares = [math.exp(s - most) for s in scores]
        total = math.fsum(shares)
        return [math.fsum(p * v[i] for p, v in zip(shares, values)) / total
                for i in range(len(query))]

    def attention(self, layer, x, position):
        prefix, kind = f"model.layers.{layer}.self_attn.", self.c["layer_types"][layer]
        keys, values = self.cache[layer]
        queries = self.heads(prefix + "q", kind, x, position, True)
        keys.append(self.heads(prefix + "k", kind, x, position, True))
        values.append(self.heads(prefix + "v", kind, x, position, False))
        window = self.c["sliding_window"] if kind == "sliding_attention" else position + 1
        first = max(0, position + 1 - window)
        group = len(queries) // len(keys[0])
        mixed = []
        for i, query in enumerate(queries):
            mixed += self.mix(query, [k[i // group] for k in keys[first:]],
                              [v[i // group] for v in values[first:]])
        return self.linear(prefix + "o_proj", mixed)

    def mlp(self, layer, x):
        prefix = f"model.layers.{layer}.mlp."
        gate, up = self.linear(prefix + "gate_proj", x), self.linear(prefix + "up_proj", x)
        bent = [0.5 * g * (1 + math.tanh(math.sqrt(2 / math.pi) * (g + 0.044715 * g ** 3)))
                for g in gate]
        return self.linear(prefix + "down_proj", [a * b for a, b in zip(bent, up)])

    def step(self, token, position):
        size = self.c["hidden_size"]
        hidden = self.embedding[token * size:(token + 1) * size]
        for layer in range(len(self.cache)):
            p = f"model.layers.{layer}."
            x = self.norm(p + "input_layernorm", hidden, of_stream=True)
            x = self.attention(layer, x, position)
            x = self.norm(p + "post_attention_layernorm", x, to_stream=True)
            hidden = [a + b for a, b in zip(hidden, x)]
            x = self.norm(p + "pre_feedforward_layernorm", hidden, of_stream=True)
            x = self.norm(p + "post_feedforward_layernorm", self.mlp(layer, x), to_stream=True)
            hidden = [a + b for a, b in zip(hidden, x)]
            self.peak = max(getattr(self, "peak", 0), max(map(abs, hidden)) / self.scale)
        hidden = self.norm("model.norm", hidden, of_stream=True)
        head = "lm_head" if "lm_head.weight" in self.w else "model.embed_tokens"
        logits, cap = self.linear(head, hidden), self.c.get("final_logit_softcapping")
        return [cap * math.tanh(v / cap) for v in logits] if cap else logits


# ---- the cases ----

BASE = {"vocab_size": 83, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 4,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 8,
        "rms_norm_eps": 1e-6, "rope_theta": 1e6, "rope_local_base_freq": 1e4,
        "query_pre_attn_scalar": 24, "hidden_activation": "gelu_pytorch_tanh",
        "max_position_embeddings": 128, "eos_token_id": 1, "bos_token_id": 2}
LINEAR = {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}
# dtype, more of the config, width of the gains behind attention and MLP, names, other parts
CASES = {
    # A window of 8, every third layer global, RoPE stretched for those.
    "text": ("BF16", {"model_type": "gemma3_text", "architectures": ["Gemma3ForCausalLM"],
                      "sliding_window_pattern": 3, **LINEAR}, 1, "", ()),
    # Inside a larger model, by the newer keys; one key head, biases, caps, a head of its own.
    "part": ("F16", {"model_type": "gemma3_text", "num_key_value_heads": 1, "attention_bias": True,
                     "attn_logit_softcapping": 3.0, "final_logit_softcapping": 5.0,
                     "sliding_window": 12, "tie_word_embeddings": False, "layer_types":
                     ["full_attention", "sliding_attention", "sliding_attention",
                      "full_attention"]}, 1, "language_model.", ("vision_tower.patch.weight",
                                                                "multi_modal_projector.x")),
    # Gains that take the residual stream far beyond fp16.
    "large": ("BF16", {"model_type": "gemma3_text", "architectures": ["Gemma3ForCausalLM"],
                       "sliding_window_pattern": 2, **LINEAR}, 60000, "", ()),
}


def add_layer(shapes, c, layer):
    p, hidden, inner = f"model.layers.{layer}.", c["hidden_size"], c["intermediate_size"]
    query, key = (c[n] * c["head_dim"] for n in ("num_attention_heads", "num_key_value_heads"))
    for name, rows in (("q", query), ("k", key), ("v", key)):
        shapes[f"{p}self_attn.{name}_proj.weight"] = [rows, hidden]
    shapes[p + "self_attn.o_proj.weight"] = [hidden, query]
    for name, rows in (("q", query), ("k", key), ("v", key), ("o", hidden)):
        if c.get("attention_bias"):
            shapes[f"{p}self_attn.{name}_proj.bias"] = [rows]
    for name in ("q", "k"):
        shapes[f"{p}self_attn.{name}_norm.weight"] = [c["head_dim"]]
    for name in ("input", "post_attention", "pre_feedforward", "post_feedforward"):
        shapes[f"{p}{name}_layernorm.weight"] = [hidden]
    for name in ("gate", "up"):
        shapes[f"{p}mlp.{name}_proj.weight"] = [inner, hidden]
    shapes[p + "mlp.down_proj.weight"] = [hidden, inner]


def make_weights(c, dtype, width, rng):
    shapes = {"model.embed_tokens.weight": [c["vocab_size"], c["hidden_size"]],
              "model.norm.weight": [c["hidden_size"]]}
    if not c.get("tie_word_embeddings", True):
        shapes["lm_head.weight"] = [c["vocab_size"], c["hidden_size"]]
    for layer in range(c["num_hidden_layers"]):
        add_layer(shapes, c, layer)
    weights = {}
    for name, shape in shapes.items():
        spread = shape[-1] ** -0.5 if len(shape) == 2 else 0.3
        spread *= width if "post_" in name else 1
        weights[name] = [ELEMENT[dtype][0](rng.gauss(0, spread)) for _ in range(math.prod(shape))]
    return shapes, weights


def write_config(path, c, prefix):
    config = {k: v for k, v in c.items() if k not in ("layer_types_known", "factor")}
    if prefix:
        # The newer spelling, and as little as that class of models writes down.
        rope = {"full_attention": {"rope_type": "default", "rope_theta": config.pop("rope_theta")},
                "sliding_attention": {"rope_type": "default",
                                      "rope_theta": config.pop("rope_local_base_freq")}}
        config = {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
                  "eos_token_id": config.pop("eos_token_id"),
                  "text_config": {**config, "rope_parameters": rope}}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=1)
        file.write("\n")


def make_case(folder, name):
    dtype, more, width, prefix, others = CASES[name]
    c, rng = {**BASE, **more}, random.Random("gemma3 " + name)
    os.makedirs(folder, exist_ok=True)
    write_config(os.path.join(folder, "config.json"), c, prefix)
    shapes, weights = make_weights(c, dtype, width, rng)
    write_safetensors(os.path.join(folder, "model.safetensors"), {
        **{prefix + n: (dtype, shapes[n], weights[n]) for n in shapes},
        **{n: (dtype, [3], [1, 2, 3]) for n in others}})
    c["factor"] = c.get("rope_scaling", {}).get("factor", 1)
    pattern = c.get("sliding_window_pattern", 1)
    c.setdefault("layer_types", ["sliding_attention" if (i + 1) % pattern else "full_attention"
                                 for i in range(c["num_hidden_layers"])])
    tokens = [rng.randrange(c["vocab_size"]) for _ in range(TOKENS)]
    results = {"tokens": ("I32", [TOKENS], tokens)}
    for key, rounded in (("logits", False), ("rounded", True)):
        model, flat = Model(c, weights, dtype, rounded), []
        for position, token in enumerate(tokens):
            flat += model.step(token, position)
        results[key] = ("F32", [TOKENS, c["vocab_size"]], flat)
    write_safetensors(os.path.join(folder, "reference.safetensors"), results)
    print(f"{name}: the stream reached {model.peak:.6g}, its bound is {model.bound:.6g}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for case in CASES:
        make_case(os.path.join(sys.argv[1], case), case)
