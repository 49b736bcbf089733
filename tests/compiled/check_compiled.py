#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles every package below a folder and holds each file against a second writer.

model.mil, coremldata.bin and analytics/coremldata.bin must have, byte for byte, what transcribe.py
and the tables here make of the same package; weight files are copies; metadata.json is what
json.loads reads. Packages with nested blocks must be refused, saying so.

The demo model is converted and its packages are compiled too, fixtures or not.

usage: check_compiled.py ANEMONE DEMO_MODEL FIXTURES
"""
import base64
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

from protowire import Message, fields
from transcribe import KEY, Printer

ENTRY = re.compile(r'\{"([0-9a-f]{8})", (\{\{"[^}]*\}\})\}')
BLOCKS_FIELD = 4


def read(path, mode="rb"):
    with open(path, mode) as file:
        return file.read()


def packages(folder):
    for path, folders, names in os.walk(folder):
        folders.sort()
        if "Manifest.json" in names:
            folders.clear()
            yield path


def model_file(package):
    manifest = json.loads(read(os.path.join(package, "Manifest.json")))
    item = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]
    return os.path.join(package, "Data", item["path"])


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def section(name, pairs):
    return string(name) + struct.pack("<Q", len(pairs)) + b"".join(
        string(k) + string(v) for k, v in pairs)


def analytics(model, stem):
    digest = base64.b64encode(hashlib.sha256(model).digest()).decode()
    return (section("NeuralNetworkModelDetails",
                    [("containsCustomLayer", "0"), ("modelDimension", "0")])
            + section("SpecificationDetails", [("modelHash", digest), ("modelName", stem)]))


def archive(model, spec):
    description = dict(fields(model)).get(2, b"")
    parsed = Message(description)
    if not parsed.has(100):
        description += b"\xa2\x06\x00"
    head = struct.pack("<II20xQ7sB31xQ", 502, 5 if spec <= 7 else spec, 7, b"generic", spec,
                       len(description))
    return head + description + struct.pack("<IIQ", 502, 0, 0) * max(1, len(parsed.many(20)))


def without_keys(text):
    """Keys of enumerated shapes replaced; they must be sorted and unlike each other."""
    keys = [k for k, _ in ENTRY.findall(text)]
    start = text.find('("EnumeratedShapes"')
    if start < 0:
        return text
    assert keys and keys == sorted(set(keys)), "keys of enumerated shapes"
    entries = sorted(f'{{"{KEY}", {row}}}' for _, row in ENTRY.findall(text))
    parts = iter(entries)
    return ENTRY.sub(lambda _: next(parts), text)


def nested(program):
    for entry in program.many(2):
        for block in entry.one(2).many(3):
            if any(op.has(BLOCKS_FIELD) for op in block.one(2).many(3)):
                return True
    return False


def same(what, expected, got):
    if expected == got:
        return
    at = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b),
              min(len(expected), len(got)))
    raise AssertionError(f"{what}: differs at {at}: expected {expected[at - 40:at + 80]!r}, "
                         f"got {got[at - 40:at + 80]!r}")


def check_files(package, bundle, version):
    path = model_file(package)
    model = read(path)
    message = Message(model)
    spec = message.number(1)
    text = Printer(spec).program(message.one(502), message.one(2), version)
    same("model.mil", text, without_keys(read(os.path.join(bundle, "model.mil")).decode()))
    same("coremldata.bin", archive(model, spec), read(os.path.join(bundle, "coremldata.bin")))
    same("analytics", analytics(model, os.path.splitext(os.path.basename(path))[0]),
         read(os.path.join(bundle, "analytics", "coremldata.bin")))
    same("specificationVersion", spec,
         json.loads(read(os.path.join(bundle, "metadata.json")))[0]["specificationVersion"])
    weights = os.path.join(os.path.dirname(path), "weights")
    for folder, _, names in os.walk(weights):
        for name in names:
            source = os.path.join(folder, name)
            copy = os.path.join(bundle, "weights", os.path.relpath(source, weights))
            assert read(source) == read(copy), f"{copy} is no copy"


def check(anemone, package, folder, version):
    """'compiled' or 'refused'."""
    name = os.path.basename(package)
    link = os.path.join(folder, name.removesuffix(".mlpackage") + ".mlpackage")
    os.symlink(package, link)
    done = subprocess.run([anemone, "compile", link, "-o", folder], capture_output=True, text=True)
    bundle = link.removesuffix(".mlpackage") + ".mlmodelc"
    if nested(Message(read(model_file(package))).one(502)):
        assert done.returncode == 6 and "nested blocks" in done.stderr, "nested blocks not refused"
        assert os.listdir(folder) == [os.path.basename(link)], "a refusal left files"
        return "refused"
    assert done.returncode == 0, done.stderr
    check_files(package, bundle, version)
    return "compiled"


def check_all(anemone, folder, version):
    """How many packages had which result."""
    counts = {}
    for package in packages(os.path.abspath(folder)):
        with tempfile.TemporaryDirectory() as place:
            try:
                result = check(anemone, package, place, version)
            except AssertionError as error:
                print(f"{package}: {error}")
                result = "failed"
            counts[result] = counts.get(result, 0) + 1
    print(f"{folder}: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    return counts


def main():
    anemone, demo, fixtures = sys.argv[1:]
    version = subprocess.run([anemone, "--version"], capture_output=True, text=True,
                             check=True).stdout.split()[1]
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([anemone, "convert", demo, "-o", place, "--lut2", "4", "--lut3", "6"],
                       check=True, capture_output=True)
        failed = set(check_all(anemone, place, version)) != {"compiled"}
    if not os.path.isdir(fixtures):
        print(f"SKIPPED: {fixtures} is absent (set ANM_FIXTURES)")
        return failed
    counts = check_all(anemone, fixtures, version)
    return failed or "failed" in counts or counts.get("compiled", 0) < 91


if __name__ == "__main__":
    sys.exit(main())
