# SPDX-License-Identifier: MIT
"""The server through the npm package openai, installed by `npm ci` in this folder."""
import os
import shutil
import subprocess
import unittest

from serving import ServeTest
from tiny_encoder import write_encoder

HERE = os.path.dirname(os.path.abspath(__file__))


def reason_to_skip():
    if not shutil.which("node"):
        return "node is not installed"
    if not os.path.isdir(os.path.join(HERE, "node_modules", "openai")):
        return f"the openai package is not there: npm ci --prefix {HERE}"
    return None


class OpenAI(ServeTest):
    arguments = ("--api-key", "test-key", "--sessions", "8")

    @classmethod
    def more_models(cls):
        folder = os.path.join(cls.folder, "encoder")
        write_encoder(folder)
        return [f"words={folder}"]

    def test_client(self):
        url = f"http://127.0.0.1:{self.server.port}/v1"
        done = subprocess.run(["node", os.path.join(HERE, "openai_client.mjs"), url, "words"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        self.assertEqual(done.stdout.count(b"ok "), 10, done.stdout.decode())


if reason_to_skip():
    print(f"SKIPPED: {reason_to_skip()}", flush=True)
    os._exit(77)
