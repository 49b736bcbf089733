# SPDX-License-Identifier: MIT
"""/v1/embeddings of an encoder, beside a model that generates."""
import base64
import os
import struct
import unittest

from serving import ServeTest
from tiny_encoder import LENGTH, expected, write_encoder


class Embeddings(ServeTest):
    @classmethod
    def more_models(cls):
        folder = os.path.join(cls.folder, "encoder")
        write_encoder(folder)
        return [f"words={folder}"]

    def ask(self, given, **more):
        return self.server.post("/v1/embeddings", dict({"model": "words", "input": given}, **more))

    def check(self, got, ids):
        for value, wanted in zip(got, expected(ids), strict=True):
            self.assertAlmostEqual(value, wanted, places=3)

    def test_one(self):
        answer = self.ask("a b").json
        self.assertEqual(answer["object"], "list")
        self.assertEqual(answer["usage"], {"prompt_tokens": 2, "total_tokens": 2})
        self.assertEqual(answer["data"][0]["object"], "embedding")
        self.check(answer["data"][0]["embedding"], [2, 3])

    def test_several(self):
        answer = self.ask(["a", "c d d", "nobody"]).json
        self.assertEqual([item["index"] for item in answer["data"]], [0, 1, 2])
        for item, ids in zip(answer["data"], ([2], [4, 5, 5], [1]), strict=True):
            self.check(item["embedding"], ids)

    def test_ids(self):
        self.check(self.ask([2, 3]).json["data"][0]["embedding"], [2, 3])
        data = self.ask([[2], [3, 4]]).json["data"]
        self.check(data[1]["embedding"], [3, 4])

    def test_base64(self):
        text = self.ask("a c", encoding_format="base64").json["data"][0]["embedding"]
        self.check(struct.unpack("<3f", base64.b64decode(text, validate=True)), [2, 4])

    def test_as_long_as_it_takes(self):
        self.check(self.ask("a " * LENGTH).json["data"][0]["embedding"], [2])
        reply = self.ask("a " * (LENGTH + 1))
        self.assertEqual((reply.status, reply.error["code"]), (400, "context_length_exceeded"))

    def test_refused(self):
        for given in (None, "", [], [""], [[]], 5, {}, [5000], [[-1]], [["a"]]):
            reply = self.ask(given)
            self.assertEqual((reply.status, reply.error["param"]), (400, "input"), reply.text)
        for field, value in (("encoding_format", "hex"), ("dimensions", 2)):
            reply = self.ask("a", **{field: value})
            self.assertEqual((reply.status, reply.error["param"]), (400, field))

    def test_each_to_its_own(self):
        for path, body in (("/v1/embeddings", {"model": "demo", "input": "a"}),
                           ("/v1/completions", {"model": "words", "prompt": "a"}),
                           ("/v1/chat/completions", {"model": "words", "messages": []}),
                           ("/v1/embeddings", {"input": "a"})):
            reply = self.server.post(path, body)
            self.assertEqual((reply.status, reply.error["param"]), (400, "model"))

    def test_described(self):
        model = self.server.get("/v1/models/words").json
        self.assertEqual((model["task"], model["context_length"]), ("embed", LENGTH))


if __name__ == "__main__":
    unittest.main()
