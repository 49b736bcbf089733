#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes models that no single plan can hold, with made-up weights, as text: loop.mlmodelc, a
decoder that attends to 256 positions and feeds itself 64 times, and branches.mlmodelc, convolutions
in front of, in, and behind a condition.

usage: make_parts_models.py FOLDER
"""
import math
import pathlib
import random
import sys


def literal(name, shape):
    numbers = random.choices([f"{n / 64}" for n in range(-8, 9)], k=math.prod(shape))
    dims = ", ".join(map(str, shape))

    def nest(values, dims):
        if len(dims) == 1:
            return "[" + ", ".join(values) + "]"
        step = len(values) // dims[0]
        parts = (nest(values[i * step:(i + 1) * step], dims[1:]) for i in range(dims[0]))
        return "[" + ", ".join(parts) + "]"

    kind = f"tensor<fp32, [{dims}]>"
    return f"{kind} {name} = const()[val = {kind}({nest(numbers, shape)})];\n"


def product(out, shape, x, y, turn="false"):
    return (f"tensor<fp32, [{shape}]> {out} = matmul(x = {x}, y = {y}, "
            f"transpose_x = bool(false), transpose_y = bool({turn}));\n")


def loop():
    weights = "".join(literal(f"w{i}", s) for i, s in
                      enumerate([(256, 256), (256, 512), (512, 256), (256, 256)]))
    row = "1, 256"
    body = (product("q", row, "h", "w0") + product("s", row, "q", "keys", "true") +
            f"tensor<fp32, [{row}]> p = softmax(x = s, axis = int32(1));\n" +
            product("a", row, "p", "values") +
            f"tensor<fp32, [{row}]> b = add(x = a, y = h);\n" + product("u", "1, 512", "b", "w1") +
            "tensor<fp32, [1, 512]> v = gelu(x = u, mode = string(\"TANH_APPROXIMATION\"));\n" +
            product("o", row, "v", "w2") +
            f"tensor<fp32, [{row}]> c = add(x = o, y = b);\n"
            f"tensor<fp32, [{row}]> next = tanh(x = c);\n")
    return (f"func main<ios18>(tensor<fp32, [{row}]> x, tensor<fp32, [256, 256]> memory) {{\n"
            + weights + product("keys", "256, 256", "memory", "w3")
            + "tensor<fp32, [256, 256]> values = tanh(x = keys);\n"
            f"int32 n, tensor<fp32, [{row}]> y = while_loop(loop_vars = (int32(0), x)) {{\n"
            f"block (int32 i, tensor<fp32, [{row}]> g) {{\n"
            "bool go = less(x = i, y = int32(64));\n} -> (go);\n"
            f"block (int32 k, tensor<fp32, [{row}]> h) {{\n"
            "int32 m = add(x = k, y = int32(1));\n" + body + "} -> (m, next);\n};\n} -> (y);\n")


def convolution(out, x, w):
    return (f"tensor<fp32, [1, 32, 48, 48]> {out} = conv(x = {x}, weight = {w}, "
            "pad_type = string(\"same\"), strides = tensor<int32, [2]>([1, 1]), "
            "dilations = tensor<int32, [2]>([1, 1]), groups = int32(1), "
            "pad = tensor<int32, [4]>([0, 0, 0, 0]));\n")


def branches():
    weights = "".join(literal(f"w{i}", (32, 32, 3, 3)) for i in range(4))
    kind = "tensor<fp32, [1, 32, 48, 48]>"
    return (f"func main<ios18>({kind} x) {{\n" + weights + convolution("a", "x", "w0")
            + f"{kind} b = relu(x = a);\n"
            f"fp32 sum = reduce_sum(x = x, axes = tensor<int32, [4]>([0, 1, 2, 3]), "
            "keep_dims = bool(false));\nbool bright = greater(x = sum, y = fp32(0));\n"
            f"{kind} c = cond(pred = bright) {{\nblock () {{\n" + convolution("d", "b", "w1")
            + "} -> (d);\nblock () {\n" + convolution("e", "b", "w2")
            + f"{kind} f = relu(x = e);\n}} -> (f);\n}};\n" + convolution("y", "c", "w3")
            + "} -> (y);\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    random.seed(1)
    for name, text in (("loop", loop()), ("branches", branches())):
        folder = pathlib.Path(sys.argv[1]) / f"{name}.mlmodelc"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.mil").write_text("program(1.3)\n{\n" + text + "}\n")


main()
