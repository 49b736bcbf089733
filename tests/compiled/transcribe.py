# SPDX-License-Identifier: MIT
"""model.mil from a package's model file, by the rules of docs/compile.md, written a second time.

The program is transcribed op for op; functions, inputs, arguments and attributes are sorted by
name. Keys of enumerated shapes stand as KEY, because nobody knows Apple's hash.
"""
import math
import re
import struct

DTYPES = {1: "bool", 2: "string", 10: "fp16", 11: "fp32", 12: "fp64", 13: "bf16", 21: "int8",
          22: "int16", 23: "int32", 24: "int64", 25: "int4", 31: "uint8", 32: "uint16",
          33: "uint32", 34: "uint64", 35: "uint4", 36: "uint2", 37: "uint1", 38: "uint6",
          39: "uint3"}
OPSETS = {"CoreML5": "ios15", "CoreML6": "ios16", "CoreML7": "ios17", "CoreML8": "ios18"}
LETTERS = {"fp16": "e", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "uint32": "I",
           "int64": "q", "uint64": "Q"}
NAMED = re.compile(r"0x1\.([0-9a-f]*?)0*p([+-]\d+)")
KEY = "KEY"


def float_text(x):
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    if x == 0:
        return "-0x0p+0" if math.copysign(1, x) < 0 else "0x0p+0"
    digits, power = NAMED.fullmatch(abs(x).hex()).groups()
    return ("-" if x < 0 else "") + "0x1" + ("." + digits if digits else "") + "p" + power


