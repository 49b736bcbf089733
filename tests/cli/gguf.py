#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a Qwen 3 model directory as a GGUF file, tokenizer included, with the weights as they are.

usage: gguf.py MODEL_DIR OUT.gguf
"""
import json
import os
import struct
import sys

U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
TYPES = {"F32": 0, "F16": 1, "BF16": 30}
NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.q_norm": "attn_q_norm",
         "self_attn.k_norm": "attn_k_norm", "self_attn.o_proj": "attn_output",
         "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
         "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
MODEL = {"model.embed_tokens.weight": "token_embd.weight",
         "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def number(form):
    return lambda value: struct.pack("<" + form, value)


PACK = {U32: number("I"), F32: number("f"), BOOL: number("?"), STRING: text, I32: number("i")}


def pair(key, kind, value):
    if isinstance(value, list):
        body = struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(map(PACK[kind], value))
    else:
        body = struct.pack("<I", kind) + PACK[kind](value)
    return text(key) + body


def rename(name):
    if name in MODEL:
        return MODEL[name]
    _, _, layer, rest = name.split(".", 3)
    base, _, ending = rest.rpartition(".")
    return f"blk.{layer}.{NAMES[base]}.{ending}"


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def architecture(config):
    p = "qwen3."
    return [
        pair("general.architecture", STRING, "qwen3"),
        pair(p + "block_count", U32, config["num_hidden_layers"]),
        pair(p + "embedding_length", U32, config["hidden_size"]),
        pair(p + "feed_forward_length", U32, config["intermediate_size"]),
        pair(p + "attention.head_count", U32, config["num_attention_heads"]),
        pair(p + "attention.head_count_kv", U32, config["num_key_value_heads"]),
        pair(p + "attention.key_length", U32, config["head_dim"]),
        pair(p + "attention.value_length", U32, config["head_dim"]),
        pair(p + "context_length", U32, config["max_position_embeddings"]),
        pair(p + "attention.layer_norm_rms_epsilon", F32, config["rms_norm_eps"]),
        pair(p + "rope.freq_base", F32, config["rope_theta"]),
    ]


def tokenizer(folder):
    root, config = read(folder, "tokenizer.json"), read(folder, "tokenizer_config.json")
    tokens = {id: (token, 1) for token, id in root["model"]["vocab"].items()}
    ids = {}
    for added in root["added_tokens"]:
        tokens[added["id"]] = (added["content"], 3 if added["special"] else 4)
        ids[added["content"]] = added["id"]
    merges = [m if isinstance(m, str) else " ".join(m) for m in root["model"]["merges"]]
    return [
        pair("tokenizer.ggml.model", STRING, "gpt2"),
        pair("tokenizer.ggml.pre", STRING, "qwen2"),
        pair("tokenizer.ggml.tokens", STRING, [tokens[i][0] for i in range(len(tokens))]),
        pair("tokenizer.ggml.token_type", I32, [tokens[i][1] for i in range(len(tokens))]),
        pair("tokenizer.ggml.merges", STRING, merges),
        pair("tokenizer.ggml.eos_token_id", U32, ids[config["eos_token"]]),
        pair("tokenizer.ggml.add_bos_token", BOOL, False),
        pair("tokenizer.chat_template", STRING, config["chat_template"]),
    ]


def main():
    folder, out = sys.argv[1:]
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    infos, body = b"", b""
    for name, info in header.items():
        begin, end = info["data_offsets"]
        infos += text(rename(name)) + struct.pack("<I", len(info["shape"]))
        infos += b"".join(struct.pack("<Q", n) for n in reversed(info["shape"]))
        infos += struct.pack("<IQ", TYPES[info["dtype"]], len(body))
        body += data[begin:end] + bytes(-(end - begin) % 32)
    pairs = architecture(read(folder, "config.json")) + tokenizer(folder)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(header), len(pairs)) + b"".join(pairs) + infos
    with open(out, "wb") as file:
        file.write(head + bytes(-len(head) % 32) + body)


main()
