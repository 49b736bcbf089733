#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Loads packages with the loader of apple/coremltools, which infers the type of every op again.

usage: coremltools_check.py [-v] COREMLTOOLS PATH...

COREMLTOOLS is a checkout of apple/coremltools; nothing of it need be built. A PATH is a .mlpackage
or a directory in which they are looked for. Of every op the inferred output types must be the
declared ones, dimension by dimension (the loader itself accepts compatible ones, and does not look
at constants), and of every function the described inputs, states and outputs those of the program.
Needs numpy, sympy, protobuf, tqdm, packaging, attrs and cattrs (Debian: python3-numpy and so on).
Exit code: 0 all passed, 1 something did not, 2 wrong usage.
"""
import json
import logging
import mmap
import os
import struct
import sys
import traceback

import numpy as np

SENTINEL = 0xDEADBEEF
# Of each blob type: its code, numpy's type of an element, bits (0: whole bytes).
BLOB_TYPES = {
    "fp16": (1, np.uint16, 0), "float": (2, np.float32, 0), "uint8": (3, np.uint8, 0),
    "int8": (4, np.int8, 0), "int16": (6, np.int16, 0), "uint16": (7, np.uint16, 0),
    "int4": (8, np.int8, 4), "uint1": (9, np.uint8, 1), "uint2": (10, np.uint8, 2),
    "uint4": (11, np.uint8, 4), "uint3": (12, np.uint8, 3), "uint6": (13, np.uint8, 6),
    "int32": (14, np.int32, 0), "uint32": (15, np.uint32, 0),
}


class BlobReader:
    """Reads weight.bin as coremltools' native reader does, which a checkout lacks."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.count, version = struct.unpack_from("<II", self.data, 0)
        if version != 2:
            raise ValueError(f"{path}: blob storage version {version}")

    def __getattr__(self, name):
        kind = name[len("read_"):-len("_data")]
        if name != f"read_{kind}_data" or kind not in BLOB_TYPES:
            raise AttributeError(name)
        return lambda offset: self.read(offset, *BLOB_TYPES[kind])

    def read(self, offset, code, dtype, bits):
        sentinel, stored, size, at, padding = struct.unpack_from("<IIQQQ", self.data, offset)
        if sentinel != SENTINEL or offset % 64 or at % 64:
            raise ValueError(f"no blob at {offset}")
        if stored != code:
            raise ValueError(f"blob at {offset} has type {stored}, not {code}")
        if at + size > len(self.data):
            raise ValueError(f"blob at {offset} ends at {at + size}, the file at {len(self.data)}")
        raw = np.frombuffer(self.data, np.uint8, size, at)
        return unpack(raw, bits, size * 8 - padding, dtype) if bits else raw.view(dtype)


