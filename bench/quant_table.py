#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What palettization does to models: the table of docs/quantisation.md.

Converts the demo model, and stories260K if the fixtures are there, in every way, and compares each
with the fp16 packages on held-out text: size of the weights, KL, top-1, perplexity. Calibration is
on text that the demo model's generators make with a seed of their own.

usage: quant_table.py ANEMONE [--tokens N] [--only WORD] [--model NAME]
"""
import argparse
import glob
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools", "demo-model"))
import chats  # noqa: E402
import stories  # noqa: E402

SEED = 20260


def calibration_text(path, share_of_stories):
    rng, parts, size = random.Random(SEED), [], 0
    while size < 200000:
        text = (stories.story(rng)[0] if rng.random() < share_of_stories
                else chats.render(chats.chat(rng)[1]))
        parts.append(text + "<|endoftext|>\n")
        size += len(text)
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join(parts) if share_of_stories < 1
                else "".join(parts).replace("<|endoftext|>", ""))


def spm_tokenizer(source, path):
    """tokenizer.json of a SentencePiece vocabulary as llama2.c keeps it."""
    data, at, vocab, scores = open(source, "rb").read(), 4, {}, {}
    while at < len(data):
        score, length = struct.unpack_from("fi", data, at)
        piece = data[at + 8:at + 8 + length].decode("utf-8", "replace")
        piece = {"\n<s>\n": "<s>", "\n</s>\n": "</s>"}.get(piece, piece.replace(" ", "\u2581"))
        if piece in vocab:
            piece = "<0x%02X>" % ord(piece)
        scores[piece] = score
        vocab[piece] = len(vocab)
        at += 8 + length
    merges = []
    for piece in sorted(vocab, key=lambda p: (-scores[p], vocab[p])):
        for cut in range(1, len(piece) if not piece.startswith("<0x") else 0):
            a, b = piece[:cut], piece[cut:]
            if a in vocab and b in vocab:
                merges.append([a, b])
    flags = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
    special = [{"id": i, "content": c, "special": True, **flags}
               for i, c in enumerate(["<unk>", "<s>", "</s>"])]
    json.dump({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                      {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                                    {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "fuse_unk": True,
                  "byte_fallback": True, "vocab": vocab, "merges": merges},
    }, open(path, "w", encoding="utf-8"))


def models(work):
    demo = os.path.join(ROOT, "models", "demo")
    calibration_text(work + "/chats.txt", 0.4)
    texts = [(demo + "/heldout-%s.txt" % kind, True) for kind in ("chats", "stories")]
    yield "demo", demo, texts, work + "/chats.txt"
    fixtures = os.environ.get("ANM_FIXTURES", os.path.join(ROOT, "..", "shared", "fixtures"))
    source = fixtures + "/models/stories260K-hf"
    if not os.path.exists(source):
        print("(stories260K is left out: set ANM_FIXTURES)", file=sys.stderr)
        return
    copy = work + "/stories260K"
    shutil.copytree(source, copy)
    spm_tokenizer(source + "/tok512.bin", copy + "/tokenizer.json")
    calibration_text(work + "/stories.txt", 1)
    yield "stories260K", copy, [(fixtures + "/text/tinystories_sample.txt", False)], \
        work + "/stories.txt"


def weight_bytes(out):
    return sum(os.path.getsize(f) for f in glob.glob(
        out + "/*.mlpackage/Data/com.apple.CoreML/weights/weight.bin"))


def lut(bits, *more):
    return [a for i in "123" for a in ("--lut" + i, str(bits))] + list(more)


def rows(text):
    calibrate = ["--calibrate", text]
    yield "fp16", []
    for bits in 8, 6, 4, 3, 2, 1:
        yield "%d bits, groups of 8" % bits, lut(bits)
    for bits in 6, 4, 3:
        yield "%d bits, per tensor" % bits, lut(bits, "--per-tensor")
    yield "4 bits, columns by 8", lut(4, "--lut-axis", "1")
    for bits in 4, 3:
        yield "%d bits, scales" % bits, lut(bits, "--per-channel-scale")
        yield "%d bits, per tensor, scales" % bits, lut(bits, "--per-tensor", "--per-channel-scale")
    for bits in 4, 3, 2:
        yield "%d bits, importance" % bits, lut(bits, *calibrate)
        yield "%d bits, error feedback" % bits, lut(bits, "--gptq", *calibrate)
    for bits in 4, 3:
        yield "%d bits, scales, error feedback" % bits, lut(bits, "--per-channel-scale", "--gptq",
                                                            *calibrate)
    for bits in 4, 3:
        yield "%d bits, mixed" % bits, ["--target-size", bits, *calibrate]
        yield "%d bits, mixed, error feedback" % bits, ["--target-size", bits, "--gptq", *calibrate]


def measure(anemone, reference, out, text, tokens):
    path, documents = text
    command = [anemone, "eval", "compare", reference, out, "--text", path, "--json", "-n",
               str(tokens)] + ["--documents"] * documents
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def table(anemone, name, model, texts, calibration, work, tokens, only):
    sizes, reference = {}, "%s/%s-fp16" % (work, name)
    print("\n%s, %s\n" % (name, ", ".join(os.path.basename(t[0]) for t in texts)))
    print("| weights | MB |" + " KL | top-1 % | perplexity |" * len(texts))
    print("|---|---|" + "---|---|---|" * len(texts))
    for row, options in rows(calibration):
        if only and only not in row and row != "fp16" and "groups of 8" not in row:
            continue
        out = reference if row == "fp16" else work + "/out"
        options = [str(sizes[o]) if isinstance(o, int) else o for o in options]
        shutil.rmtree(out, ignore_errors=True)
        subprocess.run([anemone, "convert", model, "-o", out, "-c", "512", *options], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        size = weight_bytes(out)
        if row.endswith("groups of 8"):
            sizes[int(row.split()[0])] = size
        if only and only not in row:
            continue
        cells = []
        for text in texts:
            m = measure(anemone, reference, out, text, tokens)
            cells.append("%.5f | %.1f | %.4f" % (m["kl"]["mean"], 100 * m["top1_agreement"],
                                                m["other"]["perplexity"]))
        print("| %s | %.3f | %s |" % (row, size / 1e6, " | ".join(cells)), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("anemone")
    parser.add_argument("--tokens", type=int, default=3000, help="of each text")
    parser.add_argument("--only", help="rows whose names have this in them")
    parser.add_argument("--model", help="this one of the models")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        for name, model, texts, calibration in models(work):
            if a.model in (None, name):
                table(os.path.abspath(a.anemone), name, model, texts, calibration, work, a.tokens,
                      a.only)


if __name__ == "__main__":
    main()