class Printer:
    def __init__(self, spec_version):
        self.new = spec_version >= 9

    # ---- types ----

    def dim(self, message):
        return str(message.one(1).number(1)) if message.has(1) else "?"

    def scalar(self, name):
        return name if self.new else f"tensor<{name}, []>"

    def type(self, t):
        if t.has(1):
            tensor = t.one(1)
            name = DTYPES[tensor.number(1)]
            dims = [self.dim(d) for d in tensor.many(3)]
            return f"tensor<{name}, [{', '.join(dims)}]>" if dims else self.scalar(name)
        if t.has(2):
            inner = t.one(2)
            return f"list<{self.type(inner.one(1))}, {self.dim(inner.one(2))}>"
        if t.has(3):
            return f"tuple<{', '.join(self.type(x) for x in t.one(3).many(1))}>"
        if t.has(4):
            return f"dict<{self.type(t.one(4).one(1))}, {self.type(t.one(4).one(2))}>"
        return f"state<{self.type(t.one(5).one(1))}>"

    # ---- values ----

    @staticmethod
    def packed(data, name, count):
        """Elements below a byte: bit i*n of a little-endian stream onward."""
        bits = int(re.sub(r"\D", "", name))
        stream = int.from_bytes(data, "little")
        values = [stream >> (i * bits) & ((1 << bits) - 1) for i in range(count)]
        if name.startswith("int"):
            values = [v - (1 << bits) if v >> (bits - 1) else v for v in values]
        return [str(v) for v in values]

    def elements(self, tensor, name, count):
        if tensor.has(1):
            return [float_text(x) for x in tensor.one(1).reals(1, "f")]
        if tensor.has(2):
            return [str(x) for x in tensor.one(2).numbers(1, 32)]
        if tensor.has(3):
            return ["true" if x else "false" for x in tensor.one(3).numbers(1)]
        if tensor.has(4):
            return [f'"{x}"' for x in tensor.one(4).texts(1)]
        if tensor.has(5):
            return [str(x) for x in tensor.one(5).numbers(1)]
        if tensor.has(6):
            return [float_text(x) for x in tensor.one(6).reals(1, "d")]
        data = tensor.one(7).number(1, b"")
        if name not in LETTERS:
            return self.packed(data, name, count)
        numbers = struct.unpack(f"<{count}{LETTERS[name]}", data)
        return [float_text(x) if name == "fp16" else str(x) for x in numbers]

    @staticmethod
    def nest(items, dims):
        if not dims:
            return items[0] if items else ""
        step = len(items) // dims[0] if dims[0] else 0
        rows = (Printer.nest(items[i * step:(i + 1) * step], dims[1:]) for i in range(dims[0]))
        return "[" + ", ".join(rows) + "]"

    def tensor(self, t, value):
        dims = [d.one(1).number(1) for d in t.many(3)]
        count = math.prod(dims)
        return self.nest(self.elements(value, DTYPES[t.number(1)], count), dims)

    def literal(self, value):
        kind, inner = value.one(2), value.one(3)
        if value.has(5):
            blob = value.one(5)
            return (f'BLOBFILE(path = {self.scalar("string")}("{blob.text(1)}"), '
                    f'offset = {self.scalar("uint64")}({blob.number(2)}))')
        if inner.has(1):
            return self.tensor(kind.one(1), inner.one(1))
        if inner.has(4):
            pairs = [f"{{{self.literal(p.one(1))}, {self.literal(p.one(2))}}}"
                     for p in inner.one(4).many(1)]
            return "{" + ", ".join(pairs) + "}"
        ends = "()" if inner.has(2) else "[]"
        items = [self.literal(v) for v in inner.one(2 if inner.has(2) else 3).many(1)]
        return ends[0] + ", ".join(items) + ends[1]

    def value(self, value):
        return f"{self.type(value.one(2))}({self.literal(value)})"

    # ---- ops ----

    def attributes(self, entries, extra=()):
        rows = sorted([(e.text(1), self.value(e.one(2))) for e in entries] + list(extra))
        return "[" + ", ".join(f"{k} = {v}" for k, v in rows) + "]" if rows else ""

    def binding(self, b):
        return b.text(1) if b.has(1) else self.value(b.one(2))

    def argument(self, entry):
        bindings = [self.binding(b) for b in entry.one(2).many(1)]
        text = bindings[0] if len(bindings) == 1 else "(" + ", ".join(bindings) + ")"
        return f"{entry.text(1)} = {text}"

    def op(self, op):
        outputs = ", ".join(f"{self.type(o.one(2))} {o.text(1)}" for o in op.many(3))
        arguments = ", ".join(sorted(map(self.argument, op.many(2)),
                                     key=lambda a: a.split(" = ")[0]))
        return (f"            {outputs + ' = ' if outputs else ''}{op.text(1)}({arguments})"
                f"{self.attributes(op.many(5))};\n")

    # ---- flexible shapes ----

    @staticmethod
    def shape(numbers):
        return "[" + ", ".join(map(str, numbers)) + "]"

    def ranges(self, arrays):
        rows = []
        for name, array in arrays:
            pairs = [self.shape([r.number(1), signed_bound(r)]) for r in array.one(31).many(1)]
            pairs = pairs or [self.shape([d, d]) for d in array.numbers(1)]
            rows.append(f'{{"{name}", [{", ".join(pairs)}]}}')
        return "RangeDims", f"list<{self.ints(2)}, ?>", "{" + ", ".join(rows) + "}"

    def sets(self, arrays):
        choices = [[self.shape(s.numbers(1)) for s in array.one(21).many(1)]
                   for _, array in arrays]
        entries = []
        for i in range(len(choices[0])):
            row = ", ".join(f'{{"{name}", {c[i]}}}' for (name, _), c in zip(arrays, choices))
            entries.append(f'{{"{KEY}", {{{row}}}}}')
        kind = f"dict<{self.scalar('string')}, {self.ints('?')}>"
        return "EnumeratedShapes", kind, "{" + ", ".join(sorted(entries)) + "}"

    @staticmethod
    def ints(dim):
        return f"tensor<int32, [{dim}]>"

    def flexible(self, features):
        """The function attribute, from the interface's inputs; None if all shapes are fixed."""
        arrays = sorted((f.text(1), f.one(3).one(5)) for f in features if f.one(3).has(5))
        if not any(a.has(21) or a.has(31) for _, a in arrays):
            return None
        if any(a.has(21) for _, a in arrays):
            arrays = [(n, a) for n, a in arrays if a.has(21)]
            key, kind, text = self.sets(arrays)
        else:
            arrays = [(n, a) for n, a in arrays if a.has(31)]
            key, kind, text = self.ranges(arrays)
        shapes = ", ".join(f'{{"{n}", {self.shape(a.numbers(1))}}}' for n, a in arrays)
        word = self.scalar("string")
        first = f"tuple<{word}, dict<{word}, {self.ints('?')}>>"
        return (f"tuple<{first}, tuple<{word}, dict<{word}, {kind}>>>"
                f'((("DefaultShapes", {{{shapes}}}), ("{key}", {text})))')

    # ---- the whole ----

    def function(self, name, f, features):
        inputs = sorted((i.text(1), self.type(i.one(2))) for i in f.many(1))
        flexible = self.flexible(features)
        extra = [("FlexibleShapeInformation", flexible)] if flexible else []
        attributes = self.attributes(f.many(4), extra)
        block = next(b.one(2) for b in f.many(3) if b.text(1) == f.text(2))
        return (f"    func {name}<{OPSETS[f.text(2)]}>({', '.join(f'{t} {n}' for n, t in inputs)})"
                f"{' ' if attributes else ''}{attributes} {{\n"
                + "".join(map(self.op, block.many(3)))
                + f"        }} -> ({', '.join(block.texts(2))});\n")

    def build_info(self, program, version):
        pairs = {"coremlc-component-MIL": version, "coremlc-version": version}
        for entry in program.many(4):
            if entry.text(1) == "buildInfo":
                for p in entry.one(2).one(3).one(4).many(1):
                    pairs.setdefault(self.literal(p.one(1))[1:-1], self.literal(p.one(2))[1:-1])
        text = ", ".join(f'{{"{k}", "{v}"}}' for k, v in sorted(pairs.items()))
        return f"[buildInfo = dict<{self.scalar('string')}, {self.scalar('string')}>({{{text}}})]"

    def program(self, program, description, version):
        interfaces = {f.text(1): f.many(2) for f in description.many(20)}
        functions = sorted((e.text(1), e.one(2)) for e in program.many(2))
        text = "".join(self.function(n, f, interfaces.get(n, description.many(1)))
                       for n, f in functions)
        return (f"program({'1.3' if self.new else '1.0'})\n"
                f"{self.build_info(program, version)}\n{{\n{text}}}")


def signed_bound(size_range):
    bound = size_range.number(2)
    return bound - (1 << 64) if bound >> 63 else bound
