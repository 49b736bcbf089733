# SPDX-License-Identifier: MIT
"""Reads protobuf messages from their bytes, without a schema: enough for a second opinion on
CoreML model files that shares no code with the library."""
import struct


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def signed(value, bits=64):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def fields(data):
    """(number, value) in the order of the file; a length-delimited value is bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            size = {1: 8, 5: 4}[wire]
            value, at = data[at:at + size], at + size
        yield key >> 3, value


class Message:
    def __init__(self, data):
        self.data = data
        self.values = {}
        for number, value in fields(data):
            self.values.setdefault(number, []).append(value)

    def has(self, number):
        return number in self.values

    def number(self, field, default=0):
        return self.values.get(field, [default])[-1]

    def text(self, field):
        return self.values.get(field, [b""])[-1].decode()

    def one(self, field):
        """A message; of an absent field the empty one."""
        return Message(self.values.get(field, [b""])[-1])

    def many(self, field):
        return [Message(v) for v in self.values.get(field, [])]

    def texts(self, field):
        return [v.decode() for v in self.values.get(field, [])]

    def numbers(self, field, bits=64):
        """Repeated integers, packed or not."""
        out = []
        for value in self.values.get(field, []):
            if isinstance(value, int):
                out.append(signed(value, bits))
            else:
                at = 0
                while at < len(value):
                    number, at = varint(value, at)
                    out.append(signed(number, bits))
        return out

    def reals(self, field, letter):
        """Repeated floats ("f") or doubles ("d"), packed or not."""
        data = b"".join(self.values.get(field, []))
        return list(struct.unpack(f"<{len(data) // struct.calcsize(letter)}{letter}", data))
