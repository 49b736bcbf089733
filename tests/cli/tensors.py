#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes and shows small safetensors files for the CLI tests.

usage: tensors.py make OUT NAME:TYPE:SHAPE:VALUE ...   (SHAPE 1x1x4; VALUE one number for all)
       tensors.py add OUT FROM NAME ...                (copies all of FROM, renamed in order)
       tensors.py show FILE                            (name, type, shape, first numbers)
"""
import json
import struct
import sys

TYPES = {"I32": ("i", 4), "F16": ("e", 2), "F32": ("f", 4)}


def read(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {n: (t["dtype"], t["shape"],
                data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]])
            for n, t in header.items()}


def write(path, tensors):
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + body)


def make(path, specs):
    tensors = {}
    for spec in specs:
        name, dtype, shape, value = spec.split(":")
        dims, count = [int(d) for d in shape.split("x")], 1
        for d in dims:
            count *= d
        code = TYPES[dtype][0]
        number = int(value) if code == "i" else float(value)
        tensors[name] = (dtype, dims, struct.pack(f"<{count}{code}", *[number] * count))
    write(path, tensors)


def main():
    command, path = sys.argv[1:3]
    if command == "make":
        make(path, sys.argv[3:])
    elif command == "add":
        tensors = read(path)
        for (_, t), name in zip(read(sys.argv[3]).items(), sys.argv[4:]):
            tensors[name] = t
        write(path, tensors)
    else:
        for name, (dtype, shape, data) in sorted(read(path).items()):
            code, size = TYPES[dtype]
            numbers = struct.unpack(f"<{len(data) // size}{code}", data)
            print(name, dtype, shape, *(f"{x:.3g}" for x in numbers[:3]))


main()
