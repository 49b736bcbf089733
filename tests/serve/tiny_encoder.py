# SPDX-License-Identifier: MIT
"""An encoder small enough to write by hand: a table of embeddings, a row for each word."""
import json
import math
import os

WORDS = ["[PAD]", "[UNK]", "a", "b", "c", "d"]
ROWS = [[0, 0, 0], [9, 9, 9], [1, 0, 0], [0, 2, 0], [0, 0, 3], [1, 1, 1]]
LENGTH = 8

PROGRAM = """program(1.0)
{{
    func main<ios16>(tensor<int32, [1, {length}]> attention_mask, \
tensor<int32, [1, {length}]> input_ids) {{
            tensor<fp32, [{words}, 3]> table = const()[name = string("table"), val = tensor<fp32, \
[{words}, 3]>([{rows}])];
            int32 axis = const()[name = string("axis"), val = int32(0)];
            int32 batch_dims = const()[name = string("batch_dims"), val = int32(0)];
            tensor<fp32, [1, {length}, 3]> last_hidden = gather(axis = axis, \
batch_dims = batch_dims, indices = input_ids, x = table)[name = string("last_hidden")];
        }} -> (last_hidden);
}}
"""


def write_encoder(folder):
    """A directory with a compiled model and a tokenizer."""
    package = os.path.join(folder, "encoder.mlmodelc")
    os.makedirs(package)
    rows = ", ".join("[" + ", ".join(f"{value}.0" for value in row) + "]" for row in ROWS)
    with open(os.path.join(package, "model.mil"), "w", encoding="utf-8") as file:
        file.write(PROGRAM.format(length=LENGTH, words=len(WORDS), rows=rows))
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "unk_token": "[UNK]",
                  "vocab": {word: i for i, word in enumerate(WORDS)}}}
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(tokenizer, file)


def expected(ids):
    """The mean of the rows, of length one."""
    mean = [sum(ROWS[i][k] for i in ids) / len(ids) for k in range(3)]
    size = math.sqrt(sum(value * value for value in mean))
    return [value / size for value in mean]
