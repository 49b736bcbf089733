#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Memory of conversion by shape of the model: that it does not grow with the layers.

Makes checkpoints of Qwen 3's shapes whose weights are holes in the file (zeros that take no disk),
converts each, and prints the largest memory of the process's own (RssAnon; pages of mapped files
are not in it), the largest resident size, and the time.

usage: memory_by_shape.py ANEMONE FOLDER [--options "--lut2 4"] [SHAPE...]
"""
import argparse
import json
import os
import shutil
import struct
import subprocess
import time

SHAPES = {  # hidden, layers, heads, key heads, intermediate, tied
    "0.6b": (1024, 28, 16, 8, 3072, True),
    "0.6b-deep": (1024, 112, 16, 8, 3072, True),
    "1.7b": (2048, 28, 16, 8, 6144, True),
    "4b": (2560, 36, 32, 8, 9728, True),
    "8b": (4096, 36, 32, 8, 12288, False),
}
HEAD_DIM, VOCAB = 128, 151936


def tensors(hidden, layers, heads, kv, inner, tied):
    yield "model.embed_tokens.weight", [VOCAB, hidden]
    for i in range(layers):
        p = f"model.layers.{i}."
        yield p + "input_layernorm.weight", [hidden]
        yield p + "post_attention_layernorm.weight", [hidden]
        yield p + "self_attn.q_proj.weight", [heads * HEAD_DIM, hidden]
        yield p + "self_attn.k_proj.weight", [kv * HEAD_DIM, hidden]
        yield p + "self_attn.v_proj.weight", [kv * HEAD_DIM, hidden]
        yield p + "self_attn.o_proj.weight", [hidden, heads * HEAD_DIM]
        yield p + "self_attn.q_norm.weight", [HEAD_DIM]
        yield p + "self_attn.k_norm.weight", [HEAD_DIM]
        yield p + "mlp.gate_proj.weight", [inner, hidden]
        yield p + "mlp.up_proj.weight", [inner, hidden]
        yield p + "mlp.down_proj.weight", [hidden, inner]
    yield "model.norm.weight", [hidden]
    if not tied:
        yield "lm_head.weight", [VOCAB, hidden]


def make_checkpoint(folder, shape):
    hidden, layers, heads, kv, inner, tied = shape
    os.makedirs(folder, exist_ok=True)
    header, at = {}, 0
    for name, dims in tensors(*shape):
        size = 2
        for d in dims:
            size *= d
        header[name] = {"dtype": "BF16", "shape": dims, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        out.truncate(8 + len(text) + at)
    config = {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": hidden,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv,
        "head_dim": HEAD_DIM, "intermediate_size": inner, "vocab_size": VOCAB,
        "max_position_embeddings": 40960, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
        "hidden_act": "silu", "tie_word_embeddings": tied, "torch_dtype": "bfloat16"}
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as out:
        json.dump(config, out)
    return at


def status(pid, key):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def convert(anemone, model, out, options):
    begin = time.time()
    process = subprocess.Popen([anemone, "convert", model, "-o", out, *options],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    own = resident = 0
    while process.poll() is None:
        own = max(own, status(process.pid, "RssAnon"))
        resident = max(resident, status(process.pid, "VmHWM"))
        time.sleep(0.005)
    if process.returncode:
        raise SystemExit(process.stderr.read().decode())
    return own, resident, time.time() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("anemone")
    parser.add_argument("folder")
    parser.add_argument("shapes", nargs="*", default=[])
    parser.add_argument("--options", default="")
    args = parser.parse_args()
    print(f"{'shape':<10} {'weights':>9} {'own memory':>11} {'resident':>10} {'time':>8}")
    for name in args.shapes or SHAPES:
        model, out = os.path.join(args.folder, name), os.path.join(args.folder, name + ".out")
        size = make_checkpoint(model, SHAPES[name])
        shutil.rmtree(out, ignore_errors=True)
        own, resident, took = convert(args.anemone, model, out, args.options.split())
        shutil.rmtree(out)
        shutil.rmtree(model)
        print(f"{name:<10} {size / 1e9:6.2f} GB {own / 1e6:8.1f} MB {resident / 1e6:7.1f} MB"
              f" {took:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
