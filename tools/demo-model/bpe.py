#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Byte-level BPE: training, encoding and decoding, and the Hugging Face files.

The encoder does what tokenizer.json says, as the Hugging Face library reads it:
added tokens are cut out first, the rest is normalised to NFC, split by the
pattern, mapped to byte symbols, and merged by rank.
"""
import heapq
import json
import re
import sys
import unicodedata

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
           r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- endif %}")


def _class(first):
    """Unicode general category as the inside of a character class."""
    out, start = [], None
    for c in range(0x110001):
        ok = c < 0x110000 and unicodedata.category(chr(c))[0] == first
        if ok and start is None:
            start = c
        elif not ok and start is not None:
            out.append((start, c - 1))
            start = None
    return "".join("\\U%08x-\\U%08x" % r if r[0] != r[1] else "\\U%08x" % r[0]
                   for r in out)


_SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


def compile_pattern():
    """PATTERN for Python's re, which has no \\p{..} and a wider \\s."""
    p, letters, numbers = PATTERN, _class("L"), _class("N")
    p = p.replace(r"[^\r\n\p{L}\p{N}]", r"[^\r\n" + letters + numbers + "]")
    p = p.replace(r"[^\s\p{L}\p{N}]", "[^" + _SPACE + letters + numbers + "]")
    p = p.replace(r"\p{L}", "[" + letters + "]").replace(r"\p{N}", "[" + numbers + "]")
    p = p.replace(r"\S", "[^" + _SPACE + "]").replace(r"\s", "[" + _SPACE + "]")
    return re.compile(p)


def byte_symbols():
    """The printable stand-ins of the 256 bytes (the GPT-2 table)."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, n = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + n)
            n += 1
    return table


BYTE = byte_symbols()
UNBYTE = {c: b for b, c in BYTE.items()}


class Tokenizer:
    def __init__(self, vocab, merges):
        self.vocab = dict(vocab)
        self.rank = {tuple(m): i for i, m in enumerate(merges)}
        self.merges = [tuple(m) for m in merges]
        self.special = {s: len(vocab) + i for i, s in enumerate(SPECIAL)}
        self.size = len(vocab) + len(SPECIAL)
        self.name = {i: s for s, i in {**self.vocab, **self.special}.items()}
        self.split = compile_pattern()
        self.cut = re.compile("(" + "|".join(map(re.escape, SPECIAL)) + ")")
        self.cache = {}

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as f:
            t = json.load(f)
        return cls(t["model"]["vocab"], [tuple(m.split(" ")) if isinstance(m, str) else tuple(m)
                                         for m in t["model"]["merges"]])

    def word(self, piece):
        ids = self.cache.get(piece)
        if ids is None:
            s = [BYTE[b] for b in piece.encode("utf-8")]
            while len(s) > 1:
                r, i = min((self.rank.get((s[i], s[i + 1]), 1 << 30), i)
                           for i in range(len(s) - 1))
                if r == 1 << 30:
                    break
                s[i:i + 2] = [s[i] + s[i + 1]]
            ids = self.cache[piece] = [self.vocab[x] for x in s]
        return ids

    def encode(self, text):
        ids = []
        for part in self.cut.split(text):
            if part in self.special:
                ids.append(self.special[part])
            elif part:
                for m in self.split.finditer(unicodedata.normalize("NFC", part)):
                    ids += self.word(m.group())
        return ids

    def decode(self, ids, skip_special=False):
        out = bytearray()
        for i in ids:
            s = self.name[i]
            if s in self.special:
                if not skip_special:
                    out += s.encode()
            else:
                out += bytes(UNBYTE[c] for c in s)
        return out.decode("utf-8", "replace")

    def save(self, folder, max_len):
        added = [{"id": i, "content": s, "single_word": False, "lstrip": False,
                  "rstrip": False, "normalized": False, "special": True}
                 for s, i in self.special.items()]
        level = {"type": "ByteLevel", "add_prefix_space": False,
                 "trim_offsets": False, "use_regex": False}
        t = {"version": "1.0", "truncation": None, "padding": None,
             "added_tokens": added, "normalizer": {"type": "NFC"},
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                 {"type": "Split", "pattern": {"Regex": PATTERN},
                  "behavior": "Isolated", "invert": False}, level]},
             "post_processor": level, "decoder": level,
             "model": {"type": "BPE", "dropout": None, "unk_token": None,
                       "continuing_subword_prefix": "", "end_of_word_suffix": "",
                       "fuse_unk": False, "byte_fallback": False,
                       "ignore_merges": False, "vocab": self.vocab,
                       "merges": [list(m) for m in self.merges]}}
        write(folder + "/tokenizer.json", t)
        write(folder + "/tokenizer_config.json", {
            "add_bos_token": False, "add_prefix_space": False,
            "added_tokens_decoder": {str(a["id"]): {k: v for k, v in a.items() if k != "id"}
                                     for a in added},
            "additional_special_tokens": SPECIAL[1:], "bos_token": None,
            "chat_template": CHAT_TEMPLATE, "clean_up_tokenization_spaces": False,
            "eos_token": "<|im_end|>", "errors": "replace",
            "model_max_length": max_len, "pad_token": "<|endoftext|>",
            "split_special_tokens": False, "tokenizer_class": "Qwen2Tokenizer",
            "unk_token": None})


def write(path, obj):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(obj, f, ensure_ascii=False, indent=1)
        f.write("\n")


def train(texts, size):
    """The merges of the most frequent pairs; ties go to the smaller strings."""
    split, cut = compile_pattern(), re.compile("|".join(map(re.escape, SPECIAL)))
    counts = {}
    for t in texts:
        for part in cut.split(t):
            for m in split.finditer(unicodedata.normalize("NFC", part)):
                counts[m.group()] = counts.get(m.group(), 0) + 1
    words = [[BYTE[b] for b in w.encode("utf-8")] for w in sorted(counts)]
    n = [counts[w] for w in sorted(counts)]
    pairs, where = {}, {}
    for i, w in enumerate(words):
        for p in zip(w, w[1:]):
            pairs[p] = pairs.get(p, 0) + n[i]
            where.setdefault(p, set()).add(i)
    heap = [(-c, p) for p, c in pairs.items()]
    heapq.heapify(heap)
    vocab = {s: i for i, s in enumerate(sorted(BYTE.values(), key=lambda c: UNBYTE[c]))}
    merges = []
    while len(vocab) + len(SPECIAL) < size and heap:
        c, p = heapq.heappop(heap)
        if pairs.get(p, 0) != -c or c == 0:
            continue
        new = p[0] + p[1]
        if new not in vocab:
            vocab[new] = len(vocab)
        merges.append(p)
        for i in sorted(where.pop(p)):
            w, changed = words[i], set()
            for q in zip(w, w[1:]):
                pairs[q] -= n[i]
                changed.add(q)
            j, out = 0, []
            while j < len(w):
                if j + 1 < len(w) and (w[j], w[j + 1]) == p:
                    out.append(new)
                    j += 2
                else:
                    out.append(w[j])
                    j += 1
            words[i] = out
            for q in zip(out, out[1:]):
                pairs[q] = pairs.get(q, 0) + n[i]
                where.setdefault(q, set()).add(i)
                changed.add(q)
            for q in changed:
                if pairs[q] > 0:
                    heapq.heappush(heap, (-pairs[q], q))
        pairs[p] = 0
    return Tokenizer(vocab, merges)


if __name__ == "__main__":
    tok = Tokenizer.load(sys.argv[1])
    for line in sys.argv[2:]:
        print(tok.encode(line))