def unpack(raw, bits, count, dtype):
    """Elements of `bits` bits, the first in the lowest bits, as one byte each."""
    flat = np.unpackbits(raw, bitorder="little")[: count // bits * bits].reshape(-1, bits)
    values = flat @ (1 << np.arange(bits, dtype=np.uint8)).astype(np.uint8)
    if dtype is np.int8:
        values = (values ^ 8).astype(np.int8) - 8  # int4: bit 3 is the sign
    return values.astype(dtype)


def import_loader(checkout):
    """The loader's modules, with our reader where the native one is not built."""
    sys.path.insert(0, checkout)
    logging.disable(logging.WARNING)  # about native libraries, on import
    from coremltools import proto
    from coremltools.converters.mil.frontend.milproto import load
    from coremltools.converters.mil.mil import types

    if load.BlobReader is None:
        load.BlobReader = BlobReader
    return proto, load, types


def model_paths(package):
    """model.mlmodel and the directory of its weights, as the package's manifest has them."""
    with open(os.path.join(package, "Manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    item = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]
    model = os.path.join(package, "Data", item["path"])
    return model, os.path.join(os.path.dirname(model), "weights")


def find_packages(paths):
    for path in paths:
        if path.rstrip("/").endswith(".mlpackage"):
            yield path
            continue
        for root, dirs, _ in os.walk(path):
            yield from sorted(os.path.join(root, d) for d in dirs if d.endswith(".mlpackage"))
            dirs[:] = sorted(d for d in dirs if not d.endswith(".mlpackage"))


class Checker:
    """Watches the loader: counts ops and functions, and notes where types differ."""

    def __init__(self, proto, load, types):
        self.proto, self.load, self.types = proto, load, types
        self.ops = self.functions = 0
        self.place = ""
        self.names = []  # of the program's functions, in the order in which they are loaded
        self.faults = []
        self.load_function, load._load_function = load._load_function, self.function
        self.load_operation, load._load_operation = load._load_operation, self.operation

    def dims(self, type_):
        """Element type and dimensions, '?' where a dimension is open."""
        shape = type_.get_shape() if self.types.is_tensor(type_) else ()
        element = type_.get_primitive() if self.types.is_tensor(type_) else type_
        open_ = self.types.symbolic.is_symbolic
        return self.types.builtin_to_string(element), ["?" if open_(d) else int(d) for d in shape]

    def compare(self, what, declared, inferred):
        if declared != inferred:
            self.faults.append(f"{self.place}: {what}: declared {declared}, inferred {inferred}")

    def function(self, context, spec, version):
        self.functions += 1
        return self.load_function(context, spec, version)

    def operation(self, context, spec):
        self.ops += 1
        names = ", ".join(o.name for o in spec.outputs)
        self.place = f"{self.names[self.functions - 1]}: {spec.type} '{names}'"
        try:
            self.load_operation(context, spec)
        except AssertionError as error:
            # The loader raises after it registered the output, so we can go on from its type.
            if "Mismatch between var types" not in str(error):
                raise
        if spec.type == "write_state":
            return
        for output in spec.outputs:
            declared = self.load.proto_to_types(output.type)
            inferred = context.get_var_from_name(output.name).sym_type
            self.compare(output.name, self.dims(declared), self.dims(inferred))

    def features(self, what, features, variables):
        """Described inputs, outputs or states against a function's variables, by name."""
        kinds = self.proto.FeatureTypes_pb2.ArrayFeatureType
        element = {kinds.FLOAT16: "fp16", kinds.FLOAT32: "fp32", kinds.INT32: "int32"}
        described = {f.name: f.type for f in features}
        self.compare(what, sorted(described), sorted(variables))
        for name in described.keys() & variables.keys():
            type_, own = described[name], variables[name].sym_type
            state = self.types.is_state(own)
            self.compare(f"{what}: {name} is a state", type_.HasField("stateType"), state)
            array = type_.stateType.arrayType if state else type_.multiArrayType
            dtype, dims = self.dims(own.wrapped_type() if state else own)
            shape = list(array.shape) if "?" not in dims else dims  # an open one has its default
            self.compare(f"{what}: {name}", (element.get(array.dataType), shape), (dtype, dims))

    def interface(self, name, description, function):
        """What is described of a function against the program."""
        self.place = f"description of {name}"
        inputs = list(description.input) + list(description.state)
        self.features("inputs", inputs, function.inputs)
        self.features("outputs", description.output, {v.name: v for v in function.outputs})

    def package(self, path):
        """Loads a package; the number of functions and ops loaded, and the faults."""
        self.ops, self.functions, self.faults, self.place = 0, 0, [], "model"
        try:
            model, weights = model_paths(path)
            spec = self.proto.Model_pb2.Model()
            with open(model, "rb") as file:
                spec.ParseFromString(file.read())
            self.names = list(spec.mlProgram.functions)
            program = self.load.load(spec, spec.specificationVersion, weights)
            for name, description in descriptions(spec):
                self.interface(name, description, program.functions[name])
        except Exception as error:  # whatever the loader makes of a bad package is the finding
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{os.path.basename(last.filename)}:{last.lineno}"
            self.faults.append(f"{self.place}: {type(error).__name__}: {error} ({where})")
        return self.functions, self.ops, self.faults


def descriptions(spec):
    """(function name, its description) for one or many functions."""
    if spec.description.functions:
        return [(f.name, f) for f in spec.description.functions]
    return [("main", spec.description)]


def main(arguments):
    verbose = arguments[:1] == ["-v"]
    arguments = arguments[verbose:]
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    checker = Checker(*import_loader(arguments[0]))
    packages = functions = ops = failed = 0
    for path in find_packages(arguments[1:]):
        seen, loaded, faults = checker.package(path)
        packages, functions, ops = packages + 1, functions + seen, ops + loaded
        failed += bool(faults)
        if verbose or faults:
            print(f"{'FAIL' if faults else 'ok  '} {path}: {seen} functions, {loaded} ops")
        for fault in faults:
            print(f"     {fault}")
    print(f"{packages} packages, {functions} functions, {ops} ops: {failed} packages failed")
    return 1 if failed or not packages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
